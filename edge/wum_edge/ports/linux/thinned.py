"""The core's source as a board is given it: nothing that only a reader or a type checker needs.

A build calls it before mpy-cross: on a board each class, name and instance is heap, frozen or not.
What it takes away, line by line so that a traceback still names the right one:

    class Limits(namedtuple("Limits", ("last", "records"))):    becomes    Limits = namedtuple(...)
    __slots__ in any other class, TYPE_CHECKING and what stands under it

A class that is left out was one more object around each of its tuples. A class with a method, a
default or anything else of its own stays as it is. Standard library only: builds load it as a file.

    python thinned.py SOURCE TARGET
"""

import ast
import sys
from functools import cache
from pathlib import Path

_CHECKING = "TYPE_CHECKING"
_SLOTS = "__slots__"


@cache
def thinned(source: str) -> str:
    """The same program, with as many lines."""
    lines = source.splitlines()
    for node in ast.parse(source).body:
        _thin(node, lines)
    return "\n".join(lines) + "\n"


def _thin(node: ast.stmt, lines: list[str]) -> None:
    if _is_checking(node):
        _blank(node, lines)
    elif isinstance(node, ast.ClassDef):
        base = _record(node)
        if base is not None:
            made = ast.get_source_segment("\n".join(lines), base) or ""
            _blank(node, lines)
            for number, line in enumerate(("%s = %s" % (node.name, made)).split("\n")):
                lines[node.lineno - 1 + number] = line
            return
        gone = [one for one in node.body if _is_slots(one) or _is_checking(one)]
        for one in gone:
            _blank(one, lines)
        if len(gone) == len(node.body):
            lines[gone[0].lineno - 1] = " " * gone[0].col_offset + "pass"


def _record(node: ast.ClassDef) -> ast.Call | None:
    """The call of namedtuple that is all of this class; None where it has more."""
    if node.decorator_list or node.keywords or len(node.bases) != 1:
        return None
    base = node.bases[0]
    if not isinstance(base, ast.Call) or not isinstance(base.func, ast.Name):
        return None
    if base.func.id != "namedtuple" or not all(_is_for_readers(one) for one in node.body):
        return None
    return base


def _is_for_readers(node: ast.stmt) -> bool:
    """Whether a statement of a class makes nothing that runs."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.AnnAssign):
        return node.value is None
    return _is_slots(node) or _is_checking(node) or isinstance(node, ast.Pass)


def _is_slots(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and [
        one.id for one in node.targets if isinstance(one, ast.Name)] == [_SLOTS]


def _is_checking(node: ast.stmt) -> bool:
    """TYPE_CHECKING = False, or an `if` of it alone."""
    if isinstance(node, ast.If):
        return isinstance(node.test, ast.Name) and node.test.id == _CHECKING and not node.orelse
    return isinstance(node, ast.Assign) and [
        one.id for one in node.targets if isinstance(one, ast.Name)] == [_CHECKING]


def _blank(node: ast.stmt, lines: list[str]) -> None:
    for number in range(node.lineno - 1, node.end_lineno or node.lineno):
        lines[number] = ""


def main(source: str, target: str) -> None:
    """One file of it."""
    Path(target).write_text(thinned(Path(source).read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
