"""ChaCha20/Poly1305 by libsodium, through PyNaCl; AES-GCM for DLMS meters by cryptography."""

from nacl import bindings
from nacl.exceptions import CryptoError

from wum_edge.meters.dlms import ciphering
from wum_shared import cipher


class Cipher(cipher.Cipher):
    """RFC 8439, 2.8."""

    def encrypt(self, key: bytes, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
        """Ciphertext and then the tag of 16 bytes."""
        return bindings.crypto_aead_chacha20poly1305_ietf_encrypt(plaintext, aad, nonce, key)

    def decrypt(self, key: bytes, nonce: bytes, ciphertext: bytes, aad: bytes) -> bytes | None:
        """The plaintext; None when the tag does not hold."""
        try:
            return bindings.crypto_aead_chacha20poly1305_ietf_decrypt(ciphertext, aad, nonce, key)
        except CryptoError:
            return None


class AesGcm(ciphering.AesGcm):
    """AES-128-GCM for DLMS, by the `cryptography` package."""

    def seal(self, key: bytes, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
        """Ciphertext, then the whole tag of 16 bytes."""
        # Late: it takes 8 MB, which a gateway without ciphered meters need not spend.
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        return AESGCM(key).encrypt(nonce, plaintext, aad)
