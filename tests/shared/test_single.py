"""A batch of one meter: every way a register can be told, and what is refused.

Left out: batches of many meters (test_batch.py) and golden bytes (test_golden_batches.py).
"""

from tests.portable import raises
from wum_shared import cbor, status
from wum_shared.bases import Base
from wum_shared.batch import Batch, Event, Lost, Missed, Row, decode_batch, encode_batch
from wum_shared.errors import Malformed, Unsupported
from wum_shared.messages import Meter, Register, RegisterSet, Schedule, Schema
from wum_shared.single import ROWS_MAX

START_S = 1760000400
METER_AT, COLUMNS = 6, 7


def register(code, scaler, unit, kind=7):
    return Register(bytes([1, 0, code, kind, 0, 255]), scaler, unit)


ENERGY = register(1, 0, 30, kind=8)
METER = (ENERGY, register(32, -1, 35), register(31, -2, 33), register(16, 0, 27),
         register(13, -3, 255))
ENERGY_AT, VOLTAGE, CURRENT, POWER, FACTOR = 0, 1, 2, 3, 4
SCHEMA = Schema(
    "default", bytes(8), 0,
    (Meter("M-1", "dp-1", "m", (0,), (0,)), Meter("M-2", "dp-2", "m", (0, 1), (0, 0))),
    (RegisterSet(0, METER), RegisterSet(1, (ENERGY,))), (Schedule(3600, 0),))


def row(sequence, *values, meter=0, register_set=0, time_s=None, quality=0, statuses=None):
    flags = tuple([status.ABSENT if value is None else 0 for value in values])
    return Row(sequence, meter, register_set,
               START_S + 3600 * (sequence - 1) if time_s is None else time_s, quality, values,
               statuses or flags)


def day(hours=24):
    """A home that exports at noon; its power is what the other registers make, nearly."""
    rows = []
    for hour in range(hours):
        power = (300 + 37 * (hour * hour % 23)) * (-1 if 10 <= hour < 14 else 1)
        volts, factor = 2300 + hour * 7 % 19, 1000 - hour * 5 % 31
        current = abs(power) * 1000000 // (volts * factor)
        rows.append(row(hour + 1, 70000 + 400 * hour, volts, current, power, factor))
    return tuple(rows)


def batch_of(rows=(), missed=(), events=(), lost=(), last=None):
    numbers = [r.sequence for r in rows + missed + events] + [x.last_sequence for x in lost]
    return Batch(bytes(8), 1, last or max(numbers), bytes(8), rows, missed, events, lost)


def encoded(batch, schema=SCHEMA):
    data = encode_batch(batch, schema=schema)
    assert type(cbor.decode(data)[METER_AT]) is int, "not told as a single meter's"
    return data


def again(*rows, **others):
    batch = batch_of(rows, **others)
    return decode_batch(encoded(batch), SCHEMA) == batch


def with_field(place, value, data=None):
    parts = cbor.decode(data or encoded(batch_of(day())))
    parts[place] = value
    return cbor.encode(parts)


def refused(data, schema=SCHEMA):
    return raises(Malformed, lambda: decode_batch(data, schema))


def bits(text):
    digits = "".join([c for c in text if c in "01"])
    digits += "0" * (-len(digits) % 8)
    return bytes([int(digits[at:at + 8], 2) for at in range(0, len(digits), 8)])


def test_the_layout_is_that_of_the_contract():
    one = (row(1, 5, meter=1, register_set=1), row(2, 7, meter=1, register_set=1))
    parts = cbor.decode(encoded(batch_of(one)))
    assert parts == [1, bytes(8), 1, 1, bytes(8), START_S, 1, bits(
        "01 00"                # Register set 1, time quality 0.
        "00 10"                # Every hour, without exception: a cell of form 0.
        "10"                   # No flags.
        "0"                    # The first kind is RISING, as is the kind before the first.
        "1 100"                # A head of 4 bits, ...
        "010"                  # ... zigzag(5), without its highest bit.
        "00001 1"              # A cell whose form is 5 less than the usual 6, so its k is 0, ...
        "0"                    # ... and all of it is listed:
        "001")]                # 2.


def test_every_way_to_tell_a_register_comes_back():
    assert again(*day())
    for values in ((5, 5, 9, 30), (9, 2, 8, 1), (1, 0, 3, 0, 900, 1), (900, 899, 0, 900, 898),
                   (-7, -9, -7), (0,), (-1,), (2**62 - 1, -2**62), (-2**62, 2**62 - 1),
                   (0,) * 30 + (1000000,) + (0,) * 30):
        assert again(*[row(n + 1, value, meter=1, register_set=1)
                       for n, value in enumerate(values)]), values


def test_a_power_costs_little_beside_voltage_current_and_power_factor():
    rows = day()
    without = tuple([Row(*(r[:5] + ((r.values[:FACTOR] + (7000 + n * n * 7 % 1009,)), r[6])))
                     for n, r in enumerate(rows)])
    assert len(encoded(batch_of(rows))) + 15 < len(encoded(batch_of(without)))


def test_any_power_comes_back_whatever_the_others_show():
    for power, others in ((-5, (0, 0, 0)), (0, (2300, 0, 1000)), (2**62 - 1, (0, 0, 0)),
                          (-2**62, (2**62 - 1, 2**62 - 1, -2**62)), (77, (None, 33, 1000)),
                          (77, (2300, None, None)), (None, (2300, 33, 1000))):
        volts, amperes, factor = others
        rows = list(day())
        rows[7] = row(8, rows[7].values[0], volts, amperes, power, factor)
        assert again(*rows), (power, others)


