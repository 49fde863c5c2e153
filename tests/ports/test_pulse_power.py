"""The power goes at every operation and byte of a counter's writing: nothing shown is taken back,
nothing is invented, and what is missing is within what the next start says.
"""

from collections.abc import Iterator

from wum_edge.clock import Clock
from wum_edge.meters.pulse.codes import NOT_COUNTED
from wum_edge.meters.pulse.counter import PulseCounter
from wum_edge.meters.pulse.journal import RECORD_SIZE, RECORDS_MAX
from wum_edge.meters.pulse.port import PulseInput
from wum_edge.ports.linux.pulse_store import FlashStore
from wum_simulator.flash import TEARS, PowerCut, SimulatedFlash

NAME = "W-1.pulses"
EACH = 3                     # Pulses between two records.
MOST_PER_HOUR = 3600


class Ticking(Clock):
    """Moves when it is told to."""

    def __init__(self) -> None:
        self.ms = 0

    def now_s(self) -> int:
        return 1_760_000_000 + self.ms // 1000

    def quality(self) -> int:
        return 0

    def monotonic_ms(self) -> int:
        return self.ms

    def real_ms_until(self, at_s: int) -> int:
        return max(0, at_s - self.now_s()) * 1000


class Contact(PulseInput):
    """Gives pulses when it is told to."""

    def __init__(self, clock: Ticking) -> None:
        self._clock = clock
        self._edges: list[tuple[int, bool]] = [(0, False)]

    def pulse(self) -> None:
        for closed in (True, False):
            self._clock.ms += 50
            self._edges.append((self._clock.ms, closed))

    def edges(self) -> list[tuple[int, bool]]:
        taken, self._edges = self._edges, []
        return taken

    def dropped(self) -> int:
        return 0


def counter(flash: SimulatedFlash, clock: Ticking) -> tuple[PulseCounter, Contact]:
    contact = Contact(clock)
    return PulseCounter(
        contact, FlashStore(flash, NAME), clock, None, 5, 10, MOST_PER_HOUR), contact


def shown(one: PulseCounter) -> int:
    kept = one.shown()
    assert kept is not None
    return kept.total


def run_until_cut(
        flash: SimulatedFlash, clock: Ticking, rounds: int, before: int = 0,
) -> tuple[int, int, bool]:
    """(pulses that the meter gave, the most that was shown, whether the power went)."""
    given = told = before
    try:
        one, contact = counter(flash, clock)
        assert shown(one) == before
        for _ in range(rounds):
            for _ in range(EACH):
                contact.pulse()
                given += 1
            clock.ms += 11_000
            told = shown(one)
        one.close()
    except PowerCut:
        return given, told, True
    return given, told, False


def cuts(
        before: SimulatedFlash, rounds: int, total: int = 0,
) -> Iterator[tuple[SimulatedFlash, int, int, Ticking]]:
    """Every way in which the power can go while `rounds` records are written after `before`, on
    which `total` pulses are kept.
    """
    at = 0
    while True:
        at += 1
        clock = Ticking()
        clock.ms = 10_000_000
        flash = before.after_kill()
        flash.cut_at = at
        given, told, is_cut = run_until_cut(flash, clock, rounds, total)
        if not is_cut:
            return
        for tear in TEARS:
            for keep in range(flash.pending_bytes() + 1):
                later = Ticking()
                later.ms = clock.ms
                yield flash.after_cut(tear, keep), given, told, later


def check(flash: SimulatedFlash, given: int, told: int, clock: Ticking) -> None:
    one, contact = counter(flash, clock)
    found = shown(one)
    assert told <= found <= given
    assert one.missing_most is not None and given - found <= one.missing_most
    if given > found:
        assert [event.code for event in one.events_after(0)] == [NOT_COUNTED]
    contact.pulse()
    one.close()
    again, _ = counter(flash, clock)     # Its file is whole again.
    assert shown(again) == found + 1


def test_the_power_goes_at_every_byte_of_the_first_records() -> None:
    tried = 0
    for case in cuts(SimulatedFlash(), 3):
        check(*case)
        tried += 1
    assert tried > 3 * len(TEARS) * RECORD_SIZE


def test_the_power_goes_at_every_byte_around_the_beginning_anew() -> None:
    clock = Ticking()
    flash = SimulatedFlash()
    total, _, _ = run_until_cut(flash, clock, RECORDS_MAX - 3)
    size = len(flash.content(NAME))
    assert RECORDS_MAX - 3 <= size // RECORD_SIZE < RECORDS_MAX
    tried = 0
    for found, given, told, later in cuts(flash, 2, total):
        check(found, given, told, later)
        tried += 1
    assert tried > len(TEARS) * RECORD_SIZE


def test_a_flash_that_wears_out_at_any_operation_takes_nothing_back() -> None:
    for operation in range(1, 9):
        clock = Ticking()
        flash = SimulatedFlash()
        flash.fail = {operation: 28}
        one, contact = counter(flash, clock)
        told = 0
        for _ in range(4):
            contact.pulse()
            clock.ms += 11_000
            assert shown(one) >= told
            told = shown(one)
        found = shown(counter(flash.after_cut(TEARS[0]), clock)[0])
        assert told == found <= 4
