"""HMAC (RFC 2104) and HKDF (RFC 5869) with SHA-256, of hashlib alone. No I/O, no secrets kept.

MicroPython's hashlib has no block size to ask for and no copy(): both are written out here.
"""

import hashlib

HASH_SIZE = 32
_BLOCK = 64


def sha256(data: bytes) -> bytes:
    """SHA-256 of `data`."""
    return hashlib.sha256(data).digest()


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    """The authentication code (32 bytes) of `message` under a key of any length."""
    if len(key) > _BLOCK:
        key = sha256(key)
    key = key + bytes(_BLOCK - len(key))
    inner = sha256(bytes([octet ^ 0x36 for octet in key]) + message)
    return sha256(bytes([octet ^ 0x5C for octet in key]) + inner)


def extract(salt: bytes, secret: bytes) -> bytes:
    """The pseudorandom key (32 bytes) in `secret`; no salt is one of zeros (RFC 5869, 2.2)."""
    return hmac_sha256(salt or bytes(HASH_SIZE), secret)


def expand(prk: bytes, info: bytes, size: int) -> bytes:
    """`size` bytes (1..8160) for the purpose `info` (RFC 5869, 2.3)."""
    assert 0 < size <= 255 * HASH_SIZE
    made, block, number = b"", b"", 1
    while len(made) < size:
        block = hmac_sha256(prk, block + info + bytes([number]))
        made += block
        number += 1
    return made[:size]


def is_same(one: bytes, other: bytes) -> bool:
    """Whether two secrets are equal; how long it takes tells only their length."""
    if len(one) != len(other):
        return False
    difference = 0
    for a, b in zip(one, other):  # noqa: B905 - MicroPython's zip has no `strict`.
        difference |= a ^ b
    return difference == 0
