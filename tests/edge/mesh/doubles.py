"""A seal that both Pythons can compute, for tests. It hides nothing."""

from hashlib import sha256

from wum_edge.mesh.guard import Seal


class DigestSeal(Seal):
    """A tag of four bytes over everything; the text itself is left as it is."""

    def __init__(self, key):
        self._key = key

    def _tag(self, nonce, plain, aad):
        return sha256(self._key + nonce + aad + plain).digest()[:4]

    def seal(self, nonce, plain, aad):
        return plain + self._tag(nonce, plain, aad)

    def open(self, nonce, sealed, aad):
        plain = sealed[:-4]
        return plain if sealed[-4:] == self._tag(nonce, plain, aad) else None
