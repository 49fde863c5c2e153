"""A counter's records on flash: appended with a check, begun anew before the file is long.

Left out: when one is written (counter.py). A cut leaves whole records and perhaps a part of one.
Layout: W P, format, flags, sequence, time, total, rates; CRC-32 over all before it.
"""

from binascii import crc32
from collections import namedtuple
from struct import pack, unpack

from wum_edge.meters.pulse.port import CounterStore

RATES_MAX = 8                # Tariffs that a meter of ours is split into.
RECORDS_MAX = 512            # Then the file begins anew: 50 kB, 12 blocks of a board's flash.
CLEAN = 0x01                 # Written at an orderly end: nothing was counted after it.

_HEAD = "<2sBBIqQ"
_MAGIC, _FORMAT = b"WP", 0
_HEAD_SIZE, _RATE_SIZE, _CHECK_SIZE = 24, 8, 4
RECORD_SIZE = _HEAD_SIZE + RATES_MAX * _RATE_SIZE + _CHECK_SIZE


class Kept(namedtuple("Kept", ("sequence", "at_s", "total", "rates", "clean"))):
    """What was counted until `at_s`: pulses, and those of each rate (always RATES_MAX)."""

    __slots__ = ()
    sequence: int
    at_s: int
    total: int
    rates: tuple[int, ...]
    clean: bool


NOTHING = Kept(0, 0, 0, (0,) * RATES_MAX, True)


class Journal:
    """The records of one counter. `kept` is the latest that is whole; `damaged` counts others.

    `lost`: there is a file and no whole record in it. Nothing is written over it.
    """

    def __init__(self, store: CounterStore) -> None:
        self.kept = NOTHING
        self.damaged = 0
        self.lost = False
        self._store = store
        self._records = RECORDS_MAX      # Unknown: begin anew at the first.
        self._load(store.read())

    def keep(self, at_s: int, total: int, rates: tuple[int, ...], clean: bool) -> None:
        """Write one record; durable on return. Never less than before. Raises OSError."""
        assert not self.lost and total >= self.kept.total and len(rates) == RATES_MAX
        new = Kept(self.kept.sequence + 1 & 0xFFFFFFFF, at_s, total, rates, clean)
        if self._records >= RECORDS_MAX:
            self._store.replace(encode_kept(new))
            self._records = 1
        else:
            # A failed append may leave a part; what follows it would not be found.
            self._records, records = RECORDS_MAX, self._records
            self._store.append(encode_kept(new))
            self._records = records + 1
        self.kept = new

    def _load(self, data: bytes) -> None:
        """The record with the highest total: a counter of pulses never goes back."""
        at = 0
        while at + RECORD_SIZE <= len(data):
            found = decode_kept(data[at:at + RECORD_SIZE])
            if found is None:
                self.damaged += 1
            elif found.total >= self.kept.total:
                self.kept = found
            at += RECORD_SIZE
        # The first record of all is no append: torn, it would look like a counter that is lost.
        if data and not self.damaged and at == len(data):
            self._records = at // RECORD_SIZE
        elif at != len(data):
            self.damaged += 1
        self.lost = bool(data) and self.kept == NOTHING


def encode_kept(kept: Kept) -> bytes:
    """The bytes of one record."""
    data = pack(_HEAD, _MAGIC, _FORMAT, CLEAN if kept.clean else 0, kept.sequence, kept.at_s,
                kept.total)
    for rate in kept.rates:
        data += pack("<Q", rate)
    return data + pack("<I", crc32(data))


def decode_kept(data: bytes) -> Kept | None:
    """The record in RECORD_SIZE bytes; None when it is none or damaged."""
    if len(data) != RECORD_SIZE or unpack("<I", data[-4:])[0] != crc32(data[:-4]):
        return None
    magic, version, flags, sequence, at_s, total = unpack(_HEAD, data[:_HEAD_SIZE])
    if magic != _MAGIC or version != _FORMAT:
        return None
    rates = tuple([unpack("<Q", data[at:at + _RATE_SIZE])[0] for at in range(
        _HEAD_SIZE, _HEAD_SIZE + RATES_MAX * _RATE_SIZE, _RATE_SIZE)])
    return Kept(sequence, at_s, total, rates, bool(flags & CLEAN))
