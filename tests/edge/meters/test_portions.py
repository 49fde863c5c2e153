"""Register sets of one meter, each read at its own times; what is due together, in one visit."""

from tests.edge.bus import Bus, ScriptedMeter, VirtualClock
from tests.edge.samples import document, entry
from wum_edge.config import check
from wum_edge.meters.catalog import check_model, protocols
from wum_edge.meters.sweep import sweeps_of_line
from wum_edge.meters.work import LineWork
from wum_edge.plan import plan
from wum_edge.schema import schema
from wum_shared import status
from wum_shared.batch import Event, Missed, Row
from wum_shared.messages import decode_schema, encode_schema

WORDS = {100: 0x0012, 101: 0xD687, 0: 2301, 1: 0, 2: 0x3FA0, 3: 0x0000}
QUARTER, HOUR = 900, 3600
ENERGY, VOLTS, AMPERES = (1234567,), (2301,), (125,)


def written(count=2):
    """The first meter: energy every quarter, volts every hour, amperes every second hour; the
    others all of it every quarter."""
    found = document(count)
    found["register_set"] = [
        {"name": "volts", "registers": "32.7.0 52.7.0", "period_s": HOUR},
        {"name": "rest", "registers": "*.7.*", "period_s": 2 * HOUR}]
    found["meter"][0]["register_sets"] = "volts rest"
    return found


class Street:
    def __init__(self, count=2, document=None):
        self.models = {"two-and-one": check_model(entry())}
        self.config = check(document or written(count), protocols(self.models))
        self.clock = VirtualClock()
        self.clock.start_s -= self.clock.start_s % (2 * HOUR)
        self.meters = [ScriptedMeter(n + 1, dict(WORDS)) for n in range(count)]
        self.bus = Bus(self.clock, self.meters)
        self.sweeps = sweeps_of_line(self.config, self.models, "a")
        self.work = LineWork(*[sweep for _, sweep in self.sweeps])

    def sweep(self, after_s, which=0, budget_ms=100000):
        """Records of a sweep that begins so long after a full second hour."""
        self.clock.ms = max(self.clock.ms, after_s * 1000)
        return [one for one in self.work.sweep(self.bus, self.clock, budget_ms, which)
                if one is not None and type(one) is not Event]


def told(records):
    """What each record says, in few words."""
    return [(one.meter, one.register_set, one.values if type(one) is Row else one.outcome)
            for one in records]


def test_each_set_has_its_own_schedule_and_row_and_the_schema_says_so():
    street = Street()
    made = schema(street.config, street.models, "default", bytes(range(8)), 1760000000)
    assert [len(one.registers) for one in made.register_sets] == [1, 1, 1, 3]
    assert [m.register_sets for m in made.meters] == [(0, 1, 2), (3,)]
    assert [tuple(one) for one in made.schedules] == [(QUARTER, 0), (HOUR, 0), (2 * HOUR, 0)]
    assert [m.schedules for m in made.meters] == [(0, 1, 2), (0,)]
    assert decode_schema(encode_schema(made)) == made
    assert [tuple(one) for one, _ in street.sweeps] == [(QUARTER, 0), (HOUR, 0), (2 * HOUR, 0)]


def test_what_is_due_at_one_moment_is_read_in_one_visit_and_once():
    street = Street()
    everything = [(0, 0, ENERGY), (0, 1, VOLTS), (0, 2, AMPERES)]
    whole = (1, 3, ENERGY + VOLTS + AMPERES)
    at_two = street.sweep(0)
    assert told(at_two) == everything + [whole]
    assert len({one.captured_at_s for one in at_two if one.meter == 0}) == 1
    assert street.sweep(1, 1) == street.sweep(1, 2) == []       # Nothing is left of that moment.
    assert told(street.sweep(QUARTER)) == [(0, 0, ENERGY), whole]
    assert told(street.sweep(HOUR)) == everything[:2] + [whole]
    assert told(street.sweep(2 * HOUR)) == everything + [whole]


def test_a_set_whose_moment_no_other_shares_is_read_by_itself():
    late = written()
    late["register_set"][0]["offset_s"] = 60
    street = Street(document=late)
    assert told(street.sweep(0))[:2] == [(0, 0, ENERGY), (0, 2, AMPERES)]
    assert told(street.sweep(60, 1)) == [(0, 1, VOLTS)]


def test_the_shorter_sweep_was_missed_and_the_longer_one_reads_what_is_its_own():
    """A line that was busy at the full hour: the quarter's sweep is made for a later moment."""
    street = Street()
    assert told(street.sweep(HOUR + QUARTER))[0] == (0, 0, ENERGY)
    street = Street()
    assert told(street.sweep(HOUR + 5, 1)) == [(0, 0, ENERGY), (0, 1, VOLTS)]


def test_a_silent_meter_gives_a_reason_for_each_set_that_is_due():
    street = Street()
    street.meters[0].silent = True
    records = [one for one in street.sweep(0) if one.meter == 0]
    assert told(records) == [(0, n, status.SILENT) for n in (0, 1, 2)]
    assert told(street.sweep(1, 1)) == []
    records = [one for one in street.sweep(QUARTER) if one.meter == 0]
    assert [type(one) for one in records] == [Missed] and records[0].register_set == 0


def test_what_there_was_no_time_for_is_left_to_the_sweep_of_its_own_schedule():
    street = Street(1)
    assert told(street.sweep(0, budget_ms=0)) == [(0, 0, status.NOT_TRIED)]
    assert told(street.sweep(1, 1)) == [(0, 0, ENERGY), (0, 1, VOLTS), (0, 2, AMPERES)]


def test_a_set_that_the_meter_refuses_is_missed_and_the_others_are_read():
    street = Street(1)
    del street.meters[0].words[0]
    assert told(street.sweep(0)) == [
        (0, 0, ENERGY), (0, 2, AMPERES), (0, 1, status.EXCEPTION)]


def test_a_set_without_a_register_of_the_model_is_not_there_and_an_empty_rest_neither():
    found = written(1)
    found["register_set"] = [
        {"name": "volts", "registers": "*.*.*", "period_s": HOUR},
        {"name": "rest", "registers": "99.1.0", "period_s": 2 * HOUR}]
    street = Street(1, found)
    made = schema(street.config, street.models, "default", bytes(range(8)), 1760000000)
    assert made.meters[0].register_sets == (0,) and made.schedules == ((HOUR, 0),)
    assert [tuple(one) for one, _ in street.sweeps] == [(HOUR, 0)]


def test_the_plan_counts_what_is_read_seldom_by_how_seldom_it_is():
    street = Street(1)
    whole = plan(check(document(1), protocols(street.models)), street.models)[0]
    split = plan(street.config, street.models)[0]
    assert len(split.meters) == 1 and split.period_s == QUARTER
    assert split.took_us < whole.took_us
