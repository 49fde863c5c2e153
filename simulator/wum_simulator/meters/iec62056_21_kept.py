"""What an IEC 62056-21 meter has kept: load profile and event log, in the form of its family.

Left out: registers and clock (iec62056_21_data.py). Written from what the makers print: P.01 and
P.98 of IEC 62056-61, as MCS301 and LZQJ-XC have them; MASS v11 of Turkey, 4.7 to 4.10 and Ek-E;
Energomera's commands of CE208 and CE308, pages 12 to 17.
"""

from typing import Any

from wum_shared.units import scaled_to_text
from wum_simulator.consumer import MICRO
from wum_simulator.meters.edis_time import seconds_of, written_at
from wum_simulator.quantities import shown
from wum_simulator.town import Meter
from wum_simulator.wrongs import Felt, What

PERIOD_S = 900
ROWS_MAX = 960               # Ten days of a profile in one answer.
DAY_S = 86400
CENTRAL_EUROPE_S, TURKEY_S = 3600, 10800     # East of UTC.
# By address, what a list of MASS or a log of CE308 keeps.
LISTS = {"96.77.0": "power", "96.77.6": "magnet", "96.77.5": "current", "96.77.4": "voltage",
         "96.70": "cover", "96.71": "terminals",
         "LOE04": "power", "LOE28": "terminals", "LOE29": "cover", "LOE30": "magnet",
         "LOE33": "password"}
KINDS = {What.MAGNET: "magnet", What.INVERTED_CT: "current", What.OPEN_NEUTRAL: "voltage"}
# Status of EDIS when it begins and when it ends; numbers of MCS301.
EDIS = {"power": (0x80, 0x40), "magnet": (0x04, 0x04), "cover": (0x10, 0x10)}
MCS301 = {"power": (1, 2), "magnet": (17, 17), "cover": (17, 17)}


def normal_time_s(own: dict[str, Any]) -> int:
    """How far east of UTC this model's meters keep their time."""
    return TURKEY_S if str(own.get("model", "")).startswith("mass-") else CENTRAL_EUROPE_S


def local(meter: Meter, at_s: int) -> str:
    """What its clock shows at `at_s`, as YYMMDDhhmmss."""
    return written_at(meter.clock_at(at_s) + normal_time_s(meter.kind.own))


