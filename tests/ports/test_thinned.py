"""What a build takes out of the core's source for a board, and that the rest is the same program.

Left out: what a board does with it: every test of the virtual board runs thinned code.
"""

import ast
import subprocess
import sys
from pathlib import Path

import wum_edge
import wum_shared
from wum_edge.ports.linux import thinned as builder
from wum_edge.ports.linux.thinned import thinned

_RECORD = '''"""A module."""
from collections import namedtuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Limits(namedtuple("Limits", (
        "last", "records"))):
    """How much."""

    __slots__ = ()
    last: int
    if TYPE_CHECKING:
        records: Any


class Sum(namedtuple("Sum", ("a", "b"))):
    """It does something itself."""

    __slots__ = ()

    def total(self):
        return self.a + self.b


class Slotted:
    __slots__ = ("a",)


class Failed(Exception):
    """It is told
    in two lines.
    """


def fail():
    raise Failed(Limits(1, 2))
'''


def _run(source):
    found = {}
    exec(compile(source, "thin.py", "exec"), found)
    return found


def test_a_record_without_anything_of_its_own_is_its_tuple():
    found = _run(thinned(_RECORD))
    assert found["Limits"].__bases__ == (tuple,)
    assert found["Limits"](1, records=2) == (1, 2) and found["Limits"](1, 2).records == 2
    assert "TYPE_CHECKING" not in found


def test_what_has_something_of_its_own_stays():
    found = _run(thinned(_RECORD))
    assert found["Sum"](1, 2).total() == 3
    assert found["Sum"].__bases__ != (tuple,)
    assert not hasattr(found["Slotted"], "__slots__") and found["Slotted"]() is not None
    assert issubclass(found["Failed"], Exception)
    kept = '''
from collections import namedtuple
class A(namedtuple("A", ("x",)), Exception):
    pass
class B(namedtuple("B", ("x",))):
    y = 1
class C(namedtuple("C", ("x",))):
    def __new__(cls):
        return super().__new__(cls, 7)
@staticmethod
class D(namedtuple("D", ("x",))):
    pass
if TYPE_CHECKING:
    z = 1
else:
    z = 2
'''
    assert thinned(kept) == kept


def test_a_traceback_names_the_right_line():
    thin = thinned(_RECORD)
    assert len(thin.splitlines()) == len(_RECORD.splitlines())
    for number, line in enumerate(_RECORD.splitlines()):
        if line.startswith(("def ", "    raise", "    return", "class Sum")):
            assert thin.splitlines()[number] == line


def test_the_whole_core_is_the_same_program_but_for_that():
    """What is left of every file is what stood there, statement by statement."""
    files = changed = 0
    for module in (wum_shared, wum_edge):
        for path in sorted(Path(module.__file__).parent.rglob("*.py")):
            if "linux" in path.parts:
                continue
            source = path.read_text()
            thin = thinned(source)
            files, changed = files + 1, changed + (thin != source)
            assert thinned(thin) == thin and len(thin.splitlines()) == len(source.splitlines())
            left = {ast.dump(node) for node in ast.parse(thin).body}
            for node in ast.parse(source).body:
                is_theirs = isinstance(node, ast.ClassDef) or "TYPE_CHECKING" in ast.dump(node)
                assert is_theirs or ast.dump(node) in left, "%s:%d" % (path, node.lineno)
            names = {one.id for one in ast.walk(ast.parse(thin)) if isinstance(one, ast.Name)}
            assert "TYPE_CHECKING" not in names, path
    assert files > 200 and changed > 100


def test_it_is_called_as_a_file_of_its_own(tmp_path):
    source, target = tmp_path / "in.py", tmp_path / "out.py"
    source.write_text(_RECORD)
    subprocess.run([sys.executable, "-I", builder.__file__, str(source), str(target)], check=True)
    assert target.read_text() == thinned(_RECORD)
