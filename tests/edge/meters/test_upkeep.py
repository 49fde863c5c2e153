"""Clocks, event logs and load profiles: measured, read once each, filled from the oldest gap on."""

from tests.edge.bus import Bus, VirtualClock
from tests.edge.samples import document, entry
from wum_edge.config import ClockPolicy, check
from wum_edge.errors import LineSilent
from wum_edge.meters.catalog import check_model
from wum_edge.meters.orders import (
    COMMAND,
    ORDERS_MAX,
    READ_NOW,
    SET_CLOCK,
    SWITCH,
    Order,
    Orders,
)
from wum_edge.meters.reader import CannotDo, MeterEvent, MeterTime, ProfileRow, Reader
from wum_edge.meters.sweep import Sweep, meters_of_line
from wum_edge.meters.turn import Hearing, Turn
from wum_edge.meters.upkeep import DAY_S, Marks, Upkeep, marks_event
from wum_edge.meters.work import LineWork
from wum_shared import status
from wum_shared.batch import Event, Row

PERIOD_S = 3600
TURN_MS = 100
MEASURE_ONLY = ClockPolicy(10, 0)


class Nothing(Hearing):
    def __call__(self, heard):
        return False


class LoggingReader(Reader):
    """A meter with clock, log, profile and switch. Every conversation takes one turn of silence."""

    def __init__(self, clock):
        self.clock = clock
        self.ahead_s = 0
        self.doubt = ""
        self.log = []                # MeterEvents.
        self.captured = []           # Seconds of profile rows.
        self.asked = []              # What was asked for, in order.
        self.closed = True           # The switch.
        self.fails = False
        self.can = ("clock", "events", "profile")

    def _turn(self, what):
        self.asked.append(what)
        yield Turn(b"?", Nothing(), TURN_MS)
        if self.fails:
            raise LineSilent("meter: silent")

    def read(self, places, take):
        try:
            yield from self._turn("read")
            take.turns += 1
            for place in places:
                take.values[place] = place
        except LineSilent as error:
            take.errors.append(error)

    def close(self):
        yield from self._turn("close")

    def read_clock(self):
        if "clock" not in self.can:
            raise CannotDo("no clock")
        yield from self._turn("clock")
        return MeterTime(self.clock.now_s() + self.ahead_s, self.doubt,
                         status.CLOCK_DOUBTFUL if self.doubt else 0)

    def set_clock(self, utc_s):
        yield from self._turn("set")
        self.ahead_s = utc_s - self.clock.now_s()

    def read_events(self, after_s):
        if "events" not in self.can:
            raise CannotDo("no log")
        yield from self._turn(("events", after_s))
        return [one for one in self.log if one.at_s is None or one.at_s > after_s]

    def read_profile(self, first_s, last_s):
        if "profile" not in self.can:
            raise CannotDo("no profile")
        yield from self._turn(("profile", first_s, last_s))
        return [ProfileRow(at_s, (7, None), None) for at_s in self.captured
                if first_s <= at_s <= last_s]

    def switch(self, closed):
        yield from self._turn(("switch", closed))
        self.closed = closed


class House:
    """A line with such meters, all read by one sweep."""

    def __init__(self, count=1, policy=MEASURE_ONLY):
        self.clock = VirtualClock(1760000820)        # Seven minutes past a capture.
        self.bus = Bus(self.clock, [])
        config = check(document(count), {"two-and-one": "modbus-rtu"})
        self.known = meters_of_line(config, {"two-and-one": check_model(entry())}, "a")
        self.readers = []
        for known in self.known:
            known.reader = LoggingReader(self.clock)
            known.upkeep = Upkeep("a", known, policy, PERIOD_S, 5, Marks())
            self.readers.append(known.reader)
        self.reader = self.readers[0]
        self.work = LineWork(Sweep("a", self.known))

    def sweep(self):
        """Records of one sweep, an hour after the one before."""
        self.clock.ms += PERIOD_S * 1000
        return [record for record in self.work.sweep(self.bus, self.clock, 1000000)
                if record is not None]

    def events(self, kind):
        return [record for record in self.sweep() if type(record) is Event and record.kind == kind]

    def idle(self):
        return self.work.idle(self.bus, self.clock)


