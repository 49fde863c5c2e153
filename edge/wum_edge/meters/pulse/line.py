"""The pulse inputs of a concentrator as a line, so that they are swept like every other meter.

Left out: counting (counter.py). No wire: a turn is answered from memory, byte for byte as a reader
on another machine could ask it. A request is its letter and the input's number.
"""

from struct import pack, unpack

from wum_edge.meters.pulse.counter import PulseCounter
from wum_edge.meters.pulse.journal import RECORD_SIZE, encode_kept
from wum_edge.meters.reader import MeterEvent
from wum_edge.meters.turn import Hearing, Line, Setting

COUNTER, EVENTS = b"C", b"E"
LOST = b"?"                  # The counter's records are damaged.
_EVENT_HEAD = "<qBB"
_EVENT_HEAD_SIZE = 10
_NOTE_MAX = 255


class PulseLine(Line):
    """A Line whose meters are counters, by their input's number (0..255)."""

    def __init__(self, counters: dict[int, PulseCounter]) -> None:
        self._counters = counters

    def set(self, setting: Setting) -> None:
        """There is no wire that could be set."""

    def turn(self, say: bytes, is_whole: Hearing, timeout_ms: int) -> bytes:
        """See Line.turn."""
        counter = self._counters.get(say[1]) if len(say) > 1 else None
        if counter is None:
            return b""
        if say[:1] == COUNTER:
            kept = counter.shown()
            return LOST if kept is None else encode_kept(kept)
        if say[:1] == EVENTS and len(say) == 10:
            return encode_events(counter.events_after(unpack("<q", say[2:])[0]))
        return b""

    def poll(self) -> None:
        """Let every counter take its edges; see PulseCounter.poll."""
        for number in sorted(self._counters):
            self._counters[number].poll()

    def close(self) -> None:
        """An orderly end of all counters."""
        for number in sorted(self._counters):
            self._counters[number].close()


class WholeRecord(Hearing):
    """A counter's record, or the word that it is lost."""

    def __call__(self, heard: bytes | bytearray) -> bool:
        return len(heard) >= RECORD_SIZE or bytes(heard) == LOST


class WholeEvents(Hearing):
    """A count of bytes and so many."""

    def __call__(self, heard: bytes | bytearray) -> bool:
        return len(heard) >= 4 and len(heard) >= 4 + unpack("<I", bytes(heard[:4]))[0]


def encode_events(events: list[MeterEvent]) -> bytes:
    """The bytes of some events, their length before them."""
    data = b""
    for event in events:
        note = event.note.encode()[:_NOTE_MAX]
        data += pack(_EVENT_HEAD, event.at_s or 0, event.code, len(note)) + note
    return pack("<I", len(data)) + data


def decode_events(data: bytes) -> list[MeterEvent] | None:
    """The events in those bytes; None when they are none."""
    if len(data) < 4 or unpack("<I", data[:4])[0] != len(data) - 4:
        return None
    events = []
    at = 4
    while at < len(data):
        if at + _EVENT_HEAD_SIZE > len(data):
            return None
        at_s, code, size = unpack(_EVENT_HEAD, data[at:at + _EVENT_HEAD_SIZE])
        at += _EVENT_HEAD_SIZE
        if at + size > len(data):
            return None
        try:
            note = bytes(data[at:at + size]).decode()
        except UnicodeError:
            return None
        events.append(MeterEvent(at_s, code, note))
        at += size
    return events
