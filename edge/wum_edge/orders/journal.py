"""The journal: which orders were taken, on flash before anything is done about them.

A file for each order that is remembered, named by its number, and two small ones with what is not:
numbers up to the floor are never taken again, whatever became of them. So a replay, an old copy or
a power cut at any byte finds either the file, or the floor, or an order that nobody has begun.

    orders-a, orders-b      magic, format, floor, known time, its number, highest number that was
                            forgotten, CRC: two copies (format 0: the floor stands for the last)
    order-<number>          magic, format, entry, weight, note, content, CRC (format 0: no weight)

Left out: whether an order is good (desk.py) and what it does.
"""

from binascii import crc32
from collections import namedtuple
from struct import calcsize, pack, unpack, unpack_from

from wum_edge.archive.flash import Flash, read_whole
from wum_shared.ids import DIGEST_SIZE
from wum_shared.orders import (
    CONTENT_MAX,
    CUT_BEFORE,
    CUT_WITHIN,
    DAMAGED,
    DONE,
    LAST_WORDS,
    NO_REASON,
    ORDER_ID_SIZE,
    RECEIVED,
    REFUSED,
    RESTART,
    UNKNOWN,
    Order,
)

ENTRIES_MAX = 64              # Remembered by number and id; what came before is below the floor.
BEGUN = 16                    # Beside the states of a receipt: the act may have happened.

_HEADS = ("orders-a", "orders-b")
_PREFIX = "order-"
_MAGIC = b"WUMO"
_FORMAT = 1
_HEAD = "<4sBQQQ"             # Magic, format, floor, known time, number of the order that told it.
_ENTRY = "<4sBQ8s16sQBBBQBHH"
_NOTE_MAX = 200
_FILE_MAX = calcsize(_ENTRY) + 1 + _NOTE_MAX + CONTENT_MAX + 4


class Entry(namedtuple("Entry", (
        "sequence", "id", "digest", "issued_s", "kind", "state", "reason", "at_s", "quality",
        "note", "content", "weight"))):
    """What became of one order. `state` is one of a receipt's, or BEGUN; `weight`: on how many
    meters it acts.
    """

    __slots__ = ()
    sequence: int
    id: bytes
    digest: bytes
    issued_s: int
    kind: int
    state: int
    reason: int
    at_s: int
    quality: int
    note: str
    content: bytes
    weight: int

    def become(self, state: int, reason: int, at_s: int, quality: int, note: str,
               content: bytes = b"") -> "Entry":
        """The same order, later."""
        return Entry(self.sequence, self.id, self.digest, self.issued_s, self.kind, state, reason,
                     at_s, quality, note, content, self.weight)


def entry_of(order: Order, digest: bytes, state: int, reason: int, at_s: int, quality: int,
             note: str, weight: int = 1) -> Entry:
    """The first entry of an order."""
    return Entry(order.sequence, order.id, digest, order.issued_s, order.kind, state, reason,
                 at_s, quality, note, b"", weight)


class Full(Exception):
    """As many orders wait or are carried out as are remembered."""


