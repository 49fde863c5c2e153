"""The batch: every record comes back, and nothing can hide in one or be left out.

Left out: cells and bits (test_packed.py, test_rice.py) and version 0 (test_batch_0.py).
"""

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
    encode_batch,
    peek_batch,
)
from wum_shared.errors import Malformed, Unsupported

GROUPS, COLUMNS, MISSED_AT, EVENTS_AT, LOST_AT = 6, 7, 8, 9, 10


def with_field(path, value, encoded=None):
    """The encoded example with another value at `path`, a list of indices into nested lists."""
    whole = cbor.decode(encoded or encode_batch(BATCH))
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
    again = decode_batch(encode_batch(BATCH), SCHEMA)
    assert sorted([tuple(row) for row in again.rows]) == sorted([tuple(row) for row in ROWS])
    assert again[:4] == BATCH[:4]
    assert (again.missed, again.events, again.lost) == (MISSED, EVENTS, LOST)


def test_rows_come_by_group_then_meter_then_sequence():
    rows = decode_batch(encode_batch(BATCH), SCHEMA).rows
    assert [row.sequence for row in rows] == [1, 5, 2, 3, 6]


def test_the_bytes_do_not_depend_on_the_order_in_which_records_are_given():
    jumbled = Batch(*(BATCH[:4] + (
        tuple(reversed(ROWS)), MISSED, tuple(reversed(EVENTS)), LOST)))
    assert encode_batch(jumbled) == encode_batch(BATCH)
    assert ids.batch_digest(encode_batch(jumbled)) == ids.batch_digest(encode_batch(BATCH))


def test_the_layout_is_that_of_the_contract():
    parts = cbor.decode(encode_batch(batch_of(rows=ROWS[:2])))
    assert parts[:7] == [1, INCARNATION, 1, 1, SCHEMA_ID, 1760000900, [[0, 0, 2]]]
    assert parts[COLUMNS] == bytes([
        2, 0, 2, 0,            # Sequence and meter: bias 1, form 0: nothing is otherwise.
        0, 0b11,               # Captured-at: bias 0, BY-METER, SIGNED; registers neither.
        1, 1, 0,               # One flag: its place with k = 0; its status less 1 is 0.
        1, 0b00100000,         # Lead section: place 2, which is the second row's first register.
        2, 0b10011001, 0b10000000, 0x34, 0x72,    # Forms 1; 21 and 0; 23 and 1.
        0,                     # Nothing is sparse.
    ]) + parts[COLUMNS][17:]
    assert parts[COLUMNS][17:].hex() == "0294a0f40fd0"
    assert parts[MISSED_AT:] == []     # Nothing but rows.


def test_peek_tells_archive_range_and_schema_without_the_schema():
    assert peek_batch(encode_batch(BATCH)) == (INCARNATION, 1, 12, SCHEMA_ID)
    raises(Unsupported, lambda: peek_batch(with_field([0], 2)))
    raises(Malformed, lambda: peek_batch(with_field([0], 0)))
    raises(Malformed, lambda: peek_batch(with_field([3], -1)))


def test_batches_of_one_kind_of_record_are_read():
    for batch in (batch_of(rows=ROWS[:1]), batch_of(missed=(Missed(1, 2, 1, 5, 1, 255, "n"),)),
                  batch_of(events=(Event(1, 0, 2, 255, None, ""),)),
                  batch_of(lost=(Lost(1, 2**53 - 1, 1, "all"),))):
        assert decode_batch(encode_batch(batch), SCHEMA) == batch


def test_values_at_the_ends_of_their_range_come_back():
    rows = (Row(1, 0, 0, 0, 0, (2**62 - 1, -2**62), (65534, 65534)),
            Row(2, 0, 0, 2**32 - 1, 0, (-2**62, 2**62 - 1), (0, 0)))
    assert decode_batch(encode_batch(batch_of(rows=rows)), SCHEMA).rows == rows


