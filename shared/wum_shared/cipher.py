"""What cose.py needs from cryptography. A port supplies it: nothing is computed here.

PyNaCl does all of it on CPython; a board brings its own.
"""


class Cipher:
    """ChaCha20/Poly1305 with a 12-byte nonce (RFC 8439, 2.8)."""

    def encrypt(self, key: bytes, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
        """Ciphertext and then the tag of 16 bytes. `key` has 32 bytes, `nonce` 12."""
        raise NotImplementedError

    def decrypt(self, key: bytes, nonce: bytes, ciphertext: bytes, aad: bytes) -> bytes | None:
        """The plaintext; None when the tag does not hold."""
        raise NotImplementedError


class Signer:
    """Ed25519, private side (RFC 8032, 5.1)."""

    def sign(self, seed: bytes, message: bytes) -> bytes:
        """Signature (64 bytes) by the private key that `seed` (32 bytes) gives."""
        raise NotImplementedError


class Verifier:
    """Ed25519, public side (RFC 8032, 5.1)."""

    def verify(self, public_key: bytes, message: bytes, signature: bytes) -> bool:
        """Whether `signature` over `message` is by the holder of `public_key` (32 bytes)."""
        raise NotImplementedError


class Agreement:
    """X25519 (RFC 7748, 5)."""

    def public(self, secret: bytes) -> bytes:
        """The public key (32 bytes) of `secret` (32 bytes)."""
        raise NotImplementedError

    def shared(self, secret: bytes, public_key: bytes) -> bytes | None:
        """What both sides agree on (32 bytes); None for a public key that is none."""
        raise NotImplementedError
