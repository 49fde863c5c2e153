"""The mesh's AES-CCM by the cryptography package."""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from wum_edge.mesh import guard
from wum_edge.mesh.ccm import TAG_SIZE


class Seal(guard.Seal):
    """What mesh/ccm.py computes, sooner."""

    def __init__(self, key: bytes) -> None:
        self._ccm = AESCCM(key, tag_length=TAG_SIZE)

    def seal(self, nonce: bytes, plain: bytes, aad: bytes) -> bytes:
        return self._ccm.encrypt(nonce, plain, aad)

    def open(self, nonce: bytes, sealed: bytes, aad: bytes) -> bytes | None:
        try:
            return self._ccm.decrypt(nonce, sealed, aad)
        except (InvalidTag, ValueError):
            return None
