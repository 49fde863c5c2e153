"""The pieces of a release as they come, in any order, each checked before it is kept.

They are appended to files of 64 pieces. What is there is read from those files at a start, and
checked again, so that no list of pieces has to be kept beside them: a power cut costs what was not
synced. Left out: what the pieces are put together to (install.py), who brings them.
"""

from hashlib import sha256
from struct import pack, unpack

from wum_edge.archive.flash import Flash
from wum_shared import bundle
from wum_shared.errors import Malformed
from wum_shared.suit import CHUNK_SIZE, Release
from wum_shared.updates import CONTENT, INDEX, RANGES_MAX

TAKEN, KNOWN, WRONG = 0, 1, 2
PIECES_PER_FILE = 64
_PREFIX = "fetch-"
_INDEX_NAME = "fetch-index"
_HEAD = ">IH"                 # Place, bytes that follow.
_HEAD_SIZE = 6


class Fetch:
    """What is there of one release. `at_hand`: SHA-256 of files that need not be fetched."""

    def __init__(self, flash: Flash, release: Release, at_hand: set[bytes]) -> None:
        """Find what an earlier start has fetched. Raises OSError."""
        self._flash = flash
        self.release = release
        self._at_hand = at_hand
        self._where: dict[int, tuple[str, int, int]] = {}    # Place: file, offset, bytes.
        self._file, self._count = 0, PIECES_PER_FILE         # The next piece begins a file.
        self._unsynced: list[str] = []
        self.total = -(-release.size // CHUNK_SIZE)
        self.files: list[bundle.File] = []
        self.table = b""
        self._wanted: list[int] = [0]
        self.index = release.index
        self._mount()

    def take(self, part: int, place: int, data: bytes) -> int:
        """One piece: TAKEN, KNOWN, or WRONG when it is not what the release names.

        Raises OSError, and Malformed when the release's table of files is none that is taken.
        """
        if part == INDEX:
            return self._take_index(place, data)
        if place in self._where:
            return KNOWN
        if self.index is None or not 0 <= place < self.total or not bundle.chunk_fits(
                self.index, place, data, self.release.size):
            return WRONG
        if self._count >= PIECES_PER_FILE:
            self._file, self._count = self._file + 1, 0
        name = _PREFIX + "%04d" % self._file
        offset = self._flash.size(name) if self._count else 0
        count, self._count = self._count, PIECES_PER_FILE    # Behind a failure nothing is written.
        self._append(name, pack(_HEAD, place, len(data)) + data)
        self._count = count + 1
        self._where[place] = (name, offset + _HEAD_SIZE, len(data))
        self._look_at_table()
        return TAKEN

    def sync(self) -> None:
        """What was taken survives a power cut from here on. Raises OSError."""
        while self._unsynced:
            self._flash.sync(self._unsynced[0])
            self._unsynced.pop(0)

    def missing(self) -> tuple[int, tuple[tuple[int, int], ...]]:
        """The part that is wanted next, and its first ranges; none when all is there."""
        if self.index is None:
            have = self._index_size() // CHUNK_SIZE
            return INDEX, ((have, -(-self.release.index_size // CHUNK_SIZE) - have),)
        ranges: list[tuple[int, int]] = []
        for place in self._wanted:
            if place in self._where:
                continue
            if ranges and sum(ranges[-1]) == place:
                ranges[-1] = (ranges[-1][0], ranges[-1][1] + 1)
            elif len(ranges) == RANGES_MAX:
                break
            else:
                ranges.append((place, 1))
        return CONTENT, tuple(ranges)

    def holds(self, place: int) -> bool:
        """Whether this piece was fetched."""
        return place in self._where

    def lacks(self, place: int) -> bool:
        """Whether this piece of the content is wanted, as far as that is known, and not there."""
        return place not in self._where and (not self.files or self._is_wanted(place))

    def _is_wanted(self, place: int) -> bool:
        low, high = 0, len(self._wanted)
        while low < high:
            middle = (low + high) // 2
            if self._wanted[middle] < place:
                low = middle + 1
            else:
                high = middle
        return low < len(self._wanted) and self._wanted[low] == place

    def counted(self) -> tuple[int, int]:
        """(pieces that are there, pieces that are wanted as far as that is known)."""
        there = len([place for place in self._wanted if place in self._where])
        return there, len(self._wanted) if self.files else self.total

    @property
    def is_complete(self) -> bool:
        """Whether all that is wanted is there."""
        return bool(self.files) and not self.missing()[1]

    def read(self, offset: int, size: int) -> bytes:
        """Bytes of the content, all of whose pieces are there. Raises OSError."""
        parts = []
        end = offset + size
        while offset < end:
            place, inside = offset // CHUNK_SIZE, offset % CHUNK_SIZE
            name, start, length = self._where[place]
            count = min(end - offset, length - inside)
            part = self._flash.read(name, start + inside, count)
            if not part:
                raise OSError(5, "piece %d is gone" % place)
            parts.append(part)
            offset += len(part)
        return b"".join(parts)

    def _take_index(self, place: int, data: bytes) -> int:
        """The index comes in its order, and is checked when it is whole."""
        if self.index is not None:
            return KNOWN
        size = self._index_size()
        if place * CHUNK_SIZE != size:
            return KNOWN if place * CHUNK_SIZE < size else WRONG
        left = self.release.index_size - size
        if len(data) != min(CHUNK_SIZE, left):
            return WRONG
        self._append(_INDEX_NAME, data)
        if len(data) == left and not self._open_index():
            return WRONG
        return TAKEN

    def _open_index(self) -> bool:
        """Take the index in use when it is the one; else it is fetched anew."""
        if self._index_size() < self.release.index_size:
            return False
        index = self._flash.read(_INDEX_NAME, 0, self.release.index_size + 1)
        if (len(index) != self.release.index_size
                or sha256(index).digest() != self.release.index_digest):
            if _INDEX_NAME in self._unsynced:
                self._unsynced.remove(_INDEX_NAME)
            self._flash.remove(_INDEX_NAME)
            return False
        self.index = index
        return True

    def _index_size(self) -> int:
        """Bytes that are there of the index, whole pieces only: a torn one is begun anew."""
        if _INDEX_NAME not in self._flash.names():
            return 0
        size = self._flash.size(_INDEX_NAME)
        if size % CHUNK_SIZE and size != self.release.index_size:
            self._flash.remove(_INDEX_NAME)
            return 0
        return size

    def _append(self, name: str, data: bytes) -> None:
        self._flash.append(name, data)
        if name not in self._unsynced:
            self._unsynced.append(name)

    def _mount(self) -> None:
        if self.index is None:
            self._open_index()
        if self.index is None:
            return
        for name in sorted(self._flash.names()):
            if name.startswith(_PREFIX) and name != _INDEX_NAME:
                self._file = int(name[len(_PREFIX):])
                self._read_file(name)
        self._look_at_table()

    def _read_file(self, name: str) -> None:
        """Every piece that is whole; behind one that is not, nothing is looked for or written."""
        assert self.index is not None
        offset, end = 0, self._flash.size(name)
        count = 0
        while offset + _HEAD_SIZE <= end:
            place, size = unpack(_HEAD, self._flash.read(name, offset, _HEAD_SIZE))
            data = self._flash.read(name, offset + _HEAD_SIZE, size)
            if place >= self.total or not bundle.chunk_fits(
                    self.index, place, data, self.release.size):
                break
            self._where[place] = (name, offset + _HEAD_SIZE, size)
            offset += _HEAD_SIZE + size
            count += 1
        self._count = count if offset == end else PIECES_PER_FILE

    def _look_at_table(self) -> None:
        """Once the table is there, it says what else is wanted. Raises Malformed."""
        if self.files or 0 not in self._where:
            return
        size = bundle.table_size(self.read(0, min(CHUNK_SIZE, self.release.size)))
        if size is None or size > self.release.size:
            raise Malformed("update's content: ends within its table of files")
        self._wanted = list(range(-(-size // CHUNK_SIZE)))
        if [place for place in self._wanted if place not in self._where]:
            return
        self.table = self.read(0, size)
        self.files = bundle.open_table(self.table, self.release.size)
        self._wanted = bundle.chunks_wanted(
            self.files, size, self.release.size, self._at_hand)


def forget(flash: Flash) -> None:
    """Take away whatever was fetched. Raises OSError."""
    for name in flash.names():
        if name.startswith(_PREFIX):
            flash.remove(name)
