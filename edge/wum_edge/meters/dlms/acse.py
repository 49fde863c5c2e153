"""Opening and ending an association: AARQ, AARE, RLRQ, RLRE, and the Initiate APDUs inside.

Left out: when they are said (association.py) and how the Initiate APDU is ciphered (ciphering.py).
BER of ISO/IEC 8650; Green Book 9.4.2.
"""

from collections import namedtuple
from struct import pack

from wum_edge.meters.dlms.axdr import Cursor, length_bytes, octet_string
from wum_edge.meters.dlms.errors import DlmsMalformed

AARQ_TAG, AARE_TAG, RLRQ_TAG, RLRE_TAG = 0x60, 0x61, 0x62, 0x63
LN, SN, LN_CIPHERED, SN_CIPHERED = 1, 2, 3, 4          # Application contexts.
LOWEST, LLS, HLS, HLS_MD5, HLS_SHA1, HLS_GMAC, HLS_SHA256, HLS_ECDSA = 0, 1, 2, 3, 4, 5, 6, 7
_OID = b"\x60\x85\x74\x05\x08"                          # 2.16.756.5.8, the DLMS UA.
ACCEPTED = 0
AUTHENTICATION_REQUIRED = 14                            # Diagnostic of a pending HLS.
DIAGNOSTICS = {                                         # Of the ACSE service user.
    0: "no reason given", 1: "no reason given", 2: "application-context-name-not-supported",
    3: "calling-AP-title-not-recognized", 4: "calling-AP-invocation-identifier-not-recognized",
    5: "calling-AE-qualifier-not-recognized", 6: "calling-AE-invocation-identifier-not-recognized",
    7: "called-AP-title-not-recognized", 11: "authentication-mechanism-name-not-recognised",
    12: "authentication-mechanism-name-required", 13: "authentication-failure",
    14: "authentication-required",
}
# Conformance bits, from the left (Green Book 9.4.6.1).
GENERAL_PROTECTION, GENERAL_BLOCKS = 1, 2
SET_BLOCKS, GET_BLOCKS, ACTION_BLOCKS, LISTS = 12, 11, 13, 14
DATA_NOTIFICATION, GET, SET, SELECTIVE, EVENT, ACTION = 16, 19, 20, 21, 22, 23


class Aarq(namedtuple("Aarq", ("context", "system_title", "mechanism", "secret", "user"))):
    """A request. `system_title` is empty without ciphering; `mechanism` LOWEST has no `secret`."""

    __slots__ = ()
    context: int
    system_title: bytes
    mechanism: int
    secret: bytes
    user: bytes

    def encode(self) -> bytes:
        """The APDU."""
        body = _tlv(0xA1, _tlv(0x06, _OID + bytes([1, self.context])))
        if self.system_title:
            body += _tlv(0xA6, _tlv(0x04, self.system_title))
        if self.mechanism:
            body += b"\x8a\x02\x07\x80" + _tlv(0x8B, _OID + bytes([2, self.mechanism]))
            body += _tlv(0xAC, _tlv(0x80, self.secret))
        return _tlv(AARQ_TAG, body + _tlv(0xBE, _tlv(0x04, self.user)))


class Aare(namedtuple("Aare", (
        "context", "result", "source", "diagnostic", "system_title", "mechanism", "challenge",
        "user"))):
    """An answer. `result` 0 is accepted; `source` 1 is the ACSE service user, 2 the provider."""

    __slots__ = ()
    context: int
    result: int
    source: int
    diagnostic: int
    system_title: bytes
    mechanism: int
    challenge: bytes
    user: bytes

    def encode(self) -> bytes:
        """The APDU."""
        body = _tlv(0xA1, _tlv(0x06, _OID + bytes([1, self.context])))
        body += _tlv(0xA2, _tlv(0x02, bytes([self.result])))
        body += _tlv(0xA3, _tlv(0xA0 | self.source, _tlv(0x02, bytes([self.diagnostic]))))
        if self.system_title:
            body += _tlv(0xA4, _tlv(0x04, self.system_title))
        if self.challenge:
            body += b"\x88\x02\x07\x80" + _tlv(0x89, _OID + bytes([2, self.mechanism]))
            body += _tlv(0xAA, _tlv(0x80, self.challenge))
        return _tlv(AARE_TAG, body + (_tlv(0xBE, _tlv(0x04, self.user)) if self.user else b""))

    def reason(self) -> str:
        """Why it was rejected, in the standard's words."""
        if self.source == 2:
            return {0: "no reason given", 1: "no reason given",
                    2: "no common ACSE version"}.get(self.diagnostic, str(self.diagnostic))
        return DIAGNOSTICS.get(self.diagnostic, "diagnostic %d" % self.diagnostic)


