"""The gateway's own Modbus on a simulated line: a second codec, and the outcomes it names."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.simulator.running import START_S, Running, serving
from wum_edge import config
from wum_edge.errors import BadCheck, ForeignAnswer, LineSilent, MeterError, Refused
from wum_edge.meters.iec62056_21.entry import Access
from wum_edge.meters.iec62056_21.programming import Password
from wum_edge.meters.iec62056_21.reader import IecReader
from wum_edge.meters.modbus.pdu import READ_INPUT
from wum_edge.meters.modbus.rtu import read_registers
from wum_edge.meters.reader import Take
from wum_edge.meters.turn import converse
from wum_edge.ports.linux.catalog_files import read_catalog
from wum_edge.ports.linux.clock import SystemClock
from wum_edge.ports.linux.line import SerialLine
from wum_simulator.town import meters
from wum_simulator.world import Dice

MODEL = "eastron-sdm630"


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    with serving(tmp_path, "--meters", "3", "--model", MODEL) as one:
        yield one


@pytest.fixture
def line(running: Running) -> Iterator[SerialLine]:
    tty = SerialLine(config.Line("a", str(running.link), 115200, "N", 1, 8))
    yield tty
    tty.close()


def read(line: SerialLine, address: int, first: int = 0, count: int = 6) -> tuple[int, ...]:
    answer = converse(read_registers(address, READ_INPUT, first, count, timeout_ms=300), line)
    return answer.words


def test_the_gateway_reads_what_the_pure_function_says(line: SerialLine) -> None:
    for meter in meters(Dice(7), [MODEL], count=3):
        for showing in meter.showing(START_S):
            r = showing.register
            assert read(line, meter.address, r.address, r.count) == showing.words


@pytest.mark.parametrize(("kind", "arguments", "outcome"), [
    ("silence", {}, LineSilent),
    ("wrong-crc", {}, BadCheck),
    ("exception", {"code": 6}, Refused),
    ("stale", {}, ForeignAnswer),
    ("slow", {"ms": 600}, LineSilent),
    ("noise", {"rate": 0.5}, BadCheck),
])
def test_each_fault_is_the_outcome_that_it_plays(
        running: Running, line: SerialLine, kind: str, arguments: dict[str, object],
        outcome: type[MeterError]) -> None:
    healthy = read(line, 2)
    read(line, 1)                    # The answer that a stale one will be.
    running.ask("fault", kind=kind, address=2, times=1, **arguments)
    with pytest.raises(outcome):
        read(line, 2)
    assert read(line, 3)             # The others go on,
    assert read(line, 2) == healthy  # and so does this one.


def test_a_late_answer_of_another_meter_is_never_taken_for_ones_own(
        running: Running, line: SerialLine) -> None:
    healthy = read(line, 3)
    running.ask("fault", kind="slow", ms=350, address=2, times=1)
    with pytest.raises(LineSilent):
        read(line, 2)
    running.ask("fault", kind="slow", ms=200, address=3, times=1)
    assert read(line, 3) == healthy  # Meter 2's answer came while meter 3 was thinking.


def often(times: int, act: Callable[[], object]) -> None:
    for _ in range(times):
        act()


def test_two_meters_at_one_address_damage_each_others_answers_on_a_paced_line(
        tmp_path: Path) -> None:
    with serving(tmp_path, "--meters", "2", "--model", MODEL, "--baud", "38400",
                 "--delay-ms", "5") as running:
        tty = SerialLine(config.Line("a", str(running.link), 38400, "N", 1, 8))
        healthy = read(tty, 2, 72)
        running.ask("fault", kind="twins", address=2)
        with pytest.raises(BadCheck):
            often(5, lambda: read(tty, 2, 72))   # A busy machine may pace one past the other.
        assert read(tty, 1)
        running.ask("clear")
        assert read(tty, 2, 72) == healthy
        # A slower one is heard by who listens on; the first answer is whole.
        running.ask("fault", kind="twins", address=2, ms=30)
        assert read(tty, 2, 72) == healthy
        time.sleep(0.1)
        assert read(tty, 1) and read(tty, 2, 72) == healthy
        tty.close()


@pytest.mark.parametrize("pace", [(), ("--baud", "9600")])
def test_a_meter_that_changes_its_baud_waits_for_whoever_asked(
        tmp_path: Path, pace: tuple[str, ...]) -> None:
    model = read_catalog()["elster-as1440"]
    with serving(tmp_path, "--meters", "2", "--model", model.model, *pace) as running:
        shown = running.shown(2)
        tty = SerialLine(config.Line("a", str(running.link), 9600, "N", 1, 8))
        meter = config.Meter("M-2", "dp", "a", 2, model.model, 1500,
                             Access(Password(0, ""), None, False))
        take = Take()
        converse(IecReader(model, meter, SystemClock()).read((0, 1), take), tty)
        tty.close()
        assert not take.errors
        assert take.values == {place: shown[register.name]["scaled"]
                               for place, register in enumerate(model.registers)}
