"""What every benchmark prints: figures, each beside a peer or a limit of the same run.

A benchmark's last line is {"benchmark": NAME, "figures": [...]}; collect.py reads it. `ratio` is
value / reference, shares are fractions, and `goal` is a condition on one of them, such as
"value <= 3" or "ratio >= 0.5".
"""

import argparse
import json
import operator
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

_CONDITIONS: dict[str, Callable[[float, float], bool]] = {"<=": operator.le, ">=": operator.ge}


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number. `against` says what `reference` is; `goal` None has no `met`."""

    name: str
    value: float
    unit: str
    against: str
    reference: float
    goal: str | None = None

    @property
    def ratio(self) -> float:
        """value / reference."""
        return self.value / self.reference

    @property
    def met(self) -> bool | None:
        """Whether the goal holds; None without one. Raises ValueError for a goal of no form."""
        if self.goal is None:
            return None
        which, condition, limit = self.goal.split()
        if which not in ("value", "ratio") or condition not in _CONDITIONS:
            raise ValueError(f"goal: wanted `value|ratio <=|>= NUMBER`, got {self.goal!r}")
        return _CONDITIONS[condition](getattr(self, which), float(limit))


def parser(text: str) -> argparse.ArgumentParser:
    """The command line that all benchmarks share: `quick` is for less than 50 s."""
    shared = argparse.ArgumentParser(description=text.splitlines()[0])
    shared.add_argument("--quick", action="store_true", help="fewer data, less than 50 s")
    return shared


def arguments(text: str) -> argparse.Namespace:
    """The shared command line, read."""
    return parser(text).parse_args()


def report(benchmark: str, figures: list[Figure]) -> None:
    """Print a table for people, and the one line for machines last."""
    for f in figures:
        goal = "" if f.goal is None else f"   goal {f.goal}: {'met' if f.met else 'NOT MET'}"
        print(f"{f.name:46} {rounded(f.value):>12} {f.unit:24} "
              f"{rounded(f.ratio):>8} x {f.against} ({rounded(f.reference)}){goal}")
    print(json.dumps({"benchmark": benchmark, "figures": [
        {**asdict(f), "ratio": f.ratio, "met": f.met} for f in figures]}))


def rounded(number: float) -> str:
    """Three digits that say something, and no more."""
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:#.3g}".rstrip(".")


def per_second(
        works: list[Callable[[], object]], amount: int, least_s: float) -> list[float]:
    """How much of `amount` a second of processor time each of `works` does: its best run.

    They take turns until each had `least_s`, so that what the machine does beside hits all
    alike; the best, because every disturbance only makes a run slower.
    """
    best = [float("inf")] * len(works)
    spent = 0.0
    while spent < least_s * len(works):
        for place, work in enumerate(works):
            start = time.process_time()
            work()
            took = time.process_time() - start
            best[place] = min(best[place], took)
            spent += took
    return [amount / took for took in best]
