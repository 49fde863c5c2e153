"""A simulator as its own process, and a plain master on its line."""

import signal
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import serial
from pymodbus.framer.rtu import FramerRTU

from wum_simulator.request import ask

END_S = 8.0
START_S = 1_727_100_000      # 2024-09-23T14:00:00Z: before the clock of any machine that runs this.


@dataclass
class Running:
    """One `wum-simulator serve`."""

    process: subprocess.Popen[str]
    link: Path
    control: Path

    def ask(self, do: str, **request: object) -> dict[str, Any]:
        """The answer to a request."""
        return ask(self.control, {"do": do, **request})

    def shown(self, address: int, at_s: int = START_S) -> dict[str, Any]:
        """Registers of a meter by name."""
        answer = self.ask("registers", address=address, at_s=at_s)
        return {r["name"]: r for r in answer["registers"]}

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal; returns the exit code."""
        self.process.send_signal(number)
        return self.process.wait(END_S)


def simulator(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end."""
    return subprocess.run(
        [sys.executable, "-m", "wum_simulator", *arguments], capture_output=True, text=True,
        timeout=180, check=False)


@contextmanager
def serving(folder: Path, *arguments: str, frozen: bool = True) -> Iterator[Running]:
    """A line in `folder`, ready to be read; its clock stands at START_S unless `frozen` is off."""
    link, control = folder / "line", folder / "control"
    clock = ("--start-s", str(START_S), "--speed", "0") if frozen else ()
    process = subprocess.Popen(
        [sys.executable, "-m", "wum_simulator", "serve", "--link", str(link), "--control",
         str(control), *clock, *arguments],
        stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        first = process.stderr.readline()
        assert " on " in first, first
        yield Running(process, link, control)
    finally:
        process.kill()
        process.wait(END_S)
        process.stderr.close()


def framed(body: bytes) -> bytes:
    """`body` with its CRC, by pymodbus."""
    return body + FramerRTU.compute_CRC(body).to_bytes(2, "big")


def asked(link: Path, address: int, first: int, count: int, *, wait_s: float = 0.3) -> bytes:
    """Everything that comes back after one read of input registers: until `wait_s` of silence,
    or a little after as many bytes as a whole answer has."""
    with serial.Serial(str(link), 115200, timeout=wait_s) as tty:
        tty.write(framed(struct.pack(">BBHH", address, 4, first, count)))
        heard: bytes = tty.read(5 + 2 * count)
        tty.timeout = 0.02
        while more := tty.read(512):
            heard += more
        return heard


def words_in(answer: bytes) -> list[int]:
    """The words of a whole and genuine answer."""
    assert framed(answer[:-2]) == answer
    assert answer[2] == len(answer) - 5
    return list(struct.unpack(f">{answer[2] // 2}H", answer[3:-2]))
