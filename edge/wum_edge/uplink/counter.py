"""Message counters: each is used once with a key, whatever happens to the power.

A block of counters is reserved on flash before the first of them is used; after a start the next
block begins (RFC 8613, appendix B.1.1, names the same trap). Two files hold the same number, so
that one damaged sector does not end the uplink. Nothing here continues on a guess: a nonce used
twice gives two messages away.

A key without files, whether it is new or its card was wiped, replaced or put back, begins at a
place that chance chose, so that no clock has to be right. A concentrator that sends 200,000
messages from each of two cards meets a counter again with a probability of 400,000 / 2**55, about
1 in 90 thousand million (NIST SP 800-38D asks for less than 1 in 2**32).

    magic "WUMN", format 0, key id (10 bytes), end of the reserved block (8 bytes), CRC of those
"""

from binascii import crc32
from struct import pack, unpack

from wum_edge.archive.flash import Flash, read_whole
from wum_shared.cose import COUNTER_MAX
from wum_shared.ids import id_to_text

CHANCE_BYTES = 7              # Of a first start: 55 bits, which a message tells in 7 bytes.
BLOCK = 256                   # Counters that one reservation, two small files, pays for.
STOCK = 128                   # So many are left, at least, when flash begins to refuse.

_MAGIC = b"WUMN"
_FORMAT = 0
_FILE = "<4sB10sQ"
_FILE_SIZE = 27


def first_start(chance: bytes) -> int:
    """Where a key without files begins, from 7 bytes of chance that nobody else can know."""
    assert len(chance) == CHANCE_BYTES
    return int.from_bytes(chance, "big") >> 1


class CounterDoubtful(Exception):
    """Nobody can tell which counters were used: nothing may be sealed with this key any more."""


class Counter:
    """The counters of one key on one flash."""

    def __init__(self, flash: Flash, key_id: bytes, start: int) -> None:
        """Go on after the last reserved block.

        `start` is where counting begins where this key has no files (first_start). Raises
        CounterDoubtful, OSError.
        """
        self._flash = flash
        self._key_id = key_id
        self._names = [_name(key_id, "a"), _name(key_id, "b")]
        self._next = self._reserved = self._found(start)
        self._begin()

    def take(self) -> int:
        """A counter never given out before, 0..2**64-1. Raises OSError, CounterDoubtful.

        The next block is reserved early: whoever's flash refuses can go on to say so for a while.
        """
        if self._next + STOCK >= self._reserved:
            try:
                self._reserve()
            except OSError:
                if self._next == self._reserved:
                    raise
        counter = self._next
        self._next += 1
        return counter

    def _begin(self) -> None:
        """Put a new key on record at once: full or broken flash shows at the start."""
        present = self._flash.names()
        if not [name for name in self._names if name in present]:
            try:
                self._reserve()
            except OSError:
                self._next = self._reserved  # Flash refuses now; the first message tries again.

    def _found(self, start: int) -> int:
        present = self._flash.names()
        here = [name for name in self._names if name in present]
        ends = [end for end in [self._read(name) for name in here] if end is not None]
        if ends:
            # Counters are used only once both files say so: each alone is never behind.
            return max(ends)
        if here:
            raise CounterDoubtful(
                "message counter: %s damaged. Nothing is sent with key %s any more, because a "
                "counter used twice would give messages away. Give the concentrator new keys: "
                "wum-firmware provision, then wum-cloud register. The archive is kept." % (
                    " and ".join(here), id_to_text(self._key_id)))
        return start

    def _read(self, name: str) -> int | None:
        end: int
        data = read_whole(self._flash, name, _FILE_SIZE)
        if data is None or len(data) != _FILE_SIZE:
            return None
        if unpack("<I", data[-4:])[0] != crc32(data[:-4]):
            return None
        magic, version, key_id, end = unpack(_FILE, data[:-4])
        if magic != _MAGIC or version != _FORMAT or key_id != self._key_id:
            return None
        return end

    def _reserve(self) -> None:
        end = self._reserved + BLOCK
        if end > COUNTER_MAX:
            raise CounterDoubtful("message counter: used up. Give the concentrator new keys.")
        raw = pack(_FILE, _MAGIC, _FORMAT, self._key_id, end)
        for name in self._names:
            self._flash.replace(name, raw + pack("<I", crc32(raw)))
        self._reserved = end


def _name(key_id: bytes, which: str) -> str:
    return "counter-%s-%s" % (id_to_text(key_id), which)
