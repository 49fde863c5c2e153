"""A sweep gives a row or a reason for every meter, whatever the line does, and makes nothing up."""

from tests.edge.bus import Bus, ScriptedMeter, VirtualClock, crc_of
from tests.edge.samples import document, entry
from wum_edge.config import check
from wum_edge.meters.catalog import check_model, protocols
from wum_edge.meters.sweep import PROBE_EVERY, Sweep, meters_of_line
from wum_shared import status
from wum_shared.batch import Event, Missed, Row

# What the scripted meters hold: 12,345.67 kWh, 230.1 V and 1.25 A (a float).
WORDS = {100: 0x0012, 101: 0xD687, 0: 2301, 1: 0, 2: 0x3FA0, 3: 0x0000}
VALUES = (1234567, 2301, 125)
TIMEOUT_MS = 500


class Street:
    """A line with scripted meters, its clock and its sweep."""

    def __init__(self, count, change=None):
        written = document(count)
        models = {"two-and-one": entry()}
        if change:
            change(models["two-and-one"])
        checked = {name: check_model(models[name]) for name in sorted(models)}
        self.clock = VirtualClock()
        self.meters = [ScriptedMeter(n + 1, dict(WORDS)) for n in range(count)]
        self.bus = Bus(self.clock, self.meters)
        self.sweep = Sweep("a", meters_of_line(check(written, protocols(checked)), checked, "a"))

    def run(self, budget_ms=100000):
        """(rows, missed, events, milliseconds) of one sweep."""
        before_ms = self.clock.ms
        records = [r for r in self.sweep.run(self.bus, self.clock, budget_ms) if r is not None]
        return ([r for r in records if type(r) is Row], [r for r in records if type(r) is Missed],
                [r for r in records if type(r) is Event], self.clock.ms - before_ms)

    def counters(self, index):
        c = self.sweep.meters[index].counters
        return (c.answered, c.silent, c.bad_check, c.exception, c.foreign, c.not_tried)


def damaged(frame):
    return frame[:-1] + bytes([frame[-1] ^ 1])


def test_every_meter_gives_a_row_with_its_values():
    street = Street(3)
    rows, missed, events, _ = street.run()
    assert [r.meter for r in rows] == [0, 1, 2] and missed == [] and events == []
    for row in rows:
        assert row.values == VALUES and row.statuses == (0, 0, 0)
        assert row.sequence == 0 and row.register_set == 0
    assert street.counters(1) == (2, 0, 0, 0, 0, 0)


def test_the_capture_time_is_when_that_meters_reading_began():
    street = Street(3)
    street.meters[0].delay_ms = 400
    rows, _, _, _ = street.run()
    assert [r.captured_at_s - street.clock.start_s for r in rows] == [0, 0, 0]
    street.meters[1].delay_ms = 450
    street.clock.ms = 10000
    rows, _, _, _ = street.run()
    assert [r.captured_at_s - street.clock.start_s for r in rows] == [10, 10, 11]


def test_a_silent_meter_is_missed_and_the_others_are_read():
    street = Street(3)
    street.meters[1].silent = True
    rows, missed, events, took_ms = street.run()
    assert [r.meter for r in rows] == [0, 2]
    assert [(m.meter, m.outcome) for m in missed] == [(1, status.SILENT)]
    assert "silent for 500 ms" in missed[0].note
    assert [(e.kind, e.meter) for e in events] == [(status.EVENT_METER_SILENT, 1)]
    # It lived before, so one lost answer is asked for again; then it is dead.
    assert street.counters(1) == (0, 2, 0, 0, 0, 0)
    assert took_ms < 3 * TIMEOUT_MS + 200


def test_a_dead_meter_costs_at_most_one_timeout_a_sweep():
    street = Street(3)
    street.meters[1].silent = True
    street.run()
    for _ in range(8):
        street.clock.ms += 10000
        rows, missed, events, took_ms = street.run()
        assert len(rows) == 2 and len(missed) == 1 and events == []
        assert took_ms <= TIMEOUT_MS + 4 * 20


