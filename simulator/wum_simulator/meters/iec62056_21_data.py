"""What an IEC 62056-21 meter writes of itself: data lines, single registers, load profile, clock.

Left out: messages and states (iec62056_21.py). EDIS codes of IEC 62056-61; the town's meters keep
Central European normal time.
"""

from typing import Any

from wum_shared.units import scaled_to_text
from wum_simulator.catalog import Register
from wum_simulator.consumer import MICRO
from wum_simulator.meters.edis_time import seconds_of, written_at
from wum_simulator.quantities import shown
from wum_simulator.registers import at_resolution
from wum_simulator.town import Meter

PERIOD_S = 900
ROWS_MAX = 960               # Ten days of a profile in one answer.
NORMAL_TIME_S = 3600         # East of UTC.
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

    def readout(self, at_s: int) -> str:
        """All data lines, CR LF behind each."""
        lines = ["F.F(00)", f"0.0.0({self._meter.address:08d})"]
        lines += [f"{address}({text})" for address, text in self._clock(at_s)]
        instant = self._meter.instant_at(at_s)
        lines += [_address(r) + "(" + written(r, shown(r.obis, instant)) + ")"
                  for r in self._meter.kind.registers]
        return "".join(line + "\r\n" for line in lines)

    def register(self, text: str, at_s: int) -> str:
        """The answer to R1 or R5: `(value*unit)`, a profile, or an error message."""
        address, _, rest = text.partition("(")
        if address == self._profile_way().get("address", "P.01") and self._profile_way():
            return self._profile(rest.rstrip(")"))
        for name, value in self._clock(at_s):
            if address == name:
                return f"({value})"
        found = sorted((r for r in self._meter.kind.registers if address in (_address(r), r.obis)),
                       key=lambda r: int(r.own.get("value", 0)))
        if not found:
            return "(ER01)"
        texts = [f"({written(r, shown(r.obis, self._meter.instant_at(at_s)))})" for r in found]
        # Several values of one address: it stands before each, as Energomera has it.
        return texts[0] if len(texts) == 1 else "".join(f"{address}{text}\r\n" for text in texts)

    def write(self, text: str, at_s: int) -> bool:
        """W1 of date and time; whether it was done."""
        way = self._clock_way()
        address, _, rest = text.partition("(")
        digits = rest.rstrip(")")
        if address == way.get("date"):
            self._date = digits
            return True
        if not way or address != way.get("time", "0.9.1"):
            return False
        local_s = seconds_of(self._date + digits if way.get("date") else digits)
        if local_s is None:
            return False
        self._meter.set_clock(local_s - NORMAL_TIME_S, at_s)
        return True

    def _clock(self, at_s: int) -> list[tuple[str, str]]:
        way = self._clock_way()
        if not way:
            return []
        local = _local(self._meter.clock_at(at_s))
        if way.get("date"):
            return [(way["date"], f"0{local[:6]}"), (way.get("time", "0.9.1"), f"0{local[6:]}")]
        return [(way.get("time", "0.9.1"), f"0{local}")]

    def _clock_way(self) -> dict[str, Any]:
        return dict(self._meter.kind.own.get("clock", {}))

    def _profile_way(self) -> dict[str, Any]:
        return dict(self._meter.kind.own.get("profile", {}))

    def _profile(self, asked: str) -> str:
        """P.01 with its header; average power of each period, in kW with three places."""
        begin, _, end = asked.partition(";")
        first, last = _asked(begin), _asked(end)
        if first is None or last is None:
            return "(ER04)"
        first_s = -(-first // PERIOD_S) * PERIOD_S
        stamps = list(range(first_s, last + 1, PERIOD_S))[:ROWS_MAX]
        address = self._profile_way().get("address", "P.01")
        if not stamps:
            return f"{address}()"
        columns = [str(c["obis"]) for c in self._profile_way()["columns"]]
        heads = "".join(f"({code})(kW)" for code in columns)
        lines = [f"{address}(0{_local(first_s)[:10]})(00)(15)({len(columns)}){heads}"]
        lines += ["".join(f"({self._mean_kw(code, at_s)})" for code in columns)
                  for at_s in stamps]
        return "\r\n".join(lines) + "\r\n"

    def _mean_kw(self, code: str, at_s: int) -> str:
        """`1.5.0` is the mean of what 1.8.0 counts, and so on."""
        counter = f"1-0:{code.split(':')[-1].split('.')[0]}.8.0"
        before = shown(counter, self._meter.instant_at(at_s - PERIOD_S))
        grown = shown(counter, self._meter.instant_at(at_s)) - before
        return scaled_to_text(grown * 3600 // PERIOD_S // MICRO, -3)


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


def _local(utc_s: int) -> str:
    """YYMMDDhhmmss of normal time."""
    return written_at(utc_s + NORMAL_TIME_S)


def _asked(text: str) -> int | None:
    """UTC seconds of sYYMMDDhhmm, with or without its season and seconds."""
    local_s = seconds_of(text)
    return None if local_s is None else local_s - NORMAL_TIME_S
