"""What an IEC 62056-21 meter writes of itself: data lines, single registers, load profile, clock.

Left out: messages and states (iec62056_21.py), what was kept of the past (iec62056_21_kept.py).
EDIS codes of IEC 62056-61; the town's meters keep Central European normal time, those of Turkey
theirs.
"""

from typing import Any

from wum_shared.units import scaled_to_text
from wum_simulator.catalog import Register
from wum_simulator.meters.edis_time import seconds_of
from wum_simulator.meters.iec62056_21_kept import Kept, local, normal_time_s
from wum_simulator.quantities import shown
from wum_simulator.registers import at_resolution
from wum_simulator.town import Meter

_KILO = ("Wh", "varh", "VAh", "W", "var", "VA")


class Answers:
    """The texts of one meter."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        makers = str(_sign_on(meter).get("makers", "WUM")).split()
        self.maker = makers[0]
        self.added = meter.kind.own.get("check") == "sum"
        self.type = meter.kind.name.upper()[:16].replace("/", "-")
        # By date and time that were written and wait for each other.
        self._date = ""
        self._kept = Kept(meter)
        # Whose manners it has where the standard leaves them open: mass, b0 or none.
        self.family = "mass" if meter.kind.name.startswith("mass-") else (
            "b0" if self.maker in ("EMR", "MCS", "EMH") else "")
        self.ends_answered = bool(_sign_on(meter).get("ends_answered"))
        self.is_open = False     # The consumer is disconnected.

    def readout(self, at_s: int) -> str:
        """All data lines, CR LF behind each."""
        lines = ["F.F(00)", f"0.0.0({self._meter.address:08d})"]
        lines += [f"{address}({text})" for address, text in self._clock(at_s)]
        instant = self._meter.instant_at(at_s)
        lines += [_address(r) + "(" + written(r, shown(r.obis, instant)) + ")"
                  for r in self._meter.kind.registers]
        return "".join(line + "\r\n" for line in lines)

    def register(self, text: str, at_s: int) -> str:
        """The answer to R1, R2 or R5: `(value*unit)`, a profile, a log, or an error message."""
        address, _, rest = text.partition("(")
        kept = self._kept.answer(address, rest.removesuffix(")"), at_s)
        if kept is not None:
            return kept
        for name, value in self._clock(at_s):
            if address == name:
                return f"{address}({value})"
        way = self._way("switch")
        if way and address == way["state"]:
            return f"({way['is_open'] if self.is_open else way['is_closed']})"
        names = (address, text)
        found = sorted((r for r in self._meter.kind.registers
                        if _address(r) in names or r.obis == address),
                       key=lambda r: int(r.own.get("value", 0)))
        if not found:
            return "(ERR12)" if self.added else "(ER01)"
        texts = [f"({self._value(r, at_s)})" for r in found]
        # Several values of one address: it stands before each, as Energomera has it.
        return texts[0] if len(texts) == 1 else "".join(f"{address}{text}\r\n" for text in texts)

    def _value(self, register: Register, at_s: int) -> str:
        value = written(register, shown(register.obis, self._meter.instant_at(at_s)))
        if "part" not in register.own:
            return value
        day = local(self._meter, at_s)[:6]       # CE308 says the day before a day's energy.
        return f"{day[4:]}.{day[2:4]}.{day[:2]},{value}"

    def write(self, text: str, at_s: int) -> bool:
        """What was written; whether it was done."""
        address, _, rest = text.partition("(")
        value = rest.removesuffix(")")
        switch, way = self._way("switch"), self._way("clock")
        if switch and address == switch["address"] and value in (switch["open"], switch["closed"]):
            self.is_open = value == switch["open"]
            return True
        if way and address == way.get("correct"):
            self._meter.set_clock(self._meter.clock_at(at_s) + int(value), at_s)
            return abs(int(value)) <= int(way["most_s"])
        return bool(way) and self._set(way, address, value, at_s)

    def _set(self, way: dict[str, Any], address: str, value: str, at_s: int) -> bool:
        digits = value.replace("-", "").replace(":", "")
        if address == way.get("weekday"):
            return digits in "1234567" and len(digits) == 1
        if address == way.get("date"):
            self._date = digits
            return len(digits) == 6
        if address != way.get("time", "0.9.1"):
            return False
        if way.get("date"):
            digits = (self._date or local(self._meter, at_s)[:6]) + digits
        seconds = seconds_of(digits)
        if seconds is None:
            return False
        self._meter.set_clock(seconds - normal_time_s(self._meter.kind.own), at_s)
        return True

    def _clock(self, at_s: int) -> list[tuple[str, str]]:
        way = self._way("clock")
        if not way:
            return []
        now = local(self._meter, at_s)
        day, time = now[:6], f"{now[6:8]}:{now[8:10]}:{now[10:]}"
        date, hour = way.get("date", ""), way.get("time", "0.9.1")
        if way.get("form") == "dashed":
            return [(date, f"{day[:2]}-{day[2:4]}-{day[4:]}"), (hour, time)]
        if way.get("form") == "dotted":
            weekday = (at_s + normal_time_s(self._meter.kind.own)) // 86400 + 4
            return [(date, f"{weekday % 7:02d}.{day[4:]}.{day[2:4]}.{day[:2]}"), (hour, time)]
        if date:
            return [(date, f"0{day}"), (hour, f"0{now[6:]}")]
        return [(hour, f"0{now}")]

    def _way(self, key: str) -> dict[str, Any]:
        return dict(self._meter.kind.own.get(key, {}))


def _sign_on(meter: Meter) -> dict[str, Any]:
    return dict(meter.kind.own.get("sign_on", {}))


def _address(register: Register) -> str:
    """As the catalogue says that this model writes it, or short: C.D.E."""
    return str(register.own.get("address") or register.obis.split(":")[1].split("*")[0])


def written(register: Register, micro: int) -> str:
    """A number with its unit, kWh and kW where the unit is one of energy or power."""
    number = at_resolution(register, micro)
    unsaid = register.own.get("unit_unsaid")
    unit = register.unit if unsaid is None else str(unsaid)
    kilo = unit in _KILO or unit[1:] in _KILO
    text = scaled_to_text(number, register.scaler - 3 if kilo else register.scaler)
    if unsaid is not None or not unit:
        return text
    return f"{text}*{'k' if kilo else ''}{unit.replace('m³', 'm3')}"
