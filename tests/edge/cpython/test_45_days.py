"""45 days without a head-end: nothing is given up, and all of it goes up afterwards in order.

CPython alone: so many rows are too much for a simulated flash in MicroPython's memory.
"""

from tests.edge.records import INCARNATION, START_S, schema_of
from wum_edge.archive.reader import Limits
from wum_edge.archive.ring import RETENTION_S, Archive, Stamp
from wum_shared.batch import Row
from wum_shared.ids import schema_id
from wum_shared.messages import encode_schema
from wum_shared.status import SYNCHRONISED
from wum_simulator.flash import SimulatedFlash

METERS, REGISTERS, PERIOD_S, DAYS = 8, 6, 900, 45
LIMIT_BYTES = 64 * 1024 * 1024      # archive_limit_mb = 64, as the example of docs/gateway.md.
SWEEPS = DAYS * 86400 // PERIOD_S
SCHEMA = encode_schema(schema_of(METERS, REGISTERS))


def sweep(number):
    """A reading of each meter at one time."""
    return [Row(0, meter, 0, START_S + number * PERIOD_S, SYNCHRONISED,
                tuple([number * 217 + meter * 1000 + place for place in range(REGISTERS)]),
                (0,) * REGISTERS) for meter in range(METERS)]


def started(flash):
    archive = Archive(flash, LIMIT_BYTES, INCARNATION)
    archive.keep_schema(SCHEMA)
    return archive


def test_45_days_without_a_head_end_give_up_nothing_and_go_up_in_order():
    assert DAYS * 86400 == RETENTION_S
    flash = SimulatedFlash()
    archive = started(flash)
    for number in range(SWEEPS):
        now = Stamp(START_S + number * PERIOD_S, SYNCHRONISED)
        archive.append(sweep(number), schema_id(SCHEMA), now)
        if number % 96 == 0:        # Each midnight it looks for what is too old,
            archive.expire(now)
        if number % 960 == 0:       # and now and then it starts again.
            archive = started(flash)
    assert archive.next_sequence == SWEEPS * METERS + 1
    assert archive.used_bytes < LIMIT_BYTES // 2 and not archive.notices()
    following = 1
    while following < archive.next_sequence:        # The head-end is back, and acknowledges.
        span = archive.read(following, Limits(2**53, 4096, 1 << 20))
        assert [one.sequence for one in span.rows] == list(
            range(following, span.last_sequence + 1)) and not span.lost
        for one in span.rows:
            at, meter = divmod(one.sequence - 1, METERS)
            assert (one.meter, one.captured_at_s) == (meter, START_S + at * PERIOD_S)
            assert one.values[0] == at * 217 + meter * 1000
        following = span.last_sequence + 1
        archive.acknowledge(span.last_sequence)
    assert archive.backlog == 0