class Release(namedtuple("Release", ("tag", "reason", "user"))):
    """RLRQ or RLRE; `reason` 0 is normal, None is not said."""

    __slots__ = ()
    tag: int
    reason: int | None
    user: bytes

    def encode(self) -> bytes:
        """The APDU."""
        body = b"" if self.reason is None else bytes([0x80, 1, self.reason])
        return _tlv(self.tag, body + (_tlv(0xBE, _tlv(0x04, self.user)) if self.user else b""))


class Initiate(namedtuple("Initiate", ("dedicated_key", "conformance", "pdu_bytes"))):
    """InitiateRequest: `conformance` has 24 bits, `pdu_bytes` 0 is no limit."""

    __slots__ = ()
    dedicated_key: bytes
    conformance: int
    pdu_bytes: int

    def encode(self) -> bytes:
        """The APDU; response-allowed, quality of service and version as everybody has them."""
        key = b"\x01" + octet_string(self.dedicated_key) if self.dedicated_key else b"\x00"
        return b"\x01" + key + b"\x00\x00\x06" + _written_conformance(
            self.conformance) + pack(">H", self.pdu_bytes)


class Initiated(namedtuple("Initiated", ("conformance", "pdu_bytes"))):
    """InitiateResponse: what the meter will do, and the longest APDU that it takes."""

    __slots__ = ()
    conformance: int
    pdu_bytes: int

    def encode(self) -> bytes:
        """The APDU, with the VAA name of LN referencing."""
        return b"\x08\x00\x06" + _written_conformance(self.conformance) + pack(
            ">HH", self.pdu_bytes, 7)

    def offers(self, bit: int) -> bool:
        """Whether the negotiated conformance has this bit."""
        return bool(self.conformance >> (23 - bit) & 1)


def conformance_of(bits: tuple[int, ...]) -> int:
    """24 bits from their numbers."""
    found = 0
    for bit in bits:
        found |= 1 << (23 - bit)
    return found


def decode_aarq(data: bytes) -> Aarq:
    """Raises DlmsMalformed."""
    parts = _parts(data, AARQ_TAG)
    return Aarq(_context(parts), _inner(parts, 0xA6, 0x04), _mechanism(parts, 0x8B),
                _inner(parts, 0xAC, 0x80), _inner(parts, 0xBE, 0x04))


def decode_aare(data: bytes) -> Aare:
    """Raises DlmsMalformed."""
    parts = _parts(data, AARE_TAG)
    result = _inner(parts, 0xA2, 0x02)
    associate = Cursor(parts.get(0xA3, b""))
    source = associate.byte()
    diagnostic = _one_tlv(associate.octet_string(), 0x02)
    associate.done()
    if source not in (0xA1, 0xA2) or len(result) != 1 or len(diagnostic) != 1:
        raise DlmsMalformed("AARE: wanted a result and its source, got %s" % data.hex())
    return Aare(_context(parts), result[0], source & 3, diagnostic[0],
                _inner(parts, 0xA4, 0x04), _mechanism(parts, 0x89),
                _inner(parts, 0xAA, 0x80), _inner(parts, 0xBE, 0x04))


