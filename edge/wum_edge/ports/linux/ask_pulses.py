"""What a person asks of a pulse meter: what its gateway has counted, and whether pulses come.

Left out: the questions to meters on a wire (ask.py, ask_catalog.py).
"""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from wum_edge import config
from wum_edge.meters.catalog import Model
from wum_edge.meters.pulse.debounce import Debounce
from wum_edge.meters.pulse.entry import Access, Wiring, counting_of, weight_of
from wum_edge.meters.pulse.journal import RECORD_SIZE, RECORDS_MAX, Journal
from wum_edge.meters.pulse.port import CounterStore
from wum_edge.meters.pulse.reader import worth
from wum_edge.ports.linux import gpio
from wum_edge.ports.linux.edges import EdgeSource
from wum_edge.ports.linux.pulse_inputs import FOLDER, SUFFIX, WIRING, sentence, source_of
from wum_edge.ports.linux.table import print_table
from wum_shared.obis import obis_to_text
from wum_shared.units import UNITS, scaled_to_text

WAIT_S = 0.1


class ReadOnly(CounterStore):
    """A counter's file beside a gateway that writes it: it only grows, or is replaced whole."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> bytes:
        """See CounterStore.read."""
        with self._path.open("rb") as file:
            return file.read((RECORDS_MAX + 1) * RECORD_SIZE)


def print_counter(
        meter: config.Meter, model: Model, archive: Path, out: TextIO, complaints: TextIO) -> int:
    """Print what was counted until the last record, without the gateway being stopped."""
    path = archive / FOLDER / (meter.serial + SUFFIX)
    try:
        journal = Journal(ReadOnly(path))
    except FileNotFoundError:
        print(f"{meter.serial}: no gateway has counted it yet, so there is no {path}: "
              "`wum-edge run` begins to count", file=complaints)
        return 1
    except OSError as error:
        print(f"{meter.serial}: {path}: {error.strerror or error}", file=complaints)
        return 1
    if journal.lost:
        print(f"{meter.serial}: all records in {path} are damaged: read the meter's index, move "
              "the file away and put the index into `start`", file=complaints)
        return 1
    kept = journal.kept
    at = datetime.fromtimestamp(kept.at_s, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    print(f"{meter.serial}: {kept.total} pulses until {at}; {model.make} {model.label}", file=out)
    weight, start = weight_of(model.manner, meter.access), meter.access.start
    table = []
    for register in model.registers:
        rate = register.source.rate
        value = worth(kept.rates[rate - 1] if rate else kept.total, weight, register)
        table.append([register.name, obis_to_text(register.obis),
                      scaled_to_text(value + (0 if rate else start), register.scaler),
                      UNITS[register.unit]])
    print_table(["register", "OBIS", "value", "unit"], table, out, numbers={2})
    return 0


def try_input(
        meter: config.Meter, line: config.Line, model: Model, seconds: float, out: TextIO,
        complaints: TextIO) -> int:
    """Count one input for so long and say what came. 0 when a pulse did, else 1."""
    access: Access | None = meter.access
    low, bias = (access.active_low, access.bias) if access else WIRING[1:]
    if line.port.startswith(gpio.SCHEME) and not gpio.is_installed():
        print(gpio.NEEDED, file=complaints)
        return 1
    number = int(meter.address)
    place = f"input {number} of {line.port}"
    debounce_ms, _ = counting_of(model.manner, access)
    debounce = Debounce(debounce_ms)
    try:
        source = source_of(line, (Wiring(number, low, bias),))
        try:
            pulses, edges, closed = _counted(source, number, debounce, seconds)
        finally:
            source.close()
    except OSError as error:
        print(f"{place}: {sentence(error)}", file=complaints)
        return 1
    weight = weight_of(model.manner, access)
    amount = scaled_to_text(weight.amount.factor, weight.amount.power)
    print(f"{place}: {pulses} pulses in {seconds:g} s ({weight.pulses} are {amount} "
          f"{UNITS[weight.unit]}), {edges} edges, {debounce.bounces} too short for {debounce_ms} "
          f"ms; the contact is {'closed' if closed else 'open'} now", file=out)
    if not pulses:
        print(_why_none(edges, closed), file=complaints)
    return 0 if pulses else 1


def _counted(
        source: EdgeSource, number: int, debounce: Debounce, seconds: float,
) -> tuple[int, int, bool]:
    """(pulses, edges, whether the contact is closed at the end)."""
    end = time.monotonic() + seconds
    pulses = edges = 0
    closed = False
    while time.monotonic() < end:
        for heard in source.wait(WAIT_S):
            if heard.number == number:
                closed = heard.closed
                edges += not heard.is_level
                pulses += not heard.is_level and debounce.edge(heard.at_ms, closed) is not None
        pulses += debounce.settle(time.monotonic_ns() // 1_000_000) is not None
    return pulses, edges, closed


def _why_none(edges: int, closed: bool) -> str:
    if edges:
        return "Edges came, but none lasted: is debounce_ms right for this meter?"
    if closed:
        return "It is closed all the time: is active_low right, is the cable short-circuited?"
    return "Nothing came: does the meter turn, are + and - of its S0 output the right way round?"
