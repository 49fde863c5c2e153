"""AES for meters: GCM for DLMS, CBC for M-Bus, over the blocks that cryptolib gives.

Left out: AES itself, and GHASH (ghash_viper.py, ghash_plain.py). NIST SP 800-38D and 800-38A.
"""

from struct import pack_into

import cryptolib

from wum_edge.meters.dlms import ciphering
from wum_edge.meters.mbus import cipher

try:
    from wum_edge.ports.micropython.ghash_viper import ghash, mix
except (ImportError, SyntaxError, AttributeError, ValueError):   # No code emitter, or another's.
    from wum_edge.ports.micropython.ghash_plain import ghash, mix

_ECB, _CBC = 1, 2
_BLOCK = 16


class AesGcm(ciphering.AesGcm):
    """AES-128 with nonces of 12 bytes."""

    def seal(self, key, nonce, plaintext, aad):
        """See ciphering.AesGcm."""
        block = cryptolib.aes(key, _ECB)
        h = block.encrypt(bytes(_BLOCK))
        count = (len(plaintext) + _BLOCK - 1) // _BLOCK + 1
        stream = bytearray(_BLOCK * count)
        for number in range(count):
            stream[_BLOCK * number:_BLOCK * number + 12] = nonce
            pack_into(">I", stream, _BLOCK * number + 12, number + 1)
        block.encrypt(stream, stream)
        sealed = bytearray(plaintext)
        mix(sealed, stream, _BLOCK)
        tag = bytearray(ghash(h, aad, sealed))
        mix(tag, stream, 0)
        sealed.extend(tag)
        return bytes(sealed)


class AesCbc(cipher.AesCbc):
    """AES-128 in CBC."""

    def open(self, key, vector, data):
        """See cipher.AesCbc."""
        return cryptolib.aes(key, _CBC, vector).decrypt(data)