def test_absent_values_cost_little_and_never_come_back_as_numbers():
    rows = (Row(1, 0, 0, 9, 0, (None, 2301), (status.ABSENT, 0)),
            Row(2, 0, 0, 9, 0, (5, None), (0, status.ABSENT | status.OUT_OF_RANGE)),
            Row(3, 0, 0, 9, 0, (None, None), (status.ABSENT, status.ABSENT)))
    assert decode_batch(encode_batch(batch_of(rows=rows)), SCHEMA).rows == rows


def test_every_cut_and_every_addition_is_refused():
    whole = encode_batch(BATCH)
    for size in range(len(whole)):
        refused(whole[:size])
    refused(whole + b"\x00")


def test_every_single_flipped_bit_is_refused_or_read_as_records_that_come_back():
    whole = encode_batch(BATCH)
    for bit in range(8 * len(whole)):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        try:
            batch = decode_batch(bytes(damaged), SCHEMA)
        except (Malformed, Unsupported):
            continue
        assert decode_batch(encode_batch(batch), SCHEMA) == batch, "bit %d" % bit


def test_a_gap_in_the_sequence_numbers_is_refused():
    for left_out in range(len(ROWS)):
        rows = ROWS[:left_out] + ROWS[left_out + 1:]
        text = refused(encode_batch(changed(BATCH, rows=rows)))
        assert "sequence %d is not accounted for" % ROWS[left_out].sequence in text
    for field in ("missed", "lost"):
        assert "batch: " in refused(encode_batch(changed(BATCH, **{field: ()})))
    assert "sequence 7 " in refused(encode_batch(changed(BATCH, events=EVENTS[1:])))


def test_a_sequence_number_that_stands_twice_is_refused():
    again = Row(2, 0, 0, 1760000950, 0, (1, 2), (0, 0))
    assert "out of order" in refused(encode_batch(changed(BATCH, rows=ROWS + (again,))))
    again = Row(2, 0, 0, 1760000950, 1, (1, 2), (0, 0))
    assert "sequence 2 is not accounted for, or twice" in refused(
        encode_batch(changed(BATCH, rows=ROWS + (again,))))
    event = Event(4, 1760000950, 0, 1, None, "")
    assert "sequence 4 " in refused(encode_batch(changed(BATCH, events=EVENTS + (event,))))
    assert "sequence 8 " in refused(encode_batch(changed(BATCH, lost=(Lost(8, 12, 1, ""),))))
    assert "sequence 9 " in refused(encode_batch(changed(BATCH, lost=LOST + (Lost(9, 9, 1, ""),))))


def test_a_batch_that_ends_before_or_after_its_records_is_refused():
    assert "the records end at 12, wanted 13" in refused(encode_batch(changed(
        BATCH, last_sequence=13)))
    assert "the records end at 12, wanted 11" in refused(encode_batch(changed(
        BATCH, last_sequence=11)))
    refused(with_field([2], 2))
    assert "the records end at 0" in refused(encode_batch(batch_of(last=1)))


def test_an_index_outside_of_the_schema_is_refused():
    row = Row(1, 3, 0, 9, 0, (1, 2), (0, 0))
    assert "row meter: wanted 0..2, got 3" in refused(encode_batch(batch_of(rows=(row,))))
    missed = Missed(1, 3, 0, 9, 0, 1, "")
    assert "missed meter: wanted 0..2, got 3" in refused(encode_batch(batch_of(missed=(missed,))))
    event = Event(1, 9, 0, 1, 3, "")
    assert "event meter: wanted 0..2, got 3" in refused(encode_batch(batch_of(events=(event,))))
    row = Row(1, 0, 2, 9, 0, (1, 2), (0, 0))
    assert "group register-set: wanted 0..1, got 2" in refused(encode_batch(batch_of(rows=(row,))))


def test_a_register_set_that_is_not_the_meters_is_refused():
    row = Row(1, 0, 1, 9, 0, (5000,), (0,))
    assert "row: meter 0 has no register set 1" in refused(encode_batch(batch_of(rows=(row,))))
    missed = Missed(1, 1, 1, 9, 0, 1, "")
    assert "missed: meter 1 has no register set 1" in refused(
        encode_batch(batch_of(missed=(missed,))))


