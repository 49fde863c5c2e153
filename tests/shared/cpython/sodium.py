"""libsodium as wum_shared.cipher asks for it, for the tests that need the real thing."""

from nacl import bindings, exceptions

from wum_shared.cipher import Cipher, Signer, Verifier


class Sodium(Cipher, Signer, Verifier):
    """ChaCha20/Poly1305 and Ed25519."""

    def encrypt(self, key: bytes, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
        """Ciphertext and tag."""
        return bindings.crypto_aead_chacha20poly1305_ietf_encrypt(plaintext, aad, nonce, key)

    def decrypt(self, key: bytes, nonce: bytes, ciphertext: bytes, aad: bytes) -> bytes | None:
        """The plaintext, or None."""
        try:
            return bindings.crypto_aead_chacha20poly1305_ietf_decrypt(ciphertext, aad, nonce, key)
        except exceptions.CryptoError:
            return None

    def sign(self, seed: bytes, message: bytes) -> bytes:
        """Signature of 64 bytes."""
        return bindings.crypto_sign(message, bindings.crypto_sign_seed_keypair(seed)[1])[:64]

    def verify(self, public_key: bytes, message: bytes, signature: bytes) -> bool:
        """Whether the signature holds."""
        try:
            bindings.crypto_sign_open(signature + message, public_key)
        except exceptions.BadSignatureError:
            return False
        return True
