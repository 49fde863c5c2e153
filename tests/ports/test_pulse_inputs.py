"""Pulse inputs on Linux: a GPIO chip by gpiod, a program's socket, and what is counted of them."""

import asyncio
import errno
import inspect
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gpiod
import pytest

from tests.portable import raises
from wum_edge import config
from wum_edge.errors import LineGone
from wum_edge.meters.pulse.codes import COVER_OPEN, MAGNET_ON, NOT_COUNTED
from wum_edge.meters.pulse.entry import Wiring
from wum_edge.meters.pulse.reader import PulseReader
from wum_edge.meters.reader import Take
from wum_edge.meters.turn import converse
from wum_edge.ports.linux import gpio, pulse_inputs
from wum_edge.ports.linux.catalog_files import read_catalog
from wum_edge.ports.linux.clock import SystemClock
from wum_edge.ports.linux.edge_socket import SocketEdges
from wum_edge.ports.linux.edges import QUEUE_MAX, Heard, QueuedInput
from wum_edge.ports.linux.pulse_inputs import CounterFiles, PulseInputs
from wum_simulator.pulse_server import PulseServer

PATIENCE_S = 90
MODEL = read_catalog()["water-10-litres-pulse"]


def meter(port: str, access: dict[str, object] | None = None) -> tuple[config.Line, config.Meter]:
    """A line of inputs with one meter at input 4, through every check of a configuration."""
    checked = config.check({
        "concentrator": {"name": "c", "keys": "k", "archive": "a"},
        "broker": {"host": "127.0.0.1", "tls": False},
        "line": [{"name": "inputs", "port": port}],
        "meter": [{"serial": "W-1", "line": "inputs", "model": MODEL.model, "address": 4,
                   "access": {"debounce_ms": 5, **(access or {})}}],
    }, {MODEL.model: "pulse"})
    return checked.lines[0], checked.meters[0]


def wait_for(true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.01)


class Edges:
    """An EdgeSource that gives what a test puts in."""

    def __init__(self) -> None:
        self.coming: list[Heard] = []
        self.broken: OSError | None = None
        self.opened: list[tuple[Wiring, ...]] = []

    def open(self, line: config.Line, inputs: tuple[Wiring, ...]) -> "Edges":
        if self.broken is not None:
            raise self.broken
        self.opened.append(inputs)
        return self

    def wait(self, timeout_s: float) -> list[Heard]:
        time.sleep(0.01)
        if self.broken is not None:
            raise self.broken
        taken, self.coming = self.coming, []
        return taken

    def close(self) -> None:
        """Nothing to let go of."""

    def pulse(self, number: int = 4, count: int = 1) -> None:
        at_ms = time.monotonic_ns() // 1_000_000 - 20 * count
        for place in range(count):
            for late_ms, closed in ((0, False), (6, True), (12, False)):
                self.coming.append(Heard(number, at_ms + 20 * place + late_ms, closed,
                                         is_level=place == 0 and not late_ms))


class Rig:
    """Inputs with one meter, and what they told."""

    def __init__(self, folder: Path, source: Any, port: str = "edges:none",
                 access: dict[str, object] | None = None) -> None:
        self.line, self.meter = meter(port, access)
        self.told: list[int] = []
        self.crashes: list[BaseException] = []
        self.files = CounterFiles(folder)
        self.inputs = PulseInputs(
            self.line, [(7, self.meter, MODEL)], SystemClock(), self.files, self.told.append,
            self.crashes.append, source)
        self.reader = PulseReader(MODEL, self.meter, SystemClock())

    def volume(self) -> int | None:
        take = Take()
        converse(self.reader.read((0,), take), self.inputs)
        assert not take.errors
        return take.values[0]

    def events(self) -> list[int]:
        return [one.code for one in converse(self.reader.read_events(0), self.inputs)]

    def total(self) -> int:
        """Written or not."""
        return self.inputs._counters[4][1]._total

    def close(self) -> None:
        self.inputs.close()
        self.files.flash.close()
        assert self.crashes == []


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse_inputs, "AGAIN_S", 0.05)


def test_pulses_are_counted_and_an_orderly_end_keeps_them_all(tmp_path: Path) -> None:
    edges = Edges()
    rig = Rig(tmp_path, edges.open, access={"start": 1000})
    rig.inputs.start()
    edges.pulse(count=30)
    wait_for(lambda: rig.total() == 30)
    rig.close()
    again = Rig(tmp_path, edges.open, access={"start": 1000})
    again.inputs.start()
    assert again.volume() == 1030            # In 0.01 m3: one for each pulse.
    assert again.events() == [NOT_COUNTED]   # Nobody counted while it was off.
    again.close()


