"""ChaCha20/Poly1305 by libsodium, through PyNaCl."""

from nacl import bindings
from nacl.exceptions import CryptoError

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