class Journal:
    """The orders of one concentrator on one flash. Raises OSError wherever it writes."""

    def __init__(self, flash: Flash) -> None:
        """Read what is there; `cut` are the entries that the last end of the process changed."""
        self._flash = flash
        self._entries: dict[int, Entry] = {}
        names = flash.names()
        for name in names:
            number = _number(name)
            if number:
                self._entries[number] = _read_entry(flash, name, number)
        heads = [head for head in [_read_head(flash, name, names) for name in _HEADS]
                 if head is not None]
        # A floor that cannot be read: nothing up to the newest that is remembered is taken again.
        newest = max(self._entries or [0])
        self.floor, self._known_s, self._known_by, self.forgotten = max(heads) if heads else (
            newest, 0, 0, newest)
        self.is_new = not heads and not self._entries
        self.cut: list[Entry] = []
        for entry in sorted(self._entries.values()):
            if entry.state in (RECEIVED, BEGUN):
                self._after_cut(entry)

    @property
    def known_s(self) -> int:
        """The latest moment that an order has proven; 0 without one."""
        return max([self._known_s] + [
            entry.issued_s for entry in self.entries() if entry.sequence > self._known_by])

    def entries(self) -> list[Entry]:
        """All that are remembered, by number."""
        return sorted(self._entries.values())

    def find(self, sequence: int, act: bytes) -> Entry | None:
        """What is remembered of this number, or of this act under another number."""
        found = self._entries.get(sequence)
        if found is None:
            for entry in self._entries.values():     # Any order: an id stands once.
                if entry.id == act and entry.reason != DAMAGED:
                    return entry
        return found

    def take(self, entry: Entry, *, is_fresh: bool) -> None:
        """Put a new order on record; on return it is on flash. Raises Full, OSError.

        With `is_fresh` the moment it was issued is the present one, whatever was known before.
        """
        assert entry.sequence not in self._entries and entry.sequence > self.floor
        while len(self._entries) >= ENTRIES_MAX:
            self._forget_one()
        if self.is_new:
            self._write_heads(entry.sequence - 1, entry.issued_s, entry.sequence)
        elif is_fresh and entry.issued_s < self.known_s:
            self._write_heads(self.floor, entry.issued_s, max(
                [entry.sequence] + list(self._entries)))
        self.is_new = False
        self.change(entry)

    def change(self, entry: Entry) -> None:
        """Put what became of an order on record; on return it is on flash."""
        note = entry.note.encode()
        raw = pack(_ENTRY, _MAGIC, _FORMAT, entry.sequence, entry.id, entry.digest,
                   entry.issued_s, entry.kind, entry.state, entry.reason, entry.at_s,
                   entry.quality, len(note), len(entry.content)) + bytes(
                       (entry.weight,)) + note + entry.content
        self._flash.replace(_PREFIX + "%016x" % entry.sequence, raw + pack("<I", crc32(raw)))
        self._entries[entry.sequence] = entry

    def _after_cut(self, entry: Entry) -> None:
        """What was not begun will not be; of what was begun nobody knows whether it happened."""
        if entry.state == RECEIVED:
            state, reason = REFUSED, CUT_BEFORE
        elif entry.kind == RESTART:
            state, reason = DONE, NO_REASON      # Here we are.
        else:
            state, reason = UNKNOWN, CUT_WITHIN
        later = entry.become(state, reason, entry.at_s, entry.quality, "")
        self._entries[entry.sequence] = later    # If flash refuses, the next start says it too.
        self.cut.append(later)
        try:
            self.change(later)
        except OSError:
            return

    def _forget_one(self) -> None:
        """The oldest that is over: first the floor is raised past it. Raises Full, OSError."""
        over = [entry.sequence for entry in self.entries() if entry.state in LAST_WORDS]
        if not over:
            raise Full()
        oldest = self._entries[min(over)]
        if oldest.sequence > min(self.floor, self.forgotten):
            told_s = oldest.issued_s if oldest.sequence > self._known_by else 0
            self._write_heads(max(self.floor, oldest.sequence), max(self._known_s, told_s),
                              self._known_by, max(self.forgotten, oldest.sequence))
        self._flash.remove(_PREFIX + "%016x" % oldest.sequence)
        del self._entries[oldest.sequence]

    def _write_heads(
            self, floor: int, known_s: int, known_by: int, forgotten: int | None = None) -> None:
        if forgotten is None:
            forgotten = self.forgotten
        raw = pack(_HEAD, _MAGIC, _FORMAT, floor, known_s, known_by) + pack("<Q", forgotten)
        for name in _HEADS:
            self._flash.replace(name, raw + pack("<I", crc32(raw)))
        self.floor, self._known_s, self._known_by, self.forgotten = (
            floor, known_s, known_by, forgotten)


def _number(name: str) -> int:
    """Number of an order by the name of its file; 0 for other files."""
    digits = name[len(_PREFIX):]
    if name[:len(_PREFIX)] != _PREFIX or len(digits) != 16:
        return 0
    try:
        return int(digits, 16)
    except ValueError:
        return 0


def _read_head(flash: Flash, name: str, names: list[str]) -> tuple[int, int, int, int] | None:
    size = calcsize(_HEAD)
    data = read_whole(flash, name, size + 12) if name in names else None
    if data is None or len(data) not in (size + 4, size + 12) or _check(data) is None:
        return None
    magic, version, floor, known_s, known_by = unpack(_HEAD, data[:size])
    if (magic, version, len(data)) == (_MAGIC, 0, size + 4):
        return floor, known_s, known_by, floor
    if (magic, version, len(data)) == (_MAGIC, _FORMAT, size + 12):
        return floor, known_s, known_by, unpack("<Q", data[size:-4])[0]
    return None


def _read_entry(flash: Flash, name: str, number: int) -> Entry:
    """One whose file is damaged was taken all the same: its name says so."""
    size = calcsize(_ENTRY)
    data = read_whole(flash, name, _FILE_MAX)
    if data is not None and len(data) >= size + 4 and _check(data) is not None:
        (magic, version, sequence, act, digest, issued_s, kind, state, reason, at_s, quality,
         note, content) = unpack_from(_ENTRY, data, 0)
        weight = 1
        if version == _FORMAT:
            weight, size = data[size], size + 1
        if version <= _FORMAT and (magic, sequence, len(data)) == (
                _MAGIC, number, size + note + content + 4):
            return Entry(sequence, act, digest, issued_s, kind, state, reason, at_s, quality,
                         data[size:size + note].decode(), data[size + note:-4], weight)
    return Entry(number, bytes(ORDER_ID_SIZE), bytes(DIGEST_SIZE), 0, 0, UNKNOWN, DAMAGED, 0, 0,
                 "", b"", 1)


def _check(data: bytes) -> bytes | None:
    """What stands before the check; None where that does not hold."""
    return data[:-4] if unpack("<I", data[-4:])[0] == crc32(data[:-4]) else None
