"""A TCP proxy that cuts, silences one way, delays, and splits what it carries at any byte.

One thread for each direction of a connection. A byte is never altered or left out of a stream
that goes on: what was silenced ends in a cut, as a real network's silence does.
"""

import random
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

PIECE = 65536
UP, DOWN = "up", "down"         # From the client, and to it.
_LOOK_S = 0.02


class FaultProxy:
    """Listens on a loopback port of its own and carries to `target`."""

    def __init__(self, target: tuple[str, int], seed: int) -> None:
        self._target = target
        self._chance = random.Random(seed)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.carried = self.cuts = 0
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._silent = ""
        self._delay_s = 0.0
        self._piece = PIECE
        self._cut_after: int | None = None
        self._lock = threading.Lock()
        self._threads = [self._begin(self._accept)]

    def cut(self) -> None:
        """End every connection at once."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        self.cuts += len(pairs)
        for pair in pairs:
            for one in pair:
                with suppress(OSError):  # It may have ended by itself.
                    one.shutdown(socket.SHUT_RDWR)

    def cut_after(self, count: int) -> None:
        """End the connection that carries the byte that is so many ahead, right behind it."""
        self._cut_after = count

    def silence(self, direction: str) -> None:
        """Carry nothing in this direction any more; nobody is told."""
        self._silent = direction

    def delay(self, seconds: float) -> None:
        """Carry every piece so much later."""
        self._delay_s = seconds

    def split(self, most: int) -> None:
        """Carry in pieces of 1..`most` bytes."""
        self._piece = most

    def heal(self) -> None:
        """Carry as a good network does; a silenced connection ends."""
        was_silent, self._silent = self._silent, ""
        self._delay_s, self._piece, self._cut_after = 0.0, PIECE, None
        if was_silent:
            self.cut()

    def close(self) -> None:
        """Listen no more, and end what there is."""
        self.heal()
        self._listener.shutdown(socket.SHUT_RDWR)
        self.cut()
        for thread in self._threads:
            thread.join(5)
        self._listener.close()

    def _begin(self, work: Callable[..., None], *arguments: object) -> threading.Thread:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        thread.start()
        return thread

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self._target, timeout=5)
                server.settimeout(None)
            except OSError:
                client.close()
                continue
            for one in (client, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._pairs.append((client, server))
            self._threads.append(self._begin(self._serve, client, server))

    def _serve(self, client: socket.socket, server: socket.socket) -> None:
        """One connection, until both directions have ended."""
        with client, server:
            both = [self._begin(self._carry, client, server, UP),
                    self._begin(self._carry, server, client, DOWN)]
            for thread in both:
                thread.join()

    def _carry(self, source: socket.socket, sink: socket.socket, direction: str) -> None:
        try:
            while data := source.recv(PIECE):
                while data:
                    while self._silent == direction:
                        time.sleep(_LOOK_S)
                    size = self._chance.randint(1, min(self._piece, len(data))) if (
                        self._piece < PIECE) else len(data)
                    size = self._until_cut(size)
                    time.sleep(self._delay_s)
                    sink.sendall(data[:size])
                    self.carried += size
                    data = data[size:]
                    if self._cut_after == 0:
                        self._cut_after = None
                        self.cut()
        except OSError:
            pass  # One of both has ended; so does the other.
        for one in (source, sink):
            with suppress(OSError):  # It may have ended by itself.
                one.shutdown(socket.SHUT_RDWR)

    def _until_cut(self, size: int) -> int:
        """So much of `size` is carried before the cut that was ordered, if one was."""
        with self._lock:
            if self._cut_after is None:
                return size
            size = min(size, self._cut_after)
            self._cut_after -= size
            return max(size, 1)
