"""`wum-edge decode`: what stands in recorded bytes of a meter: code, value, unit, or why not.

Left out: the decoders themselves (meters/) and rows of DLMS (decode_dlms.py). Bytes or hexadecimal
digits; which protocol it is shows in the first of them.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from wum_edge.errors import MeterError, Refused
from wum_edge.meters.dlms.ciphering import Keys
from wum_edge.meters.iec62056_21.dataset import DataSet, decimal, unit_code
from wum_edge.meters.iec62056_21.recording import decode_recording
from wum_edge.meters.iec62056_21.short_form import obis_of
from wum_edge.meters.mbus.answer import decode_answer
from wum_edge.meters.mbus.frame import Frame, decode_frame
from wum_edge.meters.mbus.identity import medium_text, status_texts
from wum_edge.meters.mbus.obis import Coded, coded
from wum_edge.meters.p1.telegram import decode_telegram, find_telegram
from wum_edge.meters.sml.message import LIST, Entry, decode_messages
from wum_edge.meters.sml.transport import BEGIN, find_file, unwrap
from wum_edge.ports.linux import decode_dlms
from wum_edge.ports.linux.table import print_table
from wum_shared import status
from wum_shared.obis import obis_to_text
from wum_shared.units import NO_UNIT, UNITS, scaled_to_text

SIZE_MAX = 1 << 20           # Of a recording.
_STX, _SOH = b"\x02", b"\x01"
_CIPHERED = b"\xdb\x08"
_CE = b"\xc0\x48"             # Begin and option byte of Energomera's own binary protocol.
_UNKNOWN = """\
Nothing in it begins like IEC 62056-21 (/ or 02), P1 or mode D (/), SML (1b1b1b1b01), M-Bus (68, 10,
e5) or DLMS (7e, 0f, db): is it a whole recording, as bytes or as hexadecimal digits?"""
Row = tuple[str, str, str, str]      # OBIS code or address, value, unit, what is to be said of it.


def decode_file(path: Path, out: TextIO, complaints: TextIO, key_file: Path | None = None) -> int:
    """Print all that the recording holds. Returns 0 when all of it was decoded, else 1; 2 for a
    file that cannot be read. `key_file` is for ciphered telegrams.
    """
    keys = decode_dlms.keys_of(key_file) if key_file else None
    try:
        with path.open("rb") as file:
            data = _bytes_of(file.read(SIZE_MAX))
    except OSError as error:
        print(f"{path}: {error.strerror}", file=complaints)
        return 2
    name, decode = _decoder(data, keys)
    refused = 0
    for piece in _pieces(name, data):
        try:
            who, rows = decode(piece)
        except MeterError as error:
            refused += 1
            print(f"{name}: {status.OUTCOMES[error.outcome]}: {error}", file=complaints)
            continue
        print(f"{name}: {who}", file=out)
        print_table(["code", "value", "unit", "note"], rows, out, {1})
    if refused and name == "P1 or mode D" and b"/" not in data and data[:2] != _CIPHERED:
        print(_UNKNOWN, file=complaints)
    return 1 if refused else 0


def _bytes_of(read: bytes) -> bytes:
    """The bytes themselves, or those that the text's hexadecimal digits stand for."""
    try:
        return bytes.fromhex(read.decode("ascii"))
    except ValueError:
        return _message(read)


def _message(read: bytes) -> bytes:
    """Bytes that are no digits, with the line ends that an editor has taken from a text."""
    if read[:1] != b"/" or _STX in read:
        return read
    if b"\r" not in read:                   # An editor's: the check says whether that was all.
        read = read.replace(b"\n", b"\r\n")
    return read if read.endswith(b"\n") else read + b"\r\n"


def _decoder(data: bytes, keys: Keys | None) -> tuple[
        str, Callable[[bytes], tuple[str, list[Row]]]]:
    if BEGIN in data:
        return "SML", _sml
    if decode_dlms.is_dlms(data) and (keys or data[:2] != _CIPHERED):
        return "DLMS", lambda piece: _dlms(piece, keys)
    if data[:2] == _CE and data.rstrip()[-1:] == _CE[:1]:
        return "CE", _refused_ce
    if data[:1] in (b"\x68", b"\xe5", b"\x10") or len(data) > 12 and data[0] == len(data) - 1:
        return "M-Bus", _mbus
    if data[:2] == _CIPHERED:
        return "P1 or mode D", _telegram
    if _STX in data or _SOH in data:
        return "IEC 62056-21", _readout
    return "P1 or mode D", _telegram


