"""A section of Rice-coded numbers as one array: the layout of wum_shared/rice.py in NumPy.

Left out: what the numbers mean (packed.py). No loop here runs over numbers, but for escaped ones.
"""

import numpy as np
from numpy.typing import NDArray

from wum_shared.errors import Malformed
from wum_shared.rice import ESCAPE, read_leb

Numbers = NDArray[np.int64]
Naturals = NDArray[np.uint64]

_ONE = np.uint64(1)
_SURE = 64 - ESCAPE.bit_length()     # With so few bits of remainder no number leaves 64 bits.
_WORD = np.uint64(32)
_HALF = 32      # Bits read at once: with up to 31 bits before them they lie in a window.


def read_numbers(
        data: bytes, at: int, counts: Numbers, ks: Numbers) -> tuple[Naturals, int]:
    """All numbers of a section that holds counts[i] numbers with remainders of ks[i] bits each, and
    where it ends. Raises Malformed where wum_shared.rice.read_section does.
    """
    size, at = read_leb(data, at)
    wanted = int(counts.sum())
    if at + size > len(data) or wanted > 8 * size:
        raise Malformed("columns: %d numbers in %d bytes" % (wanted, min(size, len(data) - at)))
    quotients = _quotients(data[at:at + size], wanted)
    at += size
    if not wanted or not ks[counts > 0].any():      # No remainders: the quotients are the numbers.
        return quotients.view(np.uint64), _escaped(
            data, at, quotients, np.zeros(wanted, np.int64), quotients.view(np.uint64))
    widths = ks.repeat(counts)
    ends = widths.cumsum()
    bits = int(ends[-1])
    end = at + (bits + 7) // 8
    if end > len(data):
        raise Malformed("columns: wanted %d bytes of remainders, got %d" % (
            end - at, len(data) - at))
    raw = data[at:end]
    if bits % 8 and raw[-1] & (1 << (8 - bits % 8)) - 1:
        raise Malformed("columns: remainders are not filled up with zeros")
    if widths.max() > _SURE:
        _check_size(quotients, widths)
    numbers = (quotients << widths).view(np.uint64)
    numbers |= _remainders(raw, ends - widths, widths)
    return numbers, _escaped(data, end, quotients, widths, numbers)


def _check_size(quotients: Numbers, widths: Numbers) -> None:
    wide = ((widths > _SURE) & (quotients != ESCAPE)).nonzero()[0]
    if (quotients[wide] >> (64 - widths[wide])).any():
        raise Malformed("columns: a number is longer than 64 bits")


def _quotients(raw: bytes, wanted: int) -> Numbers:
    bits = np.unpackbits(np.frombuffer(raw, np.uint8)).view(np.bool_)
    ones = bits.nonzero()[0]        # Of Booleans nine times as fast as of bytes.
    after = len(bits) - 1 - (int(ones[-1]) if len(ones) else -1)
    if len(ones) != wanted or after > 7:
        raise Malformed("columns: wanted %d numbers in %d bytes, got %d" % (
            wanted, len(raw), len(ones)))
    quotients = ones.copy()
    quotients[1:] -= ones[:-1] + 1
    if wanted and quotients.max() > ESCAPE:
        raise Malformed("columns: quotient %d, wanted at most %d" % (quotients.max(), ESCAPE))
    return quotients


def _remainders(raw: bytes, starts: Numbers, widths: Numbers) -> Naturals:
    # The 64 bits from every 32nd on, in the machine's own order: a gather from these is five times
    # as fast as one from overlapping views of the bytes.
    words = np.frombuffer(raw + bytes(8 + -len(raw) % 4), ">u4").astype(np.uint64)
    windows = words[:-1] << _WORD | words[1:]
    if widths.max() <= _HALF:
        return _bits(windows, starts, widths)
    upper = np.maximum(widths - _HALF, 0)
    high = _bits(windows, starts, upper)
    lower = widths - upper
    return high << lower.astype(np.uint64) | _bits(windows, starts + upper, lower)


def _bits(windows: Naturals, starts: Numbers, widths: Numbers) -> Naturals:
    moved: Naturals = windows[starts >> 5] << (starts & 31).view(np.uint64)
    # In two steps, for a shift by 64 is not defined and a width may be 0.
    bits: Naturals = (moved >> _ONE) >> (63 - widths).view(np.uint64)
    return bits


def _escaped(
        data: bytes, at: int, quotients: Numbers, widths: Numbers, numbers: Naturals) -> int:
    places = (quotients == ESCAPE).nonzero()[0]
    end = at + 8 * len(places)
    if end > len(data):
        raise Malformed("columns: end after %d bytes, in an escaped number" % len(data))
    if not len(places):
        return at
    high = np.frombuffer(data[at:end], ">u8").astype(np.uint64)
    k = widths[places].astype(np.uint64)
    if (high < np.uint64(ESCAPE)).any() or ((high << k) >> k != high).any():
        raise Malformed("columns: a number is escaped without need, or longer than 64 bits")
    low = numbers[places] & ((np.uint64(1) << k) - np.uint64(1))
    numbers[places] = high << k | low
    return end
