"""A simulated DLMS meter, the gateway's reader and a line between them, in memory."""

from wum_edge.config import Meter
from wum_edge.meters.catalog import Model, Register
from wum_edge.meters.dlms import acse, axdr, entry, hdlc
from wum_edge.meters.dlms.apdu import Attribute
from wum_edge.meters.dlms.ciphering import Keys
from wum_edge.meters.dlms.objects import Capture
from wum_edge.meters.dlms.reader import DlmsReader
from wum_edge.meters.dlms.supply import Supply
from wum_edge.meters.dlms.wrapper import Wrapped, decode_wrapped
from wum_edge.meters.reader import Take
from wum_edge.meters.turn import Line, converse
from wum_edge.ports.linux.aes_gcm import AesGcm
from wum_shared.obis import obis_from_text
from wum_simulator.meters.dlms_control import ActivityCalendar, Limiter, one_rate
from wum_simulator.meters.dlms_cosem import Client, CosemMeter, PlainCounters
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

KEYS = Keys(bytes(range(16)), bytes(range(0xD0, 0xE0)))
TITLE = b"WUM\0\0\0\0\1"
NOW_S = 1_760_000_400            # A full hour.
HOUR_S = 3600
PROFILE = obis_from_text("1-0:99.1.0")
EVENTS = obis_from_text("0-0:99.98.0")
CODES = ("1-0:1.8.0", "1-0:2.8.0", "1-0:3.8.0", "1-0:4.8.0", "1-0:1.8.1", "1-0:1.8.2",
         "1-0:1.8.3", "1-0:1.8.4", "1-0:32.7.0", "1-0:52.7.0", "1-0:72.7.0", "1-0:12.7.0")
MECHANISMS = {"none": (acse.LOWEST, b""), "lls": (acse.LLS, b"12345678"),
              "md5": (acse.HLS_MD5, b"secret"), "sha1": (acse.HLS_SHA1, b"secret"),
              "gmac": (acse.HLS_GMAC, b"")}


class StandingClock:
    """The gateway's clock."""

    def now_s(self):
        return NOW_S

    def monotonic_ms(self):
        return 0


