"""Wi-Fi inside a block, beside the radio: what goes by it comes in milliseconds, or not at all.

Left out: how Wi-Fi shares its own channel: a mesh's frames are few beside what it carries.
"""

from collections.abc import Callable

from wum_edge.mesh import frames
from wum_edge.mesh.hearing import is_flooded
from wum_simulator.radio.air import Air
from wum_simulator.world import Stream

LOSS = 0.01
DELAY_US = (1_000, 5_000)
Hears = Callable[[bytes], None]


class Wifi:
    """Who shares a block hears each other. `rate` is the one that means the wire."""

    def __init__(self, air: Air, blocks: list[int], rate: int, dice: Stream) -> None:
        self._air, self._blocks, self.rate, self._dice = air, blocks, rate, dice
        self._hears: dict[int, Hears] = {}

    def join(self, number: int, hears: Hears) -> None:
        """A station's host takes frames here."""
        self._hears[number] = hears

    def takes(self, number: int, frame: bytes, rate: int) -> bool:
        """Whether a frame goes by wire alone; what is flooded goes by it too."""
        if rate == self.rate or is_flooded(frames.decode_header(frame)):
            self.send(number, frame)
        return rate == self.rate

    def send(self, number: int, frame: bytes) -> None:
        """To whom it is for, if that one is in the block, or to everybody there."""
        header = frames.decode_header(frame)
        for other, hears in self._hears.items():
            is_meant = is_flooded(header) or header.destination == other + 1
            if (is_meant and other != number and self._blocks[other] == self._blocks[number]
                    and self._dice.random() >= LOSS):
                self._air.after(self._dice.randint(*DELAY_US), hears, frame)
