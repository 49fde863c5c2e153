"""Which seeds of a campaign are done: a line each in a text file, so that it goes on after a stop.

What was found holds for the code that it was found with: when that changes, it begins anew.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

_ROOT = Path(__file__).parents[3]
_TRIED = ("shared/wum_shared", "edge/wum_edge", "cloud/wum_cloud", "simulator/wum_simulator",
          "tests/system/chaos")

Line = tuple[int, ...]           # The seed, whether it broke something, and figures of its run.


class Progress:
    """One campaign's file; without a path nothing is kept."""

    def __init__(self, path: Path | None) -> None:
        self.lines: dict[int, Line] = {}
        self.is_anew = False
        self._path = path
        if path is not None:
            self._begin(path, fingerprint())

    def left(self, seeds: Iterable[int]) -> list[int]:
        """Those of `seeds` that are still to do."""
        return [seed for seed in seeds if seed not in self.lines]

    def done(self, line: Line) -> None:
        """Note one that is done."""
        self.lines[line[0]] = line
        if self._path is not None:
            with self._path.open("a") as file:
                file.write(_written(line))

    def _begin(self, path: Path, now: str) -> None:
        text = path.read_text() if path.exists() else ""
        words = text.split("\n")
        self.is_anew = bool(text) and words[0] != now
        if words[0] == now:
            for word in words[1:-1]:     # What follows the last line's end was torn by the stop.
                numbers = tuple([int(number) for number in word.split()])
                self.lines[numbers[0]] = numbers
        path.write_text(now + "\n" + "".join([_written(line) for line in self.lines.values()]))


def _written(line: Line) -> str:
    return " ".join([str(number) for number in line]) + "\n"


def fingerprint() -> str:
    """Of everything that a run is made of."""
    found = hashlib.sha256()
    for folder in _TRIED:
        for path in sorted((_ROOT / folder).rglob("*")):
            if path.suffix in (".py", ".json"):
                found.update(path.relative_to(_ROOT).as_posix().encode() + b"\0")
                found.update(path.read_bytes())
    return found.hexdigest()
