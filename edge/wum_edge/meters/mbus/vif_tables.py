"""The tables behind vif.py as data: (first, last, quantity, unit, unit text, factor, power, kind).

A number's power rises by one from each code to the next. Units are DLMS codes (Blue Book, table 4);
where that has none, the unit is written. EN 13757-3:2018, tables 10, 12, 13, 14, 15 and 16.
"""

from wum_shared.units import NO_UNIT

DAY, HOUR, MINUTE, SECOND, MONTH, YEAR = 4, 5, 6, 7, 2, 1
_CELSIUS, _KELVIN, _M3, _M3_H, _KG, _BAR = 9, 52, 13, 15, 20, 24
_JOULE, _JOULE_H, _WATT, _VA, _VAR, _WH, _VAH, _VARH = 25, 26, 27, 28, 29, 30, 31, 32
_AMPERE, _VOLT, _HERTZ, _PERCENT, _DEGREE, _COUNT = 33, 35, 44, 56, 8, NO_UNIT
_DBM = 70
TYPE_CHECKING = False        # True for type checkers only: a board cannot index a type.
if TYPE_CHECKING:
    Entry = tuple[int, int, str, int, str, int, int, str]


def _durations(first: int, quantity: str, units: tuple[int, ...]) -> "tuple[Entry, ...]":
    """Codes in a row, each with a unit of time of its own."""
    return tuple([(first + place, first + place, quantity, units[place], "", 1, 0, "number")
                  for place in range(len(units))])


_SECONDS_TO_DAYS = (SECOND, MINUTE, HOUR, DAY)
_HOURS_TO_YEARS = (HOUR, DAY, MONTH, YEAR)

FIRST: "tuple[Entry, ...]" = (
    (0x00, 0x07, "energy", _WH, "", 1, -3, "number"),
    (0x08, 0x0F, "energy", _JOULE, "", 1, 0, "number"),
    (0x10, 0x17, "volume", _M3, "", 1, -6, "number"),
    (0x18, 0x1F, "mass", _KG, "", 1, -3, "number"),
) + _durations(0x20, "on time", _SECONDS_TO_DAYS) + _durations(
    0x24, "operating time", _SECONDS_TO_DAYS) + (
    (0x28, 0x2F, "power", _WATT, "", 1, -3, "number"),
    (0x30, 0x37, "power", _JOULE_H, "", 1, 0, "number"),
    (0x38, 0x3F, "volume flow", _M3_H, "", 1, -6, "number"),
    (0x40, 0x47, "volume flow", _M3_H, "", 60, -7, "number"),       # Given in m3/min.
    (0x48, 0x4F, "volume flow", _M3_H, "", 3600, -9, "number"),     # Given in m3/s.
    (0x50, 0x57, "mass flow", NO_UNIT, "kg/h", 1, -3, "number"),
    (0x58, 0x5B, "flow temperature", _CELSIUS, "", 1, -3, "number"),
    (0x5C, 0x5F, "return temperature", _CELSIUS, "", 1, -3, "number"),
    (0x60, 0x63, "temperature difference", _KELVIN, "", 1, -3, "number"),
    (0x64, 0x67, "external temperature", _CELSIUS, "", 1, -3, "number"),
    (0x68, 0x6B, "pressure", _BAR, "", 1, -3, "number"),
    (0x6C, 0x6C, "date", NO_UNIT, "", 1, 0, "date"),
    (0x6D, 0x6D, "date and time", NO_UNIT, "", 1, 0, "moment"),
    (0x6E, 0x6E, "units for HCA", _COUNT, "", 1, 0, "number"),
) + _durations(0x70, "averaging duration", _SECONDS_TO_DAYS) + _durations(
    0x74, "actuality duration", _SECONDS_TO_DAYS) + (
    (0x78, 0x78, "fabrication number", NO_UNIT, "", 1, 0, "identity"),
    (0x79, 0x79, "identification", NO_UNIT, "", 1, 0, "identity"),
    (0x7A, 0x7A, "bus address", NO_UNIT, "", 1, 0, "count"),
    (0x7E, 0x7E, "any VIF", NO_UNIT, "", 1, 0, "bits"),
    (0x7F, 0x7F, "manufacturer specific", NO_UNIT, "", 1, 0, "number"),
)

