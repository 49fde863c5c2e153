"""A batch of version 0, which concentrators wrote before version 1: it is read for ever."""

from tests.portable import raises
from tests.shared.examples import (
    BATCH,
    EVENTS,
    INCARNATION,
    LOST,
    MISSED,
    ROWS,
    SCHEMA,
    SCHEMA_ID,
    changed,
)
from wum_shared import cbor, ids, status
from wum_shared.batch import (
    BATCH_BYTES_MAX,
    Batch,
    Event,
    Lost,
    Missed,
    Row,
    decode_batch,
    encode_batch_0,
    peek_batch,
)
from wum_shared.columns import append_column
from wum_shared.errors import Malformed, Unsupported

GROUPS, COLUMNS, FLAGS = 6, 7, 8


def with_field(path, value, encoded=None):
    """The encoded example with another value at `path`, a list of indices into nested lists."""
    whole = cbor.decode(encoded or encode_batch_0(BATCH))
    inner = whole
    for index in path[:-1]:
        inner = inner[index]
    inner[path[-1]] = value
    return cbor.encode(whole)


def refused(encoded, schema=SCHEMA):
    return raises(Malformed, lambda: decode_batch(encoded, schema))


def batch_of(rows=(), missed=(), events=(), lost=(), last=None):
    numbers = [r.sequence for r in rows + missed + events] + [x.last_sequence for x in lost]
    return Batch(INCARNATION, 1, last or max(numbers), SCHEMA_ID, rows, missed, events, lost)


def test_every_record_of_a_batch_comes_back():
    again = decode_batch(encode_batch_0(BATCH), SCHEMA)
    assert sorted([tuple(row) for row in again.rows]) == sorted([tuple(row) for row in ROWS])
    assert again[:4] == BATCH[:4]
    assert (again.missed, again.events, again.lost) == (MISSED, EVENTS, LOST)


def test_rows_come_by_group_then_meter_then_sequence():
    rows = decode_batch(encode_batch_0(BATCH), SCHEMA).rows
    assert [row.sequence for row in rows] == [1, 5, 2, 3, 6]


def test_the_bytes_do_not_depend_on_the_order_in_which_records_are_given():
    jumbled = Batch(*(BATCH[:4] + (
        tuple(reversed(ROWS)), MISSED, tuple(reversed(EVENTS)), LOST)))
    assert encode_batch_0(jumbled) == encode_batch_0(BATCH)
    assert ids.batch_digest(encode_batch_0(jumbled)) == ids.batch_digest(encode_batch_0(BATCH))


def test_the_layout_is_that_of_the_contract():
    parts = cbor.decode(encode_batch_0(batch_of(rows=ROWS[:2])))
    columns = bytearray()
    for column in ([0, 1], [0, 1], [0, 1], [1000, 1000], [2301, 2302]):
        append_column(columns, column)
    assert parts == [0, INCARNATION, 1, 2, SCHEMA_ID, 1760000900, [[0, 0, 2]], bytes(columns),
                     [[1, 0, status.ABSENT]], [], [], []]


def test_peek_tells_archive_range_and_schema_without_the_schema():
    assert peek_batch(encode_batch_0(BATCH)) == (INCARNATION, 1, 12, SCHEMA_ID)
    raises(Unsupported, lambda: peek_batch(with_field([0], 2)))
    raises(Malformed, lambda: peek_batch(with_field([0], 1)))
    raises(Malformed, lambda: peek_batch(with_field([3], 0)))


def test_batches_of_one_kind_of_record_are_read():
    for batch in (batch_of(rows=ROWS[:1]), batch_of(missed=(Missed(1, 2, 1, 5, 1, 255, "n"),)),
                  batch_of(events=(Event(1, 0, 2, 255, None, ""),)),
                  batch_of(lost=(Lost(1, 2**53 - 1, 1, "all"),))):
        assert decode_batch(encode_batch_0(batch), SCHEMA) == batch


def test_values_at_the_ends_of_their_range_come_back():
    rows = (Row(1, 0, 0, 0, 0, (2**62 - 1, -2**62), (65534, 65534)),
            Row(2, 0, 0, 2**32 - 1, 0, (-2**62, 2**62 - 1), (0, 0)))
    assert decode_batch(encode_batch_0(batch_of(rows=rows)), SCHEMA).rows == rows


def test_absent_values_cost_little_and_never_come_back_as_numbers():
    rows = (Row(1, 0, 0, 9, 0, (None, 2301), (status.ABSENT, 0)),
            Row(2, 0, 0, 9, 0, (5, None), (0, status.ABSENT | status.OUT_OF_RANGE)),
            Row(3, 0, 0, 9, 0, (None, None), (status.ABSENT, status.ABSENT)))
    assert decode_batch(encode_batch_0(batch_of(rows=rows)), SCHEMA).rows == rows


