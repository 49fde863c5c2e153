"""Runs on MicroPython's port for Linux, 32 bits: the whole gateway, until an hour is delivered.

usage: gateway32.py FLASH TCP-PORT-OF-THE-LINE RECORDS [FOLDER OF .mpy]

What a board has and that port lacks is here: a UART is a TCP connection, and time counts whole
seconds. Garbage is collected as on a board. It says `code BYTES`, `standing BYTES` and, at the end,
`delivered`.
"""

import asyncio
import gc
import select
import socket
import sys
import time

import vfs

LOOK_MS = 500


class Time:
    """The module, but for one function: this port's gives a float."""


for _name in dir(time):
    setattr(Time, _name, getattr(time, _name))
Time.time = lambda: int(time.time())


class Machine:
    """The module. Nothing hangs here, and a reset is the end."""

    PWRON_RESET = 1
    line = None                              # Where the UART leads.

    @staticmethod
    def reset():
        raise SystemExit("reset")

    @staticmethod
    def reset_cause():
        return Machine.PWRON_RESET

    class WDT:
        def __init__(self, timeout=0):
            pass

        def feed(self):
            pass

    class RTC:
        def datetime(self, moment):
            pass

    class UART:
        """As much at once as a board's has waiting at most."""

        def __init__(self, number, baudrate=0, rxbuf=256):
            self._socket = socket.socket()
            self._socket.connect(Machine.line)
            self._size = rxbuf
            self._poll = select.poll()
            self._poll.register(self._socket, select.POLLIN)

        def init(self, baudrate=0, bits=8, parity=None, stop=1):
            pass

        def any(self):
            return len(self._poll.poll(0))

        def read(self):
            return self._socket.recv(min(self._size, 256))

        def write(self, data):
            while data:
                data = data[self._socket.send(data):]

        def txdone(self):
            return True


class Network:
    """The module of a board that is wired."""


async def run(records):
    """Until so many are archived and acknowledged."""
    from wum_edge.agent import Agent
    from wum_edge.ports.micropython import main
    from wum_edge.ports.micropython.console import Printed
    agents = []
    tick = Agent.tick

    def ticked(agent):
        agents[:] = [agent]
        tick(agent)
    Agent.tick = ticked

    async def look():
        standing = 0
        while True:
            await asyncio.sleep_ms(LOOK_MS)
            gc.collect()
            standing = max(standing, gc.mem_alloc())
            # Not its summary, which reads the archive: the gateway's own status does that.
            if agents and agents[0]._archive.cursor > records:
                print("standing", standing)
                print("delivered")
                sys.exit(0)
    asyncio.create_task(look())
    gc.threshold(main.GARBAGE_BYTES)         # As main.start has it.
    await main._guarded(Machine.WDT(), Printed())


def loaded(names):
    """Heap that the modules of these names take."""
    gc.collect()
    before = gc.mem_alloc()
    for name in names:
        __import__(name)
    gc.collect()
    return gc.mem_alloc() - before


def start(flash, port, records, modules, tree=""):
    """Everything; ends the process."""
    if tree:
        sys.path.insert(0, tree)
    sys.modules["time"], sys.modules["machine"], sys.modules["network"] = Time, Machine, Network
    Machine.line = socket.getaddrinfo("127.0.0.1", int(port))[0][-1]
    vfs.mount(vfs.VfsPosix(flash), "/flash")
    print("code", loaded(modules.split(",")))
    asyncio.run(run(int(records)))
