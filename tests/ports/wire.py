"""A wire between two ptys, with faults, and pymodbus' server as the meters at its far end."""

import asyncio
import os
import pty
import select
import threading
import time
import tty
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import SimDevice


class Pty:
    """A pseudo terminal in raw mode. `path` is where a program opens it."""

    def __init__(self) -> None:
        self.master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.path = os.ttyname(self._slave)

    def close(self) -> None:
        os.close(self.master)
        os.close(self._slave)


class Wire:
    """Carries bytes both ways between two ptys; `up` may change what meters answer.

    `up(data)` gives the pieces to pass on, each with the seconds to wait before it; `reply(data)`
    answers from here what the gateway said. Times are kept, for tests of the silence.
    """

    def __init__(self) -> None:
        self.near, self.far = Pty(), Pty()
        self.up: Callable[[bytes], list[tuple[float, bytes]]] = lambda data: [(0.0, data)]
        self.reply: Callable[[bytes], Iterable[tuple[float, bytes]]] = lambda data: []
        self.echo = False
        self.cut_off: set[int] = set()      # Units whose requests do not arrive.
        self.heard_at: list[tuple[float, bytes]] = []     # What the gateway said, and when.
        self.said_at: list[float] = []                    # When it was last answered.
        self._wake_out, self._wake_in = os.pipe()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def say_to_gateway(self, data: bytes) -> None:
        os.write(self.near.master, data)

    def close(self) -> None:
        os.write(self._wake_in, b"x")
        self._thread.join(5)
        assert not self._thread.is_alive()
        for end in (self.near, self.far):
            end.close()
        os.close(self._wake_in)
        os.close(self._wake_out)

    def _run(self) -> None:
        ends = [self.near.master, self.far.master, self._wake_out]
        while True:
            ready = select.select(ends, [], [])[0]
            if self._wake_out in ready:
                return
            if self.near.master in ready:
                data = os.read(self.near.master, 4096)
                self.heard_at.append((time.monotonic(), data))
                if self.echo:
                    os.write(self.near.master, data)
                if data[0] not in self.cut_off:
                    os.write(self.far.master, data)
                self._pass_on(self.reply(data))
            if self.far.master in ready:
                self._pass_on(self.up(os.read(self.far.master, 4096)))

    def _pass_on(self, pieces: Iterable[tuple[float, bytes]]) -> None:
        for wait_s, piece in pieces:
            if wait_s:
                time.sleep(wait_s)     # A slow meter, not a test that hopes.
            self.said_at.append(time.monotonic())
            os.write(self.near.master, piece)


class Meters:
    """pymodbus' serial server for some devices at the far end of a wire."""

    def __init__(self, wire: Wire, devices: list[SimDevice]) -> None:
        self._port = wire.far.path
        self._devices = devices
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)

    def close(self) -> None:
        stopping = self._server.shutdown()  # type: ignore[no-untyped-call]
        asyncio.run_coroutine_threadsafe(stopping, self._loop).result(10)
        self._thread.join(10)
        assert not self._thread.is_alive()
        self._loop.close()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._run())

    async def _run(self) -> None:
        self._server = ModbusSerialServer(
            self._devices, port=self._port, baudrate=9600, ignore_missing_devices=True)
        serving = asyncio.ensure_future(self._server.serve_forever(background=False))
        while self._server.transport is None and not serving.done():
            await asyncio.sleep(0.01)
        self._ready.set()
        await asyncio.wait([serving])


@contextmanager
def tcp_meters(devices: list[SimDevice]) -> Iterator[int]:
    """pymodbus' TCP server in a thread of its own; gives the port on which it listens."""
    loop = asyncio.new_event_loop()
    ready = threading.Event()
    begun: list[Any] = []

    async def serve() -> None:
        server = ModbusTcpServer(devices, address=("127.0.0.1", 0))
        begun.append(server)
        serving = asyncio.ensure_future(server.serve_forever(background=False))
        while server.transport is None and not serving.done():
            await asyncio.sleep(0.01)
        ready.set()
        await asyncio.wait([serving])

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield begun[0].transport.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(begun[0].shutdown(), loop).result(10)
        thread.join(10)
        assert not thread.is_alive()
        loop.close()
