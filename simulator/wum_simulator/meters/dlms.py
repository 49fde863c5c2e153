"""DLMS meters of one line: each with its registers, clock, hourly profile, event log and switch.

Left out: what a meter answers (dlms_cosem.py, dlms_objects.py) and the wire (bus.py). Addresses
have two bytes, logical device 1; the public client 16 reads without a password, client 2 with
`PASSWORD`, client 3 with GMAC and the town's keys.
"""

from collections.abc import Callable

from wum_edge.meters.dlms import acse, axdr, hdlc
from wum_edge.meters.dlms.apdu import Attribute
from wum_edge.meters.dlms.ciphering import Keys
from wum_edge.meters.dlms.objects import Capture
from wum_edge.ports.linux.aes_gcm import AesGcm
from wum_shared.obis import obis_from_text
from wum_shared.units import unit_from_text
from wum_simulator.meters.dlms_control import ActivityCalendar, Limiter, one_rate
from wum_simulator.meters.dlms_cosem import Client, CosemMeter
from wum_simulator.meters.dlms_door import Door
from wum_simulator.meters.dlms_link import LIMITS, ServerLink
from wum_simulator.meters.dlms_objects import (
    Clock,
    CosemObject,
    Disconnect,
    Habits,
    Profile,
    Stored,
    register,
)
from wum_simulator.meters.iec62056_21 import BITS_PER_CHARACTER, REACTION_S, SIGN_ON_BAUD
from wum_simulator.meters.server import Refusal, Request, Said, Server
from wum_simulator.quantities import shown
from wum_simulator.town import Meter
from wum_simulator.wrongs import What

PASSWORD = b"00000001"       # Of every meter of the town: it is a toy's.
KEYS = Keys(b"WUM-town-key-enc", b"WUM-town-key-aut")
HOUR_S = 3600
PROFILE_ROWS = 24 * 7
# Codes of the event log, as IDIS has them: strong field, missing neutral, current reversed.
NOTICED = {What.MAGNET: 42, What.OPEN_NEUTRAL: 89, What.INVERTED_CT: 91}
MICRO = 1_000_000
_HEARD_MAX = 8192


class DlmsServer(Server):
    """The meters of one line, by their HDLC addresses."""

    protocols = ("dlms-hdlc",)

    def __init__(
            self, meters: list[Meter], now_s: Callable[[], int], refusal: Refusal,
            said: Said) -> None:
        self._now_s = now_s
        self._refusal = refusal
        self._said = said
        self._heard = bytearray()
        self._scanner = hdlc.Scanner()
        self.played = {meter.address: PlayedMeter(meter, now_s) for meter in meters}
        self._doors = {meter.address: Door(9600, str(meter.address)) for meter in meters
                       if meter.kind.own.get("sign_on") == "mode-e"}
        self._links = {played.link.address: (address, played)
                       for address, played in self.played.items()}

    def hear(self, data: bytes) -> None:
        """Bytes from the wire, in any pieces."""
        for byte in data if self._doors else b"":
            self._at_the_door(bytes((byte,)))
        self._heard += data
        for frame in self._scanner.scan(self._heard):
            found = self._links.get(frame.destination)
            if found is None or (found[0] in self._doors and not self._doors[found[0]].is_open):
                continue
            address, played = found
            if address in self._doors:
                self._doors[address].passed(frame)
            before = len(played.cosem.asked)
            answer = played.link.hear(frame)
            asked = ", ".join(played.cosem.asked[before:])
            del played.cosem.asked[:-1000]
            request = Request(address, 0, 0, 0, self._now_s(), asked or frame.kind)
            if answer and self._refusal(request) is not None:
                answer = hdlc.frame(hdlc.FRMR, frame.source, frame.destination).encode()
            if answer:
                self._said(answer, address, request)
        if len(self._heard) > _HEARD_MAX:
            self.forget()

    def _at_the_door(self, data: bytes) -> None:
        """The first of those that listen for a sign-on answers; they share a line by addresses."""
        for address, door in self._doors.items():
            said = b"" if door.is_open else door.hear(data)
            if said:
                # What follows is said at another baud: whoever asked has to change his.
                self.reaction_s = REACTION_S if door.is_open else 0.0
                self.asked_s = len(said) * BITS_PER_CHARACTER / SIGN_ON_BAUD * door.is_open
                self._said(said, address, None)
                self.reaction_s = self.asked_s = 0.0

    def forget(self) -> None:
        """Silence on the wire: what was heard so far is no part of what comes next."""
        self._heard = bytearray()
        self._scanner = hdlc.Scanner()

    def spoilt(self, answer: bytes) -> bytes:
        """The check sequence stands before the closing flag."""
        return answer[:-2] + bytes((answer[-2] ^ 0x55,)) + answer[-1:] if answer else answer


