"""A pty that paces bytes both ways as a wire would, in a process of its own, with meters behind it.

The meters are the simulator's; only the pacing is done here, by looking at the clock without a
pause, because asyncio's timers are late by up to a millisecond and a wire is not. The silence
before every request is measured from the true end of the answer before; whoever breaks it, or
speaks over a meter, is counted.
"""

import multiprocessing
import os
import select
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection

from wum_simulator.catalog import model_of
from wum_simulator.meters.server import Request, Server
from wum_simulator.meters.servers import servers
from wum_simulator.town import meters_of
from wum_simulator.world import VirtualWorld

AWAKE_S = 0.0004             # The end of a wait is watched without a pause.
START_S = 1_727_100_000      # What the meters show is of one moment: reading it again is the same.


@dataclass(frozen=True, slots=True)
class Wire:
    """What is on the line: meters of one type, from address 1 on."""

    entry: dict[str, object]
    count: int
    baud: int = 9600
    bits: int = 10
    delay_s: float = 0.020
    is_secured: bool = False     # DLMS with GMAC and ciphering.

    def silence_s(self) -> float:
        """What the line must be silent before a request: 3.5 characters for Modbus, which has no
        other end of a frame. Others have one: of them only a collision counts.
        """
        return 3.5 * self.bits / self.baud if self.entry["protocol"] == "modbus-rtu" else 0.0


@dataclass(slots=True)
class Heard:
    """What went over the line since it was asked last."""

    said_bytes: int = 0      # By the master.
    answered_bytes: int = 0
    turns: int = 0           # Answers.
    least_silence_s: float = float("inf")
    collisions: int = 0

    @property
    def size(self) -> int:
        """Bytes both ways."""
        return self.said_bytes + self.answered_bytes


class PacedLine:
    """The near end: `path` is where a master opens it."""

    def __init__(self, path: str, pipe: Connection) -> None:
        self.path = path
        self._pipe = pipe

    def hurry(self, *, is_paced: bool) -> None:
        """Let the wire take no time, for what is not measured, or again its own."""
        self._pipe.send("paced" if is_paced else "hurried")
        self._pipe.recv()

    def heard(self) -> Heard:
        """What went over it since this was asked last."""
        self._pipe.send("heard")
        found: Heard = self._pipe.recv()
        return found


@contextmanager
def paced_line(wire: Wire) -> Iterator[PacedLine]:
    """A line with its meters, until the end of the block."""
    near, far = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_serve, args=(wire, far), daemon=True)
    process.start()
    try:
        yield PacedLine(near.recv(), near)
    finally:
        process.kill()
        process.join()


def _serve(wire: Wire, pipe: Connection) -> None:
    master, slave = os.openpty()
    tty.setraw(slave)
    try:
        os.nice(-20)             # A wire waits for nobody, whatever else the machine does.
    except PermissionError as error:
        print(f"the wire may be late on a busy machine: {error}", flush=True)
    pacer = _Pacer(wire, master)
    pipe.send(os.ttyname(slave))
    while True:
        ready = select.select([master, pipe], [], [])[0]
        if master in ready:
            pacer.hear()
        if pipe in ready:
            wanted = pipe.recv()
            if wanted != "heard":
                pacer.is_paced = wanted == "paced"
            pipe.send(pacer.heard)
            pacer.heard = Heard()


class _Pacer:
    """The wire and what is behind it."""

    def __init__(self, wire: Wire, master: int) -> None:
        self.heard = Heard()
        self.is_paced = True
        self._wire = wire
        self._master = master
        self._answers: list[bytes] = []
        # Its time is not used: it runs what servers do by asyncio, at once.
        self._world = VirtualWorld(7, START_S)
        self._servers = self._world.inside(self._made)
        self._heard_until = 0.0      # When the last byte of the master has come.
        self._said_until = 0.0       # When the last byte of an answer was given.

    def _made(self) -> list[Server]:
        if self._wire.entry["protocol"] == "dlms-hdlc":
            # Late: the cipher's library is for these alone.
            from kit.dlms_meters import DlmsMeters
            return [DlmsMeters(self._wire.count, self._said, is_secured=self._wire.is_secured)]
        kind = model_of(self._wire.entry)
        meters = meters_of(self._world.dice, [kind], count=self._wire.count)
        return servers(meters, self._world.now_s, _never, self._said)

    def _character_s(self) -> float:
        return self._wire.bits / self._wire.baud if self.is_paced else 0.0

    def _said(self, answer: bytes, address: int, request: Request | None) -> None:
        self._answers.append(answer)

    def hear(self) -> None:
        now = time.monotonic()
        data = os.read(self._master, 4096)
        self.heard.said_bytes += len(data)
        if now > self._heard_until and self._said_until:
            self.heard.least_silence_s = min(
                self.heard.least_silence_s, now - self._said_until)
        self._heard_until = max(now, self._heard_until) + len(data) * self._character_s()
        self._world.inside(lambda: [server.hear(data) for server in self._servers])
        answer, self._answers = b"".join(self._answers), []
        if answer:
            self._answer(answer)

    def _answer(self, answer: bytes) -> None:
        start = self._heard_until + (self._wire.delay_s if self.is_paced else 0.0)
        character_s = self._character_s()
        _wait_until(start)
        if select.select([self._master], [], [], 0)[0]:
            self.heard.collisions += 1
        for place in range(len(answer)):
            # A byte can be read when its last bit is over.
            _wait_until(start + (place + 1) * character_s)
            # Looked at before: after it, another process may have the processor for a while.
            self._said_until = time.monotonic()
            os.write(self._master, answer[place:place + 1])
        self.heard.answered_bytes += len(answer)
        self.heard.turns += 1


def _never(request: Request) -> None:
    return None


def _wait_until(at: float) -> None:
    wait_s = at - time.monotonic() - AWAKE_S
    if wait_s > 0:
        time.sleep(wait_s)
    while time.monotonic() < at:
        pass


def seconds(wire: Wire, *, size: int, turns: int) -> float:
    """What so many bytes and turns take on this wire at best."""
    return size * wire.bits / wire.baud + turns * (wire.delay_s + wire.silence_s())


