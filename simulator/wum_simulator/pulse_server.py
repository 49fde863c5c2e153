"""Contacts on a Unix socket, as a concentrator's pulse inputs: edges, as soon as they are.

Left out: what moves the contacts (meters/disk.py, or a test). Each edge is a line of text, NUMBER
SEQUENCE TIME LEVEL, with nanoseconds of CLOCK_MONOTONIC. Whoever connects first hears how each
input stands.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

from wum_simulator.control_socket import listening

LISTENERS_MAX = 4
BUFFER_MAX = 1 << 20         # Whoever does not read loses the connection rather than our memory.


class PulseServer:
    """Inputs by number. `elapsed_s` is CLOCK_MONOTONIC (World.elapsed_s)."""

    def __init__(self, numbers: list[int], elapsed_s: Callable[[], float]) -> None:
        self._elapsed_s = elapsed_s
        self._levels = {number: (0, self._now_ns(), False) for number in numbers}
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._path: Path | None = None

    async def open(self, path: Path) -> None:
        """Begin. Raises Busy, OSError."""
        listener = listening(path, "--socket")
        self._path = path
        self._server = await asyncio.start_unix_server(self._converse, sock=listener)

    def move(self, number: int, *, closed: bool) -> None:
        """The contact of this input closes or opens now."""
        sequence = self._levels[number][0] + 1
        self._levels[number] = (sequence, self._now_ns(), closed)
        for writer in list(self._writers):
            if writer.transport.get_write_buffer_size() > BUFFER_MAX:
                writer.transport.abort()
            else:
                writer.write(self._line(number))

    def close(self) -> None:
        """Hang up."""
        if self._server:
            self._server.close()
        for writer in self._writers:
            writer.close()
        if self._path:
            self._path.unlink(missing_ok=True)

    def _now_ns(self) -> int:
        return round(self._elapsed_s() * 1e9)

    def _line(self, number: int) -> bytes:
        sequence, at_ns, closed = self._levels[number]
        return b"%d %d %d %d\n" % (number, sequence, at_ns, closed)

    async def _converse(
            self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._writers) >= LISTENERS_MAX:
            writer.close()
            return
        for number in self._levels:
            writer.write(self._line(number))
        self._writers.add(writer)
        try:
            await reader.read()          # Nobody says anything: it returns when they are gone.
        except ConnectionError:
            return
        finally:
            self._writers.discard(writer)
            writer.close()
