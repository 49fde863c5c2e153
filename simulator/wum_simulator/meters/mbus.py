"""The town's meters on wired M-Bus: a slave for each, whose records are its registers.

Left out: the link (mbus_slave.py). The power of ten of a record is that of the catalogue entry; a
clock counts UTC. EN 13757-3, tables of VIF; only what the town has.
"""

from collections.abc import Callable
from functools import partial

from wum_simulator.catalog import Register
from wum_simulator.meters.edis_time import seconds_of, written_at
from wum_simulator.meters.mbus_slave import Plate, Slave, frames_in, superposed
from wum_simulator.meters.server import Refusal, Request, Said, Server
from wum_simulator.quantities import shown
from wum_simulator.registers import at_resolution
from wum_simulator.town import Meter
from wum_simulator.wrongs import What

MEDIUM = {"1": 2, "6": 4, "7": 3, "8": 7, "9": 6}   # By the A of OBIS.
TEMPORARY_ERROR = 0x10       # EN 13757-3:2018, table 3.
# The code of 10^0 by quantity; -1 instead of an extension where it is a primary VIF.
_VIF = {"energy": (-1, 0x03), "power": (-1, 0x2B), "voltage": (0xFD, 0x49),
        "current": (0xFD, 0x5C), "reactive energy": (0xFB, 0x02 - 3), "frequency": (0xFB, 0x2F),
        "volume": (-1, 0x16), "volume flow": (-1, 0x3E), "flow temperature": (-1, 0x5B),
        "return temperature": (-1, 0x5F), "temperature difference": (-1, 0x63)}
_FUNCTION = {"instantaneous": 0x00, "maximum": 0x10, "minimum": 0x20, "in error": 0x30}


class MbusServer(Server):
    """The meters of one line. Several that answer at once are heard as one damaged answer."""

    protocols = ("mbus",)

    def __init__(
            self, meters: list[Meter], now_s: Callable[[], int], refusal: Refusal,
            said: Said) -> None:
        self._now_s = now_s
        self._said = said
        self._heard = bytearray()
        self.slaves = [(meter, Slave(
            meter.address, plate_of(meter), partial(self._records, meter),
            partial(self._ordered, meter), partial(self._refused, meter, refusal)))
            for meter in meters]

    def hear(self, data: bytes) -> None:
        """Bytes from the wire, in any pieces."""
        self._heard += data
        for frame in frames_in(self._heard):
            for meter, slave in self.slaves:
                slave.status = status_of(meter, self._now_s())
            answers = [(meter, slave.hear(frame)) for meter, slave in self.slaves]
            given = [(meter, answer) for meter, answer in answers if answer]
            if given:
                first = given[0][0].address
                self._said(superposed([answer for _, answer in given]), first,
                           Request(first, frame[1], 0, 0, self._now_s(), "mbus"))

    def forget(self) -> None:
        """Silence: what was heard so far is no part of what comes next."""
        self._heard.clear()

    def spoilt(self, answer: bytes) -> bytes:
        """With another checksum; an acknowledgement has none and is another byte."""
        place = max(0, len(answer) - 2)
        return answer[:place] + bytes((answer[place] ^ 0xFF,)) + answer[place + 1:]

    def _records(self, meter: Meter) -> list[bytes]:
        at_s = self._now_s()
        instant = meter.instant_at(at_s)
        return [record_of(register, at_resolution(register, shown(register.obis, instant)))
                for register in meter.kind.registers] + [clock_record(meter.clock_at(at_s))]

    def _ordered(self, meter: Meter, ci: int, data: bytes) -> None:
        if ci == 0x51 and data[:2] == b"\x04\x6d" and len(data) == 6:
            to_s = clock_of(data[2:])
            if to_s is not None:
                meter.set_clock(to_s, self._now_s())

    def _refused(self, meter: Meter, refusal: Refusal) -> int | None:
        return refusal(Request(meter.address, 0x5B, 0, 0, self._now_s(), "readout"))


def status_of(meter: Meter, at_s: int) -> int:
    """The status byte: a temporary error while the meter feels a magnet or has lost the neutral."""
    felt = any(wrong.what in (What.MAGNET, What.OPEN_NEUTRAL) and at_s >= wrong.from_s
               for wrong in meter.wrongs)
    return TEMPORARY_ERROR if felt else 0


def plate_of(meter: Meter) -> Plate:
    """Its number is the serial number, its maker three letters of the model's name."""
    letters = "".join(c for c in meter.kind.name.upper() if "A" <= c <= "Z")
    return Plate(meter.serial, (letters + "XXX")[:3], 1,
                 MEDIUM[meter.kind.registers[0].obis[0]])


def record_of(register: Register, value: int) -> bytes:
    """A record of 32 bits, of 64 where they do not hold `value`."""
    own = register.own
    wide = not -2**31 < value < 2**31
    extension, unity = _VIF[own["quantity"]]
    vif = unity + register.scaler
    modifiers = [part.strip() for part in own.get("modifiers", "").split(",") if part]
    vifes = b""
    if modifiers:
        assert modifiers[0] == "manufacturer specific", modifiers
        vifes = bytes((0xFF, *(0x80 | int(code, 16) for code in modifiers[1:-1]),
                       int(modifiers[-1], 16)))
    head = bytes((vif | (0x80 if vifes else 0),)) + vifes
    if extension >= 0:
        head = bytes((extension,)) + head
    return (_dif(7 if wide else 4, own) + head
            + value.to_bytes(8 if wide else 4, "little", signed=True))


def _dif(field: int, own: dict[str, object]) -> bytes:
    """DIF and as many DIFEs as storage, tariff and subunit need."""
    numbers = [int(str(own.get(key, 0))) for key in ("storage", "tariff", "subunit")]
    storage, tariff, subunit = numbers
    out = [field | _FUNCTION[str(own.get("function", "instantaneous"))] | (storage & 1) << 6]
    storage >>= 1
    while storage or tariff or subunit:
        out[-1] |= 0x80
        out.append(storage & 15 | (tariff & 3) << 4 | (subunit & 1) << 6)
        storage, tariff, subunit = storage >> 4, tariff >> 2, subunit >> 1
    return bytes(out)


def clock_record(utc_s: int) -> bytes:
    """VIF 6D, type F, of the minute."""
    text = written_at(utc_s)
    year, month, day, hour, minute = (int(text[at:at + 2]) for at in range(0, 10, 2))
    return b"\x04\x6d" + bytes((minute, hour | 1 << 5, day | (year & 7) << 5,
                                month | year >> 3 << 4))


def clock_of(octets: bytes) -> int | None:
    """UTC seconds of type F, this century's; None for what is no time."""
    year = octets[2] >> 5 | octets[3] >> 4 << 3
    return seconds_of(f"{year:02d}{octets[3] & 15:02d}{octets[2] & 31:02d}"
                      f"{octets[1] & 31:02d}{octets[0] & 63:02d}")