def test_contacts_are_told_at_once_and_one_that_is_closed_at_the_start_too(tmp_path: Path) -> None:
    edges = Edges()
    rig = Rig(tmp_path, edges.open, access={
        "magnet": {"input": 5}, "cover": {"input": 6, "active_low": False, "bias": "disabled"}})
    edges.coming = [Heard(5, 0, True, is_level=True), Heard(6, 0, False, is_level=True)]
    rig.inputs.start()
    wait_for(lambda: rig.told == [7])
    assert rig.events() == [MAGNET_ON]
    edges.coming.append(Heard(6, time.monotonic_ns() // 1_000_000, True))
    wait_for(lambda: rig.events() == [MAGNET_ON, COVER_OPEN])
    assert edges.opened == [(Wiring(4, True, "pull-up"), Wiring(5, True, "pull-up"),
                             Wiring(6, False, "disabled"))]
    rig.close()


def test_inputs_that_are_gone_give_no_reading_and_say_what_may_be_missing(tmp_path: Path) -> None:
    edges = Edges()
    edges.broken = OSError(errno.ENOENT, "no such chip")
    rig = Rig(tmp_path, edges.open)
    rig.inputs.start()
    assert "there is none" in raises(LineGone, rig.volume)
    edges.broken = None
    wait_for(lambda: bool(edges.opened))
    wait_for(lambda: rig.told == [7])
    assert rig.volume() == 0 and rig.events() == [NOT_COUNTED]
    edges.broken = OSError(errno.ENODEV, "unplugged")
    wait_for(lambda: "unplugged" in rig.inputs._gone)
    assert "unplugged" in raises(LineGone, rig.volume)
    rig.close()


def test_a_mistake_of_ours_ends_the_agent(tmp_path: Path) -> None:
    def broken(line: config.Line, inputs: tuple[Wiring, ...]) -> Edges:
        raise ZeroDivisionError

    rig = Rig(tmp_path, broken)
    rig.inputs.start()
    wait_for(lambda: len(rig.crashes) == 1)
    rig.crashes.clear()
    rig.close()


def test_an_input_takes_so_many_edges_and_counts_those_that_found_no_place() -> None:
    one = QueuedInput(is_contact=False)
    one.put(Heard(4, 0, True, is_level=True))    # Perhaps counted before: no edge of a pulse.
    for number in range(QUEUE_MAX + 3):
        one.put(Heard(4, number, number % 2 == 0, missed=2 if number == 1 else 0))
    assert one.dropped() == 5 and len(one.edges()) == QUEUE_MAX


class Chip:
    """What the kernel does for `gpiod.request_lines`, with gpiod's own settings and events."""

    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}
        self.events: list[gpiod.EdgeEvent] = []
        self.high: dict[int, bool] = {}
        self.released = False
        self.library = SimpleNamespace(
            EdgeEvent=gpiod.EdgeEvent, LineSettings=gpiod.LineSettings, line=gpiod.line,
            request_lines=self.request_lines)

    def request_lines(self, path: str, **asked: Any) -> "Chip":
        self.asked = {"path": path, **asked}
        return self

    def get_values(self, numbers: list[int]) -> list[gpiod.line.Value]:
        return [gpiod.line.Value.ACTIVE
                if self.high[number] != self.asked["config"][number].active_low
                else gpiod.line.Value.INACTIVE for number in numbers]

    def wait_edge_events(self, timeout: float) -> bool:
        return bool(self.events)

    def read_edge_events(self, most: int) -> list[gpiod.EdgeEvent]:
        taken, self.events = self.events[:most], self.events[most:]
        return taken

    def release(self) -> None:
        self.released = True


def edge(number: int, at_ms: int, sequence: int, *, rising: bool) -> gpiod.EdgeEvent:
    kind = gpiod.EdgeEvent.Type.RISING_EDGE if rising else gpiod.EdgeEvent.Type.FALLING_EDGE
    return gpiod.EdgeEvent(kind.value, at_ms * 1_000_000, number, sequence, sequence)


def test_a_chip_is_asked_for_the_kernels_edges_with_bias_and_level() -> None:
    chip = Chip()
    chip.high = {4: True, 5: True, 6: False}
    wirings = (Wiring(4, True, "pull-up"), Wiring(5, False, "disabled"),
               Wiring(6, True, "pull-down"))
    source = gpio.GpioEdges("/dev/gpiochip0", wirings, chip.library)
    line = gpiod.line
    assert chip.asked["path"] == "/dev/gpiochip0" and chip.asked["consumer"] == "wum-edge"
    assert chip.asked["event_buffer_size"] == gpio.KERNEL_QUEUE
    for number, active_low, bias in ((4, True, line.Bias.PULL_UP), (5, False, line.Bias.DISABLED),
                                     (6, True, line.Bias.PULL_DOWN)):
        assert chip.asked["config"][number] == gpiod.LineSettings(
            direction=line.Direction.INPUT, edge_detection=line.Edge.BOTH, bias=bias,
            active_low=active_low, event_clock=line.Clock.MONOTONIC)
    levels = source.wait(0)
    assert [(one.number, one.closed, one.is_level) for one in levels] == [
        (4, False, True), (5, True, True), (6, True, True)]
    chip.events = [edge(4, 100, 1, rising=True), edge(4, 150, 2, rising=False),
                   edge(5, 160, 1, rising=False), edge(4, 900, 6, rising=False)]
    assert source.wait(0) == [Heard(4, 100, True), Heard(4, 150, False), Heard(5, 160, False),
                              Heard(4, 900, False, missed=3)]
    assert source.wait(0) == []
    source.close()
    assert chip.released


def test_what_is_called_of_gpiod_is_there_with_those_words() -> None:
    # The chip above is a stand-in: this is what keeps it like the library.
    wanted = inspect.signature(gpiod.request_lines).parameters
    assert "path" in wanted and {"consumer", "config", "event_buffer_size"} <= set(
        inspect.signature(gpiod.Chip.request_lines).parameters)
    for name, words in (("wait_edge_events", 2), ("read_edge_events", 2), ("get_values", 2),
                        ("release", 1)):
        assert len(inspect.signature(getattr(gpiod.LineRequest, name)).parameters) == words
    with pytest.raises(FileNotFoundError):
        gpio.GpioEdges("/dev/no-such-chip", (Wiring(4, True, "pull-up"),), gpio.gpiod())


class Town:
    """The simulator's contacts, in a thread with a loop of its own."""

    def __init__(self, path: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self.path = path
        self.server = PulseServer([4], time.monotonic)
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()
        self._do(self.server.open(path))

    def _do(self, what: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(what, self.loop).result(PATIENCE_S)

    def pulse(self, count: int) -> None:
        async def pulses() -> None:
            for _ in range(count):
                for closed in (True, False):
                    self.server.move(4, closed=closed)
                    await asyncio.sleep(0.012)
        self._do(pulses())

    def close(self) -> None:
        async def closed() -> None:
            self.server.close()
            await asyncio.sleep(0.05)
        self._do(closed())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(PATIENCE_S)
        self.loop.close()


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = Town(tmp_path / "edges.sock")
    yield made
    made.close()


def test_edges_of_another_program_are_counted_and_its_end_is_noticed(
        tmp_path: Path, town: Town) -> None:
    rig = Rig(tmp_path / "archive", None, f"edges:{town.path}")
    rig.inputs.start()
    wait_for(lambda: len(town.server._writers) == 1)
    town.pulse(15)
    wait_for(lambda: rig.total() == 15)
    asyncio.run_coroutine_threadsafe(_closed(town), town.loop).result(PATIENCE_S)
    wait_for(lambda: bool(rig.inputs._gone))
    assert rig.total() == 15
    rig.close()


async def _closed(town: Town) -> None:
    town.server.close()


def test_what_is_no_edge_ends_the_connection(tmp_path: Path) -> None:
    for said in (b"4 1 x 1\n", b"4 1\n", b"\xff" * 200):
        with socket.socket(socket.AF_UNIX) as listener:
            path = tmp_path / "s"
            path.unlink(missing_ok=True)
            listener.bind(str(path))
            listener.listen()
            source = SocketEdges(str(path))
            other, _ = listener.accept()
            other.sendall(b"4 7 1000000 1\n4 10 2000000 0\n")
            assert source.wait(1) == [Heard(4, 1, True, is_level=True), Heard(4, 2, False, 2)]
            other.sendall(said)
            with pytest.raises(ConnectionResetError):
                source.wait(1)
            source.close()
            other.close()


def test_a_socket_in_a_folder_deeper_than_the_kernel_takes_is_found(tmp_path: Path) -> None:
    folder = tmp_path / ("deep" * 20) / ("deeper" * 10)
    folder.mkdir(parents=True)
    town = Town(folder / "edges.sock")
    try:
        source = SocketEdges(str(folder / "edges.sock"))
        assert [one.number for one in source.wait(1)] == [4]
        source.close()
    finally:
        town.close()
