"""Backlogs of thousands of records: too slow for the WebAssembly build of MicroPython."""

from tests.edge.records import row
from tests.edge.test_delivery import World
from wum_edge.uplink import delivery as rules
from wum_edge.uplink.batch import RECORDS_MAX


def test_a_long_backlog_goes_out_in_batches_within_the_limits():
    world = World(limit_bytes=1 << 20)
    for start in range(0, 3000, 100):
        world.append([row(n) for n in range(start, start + 100)])
    while world.archive.backlog:
        world.wait(0)
        for batch in world.head_end.batches()[-rules.WINDOW:]:
            assert batch.last - batch.first < RECORDS_MAX
            world.hear(world.head_end.store(batch))
    assert sorted(world.head_end.committed) == list(range(1, 3001))


def test_a_tick_sends_no_more_than_the_window():
    world = World(limit_bytes=1 << 20)
    for start in range(0, 6000, 100):
        world.append([row(n) for n in range(start, start + 100)])
    world.delivery.tick(world.now_ms)
    assert len(world.head_end.arrivals) <= rules.WINDOW + 1
