"""AES-GCM for DLMS meters, by the cryptography package. PyNaCl has no AES-128."""

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from wum_edge.meters.dlms import ciphering


class AesGcm(ciphering.AesGcm):
    """AES-128 with nonces of 12 bytes (SP 800-38D)."""

    def seal(self, key: bytes, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
        """Ciphertext, then the whole tag of 16 bytes."""
        return AESGCM(key).encrypt(nonce, plaintext, aad)
