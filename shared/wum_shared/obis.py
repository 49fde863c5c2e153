"""OBIS codes (IEC 62056-61): six bytes that name a quantity, and their written form A-B:C.D.E*F."""

from wum_shared.errors import Malformed
from wum_shared.fields import shown


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
    medium, _, rest = text.partition(":")
    quantity, star, f = rest.partition("*")
    a_and_b = medium.split("-")
    c_to_e = quantity.split(".")
    if len(a_and_b) != 2 or len(c_to_e) != 3:
        raise Malformed("OBIS code: wanted A-B:C.D.E or A-B:C.D.E*F, got %s" % shown(text))
    return bytes([_group(part, text) for part in a_and_b + c_to_e + [f if star else "255"]])


def _group(digits: str, text: str) -> int:
    plain = digits and len(digits) <= 3 and all("0" <= c <= "9" for c in digits)
    if not plain or int(digits) > 255:
        raise Malformed("OBIS code %s: group %s is not 0..255" % (shown(text), shown(digits)))
    return int(digits)
