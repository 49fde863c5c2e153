"""OBIS codes (IEC 62056-61) and what a consumer shows under each, in 10^-6 of the unit.

Left out: how a meter type writes it into registers (registers.py). There is one tariff: rate 1
counts everything, the other rates stand at 0. Heat, water and gas are no recordings: they follow
the home's electricity by the plain factors below.
"""

from collections.abc import Callable
from math import isqrt

from wum_simulator.consumer import MICRO, Instant, apparent

Quantity = Callable[[Instant], int]


def shown(obis: str, instant: Instant) -> int:
    """Quantity `obis` (written A-B:C.D.E) at that instant. KeyError when the town has none."""
    return QUANTITIES[obis](instant)


def is_counter(obis: str) -> bool:
    """Whether this is a counter of energy or volume, which never goes back."""
    medium, _, rest = obis.partition(":")
    if medium == "1-0":
        return ".8." in obis
    return rest in _COUNTERS


def _power_factor(power: int, reactive: int) -> int:
    """|P| / S; 1 where nothing flows."""
    whole = apparent(power, reactive)
    return abs(power) * MICRO // whole if whole else MICRO


def _neutral_a(i: Instant) -> int:
    """Sum of three currents 120 degrees apart, as if all were in phase with their voltages."""
    a, b, c = (current if power >= 0 else -current for current, power in zip(
        i.current_a, i.power_w, strict=True))
    return isqrt(max(a * a + b * b + c * c - a * b - b * c - c * a, 0))


def _phase_quantities(k: int) -> dict[str, Quantity]:
    """Phase k (0..2): the totals' C plus 20, 40 or 60."""
    c = 20 * (k + 1)
    return {
        f"1-0:{c + 1}.7.0": lambda i: max(i.power_w[k], 0),
        f"1-0:{c + 2}.7.0": lambda i: max(-i.power_w[k], 0),
        f"1-0:{c + 3}.7.0": lambda i: max(i.reactive_var[k], 0),
        f"1-0:{c + 4}.7.0": lambda i: max(-i.reactive_var[k], 0),
        f"1-0:{c + 9}.7.0": lambda i: apparent(i.power_w[k], i.reactive_var[k]),
        f"1-0:{c + 11}.7.0": lambda i: i.current_a[k],
        f"1-0:{c + 12}.7.0": lambda i: i.voltage_v[k],
        f"1-0:{c + 13}.7.0": lambda i: _power_factor(i.power_w[k], i.reactive_var[k]),
        f"1-0:{c + 15}.7.0": lambda i: abs(i.power_w[k]),
        f"1-0:{c + 16}.7.0": lambda i: i.power_w[k],
        f"1-0:{c + 131}.7.0": lambda i: i.reactive_var[k],
        f"1-0:{c + 1}.8.0": lambda i: i.import_wh[k],
        f"1-0:{c + 2}.8.0": lambda i: i.export_wh[k],
        f"1-0:{c + 3}.8.0": lambda i: i.reactive_import_varh[k],
        f"1-0:{c + 4}.8.0": lambda i: i.reactive_export_varh[k],
        f"1-0:{c + 15}.8.0": lambda i: i.import_wh[k] + i.export_wh[k],
        f"1-0:{c + 16}.8.0": lambda i: i.import_wh[k] - i.export_wh[k],
    }


QUANTITIES: dict[str, Quantity] = {
    "1-0:1.7.0": lambda i: max(sum(i.power_w), 0),
    "1-0:2.7.0": lambda i: max(-sum(i.power_w), 0),
    "1-0:3.7.0": lambda i: max(sum(i.reactive_var), 0),
    "1-0:4.7.0": lambda i: max(-sum(i.reactive_var), 0),
    "1-0:9.7.0": lambda i: apparent(sum(i.power_w), sum(i.reactive_var)),
    "1-0:11.7.0": lambda i: sum(i.current_a),
    "1-0:12.7.0": lambda i: sum(i.voltage_v) // 3,
    "1-0:13.7.0": lambda i: _power_factor(sum(i.power_w), sum(i.reactive_var)),
    "1-0:14.7.0": lambda i: i.frequency_hz,
    "1-0:15.7.0": lambda i: abs(sum(i.power_w)),
    "1-0:16.7.0": lambda i: sum(i.power_w),
    "1-0:91.7.0": _neutral_a,
    "1-0:131.7.0": lambda i: sum(i.reactive_var),
    "1-0:1.8.0": lambda i: sum(i.import_wh),
    "1-0:2.8.0": lambda i: sum(i.export_wh),
    "1-0:3.8.0": lambda i: sum(i.reactive_import_varh),
    "1-0:4.8.0": lambda i: sum(i.reactive_export_varh),
    # By quadrant, of a meter of one direction: what is drawn inductively, and capacitively.
    "1-0:5.8.0": lambda i: sum(i.reactive_import_varh),
    "1-0:8.8.0": lambda i: sum(i.reactive_export_varh),
    "1-0:15.8.0": lambda i: sum(i.import_wh) + sum(i.export_wh),
    "1-0:16.8.0": lambda i: sum(i.import_wh) - sum(i.export_wh),
}
QUANTITIES.update({f"1-0:{c}.8.1": QUANTITIES[f"1-0:{c}.8.0"] for c in (1, 2, 3, 4, 15)})
QUANTITIES.update({f"1-0:{c}.8.{rate}": lambda i: 0 for c in (1, 2, 3, 4, 15)
                   for rate in (2, 3, 4)})
for _phase in range(3):
    QUANTITIES.update(_phase_quantities(_phase))

# A home with 8 kWh of electricity a day: 32 kWh of heat, 0.32 m3 of water (a quarter of it warm),
# 4 m3 of gas.
_HEAT, _WATER, _WARM, _GAS = 4, (4, 100_000), (1, 100_000), (5, 10_000)
_FLOW_MILLIDEGREES, _RETURN_MILLIDEGREES = 55_000, 35_000
_WH_IN_M3 = 23_260           # 20 K of a cubic metre of water: 1.163 Wh for a litre and kelvin.
_COUNTERS = ("1.0.0", "2.0.0", "3.0.0")


def _taken(i: Instant) -> int:
    return sum(i.import_wh)


def _drawn(i: Instant) -> int:
    return max(sum(i.power_w), 0)


QUANTITIES.update({
    "6-0:1.0.0": lambda i: _HEAT * _taken(i),
    "6-0:2.0.0": lambda i: _HEAT * _taken(i) // _WH_IN_M3,
    "6-0:8.0.0": lambda i: _HEAT * _drawn(i),
    "6-0:9.0.0": lambda i: _HEAT * _drawn(i) // _WH_IN_M3,
    "6-0:10.0.0": lambda i: 1000 * _FLOW_MILLIDEGREES,
    "6-0:11.0.0": lambda i: 1000 * _RETURN_MILLIDEGREES,
    "6-0:12.0.0": lambda i: 1000 * (_FLOW_MILLIDEGREES - _RETURN_MILLIDEGREES),
    "7-0:3.0.0": lambda i: _taken(i) * _GAS[0] // _GAS[1],
    "8-0:1.0.0": lambda i: _taken(i) * _WATER[0] // _WATER[1],
    "8-0:2.0.0": lambda i: _drawn(i) * _WATER[0] // _WATER[1],
    "9-0:1.0.0": lambda i: _taken(i) * _WARM[0] // _WARM[1],
    "9-0:2.0.0": lambda i: _drawn(i) * _WARM[0] // _WARM[1],
})