class Played:
    """One meter with twelve registers, clock, day profile, event log, switch and limiter."""

    def __init__(self, mechanism="none", protection=0, deviation_min=-60, said_min=-60):
        self.now_s = NOW_S + 3
        self.clock = Clock(lambda: self.now_s, self._set_clock, deviation_min, said_min)
        self.registers = [self._register(code, place) for place, code in enumerate(CODES)]
        columns = [Capture(3, one.obis, 2, 0) for one in self.registers[:4]]
        status = CosemObject(obis_from_text("0-0:96.10.1"), {2: axdr.Data(axdr.UINT8, 0)})
        code = CosemObject(obis_from_text("0-0:96.11.0"), {2: axdr.Data(axdr.UINT8, 0)})
        self.habits = Habits()
        self.rows = [
            Stored(NOW_S // HOUR_S * HOUR_S - HOUR_S * (24 - hour), [axdr.Data(axdr.UINT8, 8)] + [
                axdr.Data(axdr.UINT32, 1000 * place + hour // 2) for place in range(4)])
            for hour in range(25)]
        self.profile = Profile(PROFILE, self.clock, [Capture(1, status.obis, 2, 0), *columns],
                               HOUR_S, lambda: self.rows, self.habits)
        self.log = [Stored(NOW_S - 100 * (9 - n), [axdr.Data(axdr.UINT8, 40 + n)])
                    for n in range(9)]
        events = Profile(EVENTS, self.clock, [Capture(1, code.obis, 2, 0)], 0,
                         lambda: self.log, Habits())
        self.switch = Disconnect(obis_from_text("0-0:96.3.10"))
        self.secondary = Disconnect(obis_from_text("0-1:96.3.10"))
        self.limiter = Limiter(Attribute(3, self.registers[8].obis, 2), 2300)
        self.calendar = ActivityCalendar(one_rate())
        name, secret = MECHANISMS[mechanism]
        self.cosem = CosemMeter(
            [self.clock, *self.registers, self.profile, events, self.switch, self.secondary, status,
             code, self.limiter, self.calendar],
            {16: Client(name, secret, protection), 1: Client()}, b"WUM90001", AesGcm(), KEYS)
        self.credentials = (name, secret, protection)

    def _set_clock(self, to_s):
        self.now_s = to_s

    @staticmethod
    def _register(code, place):
        energy = ".8." in code
        return register(obis_from_text(code), lambda: 1000 * place + 7, 0 if energy else -1,
                        30 if energy else 35, axdr.UINT32 if energy else axdr.UINT16)


class Wire(Line):
    """Carries turns to the meter; `spoil` may change what is heard, `deafen` what is said."""

    def __init__(self, played, address, limits=None):
        self.link = ServerLink(address, played.cosem.answer, played.cosem.gone,
                               limits or LIMITS)
        self.bytes = self.turns = 0
        self.frames_said = []
        self.spoil = self.deafen = None

    def turn(self, say, is_whole, timeout_ms):
        self.turns += 1
        said = self.deafen(self.turns, say) if self.deafen else say
        frames = hdlc.Scanner().scan(said)
        self.frames_said += frames
        heard = b"".join([self.link.hear(frame) for frame in frames
                          if frame.destination == self.link.address])
        if self.spoil:
            heard = self.spoil(self.turns, heard)
        self.bytes += len(say) + len(heard)
        for end in range(0, len(heard), 7):      # It comes in pieces.
            if is_whole(heard[:end]):
                return heard[:end]
        is_whole(heard)
        return heard


class Ether(Line):
    """The wrapper's way."""

    def __init__(self, played):
        self.played = played

    def turn(self, say, is_whole, timeout_ms):
        one = decode_wrapped(say)
        answer = self.played.cosem.answer(one.source, one.apdu)
        heard = Wrapped(one.destination, one.source, answer).encode()
        assert is_whole(heard)
        return heard


def model_of(played, protocol="dlms-hdlc", information=2030, window=7, list_max=64, counter=None,
             **quirks):
    """A catalogue model of what `played` has."""
    habit = {"deviation": "given", "range_refused": False, "columns_ignored": False,
             "list_refused": False, "late_ms": 0}
    habit.update(quirks)
    registers = tuple(
        Register(f"r{place}", one.obis, 30 if one.obis[3] == 8 else 35,
                 0 if one.obis[3] == 8 else -1, entry.Source(3, one.obis, 2, None))
        for place, one in enumerate(played.registers))
    profile = entry.Profile(PROFILE, HOUR_S, ("r3", "r0"))
    return Model("model", "", "", protocol, "", "", registers, entry.Manner(
        information, window, list_max, profile, EVENTS, True, True, entry.Quirks(**habit),
        counter, "direct"))


def reader_of(played, model=None, address_bytes=2, dedicated=False, deviation_min=None,
              counters=None, chance=None, keys=KEYS, secret=None, client=16):
    """The gateway's reader, and the wire to the meter."""
    mechanism, right, protection = played.credentials
    access = entry.Access(client, 1, address_bytes, mechanism, right if secret is None else secret,
                          protection, TITLE, keys.encryption, keys.authentication, dedicated, 0,
                          deviation_min, "")
    supply = Supply(AesGcm(), counters or PlainCounters(),
                    chance or (lambda count: bytes(range(100, 100 + count))))
    meter = Meter("serial", "dp", "line", 17, "model", 1000, access)
    return DlmsReader(model or model_of(played), meter, StandingClock(), supply)


def wire_of(played, address_bytes=2, **others):
    """The meter's address and the line to it."""
    server = (hdlc.server_address(17, 0, 1) if address_bytes == 1
              else hdlc.server_address(1, 17, address_bytes))
    return Wire(played, server, **others)


def read_all(reader, line, places=range(12)):
    """The take of one read."""
    take = Take()
    converse(reader.read(tuple(places), take), line)
    return take
