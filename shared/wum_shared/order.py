"""Sorting that keeps equals in their order and is quick for what is almost in order.

MicroPython's own sort does neither: it takes n * n steps for what is in order already, as the
records of an archive are, and asks for the key again in every step. 300 rows took it 2 s.
"""

TYPE_CHECKING = False          # True for type checkers only: a board has no typing.
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, TypeVar

    Item = TypeVar("Item")


def in_order(items: "Iterable[Item]", place: "Callable[[Item], Any]") -> "list[Item]":
    """`items` by rising `place(item)`, asked once for each; a natural merge sort.

    n steps when they are in order, n * log n at worst.
    """
    runs = _runs(items, place)
    while len(runs) > 1:
        merged = [_merged(runs[at], runs[at + 1]) for at in range(0, len(runs) - 1, 2)]
        if len(runs) % 2:
            merged.append(runs[-1])
        runs = merged
    return [item for _, item in runs[0]] if runs else []


def _runs(
        items: "Iterable[Item]", place: "Callable[[Item], Any]",
) -> "list[list[tuple[Any, Item]]]":
    """Stretches that are in order, each entry with its place."""
    runs: list[list[tuple[Any, Item]]] = []
    before = None
    for item in items:
        here = place(item)
        if not runs or here < before:
            runs.append([])
        runs[-1].append((here, item))
        before = here
    return runs


def _merged(
        left: "list[tuple[Any, Item]]", right: "list[tuple[Any, Item]]",
) -> "list[tuple[Any, Item]]":
    merged = []
    at = 0
    for entry in left:
        while at < len(right) and right[at][0] < entry[0]:
            merged.append(right[at])
            at += 1
        merged.append(entry)
    merged.extend(right[at:])
    return merged