def test_absent_values_cost_a_flag_and_nothing_else():
    assert again(*[row(n + 1, None, None, None, None, None) for n in range(3)])
    rows = list(day())
    whole = len(encoded(batch_of(tuple(rows))))
    rows[5] = row(6, *((None,) * 4 + rows[5].values[4:]))
    assert again(*rows)
    assert len(encoded(batch_of(tuple(rows)))) <= whole + 4


def test_flags_times_and_gaps_come_back():
    rows = list(day())
    rows[3] = row(4, *rows[3].values, statuses=(status.LATE, 0, 0, 65534, 0))
    rows[20] = row(21, *rows[20].values, time_s=START_S - 5)
    rows[21] = row(22, *rows[21].values, time_s=2**32 - 1)
    missed = (Missed(25, 0, 0, START_S, 0, status.SILENT, ""),)
    events = (Event(26, START_S, 0, status.EVENT_STARTED, None, "x"),)
    lost = (Lost(27, 2**53 - 3, status.LOST_FULL, ""),)
    assert again(*rows)
    assert again(*rows[:9], *rows[9:], missed=missed, events=events, lost=lost)
    assert again(row(2, 1, 2, 3, 4, 5), row(4, 1, 2, 3, 4, 5), missed=(
        Missed(1, 0, 0, START_S, 0, 1, ""), Missed(3, 0, 0, START_S, 0, 1, "")))
    for step in (0, 900, 7, -3600, 3 * 10**9):
        at = START_S if step < 10**9 else 0
        assert again(*[row(n + 1, n, meter=1, register_set=1, time_s=at + step * n, quality=2)
                       for n in range(2)]), step


def test_what_is_not_of_one_meter_is_told_as_columns():
    one, other = row(1, 5, meter=1, register_set=1), row(2, 1, 2, 3, 4, 5)
    of_another = (
        (row(1, 1, 2, 3, 4, 5), row(2, 1, 2, 3, 4, 5, meter=1)), (one, other),
        (one, row(2, 6, meter=1, register_set=1, quality=1)),
        tuple([row(n + 1, n, meter=1, register_set=1) for n in range(ROWS_MAX + 1)]))
    for rows in of_another:
        batch = batch_of(rows)
        data = encode_batch(batch, schema=SCHEMA)
        assert type(cbor.decode(data)[METER_AT]) is list
        assert sorted(decode_batch(data, SCHEMA).rows) == sorted(rows)
    whole = batch_of(tuple([row(n + 1, n, meter=1, register_set=1) for n in range(ROWS_MAX)]))
    assert decode_batch(encoded(whole), SCHEMA) == whole


def test_every_cut_and_every_flipped_bit_is_refused_or_comes_back():
    whole = encoded(batch_of(day(3), lost=(Lost(4, 9, 1, ""),)))
    for size in range(len(whole)):
        refused(whole[:size])
    for bit in range(8 * len(whole)):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        try:
            batch = decode_batch(bytes(damaged), SCHEMA)
        except (Malformed, Unsupported):
            continue
        assert decode_batch(encode_batch(batch, schema=SCHEMA), SCHEMA) == batch, bit


def test_a_stream_with_more_or_less_in_it_is_refused():
    columns = cbor.decode(encoded(batch_of(day())))[COLUMNS]
    for other in (b"", columns[:-1], columns + b"\x00", columns[:-1] + bytes([columns[-1] | 1]),
                  bytes(len(columns)), b"\xff" * len(columns), None, [], "x"):
        refused(with_field(COLUMNS, other))
    for at, values in ((5, (2**32 - 1, -1, None)), (METER_AT, (2, -1, 1024)),
                       (3, (22, 24, 1024, 2**53, -1, None))):
        for value in values:
            refused(with_field(at, value))


def test_rows_whose_numbers_are_taken_are_refused():
    one = batch_of(day(2), events=(Event(3, 9, 0, 1, None, ""), Event(4, 9, 0, 1, None, "")))
    parts = cbor.decode(encoded(one))
    for events in ([[3, 9, 0, 1, None, ""]], [[3, 9, 0, 1, None, ""]] * 2,
                   [[n, 9, 0, 1, None, ""] for n in (1, 2, 3, 4)]):
        refused(cbor.encode(parts[:9] + [events] + parts[10:]))
    refused(cbor.encode(parts[:8] + [[], [], []]))


def test_a_delta_is_never_of_this_form():
    rows = day(2)
    assert type(cbor.decode(encode_batch(
        batch_of(rows), Base(9, bytes(16)), {}, SCHEMA))[METER_AT]) is list
    parts = cbor.decode(encoded(batch_of(rows)))
    data = cbor.encode(parts + [[9, bytes(16)]])
    raises(Malformed, lambda: decode_batch(data, SCHEMA, {}))
    refused(data)


def test_a_product_of_what_makes_none_is_refused():
    stream = bits("01 00 00 10 10"     # As in the layout above, with
                  "1 11"               # PRODUCT, the last of four other kinds,
                  "1 1 000 000001 1")  # no sign that changes, a head of 0 and nothing but 0.
    one = batch_of((row(1, 0, meter=1, register_set=1),))
    assert "nothing makes up" in refused(with_field(COLUMNS, stream, encoded(one)))
