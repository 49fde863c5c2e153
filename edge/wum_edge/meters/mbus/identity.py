"""Who a meter is: identification, maker, version and medium, and its status byte in words.

Left out: how a meter is selected by it (talk.py). EN 13757-3:2018, 5 and 7; EN 13757-7, 7.5.
"""

from collections import namedtuple

MEDIA = {
    0x00: "other", 0x01: "oil", 0x02: "electricity", 0x03: "gas", 0x04: "heat (return)",
    0x05: "steam", 0x06: "warm water", 0x07: "water", 0x08: "heat cost allocator",
    0x09: "compressed air", 0x0A: "cooling (return)", 0x0B: "cooling (flow)",
    0x0C: "heat (flow)", 0x0D: "heat and cooling", 0x0E: "bus or system", 0x0F: "unknown",
    0x10: "irrigation water", 0x11: "water data logger", 0x12: "gas data logger",
    0x13: "gas converter", 0x14: "calorific value", 0x15: "hot water", 0x16: "cold water",
    0x17: "hot and cold water", 0x18: "pressure", 0x19: "A/D converter", 0x1A: "smoke detector",
    0x1B: "room sensor", 0x1C: "gas detector", 0x20: "breaker (electricity)",
    0x21: "valve (gas or water)", 0x25: "customer unit", 0x28: "waste water", 0x29: "garbage",
    0x2A: "carbon dioxide", 0x31: "communication controller", 0x32: "unidirectional repeater",
    0x33: "bidirectional repeater", 0x36: "radio converter (system side)",
    0x37: "radio converter (meter side)",
}
_APPLICATION = ("", "application busy", "application error", "abnormal condition")
_BITS = ((0x04, "power low"), (0x08, "permanent error"), (0x10, "temporary error"),
         (0x20, "maker's bit 5"), (0x40, "maker's bit 6"), (0x80, "maker's bit 7"))
_LETTERS = 26


class Identity(namedtuple("Identity", ("number", "maker", "version", "medium"))):
    """`number` is eight digits as text, `maker` three letters or four hexadecimal digits; version
    and medium are 0..255. In a selection F in the number stands for any digit, FFFF for any maker,
    255 for any version or medium.
    """

    __slots__ = ()
    number: str
    maker: str
    version: int
    medium: int

    def octets(self) -> bytes:
        """The eight bytes on the wire, low byte first: a secondary address."""
        number = bytes.fromhex(self.number)
        maker = maker_to_number(self.maker)
        return bytes([number[3 - place] for place in range(4)]) + bytes(
            (maker & 0xFF, maker >> 8, self.version, self.medium))

    def text(self) -> str:
        """The secondary address as 16 hexadecimal digits: number, maker, version, medium."""
        return "%s%04X%02X%02X" % (
            self.number, maker_to_number(self.maker), self.version, self.medium)

    def fits(self, other: "Identity") -> bool:
        """Whether `other` is what this one, wildcards and all, selects."""
        digits_fit = all(self.number[place] in ("F", other.number[place]) for place in range(8))
        return (digits_fit and self.maker in ("FFFF", other.maker)
                and self.version in (255, other.version) and self.medium in (255, other.medium))


def identity_from_octets(data: bytes, high_first: bool = False) -> Identity:
    """The identity in eight bytes of a header."""
    assert len(data) == 8
    number, maker = data[:4], data[4:6]
    if not high_first:
        number = bytes([number[3 - place] for place in range(4)])
        maker = bytes((maker[1], maker[0]))
    return Identity(number.hex().upper(), maker_from_number(maker[0] << 8 | maker[1]),
                    data[6], data[7])


def identity_from_text(text: str) -> Identity | None:
    """The identity of 16 hexadecimal digits, wildcards allowed; None when it is none."""
    upper = text.upper()
    if len(upper) != 16 or not all(digit in "0123456789ABCDEF" for digit in upper):
        return None
    return Identity(upper[:8], maker_from_number(int(upper[8:12], 16)), int(upper[12:14], 16),
                    int(upper[14:], 16))


def maker_from_number(number: int) -> str:
    """Three letters of a maker's number; four hexadecimal digits where it holds no letters."""
    codes = (number >> 10 & 31, number >> 5 & 31, number & 31)
    if number >> 15 or not all(1 <= code <= _LETTERS for code in codes):
        return "%04X" % number
    return "".join([chr(64 + code) for code in codes])


def maker_to_number(maker: str) -> int:
    """The number of three letters or four hexadecimal digits."""
    if len(maker) == 4:
        return int(maker, 16)
    number = 0
    for letter in maker:
        number = number << 5 | (ord(letter) - 64)
    return number


def medium_text(medium: int) -> str:
    """What a meter measures, in words."""
    return MEDIA.get(medium, "medium %02x" % medium)


def status_texts(status: int) -> tuple[str, ...]:
    """What a status byte says, in words; empty when all is well."""
    found = [_APPLICATION[status & 3]] if status & 3 else []
    return tuple(found + [words for bit, words in _BITS if status & bit])
