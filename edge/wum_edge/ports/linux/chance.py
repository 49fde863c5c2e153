"""Chance on Linux: the kernel's."""

import os
import random

from wum_edge.uplink.broker import Dice
from wum_shared.ids import INCARNATION_SIZE


class SystemDice(Dice):
    """Numbers that nobody can foresee."""

    def __init__(self) -> None:
        self._random = random.SystemRandom()

    def below(self, limit: int) -> int:
        """A number of 0..limit-1."""
        return self._random.randrange(limit)


def new_incarnation() -> bytes:
    """Eight random bytes: the name of an archive, should one begin now."""
    return os.urandom(INCARNATION_SIZE)
