"""Replays what a meter said in a whole visit: the reader must say the same again, byte by byte."""

from wum_edge.config import Meter
from wum_edge.meters.catalog import Model, Register
from wum_edge.meters.dlms import entry
from wum_edge.meters.dlms.ciphering import Counters
from wum_edge.meters.dlms.reader import DlmsReader
from wum_edge.meters.dlms.supply import Supply
from wum_edge.meters.reader import Take
from wum_edge.meters.turn import Line, converse
from wum_shared.obis import obis_from_text

NOW_S = 1_760_000_400
HOUR_S = 3600
CODES = ("1-0:1.8.0", "1-0:2.8.0", "1-0:3.8.0", "1-0:4.8.0", "1-0:1.8.1", "1-0:1.8.2",
         "1-0:1.8.3", "1-0:1.8.4", "1-0:32.7.0", "1-0:52.7.0", "1-0:72.7.0", "1-0:12.7.0")
WAYS = {                     # Mechanism, secret, protection, dedicated key.
    "none": (0, b"", 0, False), "lls": (1, b"12345678", 0, False), "md5": (3, b"secret", 0, False),
    "sha1": (4, b"secret", 0, False), "gmac": (5, b"", 0x30, False),
    "gmac-dedicated": (5, b"", 0x30, True),
}


class StandingClock:
    """The gateway's."""

    def now_s(self):
        return NOW_S

    def monotonic_ms(self):
        return 0


class PlainCounters(Counters):
    """From 1 on."""

    def __init__(self):
        self.next = 1
        self.last = -1

    def reserve(self, context, count, least):
        first, self.next = self.next, self.next + count
        return first

    def heard(self, context):
        return self.last

    def note_heard(self, context, counter):
        self.last = counter


class Replayed(Line):
    """Says what was heard then. `turns` are pairs of hexadecimal texts."""

    def __init__(self, turns):
        self.turns = list(turns)
        self.at = 0

    def turn(self, say, is_whole, timeout_ms):
        said, heard = [bytes.fromhex(text) for text in self.turns[self.at]]
        assert bytes(say) == said, "turn %d: wanted %s, said %s" % (
            self.at, said.hex(), bytes(say).hex())
        self.at += 1
        assert is_whole(heard)
        return heard


def reader_by(way, cipher):
    """A reader that knows no chance: every run says the same."""
    mechanism, secret, protection, dedicated = WAYS[way]
    registers = []
    for place, code in enumerate(CODES):
        energy = place < 8
        registers.append(Register("r%d" % place, obis_from_text(code), 30 if energy else 35,
                                  0 if energy else -1,
                                  entry.Source(3, obis_from_text(code), 2, None)))
    profile = entry.Profile(obis_from_text("1-0:99.1.0"), HOUR_S, ("r3", "r0"))
    quirks = entry.Quirks("given", False, False, False, 0)
    model = Model("model", "", "", "dlms-hdlc", "", "", tuple(registers), entry.Manner(
        2030, 7, 64, profile, obis_from_text("0-0:99.98.0"), True, True, quirks, None, "direct"))
    access = entry.Access(16, 1, 2, mechanism, secret, protection, b"WUM\0\0\0\0\1",
                          bytes(range(16)), bytes(range(0xD0, 0xE0)), dedicated, 0, None, "")
    return DlmsReader(
        model, Meter("serial", "dp", "line", 17, "model", 1000, access), StandingClock(),
        Supply(cipher, PlainCounters(), lambda count: bytes(range(100, 100 + count))))


def visit(reader, line):
    """Everything that a sweep and an operator may want of one meter."""
    take = Take()
    converse(reader.read(tuple(range(12)), take), line)
    assert not take.errors and not take.refused, take.errors
    rows = converse(reader.read_profile(NOW_S - 2 * HOUR_S, NOW_S), line)
    events = converse(reader.read_events(NOW_S - 300), line)
    converse(reader.set_clock(NOW_S), line)
    converse(reader.switch(False), line)
    converse(reader.close(), line)
    return take, rows, events
