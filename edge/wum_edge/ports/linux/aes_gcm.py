"""AES-GCM for DLMS meters, by the cryptography package. PyNaCl has no AES-128."""

from wum_edge.meters.dlms import ciphering


class AesGcm(ciphering.AesGcm):
    """AES-128 with nonces of 12 bytes (SP 800-38D)."""

    def seal(self, key: bytes, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
        """Ciphertext, then the whole tag of 16 bytes."""
        # Late: its library takes 9 MB, and most concentrators have no ciphered meter.
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        return AESGCM(key).encrypt(nonce, plaintext, aad)
