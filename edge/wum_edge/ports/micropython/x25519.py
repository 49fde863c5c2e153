"""X25519 on a board: what two sides agree on, in big integers. RFC 7748, 5.

The same steps for every secret, but not constant time: how long a big integer takes tells something
of its value (docs/boards.md). Secrets of openings are used once.
"""

from wum_shared import cipher

_P = (1 << 255) - 19
_A24 = 121665
_INVERSE = _P - 2             # An exponent.
_BASE = b"\x09" + bytes(31)


class Agreement(cipher.Agreement):
    """Refuses what leaves no secret."""

    def public(self, secret):
        """See Agreement.public."""
        return _multiplied(secret, _BASE)

    def shared(self, secret, public_key):
        """See Agreement.shared. All zero is what a key of small order agrees on with everybody."""
        if len(public_key) != 32:
            return None
        found = _multiplied(secret, public_key)
        return None if found == bytes(32) else found


def _multiplied(secret, public_key):
    """The ladder of Montgomery: at each bit a doubling and an addition."""
    assert len(secret) == 32
    scalar = int.from_bytes(secret, "little") & (1 << 254) - 8 | 1 << 254
    u = int.from_bytes(public_key, "little") & (1 << 255) - 1
    x2, z2, x3, z3, swapped = 1, 0, u, 1, 0
    for octet in scalar.to_bytes(32, "big"):
        for place in range(7, -1, -1):
            bit = octet >> place & 1
            if bit != swapped:
                x2, z2, x3, z3 = x3, z3, x2, z2
            swapped = bit
            a, b = x2 + z2, x2 - z2
            aa, bb = a * a % _P, b * b % _P
            e = aa - bb
            da, cb = (x3 - z3) * a % _P, (x3 + z3) * b % _P
            x3, z3 = (da + cb) * (da + cb) % _P, (da - cb) * (da - cb) % _P * u % _P
            x2, z2 = aa * bb % _P, e * (aa + _A24 * e) % _P
    if swapped:
        x2, z2 = x3, z3
    return (x2 * pow(z2, _INVERSE, _P) % _P).to_bytes(32, "little")