def _pieces(name: str, data: bytes) -> list[bytes]:
    """The files, frames or telegrams in a recording, each whole; what is none goes with them."""
    if name == "DLMS":
        return decode_dlms.pieces(data)
    found: list[bytes] = []
    while data or not found:
        start, end = 0, len(data)
        if name == "SML":
            start, end = find_file(data)
        elif name == "M-Bus":
            end = _frame_size(data)
        elif name == "P1 or mode D":
            start, end = find_telegram(data)
        if not end:
            return found or [data]       # Nothing whole: its decoder says what is wrong.
        found.append(data[start:end])
        data = data[end:]
    return found


def _dlms(apdu: bytes, keys: Keys | None) -> tuple[str, list[Row]]:
    inside = decode_dlms.opened(apdu, keys)
    return _telegram(inside) if inside else decode_dlms.decode(apdu, keys)


def _frame_size(data: bytes) -> int:
    """Bytes of the M-Bus frame that `data` begins with, as far as that is known."""
    if data[:1] == b"\xe5":
        return 1
    if data[:1] == b"\x10":
        return 5
    return data[1] + 6 if data[:1] == b"\x68" and len(data) > 1 else len(data)


def _refused_ce(data: bytes) -> tuple[str, list[Row]]:
    raise Refused("Energomera's binary CE protocol (c0 48 ... c0), which CE102 and CE307 speak, is "
                  "not spoken here; CE102M, CE301, CE303 and CE308 speak IEC 61107: set the meter "
                  "to that, if it can", 0)


def _sml(data: bytes) -> tuple[str, list[Row]]:
    rows: list[Row] = []
    who = "no list of values"
    for message in decode_messages(unwrap(data)):
        if message.kind == LIST:
            who = f"server {(message.body.server or b'').hex() or 'unnamed'}"
            rows += [_sml_row(one) for one in message.body.entries]
    return who, rows


def _sml_row(one: Entry) -> Row:
    note = "" if one.status is None else f"status {one.status:x}"
    code = obis_to_text(one.code)
    if isinstance(one.value, bytes):
        plain = one.value.isascii() and one.value.decode("ascii", "replace").isprintable()
        return code, one.value.decode() if plain and one.value else one.value.hex(), "", note
    if isinstance(one.value, bool) or one.value is None:
        return code, str(one.value).lower() if one.value is not None else "-", "", note
    return code, scaled_to_text(one.value, one.scaler), UNITS.get(one.unit or NO_UNIT, ""), note


def _mbus(data: bytes) -> tuple[str, list[Row]]:
    frame = decode_frame(data)
    if not isinstance(frame, Frame):
        return "an acknowledgement", []
    if frame.ci is None:
        return f"a short frame, control {frame.control:02x}, address {frame.address}", []
    answer = decode_answer(frame)
    who = f"address {frame.address}"
    if answer.identity:
        who = (f"{answer.identity.text()} ({answer.identity.maker}, "
               f"{medium_text(answer.identity.medium)}) at {who}")
    who += "".join(f"; {words}" for words in status_texts(answer.status or 0))
    if answer.alarm is not None:
        who += f"; alarm {answer.alarm:02x}"
    return who + ("; more telegrams follow" if answer.more else ""), [
        _mbus_row(one) for one in coded(answer)]


def _mbus_row(one: Coded) -> Row:
    record = one.record
    what = [record.quantity, *record.modifiers]
    if record.function != "instantaneous":
        what.append(record.function)
    for word, number in (("storage", record.storage), ("tariff", record.tariff),
                         ("subunit", record.subunit)):
        if number:
            what.append(f"{word} {number}")
    if record.fault:
        what.append(record.fault)
    value = record.text if record.value is None else scaled_to_text(record.value, record.power)
    unit = record.unit_text or UNITS.get(record.unit, "")
    return (obis_to_text(one.obis) if one.obis else "-"), value, unit, ", ".join(what)


def _readout(data: bytes) -> tuple[str, list[Row]]:
    found = decode_recording(data)
    who = "an answer without identification"
    if found.identification:
        who = f"{found.identification.maker} {found.identification.text}"
    return who, _set_rows(found.sets)


def _telegram(data: bytes) -> tuple[str, list[Row]]:
    found = decode_telegram(data)
    check = "CRC holds" if found.checked else "no check"
    return (f"{found.identification.maker} {found.identification.text}, {check}",
            _set_rows(found.sets))


def _set_rows(sets: list[DataSet]) -> list[Row]:
    """A row for each value in brackets; the code stands with the first of its data set."""
    rows: list[Row] = []
    for one in sets:
        code = obis_of(one.address)
        for place, value in enumerate(one.values):
            number = decimal(value.text)
            unit = unit_code(value.unit)
            shown, written = value.text, value.unit
            if number is not None and unit is not None and unit[0] != NO_UNIT:
                shown = scaled_to_text(number.mantissa, number.power + unit[1])
                written = UNITS.get(unit[0], value.unit)
            rows.append((obis_to_text(code) if code else "-", shown, written,
                         one.address if not place else f"{one.address} value {place + 1}"))
    return rows
