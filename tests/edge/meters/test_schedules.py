"""Meters of one line with schedules of their own are read in sweeps of their own."""

from tests.edge.bus import Bus, ScriptedMeter, VirtualClock
from tests.edge.samples import document, entry
from wum_edge.config import check
from wum_edge.meters.catalog import check_model, protocols
from wum_edge.meters.sweep import sweeps_of_line
from wum_edge.meters.work import LineWork

WORDS = {100: 0x0012, 101: 0xD687, 0: 2301, 1: 0, 2: 0x3FA0, 3: 0x0000}


def test_meters_of_one_schedule_are_read_between_two_visits_of_another_ones_sweep():
    """Meter 2 every 5 minutes, the others every 15: each in its own sweep, on one line."""
    written = document(4)
    written["meter"][2]["period_s"] = 300
    models = {"two-and-one": check_model(entry())}
    clock = VirtualClock()
    bus = Bus(clock, [ScriptedMeter(n + 1, dict(WORDS)) for n in range(4)])
    sweeps = sweeps_of_line(check(written, protocols(models)), models, "a")
    assert [tuple(schedule) for schedule, _ in sweeps] == [(300, 0), (900, 0)]
    work = LineWork(*[sweep for _, sweep in sweeps])
    read = []
    for record in work.sweep(bus, clock, 100000, 1):
        if record is not None:
            read.append(record.meter)
        elif len(read) == 1:
            read += [one.meter for one in work.sweep(bus, clock, 100000, 0) if one is not None]
    assert read == [0, 2, 1, 3]