def test_a_dead_meter_is_probed_at_least_in_every_fourth_sweep_with_its_full_timeout():
    street = Street(9)
    for meter in street.meters[1:]:
        meter.silent = True
    street.run(4000)
    before = [len(m.asked) for m in street.meters]
    for _ in range(PROBE_EVERY):
        street.clock.ms += 10000
        _, missed, _, took_ms = street.run(4000)
        assert took_ms <= 2 * TIMEOUT_MS + 100      # Two of eight, not all eight.
        assert len([m for m in missed if m.outcome == status.NOT_TRIED]) == 6
    asked = [len(meter.asked) for meter in street.meters]
    assert [asked[n] - before[n] for n in range(1, 9)] == [1] * 8


def test_dead_meters_are_probed_in_every_sweep_while_that_is_cheap():
    street = Street(3)
    street.meters[1].silent = True
    street.run(3600000)
    for _ in range(3):
        _, missed, _, _ = street.run(3600000)
        assert missed[0].outcome == status.SILENT


def test_a_backed_off_meter_says_why_it_was_not_tried():
    street = Street(9)
    for meter in street.meters:
        meter.silent = True
    street.run(1000)
    _, missed, _, _ = street.run(1000)
    notes = [m.note for m in missed if m.outcome == status.NOT_TRIED]
    assert notes and "probed again within 4" in notes[0]


def test_a_meter_that_comes_back_is_read_in_the_sweep_that_finds_it():
    street = Street(2)
    street.meters[1].silent = True
    street.run()
    street.run()
    street.meters[1].silent = False
    rows, missed, events, _ = street.run()
    assert [r.meter for r in rows] == [0, 1] and rows[1].values == VALUES and missed == []
    assert [(e.kind, e.meter) for e in events] == [(status.EVENT_METER_BACK, 1)]
    # It lives again: one lost answer is asked for once more, and told to nobody.
    lost = []

    def one_lost(frame):
        lost.append(frame)
        return b"" if len(lost) == 1 else frame
    street.meters[1].mangle = one_lost
    rows, missed, events, _ = street.run()
    assert len(lost) > 1 and len(rows) == 2 and missed == [] and events == []


def test_the_four_outcomes_are_counted_apart():
    street = Street(5)
    street.meters[0].silent = True
    street.meters[1].mangle = damaged
    street.meters[2].refuse = 6
    street.meters[3].mangle = lambda frame: bytes([9]) + frame[1:-2] + crc_of(
        bytes([9]) + frame[1:-2])
    rows, missed, _, _ = street.run()
    assert [r.meter for r in rows] == [4]
    assert [(m.meter, m.outcome) for m in missed] == [
        (0, status.SILENT), (1, status.BAD_CHECK), (2, status.EXCEPTION), (3, status.FOREIGN)]
    for index, place in ((0, 1), (1, 2), (2, 3), (3, 4)):
        counted = street.counters(index)
        assert counted[place] > 0 and sum(counted) == counted[place], counted
    assert street.counters(4) == (2, 0, 0, 0, 0, 0)


def test_a_late_answer_of_one_meter_is_foreign_to_the_next_and_hurts_neither_value():
    street = Street(2)
    street.meters[0].delay_ms = 600
    street.meters[1].delay_ms = 300
    street.meters[1].words = dict.fromkeys(WORDS, 7)
    rows, missed, _, _ = street.run()
    own = [r for r in rows if r.meter == 1]
    assert own and own[0].values[1] == 7
    assert [(m.meter, m.outcome) for m in missed] == [(0, status.SILENT)]
    assert street.counters(1)[4] >= 1


def test_a_late_answer_never_becomes_the_answer_to_another_range():
    # Both ranges have the same length and the meter answers after its timeout: an answer does not
    # say to which range, so nothing may be believed.
    def alike(model):
        model["limits"]["gap"] = 0
        model["registers"] = [model["registers"][0], model["registers"][2]]
    street = Street(1, alike)
    street.meters[0].delay_ms = 700
    for _ in range(6):
        rows, missed, _, _ = street.run()
        assert rows == [] and len(missed) == 1


