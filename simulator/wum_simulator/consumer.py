"""What one consumer takes from the grid and gives to it, at any second: recorded and derived.

A pure function of (seed, consumer, time). The energy of each interval is the recorded one
(loads/); everything else is derived by the dice and stands in this file:
- consumption less generation of an interval is import when above 0, export when below;
- within an interval the power changes 60 times, each slot's weight in 64..319, so that counter
  and power agree at every second and the interval's energy comes out exactly;
- each interval is shared among the phases by weights in 30..285, and each phase has a tan(phi)
  of -0.25..0.57 (negative: capacitive, R-), which gives the reactive energies;
- voltages and frequency are the street's (grid.py), less the drop in the consumer's own cable;
- counters start at ORIGIN_S with a reading of up to 9999 kWh.
Left out: registers of a meter type (quantities.py, registers.py).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from math import isqrt

from wum_simulator.grid import Grid
from wum_simulator.loads.homes import WEEK_S, Home
from wum_simulator.world import Dice

ORIGIN_S = 1_578_268_800     # 2020-01-06T00:00:00Z, a Monday: all counters start here.
MICRO = 1_000_000            # Quantities are integers of 10^-6 V, A, W, var, Wh, varh, Hz.
PHASES = 3
_SLOTS = 60
_CABLE_MICROOHM = 300_000    # From the street's cable to the meter and back.
_NOMINAL_V = 230

Phases = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Instant:
    """What a consumer shows at one second, per phase, in integers of 10^-6 of the unit.

    Energies are counters in Wh and varh: of import, export, reactive import (inductive, R+) and
    reactive export (R-). Power is positive when imported, reactive power when inductive.
    """

    at_s: int
    import_wh: Phases
    export_wh: Phases
    reactive_import_varh: Phases
    reactive_export_varh: Phases
    power_w: Phases
    reactive_var: Phases
    voltage_v: Phases
    current_a: Phases
    frequency_hz: int


@dataclass(frozen=True, slots=True)
class _Counter:
    """One counter of one phase over the cycle, in 10^-6 of its unit."""

    start: int                   # At ORIGIN_S.
    interval: tuple[int, ...]    # What each interval adds.
    before: tuple[int, ...]      # What the cycle had added before each interval; last: all.

    def at(self, cycle: int, place: int, above: int, below: int) -> int:
        """The counter `above`/`below` of the way through interval `place` of that cycle."""
        part = self.interval[place] * above // below
        return self.start + cycle * self.before[-1] + self.before[place] + part


class Consumer:
    """One home that starts with one of its weeks. `number` tells consumers of a street apart.

    `phases` is 3, or 1 for a consumer with a single-phase meter: all of it is then on L1.
    """

    def __init__(
            self, dice: Dice, grid: Grid, home: Home, *, first_week: int, number: int,
            phases: int = PHASES) -> None:
        assert phases in (1, PHASES)
        self.home = home
        self.first_week = first_week
        self.number = number
        self.phases = phases
        self._dice = dice
        self._grid = grid
        self._intervals = len(home.consumed_wh)
        self._offset_s = first_week * WEEK_S
        self._counters = self._made_counters()

    def at(self, at_s: int) -> Instant:
        """What is shown at UTC second `at_s`, which is not before ORIGIN_S."""
        assert at_s >= ORIGIN_S, "the town's counters start on 2020-01-06"
        interval_s = self.home.interval_s
        number, within_s = divmod(at_s - ORIGIN_S, interval_s)
        cycle, place = divmod(number, self._intervals)
        weights = self._weights(place)
        slot, into_s = divmod(within_s, interval_s // _SLOTS)
        slot_s = interval_s // _SLOTS
        above = sum(weights[:slot]) * slot_s + weights[slot] * into_s
        below = sum(weights) * slot_s
        energies = [_phases(c.at(cycle, place, above, below) for c in one)
                    for one in self._counters]
        powers = [_phases(c.interval[place] * 3600 * weights[slot] // below for c in one)
                  for one in self._counters]
        power = _less(powers[0], powers[1])
        reactive = _less(powers[2], powers[3])
        voltage = self._voltage(at_s, power)
        return Instant(
            at_s, energies[0], energies[1], energies[2], energies[3], power, reactive, voltage,
            _phases(apparent(p, q) * MICRO // u for p, q, u in zip(
                power, reactive, voltage, strict=True)),
            self._grid.frequency_hz(at_s),
        )

    def _voltage(self, at_s: int, power_w: Phases) -> Phases:
        street = self._grid.voltage_v(at_s)
        own = self._dice.octets("own voltage", self.number, at_s // self._grid.STEP_S)
        return _phases(
            street[k] + (own[k] - 128) * 2500 - power_w[k] // _NOMINAL_V * _CABLE_MICROOHM // MICRO
            for k in range(PHASES))

    def _weights(self, place: int) -> tuple[int, ...]:
        octets = self._dice.octets("shape", self.number, place)
        return tuple(64 + octet for octet in octets[:_SLOTS])

    def _made_counters(self) -> list[list[_Counter]]:
        """[import, export, R+, R-][phase]."""
        columns: list[list[list[int]]] = [[[] for _ in range(PHASES)] for _ in range(4)]
        for place in range(self._intervals):
            recorded = (place + self._offset_s // self.home.interval_s) % self._intervals
            net_wh = self.home.consumed_wh[recorded] - self.home.generated_wh[recorded]
            shares, tangents = self._split(place)
            for k in range(PHASES):
                active = abs(net_wh) * shares[k] * (MICRO // 1000)
                reactive = active * abs(tangents[k]) // 1000
                columns[0][k].append(active if net_wh > 0 else 0)
                columns[1][k].append(active if net_wh < 0 else 0)
                columns[2][k].append(reactive if tangents[k] > 0 else 0)
                columns[3][k].append(reactive if tangents[k] < 0 else 0)
        return [[_Counter(self._start(which, k), tuple(column), tuple(accumulate(
            column, initial=0))) for k, column in enumerate(columns[which])]
            for which in range(4)]

    def _split(self, place: int) -> tuple[Phases, Phases]:
        """Shares of the phases in permille (sum 1000), and tan(phi) of each in permille."""
        octets = self._dice.octets("phases", self.number, place)
        tangents = _phases((o - 64) * 3 if o >= 64 else (o - 64) * 4 for o in octets[3:6])
        if self.phases == 1:
            return (1000, 0, 0), tangents
        weights = [30 + octet for octet in octets[:3]]
        first = weights[0] * 1000 // sum(weights)
        second = weights[1] * 1000 // sum(weights)
        return (first, second, 1000 - first - second), tangents

    def _start(self, which: int, phase: int) -> int:
        if phase >= self.phases:
            return 0
        most_wh = (3_333_000, 333_000, 666_000, 333_000)[which]
        return self._dice.below(most_wh, "start", self.number, which, phase) * MICRO


def apparent(power: int, reactive: int) -> int:
    """sqrt(P^2 + Q^2), in the unit of both."""
    return isqrt(power * power + reactive * reactive)


def _phases(values: Iterable[int]) -> Phases:
    first, second, third = values
    return first, second, third


def _less(one: Phases, other: Phases) -> Phases:
    return one[0] - other[0], one[1] - other[1], one[2] - other[2]
