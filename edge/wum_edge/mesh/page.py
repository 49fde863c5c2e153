"""One page of an image that is being gathered: its symbols, who sent them, and what they make.

Every chunk is checked by its hash before anybody is told of it; of an image that has no such
hashes, which is one page, the whole is. Symbols of several senders make a page together; where it
is spoilt, it is gathered anew of one sender alone: who spoils it then, has shown that it lies.
Left out: asking for it (spreading.py).
"""

from binascii import crc32
from hashlib import sha256

from wum_edge.mesh import erasure
from wum_edge.mesh.erasure import SYMBOL_SIZE
from wum_edge.mesh.spreadframes import CHUNKS_OF_PAGE, SYMBOLS_OF_CHUNK

CHUNK_SIZE = 1024
HASH_SIZE = 16
PAGE_SIZE = CHUNKS_OF_PAGE * CHUNK_SIZE


def pages_of(size: int) -> int:
    """How many pages an image of so many bytes has."""
    return -(-size // PAGE_SIZE)


def chunks_of(size: int, page: int) -> int:
    """How many chunks a page has: the last one may have fewer."""
    return min(-(-size // CHUNK_SIZE) - page * CHUNKS_OF_PAGE, CHUNKS_OF_PAGE)


def symbols_of(data: bytes) -> list[int]:
    """A page's own symbols: of each chunk 5, the last byte of which is none of the chunk's."""
    found = []
    for start in range(0, len(data), CHUNK_SIZE):
        chunk = data[start:start + CHUNK_SIZE]
        chunk += bytes(SYMBOLS_OF_CHUNK * SYMBOL_SIZE - len(chunk))
        for at in range(SYMBOLS_OF_CHUNK):
            found.append(int.from_bytes(chunk[at * SYMBOL_SIZE:(at + 1) * SYMBOL_SIZE], "big"))
    return found


def symbol_of(symbols: list[int], sent: int, address: int, is_first: bool) -> tuple[int, int]:
    """(number, symbol) of what a station sends of a page after so many. Who has the page of others
    (not `is_first`) sends none of the symbols that they sent.
    """
    if is_first and sent < len(symbols):
        return sent, symbols[sent]
    number = erasure.FIRST_MORE + (address * 37 + sent) % (erasure.SYMBOLS - erasure.FIRST_MORE)
    return number, erasure.more(symbols, number)


class Page:
    """`only`: whose symbols alone are taken, None for anybody's. `whole`: SHA-256 of an image of
    one page that comes without an index.
    """

    def __init__(self, size: int, index: bytes, page: int, whole: bytes = b"") -> None:
        assert not whole or size <= PAGE_SIZE
        self.number = page
        self._size, self._index, self._whole = size, index, whole
        self.wanted = SYMBOLS_OF_CHUNK * chunks_of(size, page)
        self.only: int | None = None
        self._found: dict[int, int] = {}
        self._sources: dict[int, int] = {}               # By number of the symbol.
        self._suspects: list[tuple[int, int, int]] = []  # Source, number and CRC of what spoilt.

    @property
    def lacks(self) -> int:
        """How many more symbols are needed."""
        return self.wanted - len(self._found)

    def take(self, source: int, number: int, symbol: int) -> bool:
        """Whether a symbol is new and of use."""
        if (number in self._found or not self.lacks
                or self.wanted <= number < erasure.FIRST_MORE
                or self.only is not None and source != self.only):
            return False
        self._found[number], self._sources[number] = symbol, source
        return True

    def open(self) -> bytes | None:
        """The page, none of whose symbols is lacking, if all of it is what is signed."""
        parts = []
        symbols = erasure.rebuild(self.wanted, self._found)
        for at in range(self.wanted // SYMBOLS_OF_CHUNK):
            chunk = b"".join([symbol.to_bytes(SYMBOL_SIZE, "big") for symbol in symbols[
                at * SYMBOLS_OF_CHUNK:(at + 1) * SYMBOLS_OF_CHUNK]])
            place = self.number * CHUNKS_OF_PAGE + at
            chunk = chunk[:min(CHUNK_SIZE, self._size - place * CHUNK_SIZE)]
            if not self._whole and not fits(self._index, place, chunk):
                return None
            parts.append(chunk)
        data = b"".join(parts)
        return data if not self._whole or sha256(data).digest() == self._whole else None

    def spoilt(self, only: int) -> int | None:
        """It is not what is signed: begin anew, with what `only` sends. Who alone has sent all of
        it; None: it was several, and what they sent is remembered.
        """
        sources = set(self._sources.values())
        self._suspects = [(self._sources[number], number, _crc(self._found[number]))
                          for number in sorted(self._found)] if len(sources) > 1 else []
        self._found, self._sources, self.only = {}, {}, only
        return min(sources) if len(sources) == 1 else None

    def listen_to(self, only: int) -> None:
        """From now on nobody else's symbols are taken."""
        if only != self.only:
            self._found, self._sources, self.only = {}, {}, only

    def liars(self, data: bytes) -> list[int]:
        """Who has sent what is no symbol of the page, now that it is known."""
        symbols = symbols_of(data)
        found = {source for source, number, crc in self._suspects if crc != _crc(
            symbols[number] if number < len(symbols) else erasure.more(symbols, number))}
        return sorted(found)


def fits(index: bytes, place: int, chunk: bytes) -> bool:
    """Whether a chunk is the one of that place."""
    return sha256(chunk).digest()[:HASH_SIZE] == index[place * HASH_SIZE:(place + 1) * HASH_SIZE]


def _crc(symbol: int) -> int:
    return crc32(symbol.to_bytes(SYMBOL_SIZE, "big"))
