"""What a meter's frame says: variable or fixed data, an application error, or an alarm.

Left out: the records (record.py), the fixed structure's units (fixed.py), AES (cipher.py):
without a key an encrypted answer is refused by name. EN 13757-3:2018, 5; EN 13757-7:2018, 7.
"""

from collections import namedtuple

from wum_edge.errors import ForeignAnswer
from wum_edge.meters.mbus.cipher import MODE_CBC, opened
from wum_edge.meters.mbus.errors import Broken, Encrypted, Unsupported, application_error
from wum_edge.meters.mbus.fixed import FIXED_BYTES, decode_fixed
from wum_edge.meters.mbus.frame import RSP_UD, Frame
from wum_edge.meters.mbus.identity import Identity, identity_from_octets
from wum_edge.meters.mbus.record import Record, decode_records

CI_VARIABLE, CI_VARIABLE_HIGH_FIRST = 0x72, 0x76
CI_FIXED, CI_FIXED_HIGH_FIRST = 0x73, 0x77
CI_NO_HEADER, CI_SHORT_HEADER = 0x78, 0x7A
CI_ERROR, CI_ALARM = 0x70, 0x71
CI_ERROR_SHORT, CI_ERROR_LONG, CI_ALARM_SHORT, CI_ALARM_LONG = 0x6E, 0x6F, 0x74, 0x75
# What a wired meter may not say, or says for others: refused by these names (EN 13757-7:2018,
# table 2; OMS volume 2, 7.1).
_FOREIGN = (
    (0x00, 0x1F, "DLMS in M-Bus frames: choose a model of protocol dlms for it"),
    (0x60, 0x61, "DLMS with a long header: its records are no M-Bus ones"),
    (0x64, 0x65, "OBIS records with a long header: not known here"),
    (0x69, 0x6B, "a format frame, which says how compact frames are built"),
    (0x79, 0x79, "a compact frame: its records cannot be read without its format frame"),
    (0x7B, 0x7B, "a compact frame: its records cannot be read without its format frame"),
    (0x7C, 0x7D, "DLMS with a short header: its records are no M-Bus ones"),
    (0x7E, 0x7F, "OBIS records with a short header: not known here"),
    (0x80, 0x8B, "a header of wireless M-Bus"), (0x8C, 0x8F, "a header of wireless M-Bus"),
    (0x90, 0x97, "a layer for authentication and fragments: not known here"),
    (0xA0, 0xB7, "its maker's own data"),
)
_LONG_HEADER, _SHORT_HEADER = 12, 4
_FLAGS = 0x30                # ACD and DFC of the control field: of no meaning for one answer.
_ENCRYPTING = (2, 3, 4, 5, 7, 8, 9, 10, 13)   # Modes that hide the records (EN 13757-7, table 19).


class Answer(namedtuple("Answer", (
        "identity", "access", "status", "signature", "records", "more", "alarm"))):
    """`identity`, `access` and `status` are None where the frame has no header with them; `more`:
    the meter has another telegram. `alarm` is the alarm byte of CI 71 (74, 75), else None.
    """

    __slots__ = ()
    identity: Identity | None
    access: int | None
    status: int | None
    signature: int
    records: tuple[Record, ...]
    more: bool
    alarm: int | None


