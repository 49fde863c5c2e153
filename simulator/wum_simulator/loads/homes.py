"""The recorded homes as records of whole Wh per interval. Left out: making consumers of them."""

import csv
import importlib.resources
from dataclasses import dataclass

FILES = ("fontana_hourly.csv", "sgsc_half_hourly.csv", "ausgrid_half_hourly.csv")
WEEK_S = 7 * 86400
WEEKS = 4                    # Of each home, one for each season.


@dataclass(frozen=True, slots=True)
class Home:
    """Four recorded weeks of one home, one after the other, in Wh of each interval.

    `generated_wh` is all zeros where the home has no panels (`has_panels` is False).
    """

    name: str
    interval_s: int
    consumed_wh: tuple[int, ...]
    generated_wh: tuple[int, ...]
    has_panels: bool


def recorded_homes() -> tuple[Home, ...]:
    """All homes of the files, in their order. Raises ValueError for a damaged file."""
    homes: list[Home] = []
    for name in FILES:
        homes.extend(_homes_of(name))
    return tuple(homes)


def _homes_of(file_name: str) -> list[Home]:
    text = (importlib.resources.files(__package__) / file_name).read_text(encoding="ascii")
    weeks: dict[str, list[dict[str, str]]] = {}
    for line in csv.DictReader(text.splitlines()):
        weeks.setdefault(line["home"], []).append(line)
    return [_home(file_name, name, lines) for name, lines in weeks.items()]


def _home(file_name: str, name: str, lines: list[dict[str, str]]) -> Home:
    interval_s = int(lines[0]["interval_s"])
    consumed = [int(wh) for line in lines for wh in line["consumed_wh"].split()]
    generated = [int(wh) for line in lines for wh in line["generated_wh"].split()]
    wanted = WEEKS * WEEK_S // interval_s
    if len(consumed) != wanted or len(generated) not in (0, wanted):
        raise ValueError(
            f"{file_name}, {name}: wanted {wanted} intervals, got {len(consumed)} consumed and "
            f"{len(generated)} generated")
    return Home(name, interval_s, tuple(consumed), tuple(generated) or (0,) * wanted,
                bool(generated))