def test_every_cut_and_every_addition_is_refused():
    whole = encode_batch_0(BATCH)
    for size in range(len(whole)):
        refused(whole[:size])
    refused(whole + b"\x00")


def test_every_single_flipped_bit_is_refused_or_read_as_just_what_it_says():
    whole = encode_batch_0(BATCH)
    for bit in range(8 * len(whole)):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        try:
            batch = decode_batch(bytes(damaged), SCHEMA)
        except (Malformed, Unsupported):
            continue
        assert encode_batch_0(batch) == bytes(damaged), "bit %d" % bit


def test_a_gap_in_the_sequence_numbers_is_refused():
    for left_out in range(len(ROWS)):
        rows = ROWS[:left_out] + ROWS[left_out + 1:]
        text = refused(encode_batch_0(changed(BATCH, rows=rows)))
        assert "sequence %d is not accounted for" % ROWS[left_out].sequence in text
    for field in ("missed", "lost"):
        assert "batch: " in refused(encode_batch_0(changed(BATCH, **{field: ()})))
    assert "sequence 7 " in refused(encode_batch_0(changed(BATCH, events=EVENTS[1:])))


def test_a_sequence_number_that_stands_twice_is_refused():
    again = Row(2, 0, 0, 1760000950, 0, (1, 2), (0, 0))
    assert "sequence 2 is not accounted for, or twice" in refused(
        encode_batch_0(changed(BATCH, rows=ROWS + (again,))))
    event = Event(4, 1760000950, 0, 1, None, "")
    assert "sequence 4 " in refused(encode_batch_0(changed(BATCH, events=EVENTS + (event,))))
    assert "sequence 8 " in refused(encode_batch_0(changed(BATCH, lost=(Lost(8, 12, 1, ""),))))
    twice = LOST + (Lost(9, 9, 1, ""),)
    assert "sequence 9 " in refused(encode_batch_0(changed(BATCH, lost=twice)))


def test_a_batch_that_ends_before_or_after_its_records_is_refused():
    assert "the records end at 12, wanted 13" in refused(encode_batch_0(changed(
        BATCH, last_sequence=13)))
    assert "the records end at 12, wanted 11" in refused(encode_batch_0(changed(
        BATCH, last_sequence=11)))
    refused(with_field([2], 2))
    assert "the records end at 0" in refused(encode_batch_0(batch_of(last=1)))


def test_an_index_outside_of_the_schema_is_refused():
    row = Row(1, 3, 0, 9, 0, (1, 2), (0, 0))
    assert "row meter: wanted 0..2, got 3" in refused(encode_batch_0(batch_of(rows=(row,))))
    missed = Missed(1, 3, 0, 9, 0, 1, "")
    assert "missed meter: wanted 0..2, got 3" in refused(encode_batch_0(batch_of(missed=(missed,))))
    event = Event(1, 9, 0, 1, 3, "")
    assert "event meter: wanted 0..2, got 3" in refused(encode_batch_0(batch_of(events=(event,))))
    row = Row(1, 0, 2, 9, 0, (1, 2), (0, 0))
    assert "group register-set: wanted 0..1, got 2" in refused(
        encode_batch_0(batch_of(rows=(row,))))


def test_a_register_set_that_is_not_the_meters_is_refused():
    row = Row(1, 0, 1, 9, 0, (5000,), (0,))
    assert "row: meter 0 has no register set 1" in refused(encode_batch_0(batch_of(rows=(row,))))
    missed = Missed(1, 1, 1, 9, 0, 1, "")
    assert "missed: meter 1 has no register set 1" in refused(
        encode_batch_0(batch_of(missed=(missed,))))


def test_a_batch_without_a_single_meter_in_its_schema_is_refused():
    empty = changed(SCHEMA, meters=(), register_sets=())
    refused(encode_batch_0(batch_of(rows=ROWS[:1])), schema=empty)


