"""What goes wrong with a meter or its mounting, in any protocol: counters, wires, clock.

Left out: what goes wrong on the line (faults.py). A wrong begins at a second of the town's time
and stays; each acts on what the ones before it left. A magnet and an open neutral are what their
meters show; that a meter notices and says so is its protocol's.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from wum_simulator.consumer import MICRO, PHASES, Instant, Phases

WRONGS_MAX = 16              # Of one meter: each doubles what a look at the meter costs.
_OPEN_NEUTRAL_PERCENT = (112, 68, 124)   # The phases share 400 V by their loads.


class What(StrEnum):
    """The wrongs there are."""

    RESET = "reset"                  # All counters begin again at 0.
    ROLLOVER = "rollover"            # Import jumps to `amount` Wh; after all 9 it begins at 0.
    REPLACED = "replaced"            # Another meter: other serial, counters from 0.
    INVERTED_CT = "inverted-ct"      # The transformer of phase `amount` (1..3) is the wrong way.
    MAGNET = "magnet"                # Measures `amount` percent too little.
    OPEN_NEUTRAL = "open-neutral"    # Voltages by load, not by the street.
    CLOCK_DRIFT = "clock-drift"      # The clock gains `amount` ppm (negative: loses).
    CLOCK_OFF = "clock-off"          # The clock is `amount` seconds ahead.


@dataclass(frozen=True, slots=True)
class Wrong:
    """One wrong, from `from_s` (town's UTC) on."""

    what: What
    from_s: int
    amount: int = 0


@dataclass(frozen=True, slots=True)
class Felt:
    """Something that a meter's own log keeps: `kind` is power, magnet or cover; `to_s` is None
    while it lasts.
    """

    kind: str
    from_s: int
    to_s: int | None = None


def instant_with(wrongs: tuple[Wrong, ...], at_s: int, shown: Callable[[int], Instant]) -> Instant:
    """What is shown at `at_s` when all is right but `wrongs`; `shown` is what would be."""
    if not wrongs:
        return shown(at_s)
    last = wrongs[-1]
    now = instant_with(wrongs[:-1], at_s, shown)
    if at_s < last.from_s or last.what not in _ACTS:
        return now
    return _ACTS[last.what](now, instant_with(wrongs[:-1], last.from_s, shown), last.amount)


def clock_error_s(wrongs: tuple[Wrong, ...], at_s: int) -> int:
    """By how much a meter's clock is ahead of the town's at `at_s`."""
    ahead = 0
    for wrong in wrongs:
        if wrong.what is What.CLOCK_DRIFT and at_s >= wrong.from_s:
            ahead += (at_s - wrong.from_s) * wrong.amount // MICRO
        elif wrong.what is What.CLOCK_OFF and at_s >= wrong.from_s:
            ahead += wrong.amount
    return ahead


def _since(now: Phases, then: Phases) -> Phases:
    return now[0] - then[0], now[1] - then[1], now[2] - then[2]


def _each(values: Phases, change: Callable[[int], int]) -> Phases:
    return change(values[0]), change(values[1]), change(values[2])


def _plus(one: Phases, other: Phases) -> Phases:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2]


def _reset(now: Instant, then: Instant, amount: int) -> Instant:
    return replace(
        now, import_wh=_since(now.import_wh, then.import_wh),
        export_wh=_since(now.export_wh, then.export_wh),
        reactive_import_varh=_since(now.reactive_import_varh, then.reactive_import_varh),
        reactive_export_varh=_since(now.reactive_export_varh, then.reactive_export_varh))


def _rollover(now: Instant, then: Instant, amount: int) -> Instant:
    """From 9...9 the next is 0: the register has as many digits as `amount`."""
    others = then.import_wh[1], then.import_wh[2]
    first = amount * MICRO - sum(others)
    begin = (first, *others) if first >= 0 else (amount * MICRO, 0, 0)
    stand = _plus(begin, _since(now.import_wh, then.import_wh))
    over = sum(stand) - 10**len(str(amount)) * MICRO
    if over >= 0:
        second = min(stand[1], over)
        third = min(stand[2], over - second)
        stand = over - second - third, second, third
    return replace(now, import_wh=stand)


def _inverted(now: Instant, then: Instant, amount: int) -> Instant:
    def swapped(one: Phases, other: Phases, before: Phases, other_before: Phases) -> Phases:
        values = list(one)
        values[k] = before[k] + other[k] - other_before[k]
        return values[0], values[1], values[2]

    k = min(max(amount, 1), PHASES) - 1
    sign = tuple(-1 if place == k else 1 for place in range(PHASES))
    return replace(
        now,
        import_wh=swapped(now.import_wh, now.export_wh, then.import_wh, then.export_wh),
        export_wh=swapped(now.export_wh, now.import_wh, then.export_wh, then.import_wh),
        power_w=(now.power_w[0] * sign[0], now.power_w[1] * sign[1], now.power_w[2] * sign[2]),
        reactive_var=(now.reactive_var[0] * sign[0], now.reactive_var[1] * sign[1],
                      now.reactive_var[2] * sign[2]))


def _magnet(now: Instant, then: Instant, amount: int) -> Instant:
    def less(value: int) -> int:
        return value * (100 - amount) // 100

    def slower(one: Phases, before: Phases) -> Phases:
        return _plus(before, _each(_since(one, before), less))

    return replace(
        now, import_wh=slower(now.import_wh, then.import_wh),
        export_wh=slower(now.export_wh, then.export_wh),
        reactive_import_varh=slower(now.reactive_import_varh, then.reactive_import_varh),
        reactive_export_varh=slower(now.reactive_export_varh, then.reactive_export_varh),
        power_w=_each(now.power_w, less), reactive_var=_each(now.reactive_var, less),
        current_a=_each(now.current_a, less))


def _open_neutral(now: Instant, then: Instant, amount: int) -> Instant:
    shares = _OPEN_NEUTRAL_PERCENT
    volts = now.voltage_v
    return replace(now, voltage_v=(
        volts[0] * shares[0] // 100, volts[1] * shares[1] // 100, volts[2] * shares[2] // 100))


_ACTS: dict[What, Callable[[Instant, Instant, int], Instant]] = {
    What.RESET: _reset, What.ROLLOVER: _rollover, What.REPLACED: _reset,
    What.INVERTED_CT: _inverted, What.MAGNET: _magnet, What.OPEN_NEUTRAL: _open_neutral,
}