FB: "tuple[Entry, ...]" = (
    (0x00, 0x01, "energy", _WH, "", 1, 5, "number"),
    (0x02, 0x03, "reactive energy", _VARH, "", 1, 3, "number"),
    (0x04, 0x05, "apparent energy", _VAH, "", 1, 3, "number"),
    (0x08, 0x09, "energy", _JOULE, "", 1, 8, "number"),
    (0x0C, 0x0D, "energy", NO_UNIT, "cal", 1, 5, "number"),
    (0x10, 0x11, "volume", _M3, "", 1, 2, "number"),
    (0x14, 0x17, "reactive power", _VAR, "", 1, 0, "number"),
    (0x18, 0x19, "mass", _KG, "", 1, 5, "number"),
    (0x1A, 0x1B, "relative humidity", _PERCENT, "", 1, -1, "number"),
    (0x20, 0x20, "volume", NO_UNIT, "ft³", 1, 0, "number"),
    (0x21, 0x21, "volume", NO_UNIT, "ft³", 1, -1, "number"),
    (0x22, 0x22, "volume", NO_UNIT, "US gallon", 1, -1, "number"),
    (0x23, 0x23, "volume", NO_UNIT, "US gallon", 1, 0, "number"),
    (0x24, 0x24, "volume flow", NO_UNIT, "US gallon/min", 1, -3, "number"),
    (0x25, 0x25, "volume flow", NO_UNIT, "US gallon/min", 1, 0, "number"),
    (0x26, 0x26, "volume flow", NO_UNIT, "US gallon/h", 1, 0, "number"),
    (0x28, 0x29, "power", _WATT, "", 1, 5, "number"),
    (0x2A, 0x2A, "phase U-U", _DEGREE, "", 1, -1, "number"),
    (0x2B, 0x2B, "phase U-I", _DEGREE, "", 1, -1, "number"),
    (0x2C, 0x2F, "frequency", _HERTZ, "", 1, -3, "number"),
    (0x30, 0x31, "power", _JOULE_H, "", 1, 8, "number"),
    (0x34, 0x37, "apparent power", _VA, "", 1, 0, "number"),
    (0x58, 0x5B, "flow temperature", NO_UNIT, "°F", 1, -3, "number"),
    (0x5C, 0x5F, "return temperature", NO_UNIT, "°F", 1, -3, "number"),
    (0x60, 0x63, "temperature difference", NO_UNIT, "°F", 1, -3, "number"),
    (0x64, 0x67, "external temperature", NO_UNIT, "°F", 1, -3, "number"),
    (0x70, 0x73, "temperature limit", NO_UNIT, "°F", 1, -3, "number"),
    (0x74, 0x77, "temperature limit", _CELSIUS, "", 1, -3, "number"),
    (0x78, 0x7F, "cumulated maximum power", _WATT, "", 1, -3, "number"),
)

