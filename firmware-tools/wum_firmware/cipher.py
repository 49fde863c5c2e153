"""Ed25519 by libsodium (PyNaCl), as wum_shared.cipher asks for it."""

from nacl import bindings
from nacl.exceptions import BadSignatureError

from wum_shared.cipher import Signer, Verifier


class Ed25519(Signer, Verifier):
    """Signs with a seed of 32 bytes and verifies with the public key of 32 bytes."""

    def sign(self, seed: bytes, message: bytes) -> bytes:
        """Signature of 64 bytes (RFC 8032, 5.1.6)."""
        _, secret = bindings.crypto_sign_seed_keypair(seed)
        signature: bytes = bindings.crypto_sign(message, secret)[:bindings.crypto_sign_BYTES]
        return signature

    def verify(self, public_key: bytes, message: bytes, signature: bytes) -> bool:
        """Whether `signature` holds (RFC 8032, 5.1.7)."""
        try:
            bindings.crypto_sign_open(signature + message, public_key)
        except BadSignatureError:
            return False
        return True


def public_key(seed: bytes) -> bytes:
    """The public key (32 bytes) of the identity whose seed this is."""
    key: bytes = bindings.crypto_sign_seed_keypair(seed)[0]
    return key
