"""Two that speak at once: a second meter at one address, and what the master hears of both.

Left out: when an address has two (faults.py) and the pace of the wire (bus.py). Who speaks draws
the line to a 0, which is then a 0 of both: where two differ, a byte is neither's.
"""

from dataclasses import dataclass

from wum_simulator.town import Meter
from wum_simulator.wrongs import What, Wrong

COUNTS_WH = 12_345_678       # What the second one has counted when it is found.


def twin_of(meter: Meter, at_s: int) -> Meter:
    """Another meter of the same type at the same address and home: other serial and counters."""
    twin = Meter(meter.address, meter.kind, meter.consumer)
    twin.goes_wrong(Wrong(What.REPLACED, at_s - 1))
    twin.goes_wrong(Wrong(What.ROLLOVER, at_s - 1, COUNTS_WH))
    return twin


@dataclass(frozen=True, slots=True, eq=False)
class Utterance:
    """Something that is said on the line from `start_s` on."""

    start_s: float
    character_s: float           # 0: a line that takes no time.
    data: bytes

    def end_s(self) -> float:
        """When its last byte is over."""
        return self.start_s + len(self.data) * self.character_s

    def byte_at(self, at_s: float) -> int | None:
        """The byte that is under way then; None when it is silent."""
        if not self.start_s <= at_s < self.end_s():
            return None
        return self.data[min(int((at_s - self.start_s) / self.character_s), len(self.data) - 1)]


def heard_of(said: Utterance, first: int, last: int, air: list[Utterance]) -> bytes:
    """Bytes `first` to `last` of `said`, among others on `air`. Of two at once whoever began first
    is heard, with the other one's zeros in it.
    """
    others = [one for one in air if one is not said and one.character_s
              and one.start_s < said.end_s() and said.start_s < one.end_s()]
    if not others:
        return said.data[first:last]
    heard = bytearray()
    for place in range(first, last):
        middle_s = said.start_s + (place + 0.5) * said.character_s
        now = [(one, one.byte_at(middle_s)) for one in others]
        if any(byte is not None and _is_before(one, said, air) for one, byte in now):
            continue                 # It is heard as part of that one.
        byte = said.data[place]
        for _, other in now:
            byte &= 255 if other is None else other
        heard.append(byte)
    return bytes(heard)


def _is_before(one: Utterance, other: Utterance, air: list[Utterance]) -> bool:
    return (one.start_s, air.index(one)) < (other.start_s, air.index(other))
