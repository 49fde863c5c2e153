"""The meters of one line, from one description: which home, which type, which address.

Left out: how they answer (meters/, bus.py).
"""

from dataclasses import dataclass

from wum_shared.units import scaled_to_text
from wum_simulator.catalog import Model, Register, UnknownModel, model
from wum_simulator.consumer import Consumer, Instant
from wum_simulator.grid import Grid
from wum_simulator.loads.homes import WEEKS, Home, recorded_homes
from wum_simulator.quantities import QUANTITIES, shown
from wum_simulator.registers import at_resolution, scaled_of, words_of
from wum_simulator.world import Dice
from wum_simulator.wrongs import WRONGS_MAX, Felt, What, Wrong, clock_error_s, instant_with

ADDRESS_MAX = 247            # MODBUS over Serial Line V1.02, 2.2.


@dataclass(frozen=True, slots=True)
class Showing:
    """One register at one second: its words, what they mean, and what a gateway is to keep."""

    register: Register
    words: tuple[int, ...]
    scaled: int | None


class Meter:
    """A meter of one type at one address, at one consumer."""

    def __init__(self, address: int, kind: Model, consumer: Consumer) -> None:
        self.address = address
        self.kind = kind
        self.consumer = consumer
        self.wrongs: tuple[Wrong, ...] = ()
        self.clock_set_s = 0     # By how much whoever set the clock has moved it.
        self.felt: list[Felt] = []   # What its log keeps besides its wrongs.

    @property
    def serial(self) -> str:
        """What stands on its plate, by address; another after each replacement."""
        times = sum(wrong.what is What.REPLACED for wrong in self.wrongs)
        return f"{90_000_000 + 1000 * self.consumer.number + 10 * self.address + times:08d}"

    def goes_wrong(self, wrong: Wrong) -> None:
        """From now on. Past WRONGS_MAX the oldest is mended."""
        self.wrongs = (*self.wrongs, wrong)[-WRONGS_MAX:]

    def instant_at(self, at_s: int) -> Instant:
        """What it measures and shows at UTC second `at_s`, with all that is wrong with it."""
        return instant_with(self.wrongs, at_s, self.consumer.at)

    def clock_at(self, at_s: int) -> int:
        """What its own clock shows (as UTC seconds) at UTC second `at_s`."""
        return at_s + clock_error_s(self.wrongs, at_s) + self.clock_set_s

    def set_clock(self, to_s: int, at_s: int) -> None:
        """Its clock shows `to_s` at UTC second `at_s`, and drifts on from there."""
        self.clock_set_s += to_s - self.clock_at(at_s)

    def words_at(
            self, at_s: int, registers: tuple[Register, ...]) -> list[tuple[Register, list[int]]]:
        """These registers and the words that they show at UTC second `at_s`."""
        if not registers:
            return []
        instant = self.instant_at(at_s)
        return [(r, words_of(r, shown(r.obis, instant))) for r in registers]

    def showing(self, at_s: int) -> list[Showing]:
        """All that it shows at UTC second `at_s`, and what that means."""
        if not any(register.count for register in self.kind.registers):
            instant = self.instant_at(at_s)
            return [Showing(register, (), at_resolution(register, shown(register.obis, instant)))
                    for register in self.kind.registers]
        return [Showing(register, tuple(words), scaled_of(register, words))
                for register, words in self.words_at(at_s, self.kind.registers)]

    def described(self, at_s: int) -> dict[str, object]:
        """The same for people and tests, as JSON can hold it."""
        return {
            "address": self.address, "model": self.kind.name, "at_s": at_s,
            "home": self.consumer.home.name, "first_week": self.consumer.first_week,
            "registers": [{
                "name": s.register.name, "obis": s.register.obis, "unit": s.register.unit,
                "value": None if s.scaled is None else scaled_to_text(s.scaled, s.register.scaler),
                "scaled": s.scaled,
                "scaler": s.register.scaler, "function": s.register.function,
                "address": s.register.address, "words": list(s.words),
            } for s in self.showing(at_s)],
        }


def street(dice: Dice, *, panels_everywhere: bool = False) -> list[tuple[Home, int]]:
    """(home, first week) of every consumer there is, 68 of them, in an order by the dice.

    A consumer is a recorded home that starts with another of its weeks; nothing is scaled. With
    `panels_everywhere` a home without panels is given those of a recorded home with the same
    interval, so that no consumer's export stands still.
    """
    homes = recorded_homes()
    if panels_everywhere:
        homes = tuple(home if home.has_panels else _with_panels(home, homes) for home in homes)
    consumers = [(home, week) for week in range(WEEKS) for home in homes]
    dice.stream("street").shuffle(consumers)
    return consumers


def meters(
        dice: Dice, models: list[str], *, count: int, first_address: int = 1,
        first_consumer: int = 0) -> list[Meter]:
    """`count` meters at addresses from `first_address`, the models dealt round.

    Consumers are numbered along the street from `first_consumer`; after the last of the street
    its homes come again with other phases, voltages and counters. Raises UnknownModel, ValueError.
    """
    return meters_of(dice, [model(name) for name in models], count=count,
                     first_address=first_address, first_consumer=first_consumer)


def meters_of(
        dice: Dice, types: list[Model], *, count: int, first_address: int = 1,
        first_consumer: int = 0) -> list[Meter]:
    """The same for meter types that need not be in the catalogue."""
    if count < 1:
        raise ValueError(f"meters: wanted 1 or more, got {count}")
    if first_consumer < 0:
        raise ValueError(f"first-consumer: wanted 0 or more, got {first_consumer}")
    if not 1 <= first_address <= first_address + count - 1 <= ADDRESS_MAX:
        raise ValueError(
            f"addresses: wanted 1..{ADDRESS_MAX}, got {first_address}.."
            f"{first_address + count - 1}")
    kinds = [_playable(kind) for kind in types]
    along = street(dice)
    grid = Grid(dice)
    found = []
    for place in range(count):
        number = first_consumer + place
        home, week = along[number % len(along)]
        kind = kinds[place % len(kinds)]
        consumer = Consumer(
            dice, grid, home, first_week=week, number=number, phases=kind.phases)
        found.append(Meter(first_address + place, kind, consumer))
    return found


def _playable(kind: Model) -> Model:
    strange = [f"{r.name} ({r.obis})" for r in kind.registers if r.obis not in QUANTITIES]
    if strange:
        raise UnknownModel(f"model {kind.name}: the town has nothing for {', '.join(strange)}")
    return kind


def _with_panels(home: Home, homes: tuple[Home, ...]) -> Home:
    roof = next(h for h in homes if h.has_panels and h.interval_s == home.interval_s)
    return Home(home.name, home.interval_s, home.consumed_wh, roof.generated_wh, True)
