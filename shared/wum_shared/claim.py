"""Claim codes: what the label of a new concentrator says, and the secrets that follow from it.

A code is 128 random bits, made on the concentrator's first start and used once. A person types it
or scans it; both sides derive the same secrets, each for one purpose (HKDF, RFC 5869), and neither
ever sends the code. Left out: the messages that they guard (enrolment.py). Written in Crockford's
base 32: no I, L, O or U, and what is typed instead of a digit is read as that digit.
"""

from binascii import hexlify
from collections import namedtuple

from wum_shared.errors import Malformed
from wum_shared.ids import CONCENTRATOR_SIZE
from wum_shared.kdf import expand, extract, sha256
from wum_shared.messages import DirectionKey

CODE_SIZE = 16
QR_PREFIX = "WUM1:"         # What the picture holds before the code.
_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CODE_DIGITS = 26           # 130 bits: the last two are zero.
_CHECK_DIGITS = 2           # 10 bits of SHA-256: a slip passes once in 1024 times.
_GROUP = 4
_SALT = b"wum claim 1"


class ClaimSecrets(namedtuple("ClaimSecrets", ("name", "password", "enrol", "grant"))):
    """What a code gives: a user `name` (8 bytes) and `password` at the broker until the grant, the
    key (32 bytes) that proves the request, and the keys that seal the grant."""

    __slots__ = ()
    name: bytes
    password: str
    enrol: bytes
    grant: DirectionKey

    def __repr__(self) -> str:
        return "ClaimSecrets(hidden)"


def code_to_text(code: bytes) -> str:
    """The code as it is printed: seven groups of four, the last two digits are a check."""
    assert len(code) == CODE_SIZE
    bits = int.from_bytes(code, "big") << 2
    digits = [_DIGITS[bits >> 5 * place & 31] for place in range(_CODE_DIGITS - 1, -1, -1)]
    text = "".join(digits) + _check(code)
    return "-".join([text[i:i + _GROUP] for i in range(0, len(text), _GROUP)])


def code_from_text(text: str) -> bytes:
    """The code in what somebody typed or scanned. Raises Malformed; its text shows no code."""
    text = text.strip().upper()
    if text.startswith(QR_PREFIX):
        text = text[len(QR_PREFIX):]
    for typed, meant in (("-", ""), (" ", ""), ("I", "1"), ("L", "1"), ("O", "0")):
        text = text.replace(typed, meant)
    if len(text) != _CODE_DIGITS + _CHECK_DIGITS:
        raise Malformed("claim code: wanted %d letters and digits, got %d" % (
            _CODE_DIGITS + _CHECK_DIGITS, len(text)))
    bits = 0
    for c in text[:_CODE_DIGITS]:
        if c not in _DIGITS:
            raise Malformed("claim code: it holds a character that no code has")
        bits = bits << 5 | _DIGITS.index(c)
    code = (bits >> 2).to_bytes(CODE_SIZE, "big")
    if bits & 3 or text[_CODE_DIGITS:] != _check(code):
        raise Malformed("claim code: a letter or digit of it is wrong")
    return code


def secrets_of(code: bytes) -> ClaimSecrets:
    """The secrets that follow from a code."""
    assert len(code) == CODE_SIZE
    prk = extract(_SALT, code)
    grant = expand(prk, b"grant", 44)
    return ClaimSecrets(
        expand(prk, b"name", CONCENTRATOR_SIZE), hexlify(expand(prk, b"broker", 24)).decode(),
        expand(prk, b"enrol", 32), DirectionKey(grant[:32], grant[32:]))


def _check(code: bytes) -> str:
    digest = sha256(_SALT + code)
    bits = digest[0] << 2 | digest[1] >> 6
    return _DIGITS[bits >> 5] + _DIGITS[bits & 31]
