"""Data sets: address, values and units as a meter writes them, and the numbers they are, exactly.

Left out: which OBIS code an address means (short_form.py) and which check held (frame.py, p1.py).
IEC 62056-21:2002, 6.5 (data sets and data blocks).
"""

from collections import namedtuple

from wum_edge.errors import BadCheck
from wum_shared.units import NO_UNIT

SETS_MAX = 4096              # A year of monthly values of every tariff is about 400.
VALUES_MAX = 16384           # Of one address: 35 days of a load profile of 4 columns.
ADDRESS_MAX = 32             # 6.5 says 16; full OBIS codes with C written out need more.
VALUE_MAX = 2048             # DSMR text messages have 1024 characters, twice that in hexadecimal.
DIGITS_MAX = 30

_FILLING = (13, 10, 32)      # CR, LF and blank.
_OPENS, _CLOSES = 40, 41     # The brackets.
_POWERS = {"": 0, "k": 3, "K": 3, "M": 6, "G": 9, "m": -3}
# Upper case of what a meter writes: code of IEC 62056-6-2, table 4. Prefixes stand before these.
_PREFIXED = {"WH": 30, "VARH": 32, "VAH": 31, "W": 27, "VAR": 29, "VA": 28, "V": 35, "A": 33,
             "HZ": 44, "J": 25, "BAR": 24, "PA": 23, "J/H": 26}
# C is a heat meter's degree Celsius: no meter counts coulombs. The m of mA is one of _POWERS.
_PLAIN = {"h": (5, 0), "min": (6, 0), "s": (7, 0), "sec": (7, 0), "secs": (7, 0), "d": (4, 0),
          "m3": (13, 0), "dm3": (13, -3), "m3/h": (15, 0), "m3ph": (15, 0), "l/h": (15, -3),
          "m3/d": (17, 0), "l": (19, 0), "L": (19, 0), "%": (56, 0), "Deg": (8, 0), "deg": (8, 0),
          "kg": (20, 0), "t": (20, 3), "C": (9, 0), "degC": (9, 0), "K": (52, 0)}


class Value(namedtuple("Value", ("text", "unit"))):
    """One value in brackets: `text` before the asterisk, `unit` as written behind it or empty."""

    __slots__ = ()
    text: str
    unit: str


class DataSet(namedtuple("DataSet", ("address", "values"))):
    """One data set: `1.6.0(02.468*kW)(1703100930)` has two values. `address` may be empty."""

    __slots__ = ()
    address: str
    values: tuple[Value, ...]


class Decimal(namedtuple("Decimal", ("mantissa", "power"))):
    """mantissa x 10^power, exactly as it was written."""

    __slots__ = ()
    mantissa: int
    power: int


def parse_block(body: bytes, ends_with_mark: bool = False) -> list[DataSet]:
    """The data sets of a block, in order. Raises BadCheck for what is none.

    With `ends_with_mark` the block must end with `!` CR LF, as a readout does (6.5): that shows a
    character that was damaged into an ETX. Some meters leave out CR LF there. What follows an
    address in brackets belongs to it, on the next line too; blanks around an address are filling.
    Where a bracket holds lines of its own, as Holley's list of the last month does, their
    addresses and values are values of the address before it, and never data sets beside it.
    """
    data = bytes(body)                       # MicroPython finds a place in a text by counting.
    _check_printed(data)
    if ends_with_mark:
        data = data[:-2] if data.endswith(b"\r\n") else data
        if not data.endswith(b"!"):
            raise BadCheck("readout: wanted its end, ! CR LF, got %d characters without" %
                           len(data))
        data = data[:-1]
    found: list[DataSet] = []
    values: list[Value] = []
    address = ""
    at = 0
    while at < len(data):
        if data[at] in _FILLING:
            at += 1
        elif data[at] == _OPENS:
            more, at = _bracket(data, at)
            values += more
            if len(values) > VALUES_MAX:
                raise BadCheck("data set %s: more than %d values" % (address, VALUES_MAX))
        else:
            _keep(found, address, values)
            address, at = _address(data, at)
            values = []
    _keep(found, address, values)
    return found


def parse_values(text: str) -> list[Value]:
    """Value and unit of what stood in brackets; blanks behind a unit are filling.

    Elgama says the time of a maximum behind its unit, `(1.124*kW 2506251715)`: a value of its own.
    """
    value, _, unit = text.partition("*")
    unit, _, time = unit.rstrip(" ").partition(" ")
    if time and not all("0" <= c <= "9" for c in time):
        unit, time = unit + " " + time, ""
    return [Value(value, unit)] + ([Value(time, "")] if time else [])


