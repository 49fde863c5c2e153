"""The contract's cryptography from libsodium, as wum_shared/cipher.py asks for it."""

import nacl.bindings
from nacl.exceptions import CryptoError

from wum_shared import cipher


class SodiumCipher(cipher.Cipher):
    """ChaCha20/Poly1305 with a 12-byte nonce (RFC 8439, 2.8)."""

    def encrypt(self, key: bytes, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
        """Ciphertext and then the tag of 16 bytes."""
        return nacl.bindings.crypto_aead_chacha20poly1305_ietf_encrypt(plaintext, aad, nonce, key)

    def decrypt(self, key: bytes, nonce: bytes, ciphertext: bytes, aad: bytes) -> bytes | None:
        """The plaintext; None when the tag does not hold."""
        try:
            return nacl.bindings.crypto_aead_chacha20poly1305_ietf_decrypt(
                ciphertext, aad, nonce, key)
        except CryptoError:
            return None


class SodiumVerifier(cipher.Verifier):
    """Ed25519, public side (RFC 8032, 5.1)."""

    def verify(self, public_key: bytes, message: bytes, signature: bytes) -> bool:
        """Whether `signature` over `message` is by the holder of `public_key`."""
        try:
            nacl.bindings.crypto_sign_open(signature + message, public_key)
        except CryptoError:
            return False
        return True


class SodiumSigner(cipher.Signer):
    """Ed25519, private side (RFC 8032, 5.1)."""

    def sign(self, seed: bytes, message: bytes) -> bytes:
        """Signature of 64 bytes."""
        _, secret = nacl.bindings.crypto_sign_seed_keypair(seed)
        return bytes(nacl.bindings.crypto_sign(message, secret)[:64])

    @staticmethod
    def public(seed: bytes) -> bytes:
        """The public key of a seed, 32 bytes both."""
        return bytes(nacl.bindings.crypto_sign_seed_keypair(seed)[0])


class SodiumAgreement(cipher.Agreement):
    """X25519 (RFC 7748, 5)."""

    def public(self, secret: bytes) -> bytes:
        """The public key of `secret`."""
        return bytes(nacl.bindings.crypto_scalarmult_base(secret))

    def shared(self, secret: bytes, public_key: bytes) -> bytes | None:
        """What both sides agree on; None for a key of small order."""
        try:
            return bytes(nacl.bindings.crypto_scalarmult(secret, public_key))
        except (CryptoError, RuntimeError):   # libsodium says so where the result is zero.
            return None
