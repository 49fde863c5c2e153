"""IEC 62056-21: whatever a meter says, in a readout and in programming mode, heard in pieces."""

from wum_edge.errors import MeterError
from wum_edge.meters.iec62056_21.dataset import decimal, parse_block, unit_code
from wum_edge.meters.iec62056_21.dated import numbered, parse_dated, parse_span, values_of_day
from wum_edge.meters.iec62056_21.frame import MessageHearing, parse_message
from wum_edge.meters.iec62056_21.profile import parse_log, parse_profile
from wum_edge.meters.iec62056_21.programming import Password, ask, open_programming
from wum_edge.meters.iec62056_21.readout import read_out
from wum_edge.meters.iec62056_21.recording import decode_recording
from wum_edge.meters.iec62056_21.short_form import obis_of
from wum_edge.meters.iec62056_21.signon import Opening, parse_identification
from wum_edge.meters.iec62056_21.stamp import stamp_from_text, utc_of
from wum_edge.meters.turn import Hearing, Line, Setting, converse

OPENING = Opening("1", 300, False, "7E1", False, (), False)
TURNS_MAX = 4000


class _Talking(Line):
    """Says the same bytes, as far as they reach, whatever it is asked."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.turns = 0

    def set(self, setting: Setting) -> None:
        """A baud changes nothing here."""

    def turn(self, say: bytes, is_whole: Hearing, timeout_ms: int) -> bytes:
        self.turns += 1
        assert self.turns < TURNS_MAX
        heard = bytearray()
        while self.data and timeout_ms:
            heard += self.data[:5]
            self.data = self.data[5:]
            if is_whole(heard):
                break
        return bytes(heard)


def run(data: bytes) -> None:
    """As a whole message, as what stands in one, and as all that a meter says."""
    hearing = MessageHearing()
    hearing(data)
    for parser in (parse_message, parse_identification, parse_profile, parse_log, _sets, _kept,
                   decode_recording):
        try:
            parser(data)
        except MeterError:
            continue             # The one way in which it may refuse.
    for conversation in (read_out(OPENING, 100, "fuzz"),
                         open_programming(OPENING, Password(1, "1"), 100, "fuzz"),
                         ask(b"R5", b"1()", 100, "fuzz")):
        try:
            converse(conversation, _Talking(data))
        except MeterError:
            continue


def _kept(data: bytes) -> None:
    """The forms without headers: rows, days, spans, numbered lists; each ends by itself."""
    for parser in (lambda: parse_dated(data, "P.01"), lambda: _lists(data)):
        try:
            parser()
        except MeterError:
            continue


def _lists(data: bytes) -> None:
    for one in parse_block(data):
        values_of_day([one], one.address, "01.01.26")
        for value in one.values:
            parse_span(value.text)
        numbered(one.values, "fuzz")


def _sets(data: bytes) -> None:
    for one in parse_block(data):
        obis_of(one.address)
        for value in one.values:
            decimal(value.text)
            unit_code(value.unit)
            time = stamp_from_text(value.text)
            if time is not None:
                utc_of(time, 60)
