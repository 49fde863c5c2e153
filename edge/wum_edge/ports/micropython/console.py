"""The serial console, and the last lines of it for whoever fetches them; the board's chance."""

import os

from wum_edge.log import Log
from wum_edge.uplink.broker import Dice

LINES_KEPT = 60              # Some 5 kB of heap.


class Printed(Log):
    """Sentences on the serial console."""

    def __init__(self):
        self._lines = []

    def say(self, text):
        """See Log.say."""
        self._keep(text)

    def warn(self, text):
        """See Log.warn."""
        self._keep("! " + text)

    def show(self, text):
        """For the console alone: whoever fetches the log does not see it."""
        print(text)

    def last(self, count):
        """The last `count` lines, as far as they are kept."""
        return self._lines[-count:]

    def _keep(self, text):
        print(text)
        self._lines = self._lines[1 - LINES_KEPT:] + [text]


class BoardDice(Dice):
    """The board's own source of chance."""

    def below(self, limit):
        """See Dice.below. 32 bits more than are needed: what is uneven is below one in 2**32."""
        return int.from_bytes(os.urandom(8), "big") % limit