def test_everything_due_is_asked_for_in_one_association_and_then_it_is_closed():
    house = House()
    house.sweep()
    first = [what if type(what) is str else what[0] for what in house.reader.asked]
    assert first == ["read", "clock", "events", "profile", "close"]


def test_what_a_model_cannot_do_it_is_asked_for_once():
    house = House()
    house.reader.can = ()
    for _ in range(3):
        house.sweep()
    assert house.reader.asked == ["read", "close"] * 3


def test_a_clock_within_the_tolerance_is_nobodys_news():
    house = House()
    house.reader.ahead_s = -10
    assert house.events(status.EVENT_METER_CLOCK_OFF) == []
    assert house.known[0].upkeep.error_s == -10


def test_a_clock_that_is_off_is_told_with_meter_time_and_reason_once_a_day():
    house = House()
    house.reader.ahead_s, house.reader.doubt = 31, "its battery is low"
    told = house.events(status.EVENT_METER_CLOCK_OFF)
    assert len(told) == 1 and told[0].meter == 0 and told[0].time_quality == status.SYNCHRONISED
    assert told[0].note.startswith("line a: M-0001: clock ")
    assert "Z is +31 s off (its battery is low)" in told[0].note
    assert sum([len(house.events(status.EVENT_METER_CLOCK_OFF)) for _ in range(23)]) == 0
    assert len(house.events(status.EVENT_METER_CLOCK_OFF)) == 1
    house.reader.ahead_s = 60                                # It has grown: that is news.
    assert len(house.events(status.EVENT_METER_CLOCK_OFF)) == 1


def test_without_a_policy_no_clock_is_ever_set():
    house = House()
    house.reader.ahead_s = 3000
    house.sweep()
    assert "set" not in house.reader.asked


def test_a_clock_is_set_in_steps_within_the_policy_and_each_is_archived():
    house = House(policy=ClockPolicy(10, 20))
    house.reader.ahead_s = 50
    steps = []
    for _ in range(4):
        steps += [event.note for event in house.events(status.EVENT_METER_CLOCK_SET)]
    assert [note.split("clock ")[1] for note in steps] == [
        "set by -20 s, was +50 s off", "set by -20 s, was +30 s off"]
    assert house.reader.ahead_s == 10                        # Within the tolerance: left alone.


def test_no_clock_is_set_by_one_that_is_no_better_or_to_what_the_meter_doubts():
    house = House(policy=ClockPolicy(10, 20))
    house.reader.ahead_s = 50
    house.clock.quality = lambda: status.FREE_RUNNING
    house.sweep()
    house.clock.quality = lambda: status.SYNCHRONISED
    house.reader.doubt = "it does not say its deviation"
    house.sweep()
    assert "set" not in house.reader.asked


def test_no_step_goes_across_a_capture_of_the_load_profile():
    house = House(policy=ClockPolicy(10, 60))
    house.clock.start_s = 1760000410                         # The meter has yet to capture.
    house.reader.ahead_s = -40
    house.sweep()
    assert "set" not in house.reader.asked
    house.clock.start_s += 300
    house.sweep()
    assert "set" in house.reader.asked


def test_each_entry_of_a_meters_log_is_archived_once():
    house = House()
    house.reader.log = [MeterEvent(1760000000, 40, "cover opened"),
                        MeterEvent(1760000000, 41, "magnet"), MeterEvent(None, 3, "no time")]
    told = house.events(status.EVENT_OF_METER)
    assert [(e.at_s, e.note, e.time_quality) for e in told] == [
        (1760000000, "40 cover opened", status.FREE_RUNNING),
        (1760000000, "41 magnet", status.FREE_RUNNING),
        (told[2].at_s, "3 no time", status.NEVER_SET)]
    assert house.events(status.EVENT_OF_METER) == []
    # Another of the same second came while the first two were read.
    house.reader.log.append(MeterEvent(1760000000, 42, "sag"))
    house.reader.log.append(MeterEvent(1760000009, 40, "cover opened"))
    assert [e.note for e in house.events(status.EVENT_OF_METER)] == ["42 sag", "40 cover opened"]
    assert house.events(status.EVENT_OF_METER) == []


