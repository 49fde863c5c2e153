"""Flash in memory that can lose power at any write, and tear what was not synced.

Portable, so that the same tests run on MicroPython. It writes to a simulated disk as the Linux
port does to a real one: a replacement is written beside, synced, renamed, and the folder synced.
Left out: what lies on it, and what a cut leaves (disk.py).
"""

from wum_edge.archive.flash import NO_SPACE, Flash
from wum_simulator.disk import (
    FLIPPED,
    GARBAGE,
    NOTHING,
    OUT_OF_ORDER,
    PAGE_BYTES,
    PREFIX,
    TEARS,
    ZEROS,
    Disk,
)

__all__ = ["FLIPPED", "GARBAGE", "NOTHING", "OUT_OF_ORDER", "PAGE_BYTES", "PREFIX", "TEARS",
           "ZEROS", "PowerCut", "SimulatedFlash"]

READ_ONLY = 30                # errno EROFS.
_UNFINISHED = ".new"


class PowerCut(Exception):
    """The power went. Only `SimulatedFlash.after_cut` knows what is left."""


class SimulatedFlash(Flash):
    """A folder of files in memory; `size_bytes` is where it is full.

    `cut_at`: the operation (from 1) in which power goes; 0 for never. `fail` maps an operation
    (from 1) to an errno that it raises once.
    """

    def __init__(self, size_bytes: int = 1 << 30, cut_at: int = 0) -> None:
        self.size_bytes = size_bytes
        self.cut_at = cut_at
        self.operations = 0
        self.fail: dict[int, int] = {}
        self.read_only = False
        self.unreadable: list[str] = []
        self.disk = Disk()
        self._new: list[str] = []     # Made by an append, so that their names are not durable.

    def names(self) -> list[str]:
        """Names of all files, those that only exist unsynced included."""
        return sorted([name for name in self.disk.names if not name.endswith(_UNFINISHED)])

    def size(self, name: str) -> int:
        """Bytes in a file, unsynced ones included."""
        return len(self._content(name))

    def read(self, name: str, offset: int, size: int) -> bytes:
        """Bytes of a file, unsynced ones included. Raises OSError."""
        if name in self.unreadable:
            raise OSError(5, "input/output error")
        return self._content(name)[offset:offset + size]

    def append(self, name: str, data: bytes) -> None:
        """Add bytes; when the power goes here, they are pending."""
        if self.space_left() < len(data):
            self._write(name, data[:max(0, self.space_left())])
            raise OSError(NO_SPACE, "no space left")
        self._operation()
        self._write(name, data)
        self._cut_if_due()

    def sync(self, name: str) -> None:
        """Make appended bytes durable; when the power goes here, they are still pending."""
        self._operation()
        self._cut_if_due()
        self.disk.sync(name)
        if name in self._new:
            self._new.remove(name)
            self.disk.sync_names()

    def replace(self, name: str, data: bytes) -> None:
        """Whole new content; when the power goes here, the old one is left."""
        old = len(self._content(name)) if name in self.disk.names else 0
        if self.space_left() + old < len(data):
            raise OSError(NO_SPACE, "no space left")
        self._operation()
        self._cut_if_due()
        unfinished = name + _UNFINISHED
        self.disk.create(unfinished)
        self.disk.write(unfinished, data)
        self.disk.sync(unfinished)
        self.disk.rename(unfinished, name)
        self.disk.sync_names()

    def remove(self, name: str) -> None:
        """Take a file away; when the power goes here, it is left."""
        self._content(name)
        self._operation()
        self._cut_if_due()
        self.disk.unlink(name)
        self.disk.sync_names()

    def space_left(self) -> int:
        """Bytes until the flash is full."""
        return self.size_bytes - self.disk.used_bytes()

    def pending_bytes(self) -> int:
        """Bytes that are not synced: after how many of them a cut can come."""
        return self.disk.pending_bytes()

    def after_cut(self, tear: int, keep: int = 0) -> "SimulatedFlash":
        """What the power finds when it is back: `keep` pending bytes, then the rest by `tear`.

        Of new names, those of files with bytes are there; `on` has all the other ways.
        """
        found = self.on(self.disk.after_cut(len(self.disk.pending_names), tear, keep))
        for name in list(found.disk.names):
            if not found.disk.content(name) and name not in self.disk.durable_names:
                del found.disk.names[name], found.disk.durable_names[name]
        return found

    def after_kill(self) -> "SimulatedFlash":
        """What a killed process leaves: nothing more is synced, nothing is lost."""
        return self.on(self.disk.after_kill())

    def on(self, disk: Disk) -> "SimulatedFlash":
        """A flash of this size on another disk, as a start finds it."""
        found = SimulatedFlash(self.size_bytes)
        found.disk = disk
        for name in list(disk.names):
            if name.endswith(_UNFINISHED):     # As every port does when it starts.
                del disk.names[name]
        disk.durable_names, disk.pending_names = dict(disk.names), []
        return found

    def damage(self, name: str, at: int, mask: int = 0xFF) -> None:
        """Flip bits of one byte that was durable."""
        content = bytearray(self.content(name))
        content[at] ^= mask
        self.put(name, bytes(content))

    def content(self, name: str) -> bytes:
        """A durable file, as it is."""
        return self.disk.names[name].durable

    def put(self, name: str, data: bytes) -> None:
        """Give a durable file any content."""
        self.disk.put(name, data)

    def _content(self, name: str) -> bytes:
        if name not in self.disk.names:
            raise OSError(2, "no such file")
        return self.disk.content(name)

    def _write(self, name: str, data: bytes) -> None:
        if name not in self.disk.names:
            self.disk.create(name)
            self._new.append(name)
        self.disk.write(name, data)

    def _operation(self) -> None:
        if self.read_only:
            raise OSError(READ_ONLY, "read-only file system")
        self.operations += 1
        errno = self.fail.pop(self.operations, 0)
        if errno:
            raise OSError(errno, "failed as told")

    def _cut_if_due(self) -> None:
        if self.operations == self.cut_at:
            raise PowerCut("at operation %d" % self.operations)