def test_one_damaged_answer_is_read_again_as_a_late_register_of_the_same_row():
    street = Street(3)
    asked = []

    def first_time(frame):
        asked.append(frame)
        street.clock.start_s += 2       # So that the capture times could differ.
        return damaged(frame) if len(asked) == 1 else frame
    street.meters[1].mangle = first_time
    rows, missed, _, _ = street.run()
    assert missed == []
    own = [r for r in rows if r.meter == 1]
    assert len(own) == 2 and own[0].captured_at_s == own[1].captured_at_s
    assert own[0].values == (VALUES[0], None, None)
    assert own[0].statuses == (0, status.ABSENT, status.ABSENT)
    assert own[1].values == (None, VALUES[1], VALUES[2])
    assert own[1].statuses == (status.ABSENT, status.LATE, status.LATE)


def test_a_register_that_comes_after_the_spread_is_not_put_into_the_row():
    street = Street(2)

    asked = []

    def slowly(frame):
        asked.append(frame)
        street.clock.start_s += 61      # The concentrator's clock, compressed say, runs on.
        return damaged(frame) if len(asked) == 1 else frame
    street.meters[0].mangle = slowly
    rows, missed, _, _ = street.run()
    assert len(asked) == 2 and missed == []
    assert [r.values for r in rows if r.meter == 0] == [(VALUES[0], None, None)]


def test_a_meter_whose_every_answer_is_damaged_is_missed_and_later_backed_off():
    street = Street(2)
    street.meters[0].mangle = damaged
    told = []
    for _ in range(3):
        _, missed, events, _ = street.run()
        assert [(m.meter, m.outcome) for m in missed] == [(0, status.BAD_CHECK)]
        told += events
    assert [(e.kind, e.meter) for e in told] == [(status.EVENT_ADDRESS_CLASH, 0)]
    assert "answers at address 1 are damaged in every sweep: do two meters have it?" in told[0].note
    before = len(street.meters[0].asked)
    street.run()
    assert len(street.meters[0].asked) - before <= 2


def test_a_refused_gap_costs_one_turn_and_no_reading():
    street = Street(1)
    del street.meters[0].words[1]       # Between voltage and current.
    rows, missed, _, _ = street.run()
    assert rows[0].values == VALUES and missed == []
    assert street.counters(0) == (3, 0, 0, 1, 0, 0)
    street.run()
    assert street.counters(0) == (6, 0, 0, 1, 0, 0)      # It was learnt.


def test_a_register_that_a_meter_refuses_is_absent_with_its_reason():
    street = Street(1)
    del street.meters[0].words[0]
    rows, missed, _, _ = street.run()
    assert rows[0].values == (VALUES[0], None, VALUES[2]) and missed == []
    assert rows[0].statuses == (0, status.ABSENT | status.REFUSED, 0)


def test_a_meter_that_refuses_everything_is_not_asked_register_by_register_for_ever():
    street = Street(1)
    street.meters[0].refuse = 2
    _, missed, _, _ = street.run()
    assert missed[0].outcome == status.EXCEPTION
    before = len(street.meters[0].asked)
    _, missed, _, _ = street.run()
    assert missed[0].outcome == status.EXCEPTION and len(street.meters[0].asked) - before == 2


def test_a_meter_that_is_busy_is_asked_again_in_the_same_sweep():
    street = Street(2)
    street.meters[0].refuse = 6
    told = []

    def not_busy_any_more(frame):
        told.append(frame)
        street.meters[0].refuse = 0
        return frame
    street.meters[1].mangle = not_busy_any_more
    rows, missed, _, _ = street.run()
    assert told and missed == []
    assert [r for r in rows if r.meter == 0][0].values == VALUES


def test_what_is_no_number_is_out_of_range_and_not_zero():
    street = Street(1)
    street.meters[0].words[2] = 0x7FC0       # NaN amperes.
    rows, _, _, _ = street.run()
    assert rows[0].values == (VALUES[0], VALUES[1], None)
    assert rows[0].statuses == (0, 0, status.ABSENT | status.OUT_OF_RANGE)


