"""Records of format 1 as bits: rows as steps from the row before, missed rows, events.

A row is read after those before it in its run, one at a time. Left out: sequence numbers (a piece
counts them), checks against rot (a piece has the CRC), format 0 (record.py). Layout: FORMAT.md.
"""

from wum_edge.archive.bits import BitReader, BitWriter, unzigzag, zigzag
from wum_edge.archive.run import Before, Run, read_step
from wum_shared import fields
from wum_shared.batch import Event, Missed, Row
from wum_shared.columns import VALUE_MAX, VALUE_MIN
from wum_shared.errors import Malformed
from wum_shared.messages import METERS_MAX, NOTE_MAX, REGISTERS_MAX, TIME_MAX_S
from wum_shared.status import ABSENT

_METER, _SET, _QUALITY, _COUNT, _STATUS, _BYTE = 10, 8, 2, 7, 16, 8    # Bits of each.
_HEAD_BYTES_MAX = 24          # Everything of a record but values, flags and note.


def most_bytes(record: Row | Missed | Event) -> int:
    """More than the bits of `record` can take."""
    if type(record) is Row:
        flags = len([status for status in record.statuses if status])
        return _HEAD_BYTES_MAX + 11 * len(record.values) + 3 * flags
    assert type(record) is Event or type(record) is Missed
    return _HEAD_BYTES_MAX + min(NOTE_MAX, 4 * len(record.note))


def time_of(record: Row | Missed | Event) -> int:
    """UTC seconds of a record."""
    if type(record) is Event:
        return record.at_s
    assert type(record) is Row or type(record) is Missed
    return record.captured_at_s


def append_record(out: BitWriter, run: Run, record: Row | Missed | Event) -> None:
    """Append a record to a run."""
    if type(record) is Event:
        _append_event(out, run, record)
        return
    if type(record) is Row:
        out.append(1, 1)
        before = _append_place(out, run, record)
        _append_row(out, run, before, record)
    else:
        assert type(record) is Missed
        out.append(1, 2)
        _append_place(out, run, record)
        _append_missed(out, run, record)


def read_record(bits: BitReader, run: Run, sequence: int) -> Row | Missed | Event:
    """The next record of a run. Raises Malformed: behind a CRC, that is our own mistake."""
    is_row = bits.read(1)
    if not is_row and not bits.read(1):
        return _read_event(bits, run, sequence)
    if not bits.read(1):
        run.meter = bits.read(_METER) - 1
        run.register_set = bits.read(_SET)
        run.time_quality = bits.read(_QUALITY)
    run.meter += 1
    if run.meter >= METERS_MAX:
        raise Malformed("archive piece: meter %d" % run.meter)
    before = run.before(run.meter, run.register_set)
    at_s = read_step(run.times, bits, run.expected_s(before), 0, TIME_MAX_S)
    if is_row:
        row = _read_row(bits, run, before, sequence, at_s)
        run.passed(before, at_s)
        return row
    run.passed(before, at_s)
    if not bits.read(1):
        run.outcome = bits.read(_BYTE)
        run.note = bits.read_text(bits.read(_BYTE))
    return Missed(sequence, run.meter, run.register_set, at_s, run.time_quality, run.outcome,
                  run.note.decode())


def _append_place(out: BitWriter, run: Run, record: Row | Missed) -> Before | None:
    """Whose record it is and when it was captured."""
    assert 0 <= record.meter < METERS_MAX and 0 <= record.register_set <= 255
    assert 0 <= record.captured_at_s <= TIME_MAX_S and 0 <= record.time_quality <= 2
    is_next = (record.meter == run.meter + 1 and record.register_set == run.register_set
               and record.time_quality == run.time_quality)
    out.append(1 if is_next else 0, 1)
    if not is_next:
        out.append(record.meter, _METER)
        out.append(record.register_set, _SET)
        out.append(record.time_quality, _QUALITY)
    run.meter = record.meter
    run.register_set = record.register_set
    run.time_quality = record.time_quality
    before = run.before(record.meter, record.register_set)
    run.times.append(out, record.captured_at_s - run.expected_s(before))
    run.passed(before, record.captured_at_s)
    return before