FD: "tuple[Entry, ...]" = (
    (0x00, 0x03, "credit", NO_UNIT, "currency", 1, -3, "number"),
    (0x04, 0x07, "debit", NO_UNIT, "currency", 1, -3, "number"),
    (0x08, 0x08, "access number", _COUNT, "", 1, 0, "count"),
    (0x09, 0x09, "medium", NO_UNIT, "", 1, 0, "count"),
    (0x0A, 0x0A, "manufacturer", NO_UNIT, "", 1, 0, "count"),
    (0x0B, 0x0B, "parameter set", NO_UNIT, "", 1, 0, "count"),
    (0x0C, 0x0C, "model", NO_UNIT, "", 1, 0, "count"),
    (0x0D, 0x0D, "hardware version", NO_UNIT, "", 1, 0, "count"),
    (0x0E, 0x0E, "firmware version", NO_UNIT, "", 1, 0, "count"),
    (0x0F, 0x0F, "software version", NO_UNIT, "", 1, 0, "count"),
    (0x10, 0x10, "customer location", NO_UNIT, "", 1, 0, "count"),
    (0x11, 0x11, "customer", NO_UNIT, "", 1, 0, "count"),
    (0x12, 0x12, "access code of the user", NO_UNIT, "", 1, 0, "count"),
    (0x13, 0x13, "access code of the operator", NO_UNIT, "", 1, 0, "count"),
    (0x14, 0x14, "access code of the system operator", NO_UNIT, "", 1, 0, "count"),
    (0x15, 0x15, "access code of the developer", NO_UNIT, "", 1, 0, "count"),
    (0x16, 0x16, "password", NO_UNIT, "", 1, 0, "count"),
    (0x17, 0x17, "error flags", NO_UNIT, "", 1, 0, "bits"),
    (0x18, 0x18, "error mask", NO_UNIT, "", 1, 0, "bits"),
    (0x19, 0x19, "security key", NO_UNIT, "", 1, 0, "bits"),
    (0x1A, 0x1A, "digital output", NO_UNIT, "", 1, 0, "bits"),
    (0x1B, 0x1B, "digital input", NO_UNIT, "", 1, 0, "bits"),
    (0x1C, 0x1C, "baud rate", NO_UNIT, "baud", 1, 0, "count"),
    (0x1D, 0x1D, "response delay", NO_UNIT, "bit times", 1, 0, "count"),
    (0x1E, 0x1E, "retry", _COUNT, "", 1, 0, "count"),
    (0x1F, 0x1F, "remote control", NO_UNIT, "", 1, 0, "bits"),
    (0x20, 0x20, "first storage number", _COUNT, "", 1, 0, "count"),
    (0x21, 0x21, "last storage number", _COUNT, "", 1, 0, "count"),
    (0x22, 0x22, "size of storage block", _COUNT, "", 1, 0, "count"),
    (0x23, 0x23, "descriptor of tariff and subunit", NO_UNIT, "", 1, 0, "bits"),
) + _durations(0x24, "storage interval", _SECONDS_TO_DAYS + (MONTH, YEAR)) + (
    (0x2A, 0x2A, "operator specific", NO_UNIT, "", 1, 0, "number"),
    (0x2B, 0x2B, "second of time", SECOND, "", 1, 0, "count"),
) + _durations(0x2C, "duration since last readout", _SECONDS_TO_DAYS) + (
    (0x30, 0x30, "start of tariff", NO_UNIT, "", 1, 0, "moment"),
) + _durations(0x31, "duration of tariff", (MINUTE, HOUR, DAY)) + _durations(
    0x34, "period of tariff", _SECONDS_TO_DAYS + (MONTH, YEAR)) + (
    (0x3A, 0x3A, "dimensionless", NO_UNIT, "", 1, 0, "number"),
    (0x3B, 0x3B, "wireless container", NO_UNIT, "", 1, 0, "bits"),
) + _durations(0x3C, "period of transmissions", _SECONDS_TO_DAYS) + (
    (0x40, 0x4F, "voltage", _VOLT, "", 1, -9, "number"),
    (0x50, 0x5F, "current", _AMPERE, "", 1, -12, "number"),
    (0x60, 0x60, "reset counter", _COUNT, "", 1, 0, "count"),
    (0x61, 0x61, "cumulation counter", _COUNT, "", 1, 0, "count"),
    (0x62, 0x62, "control signal", NO_UNIT, "", 1, 0, "count"),
    (0x63, 0x63, "day of week", NO_UNIT, "", 1, 0, "count"),
    (0x64, 0x64, "week number", NO_UNIT, "", 1, 0, "count"),
    (0x65, 0x65, "time of day change", NO_UNIT, "", 1, 0, "moment"),
    (0x66, 0x66, "state of parameter activation", NO_UNIT, "", 1, 0, "count"),
    (0x67, 0x67, "special supplier information", NO_UNIT, "", 1, 0, "number"),
) + _durations(0x68, "duration since last cumulation", _HOURS_TO_YEARS) + _durations(
    0x6C, "operating time of battery", _HOURS_TO_YEARS) + (
    (0x70, 0x70, "battery change", NO_UNIT, "", 1, 0, "moment"),
    (0x71, 0x71, "RF level", _DBM, "", 1, 0, "number"),
    (0x72, 0x72, "daylight saving", NO_UNIT, "", 1, 0, "saving"),
    (0x73, 0x73, "listening window", NO_UNIT, "", 1, 0, "window"),
    (0x74, 0x74, "remaining battery life", DAY, "", 1, 0, "number"),
    (0x75, 0x75, "stops of the meter", _COUNT, "", 1, 0, "count"),
    (0x76, 0x76, "manufacturer container", NO_UNIT, "", 1, 0, "bits"),
)