def test_the_code_for_no_value_is_not_a_value():
    def marked(model):
        model["registers"][1]["absent"] = "ffff"
    street = Street(1, marked)
    street.meters[0].words[0] = 0xFFFF
    rows, _, _, _ = street.run()
    assert rows[0].values[1] is None
    assert rows[0].statuses[1] == status.ABSENT | status.OUT_OF_RANGE


def test_meters_whose_turn_does_not_come_are_not_tried_and_first_in_the_next_sweep():
    street = Street(10)
    rows, missed, _, _ = street.run(budget_ms=100)       # 40 ms a meter.
    assert [r.meter for r in rows] == [0, 1, 2]
    assert [(m.meter, m.outcome) for m in missed] == [
        (n, status.NOT_TRIED) for n in range(3, 10)]
    assert missed[0].note == "the sweep's time was spent"
    assert street.counters(9) == (0, 0, 0, 0, 0, 1)
    rows, _, _, _ = street.run(budget_ms=100)
    assert [r.meter for r in rows] == [3, 4, 5]


def test_dead_meters_do_not_spend_the_time_of_the_living():
    street = Street(12)
    for meter in street.meters[:8]:
        meter.silent = True
    street.run()
    for _ in range(5):
        rows, missed, _, _ = street.run(budget_ms=200)
        assert [r.meter for r in rows] == [8, 9, 10, 11]
        assert len(missed) == 8


def test_an_adapter_that_hears_itself_changes_nothing():
    street = Street(3)
    street.bus.echo = True
    street.meters[1].silent = True
    rows, missed, _, _ = street.run()
    assert [r.meter for r in rows] == [0, 2] and rows[0].values == VALUES
    assert missed[0].outcome == status.SILENT


def test_a_line_that_is_gone_blames_no_meter_and_is_told_once():
    street = Street(3)
    street.run()
    street.bus.gone = True
    for sweep in range(3):
        rows, missed, events, _ = street.run()
        assert rows == [] and [m.outcome for m in missed] == [status.NOT_TRIED] * 3
        assert "it vanished" in missed[0].note
        assert [e.kind for e in events] == ([status.EVENT_LINE_GONE] if sweep == 0 else [])
    assert street.counters(0) == (2, 0, 0, 0, 0, 3)
    street.bus.gone = False
    rows, missed, events, _ = street.run()
    assert len(rows) == 3 and missed == []
    assert [(e.kind, e.meter) for e in events] == [(status.EVENT_LINE_BACK, None)]


def test_a_line_that_goes_in_the_middle_keeps_what_was_read():
    street = Street(3)

    def unplugged(frame):
        street.bus.gone = True
        return frame
    street.meters[1].mangle = unplugged
    rows, missed, events, _ = street.run()
    assert [r.meter for r in rows] == [0]
    assert [(m.meter, m.outcome) for m in missed] == [
        (1, status.NOT_TRIED), (2, status.NOT_TRIED)]
    assert [e.kind for e in events] == [status.EVENT_LINE_GONE]
    assert events[0].note == "line a (tty): it vanished"     # The line is named once.


def test_every_sweep_accounts_for_every_meter_under_dice():
    state = [12345]

    def dice(sides):
        state[0] = (state[0] * 1103515245 + 12345) & 0x7FFFFFFF
        return (state[0] >> 16) % sides
    street = Street(6)

    def noisy(frame):
        throw = dice(12)
        if throw == 0:
            return b""
        if throw == 1:
            return damaged(frame)
        if throw == 2:
            return b"\x00\x55" + frame
        if throw == 3:
            return frame[:dice(len(frame))]
        if throw == 4:
            return bytes([frame[0], frame[1] | 0x80, 6]) + crc_of(
                bytes([frame[0], frame[1] | 0x80, 6]))
        return frame
    for meter in street.meters:
        meter.mangle = noisy
    for _ in range(60):
        rows, missed, _, _ = street.run(20000)
        read = {r.meter for r in rows}
        not_read = {m.meter for m in missed}
        assert sorted(read | not_read) == list(range(6)) and not read & not_read
        for row in rows:
            for place in range(3):
                assert row.values[place] in (None, VALUES[place])
                assert (row.values[place] is None) == bool(row.statuses[place] & status.ABSENT)
