"""How the lives of a gateway end, for gateways of every port: by power cuts at flash commits, by
resets, by hangs that a watchdog ends.

Left out: what brings such an end about on a board (boards.py) and on Linux (linux_power.py).
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass

EARLIEST = 3                 # What comes before is a folder and two files that nobody needs yet.
HANG, RESET = "hang", "reset"


@dataclass(frozen=True, slots=True)
class End:
    """Of one life: power goes at a flash commit, counted from the start or, `cut_in`, from where
    its event is on flash; or a trouble comes after so long; or it never ends."""

    cut_at: int = 0
    trouble: str = ""
    after_ms: int = 0
    cut_in: int = 0


def ends(dice: random.Random, cuts: int, troubles: int, latest: int) -> Iterator[End]:
    """Seeded ends: power cuts at flash commits, and among them resets and hangs; then peace.

    The life after a reset or a hang is cut as well, but not before its event is on flash: what is
    told of a start that never came so far is not what these tests ask.
    """
    planned = [""] * (cuts - 2 * troubles) + [HANG, RESET] * troubles
    dice.shuffle(planned)
    for trouble in planned:
        if trouble:
            yield End(trouble=trouble, after_ms=dice.randint(300, 2000))
            yield End(cut_in=dice.randint(1, latest - EARLIEST))
        else:
            yield End(dice.randint(EARLIEST, latest))
    while True:
        yield End()
