"""Processor time and memory of everything that a benchmark started: itself and its descendants.

Other work on the machine makes the clock on the wall go on, and hardly changes these.
"""

import os
from collections import Counter
from pathlib import Path

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def processor_s() -> float:
    """Seconds of processor time so far, of processes that ended and were waited for as well."""
    every = _processes()
    return _TICK_S * sum(every[number][1] for number in _tree(every))


def processor_s_by_program() -> Counter[str]:
    """The same by the name of the program; this process is "self"."""
    every = _processes()
    found: Counter[str] = Counter()
    for number in _tree(every):
        name = "self" if number == os.getpid() else _program(number)
        found[name] += _TICK_S * every[number][1]
    return found


def resident_bytes(root: int) -> int:
    """Memory of the process `root` and its descendants, shared pages counted in each."""
    return _PAGE * sum(_pages(number) for number in _tree(_processes(), root))


def _processes() -> dict[int, tuple[int, int]]:
    """By number: parent, ticks used."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            # The name stands in brackets, and may hold anything.
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # It ended meanwhile.
            continue
        found[int(folder.name)] = (int(fields[1]), sum(int(n) for n in fields[11:15]))
    return found


def _tree(every: dict[int, tuple[int, int]], root: int | None = None) -> set[int]:
    tree = {os.getpid() if root is None else root}
    before = 0
    while len(tree) > before:
        before = len(tree)
        tree |= {number for number, (parent, _) in every.items() if parent in tree}
    return tree & every.keys()


def _program(number: int) -> str:
    try:
        return Path(f"/proc/{number}/comm").read_text().strip()
    except OSError:
        return "ended"


def _pages(number: int) -> int:
    try:
        return int(Path(f"/proc/{number}/statm").read_text().split()[1])
    except OSError:
        return 0
