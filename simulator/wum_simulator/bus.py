"""An RS-485 line with its meters: bytes heard, bytes said, and what goes wrong in between.

Left out: the pty (line.py) and what a meter says (meters/). With a baud rate both directions
take the time that a wire takes; without, none.
"""

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from wum_simulator.faults import MS_MAX, Faults, Kind, noisy
from wum_simulator.meters.server import Push, Request, Server
from wum_simulator.meters.servers import servers
from wum_simulator.town import Meter
from wum_simulator.twins import Utterance, heard_of, twin_of
from wum_simulator.world import World

FORGET_S = 0.05              # Silence after which a piece of a request is no request any more.
ANSWERS_MAX = 1000           # Kept of each meter for whoever asks what was said.
PIECE_S = 0.001              # A paced answer is written in pieces of about this length.
BAUD_MAX = 4_000_000         # The fastest that a tty knows.
BITS_PER_CHARACTER = 10      # 8N1; a parity or second stop bit is not played.
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Timing:
    """`baud` 0: the wire takes no time. `delay_ms` from a request's last byte to the answer."""

    baud: int = 0
    delay_ms: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.baud <= BAUD_MAX:
            raise ValueError(f"baud: wanted 0..{BAUD_MAX}, got {self.baud}")
        if not 0 <= self.delay_ms <= MS_MAX:
            raise ValueError(f"delay-ms: wanted 0..{MS_MAX}, got {self.delay_ms}")

    def wire_s(self, characters: int, baud: int = 0) -> float:
        """How long so many characters take, at another `baud` than the line's if one is given."""
        return characters * BITS_PER_CHARACTER / (baud or self.baud) if self.baud else 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What one meter said, after its faults; `intact` when it is what it meant to say."""

    at_s: int
    request: Request | None
    said: bytes
    intact: bool


class Bus:
    """The meters of one line. `write` puts bytes on the wire.

    `baud_of` says what the master's end is set to at this moment. It counts on a paced line whose
    meters change their baud: what is said takes its time at the speaker's, and whoever is set to
    another hears noise. Without it the master's end is always right.
    """

    def __init__(
            self, world: World, meters: list[Meter], faults: Faults,
            write: Callable[[bytes], None], timing: Timing,
            baud_of: Callable[[], int] | None = None) -> None:
        self.meters = {meter.address: meter for meter in meters}
        self.faults = faults
        self.heard_bytes = 0
        self.answers: dict[int, deque[Answer]] = {
            address: deque(maxlen=ANSWERS_MAX) for address in self.meters}
        self.answered = dict.fromkeys(self.meters, 0)
        self._world = world
        self._write = write
        self._timing = timing
        self._noise = world.dice.stream("noise")
        self._servers = servers(meters, world.now_s, self._refusal, self._said)
        self._server_of = {
            meter.address: server for server in self._servers for meter in meters
            if meter.kind.protocol in server.protocols}
        self._twins: dict[int, Server] = {}      # The second meters of addresses, once needed.
        self._baud_of = baud_of if timing.baud and any(
            server.changes_baud for server in self._servers) else None
        self.heard_at = 0.0     # When the last byte of what was heard had come, real seconds.
        # When the last byte of what was said will have gone, by speaker: an address, of a second
        # meter there its negative, 0 the master.
        self._free_of: dict[int, float] = {}
        self._air: list[Utterance] = []
        self._before = b""       # The answer before, of whichever meter.
        for server in self._servers:
            for push in server.pushes():
                self._push_after(push, world.elapsed_s() + push.period_s)

    def heard(self, data: bytes) -> None:
        """Bytes that the master wrote just now."""
        now = self._world.elapsed_s()
        self.heard_bytes += len(data)
        if now - self.heard_at > FORGET_S:
            for server in (*self._servers, *self._twins.values()):
                server.forget()
        if self.faults.echoes():
            self._put(data, 0)
        baud = self._baud_of() if self._baud_of else 0
        self.heard_at = max(now, self.heard_at) + self._timing.wire_s(len(data), baud)
        if self._timing.baud:
            self._world.at(self.heard_at, lambda: self._hear(data, baud))
        else:
            self._hear(data, baud)

    def _push_after(self, push: Push, due_s: float) -> None:
        """Let a meter talk at `due_s`, and from there on at its period; never while it talks."""
        def due() -> None:
            now = self._world.elapsed_s()
            if all(free_s <= now for free_s in self._free_of.values()):
                self.heard_at = now
                push.say()
            self._push_after(push, max(due_s + push.period_s, now))
        self._world.at(due_s, due)

    def _hear(self, data: bytes, baud: int) -> None:
        for address in self._addresses_of_two():
            self._twin_of(address).hear_at(data, baud)
        for server in self._servers:
            server.hear_at(data, baud)

    def _addresses_of_two(self) -> list[int]:
        wanted = self.faults.twins()
        return [address for address in self.meters if None in wanted or address in wanted]

    def _twin_of(self, address: int) -> Server:
        """The second meter at `address`: of the same type, and never faulty itself."""
        if address not in self._twins:
            self._twins[address] = servers(
                [twin_of(self.meters[address], self._world.now_s())], self._world.now_s,
                lambda request: None, self._twin_said)[0]
        return self._twins[address]

    def _twin_said(self, answer: bytes, address: int, request: Request | None) -> None:
        server = self._twins[address]
        self._put(answer, self._thinking_s(server) + self.faults.twin_ms(address) / 1000,
                  server.said_baud if self._baud_of else 0, -address)

    def _refusal(self, request: Request) -> int | None:
        found = self.faults.hitting(request.address, request, request.at_s, exceptions=True)
        return found[-1].code if found else None

    def _said(self, answer: bytes, address: int, request: Request | None) -> None:
        at_s = request.at_s if request else self._world.now_s()
        data, late_ms = answer, 0
        server = self._server_of[address]
        for fault in self.faults.hitting(address, request, at_s, exceptions=False):
            if fault.kind is Kind.SILENCE:
                data = b""
            elif fault.kind is Kind.STALE:
                data = self._before
            elif fault.kind is Kind.WRONG_CRC:
                data = server.spoilt(data)
            elif fault.kind is Kind.NOISE:
                data = server.heard_through(data, noisy(data, fault.rate, self._noise))
            elif fault.kind is Kind.SLOW:
                late_ms += fault.late_ms()
        self._before = answer
        self._note(Answer(at_s, request, data, data == answer), address)
        self._put(data, self._thinking_s(server) + late_ms / 1000,
                  server.said_baud if self._baud_of else 0, address)

    def _thinking_s(self, server: Server) -> float:
        """From a request to its answer; one at another baud waits until whoever asked has changed
        his too, which a line that takes no time would not grant him.
        """
        least_s = server.reaction_s
        if least_s and not self._timing.baud:
            least_s += server.asked_s
        return max(self._timing.delay_ms / 1000, least_s)

    def _note(self, answer: Answer, address: int) -> None:
        if address in self.answers:
            self.answers[address].append(answer)
            self.answered[address] += 1
        if not answer.intact:
            _log.info("meter %d: said %d bytes %s", address, len(answer.said),
                      "that it did not mean" if answer.said else "(silenced)")

    def _put(self, data: bytes, delay_s: float, baud: int = 0, speaker: int = 0) -> None:
        """Write `data` so long after the request, at the pace of the wire, or of that baud. A
        speaker says one thing after the other; two that speak at once damage each other's.
        """
        if not data:
            return
        if not self._timing.baud and not delay_s:
            self._write(data)
            return
        now, character_s = self._world.elapsed_s(), self._timing.wire_s(1, baud)
        start = max(self.heard_at + delay_s, self._free_of.get(speaker, 0.0))
        said = Utterance(start, character_s, data)
        self._air = [one for one in self._air if one.end_s() > now - PIECE_S] + [said]
        size = len(data)
        if self._timing.baud:
            size = max(1, int(PIECE_S / character_s))
        for first in range(0, len(data), size):
            last = min(first + size, len(data))
            # A byte can be read when its last bit is over.
            self._world.at(start + self._timing.wire_s(last, baud),
                           partial(self._arrive, said, first, last, baud), plain=True)
        self._free_of[speaker] = start + self._timing.wire_s(len(data), baud)

    def _arrive(self, said: Utterance, first: int, last: int, baud: int) -> None:
        """What the master hears of a piece: noise where its own baud is another."""
        piece = heard_of(said, first, last, self._air)
        if baud and self._baud_of and self._baud_of() != baud:
            piece = noisy(piece, 1.0, self._noise)
        if piece:
            self._write(piece)
