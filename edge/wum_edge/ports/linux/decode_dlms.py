"""What stands in a recorded DLMS telegram: code, value, unit, or why not.

Left out: the telegrams (meters/dlms/push.py) and answers to requests, which do not say what they
answer. Ciphered ones want a file of keys; what they hold may be a P1 telegram, as in Luxembourg.
"""

from pathlib import Path

from wum_edge.errors import MeterError
from wum_edge.meters.dlms import axdr
from wum_edge.meters.dlms.ciphering import Keys, decode_ciphered, unseal
from wum_edge.meters.dlms.errors import DlmsMalformed
from wum_edge.meters.dlms.moment import decode_date_time
from wum_edge.meters.dlms.objects import NUMBERS, scaled_value
from wum_edge.meters.dlms.push import Push, decode_push, telegrams
from wum_edge.meters.dlms.push_records import Record, records, unit_of
from wum_edge.ports.linux.aes_gcm import AesGcm
from wum_edge.ports.linux.bad_question import BadQuestion
from wum_shared.obis import obis_to_text
from wum_shared.units import UNITS, scaled_to_text

_HDLC, _MBUS, _WRAPPER = b"\x7e", b"\x68", b"\x00\x01"
_LLC = (b"\xe6\xe7\x00", b"\xe6\xe6\x00")
_TRANSPORT_MAX = 0x1F        # CI fields by which M-Bus frames carry DLMS.
_TAGS = (0x0F, 0xDB, 0xDC)
_KEY_SIZE = 16
_FLOAT_POWER = -6            # A float is shown to six decimal places.


def is_dlms(data: bytes) -> bool:
    """Whether a recording begins as a DLMS telegram does, in HDLC, M-Bus, wrapper or as it is."""
    if data[:1] == _HDLC:
        return data[1:2] != b"" and data[1] & 0xF0 == 0xA0
    if data[:1] == _MBUS:
        return len(data) > 6 and data[6] <= _TRANSPORT_MAX
    if data[:2] == _WRAPPER:
        return len(data) > 8 and data[8] in _TAGS
    return data[:3] in _LLC or data[:1] in [bytes([tag]) for tag in _TAGS]


def keys_of(path: Path) -> Keys:
    """The keys in a file: 32 hexadecimal digits on the first line for encryption, 32 on the
    second for authentication, which may be missing. Raises BadQuestion.
    """
    try:
        lines = [bytes.fromhex(line) for line in path.read_text("ascii").split("\n") if line]
    except OSError as error:
        raise BadQuestion(f"{path}: {error.strerror}") from error
    except ValueError:
        lines = []
    if not 1 <= len(lines) <= 2 or [line for line in lines if len(line) != _KEY_SIZE]:
        raise BadQuestion(f"{path}: wanted 32 hexadecimal digits on the first line, the encryption "
                          "key, and on the second the authentication key, if there is one")
    return Keys(lines[0], lines[1] if len(lines) == 2 else b"")


def pieces(data: bytes) -> list[bytes]:
    """The APDUs in a recording; the recording itself where it holds none whole."""
    try:
        return telegrams(data) or [data]
    except MeterError:
        return [data]


def decode(apdu: bytes, keys: Keys | None) -> tuple[str, list[tuple[str, str, str, str]]]:
    """Who says it, and a row of code, value, unit and note for each value. Raises MeterError."""
    if (apdu[:1] in (_HDLC, _MBUS) or apdu[:2] == _WRAPPER) and not telegrams(apdu):
        raise DlmsMalformed(f"DLMS: {len(apdu)} bytes, and no whole telegram whose check holds")
    push = decode_push(apdu, AesGcm() if keys else None, keys)
    when = push.notification.when
    who = f"a telegram of {push.system_title.hex()}" if push.system_title else "a telegram"
    who += f", {_moment(when) or when.hex()}" if when else ""
    who += _doubt(push)
    return who, [_row(one) for one in records(push.notification.body)]


def opened(apdu: bytes, keys: Keys | None) -> bytes:
    """The P1 telegram that a ciphered APDU holds; empty where it holds none. Raises MeterError."""
    if keys is None or apdu[:1] != b"\xdb":
        return b""
    ciphered = decode_ciphered(apdu)
    plain = unseal(AesGcm(), keys.encryption, keys.authentication, ciphered.system_title,
                   ciphered.content)
    return plain if plain[:1] == b"/" else b""


def _doubt(push: Push) -> str:
    if not push.system_title:
        return ""
    return "; its tag holds" if push.genuine else "; no tag vouches for it"


def _row(one: Record) -> tuple[str, str, str, str]:
    code = obis_to_text(one.obis) if one.obis else "-"
    value = one.data.value
    note = "" if one.scaler is not None or type(value) is not int else "it says no scale"
    if one.data.tag in NUMBERS:
        exact = scaled_value(one.data, one.scaler or 0, _FLOAT_POWER)
        shown = "-" if exact is None else scaled_to_text(exact, _FLOAT_POWER)
    elif type(value) is int:
        shown = scaled_to_text(value, one.scaler or 0)
    else:
        shown = _shown(one.data)
    return code, shown, UNITS.get(unit_of(one), ""), note


def _shown(data: axdr.Data) -> str:
    """A value that is no number."""
    value = data.value
    if value is None:
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, bytes):
        return axdr.encode_data(data).hex()
    when = _moment(value) if data.tag in (axdr.OCTETS, axdr.DATE_TIME) else ""
    if when:
        return when
    text = value.rstrip(b"\x00")
    plain = text.isascii() and text.decode("ascii", "replace").isprintable()
    return text.decode() if text and plain else value.hex()


def _moment(octets: bytes) -> str:
    """A date-time like 2026-03-12 15:24:30, what is not given as question marks; empty for none."""
    try:
        one = decode_date_time(octets)
    except MeterError:
        return ""
    parts = ["??" if part is None else f"{part:02d}" for part in one[:6]]
    return f"{'-'.join(parts[:3])} {':'.join(parts[3:])}"
