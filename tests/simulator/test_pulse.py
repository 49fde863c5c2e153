"""The gateway counts the town's pulses: all of them, through bounces, cuts and a magnet."""

from wum_edge.clock import Clock
from wum_edge.meters.pulse.codes import MAGNET_OFF, MAGNET_ON, NOT_COUNTED
from wum_edge.meters.pulse.counter import PulseCounter
from wum_edge.meters.pulse.entry import Weight
from wum_edge.meters.pulse.port import CounterStore
from wum_edge.meters.scaling import scale_from_text
from wum_simulator.meters.pulse import Contact, PulseOutput
from wum_simulator.town import Meter, meters
from wum_simulator.world import Dice

START_S = 1_767_225_600
DAY_S = 86400


class Time(Clock):
    """Moves when it is told to."""

    def __init__(self) -> None:
        self.ms = 0

    def now_s(self) -> int:
        return START_S + self.ms // 1000

    def quality(self) -> int:
        return 0

    def monotonic_ms(self) -> int:
        return self.ms

    def real_ms_until(self, at_s: int) -> int:
        return max(0, (at_s - START_S) * 1000 - self.ms)


class Memory(CounterStore):
    """A file that survives whoever writes it."""

    def __init__(self) -> None:
        self.data = b""

    def read(self) -> bytes:
        return self.data

    def append(self, data: bytes) -> None:
        self.data += data

    def replace(self, data: bytes) -> None:
        self.data = data


def meter() -> Meter:
    found: Meter = meters(Dice(7), ["eastron-sdm120"], count=1)[0]
    return found


def run(clock: Time, counter: PulseCounter, seconds: int) -> None:
    """Polled every minute."""
    for _ in range(0, seconds, 60):
        clock.ms += 60_000
        counter.poll()


def test_a_day_of_a_home_is_counted_to_the_last_pulse() -> None:
    for bouncing in (None, Dice(1).stream("bounce")):
        clock = Time()
        home = meter()
        output = PulseOutput(home, 3200, clock.monotonic_ms, start_s=START_S, bouncing=bouncing)
        counter = PulseCounter(output, Memory(), clock, None, 5, 300, 80_000)
        run(clock, counter, DAY_S)
        counter.close()
        kept = counter.shown()
        assert kept is not None
        before, after = (sum(home.instant_at(START_S + s).import_wh) for s in (0, DAY_S))
        assert kept.total == after * 3200 // 10**9 - before * 3200 // 10**9 == output.given > 1000
        assert Weight(3200, scale_from_text("1000"), 30).pulses == 3200


def test_cuts_lose_no_more_than_is_said_and_turn_nothing_back() -> None:
    clock, memory = Time(), Memory()
    output = PulseOutput(meter(), 1000, clock.monotonic_ms, start_s=START_S)
    shown = missing = 0
    for _ in range(20):
        counter = PulseCounter(output, memory, clock, None, 20, 300, 25_000)
        missing += counter.missing_most or 0
        run(clock, counter, 3600)
        kept = counter.shown()
        assert kept is not None and kept.total >= shown
        shown = kept.total
        clock.ms += 700_000                  # No power, and no orderly end before it.
        output.unheard()
        clock.ms += 1_000
    again = PulseCounter(output, memory, clock, None, 20, 300, 25_000)
    kept = again.shown()
    missing += again.missing_most or 0
    assert kept is not None
    assert shown <= kept.total < output.given <= kept.total + missing
    assert [event.code for event in again.events_after(0)] == [NOT_COUNTED]


def test_a_magnet_is_an_event_when_it_comes_and_when_it_goes() -> None:
    clock = Time()
    output = PulseOutput(meter(), 1000, clock.monotonic_ms, start_s=START_S)
    magnet = Contact(clock.monotonic_ms)
    counter = PulseCounter(output, Memory(), clock, None, 20, 300, 25_000)
    counter.watch(magnet, MAGNET_ON)
    magnet.move(closed=True)
    run(clock, counter, 120)
    magnet.move(closed=False)
    run(clock, counter, 120)
    assert [event.code for event in counter.events_after(0)] == [MAGNET_ON, MAGNET_OFF]
