"""Which registers a power is the product of: power factor times the sum of voltages times currents.

A meter that shows all of them shows a power that is nearly known. Left out: how the difference is
told (ways.py). Codes: IEC 62056-61, group C of electricity; phases L1..L3 are 20, 40, 60 above.
"""

from collections import namedtuple

from wum_shared.messages import Register

_POWERS = (1, 2, 15, 16)       # Import, export, |import| + |export|, import less export.
_CURRENT, _VOLTAGE, _FACTOR = 11, 12, 13
_PHASES = (20, 40, 60)
_MOMENTARY = (7, 0, 255)       # Groups D, E, F.


class Factors(namedtuple("Factors", ("factor", "pairs", "above", "below"))):
    """Places of the power factor and of each (voltage, current); their product times `above`, by
    `below`, is in the unit of the power.
    """

    __slots__ = ()
    factor: int
    pairs: tuple[tuple[int, int], ...]
    above: int
    below: int


def factors_of(registers: tuple[Register, ...], place: int) -> Factors | None:
    """What makes up the register at `place`; None where it is no power, or something is lacking."""
    phase = _phase_of_power(registers[place].obis)
    if phase is None:
        return None
    places: dict[int, int] = {}
    for at, register in enumerate(registers):
        code = register.obis
        if code[0] == 1 and tuple(code[3:]) == _MOMENTARY and code[1] == registers[place].obis[1]:
            places[code[2]] = at
    factor = places.get(_FACTOR + phase)
    pairs = _pairs(places, (phase,) if phase else _PHASES)
    if not pairs and not phase:
        pairs = _pairs(places, (0,))     # A meter of one phase.
    if factor is None or not pairs:
        return None
    scalers = [(registers[u].scaler, registers[i].scaler) for u, i in pairs]
    if scalers != scalers[:1] * len(pairs):
        return None
    power = registers[factor].scaler + sum(scalers[0]) - registers[place].scaler
    return Factors(factor, tuple(pairs), 10 ** max(power, 0), 10 ** max(-power, 0))


def _pairs(places: dict[int, int], phases: tuple[int, ...]) -> list[tuple[int, int]]:
    return [(places[_VOLTAGE + phase], places[_CURRENT + phase]) for phase in phases
            if _VOLTAGE + phase in places and _CURRENT + phase in places]


def _phase_of_power(code: bytes) -> int | None:
    if code[0] == 1 and tuple(code[3:]) == _MOMENTARY:
        for phase in (0,) + _PHASES:
            if code[2] - phase in _POWERS:
                return phase
    return None


def product(factors: Factors, values: tuple[int | None, ...] | list[int | None]) -> int:
    """What a power is by the values of one row, rounded; what is absent there counts as 0."""
    whole = 0
    for u, i in factors.pairs:
        whole += (values[u] or 0) * (values[i] or 0)
    whole *= (values[factors.factor] or 0) * factors.above
    return (whole + factors.below // 2) // factors.below
