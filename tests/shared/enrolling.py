"""Doubles of signatures and agreement for tests that MicroPython runs: right in form, not secure.

The signature shows who signed and what; the agreement is Diffie-Hellman over a small field.
"""

from wum_shared.cipher import Agreement, Signer, Verifier
from wum_shared.kdf import hmac_sha256, sha256

_PRIME = 2**255 - 19


class PlainSignatures(Signer, Verifier):
    """A key pair is a seed and its hash; whoever has the public key could sign."""

    def public(self, seed):
        return sha256(b"public" + seed)

    def sign(self, seed, message):
        code = hmac_sha256(self.public(seed), message)
        return code + code

    def verify(self, public_key, message, signature):
        code = hmac_sha256(public_key, message)
        return signature == code + code


class PlainAgreement(Agreement):
    """Powers of two modulo a prime."""

    def public(self, secret):
        return pow(2, int.from_bytes(secret[:16], "little"), _PRIME).to_bytes(32, "little")

    def shared(self, secret, public_key):
        other = int.from_bytes(public_key, "little")
        if other in (0, 1):
            return None
        return pow(other, int.from_bytes(secret[:16], "little"), _PRIME).to_bytes(32, "little")
