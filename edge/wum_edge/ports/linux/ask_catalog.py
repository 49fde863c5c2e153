"""What a person asks of the catalogue: what is there, is an entry right, does a meter answer to it.

Left out: parsing the command line (catalog_commands.py).
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from wum_edge import config
from wum_edge.document import nearest
from wum_edge.errors import ConfigError, LineGone, MeterError, Refused
from wum_edge.meters.catalog import Model, entry_of
from wum_edge.meters.modbus import functions
from wum_edge.meters.modbus.reader import station_of
from wum_edge.meters.pace import setting_of
from wum_edge.meters.turn import converse
from wum_edge.meters.visit import KnownMeter, Visit
from wum_edge.ports.linux import ask_pulses
from wum_edge.ports.linux.ask import print_refused, print_rows, rows_of, sentence
from wum_edge.ports.linux.bad_question import BadQuestion
from wum_edge.ports.linux.catalog_files import (
    SUFFIX,
    entry_files,
    read_catalog,
    read_entries,
    read_entry,
)
from wum_edge.ports.linux.table import print_table
from wum_edge.ports.linux.tcp_line import line_of
from wum_shared.obis import obis_to_text
from wum_shared.units import UNITS

SHOWN_MAX = 8                # Of a list within an entry.
OBIS_BYTES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """How `try` reaches a meter. `access` is a TOML file with the keys of `[meter.access]`."""

    port: str
    address: str
    baud: int
    parity: str
    stop_bits: int
    data_bits: int
    timeout_ms: int
    access: Path | None
    seconds: float = 20.0    # How long a pulse input is counted.


def list_catalog(
        out: TextIO, protocol: str = "", make: str = "", own: Path | None = None) -> int:
    """Print every model, or those of one protocol or make; `own`: a folder of more entries."""
    froms = _froms(own)
    rows = [[name, model.protocol, model.make, model.label, str(len(model.registers)),
             _turns(model), f"{model.source} ({model.licence})", froms[name]]
            for name, model in sorted(read_catalog(own).items())
            if protocol in ("", model.protocol) and make.lower() in model.make.lower()]
    if not rows:
        print("no model of that protocol and make; `wum-edge catalog list` prints all", file=out)
        return 0
    print_table(["model", "protocol", "make", "types", "registers", "turns", "source",
                 "entry from"], rows, out)
    return 0


def check_catalog(files: list[Path], out: TextIO, own: Path | None = None) -> int:
    """Check these files, or the whole catalogue and the folder `own`. Raises BadCatalogFiles with
    every mistake.
    """
    models = read_entries(files or entry_files(own))
    registers = sum(len(model.registers) for model in models.values())
    many = "1 entry" if len(models) == 1 else f"{len(models)} entries"
    makes = len({model.make for model in models.values()})
    spoken = sorted({model.protocol for model in models.values()})
    print(f"good: {many} of {makes} makes with {registers} registers: {', '.join(spoken)}",
          file=out)
    return 0


def show_model(name: str, out: TextIO, own: Path | None = None) -> int:
    """Print one model with all its registers, and where the meter has them."""
    model = find_model(name, own)
    print(f"{model.model}: {model.make} {model.label}, {model.protocol}", file=out)
    print(f"entry: {name if name.endswith(SUFFIX) else _files(own)[model.model]}", file=out)
    print(f"source: {model.source} ({model.licence})", file=out)
    if model.manner:
        print(f"manner: {_fields(model.manner, nested=False)}", file=out)
        for name in getattr(model.manner, "_fields", ()):
            part = getattr(model.manner, name)
            if hasattr(part, "_fields"):
                print(f"{name}: {_fields(part)}", file=out)
    rows = [[register.name, obis_to_text(register.obis), UNITS[register.unit],
             f"10^{register.scaler}", _fields(register.source)] for register in model.registers]
    print_table(["register", "OBIS", "unit", "kept as", "where the meter has it"], rows, out)
    return 0


def try_model(
        name: str, reached: Reached, out: TextIO, complaints: TextIO, own: Path | None = None,
) -> int:
    """Read a meter once as this model. Returns 0 when it gave any register, else 1."""
    model = find_model(name, own)
    checked = _configured(model, reached)
    meter, line = checked.meters[0], checked.lines[0]
    if line.has_inputs():
        return ask_pulses.try_input(meter, line, model, reached.seconds, out, complaints)
    place = f"address {meter.address} on {line.port}"
    visit = Visit(KnownMeter(0, 0, meter, model, setting_of(model, line, None)))
    refused: dict[int, MeterError] = {}
    try:
        rows = rows_of(visit, line_of(line), refused)
    except LineGone as error:
        print(error, file=complaints)
        return 1
    if rows:
        print(f"{place}, read as {model.model}: {model.make} {model.label}", file=out)
        print_rows(model, rows, out)
        print_refused(model, refused, complaints)
    if visit.error is not None:
        print(f"{place}: {sentence(visit.error, meter)}", file=complaints)
    if not rows and type(visit.error) is Refused and model.protocol.startswith("modbus-"):
        told = _identity(meter, line)
        if told:
            print(f"{place}: it says that it is {told}", file=complaints)
    return 0 if rows else 1


def _identity(meter: config.Meter, line: config.Line) -> str:
    """What a Modbus meter says of itself, for a person; empty when it says nothing."""
    wire = line_of(line)
    try:
        objects = converse(functions.identify(station_of(meter)), wire)
    except (MeterError, LineGone):
        return ""                # Most meters have no such function: that is no news.
    finally:
        wire.close()
    return " ".join(objects[number].decode("ascii", "replace") for number in sorted(objects)
                    if objects[number])


def _files(own: Path | None) -> dict[str, str]:
    """Path of each model's entry, which is named for it."""
    return {file.name.removesuffix(SUFFIX): str(file) for file in entry_files(own)}