def test_fields_out_of_their_range_are_refused():
    for path, values in (
            ([0], (-1, None, 1)), ([1], (bytes(7), None)), ([2], (0, -1, 2**53, 13)),
            ([3], (0, 2**53)), ([4], (bytes(7), bytes(9))), ([5], (-1, 2**32, 2**32 - 1)),
            ([GROUPS], (None, [], [[]], {})), ([GROUPS, 0], ([0, 0], [0, 0, 3, 0])),
            ([GROUPS, 0, 0], (-1, 2, None)), ([GROUPS, 0, 1], (-1, 3)),
            ([GROUPS, 0, 2], (0, -1, 2, 4, 16385, True)), ([COLUMNS], (None, b"", "", [])),
            ([FLAGS], (None, [[]])), ([FLAGS, 0, 0], (-1, 5)), ([FLAGS, 0, 1], (-1, 2)),
            ([FLAGS, 0, 2], (0, -1, 65536)),
            ([9, 0], ([], None)), ([9, 0, 0], (0,)), ([9, 0, 3], (-1, 2**32)),
            ([9, 0, 4], (3,)), ([9, 0, 5], (0, 256)), ([9, 0, 6], ("x" * 201, "a\x00", None)),
            ([10, 0, 0], (0,)), ([10, 0, 1], (2**32,)), ([10, 0, 2], (3,)),
            ([10, 0, 3], (0, 256)), ([10, 0, 5], ("a\n",)),
            ([11, 0, 0], (0, 13)), ([11, 0, 1], (8, 2**53)), ([11, 0, 2], (0, 256)),
            ([11, 0, 3], (5,))):
        for value in values:
            refused(with_field(path, value))


def test_bytes_after_the_last_column_are_refused():
    columns = cbor.decode(encode_batch_0(BATCH))[COLUMNS]
    assert "1 bytes after the last column" in refused(with_field([COLUMNS], columns + b"\x00"))
    assert "in the middle of a number" in refused(with_field([COLUMNS], columns[:-1]))


def test_flags_out_of_order_or_twice_are_refused():
    flags = cbor.decode(encode_batch_0(BATCH))[FLAGS]
    assert len(flags) == 3
    assert "out of order" in refused(with_field([FLAGS], [flags[1], flags[0], flags[2]]))
    assert "out of order" in refused(with_field([FLAGS], [flags[0], flags[0]] + flags[1:]))


def raw_batch(groups, columns, base_time=9, flags=(), missed=(), events=(), last=2):
    """A batch put together by hand, as another program might write it."""
    out = bytearray()
    for column in columns:
        append_column(out, column)
    return cbor.encode([0, INCARNATION, 1, last, SCHEMA_ID, base_time, groups, bytes(out),
                        list(flags), list(missed), list(events), []])


def test_every_other_encoding_of_the_same_records_is_refused():
    right = raw_batch([[0, 0, 2]], [[0, 1], [0, 1], [0, 1], [5, 6], [7, 8]])
    assert decode_batch(right, SCHEMA)
    for other in (
            raw_batch([[0, 0, 2]], [[1, 0], [1, 0], [1, 0], [6, 5], [8, 7]]),
            raw_batch([[0, 0, 1], [0, 0, 1]], [[0], [0], [0], [5], [7], [1], [1], [1], [6], [8]]),
            raw_batch([[0, 1, 1], [0, 0, 1]], [[0], [0], [0], [5], [7], [1], [1], [1], [6], [8]]),
            raw_batch([[0, 0, 2]], [[0, 1], [0, 1], [1, 2], [5, 6], [7, 8]], base_time=8),
            raw_batch([[0, 0, 2]], [[0, 1], [0, 1], [-1, 0], [5, 6], [7, 8]], base_time=10)):
        assert "out of order, another base time" in refused(other)
    absent = [[1, 0, status.ABSENT]]
    assert decode_batch(raw_batch(
        [[0, 0, 2]], [[0, 1], [0, 1], [0, 1], [5, 5], [7, 8]], flags=absent), SCHEMA)
    assert "under an absent value" in refused(raw_batch(
        [[0, 0, 2]], [[0, 1], [0, 1], [0, 1], [5, 6], [7, 8]], flags=absent))
    events = [[2, 9, 0, 1, None, ""], [1, 9, 0, 1, None, ""]]
    assert "out of order" in refused(raw_batch([], [], base_time=0, events=events))
    assert "another base time" in refused(raw_batch([], [], events=events[1:] + events[:1]))


def test_rows_whose_values_and_statuses_disagree_are_a_mistake_of_the_caller():
    for values, statuses in (((None, 1), (0, 0)), ((1, 1), (status.ABSENT, 0)), ((1, 1), (0,)),
                             ((2**62, 1), (0, 0))):
        row = Row(1, 0, 0, 9, 0, values, statuses)
        raises(AssertionError, lambda row=row: encode_batch_0(batch_of(rows=(row,))))


def test_the_size_is_bounded_before_anything_is_read():
    assert "at most %d" % BATCH_BYTES_MAX in refused(bytes(BATCH_BYTES_MAX + 1))


def test_a_day_of_one_meter_comes_back():
    rows = tuple([Row(n + 1, 0, 0, 1760000000 + 900 * n, 0, (1000 + 7 * n, 2300 + n % 5), (0, 0))
                  for n in range(96)])
    encoded = encode_batch_0(batch_of(rows=rows))
    assert decode_batch(encoded, SCHEMA).rows == rows
    assert len(encoded) < 96 * 8
