"""A pulse counter's records as one file of a folder.

Left out: what is in them (meters/pulse/journal.py). The folder is locked by LinuxFlash: two
processes that count the same pulses would each write their own truth.
"""

from wum_edge.archive.flash import Flash
from wum_edge.meters.pulse.journal import RECORD_SIZE, RECORDS_MAX
from wum_edge.meters.pulse.port import CounterStore


class FlashStore(CounterStore):
    """The file `name` on `flash`."""

    def __init__(self, flash: Flash, name: str) -> None:
        self._flash = flash
        self._name = name

    def read(self) -> bytes:
        """See CounterStore.read."""
        if self._name not in self._flash.names():
            return b""
        return self._flash.read(self._name, 0, (RECORDS_MAX + 1) * RECORD_SIZE)

    def append(self, data: bytes) -> None:
        """See CounterStore.append."""
        self._flash.append(self._name, data)
        self._flash.sync(self._name)

    def replace(self, data: bytes) -> None:
        """See CounterStore.replace."""
        self._flash.replace(self._name, data)