def _froms(own: Path | None) -> dict[str, str]:
    """`wum` for what comes with the gateway, else the folder."""
    mine = {} if own is None else {
        name: str(own) for name, path in _files(own).items() if Path(path).parent == own}
    return {name: mine.get(name, "wum") for name in _files(own)}


def find_model(name: str, own: Path | None = None) -> Model:
    """A model of the catalogue, or the one in a file. Raises BadQuestion, BadCatalogFiles."""
    if name.endswith(SUFFIX):
        return read_entry(Path(name))
    known = read_catalog(own)
    if name in known:
        return known[name]
    near = nearest(name, sorted(known))
    raise BadQuestion(
        f"MODEL: wanted a name that `wum-edge catalog list` prints, or a file NAME{SUFFIX}"
        f"{f' (did you mean {near}?)' if near else ''}, got {name}")


def _turns(model: Model) -> str:
    """Turns on the line for all registers."""
    cost = getattr(entry_of(model.protocol), "cost", None)
    return str(cost(model)[1]) if cost else "-"


def _configured(model: Model, reached: Reached) -> config.Config:
    """The configuration of one line with one meter: every check of the real one."""
    try:
        access = (tomllib.loads(reached.access.read_text(encoding="utf-8"))
                  if reached.access else {})
    except (OSError, ValueError) as error:
        raise BadQuestion(f"--access: wanted a TOML file, got: {error}") from error
    number = int(reached.address) if reached.address.isdecimal() else reached.address
    try:
        return _checked(model, reached, number, access)
    except ConfigError as error:
        first = BadQuestion(_as_options(error))
    try:                         # Some protocols have texts of digits for addresses.
        return _checked(model, reached, reached.address, access)
    except ConfigError as error:
        raise first from error


def _checked(
        model: Model, reached: Reached, address: int | str, access: dict[str, object],
) -> config.Config:
    return config.check({
        "concentrator": {"name": "try", "keys": "none", "archive": "none"},
        "broker": {"host": "127.0.0.1", "tls": False},
        "line": [{"name": "try", "port": reached.port, "baud": reached.baud,
                  "parity": reached.parity, "stop_bits": reached.stop_bits,
                  "data_bits": reached.data_bits}],
        "meter": [{"serial": "TRY", "line": "try", "model": model.model, "address": address,
                   "timeout_ms": reached.timeout_ms, "access": access}],
    }, {model.model: model.protocol})


def _as_options(error: ConfigError) -> str:
    """Mistakes of a configuration in the words of the command line."""
    lines = []
    for path, wanted, got in error.mistakes:
        _, _, key = path.partition(".")
        if key == "line":        # Pulses on a line that is none of inputs, or the other way round.
            wanted = wanted.replace("a line of pulse inputs, whose port is ", "")
            key, got = "port", got.partition(" at ")[2]
        option = f"--access: {key[7:]}" if key.startswith("access.") else (
            "--" + key.replace("_", "-"))
        lines.append(f"{option}: wanted {wanted}, got {got}")
    return "\n".join(lines)


def _fields(record: object, *, nested: bool = True) -> str:
    """A record of a protocol in words: what it has, by name; what it has not is left out."""
    if not isinstance(record, tuple) or not hasattr(record, "_fields"):
        return str(record)
    parts = []
    for name in record._fields:
        value = getattr(record, name)
        if value in (None, "", (), b"", -1) or value is False or value == {}:
            continue
        if nested or not hasattr(value, "_fields"):
            parts.append(name if value is True else f"{name} {_value(value)}")
    return ", ".join(parts)


def _value(value: object) -> str:
    if isinstance(value, bytes):
        return obis_to_text(value) if len(value) == OBIS_BYTES else value.hex()
    if isinstance(value, dict):
        return f"{len(value)} of them"
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        if value._fields == ("factor", "power"):
            return f"{value[0]}e{value[1]}"
        return f"({_fields(value)})"
    if isinstance(value, tuple) and len(value) == 2 and all(type(one) is int for one in value):
        return f"{UNITS.get(value[0], value[0]) or 'none'} x 10^{value[1]}"
    if isinstance(value, tuple):
        return " ".join(_value(one) for one in value[:SHOWN_MAX]) + (
            f" and {len(value) - SHOWN_MAX} more" if len(value) > SHOWN_MAX else "")
    return str(value)
