"""One archive record as bytes: a row, a missed row or an event. Layout: FORMAT.md.

Left out: sequence numbers (a piece counts them) and checks against rot (a piece has the CRC).
"""

from struct import pack, unpack_from

from wum_shared import fields
from wum_shared.batch import Event, Missed, Row
from wum_shared.columns import VALUE_MAX, VALUE_MIN
from wum_shared.errors import Malformed
from wum_shared.messages import METERS_MAX, NOTE_MAX, REGISTERS_MAX, TIME_MAX_S
from wum_shared.status import ABSENT

RECORD_MIN = 10               # Bytes of the shortest record: an event without a note.
_ROW, _MISSED, _EVENT = 1, 2, 3
# Kind, meter, register set, captured at, quality, width, registers, flags.
_ROW_HEAD = "<BHBIBBBB"
_ROW_HEAD_SIZE = 12
# Kind, meter, register set, captured at, quality, outcome, note size.
_MISSED_HEAD = "<BHBIBBB"
_MISSED_HEAD_SIZE = 11
_EVENT_HEAD = "<BIBBHB"       # Kind, at, quality, event kind, meter, note size.
_EVENT_HEAD_SIZE = 10
_FLAG = "<BH"                 # Register, status.
_FLAG_SIZE = 3
_NO_METER = 0xFFFF
_WIDTHS = ((2, "h", 2**15), (4, "i", 2**31), (8, "q", 2**63))


def encode_record(record: Row | Missed | Event) -> bytes:
    """Bytes of a record without its sequence number. The record must fit the contract."""
    if type(record) is Row:
        return _encode_row(record)
    if type(record) is Missed:
        note = _note(record.note)
        _check_place(record.meter, record.register_set, record.captured_at_s, record.time_quality)
        assert 1 <= record.outcome <= 255
        return pack(_MISSED_HEAD, _MISSED, record.meter, record.register_set,
                    record.captured_at_s, record.time_quality, record.outcome, len(note)) + note
    assert type(record) is Event
    note = _note(record.note)
    _check_place(record.meter or 0, 0, record.at_s, record.time_quality)
    assert 1 <= record.kind <= 255
    meter = _NO_METER if record.meter is None else record.meter
    return pack(_EVENT_HEAD, _EVENT, record.at_s, record.time_quality, record.kind, meter,
                len(note)) + note


def decode_record(data: bytes, at: int, sequence: int) -> tuple[Row | Missed | Event, int]:
    """The record at byte `at`, numbered `sequence`, and where the next one starts.

    Raises Malformed: behind a CRC that holds, that is another version's or our own mistake.
    """
    kind = data[at] if at < len(data) else 0
    if kind == _ROW:
        return _decode_row(data, at, sequence)
    if kind == _MISSED:
        _need(data, at, _MISSED_HEAD_SIZE)
        _, meter, register_set, at_s, quality, outcome, size = unpack_from(_MISSED_HEAD, data, at)
        note, end = _read_note(data, at + _MISSED_HEAD_SIZE, size)
        return Missed(sequence, meter, register_set, at_s, quality, outcome, note), end
    if kind == _EVENT:
        _need(data, at, _EVENT_HEAD_SIZE)
        _, at_s, quality, event, meter, size = unpack_from(_EVENT_HEAD, data, at)
        note, end = _read_note(data, at + _EVENT_HEAD_SIZE, size)
        where = None if meter == _NO_METER else meter
        return Event(sequence, at_s, quality, event, where, note), end
    raise Malformed("archive record: kind %d at byte %d" % (kind, at))


def _encode_row(row: Row) -> bytes:
    count = len(row.values)
    _check_place(row.meter, row.register_set, row.captured_at_s, row.time_quality)
    assert 1 <= count <= REGISTERS_MAX and len(row.statuses) == count
    for place in range(count):  # Otherwise an absent value would come back as a zero.
        assert (row.values[place] is None) == bool(row.statuses[place] & ABSENT)
        assert 0 <= row.statuses[place] <= 0xFFFF
    numbers = [0 if value is None else value for value in row.values]
    least, most = min(numbers), max(numbers)
    assert least >= VALUE_MIN and most <= VALUE_MAX
    width, letter = _width(least, most)
    flags = [place for place in range(count) if row.statuses[place]]
    out = [
        pack(_ROW_HEAD, _ROW, row.meter, row.register_set, row.captured_at_s, row.time_quality,
             width, count, len(flags)),
        pack("<%d%s" % (count, letter), *numbers),
    ]
    for place in flags:
        out.append(pack(_FLAG, place, row.statuses[place]))
    return b"".join(out)


def _check_place(meter: int, register_set: int, at_s: int, quality: int) -> None:
    """MicroPython's pack would wrap what is out of range: a mistake of ours is seen here."""
    assert 0 <= meter < METERS_MAX and 0 <= register_set <= 255
    assert 0 <= at_s <= TIME_MAX_S and 0 <= quality <= 2


def _width(least: int, most: int) -> tuple[int, str]:
    """Bytes and struct letter of the narrowest integer that holds all of a row's values."""
    for width, letter, limit in _WIDTHS:
        if -limit <= least and most < limit:
            return width, letter
    raise AssertionError("a value is past 64 bits")


def _decode_row(data: bytes, at: int, sequence: int) -> tuple[Row, int]:
    _need(data, at, _ROW_HEAD_SIZE)
    _, meter, register_set, at_s, quality, width, count, flags = unpack_from(_ROW_HEAD, data, at)
    letter = {2: "h", 4: "i", 8: "q"}.get(width)
    if letter is None or not 1 <= count <= REGISTERS_MAX:
        raise Malformed("archive row at byte %d: width %d, %d registers" % (at, width, count))
    at += _ROW_HEAD_SIZE
    _need(data, at, width * count + _FLAG_SIZE * flags)
    values: list[int | None] = list(unpack_from("<%d%s" % (count, letter), data, at))
    statuses = [0] * count
    at += width * count
    for _ in range(flags):
        place, status = unpack_from(_FLAG, data, at)
        if place >= count:
            raise Malformed("archive row at byte %d: flag for register %d of %d" % (
                at, place, count))
        statuses[place] = status
        if status & ABSENT:
            values[place] = None
        at += _FLAG_SIZE
    return Row(sequence, meter, register_set, at_s, quality, tuple(values), tuple(statuses)), at


def _note(text: str) -> bytes:
    return fields.fitting(text, NOTE_MAX).encode()  # One bad note must not spoil its batch.


def _read_note(data: bytes, at: int, size: int) -> tuple[str, int]:
    _need(data, at, size)
    return data[at:at + size].decode(), at + size


def _need(data: bytes, at: int, size: int) -> None:
    if at + size > len(data):
        raise Malformed("archive record: wanted %d bytes at byte %d, %d are left" % (
            size, at, len(data) - at))