class PlayedMeter:
    """A meter of the town as COSEM objects."""

    def __init__(self, meter: Meter, now_s: Callable[[], int],
                 limits: hdlc.Parameters = LIMITS) -> None:
        self._meter = meter
        self._now_s = now_s
        self.clock = Clock(lambda: meter.clock_at(now_s()),
                           lambda to_s: meter.set_clock(to_s, now_s()))
        objects: list[CosemObject] = [self.clock]
        registers = []
        for one in meter.kind.registers:
            obis = obis_from_text(one.own.get("logical_name", one.obis))
            tag = axdr.UINT32 if ".8." in one.obis else axdr.INT32
            registers.append(register(obis, self._value(one.obis, one.scaler), one.scaler,
                                      unit_from_text(one.unit), tag))
        energies = [(one, kind) for one, kind in zip(
            registers, meter.kind.registers, strict=True) if ".8." in kind.obis][:4]
        profile = meter.kind.own.get("profile", {})
        self.habits = Habits(**{
            name: bool(meter.kind.own.get("quirks", {}).get(name, False))
            for name in ("range_refused", "columns_ignored")})
        columns = [Capture(3, one.obis, 2, 0) for one, _ in energies]
        self._columns = [(kind.obis, kind.scaler) for _, kind in energies]
        objects += registers
        objects.append(Profile(obis_from_text(profile.get("obis", "1-0:99.1.0")), self.clock,
                               columns, HOUR_S, self._rows, self.habits))
        self.log: list[Stored] = []
        code = CosemObject(obis_from_text("0-0:96.11.0"), {2: axdr.Data(axdr.UINT8, 0)})
        objects += [code, Profile(
            obis_from_text(meter.kind.own.get("events", "0-0:99.98.0")), self.clock,
            [Capture(1, code.obis, 2, 0)], 0, self._noticed, Habits())]
        self.switch = Disconnect(obis_from_text("0-0:96.3.10"))
        self.secondary = Disconnect(obis_from_text("0-1:96.3.10"))
        objects += [self.switch, self.secondary]
        objects += self._controls(registers)
        objects.append(CosemObject(obis_from_text("0-0:42.0.0"), {
            2: lambda: axdr.octets(f"WUM{meter.serial}".encode())}))
        self.cosem = CosemMeter(objects, {
            16: Client(), 2: Client(acse.LLS, PASSWORD), 3: Client(acse.HLS_GMAC, b"", 0x30)},
            b"WUM" + meter.address.to_bytes(5, "big"), AesGcm(), KEYS)
        self.cosem.faults.lists_refused = bool(
            meter.kind.own.get("quirks", {}).get("list_refused", False))
        self.link = ServerLink(hdlc.server_address(1, meter.address, 2), self.cosem.answer,
                               self.cosem.gone, limits)

    def _noticed(self) -> list[Stored]:
        """Its event log: what was put there, and what it feels by itself."""
        now_s = self._now_s()
        felt = [Stored(wrong.from_s, [axdr.Data(axdr.UINT8, NOTICED[wrong.what])])
                for wrong in self._meter.wrongs
                if wrong.what in NOTICED and wrong.from_s <= now_s]
        return sorted(self.log + felt, key=lambda row: row.at_s)

    @staticmethod
    def _controls(registers: list[CosemObject]) -> list[CosemObject]:
        """A calendar, and a limiter on the first power that it measures."""
        power = next((one for one in registers if one.obis[2:4] == b"\x01\x07"), registers[0])
        return [ActivityCalendar(one_rate()), Limiter(Attribute(3, power.obis, 2), 11_000)]

    def _value(self, obis: str, scaler: int) -> Callable[[], int]:
        return lambda: self._shown_at(obis, scaler, self._now_s())

    def _shown_at(self, obis: str, scaler: int, at_s: int) -> int:
        micro = shown(obis, self._meter.instant_at(at_s))
        above, below = MICRO * 10**max(scaler, 0), 10**max(-scaler, 0)
        return int(micro * below // above)

    def _rows(self) -> list[Stored]:
        """The hours of the last week, each as the counters stood when it was full."""
        last = self._now_s() // HOUR_S * HOUR_S
        return [_Hour(last - HOUR_S * back, self) for back in range(PROFILE_ROWS - 1, -1, -1)]

    def values_at(self, at_s: int) -> list[axdr.Data]:
        """The profile's values as they stood then."""
        return [axdr.Data(axdr.UINT32, self._shown_at(obis, scaler, at_s))
                for obis, scaler in self._columns]


class _Hour(Stored):
    """A row that is worked out when somebody asks for it: few of a week's are."""

    __slots__ = ("_played",)

    def __init__(self, at_s: int, played: PlayedMeter) -> None:
        self.at_s = at_s
        self._played = played

    @property
    def values(self) -> list[axdr.Data]:  # type: ignore[override]
        """As the counters stood."""
        return self._played.values_at(self.at_s)
