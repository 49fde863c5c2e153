"""What a person asks on a terminal: is this configuration right, what does this meter say.

Left out: running it (run.py) and parsing the command line (__main__.py).
"""

from pathlib import Path
from typing import TextIO

from wum_edge import config, plan
from wum_edge.document import nearest
from wum_edge.errors import ForeignAnswer, LineGone, LineSilent, MeterError, Refused
from wum_edge.meters.catalog import Model, protocols
from wum_edge.meters.pace import setting_of
from wum_edge.meters.timekeeping import NAME, registers_of
from wum_edge.meters.visit import KnownMeter, Visit
from wum_edge.ports.linux import (
    aes_cbc,
    ask_pulses,
    dlms_supply,
    gpio,
    mesh_ports,
    pulse_lines,
)
from wum_edge.ports.linux.catalog_files import read_catalog
from wum_edge.ports.linux.clock import SystemClock
from wum_edge.ports.linux.config_file import BadConfigFile, Mistake, own_entries, read_config
from wum_edge.ports.linux.table import print_table
from wum_edge.ports.linux.tcp_line import is_there, line_of
from wum_edge.ports.linux.wire import WireLine
from wum_shared import status
from wum_shared.batch import Row
from wum_shared.obis import obis_to_text
from wum_shared.units import UNITS, scaled_to_text

_SOME = 4                    # Meters that are named to who asks for another one.
ATTEMPTS = 2                 # What a person's one question may cost on the line.
_FLAGS = ((status.REFUSED, "refused"), (status.OUT_OF_RANGE, "out of range"),
          (status.CLOCK_LOCAL, "zone unknown"), (status.CLOCK_INVALID, "invalid"),
          (status.CLOCK_DOUBTFUL, "doubtful"), (status.ABSENT, "absent"), (status.LATE, "late"))


def _all(numbers: list[int]) -> str:
    """Some numbers, each once: 300, 3600."""
    return ", ".join(dict.fromkeys([str(number) for number in numbers]))


def check_config(path: Path, out: TextIO) -> int:
    """Print a summary of a good configuration; 1 where pulses would not be counted here. Raises
    BadConfigFile with every mistake.
    """
    models = read_catalog(own_entries(path))
    checked = read_config(path, protocols(models))
    periods = [schedule.period_s for schedule in config.different_schedules(
        [*checked.schedules, *[one.schedule for own in checked.register_sets for one in own]]
        or [checked.schedule])]
    many = "1 meter" if len(checked.meters) == 1 else f"{len(checked.meters)} meters"
    print(f"{path}: good. {many}, read every {_all(periods)} s; batches go {_goal(checked)}.",
          file=out)
    if checked.mesh is not None:
        print(mesh_ports.sentence_of(checked.mesh), file=out)
    rows = []
    for line, planned in zip(checked.lines, plan.plan(checked, models), strict=True):
        characters = "-" if line.has_inputs() else (
            f"{line.baud} {line.data_bits}{line.parity}{line.stop_bits}")
        rows.append([line.name, line.port, characters, str(len(planned.meters)),
                     str(sum(meter.turns for meter in planned.meters)),
                     f"{planned.took_us / 1e6:.1f}",
                     f"{planned.took_us / 1e4 / planned.period_s:.0f} %"])
    print_table(
        ["line", "port", "characters", "meters", "requests", "s per sweep", "of the period"],
        rows, out)
    wanting = pulse_lines.wanting(checked)
    for line, row in zip(checked.lines, rows, strict=True):
        if not is_there(line) and not line.port.startswith(gpio.SCHEME):
            cure = "is the program there" if line.has_inputs() else "is the adapter plugged in"
            print(f"line {line.name}: {line.port} is not there at this moment: {cure}?", file=out)
        if not int(row[3]):
            print(f"line {line.name} has no meter.", file=out)
    for sentence in plan.sentences(checked, models):
        print(sentence, file=out)
    for sentence in wanting:
        print(sentence, file=out)
    return 1 if wanting else 0


def _goal(checked: config.Config) -> str:
    """Where batches go, for a person."""
    broker = checked.broker
    if broker is None:
        return "through the mesh"
    return f"to {broker.host}:{broker.port} {'with' if broker.tls else 'without'} TLS"


