"""Contents that are here, whole or in part, for others in the mesh: by pages, from where they lie.

A release that runs lies in its slot, one that is staged in the spare one, one that is being fetched
in its pieces and, where its files are at hand, in the slot that runs. The hashes of its chunks are
spread before it, as a page of their own. Left out: what the mesh is
told of them (sharing.py).
"""

from hashlib import sha256

from wum_edge.archive.flash import Flash
from wum_edge.mesh.page import PAGE_SIZE, chunks_of, pages_of
from wum_edge.mesh.spreadframes import CHUNKS_OF_PAGE
from wum_edge.update import install, slots
from wum_edge.update.fetch import Fetch
from wum_shared import bundle
from wum_shared.suit import CHUNK_SIZE
from wum_shared.updates import CONTENT, INDEX


class Content:
    """`digest` and `size` of what is spread; `index`: the hashes of its chunks, empty where all of
    it is here. `release`: the digest of the release it is `part` of; `whole`: its own, where it is
    one page and is checked as such.
    """

    part, whole = CONTENT, b""

    def __init__(self, digest: bytes, size: int, index: bytes) -> None:
        self.digest, self.size, self.index = digest, size, index
        self.release = digest

    def have(self) -> int:
        """A bit for each page that is here."""
        raise NotImplementedError

    def page(self, number: int) -> bytes | None:
        """One that is here; None: it is not, after all. Raises OSError."""
        raise NotImplementedError


class InSlot(Content):
    """What stands in a slot. Raises OSError."""

    def __init__(self, flash: Flash, slot: int, digest: bytes) -> None:
        self._flash = flash
        name = slots.table_name(slot)
        size = flash.size(name)
        self._parts = [(name, 0, size)]          # File, where it begins, bytes.
        for file in slots.files_of(flash, slot):
            self._parts.append((slots.prefix(slot) + file.path, size, file.size))
            size += file.size
        Content.__init__(self, digest, size, b"")

    def have(self) -> int:
        return (1 << pages_of(self.size)) - 1

    def page(self, number: int) -> bytes | None:
        end = min((number + 1) * PAGE_SIZE, self.size)
        data = _of_files(self._flash, self._parts, number * PAGE_SIZE, end)
        return data if len(data) == end - number * PAGE_SIZE else None


class Fetched(Content):
    """What is there of a release that is being fetched; `slot` is the one that runs."""

    def __init__(self, flash: Flash, slot: int, fetch: Fetch) -> None:
        assert fetch.index is not None
        self._flash, self._slot, self._fetch = flash, slot, fetch
        self._parts: list[tuple[str, int, int]] = []
        release = fetch.release
        Content.__init__(self, release.digest, release.size, fetch.index)

    def have(self) -> int:
        found = 0
        for page in range(pages_of(self.size)):
            first = page * CHUNKS_OF_PAGE
            if not [place for place in range(first, first + chunks_of(self.size, page))
                    if self._fetch.lacks(place)]:
                found |= 1 << page
        return found

    def page(self, number: int) -> bytes | None:
        first = number * CHUNKS_OF_PAGE
        parts = [self._chunk(place)
                 for place in range(first, first + chunks_of(self.size, number))]
        whole = [part for part in parts if part is not None]
        return b"".join(whole) if len(whole) == len(parts) else None

    def _chunk(self, place: int) -> bytes | None:
        start, end = place * CHUNK_SIZE, min((place + 1) * CHUNK_SIZE, self.size)
        if self._fetch.holds(place):
            return self._fetch.read(start, end - start)
        if self._fetch.lacks(place):
            return None
        if not self._parts:
            self._find_parts()
        data = _of_files(self._flash, self._parts, start, end)
        return data if len(data) == end - start else None

    def _find_parts(self) -> None:
        """Where the files lie that are at hand."""
        copies = install.at_hand(self._flash, self._slot)
        at = len(self._fetch.table)
        for file in self._fetch.files:
            if file.digest in copies:
                self._parts.append((copies[file.digest], at, file.size))
            at += file.size


class Hashes(Content):
    """The hashes of a release's chunks that are here, or are to come: as many as make one page."""

    part = INDEX

    def __init__(self, release: bytes, digest: bytes, size: int, hashes: bytes | None) -> None:
        assert size <= PAGE_SIZE
        Content.__init__(self, digest, size, b"")
        self.release, self.whole = release, digest
        self._hashes = hashes

    def have(self) -> int:
        return 0 if self._hashes is None else 1

    def page(self, number: int) -> bytes | None:
        return self._hashes if not number else None


class Hashing:
    """Makes the hashes of what stands in a slot, page by page: no tick shall take long."""

    def __init__(self, content: InSlot) -> None:
        self._content, self._page, self._found = content, 0, b""

    def step(self) -> Hashes | None:
        """One page; all of them where it was the last. Raises OSError."""
        data = self._content.page(self._page)
        if data is None:
            raise OSError(5, "page %d is gone" % self._page)
        self._found += bundle.index_of(data)
        self._page += 1
        if self._page < pages_of(self._content.size):
            return None
        return Hashes(self._content.digest, sha256(self._found).digest(), len(self._found),
                      self._found)


def is_a_page(index_size: int) -> bool:
    """Whether hashes of so many bytes can be spread."""
    return index_size <= PAGE_SIZE


def _of_files(flash: Flash, parts: list[tuple[str, int, int]], start: int, end: int) -> bytes:
    """Bytes from `start` to `end` of what these files make together; fewer where some lack."""
    found = []
    for name, begin, size in parts:
        low, high = max(begin, start), min(begin + size, end)
        if low < high:
            found.append(flash.read(name, low - begin, high - low))
    return b"".join(found)