def decode_answer(frame: Frame, key: bytes = b"") -> Answer:
    """What `frame` answers; `key` opens what is encrypted in mode 5. Raises Refused for an
    application error, encryption, and what is not spoken here, WrongKey, Broken for what is not
    built as the standard says, ForeignAnswer for what no meter says.
    """
    if frame.ci is None or frame.control & ~_FLAGS != RSP_UD:
        raise ForeignAnswer("M-Bus: control field %02x is not a meter's answer" % frame.control)
    ci, data = frame.ci, frame.data
    if ci in (CI_VARIABLE, CI_VARIABLE_HIGH_FIRST):
        return _variable(data, ci == CI_VARIABLE_HIGH_FIRST, key)
    if ci in (CI_FIXED, CI_FIXED_HIGH_FIRST):
        if len(data) != FIXED_BYTES:
            raise Broken("M-Bus: fixed data of %d bytes, wanted %d" % (len(data), FIXED_BYTES))
        identity, access, status, records = decode_fixed(data, ci == CI_FIXED_HIGH_FIRST)
        return Answer(identity, access, status, 0, records, False, None)
    if ci == CI_SHORT_HEADER:
        return _short(data)
    if ci == CI_NO_HEADER:
        records, more = decode_records(data)
        return Answer(None, None, None, 0, records, more, None)
    if ci in (CI_ERROR, CI_ERROR_SHORT, CI_ERROR_LONG):
        rest = data[_header_bytes(ci):]
        raise application_error(rest[0] if rest else 0)
    if ci in (CI_ALARM, CI_ALARM_SHORT, CI_ALARM_LONG):
        return _alarm(ci, data)
    for first, last, words in _FOREIGN:
        if first <= ci <= last:
            raise Unsupported("M-Bus: CI field %02x, %s" % (ci, words), ci)
    raise Broken("M-Bus: CI field %02x is none that a wired meter answers with" % ci)


def _header_bytes(ci: int) -> int:
    """Bytes of the header of an error or an alarm."""
    if ci in (CI_ERROR_LONG, CI_ALARM_LONG):
        return _LONG_HEADER
    return _SHORT_HEADER if ci in (CI_ERROR_SHORT, CI_ALARM_SHORT) else 0


def _alarm(ci: int, data: bytes) -> Answer:
    size = _header_bytes(ci)
    if len(data) != size + 1:
        raise Broken("M-Bus: an alarm of %d bytes, wanted %d" % (len(data), size + 1))
    identity = identity_from_octets(data[:8]) if size == _LONG_HEADER else None
    access, status = (data[size - 4], data[size - 3]) if size else (None, None)
    return Answer(identity, access, status, 0, (), False, data[-1])


def _variable(data: bytes, high_first: bool, key: bytes) -> Answer:
    if len(data) < _LONG_HEADER:
        raise Broken("M-Bus: a header of %d bytes, wanted %d" % (len(data), _LONG_HEADER))
    signature = _two(data[10:12], high_first)
    records_data = data[_LONG_HEADER:]
    if key and _is_encrypted(signature) and signature >> 8 & 31 == MODE_CBC and not high_first:
        records_data = opened(data, signature, key)
    else:
        _refuse_encrypted(signature, bool(key))
    records, more = decode_records(records_data, high_first)
    return Answer(identity_from_octets(data[:8], high_first), data[8], data[9], signature, records,
                  more, None)


def _short(data: bytes) -> Answer:
    if len(data) < _SHORT_HEADER:
        raise Broken("M-Bus: a header of %d bytes, wanted %d" % (len(data), _SHORT_HEADER))
    signature = _two(data[2:4], False)
    _refuse_encrypted(signature, True)       # Whose it is, which the key needs, it does not say.
    records, more = decode_records(data[_SHORT_HEADER:])
    return Answer(None, data[0], data[1], signature, records, more, None)


def _two(data: bytes, high_first: bool) -> int:
    return data[0] << 8 | data[1] if high_first else data[1] << 8 | data[0]


def _is_encrypted(signature: int) -> bool:
    """The signature is the configuration word since 2005: bits 8..12 are the mode, the low byte
    counts what is encrypted. Older meters send 0000 or FFFF, and mean nothing by it.
    """
    mode = signature >> 8 & 31
    return mode in _ENCRYPTING and bool(signature & (0xFF if mode < 5 else 0xF0))


def _refuse_encrypted(signature: int, has_key: bool) -> None:
    mode = signature >> 8 & 31
    if _is_encrypted(signature):
        cure = ("set key in its access, 32 hexadecimal digits from its maker" if (
            mode == MODE_CBC and not has_key) else
            "only mode 5 with a long header is opened here: have it set to send in plain")
        raise Encrypted("M-Bus: the records are encrypted (mode %d): %s" % (mode, cure), mode)
