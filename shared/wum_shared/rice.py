"""Numbers from 0 to 2**64-1 in Rice coding, all quotients in one bit stream and all remainders in
another, so that a reader with arrays decodes a whole section at once and a board bit by bit.

Left out: what the numbers mean and who chooses k (packed.py). Layout: contract.cddl, "section".
"""

from wum_shared.errors import Malformed

K_MAX = 63
ESCAPE = 24                    # A quotient from here on stands as 8 bytes behind the remainders.
_LEB_MAX = 9                   # Bytes of a number of up to 63 bits.


class Bits:
    """Bits as bytes, the most significant first; the last byte is filled up with zeros."""

    def __init__(self) -> None:
        self._out = bytearray()
        self._open = 0
        self._width = 0

    def append(self, value: int, width: int) -> None:
        """Append `value` in `width` bits."""
        self._open = self._open << width | value
        self._width += width
        while self._width >= 8:
            self._width -= 8
            self._out.append(self._open >> self._width)
            self._open &= (1 << self._width) - 1

    def whole(self) -> bytes:
        """The bytes so far."""
        if self._width:
            self.append(0, 8 - self._width)
        return bytes(self._out)


class Section:
    """One section while it is written."""

    def __init__(self) -> None:
        self._quotients = Bits()
        self._remainders = Bits()
        self._escaped = bytearray()

    def append(self, numbers: list[int], k: int) -> None:
        """Append `numbers`, each 0..2**64-1, with remainders of `k` bits, 0..63."""
        quotients, remainders = self._quotients, self._remainders
        mask = (1 << k) - 1
        for number in numbers:
            assert 0 <= number < 1 << 64
            quotient = number >> k
            if quotient >= ESCAPE:
                self._escaped.extend(quotient.to_bytes(8, "big"))
                quotient = ESCAPE
            quotients.append(1, quotient + 1)
            if k:
                remainders.append(number & mask, k)

    def whole(self) -> bytes:
        """The section: the bytes of its quotients in LEB128, quotients, remainders, escapes."""
        quotients = self._quotients.whole()
        out = bytearray()
        append_leb(out, len(quotients))
        return bytes(out) + quotients + self._remainders.whole() + bytes(self._escaped)


def best_k(numbers: list[int]) -> tuple[int, int]:
    """(k, bits) of the shortest coding of `numbers`; of equals the smaller k."""
    k = 0
    whole = sum(numbers) // max(1, len(numbers))
    while k < K_MAX and 1 << k < whole:
        k += 1
    k = max(0, k - 2)
    bits = coded_bits(numbers, k)
    while k < K_MAX:
        more = coded_bits(numbers, k + 1)
        if more >= bits:
            break
        k, bits = k + 1, more
    while k:                   # One number far from all others pulls the mean up.
        less = coded_bits(numbers, k - 1)
        if less > bits:
            break
        k, bits = k - 1, less
    return k, bits


def coded_bits(numbers: list[int], k: int) -> int:
    """Bits that `numbers` take with remainders of `k` bits."""
    bits = len(numbers) * (k + 1)
    for number in numbers:
        quotient = number >> k
        bits += quotient if quotient < ESCAPE else ESCAPE + 64
    return bits


def read_section(
        data: bytes, at: int, lists: list[tuple[int, int]]) -> tuple[list[list[int]], int]:
    """One list of numbers for each (count, k) of `lists`, and where the section ends.

    Raises Malformed when a stream ends early or late, is filled up with ones, or a number leaves
    0..2**64-1 or is escaped without need.
    """
    size, at = read_leb(data, at)
    if at + size > len(data):
        raise Malformed("columns: wanted %d bytes of quotients, got %d" % (size, len(data) - at))
    wanted = sum([count for count, _ in lists])
    if wanted > 8 * size:      # Each takes a bit: whatever is claimed, the bytes bound it.
        raise Malformed("columns: %d numbers in %d bytes" % (wanted, size))
    quotients = _read_quotients(data, at, at + size, wanted)
    at += size
    end = at + (sum([count * k for count, k in lists]) + 7) // 8
    escapes = end
    if end > len(data):
        raise Malformed("columns: wanted %d bytes of remainders, got %d" % (
            end - at, len(data) - at))
    found = []
    place = 8 * at
    taken = 0
    for count, k in lists:
        numbers = []
        for quotient in quotients[taken:taken + count]:
            if quotient == ESCAPE:
                quotient, escapes = _read_escaped(data, escapes, k)
            elif quotient >> 64 - k:
                raise Malformed("columns: a number is longer than 64 bits")
            numbers.append(quotient << k | _read_bits(data, place, k))
            place += k
        taken += count
        found.append(numbers)
    if _read_bits(data, place, 8 * end - place):
        raise Malformed("columns: remainders are not filled up with zeros")
    return found, escapes


def _read_quotients(data: bytes, at: int, end: int, wanted: int) -> list[int]:
    quotients = []
    zeros = 0
    for place in range(at, end):
        byte = data[place]
        for shift in range(7, -1, -1):
            if byte >> shift & 1:
                quotients.append(zeros)
                if zeros > ESCAPE:
                    raise Malformed("columns: quotient %d, wanted at most %d" % (zeros, ESCAPE))
                zeros = 0
            else:
                zeros += 1
    if len(quotients) != wanted or zeros > 7:
        raise Malformed("columns: wanted %d numbers in %d bytes, got %d" % (
            wanted, end - at, len(quotients)))
    return quotients


def _read_escaped(data: bytes, at: int, k: int) -> tuple[int, int]:
    if at + 8 > len(data):
        raise Malformed("columns: end after %d bytes, in an escaped number" % len(data))
    quotient = int.from_bytes(data[at:at + 8], "big")
    if not ESCAPE <= quotient < 1 << (64 - k):
        raise Malformed("columns: quotient %d is escaped" % quotient)
    return quotient, at + 8


def _read_bits(data: bytes, place: int, width: int) -> int:
    if not width:
        return 0
    first, last = place >> 3, (place + width - 1) >> 3
    number = int.from_bytes(data[first:last + 1], "big")
    return number >> (8 * (last + 1) - place - width) & ((1 << width) - 1)


def zigzag(number: int) -> int:
    """0, -1, 1, -2 ... as 0, 1, 2, 3 ..."""
    return number << 1 if number >= 0 else ((-number) << 1) - 1


def unzigzag(number: int) -> int:
    """The reverse of `zigzag`."""
    return number >> 1 if not number & 1 else -((number + 1) >> 1)


def append_leb(out: bytearray, number: int) -> None:
    """Append a number of 0..2**63-1 in LEB128."""
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)


def read_leb(data: bytes, at: int) -> tuple[int, int]:
    """The LEB128 number at `at`, and where it ends. Raises Malformed."""
    number = 0
    for place in range(_LEB_MAX):
        if at >= len(data):
            raise Malformed("columns: end after %d bytes, in the middle of a number" % at)
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            if place and not byte:
                raise Malformed("columns: number before byte %d is not in its shortest form" % at)
            return number, at
    raise Malformed("columns: number before byte %d is longer than %d bytes" % (at, _LEB_MAX))