def decode_release(data: bytes) -> Release:
    """RLRQ or RLRE. Raises DlmsMalformed."""
    if data[:1] not in (b"\x62", b"\x63"):
        raise DlmsMalformed("release: wanted RLRQ or RLRE, got %s" % data[:1].hex())
    parts = _parts(data, data[0])
    reason = parts.get(0x80)
    if reason is not None and len(reason) != 1:
        raise DlmsMalformed("release: a reason of %d bytes" % len(reason))
    return Release(data[0], None if reason is None else reason[0], _inner(parts, 0xBE, 0x04))


def decode_initiate(data: bytes) -> Initiate:
    """Raises DlmsMalformed."""
    cursor = Cursor(data)
    if cursor.byte() != 1:
        raise DlmsMalformed("InitiateRequest: wanted tag 01, got %s" % data[:1].hex())
    key = cursor.octet_string() if cursor.flag() else b""
    for _ in range(2):       # response-allowed, whose default is true; quality of service.
        if cursor.flag():
            cursor.byte()
    cursor.byte()            # The version: who proposes another than 6 is told by the other side.
    found = Initiate(key, _read_conformance(cursor), cursor.unsigned(2))
    cursor.done()
    return found


def decode_initiated(data: bytes) -> Initiated:
    """Raises DlmsMalformed."""
    cursor = Cursor(data)
    if cursor.byte() != 8:
        raise DlmsMalformed("InitiateResponse: wanted tag 08, got %s" % data[:1].hex())
    if cursor.flag():
        cursor.byte()
    version = cursor.byte()
    if version != 6:
        raise DlmsMalformed("InitiateResponse: wanted version 6, got %d" % version)
    found = Initiated(_read_conformance(cursor), cursor.unsigned(2))
    cursor.unsigned(2)       # The VAA name: 7 for LN; FA00 of SN referencing has no use here.
    cursor.done()
    return found


def _tlv(tag: int, value: bytes) -> bytes:
    return bytes([tag]) + length_bytes(len(value)) + value


def _parts(data: bytes, tag: int) -> dict[int, bytes]:
    """The elements of an APDU by their tags; the first of a tag counts, as there is but one."""
    cursor = Cursor(_one_tlv(data, tag))
    found: dict[int, bytes] = {}
    while cursor.left():
        part = cursor.byte()
        value = cursor.octet_string()
        if part in found:
            raise DlmsMalformed("APDU %02x: element %02x is there twice" % (tag, part))
        found[part] = value
    return found


def _one_tlv(data: bytes, tag: int) -> bytes:
    cursor = Cursor(data)
    if cursor.byte() != tag:
        raise DlmsMalformed("APDU: wanted tag %02x, got %s" % (tag, data[:1].hex()))
    value = cursor.octet_string()
    cursor.done()
    return value


def _inner(parts: dict[int, bytes], tag: int, inner: int) -> bytes:
    return _one_tlv(parts[tag], inner) if tag in parts else b""


def _context(parts: dict[int, bytes]) -> int:
    name = _inner(parts, 0xA1, 0x06)
    if len(name) != 7 or name[:6] != _OID + b"\x01" or not 1 <= name[6] <= 4:
        raise DlmsMalformed("APDU: no application context is named %s" % name.hex())
    return name[6]


def _mechanism(parts: dict[int, bytes], tag: int) -> int:
    name = parts.get(tag)
    if name is None:
        return LOWEST
    if len(name) != 7 or name[:6] != _OID + b"\x02":
        raise DlmsMalformed("APDU: no mechanism is named %s" % name.hex())
    return name[6]


def _written_conformance(bits: int) -> bytes:
    return b"\x5f\x1f\x04\x00" + bits.to_bytes(3, "big")


def _read_conformance(cursor: Cursor) -> int:
    """24 bits behind tag 5F 1F; some meters write the tag's first byte only."""
    if cursor.byte() != 0x5F:
        raise DlmsMalformed("conformance: wanted tag 5f")
    if cursor.data[cursor.at:cursor.at + 1] == b"\x1f":
        cursor.byte()
    if cursor.take(2) != b"\x04\x00":
        raise DlmsMalformed("conformance: wanted 24 bits")
    return cursor.unsigned(3)
