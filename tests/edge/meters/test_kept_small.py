"""What is kept of each meter, as a board of 64 has it: nothing that it shares with all others."""

from tests.edge.samples import entry
from wum_edge.archive.bits import BitReader, BitWriter
from wum_edge.archive.coding import append_record, read_record
from wum_edge.archive.run import Run
from wum_edge.config import ClockPolicy, Meter
from wum_edge.meters.catalog import check_model
from wum_edge.meters.modbus.entry import Access
from wum_edge.meters.upkeep import Marks, Upkeep, marks_event
from wum_edge.meters.visit import Counters, KnownMeter
from wum_shared.batch import Event, Row
from wum_shared.status import (
    EVENT_OF_METER,
    FREE_RUNNING,
    LATE,
    NEVER_SET,
    SILENT,
    SYNCHRONISED,
)


def event(at_s, note, quality=FREE_RUNNING):
    return Event(0, at_s, quality, EVENT_OF_METER, 0, note)


def test_marks_of_a_meter_that_has_no_logs_hold_nothing_and_a_copy_goes_its_own_way():
    marks = Marks()
    assert not marks.__dict__ and not marks.copy().__dict__
    marks_event(marks, event(1000, "7 opened"))
    marks_event(marks, event(1, "8 closed", NEVER_SET))
    copy = marks.copy()
    assert (copy.events_s, copy.seen, copy.timeless, copy.profile_s) == (
        1000, ((7, "7 opened"),), ((8, "8 closed"),), None)
    marks_event(marks, event(1000, "9 opened"))
    marks_event(copy, event(2000, "7 opened"))
    assert marks.seen == ((7, "7 opened"), (9, "9 opened")) and marks.events_s == 1000
    assert copy.seen == ((7, "7 opened"),) and copy.events_s == 2000
    assert not Marks().__dict__ and Marks().is_new(None, 8, "8 closed")


def test_counters_hold_what_was_counted_and_no_more():
    one, other = Counters(), Counters()
    one.count(SILENT)
    one.count(SILENT)
    assert one.__dict__ == {"silent": 2} and one.answered == 0
    assert not other.__dict__ and other.silent == 0


def test_upkeep_and_meter_share_what_most_of_them_never_change():
    model = check_model(entry())
    known = KnownMeter(0, 0, Meter("m", "d", "a", 1, model.model, 500, Access("rtu")), model)
    upkeep = Upkeep("a", known, ClockPolicy(10, 0), 900, None, Marks())
    for name in ("error_s", "_told_s", "_told_error_s", "_cannot"):
        assert name not in upkeep.__dict__ and not getattr(upkeep, name)
    known.note_read(known.portions, 900)
    assert known._read_for is None and known.due(None, 900) == known.portions


def test_rows_of_all_meters_share_their_flags_in_a_run_of_the_archive():
    flags = [(0, 0, 0), (0, LATE, 0)]
    rows = [Row(n + 1, n % 4, 0, 1000 + n, SYNCHRONISED, (n, 2 * n, 3 * n), tuple(flags[n // 8]))
            for n in range(16)]
    written, read, out = Run(), Run(), BitWriter()
    for row in rows:
        append_record(out, written, row)
    bits = BitReader(out.whole(0))
    assert [read_record(bits, read, n + 1) for n in range(16)] == rows
    for run in (written, read):
        kept = [run.before(meter, 0).statuses for meter in range(4)]
        assert kept == [flags[1]] * 4
        assert all(one is kept[0] for one in kept)
