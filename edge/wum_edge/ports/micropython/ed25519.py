"""Ed25519 on a board: signatures made and verified, in big integers. RFC 8032, 5.1.

As strict as the library on Linux: S below the group's order, a public key in its one encoding and
not of small order, and R compared as bytes. Not constant time: how long a big integer takes tells
something of its value. Signing alone touches a secret, and where it may be timed stands in
docs/boards.md. Left out: where keys lie (claiming.py).
"""

try:
    from wum_edge.ports.micropython.sha512_viper import sha512
except (ImportError, SyntaxError, AttributeError, ValueError):   # No code emitter, or another's.
    from wum_edge.ports.micropython.sha512_plain import sha512
from wum_shared import cipher

_P = (1 << 255) - 19
_L = (1 << 252) + 0x14DEF9DEA2F79CD65812631A5CF5D3ED         # Order of the base point.
_D = 0x52036CEE2B6FFE738CC740797779E89800700A4D4141D8AB75EB4DCA135978A3
_ROOT = 0x2B8324804FC1DF0B2B4D00993DFBD7A72F431806AD2FE478C4EE1B274A0EA0B0    # Of -1.
_BASE_Y = 0x6666666666666666666666666666666666666666666666666666666666666658
_LOW_255 = (1 << 255) - 1
_INVERSE, _SQUARE_ROOT = _P - 2, (_P - 5) // 8               # Exponents.
_NEUTRAL = (0, 1, 1, 0)                  # x / z, y / z, and t = x y / z.


class Signer(cipher.Signer):
    """The keys of the seed that signed last are kept: to make them takes as long as to sign."""

    def __init__(self):
        self._seed, self._keys = b"", (0, b"", b"")

    def sign(self, seed, message):
        """See Signer.sign. No chance is needed: what a message is signed with follows from it."""
        public_key = self.public(seed)
        scalar, prefix, _ = self._keys
        once = _number(sha512(prefix + message)) % _L
        point = _encoded(_times_base(once))
        said = _number(sha512(point + public_key + message)) % _L
        return point + ((once + said * scalar) % _L).to_bytes(32, "little")

    def public(self, seed):
        """The public key of a seed."""
        if seed != self._seed:
            self._seed, self._keys = seed, _keys_of(seed)
        return self._keys[2]


class Verifier(cipher.Verifier):
    """Keeps nothing."""

    def verify(self, public_key, message, signature):
        """See Verifier.verify."""
        if len(public_key) != 32 or len(signature) != 64:
            return False
        s = _number(signature[32:])
        key = _decoded(public_key)
        if s >= _L or key is None or _is_small(key):
            return False
        point = bytes(signature[:32])
        said = _number(sha512(point + public_key + message)) % _L
        found = _walked(_sums(_negative(key)), _pairs(s, said), 2)
        return _encoded(found) == point and not _is_small(found)


def _keys_of(seed):
    """(secret scalar, what makes its signatures unforeseeable, public key) (5.1.5)."""
    assert len(seed) == 32
    made = sha512(seed)
    scalar = _number(made[:32]) & (1 << 254) - 8 | 1 << 254
    return scalar, made[32:], _encoded(_times_base(scalar))


def _number(data):
    return int.from_bytes(data, "little")


def _doubled(point):
    """(5.1.4)"""
    x, y, z, _ = point
    a = x * x % _P
    b = y * y % _P
    h = a + b
    e = h - (x + y) * (x + y) % _P
    g = a - b
    f = 2 * z * z % _P + g
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _prepared(point):
    """As what is added: y - x, y + x, 2 z and 2 d t."""
    x, y, z, t = point
    return y - x, y + x, 2 * z, 2 * _D * t % _P


def _added(point, other):
    """(5.1.4); complete: the same steps for every pair. `other` is prepared."""
    x, y, z, t = point
    less, more, twice_z, dt = other
    a = (y - x) * less % _P
    b = (y + x) * more % _P
    c = t * dt % _P
    d = z * twice_z % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _negative(point):
    x, y, z, t = point
    return -x % _P, y, z, -t % _P


def _multiples(point, count):
    """0, 1 ... times `point`."""
    made, prepared = [_NEUTRAL], _prepared(point)
    while len(made) < count:
        made.append(_added(made[-1], prepared))
    return made


def _sums(point):
    """At place 4 i + j: i times the base point and j times `point`, prepared."""
    others = [_prepared(one) for one in _multiples(point, 4)]
    return [_prepared(_added(one, other)) for one in _multiples(_BASE, 4) for other in others]


def _walked(table, digits, doublings):
    """The sum of what `digits` choose in `table`, each digit `doublings` places above the next.
    Every digit takes the same steps: at 0 stands the neutral point.
    """
    point = _NEUTRAL
    for digit in digits:
        for _ in range(doublings):
            point = _doubled(point)
        point = _added(point, table[digit])
    return point


def _times_base(scalar):
    """Made anew each time: 16 points that are kept would be 4 kB of heap for a tenth of the time.
    """
    return _walked([_prepared(one) for one in _multiples(_BASE, 16)], _digits(scalar), 4)


def _digits(scalar):
    """Of four bits, the highest first."""
    for octet in scalar.to_bytes(32, "big"):
        yield octet >> 4
        yield octet & 15


def _pairs(one, other):
    """Two bits of one and two of the other as a digit, the highest first."""
    ones, others = one.to_bytes(32, "big"), other.to_bytes(32, "big")
    for place in range(32):
        for shift in (6, 4, 2, 0):
            yield (ones[place] >> shift & 3) << 2 | others[place] >> shift & 3


def _is_small(point):
    """Whether it is one of the eight points that say nothing of who made them."""
    for _ in range(3):
        point = _doubled(point)
    return point[0] == 0 and point[1] == point[2]


def _encoded(point):
    """(5.1.2)"""
    x, y, z, _ = point
    inverse = pow(z, _INVERSE, _P)
    return (y * inverse % _P | (x * inverse % _P & 1) << 255).to_bytes(32, "little")


def _decoded(data):
    """(5.1.3); None for what is no point, or another encoding of one."""
    y = _number(data)
    sign, y = y >> 255, y & _LOW_255
    if y >= _P:
        return None
    u, v = (y * y - 1) % _P, (_D * y * y + 1) % _P
    cube = v * v % _P * v % _P
    x = u * cube * pow(u * cube * cube * v % _P, _SQUARE_ROOT, _P) % _P
    found = v * x * x % _P
    if found == -u % _P:
        x = x * _ROOT % _P
    elif found != u:
        return None
    if x == 0 and sign:
        return None
    if x & 1 != sign:
        x = _P - x
    return x, y, 1, x * y % _P


_BASE = _decoded(_BASE_Y.to_bytes(32, "little"))