def decimal(text: str) -> Decimal | None:
    """The number that `text` is; None when it is none. No float, no digit lost.

    Blanks around it are filling, as in `(  80*Deg)`; a sign may lead.
    """
    digits = text.strip(" ")
    sign = 1
    if digits[:1] in ("+", "-"):
        sign = -1 if digits[0] == "-" else 1
        digits = digits[1:]
    whole, dot, part = digits.partition(".")
    both = whole + part
    if not whole or (dot and not part) or len(both) > DIGITS_MAX:
        return None
    if not all("0" <= c <= "9" for c in both):
        return None
    return Decimal(sign * int(both), -len(part))


def unit_code(written: str) -> tuple[int, int] | None:
    """(code, power of ten) of a unit as meters write it: kWh is (30, 3). None for one not known.

    Case tells m from M in a prefix and nothing else: kvar, kVAr and KVAR are one unit.
    """
    if not written:
        return NO_UNIT, 0
    if written in _PLAIN:
        return _PLAIN[written]
    for size in (0, 1):
        code = _PREFIXED.get(written[size:].upper())
        power = _POWERS.get(written[:size])
        if code is not None and power is not None:
            return code, power
    return None


def text_of(body: bytes) -> str:
    """`body` as text. Raises BadCheck for characters that none of ISO/IEC 646 prints."""
    _check_printed(body)
    return body.decode()


def _check_printed(body: bytes) -> None:
    for byte in body:
        if not (32 <= byte < 127 or byte in (13, 10)):
            raise BadCheck("data block: character %02x is none of ISO/IEC 646" % byte)


def _keep(found: list[DataSet], address: str, values: list[Value]) -> None:
    if values:
        found.append(DataSet(address, tuple(values)))
        if len(found) > SETS_MAX:
            raise BadCheck("data block: more than %d data sets" % SETS_MAX)
    elif address:
        raise BadCheck("data set %s: wanted a value in brackets" % address)


def _address(data: bytes, at: int) -> tuple[str, int]:
    end = data.find(b"(", at, at + ADDRESS_MAX + 3)
    address = (data[at:end] if end > 0 else data[at:at + ADDRESS_MAX]).decode()
    if end > 0 and data[end + 1:end + 3] == b"\r\n" and address.endswith("\r\n"):
        address = address[:-2]               # A list of lines: its bracket has a line, too.
    if end < 0 or len(address) > ADDRESS_MAX or any(c in ")/!\r\n" for c in address):
        raise BadCheck("data set: wanted an address of at most %d characters and a value in "
                       "brackets, got %s" % (ADDRESS_MAX, repr(address)))
    return address.rstrip(" "), end


def _bracket(data: bytes, at: int) -> tuple[list[Value], int]:
    """The values in the bracket that begins at `at`, and where what follows it begins."""
    if data[at + 1:at + 3] == b"\r\n":
        return _lines(data, at + 3)
    end = data.find(b")", at, at + VALUE_MAX + 2)
    inner = (data[at + 1:end] if end > 0 else data[at + 1:at + 24]).decode()
    plain = inner
    if inner[:1] == "(" and data[end:end + 2] == b"))":  # Landis+Gyr: 1-0:0.2.0((ER11)).
        plain, inner, end = inner[1:], inner + ")", end + 1
    if end < 0 or any(c in "(\r\n" for c in plain):
        raise BadCheck("data set: wanted a value of at most %d characters in brackets, got %s"
                       % (VALUE_MAX, repr(inner[:24])))
    return parse_values(inner), end + 1


def _lines(data: bytes, at: int) -> tuple[list[Value], int]:
    """Addresses and values of the lines that a bracket holds, and where what follows it begins."""
    found: list[Value] = []
    while at >= len(data) or data[at] != _CLOSES:
        if at < len(data) and data[at] in _FILLING:
            at += 1
            continue
        if data[at:at + 1] != b"(":
            address, at = _address(data, at)
            found.append(Value(address, ""))
        if data[at + 1:at + 3] == b"\r\n" or len(found) > VALUES_MAX:
            raise BadCheck("data set: lists in one another, or more than %d values" % VALUES_MAX)
        more, at = _bracket(data, at)
        found += more
    return found, at + 1