def test_marks_made_again_from_the_archive_are_the_same():
    house = House()
    house.reader.log = [MeterEvent(1760000000, 40, "a"), MeterEvent(1760000000, 41, "b"),
                        MeterEvent(None, 3, "c")]
    archived = house.events(status.EVENT_OF_METER)
    again = Marks()
    for event in archived:
        marks_event(again, event)
    own = house.known[0].upkeep.marks
    assert (again.events_s, again.seen, again.timeless) == (own.events_s, own.seen, own.timeless)


def test_a_sweep_reads_the_rows_that_are_new_and_each_once():
    house = House()
    at_s = house.clock.now_s() + PERIOD_S
    house.reader.captured = [at_s - 1800, at_s - 900, at_s]
    rows = [r for r in house.sweep() if type(r) is Row and r.register_set == 5]
    assert [r.captured_at_s for r in rows] == house.reader.captured
    assert rows[0].values == (7, None)
    assert rows[0].statuses == (status.FROM_PROFILE, status.FROM_PROFILE | status.ABSENT)
    assert [r for r in house.sweep() if type(r) is Row and r.register_set == 5] == []


def test_an_outage_is_filled_a_day_per_turn_from_the_oldest_and_only_when_nothing_else_is_due():
    house = House()
    now_s = house.clock.now_s() + PERIOD_S
    start_s = now_s - 3 * DAY_S
    house.known[0].upkeep.marks.profile_s = start_s
    house.reader.captured = list(range(start_s + 900, now_s + 1, 900))
    rows = [r for r in house.sweep() if type(r) is Row and r.register_set == 5]
    assert rows == []                                        # Not in the sweep ...
    turns = []
    while True:
        records = house.idle()
        if records is None:
            break
        turns.append(records)
        assert len(records) <= DAY_S // 900
    assert len(turns) == 3                                   # ... but a day at a time after it.
    filled = [r.captured_at_s for turn in turns for r in turn]
    assert filled == house.reader.captured[:len(filled)] and len(filled) >= 3 * 96 - 8
    asked = [a for a in house.reader.asked if a[0] == "profile"]
    assert all(last_s - first_s < DAY_S for _, first_s, last_s in asked)


def test_a_day_that_the_meter_has_not_is_asked_for_once():
    house = House()
    house.known[0].upkeep.marks.profile_s = house.clock.now_s() - 2 * DAY_S
    house.sweep()
    while house.idle() is not None:
        pass
    days = [a for a in house.reader.asked if a[0] == "profile"]
    assert len(days) == len(set(days)) and len(days) <= 4


def test_a_meter_that_fails_the_back_fill_rests_until_the_next_sweep():
    house = House()
    house.known[0].upkeep.marks.profile_s = house.clock.now_s() - 2 * DAY_S
    house.sweep()
    house.reader.fails = True
    assert house.idle() == [] and house.idle() is None
    house.reader.fails = False
    house.sweep()
    assert house.idle() is not None


def test_a_command_in_the_middle_of_a_sweep_waits_for_one_visit_at_most():
    house = House(8)
    done = []
    running = house.work.sweep(house.bus, house.clock, 1000000)
    next(running)                                            # The first meter's row.
    at_ms = house.clock.ms
    assert house.work.orders.put(Order(SWITCH, 5, False, done.append)) == ""
    while not done:
        next(running)
    assert house.readers[5].closed is False and done[0].is_done
    visit_ms = 5 * TURN_MS                                   # Read, clock, events, profile, close.
    assert house.clock.ms - at_ms <= visit_ms + 2 * TURN_MS
    assert len(house.readers[7].asked) == 0                  # The rest of the sweep came after it.
    assert len([r for r in running if type(r) is Row]) >= 6