def _append_row(out: BitWriter, run: Run, before: Before | None, row: Row) -> None:
    count = len(row.values)
    assert 1 <= count <= REGISTERS_MAX and len(row.statuses) == count
    for place in range(count):  # Otherwise an absent value would come back as a zero.
        assert (row.values[place] is None) == bool(row.statuses[place] & ABSENT)
        assert 0 <= row.statuses[place] <= 0xFFFF
    leans = before is not None and len(before.values) == count
    out.append(1 if leans else 0, 1)
    if before is None or not leans:
        out.append(count - 1, _COUNT)
        before = Before(row.captured_at_s, [0] * count, run.statuses((0,) * count))
    if not _append_statuses(out, before.statuses, row.statuses):
        before.statuses = run.statuses(tuple(row.statuses))
    for place, value in enumerate(row.values):
        if value is None:
            continue
        assert VALUE_MIN <= value <= VALUE_MAX
        if leans:
            run.column(row.register_set, place).append(out, value - before.values[place])
        else:
            out.append_long(zigzag(value))
        before.values[place] = value
    if not leans:
        run.keep(row.meter, row.register_set, before)


def _append_statuses(out: BitWriter, before: tuple[int, ...], statuses: tuple[int, ...]) -> bool:
    """Whether they are the same as before."""
    is_same = tuple(statuses) == before
    out.append(1 if is_same else 0, 1)
    if not is_same:
        flags = [place for place, status in enumerate(statuses) if status]
        out.append(len(flags), _BYTE)
        for place in flags:
            out.append(place, _COUNT)
            out.append(statuses[place], _STATUS)
    return is_same


def _append_missed(out: BitWriter, run: Run, missed: Missed) -> None:
    note = _note(missed.note)
    assert 1 <= missed.outcome <= 255
    is_same = missed.outcome == run.outcome and note == run.note
    out.append(1 if is_same else 0, 1)
    if not is_same:
        out.append(missed.outcome, _BYTE)
        out.append(len(note), _BYTE)
        out.append_text(note)
    run.outcome, run.note = missed.outcome, note


def _append_event(out: BitWriter, run: Run, event: Event) -> None:
    note = _note(event.note)
    assert 0 <= event.at_s <= TIME_MAX_S and 0 <= event.time_quality <= 2
    assert 1 <= event.kind <= 255
    out.append(0, 2)
    out.append_long(zigzag(event.at_s - run.last_s))
    run.last_s = event.at_s
    out.append(event.time_quality, _QUALITY)
    out.append(event.kind, _BYTE)
    out.append(0 if event.meter is None else 1, 1)
    if event.meter is not None:
        assert 0 <= event.meter < METERS_MAX
        out.append(event.meter, _METER)
    out.append(len(note), _BYTE)
    out.append_text(note)


def _read_row(
        bits: BitReader, run: Run, before: Before | None, sequence: int, at_s: int) -> Row:
    leans = bits.read(1)
    if leans and before is None:
        raise Malformed("archive piece: meter %d leans on a row that is not there" % run.meter)
    if before is None or not leans:
        count = bits.read(_COUNT) + 1
        before = Before(at_s, [0] * count, run.statuses((0,) * count))
    if not bits.read(1):
        before.statuses = run.statuses(_read_statuses(bits, len(before.values)))
    values: list[int | None] = []
    for place, last in enumerate(before.values):
        if before.statuses[place] & ABSENT:
            values.append(None)
            continue
        if leans:
            value = read_step(run.column(run.register_set, place), bits, last,
                              VALUE_MIN, VALUE_MAX)
        else:
            value = unzigzag(bits.read_long())
        before.values[place] = value
        values.append(value)
    if not leans:
        run.keep(run.meter, run.register_set, before)
    return Row(sequence, run.meter, run.register_set, at_s, run.time_quality, tuple(values),
               before.statuses)


def _read_statuses(bits: BitReader, count: int) -> tuple[int, ...]:
    statuses = [0] * count
    for _ in range(bits.read(_BYTE)):
        place = bits.read(_COUNT)
        if place >= count:
            raise Malformed("archive piece: flag for register %d of %d" % (place, count))
        statuses[place] = bits.read(_STATUS)
    return tuple(statuses)


def _read_event(bits: BitReader, run: Run, sequence: int) -> Event:
    at_s = run.last_s + unzigzag(bits.read_long())
    if not 0 <= at_s <= TIME_MAX_S:
        raise Malformed("archive piece: time %d" % at_s)
    run.last_s = at_s
    quality = bits.read(_QUALITY)
    kind = bits.read(_BYTE)
    meter = bits.read(_METER) if bits.read(1) else None
    return Event(sequence, at_s, quality, kind, meter, bits.read_text(bits.read(_BYTE)).decode())


def _note(text: str) -> bytes:
    return fields.fitting(text, NOTE_MAX).encode()  # One bad note must not spoil its batch.
