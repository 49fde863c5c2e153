"""Bits one after the other, the most significant of a byte first, and numbers among them.

Left out: what the numbers mean (single.py). A reader gets bits as text, which both Pythons search
and turn into numbers faster than they shift. Layout: contract.cddl, "single".
"""

from wum_shared.errors import Malformed
from wum_shared.rice import ESCAPE, Bits


def width_of(number: int) -> int:
    """Bits of a number of 0 or more; none for 0."""
    return len(bin(number)) - 2 if number else 0


class BitWriter:
    """A stream while it is written."""

    def __init__(self) -> None:
        self._bits = Bits()

    def bits(self, value: int, width: int) -> None:
        """`value` in `width` bits."""
        assert 0 <= value < 1 << width
        self._bits.append(value, width)

    def rice(self, number: int, k: int) -> None:
        """0..2**64-1: its quotient by 2**k as zeros and a one, then the remainder."""
        assert 0 <= number < 1 << 64
        quotient = number >> k
        if quotient >= ESCAPE:
            self._bits.append(1, ESCAPE + 1)
            self._bits.append(quotient, 64)
        else:
            self._bits.append(1, quotient + 1)
        if k:
            self._bits.append(number & ((1 << k) - 1), k)

    def plain(self, number: int, width: int) -> None:
        """A number of exactly `width` bits, whose highest is 1 and so is left out."""
        assert width_of(number) == width
        if width > 1:
            self._bits.append(number - (1 << width - 1), width - 1)

    def whole(self) -> bytes:
        """The bytes, filled up with zeros."""
        return self._bits.whole()


class BitReader:
    """The reverse; everything raises Malformed when the bits end early."""

    def __init__(self, data: bytes) -> None:
        self._text = "".join(["{:08b}".format(byte) for byte in data])
        self._at = 0

    def bits(self, width: int) -> int:
        """`width` bits as a number."""
        end = self._at + width
        if end > len(self._text):
            raise Malformed("columns: end after %d bits, in the middle of a number" % len(
                self._text))
        number = int(self._text[self._at:end], 2) if width else 0
        self._at = end
        return number

    def rice(self, k: int) -> int:
        """A number that was written with remainders of `k` bits."""
        one = self._text.find("1", self._at)
        quotient = one - self._at
        if one < 0 or quotient > ESCAPE:
            raise Malformed("columns: a quotient does not end at bit %d" % (self._at + ESCAPE))
        self._at = one + 1
        if quotient == ESCAPE:
            quotient = self.bits(64)
            if not ESCAPE <= quotient < 1 << (64 - k):
                raise Malformed("columns: quotient %d is escaped" % quotient)
        return quotient << k | self.bits(k)

    def rices(self, count: int, k: int) -> list[int]:
        """`count` numbers, as `rice` reads them."""
        text, at = self._text, self._at
        size = len(text)
        found = []
        for _ in range(count):
            one = text.find("1", at)
            end = one + 1 + k
            if one < 0 or one - at >= ESCAPE or end > size:
                self._at = at  # Escaped, or refused.
                found.append(self.rice(k))
                at = self._at
                continue
            found.append((one - at) << k | int(text[one + 1:end], 2) if k else one - at)
            at = end
        self._at = at
        return found

    def plain(self, width: int) -> int:
        """A number of exactly `width` bits, 0 for none."""
        return 1 << width - 1 | self.bits(width - 1) if width else 0

    def end(self) -> None:
        """Refuse whatever is left, but for zeros that fill up the last byte."""
        left = self._text[self._at:]
        if len(left) > 7 or "1" in left:
            raise Malformed("columns: %d bits after the last column" % len(left))