def read_meter(serial: str, path: Path, out: TextIO, complaints: TextIO) -> int:
    """Read one meter and print its registers. Returns 0 when it gave any, else 1."""
    models = read_catalog(own_entries(path))
    checked = read_config(path, protocols(models), files=False)
    serials = [meter.serial for meter in checked.meters]
    if serial not in serials:
        raise BadConfigFile(path, [unknown_meter(serial, serials)])
    meter = checked.meters[serials.index(serial)]
    line = next(one for one in checked.lines if one.name == meter.line)
    if line.has_inputs():
        return ask_pulses.print_counter(
            meter, models[meter.model], Path(checked.concentrator.archive), out, complaints)
    place = f"{serial} at address {meter.address} on line {line.name} ({line.port})"
    if models[meter.model].protocol.startswith(("dlms", "p1")):
        dlms_supply.install_alone(Path(checked.concentrator.keys))
    aes_cbc.install()
    visit = Visit(KnownMeter(0, 0, meter, models[meter.model], setting_of(
        models[meter.model], line, checked.characters[serials.index(serial)])))
    refused: dict[int, MeterError] = {}
    try:
        rows = rows_of(visit, line_of(line), refused)
    except LineGone as error:
        print(f"{serial}: {error}", file=complaints)
        return 1
    if rows:
        print(f"{place}: {models[meter.model].make} {models[meter.model].label}", file=out)
        print_rows(models[meter.model], rows, out)
        print_refused(models[meter.model], refused, complaints)
    if visit.error is not None:
        print(f"{place}: {sentence(visit.error, meter)}", file=complaints)
    return 0 if rows else 1


def unknown_meter(serial: str, serials: list[str]) -> Mistake:
    """What to say of a serial that no meter of the file has."""
    near = nearest(serial, serials)
    some = ", ".join(serials[:_SOME]) + (", ..." if len(serials) > _SOME else "")
    hint = f"did you mean {near}?" if near else f"it has {some or 'none'}"
    return Mistake(0, "METER", f"the serial of a meter in the file ({hint})", f'"{serial}"')


def rows_of(
        visit: Visit, line: WireLine, refused: dict[int, MeterError]) -> list[tuple[Row, int]]:
    """The rows of a visit, each with its age in seconds when all was read; into `refused` goes
    what it will not give, by place.
    """
    clock = SystemClock()
    read: list[tuple[Row, int]] = []
    try:
        for _ in range(ATTEMPTS):
            if visit.left:
                rows = visit.attempt(line, clock)
                refused.update(visit.take.refused)
                read += [(row, clock.monotonic_ms()) for row in rows]
    finally:
        line.close()
    return [(row, (clock.monotonic_ms() - at_ms) // 1000) for row, at_ms in read]


def print_rows(model: Model, rows: list[tuple[Row, int]], out: TextIO) -> None:
    """A line for each register: OBIS code, value, unit, status and age. The last is the meter's
    clock, if it has one: by how much it is ahead.
    """
    table = []
    names = [register.name for register in model.registers] + [NAME]
    for place, register in enumerate(registers_of(model)):
        # The last row that has the register; the first one says why it is absent.
        row, age_s = next(((r, a) for r, a in reversed(rows) if r.values[place] is not None),
                          rows[0])
        value = row.values[place]
        table.append([
            names[place], obis_to_text(register.obis),
            "-" if value is None else scaled_to_text(value, register.scaler),
            UNITS[register.unit], _status(row.statuses[place]), f"{age_s} s"])
    print_table(["register", "OBIS", "value", "unit", "status", "age"], table, out, numbers={2, 5})


def print_refused(model: Model, refused: dict[int, MeterError], complaints: TextIO) -> None:
    """Why registers were refused, and what it may mean where they are many."""
    for place in sorted(refused):
        name, why = model.registers[place].name, str(refused[place])
        print(why if name in why else f"{name}: {why}", file=complaints)
    if 2 * len(refused) > len(model.registers):
        print(f"{len(refused)} of {len(model.registers)} registers were refused: is it another "
              f"model than {model.model}?", file=complaints)


def _status(flags: int) -> str:
    names = [name for flag, name in _FLAGS if flags & flag]
    return " ".join(names[:1]) or "ok"


def sentence(error: MeterError, meter: config.Meter) -> str:
    """What happened, and what to look at."""
    if type(error) is LineSilent:
        return (f"silent for {meter.timeout_ms} ms: check power, A/B polarity, address and baud. "
                f"({error})")
    if type(error) is Refused:
        return f"it answered that it will not: check the model ({meter.model}). ({error})"
    if type(error) is ForeignAnswer:
        return ("another answer came instead of its own: check for two meters or two masters on "
                f"one line, and for late answers (timeout_ms). ({error})")
    if error.outcome == status.COUNTER_DECREASED:
        return (f"{error}. If its maker reset it: wum-edge meter accept-counter {meter.serial}. If "
                "nobody did, somebody repeats recorded messages, or two meters share one address")
    if error.outcome != status.BAD_CHECK:
        return str(error)
    return ("damaged answers: check the line's termination, parity and baud, and for two meters at "
            f"one address. ({error})")
