"""A contact, a store that loses its power, and a clock, for the tests of pulse meters."""

from tests.edge.bus import VirtualClock
from wum_edge.meters.pulse.port import CounterStore, PulseInput


class Contact(PulseInput):
    """Edges that a test makes."""

    def __init__(self, clock):
        self.clock = clock
        self.queue = []
        self.lost = 0

    def pulse(self, count=1, on_ms=50, off_ms=50):
        for _ in range(count):
            self.queue.append((self.clock.ms, True))
            self.clock.ms += on_ms
            self.queue.append((self.clock.ms, False))
            self.clock.ms += off_ms

    def edges(self):
        taken, self.queue = self.queue, []
        return taken

    def dropped(self):
        return self.lost


class Store(CounterStore):
    """A file; the power goes after `operations_left` writes, in the middle of the next."""

    def __init__(self, data=b""):
        self.data = data
        self.writes = 0
        self.operations_left = None
        self.torn = 0            # Bytes of the write that the cut hits.
        self.full = False

    def read(self):
        return self.data

    def append(self, data):
        self._write()
        if self.operations_left == 0:
            self.data += data[:self.torn]
            raise Cut()
        self.data += data

    def replace(self, data):
        self._write()
        if self.operations_left == 0:
            raise Cut()
        self.data = data

    def _write(self):
        if self.full:
            raise OSError(28)
        if self.operations_left:
            self.operations_left -= 1
        self.writes += 1


class Cut(Exception):
    """The power is gone."""


def clock_at(start_s=1760000000):
    return VirtualClock(start_s)
