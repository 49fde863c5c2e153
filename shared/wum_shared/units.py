"""Unit codes of IEC 62056-6-2 (table 4) and their written form. Scalers are powers of ten."""

from wum_shared.errors import Malformed

NO_UNIT = 255

UNITS = {
    1: "a", 2: "mo", 3: "wk", 4: "d", 5: "h", 6: "min", 7: "s", 8: "°", 9: "°C",
    13: "m³", 14: "m³", 19: "l", 20: "kg", 23: "Pa", 24: "bar", 27: "W", 28: "VA", 29: "var",
    30: "Wh", 31: "VAh", 32: "varh", 33: "A", 34: "C", 35: "V", 44: "Hz", 56: "%", 255: "",
}


def unit_from_text(text: str) -> int:
    """Code of a unit as `UNITS` writes it: the empty text is NO_UNIT, `m³` the volume as read.

    Raises Malformed.
    """
    for code in sorted(UNITS):
        if UNITS[code] == text:
            return code
    known = ", ".join(UNITS[code] for code in sorted(UNITS) if UNITS[code])
    raise Malformed("unit: %r is none of %s" % (text, known))


def scaled_to_text(value: int, scaler: int) -> str:
    """`value` x 10^`scaler` in plain digits, exactly: no float on the way."""
    if scaler >= 0:
        return str(value * 10**scaler)
    digits = str(abs(value))
    places = -scaler
    digits = "0" * (places + 1 - len(digits)) + digits
    sign = "-" if value < 0 else ""
    return sign + digits[:-places] + "." + digits[-places:]
