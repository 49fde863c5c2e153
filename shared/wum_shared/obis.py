"""OBIS codes (IEC 62056-61): six bytes that name a quantity, and their written form A-B:C.D.E*F."""

from wum_shared.errors import Malformed


def obis_to_text(code: bytes) -> str:
    """`1-0:1.8.0`, with `*F` only where F is not 255."""
    assert len(code) == 6
    a, b, c, d, e, f = code
    text = "%d-%d:%d.%d.%d" % (a, b, c, d, e)
    return text if f == 255 else text + "*%d" % f


def obis_from_text(text: str) -> bytes:
    """Six bytes of `A-B:C.D.E` or `A-B:C.D.E*F`; F is 255 where it is left out.

    Raises Malformed.
    """
    medium, colon, rest = text.partition(":")
    quantity, star, f = rest.partition("*")
    parts = medium.split("-") + quantity.split(".") + [f if star else "255"]
    if not colon or len(parts) != 6:
        raise Malformed("OBIS code: wanted A-B:C.D.E or A-B:C.D.E*F, got %r" % text)
    return bytes([_group(part, text) for part in parts])


def _group(digits: str, text: str) -> int:
    plain = digits and len(digits) <= 3 and all("0" <= c <= "9" for c in digits)
    if not plain or int(digits) > 255:
        raise Malformed("OBIS code %r: group %r is not 0..255" % (text, digits))
    return int(digits)
