"""One row of the scoreboard: how much of what others recorded or encoded our decoders get right.

Left out: printing it (test_scoreboard.py). A protocol puts its rows into score_<protocol>.py beside
this file, as a function `score()` that gives one Score for each make or source of its frames.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Score:
    """Frames of one make: `tried`, `decoded` without an error, and with all values `equal` to
    what the source says they are. `left_out` names frames that are not decoded, and why.
    """

    protocol: str
    make: str
    tried: int
    decoded: int
    equal: int
    left_out: tuple[str, ...] = ()
