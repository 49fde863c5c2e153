"""ChaCha20/Poly1305, Ed25519 and X25519 by libsodium, through PyNaCl."""

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


class Signatures(cipher.Signer, cipher.Verifier):
    """Ed25519 (RFC 8032, 5.1)."""

    def sign(self, seed: bytes, message: bytes) -> bytes:
        """Signature of 64 bytes."""
        _, secret = bindings.crypto_sign_seed_keypair(seed)
        return bytes(bindings.crypto_sign(message, secret)[:bindings.crypto_sign_BYTES])

    def verify(self, public_key: bytes, message: bytes, signature: bytes) -> bool:
        """Whether the signature holds."""
        try:
            bindings.crypto_sign_open(signature + message, public_key)
        except CryptoError:
            return False
        return True

    @staticmethod
    def public(seed: bytes) -> bytes:
        """The public key of a seed."""
        return bytes(bindings.crypto_sign_seed_keypair(seed)[0])


class Agreement(cipher.Agreement):
    """X25519 (RFC 7748, 5)."""

    def public(self, secret: bytes) -> bytes:
        """The public key of `secret`."""
        return bytes(bindings.crypto_scalarmult_base(secret))

    def shared(self, secret: bytes, public_key: bytes) -> bytes | None:
        """What both sides agree on; None for a key of small order."""
        try:
            return bytes(bindings.crypto_scalarmult(secret, public_key))
        except (CryptoError, RuntimeError):   # libsodium says so where the result is zero.
            return None
