"""Unit codes of IEC 62056-6-2 (table 4) and their written form. Scalers are powers of ten."""

from wum_shared.errors import Malformed

NO_UNIT = 255

UNITS = {
    1: "a", 2: "mo", 3: "wk", 4: "d", 5: "h", 6: "min", 7: "s", 8: "°", 9: "°C",
    11: "m", 12: "m/s", 13: "m³", 14: "m³", 15: "m³/h", 16: "m³/h", 17: "m³/d", 18: "m³/d",
    19: "l", 20: "kg", 21: "N", 22: "Nm", 23: "Pa", 24: "bar", 25: "J", 26: "J/h",
    27: "W", 28: "VA", 29: "var", 30: "Wh", 31: "VAh", 32: "varh", 33: "A", 34: "C", 35: "V",
    36: "V/m", 37: "F", 38: "Ω", 40: "Wb", 41: "T", 42: "A/m", 43: "H", 44: "Hz",
    45: "1/Wh", 46: "1/varh", 47: "1/VAh", 48: "V²h", 49: "A²h", 50: "kg/s", 51: "S", 52: "K",
    55: "1/m³", 56: "%", 57: "Ah", 60: "Wh/m³", 61: "J/m³", 63: "g/m³", 64: "Pa s", 65: "J/kg",
    70: "dBm", 71: "dBµV", 72: "dB", 255: "",
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
