"""A gate between one client process and PostgreSQL that ends the client at any statement.

It reads both directions message by message (PostgreSQL 17, 53.7), so that it can end the client
after the server has done a statement and before the client hears of it, or before a piece of COPY
reaches the server. Single-threaded, so that the client may be a fork of whoever watches.
"""

import os
import selectors
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

ANSWERED = "answered"       # Counted: answers to statements, BEGIN's and COMMIT's among them.
COPIED = "copied"           # Counted: pieces of COPY on their way to the server, and its end.
KILL, CUT = "kill", "cut"   # The whole client, by SIGKILL; or this one connection.
_COPIES = b"dc"             # CopyData, CopyDone.
_READY, _COPY_IN, _AUTHENTICATION = b"ZGR"
_LOOK_S = 0.2


@dataclass(slots=True)
class Boundary:
    """Where the client ends: at the `at`-th of `kind`; 0: nowhere. `was_reached` is the answer."""

    kind: str
    at: int
    how: str
    seen: int = 0
    was_reached: bool = False

    def is_here(self, kind: str) -> bool:
        """Count one; whether the client ends here."""
        if kind != self.kind:
            return False
        self.seen += 1
        self.was_reached = self.was_reached or self.seen == self.at
        return self.seen == self.at


@dataclass(slots=True)
class _Line:
    """One connection: what was read of each direction and not yet passed on."""

    client: socket.socket
    server: socket.socket
    is_started: bool = False        # The start-up message has no type.
    is_ready: bool = False          # What comes before is not the client's doing.
    up: bytearray = field(default_factory=bytearray)
    down: bytearray = field(default_factory=bytearray)
    held: bytearray = field(default_factory=bytearray)


def watch(
        target: tuple[str, int], boundary: Boundary, begin: Callable[[int], int]) -> int:
    """Start a client by `begin(port)`, which gives its process; carry until it ended.

    Returns its exit code, negative for a signal.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener, (
            selectors.DefaultSelector()) as selector:
        client = begin(listener.getsockname()[1])
        gate = _Gate(target, boundary, client, selector)
        selector.register(listener, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select(_LOOK_S):
                if key.fileobj is listener:
                    gate.accept(listener)
                else:
                    gate.carry(key.fileobj)
            ended, status = os.waitpid(client, os.WNOHANG)
            if ended:
                gate.close()
                return os.waitstatus_to_exitcode(status)


class _Gate:
    def __init__(
            self, target: tuple[str, int], boundary: Boundary, client: int,
            selector: selectors.BaseSelector) -> None:
        self._target = target
        self._boundary = boundary
        self._client = client
        self._selector = selector
        self._lines: dict[object, _Line] = {}

    def accept(self, listener: socket.socket) -> None:
        client, _ = listener.accept()
        line = _Line(client, socket.create_connection(self._target))
        for end in (line.client, line.server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._lines[end] = line
            self._selector.register(end, selectors.EVENT_READ)

    def carry(self, end: object) -> None:
        line = self._lines.get(end)
        if line is None:  # Closed since it was looked at.
            return
        assert isinstance(end, socket.socket)
        try:
            data = end.recv(1 << 18)
            if not data:
                self._hang_up(line)
            elif end is line.client:
                line.up += data
                self._carry_up(line)
            else:
                line.down += data
                self._carry_down(line)
        except OSError:
            self._hang_up(line)

    def close(self) -> None:
        for line in list(self._lines.values()):
            self._hang_up(line)

    def _carry_up(self, line: _Line) -> None:
        while message := _next(line.up, is_typed=line.is_started):
            if line.is_ready and message[0] in _COPIES and self._boundary.is_here(COPIED):
                self._end(line)
                return
            line.is_started = True
            line.server.sendall(message)

    def _carry_down(self, line: _Line) -> None:
        while message := _next(line.down, is_typed=True):
            line.held += message
            if message[0] not in (_READY, _COPY_IN, _AUTHENTICATION):
                continue
            if line.is_ready and self._boundary.is_here(ANSWERED):
                self._end(line)
                return
            line.client.sendall(line.held)
            line.held.clear()
            line.is_ready = line.is_ready or message[0] == _READY

    def _end(self, line: _Line) -> None:
        if self._boundary.how == KILL:
            os.kill(self._client, signal.SIGKILL)
        self._hang_up(line)

    def _hang_up(self, line: _Line) -> None:
        for end in (line.client, line.server):
            if self._lines.pop(end, None):
                self._selector.unregister(end)
            with suppress(OSError):  # It may have ended by itself.
                end.shutdown(socket.SHUT_RDWR)
            end.close()


def _next(read: bytearray, *, is_typed: bool) -> bytes:
    """The first whole message, taken out; empty where there is none yet."""
    size = int.from_bytes(read[is_typed:is_typed + 4], "big") + is_typed
    if len(read) < 5 or len(read) < size:
        return b""
    message = bytes(read[:size])
    del read[:size]
    return message
