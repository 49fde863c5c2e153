"""A line on TCP: what a serial server or meters on Ethernet are to a master.

Left out: the pty (line.py) and what meters say. All connections are one line, as behind a serial
server: each hears every answer.
"""

import asyncio
import logging
from collections.abc import Callable

CONNECTIONS_MAX = 16
_PIECE = 4096
_log = logging.getLogger(__name__)


class Listener:
    """Listens at one address; `write` says something to everybody who is connected."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port         # The true one, once it listens, where 0 was asked for.
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._heard: Callable[[bytes], None] = lambda data: None

    async def open(self, heard: Callable[[bytes], None]) -> None:
        """Begin; `heard` gets what masters write. Raises OSError."""
        self._heard = heard
        self._server = await asyncio.start_server(self._converse, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def write(self, data: bytes) -> None:
        """Say it. Whoever does not read loses the connection rather than our memory."""
        for writer in list(self._writers):
            if writer.transport.get_write_buffer_size() > 64 * _PIECE:
                _log.warning("a master does not read; it is hung up")
                writer.transport.abort()
            else:
                writer.write(data)

    def close(self) -> None:
        """Hang up."""
        if self._server:
            self._server.close()
        for writer in self._writers:
            writer.close()

    async def _converse(
            self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._writers) >= CONNECTIONS_MAX:
            writer.close()
            return
        self._writers.add(writer)
        try:
            while data := await reader.read(_PIECE):
                self._heard(data)
        except ConnectionError:
            return               # The master went away; nothing is owed to it.
        finally:
            self._writers.discard(writer)
            writer.close()
