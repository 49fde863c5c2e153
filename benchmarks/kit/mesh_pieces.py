"""A long benchmark in pieces: one seed of one scenario at a time, written down when it is done.

A file of results has one line for each piece: {"scenario", "seed", "capture_db", "family", "hours",
"commit", "values"}. What stands there is not run again, so a run may be stopped at any time and
goes on where it was. Left out: what a scenario does.
"""

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from kit.figures import Figure

Values = dict[str, list[float]]
OURS = "ours"
COMMIT = "COMMIT"            # Name of that file.


@dataclass(frozen=True, slots=True)
class Scenario:
    """`run` measures one seed of a family under a capture; `figures` makes something of them.

    `peer_seeds`: how many seeds families but ours are run with, and `families` their names.
    """

    name: str
    run: Callable[[int, float, str], Values]
    figures: Callable[[list[Values], dict[str, list[Values]]], list[Figure]]
    families: tuple[str, ...] = (OURS,)


@dataclass(slots=True)
class Pieces:
    """What has been run: in memory, and in a file if there is one."""

    path: Path | None = None
    commit: str = ""
    _found: dict[tuple[str, int, float, str], Values] = field(default_factory=dict)
    commits: set[str] = field(default_factory=set)

    def read(self) -> None:
        """Take what the file holds; a last line that was cut off is left out."""
        if self.path is None or not self.path.exists():
            return
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                piece = json.loads(line)
            except json.JSONDecodeError:
                continue
            key = (piece["scenario"], piece["seed"], piece["capture_db"], piece["family"])
            self._found[key] = piece["values"]
            self.commits.add(piece["commit"])

    def has(self, scenario: str, seed: int, capture_db: float, family: str) -> bool:
        return (scenario, seed, capture_db, family) in self._found

    def one(self, scenario: str, seed: int, capture_db: float, family: str) -> Values:
        """What there is of one seed."""
        return self._found[scenario, seed, capture_db, family]

    def keep(self, scenario: str, seed: int, capture_db: float, family: str,
             values: Values) -> None:
        """Note one piece, to six digits, in the file before anything else is run."""
        values = {name: [float(f"{number:.6g}") for number in numbers]
                  for name, numbers in values.items()}
        self._found[scenario, seed, capture_db, family] = values
        self.commits.add(self.commit)
        if self.path is not None:
            piece = {"scenario": scenario, "seed": seed, "capture_db": capture_db,
                     "family": family, "commit": self.commit, "values": values}
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(piece) + "\n")

    def of(self, scenario: str, capture_db: float, family: str) -> list[Values]:
        """By seed."""
        return [values for key, values in sorted(self._found.items())
                if (key[0], key[2], key[3]) == (scenario, capture_db, family)]

    def captures(self, scenario: str) -> list[float]:
        """With which captures ours was run, LoRaSim's 6 dB first."""
        return sorted({key[2] for key in self._found if key[0] == scenario and key[3] == OURS},
                      reverse=True)

    def figures(self, scenario: Scenario) -> list[Figure]:
        """Of all that was run, with the number of seeds; where two captures were, the worse."""
        found: dict[str, list[Figure]] = {}
        for capture_db in self.captures(scenario.name):
            ours = self.of(scenario.name, capture_db, OURS)
            others = {family: self.of(scenario.name, capture_db, family)
                      for family in scenario.families if family != OURS}
            others = {family: values for family, values in others.items() if values}
            for figure in scenario.figures(ours, others):
                seeds = next((len(values) for family, values in others.items()
                              if figure.name.endswith(f"_{family}")), len(ours))
                found.setdefault(figure.name, []).append(_marked(figure, seeds, capture_db))
        return [worse(same) for same in found.values()]


def worse(figures: list[Figure]) -> Figure:
    """The one that is furthest from its goal; the first, where there is none."""
    first = figures[0]
    if first.goal is None:
        return first
    pick = max if "<=" in first.goal else min
    return pick(figures, key=lambda figure: figure.value)


def _marked(figure: Figure, seeds: int, capture_db: float) -> Figure:
    said = f"{seeds} seed{'s' if seeds > 1 else ''}"
    if capture_db != 6.0:
        said += f", capture {capture_db:g} dB"
    return Figure(figure.name, figure.value, f"{figure.unit}; {said}", figure.against,
                  figure.reference, figure.goal)


def commit_of(folder: Path) -> str:
    """Of which state of the sources a piece is; a copy of them has that in a file."""
    if (folder / COMMIT).exists():
        return (folder / COMMIT).read_text(encoding="utf-8")
    return subprocess.run(["git", "describe", "--always", "--dirty"], cwd=folder, text=True,
                          capture_output=True, check=False).stdout.strip() or "unknown"


def joined(pieces: list[Values], name: str) -> list[float]:
    """All numbers of that name, seed after seed."""
    return [number for values in pieces for number in values[name]]
