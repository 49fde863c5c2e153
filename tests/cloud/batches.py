"""Batches made by hypothesis, and arrays turned back into the contract's records."""

from hypothesis import strategies as st

from wum_cloud.ingest.opened import Group, Opened
from wum_shared.batch import Batch, Event, Lost, Missed, Row
from wum_shared.columns import VALUE_MAX, VALUE_MIN
from wum_shared.messages import Meter, Register, RegisterSet, Schedule, Schema
from wum_shared.status import ABSENT, LATE, REFUSED

_VALUES = st.one_of(
    st.integers(-200, 200), st.integers(VALUE_MIN, VALUE_MAX),
    st.sampled_from([VALUE_MIN, VALUE_MAX, 0, -1, 63, 64, -64, -65, 2**31, -2**31]))
_STATUSES = st.sampled_from([0, 0, 0, ABSENT, ABSENT | REFUSED, LATE])
_CODES = [1, 11, 12, 13, 16, 31, 32, 33, 36, 99]     # Some powers, and what makes them.
_NOTES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)


@st.composite
def schemas(draw: st.DrawFn) -> Schema:
    """A schema of up to 4 meters and 3 register sets."""
    sets = tuple([
        RegisterSet(profile, tuple([
            Register(bytes([1, 0, code, 7, 0, 255]), draw(st.sampled_from([-3, -1, -1, 2])), 35)
            for code in draw(st.lists(st.sampled_from(_CODES), max_size=6, unique=True))]))
        for profile in range(draw(st.integers(1, 3)))])
    meters = tuple([
        Meter("M-%d" % n, "dp-%d" % n, "model", tuple(range(len(sets))), (0,) * len(sets))
        for n in range(draw(st.integers(1, 4)))])
    return Schema("default", b"conc0001", 0, meters, sets, (Schedule(3600, 0),))


@st.composite
def batches(draw: st.DrawFn) -> tuple[Schema, Batch]:
    """A schema and a batch that it can be read by."""
    schema = draw(schemas())
    first = draw(st.one_of(st.integers(1, 9), st.integers(1, 2**53 - 1000)))
    rows: list[Row] = []
    missed: list[Missed] = []
    events: list[Event] = []
    lost: list[Lost] = []
    sequence = first
    base_s = draw(st.integers(0, 2**32 - 100_000))
    for kind in draw(st.lists(st.sampled_from("rrrrrrmel"), min_size=1, max_size=40)):
        meter = draw(st.integers(0, len(schema.meters) - 1))
        at_s = base_s + draw(st.integers(0, 90_000))
        quality = draw(st.sampled_from([0, 0, 0, 1, 2]))
        if kind == "r":
            index = draw(st.integers(0, len(schema.register_sets) - 1))
            rows.append(_row(draw, schema, sequence, meter, index, at_s, quality))
        elif kind == "m":
            missed.append(Missed(sequence, meter, 0, at_s, quality, 1, draw(_NOTES)))
        elif kind == "e":
            events.append(Event(
                sequence, at_s, quality, 1, draw(st.one_of(st.none(), st.just(meter))),
                draw(_NOTES)))
        else:
            last = sequence + draw(st.integers(0, 20))
            lost.append(Lost(sequence, last, 1, draw(_NOTES)))
            sequence = last
        sequence += 1
    return schema, Batch(
        b"incarn01", first, sequence - 1, b"schema01", tuple(rows), tuple(missed), tuple(events),
        tuple(lost))


def _row(
        draw: st.DrawFn, schema: Schema, sequence: int, meter: int, index: int, at_s: int,
        quality: int,
) -> Row:
    statuses = tuple([draw(_STATUSES) for _ in schema.register_sets[index].registers])
    values = tuple([None if s & ABSENT else draw(_VALUES) for s in statuses])
    return Row(sequence, meter, index, at_s, quality, values, statuses)


def records_of(opened: Opened) -> Batch:
    """The arrays of `opened` as the records that wum_shared.batch.decode_batch gives."""
    heading = opened.heading
    return Batch(
        heading.incarnation, heading.first_sequence, heading.last_sequence, heading.schema_id,
        tuple([row for group in opened.groups for row in _rows(group)]),
        opened.missed, opened.events, opened.lost)


def _rows(group: Group) -> list[Row]:
    width = len(group.values)
    rows = []
    for at in range(len(group)):
        statuses = (0,) * width if group.statuses is None else tuple(group.statuses[at].tolist())
        values = tuple([
            None if status & ABSENT else int(group.values[place, at])
            for place, status in enumerate(statuses)])
        rows.append(Row(
            int(group.sequence[at]), int(group.meter[at]), group.register_set,
            int(group.captured_at_s[at]), group.time_quality, values, statuses))
    return rows