class Kept:
    """The profile and the log of one meter."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._own = meter.kind.own
        self._east_s = normal_time_s(self._own)

    def answer(self, address: str, asked: str, at_s: int) -> str | None:
        """The answer to what was asked there; None where nothing is kept under that address."""
        profile, events = self._own.get("profile"), self._own.get("events")
        if profile and profile.get("form") == "days":
            if address == profile.get("setup_at"):
                return f"{address}({profile['setup']})"
            names = [column["address"] for column in profile["columns"]]
            if address in names:
                return self._day(profile["columns"][names.index(address)], asked, at_s)
        elif profile and address == profile.get("address", "P.01"):
            return self._profile(profile, asked, at_s)
        if events and address == events.get("address", "P.98") and not events.get("lists"):
            return self._log(events, asked, at_s)
        if events and address.partition("*")[0] in [one["address"]
                                                    for one in events.get("lists", [])]:
            return self._list(address, asked, at_s)
        return None

    def _profile(self, way: dict[str, Any], asked: str, at_s: int) -> str:
        begin, _, end = asked.partition(";")
        first, last = self._asked(begin), self._asked(end)
        if first is None or last is None:
            return "(ER04)"
        stamps = list(range(-(-first // PERIOD_S) * PERIOD_S,
                            min(last, at_s) + 1, PERIOD_S))[:ROWS_MAX]
        address = way.get("address", "P.01")
        if way.get("form") == "dated":
            return "".join(self._dated(way, at) for at in stamps) or f"{address}()"
        if not stamps:
            return f"{address}({way.get('nothing', '')})"
        columns = [str(c["obis"]) for c in way["columns"]]
        units = ["kvar" if c["unit"] == "var" else "kW" for c in way["columns"]]
        heads = "".join(f"({code})({unit})" for code, unit in zip(columns, units, strict=True))
        head = (f"{address}(0{written_at(stamps[0] + self._east_s)[:10]})(00)(15)"
                f"({len(columns)}){heads}\r\n")
        return head + "".join("".join(f"({self._mean(code, at)})" for code in columns) + "\r\n"
                              for at in stamps)

    def _dated(self, way: dict[str, Any], at_s: int) -> str:
        """`(yy-mm-dd,hh:mm)(a,b,c)`: counters as they stood, in their order."""
        instant = self._meter.instant_at(at_s)
        values = [scaled_to_text(shown(str(c["obis"]), instant) // MICRO, -3)
                  for c in sorted(way["columns"], key=lambda c: int(c.get("value", 0)))]
        return f"({_dashed(written_at(at_s + self._east_s)[:10])})({','.join(values)},0.000)\r\n"

    def _day(self, column: dict[str, Any], asked: str, at_s: int) -> str:
        """A day's values of half an hour each, up to the one that is full."""
        asked, _, part = asked.partition(",")
        day, month, year = asked.split(".")
        begin = seconds_of(f"{year}{int(month):02d}{int(day):02d}0000")
        period_s = 60 * int(self._own["profile"]["period_min"])
        if begin is None or begin - self._east_s > at_s:
            return f"({self._own['profile'].get('nothing', 'ERR18')})"
        begin -= self._east_s
        name, code = column["address"], str(column["obis"])
        count = min(DAY_S, at_s - begin) // period_s
        if code.endswith(".5.0"):
            return "".join(f"{name}({self._mean(code, begin + (place + 1) * period_s, period_s)})"
                           "\r\n" for place in range(count))
        # CE308 gives all of the day; of what has not been yet nothing was kept.
        lines = [f"({self._grown(code, begin + (place + 1) * period_s, period_s)},1)"
                 if place < count else "(0.0,0)" for place in range(DAY_S // period_s)]
        if part:
            first, many = (int(one) for one in part.split(","))
            lines = lines[first - 1:first - 1 + many]
        return f"{name}({asked},{lines[0][1:]}" + "".join(lines[1:]) + "\r\n"

    def _log(self, way: dict[str, Any], asked: str, at_s: int) -> str:
        """P.98 from the time that was asked for on."""
        first = self._asked(asked.partition(";")[0])
        lines = []
        for felt in self._felt(at_s):
            ends = [felt.from_s] if felt.to_s is None else [felt.from_s, felt.to_s]
            for place, when in enumerate(ends):
                if first is None or when >= first:
                    stamp = f"P.98(0{written_at(when + self._east_s)})"
                    if way.get("code"):
                        number = MCS301.get(felt.kind, (0, 0))[place]
                        lines.append(f"{stamp}(00)()(2)(0-0:C.11.0)()(0-0:C.11.10)()"
                                     f"({number})(0) \r\n")
                    else:
                        lines.append(f"{stamp}({EDIS.get(felt.kind, (0, 0))[place]:08X})()(0)\r\n")
        return "".join(lines) or f"P.98({way.get('nothing', '')})"

    def _list(self, address: str, asked: str, at_s: int) -> str:
        name, _, place = address.partition("*")
        felt = [one for one in self._felt(at_s) if one.kind == LISTS[name]][::-1]
        if name.startswith("LOE"):
            return self._numbered(name, felt, asked)
        one = felt[int(place or 1) - 1] if int(place or 1) <= len(felt) else None
        noughts = "00-00-00,00:00"
        if one is None:
            return f"({noughts})" if not place else f"({noughts};{noughts})"
        begin = _dashed(written_at(one.from_s + self._east_s)[:10])
        if not place:
            return f"({begin})(01)" if name == "96.71" else f"({begin})"
        end = noughts if one.to_s is None else _dashed(written_at(one.to_s + self._east_s)[:10])
        return f"({begin};{end})"

    def _numbered(self, name: str, felt: list[Felt], asked: str) -> str:
        """LOEzz(k,n): entries from the latest on, numbered from 1 in the order of time."""
        moments = sorted([(one.from_s, 1) for one in felt]
                         + [(one.to_s, 0) for one in felt if one.to_s is not None], reverse=True)
        if not moments:
            return f"{name}(0,00.00.00,00:00:00,00)"
        entries = []
        for place, (at_s, code) in enumerate(moments):
            now = written_at(at_s + self._east_s)
            entries.append(f"({len(moments) - place},{now[4:6]}.{now[2:4]}.{now[:2]},{now[6:8]}:"
                           f"{now[8:10]}:{now[10:]},{code:02X})")
        if asked:
            first, count = (int(part) for part in asked.split(","))
            entries = entries[first - 1:first - 1 + count]
        return name + "".join(entries)

    def _felt(self, at_s: int) -> list[Felt]:
        """What its log has, in the order of its beginnings."""
        own = [Felt(KINDS[wrong.what], wrong.from_s) for wrong in self._meter.wrongs
               if wrong.what in KINDS]
        return sorted((one for one in own + self._meter.felt if one.from_s <= at_s),
                      key=lambda one: one.from_s)

    def _mean(self, code: str, at_s: int, period_s: int = PERIOD_S) -> str:
        """`1.5.0` is the mean of what 1.8.0 counts, and so on, in kW."""
        return scaled_to_text(self._growth(code, at_s, period_s) * 3600 // period_s // MICRO, -3)

    def _grown(self, code: str, at_s: int, period_s: int) -> str:
        """`1.29.0` is what 1.8.0 counted in the period, in kWh."""
        return scaled_to_text(self._growth(code, at_s, period_s) // MICRO, -3)

    def _growth(self, code: str, at_s: int, period_s: int) -> int:
        quantity = int(code.split(":")[-1].split(".")[0])
        counter = f"1-0:{({5: 3, 6: 3, 7: 4}.get(quantity, quantity))}.8.0"
        before = shown(counter, self._meter.instant_at(at_s - period_s))
        return shown(counter, self._meter.instant_at(at_s)) - before

    def _asked(self, text: str) -> int | None:
        """UTC seconds of sYYMMDDhhmm or yy-mm-dd,hh:mm, with or without season and seconds."""
        digits = text.replace("-", "").replace(":", "").replace(",", "")
        local_s = seconds_of(digits)
        return None if local_s is None else local_s - self._east_s


def _dashed(digits: str) -> str:
    """`yy-mm-dd,hh:mm` of YYMMDDhhmm."""
    return (f"{digits[:2]}-{digits[2:4]}-{digits[4:6]},{digits[6:8]}:{digits[8:10]}")