FDFD: "tuple[Entry, ...]" = (
    (0x00, 0x00, "selected application", NO_UNIT, "", 1, 0, "count"),
) + _durations(0x02, "remaining battery life", (MONTH, YEAR))

RECORD_ERRORS = {
    0x01: "too many DIFEs", 0x02: "storage number not implemented",
    0x03: "unit number not implemented", 0x04: "tariff number not implemented",
    0x05: "function not implemented", 0x06: "data class not implemented",
    0x07: "data size not implemented", 0x0B: "too many VIFEs", 0x0C: "illegal VIF group",
    0x0D: "illegal VIF exponent", 0x0E: "VIF and DIF do not fit", 0x0F: "unimplemented action",
    0x15: "no data available", 0x16: "data overflow", 0x17: "data underflow", 0x18: "data error",
    0x1C: "premature end of record",
}

ORTHOGONAL = {
    0x12: "average", 0x13: "inverse compact profile", 0x14: "relative deviation",
    0x1D: "standard conform data content", 0x1E: "compact profile with register numbers",
    0x1F: "compact profile", 0x20: "per second", 0x21: "per minute", 0x22: "per hour",
    0x23: "per day", 0x24: "per week", 0x25: "per month", 0x26: "per year",
    0x27: "per revolution", 0x28: "per input pulse on channel 0",
    0x29: "per input pulse on channel 1", 0x2A: "per output pulse on channel 0",
    0x2B: "per output pulse on channel 1", 0x2C: "per litre", 0x2D: "per m³", 0x2E: "per kg",
    0x2F: "per K", 0x30: "per kWh", 0x31: "per GJ", 0x32: "per kW", 0x33: "per K and litre",
    0x34: "per V", 0x35: "per A", 0x36: "times s", 0x37: "times s/V", 0x38: "times s/A",
    0x39: "start of", 0x3A: "uncorrected", 0x3B: "positive only", 0x3C: "negative only",
    0x3D: "non-metric", 0x3E: "at base conditions", 0x3F: "OBIS declaration",
    0x68: "during lower limit exceed", 0x69: "leakage", 0x6C: "during upper limit exceed",
    0x6D: "overflow", 0x7E: "future",
}

FC = {
    0x01: "L1", 0x02: "L2", 0x03: "L3", 0x04: "N", 0x05: "L1-L2", 0x06: "L2-L3", 0x07: "L3-L1",
    0x08: "Q1", 0x09: "Q2", 0x0A: "Q3", 0x0B: "Q4", 0x0C: "import less export",
    0x10: "positive and negative", 0x11: "as type C", 0x12: "as type D",
    0x13: "to the meter", 0x14: "from the meter",
}