def test_a_batch_without_a_single_meter_in_its_schema_is_refused():
    empty = changed(SCHEMA, meters=(), register_sets=())
    refused(encode_batch(batch_of(rows=ROWS[:1])), schema=empty)


def test_fields_out_of_their_range_are_refused():
    for path, values in (
            ([0], (-1, None)), ([1], (bytes(7), None)), ([2], (0, -1, 2**53, 13)),
            ([3], (0, 10, 12, -1, 2**53)), ([4], (bytes(7), bytes(9))),
            ([5], (-1, 2**32, 2**32 - 1)),
            ([GROUPS], (None, [], [[]], {})), ([GROUPS, 0], ([0, 0], [0, 0, 3, 0])),
            ([GROUPS, 0, 0], (-1, 2, None)), ([GROUPS, 0, 1], (-1, 3)),
            ([GROUPS, 0, 2], (0, -1, 2, 4, 16385, True)), ([COLUMNS], (None, b"", "", [])),
            ([8, 0], ([], None)), ([8, 0, 0], (0,)), ([8, 0, 3], (-1, 2**32)),
            ([8, 0, 4], (3,)), ([8, 0, 5], (0, 256)), ([8, 0, 6], ("x" * 201, "a\x00", None)),
            ([9, 0, 0], (0,)), ([9, 0, 1], (2**32,)), ([9, 0, 2], (3,)),
            ([9, 0, 3], (0, 256)), ([9, 0, 5], ("a\n",)),
            ([10, 0, 0], (0, 13)), ([10, 0, 1], (8, 2**53)), ([10, 0, 2], (0, 256)),
            ([10, 0, 3], (5,))):
        for value in values:
            refused(with_field(path, value))


def test_bytes_after_the_last_column_are_refused():
    columns = cbor.decode(encode_batch(BATCH))[COLUMNS]
    assert "1 bytes after the last column" in refused(with_field([COLUMNS], columns + b"\x00"))
    for size in range(len(columns)):
        refused(with_field([COLUMNS], columns[:size]))


def test_groups_and_records_out_of_order_or_twice_are_refused():
    parts = cbor.decode(encode_batch(BATCH))
    groups, events = parts[GROUPS], parts[EVENTS_AT]
    assert "out of order" in refused(with_field([GROUPS], [groups[1], groups[0], groups[2]]))
    assert "one stands twice" in refused(with_field([GROUPS], groups + groups[:1]))
    assert "out of order" in refused(with_field([EVENTS_AT], events[::-1]))
    whole = encode_batch(batch_of(rows=ROWS[:2]))
    assert "are left out" in refused(cbor.encode(cbor.decode(whole) + [[], [], []]))
    nothing = encode_batch(batch_of(events=(Event(1, 9, 0, 1, None, ""),)))
    assert "no rows" in refused(with_field([5], 9, nothing))
    assert "no rows" in refused(with_field([COLUMNS], b"\x00", nothing))


def test_rows_whose_values_and_statuses_disagree_are_a_mistake_of_the_caller():
    for values, statuses in (((None, 1), (0, 0)), ((1, 1), (status.ABSENT, 0)), ((1, 1), (0,)),
                             ((2**62, 1), (0, 0))):
        row = Row(1, 0, 0, 9, 0, values, statuses)
        raises(AssertionError, lambda row=row: encode_batch(batch_of(rows=(row,))))


def test_the_size_is_bounded_before_anything_is_read():
    assert "at most %d" % BATCH_BYTES_MAX in refused(bytes(BATCH_BYTES_MAX + 1))


def test_a_day_of_one_meter_comes_back():
    rows = tuple([Row(n + 1, 0, 0, 1760000000 + 900 * n, 0, (1000 + 7 * n, 2300 + n % 5), (0, 0))
                  for n in range(96)])
    encoded = encode_batch(batch_of(rows=rows))
    assert decode_batch(encoded, SCHEMA).rows == rows
    assert len(encoded) < 96 * 2
