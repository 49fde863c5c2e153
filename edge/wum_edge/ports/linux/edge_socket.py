"""Edges from another program over a Unix socket: a counter board, or the simulator.

Left out: what is counted of them. Each edge is a line of text, NUMBER SEQUENCE TIME LEVEL: the
input, the count of its edges, nanoseconds of CLOCK_MONOTONIC, and 1 where the contact is closed
after it. After a connect the program first says so how each input stands, with the sequence of
its last edge.
"""

import os
import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from wum_edge.ports.linux.edges import Heard

SCHEME = "edges:"
CONNECT_S = 2.0
LINE_MAX = 100               # Characters; what is longer is no edge.
_PIECE = 65536
_PATH_MAX = 107              # Bytes of a Unix socket's path, by the kernel.


class SocketEdges:
    """One connection; see EdgeSource. Raises OSError when it cannot be had."""

    def __init__(self, path: str) -> None:
        self._seen: dict[int, int] = {}
        self._rest = b""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.settimeout(CONNECT_S)
            with _short(path) as name:
                self._socket.connect(name)
        except OSError:
            self._socket.close()
            raise

    def wait(self, timeout_s: float) -> list[Heard]:
        """See EdgeSource.wait."""
        if not select.select([self._socket], [], [], timeout_s)[0]:
            return []
        piece = self._socket.recv(_PIECE)
        if not piece:
            raise ConnectionResetError("the program that gives the edges has ended")
        *lines, self._rest = (self._rest + piece).split(b"\n")
        if len(self._rest) > LINE_MAX:
            raise ConnectionResetError("what came is no edge")
        return [self._heard(line) for line in lines]

    def close(self) -> None:
        """See EdgeSource.close."""
        self._socket.close()

    def _heard(self, line: bytes) -> Heard:
        try:
            number, sequence, at_ns, level = [int(word) for word in line.split(b" ")]
        except ValueError:
            raise ConnectionResetError(f"no edge: {line[:LINE_MAX]!r}") from None
        before = self._seen.get(number)
        self._seen[number] = sequence
        return Heard(number, at_ns // 1_000_000, level == 1,
                     0 if before is None else max(0, sequence - before - 1), before is None)


@contextmanager
def _short(path: str) -> Iterator[str]:
    """A name for the socket at `path` that the kernel takes, however deep its folder lies."""
    folder, name = os.path.split(path)
    if len(os.fsencode(path)) <= _PATH_MAX or not folder:
        yield path
        return
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{opened}/{name}"
    finally:
        os.close(opened)
