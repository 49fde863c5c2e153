"""`wum-edge discover LINE`: which meters are on an M-Bus line, and which model of ours fits each.

Left out: the search itself (meters/mbus/search.py) and a DLMS meter's objects (discover.py). What
is printed can go into the configuration; nothing is written to the meters.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

from wum_edge.config import Line
from wum_edge.errors import LineGone, MeterError
from wum_edge.meters.catalog import Model
from wum_edge.meters.mbus.entry import RESPONSE_BITS, RESPONSE_US
from wum_edge.meters.mbus.identity import Identity, medium_text
from wum_edge.meters.mbus.reader import record_of
from wum_edge.meters.mbus.record import Record
from wum_edge.meters.mbus.search import Found, search_primary, search_secondary
from wum_edge.meters.mbus.talk import Link, read_out
from wum_edge.meters.turn import Setting, converse
from wum_edge.ports.linux.table import print_table
from wum_edge.ports.linux.tcp_line import line_of
from wum_edge.ports.linux.wire import WireLine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wum_edge.meters.reader import Conversation

ADAPTER_MS = 200             # What a converter or a serial server may add to a meter's own time.
TELL_S = 2.0                 # How often the search says where it is.
TELEGRAMS_MAX = 16           # Of one meter, to know it by its records.
FITS_PERCENT = 60            # Of a model's registers, from which on it is worth trying.


@dataclass(frozen=True, slots=True)
class Known:
    """A find, how many records it sent, and the models that fit, the best first."""

    found: Found
    records: int
    fits: tuple[str, ...]


def discover_line(
        line: Line, models: dict[str, Model], out: TextIO, complaints: TextIO, *,
        primary: bool = False) -> int:
    """Search, and print what was found. Returns 0 when there is a meter, else 1."""
    setting = line.setting()
    timeout_ms = (RESPONSE_US + RESPONSE_BITS * 1000000 // setting.baud) // 1000 + ADAPTER_MS
    wire = line_of(line)
    began = time.monotonic()
    try:
        wire.set(setting)
        with _progress(complaints) as tell:
            found = converse(search_primary(timeout_ms, tell=tell) if primary
                             else search_secondary(timeout_ms, tell=tell), wire)
        known = [_known(one, wire, models, setting, timeout_ms) for one in found]
    except LineGone as error:
        print(error, file=complaints)
        return 1
    finally:
        wire.close()
    for one in found:
        if one.note:
            print(one.note, file=complaints)
    meters = [one for one in known if one.found.identity is not None and not one.found.note]
    print(f"{_count(len(meters), 'meter')} on line {line.name} ({line.port}), found in "
          f"{time.monotonic() - began:.0f} s.", file=out)
    if meters:
        _print(meters, line, out)
    elif not found:
        print(f"No M-Bus meter answers at {setting.baud} 8{setting.parity}1: check the level "
              "converter and its supply, the two wires, and the line's baud and parity (most "
              "meters: 2400, E).", file=complaints)
    return 0 if meters else 1


class _Progress:
    """Says where a search is, now and then: it takes minutes on a slow line."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._told = time.monotonic()
        self._asked = 0

    def __call__(self, what: str, found: list[Found]) -> None:
        """One more question."""
        self._asked += 1
        if time.monotonic() - self._told >= TELL_S:
            self._told = time.monotonic()
            print(f"asked {self._asked} times, now {what}: {_count(len(found), 'meter')} so far",
                  file=self._out, flush=True)


@contextmanager
def _progress(out: TextIO) -> Iterator[_Progress]:
    print("searching; end it with Ctrl-C", file=out, flush=True)
    yield _Progress(out)


def _known(
        found: Found, wire: WireLine, models: dict[str, Model], setting: Setting,
        timeout_ms: int) -> Known:
    """Read it once, and look which models would find their registers in what it sends."""
    if found.identity is None or found.note:
        return Known(found, 0, ())
    by_number = found.identity if found.address is None else None
    try:
        records = converse(_records(Link(found.address or 0, timeout_ms, by_number), setting), wire)
    except MeterError:
        return Known(found, 0, ())       # It was there a moment ago: it is listed all the same.
    return Known(found, len(records), fitting(records, models, found.identity.maker))


def _records(link: Link, setting: Setting) -> "Conversation[list[Record]]":
    yield setting
    yield from link.begin()
    answers = yield from read_out(link, TELEGRAMS_MAX)
    return [record for answer in answers for record in answer.records]


def fitting(records: list[Record], models: dict[str, Model], maker: str = "") -> tuple[str, ...]:
    """Names of M-Bus models of whose registers these records hold enough: those of a make that
    begins like the `maker`'s three letters first, then the fullest.
    """
    ranked = []
    for model in models.values():
        if model.protocol == "mbus":
            held = sum(record_of(register.source, records) is not None
                       for register in model.registers)
            if 100 * held >= FITS_PERCENT * len(model.registers):
                is_other = not maker or not model.make.upper().startswith(maker)
                ranked.append((is_other, -held, len(model.registers), model.model))
    return tuple(name for *_, name in sorted(ranked))


def _print(meters: list[Known], line: Line, out: TextIO) -> None:
    rows = []
    for one in meters:
        identity = one.found.identity
        assert identity is not None
        rows.append([identity.number, identity.maker, str(identity.version),
                     medium_text(identity.medium), str(one.records),
                     ", ".join(one.fits[:3]) or "none"])
    print_table(["number", "maker", "version", "medium", "records", "models that fit"], rows, out,
                {2, 4})
    print("\nFor the configuration, where you know that the model is right:", file=out)
    for one in meters:
        print(_proposal(one, line), file=out)


def _proposal(one: Known, line: Line) -> str:
    identity = one.found.identity
    assert identity is not None
    model = f'model = "{one.fits[0]}"' if one.fits else (
        "# model: none of the catalogue fits, see docs/catalog.md")
    return (f'\n[[meter]]\nserial = "{identity.number}"\nline = "{line.name}"\n{model}\n'
            f"address = {_address(one.found, identity)}")


def _address(found: Found, identity: Identity) -> str:
    return str(found.address) if found.address is not None else f'"{identity.text()}"'


def _count(number: int, word: str) -> str:
    return f"{number} {word}" + ("" if number == 1 else "s")
