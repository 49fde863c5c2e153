"""Tables for people on a terminal."""

from collections.abc import Iterable, Sequence
from typing import TextIO


def print_table(
        head: Sequence[str], rows: Iterable[Sequence[str]], out: TextIO,
        numbers: set[int] | None = None,
) -> None:
    """Columns as wide as their widest cell; numbers stand to the right."""
    lines = [list(head), *[list(row) for row in rows]]
    widths = [max(len(line[place]) for line in lines) for place in range(len(head))]
    for line in lines:
        cells = [cell.rjust(width) if place in (numbers or set()) else cell.ljust(width)
                 for place, (cell, width) in enumerate(zip(line, widths, strict=True))]
        print("  ".join(cells).rstrip(), file=out)
