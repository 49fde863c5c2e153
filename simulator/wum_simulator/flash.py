"""Flash in memory that can lose power at any write, and tear what was not synced.

Portable, so that the same tests run on MicroPython. Left out: what lies on it. Every write,
sync, replacement and removal is one operation; power can be cut at any of them, and a sync can
be cut after any byte.
"""

from wum_edge.archive.flash import NO_SPACE, Flash

PAGE_BYTES = 64               # What flash or a disk writes whole; small, so that tests tear often.

# What a cut leaves of bytes that were appended and not synced.
NOTHING = 0                   # None of them.
PREFIX = 1                    # The first ones, and the file ends there.
ZEROS = 2                     # The first ones; the rest reads as zeros.
GARBAGE = 3                   # The first ones; the rest reads as noise.
FLIPPED = 4                   # All of them, with one bit wrong.
OUT_OF_ORDER = 5              # The first page is zeros, the later ones are there.
TEARS = (NOTHING, PREFIX, ZEROS, GARBAGE, FLIPPED, OUT_OF_ORDER)


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
        self._durable: dict[str, bytes] = {}
        self._pending: dict[str, bytes] = {}

    def names(self) -> list[str]:
        """Names of all files, those that only exist unsynced included."""
        return sorted(set(list(self._durable) + list(self._pending)))

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
        fits = self.space_left() >= len(data)
        if not fits:
            self._pend(name, data[:max(0, self.space_left())])
            raise OSError(NO_SPACE, "no space left")
        self._operation()
        self._pend(name, data)
        self._cut_if_due()

    def sync(self, name: str) -> None:
        """Make appended bytes durable; when the power goes here, they are still pending."""
        self._operation()
        self._cut_if_due()
        self._durable[name] = self._content(name)
        self._pending.pop(name, None)

    def replace(self, name: str, data: bytes) -> None:
        """Whole new content; when the power goes here, the old one is left."""
        if self.space_left() + len(self._durable.get(name, b"")) < len(data):
            raise OSError(NO_SPACE, "no space left")
        self._operation()
        self._cut_if_due()
        self._durable[name] = bytes(data)
        self._pending.pop(name, None)

    def remove(self, name: str) -> None:
        """Take a file away; when the power goes here, it is left."""
        self._content(name)
        self._operation()
        self._cut_if_due()
        self._durable.pop(name, None)
        self._pending.pop(name, None)

    def space_left(self) -> int:
        """Bytes until the flash is full."""
        used = sum([len(c) for c in self._durable.values()])
        return self.size_bytes - used - sum([len(c) for c in self._pending.values()])

    def pending_bytes(self) -> int:
        """Bytes that are not synced: after how many of them a cut can come."""
        return sum([len(c) for c in self._pending.values()])

    def after_cut(self, tear: int, keep: int = 0) -> "SimulatedFlash":
        """What the power finds when it is back: `keep` pending bytes, then the rest by `tear`."""
        found = SimulatedFlash(self.size_bytes)
        found._durable = dict(self._durable)
        for name in sorted(self._pending):
            left = _torn(self._pending[name], tear, keep)
            if left or name in found._durable:
                found._durable[name] = found._durable.get(name, b"") + left
        return found

    def after_kill(self) -> "SimulatedFlash":
        """What a killed process leaves: nothing more is synced, nothing is lost."""
        found = SimulatedFlash(self.size_bytes)
        found._durable = dict(self._durable)
        found._pending = dict(self._pending)
        return found

    def damage(self, name: str, at: int, mask: int = 0xFF) -> None:
        """Flip bits of one byte that was durable."""
        content = bytearray(self._durable[name])
        content[at] ^= mask
        self._durable[name] = bytes(content)

    def content(self, name: str) -> bytes:
        """A durable file, as it is."""
        return self._durable[name]

    def put(self, name: str, data: bytes) -> None:
        """Give a durable file any content."""
        self._durable[name] = bytes(data)

    def _content(self, name: str) -> bytes:
        if name not in self._durable and name not in self._pending:
            raise OSError(2, "no such file")
        return self._durable.get(name, b"") + self._pending.get(name, b"")

    def _pend(self, name: str, data: bytes) -> None:
        self._pending[name] = self._pending.get(name, b"") + bytes(data)

    def _operation(self) -> None:
        if self.read_only:
            raise OSError(30, "read-only file system")
        self.operations += 1
        errno = self.fail.pop(self.operations, 0)
        if errno:
            raise OSError(errno, "failed as told")

    def _cut_if_due(self) -> None:
        if self.operations == self.cut_at:
            raise PowerCut("at operation %d" % self.operations)


def _torn(pending: bytes, tear: int, keep: int) -> bytes:
    kept = pending[:keep]
    rest = len(pending) - len(kept)
    if tear == NOTHING:
        return b""
    if tear == PREFIX:
        return kept
    if tear == ZEROS:
        return kept + bytes(rest)
    if tear == GARBAGE:
        return kept + bytes([(at * 151 + 89) & 0xFF for at in range(rest)])
    if tear == FLIPPED:
        flipped = bytearray(pending)
        if keep < len(flipped):
            flipped[keep] ^= 1 << (keep % 8)
        return bytes(flipped)
    assert tear == OUT_OF_ORDER
    gone = min(PAGE_BYTES * (1 + keep % 4), len(pending))
    return bytes(gone) + pending[gone:]
