"""Records of format 0, which is read for ever and no longer written. Layout: FORMAT.md.

Left out: sequence numbers (a piece counts them), checks against rot (a piece has the CRC) and
format 1 (coding.py).
"""

from struct import unpack_from

from wum_shared.batch import Event, Missed, Row
from wum_shared.errors import Malformed
from wum_shared.messages import REGISTERS_MAX
from wum_shared.status import ABSENT

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


def _read_note(data: bytes, at: int, size: int) -> tuple[str, int]:
    _need(data, at, size)
    return data[at:at + size].decode(), at + size


def _need(data: bytes, at: int, size: int) -> None:
    if at + size > len(data):
        raise Malformed("archive record: wanted %d bytes at byte %d, %d are left" % (
            size, at, len(data) - at))
