"""Bits of a piece of the archive, the most significant first: numbers, long numbers, zeros.

Left out: what the numbers mean (run.py, coding.py). Layout: FORMAT.md, "Bits".
"""

from wum_shared.errors import Malformed

ESCAPE = 16                    # Zeros in place of a quotient: a number of any size follows.
_WIDTH_BITS = 6                # A number of any size has 1..64 bits.


class BitWriter:
    """Bits while they are written."""

    def __init__(self) -> None:
        self._out = bytearray()
        self._open = 0
        self._width = 0

    @property
    def size(self) -> int:
        """Bytes so far; one that is begun counts."""
        return len(self._out) + (1 if self._width else 0)

    def append(self, number: int, width: int) -> None:
        """Append the lowest `width` bits of `number`, which has no others."""
        assert 0 <= number < 1 << width
        self._open = self._open << width | number
        self._width += width
        while self._width >= 8:
            self._width -= 8
            self._out.append(self._open >> self._width)
            self._open &= (1 << self._width) - 1

    def append_long(self, number: int) -> None:
        """Append a number of 0..2**64-2: how many bits number + 1 has, then all but its first."""
        number += 1
        width = width_of(number)
        self.append(width - 1, _WIDTH_BITS)
        self.append(number & ((1 << (width - 1)) - 1), width - 1)

    def append_text(self, data: bytes) -> None:
        """Append whole bytes."""
        for byte in data:
            self.append(byte, 8)

    def whole(self, least: int) -> bytes:
        """All bits, filled up with zeros to whole bytes and to `least` bytes."""
        if self._width:
            self.append(0, 8 - self._width)
        return bytes(self._out) + bytes(max(0, least - len(self._out)))


class BitReader:
    """Bits while they are read; past the end is Malformed.

    Two bytes are taken at a time: what is open stays below 2**30, where a board's numbers take no
    heap.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0            # Bytes taken into _open.
        self._open = 0
        self._width = 0

    @property
    def place(self) -> int:
        """Bits read so far."""
        return 8 * self._at - self._width

    def read(self, width: int) -> int:
        """The next `width` bits. Raises Malformed."""
        while self._width < width:
            self._fill()
        self._width -= width
        number = self._open >> self._width
        self._open &= (1 << self._width) - 1
        return number

    def read_zeros(self) -> int:
        """How many zeros stand before the next one, which is read too; at most ESCAPE of them.

        Behind ESCAPE zeros no one is read. Raises Malformed.
        """
        zeros = 0
        while True:
            if not self._width:
                self._fill()
            if self._open:
                before = self._width - width_of(self._open)
                if zeros + before < ESCAPE:
                    self.read(before + 1)
                    return zeros + before
            else:
                before = self._width
            if zeros + before >= ESCAPE:
                self.read(ESCAPE - zeros)
                return ESCAPE
            zeros += before
            self._width = 0

    def read_long(self) -> int:
        """The reverse of append_long. Raises Malformed."""
        width = self.read(_WIDTH_BITS)
        return (1 << width | self.read(width)) - 1

    def read_text(self, size: int) -> bytes:
        """The reverse of append_text. Raises Malformed."""
        return bytes([self.read(8) for _ in range(size)])

    def _fill(self) -> None:
        at, data = self._at, self._data
        if at + 1 < len(data):
            self._open = self._open << 16 | data[at] << 8 | data[at + 1]
            self._at = at + 2
            self._width += 16
        elif at < len(data):
            self._open = self._open << 8 | data[at]
            self._at = at + 1
            self._width += 8
        else:
            raise Malformed("archive piece: end after %d bytes" % len(data))


def width_of(number: int) -> int:
    """Bits of a number from 0 up, leading zeros left out. (MicroPython lacks bit_length.)"""
    width = 0
    while number >= 256:
        number >>= 8
        width += 8
    while number:
        number >>= 1
        width += 1
    return width


def zigzag(number: int) -> int:
    """0, -1, 1, -2 ... as 0, 1, 2, 3 ..."""
    return number << 1 if number >= 0 else ((-number) << 1) - 1


def unzigzag(number: int) -> int:
    """The reverse of `zigzag`."""
    return number >> 1 if not number & 1 else -((number + 1) >> 1)
