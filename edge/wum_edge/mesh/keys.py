"""The mesh's keys: one for the network, from which each epoch has its own. FIPS 198-1 over SHA-256.

Left out: AES-CCM (ccm.py), how the network's key comes to a station (joining.py).
"""

from hashlib import sha256

KEY_SIZE = 16
_BLOCK = 64


def hmac(key: bytes, text: bytes) -> bytes:
    """HMAC-SHA-256 with a key of at most 64 bytes."""
    assert len(key) <= _BLOCK
    padded = key + bytes(_BLOCK - len(key))
    inner = sha256(bytes([byte ^ 0x36 for byte in padded]) + text).digest()
    return sha256(bytes([byte ^ 0x5C for byte in padded]) + inner).digest()


def epoch_key(network_key: bytes, epoch: int) -> bytes:
    """The key that seals every frame of an epoch: who has only this one reads no other epoch."""
    return hmac(network_key, b"WUM mesh frames" + epoch.to_bytes(4, "big"))[:KEY_SIZE]


def network_of(network_key: bytes, epoch: int) -> int:
    """What stands in the headers of an epoch: 1..65535, so that foreign frames are dropped before
    anything is opened, and 0 is nobody's (joining.py).
    """
    found = hmac(network_key, b"WUM mesh network" + epoch.to_bytes(4, "big"))
    return int.from_bytes(found[:2], "big") % 0xFFFF + 1