def test_commands_come_before_reads_and_reads_before_back_fill():
    house = House(2)
    house.known[0].upkeep.marks.profile_s = house.clock.now_s() - 5 * DAY_S
    house.sweep()
    order = []
    house.work.orders.put(Order(READ_NOW, 0, None, lambda outcome: order.append("read")))
    house.work.orders.put(Order(SET_CLOCK, 1, None, lambda outcome: order.append("set")))
    records = house.idle()
    assert order == ["set", "read"] and [type(r) for r in records] == [Row]
    assert house.idle() is not None and order == ["set", "read"]         # Now it was the back-fill.


def test_an_order_that_cannot_be_done_says_why():
    house = House()
    done = []
    house.work.orders.put(Order(READ_NOW, 77, None, done.append))
    house.reader.fails = True
    house.work.orders.put(Order(SWITCH, 0, True, done.append))
    house.idle()
    assert [outcome.is_done for outcome in done] == [False, False]
    assert done[0].why == "meter: silent" and "no meter of this line has index 77" in done[1].why


def test_the_queue_is_bounded_and_says_so():
    orders = Orders()
    for _ in range(ORDERS_MAX):
        assert orders.put(Order(SWITCH, 0, True, None)) == ""
    assert orders.put(Order(SWITCH, 0, True, None)) == (
        "64 commands of this line wait already: ask again when they are done")
    assert orders.put(Order(READ_NOW, 0, None, None)) == ""  # Reads have a place of their own.
    assert orders.take().priority() == COMMAND
    assert len(orders) == ORDERS_MAX
    assert orders.put(Order(SWITCH, 0, True, None)) == ""    # And now there is one again.


def test_what_waits_when_the_gateway_ends_is_told_so_once_and_no_more_is_taken_in():
    orders = Orders()
    done = []
    orders.put(Order(SWITCH, 0, True, done.append))
    orders.put(Order(READ_NOW, 0, None, done.append))
    orders.close("the gateway is ending")
    assert [(o.is_done, o.why, o.records) for o in done] == [
        (False, "the gateway is ending", ())] * 2
    assert orders.put(Order(SWITCH, 0, True, done.append)) == "the gateway is ending"
    assert orders.take() is None and len(done) == 2


def test_a_command_that_comes_later_is_done_before_a_read_that_waits_in_a_sweep():
    house = House(6)
    order = []
    running = house.work.sweep(house.bus, house.clock, 1000000)
    next(running)
    house.work.orders.put(Order(READ_NOW, 4, None, lambda outcome: order.append("read 4")))
    house.work.orders.put(Order(SWITCH, 5, False, lambda outcome: order.append("switch 5")))
    house.work.orders.put(Order(SWITCH, 4, False, lambda outcome: order.append("switch 4")))
    rows = [record for record in running if type(record) is Row]
    assert order == ["switch 5", "switch 4", "read 4"]
    # The meter that is under way is finished first, and the sweep goes on after the orders.
    assert [what if type(what) is str else what[0] for what in house.readers[0].asked] == [
        "read", "clock", "events", "profile", "close"]
    assert list(house.readers[5].asked)[:2] == [("switch", False), "close"]
    assert sorted({row.meter for row in rows}) == [1, 2, 3, 4, 5]
    assert len([row for row in rows if row.meter == 4 and row.register_set != 5]) == 2


def test_an_order_in_the_back_fill_waits_for_one_day_of_one_meter():
    house = House(2)
    for known in house.known:
        known.upkeep.marks.profile_s = house.clock.now_s() - 9 * DAY_S
    house.sweep()
    assert house.idle() is not None                          # A day of the first.
    done = []
    house.work.orders.put(Order(SWITCH, 1, False, done.append))
    asked = len(house.reader.asked)
    house.idle()
    assert done[0].is_done and len(house.reader.asked) == asked


def test_a_sweep_ends_although_an_order_comes_at_every_boundary():
    house = House(4)
    done = []
    rows = set()
    for record in house.work.sweep(house.bus, house.clock, 1000000):
        if type(record) is Row:
            rows.add(record.meter)
        if record is None:
            house.work.orders.put(Order(SWITCH, 0, True, done.append))
    assert rows == {0, 1, 2, 3} and len(done) >= 3
