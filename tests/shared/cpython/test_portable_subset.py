"""The lint of the portable subset: every rule is planted once, and what is fine passes."""

from pathlib import Path

import pytest

from tests.portable_subset import faults, faults_in_file, faults_in_port, main

ROOT = Path(__file__).resolve().parents[3]

PLANTED = [  # (source, part of the fault)
    ("import json", "module json"),
    ("import typing", "module typing"),
    ("from dataclasses import dataclass", "module dataclasses"),
    ("from functools import reduce", "module functools"),
    ("from __future__ import annotations", "module __future__"),
    ("import collections.abc", "module collections.abc"),
    ("import os, struct", "module os"),
    ("from collections import Counter", "collections.Counter"),
    ("from struct import Struct", "struct.Struct"),
    ("from hashlib import sha512", "hashlib.sha512"),
    ("from binascii import b2a_base64", "binascii.b2a_base64"),
    ("import struct\nx = struct.error", "struct.error"),
    ("import collections\nx = collections.ChainMap", "collections.ChainMap"),
    ("from struct import *", "not *"),
    ("from . import cbor", "absolute"),
    ("def f():\n    import struct", "top of its file"),
    ("try:\n    import struct\nexcept ImportError:\n    pass", "top of its file"),
    ("import wum_cloud.ingest", "module wum_cloud.ingest"),
    ("import wum_edge.ports.linux", "is a port"),
    ("from wum_edge.ports.linux import line", "is a port"),
    ("from wum_edge import ports", "is a port"),
    ("x = [*a, 1]", "* in a display"),
    ("x = (*a, 1)", "* in a display"),
    ("x = {*a}", "* in a display"),
    ("x = {**a}", "** in a display"),
    ("def f(a, /): pass", "/ in parameters"),
    ("def f(**options): pass", "** in parameters"),
    ("match a:\n    case 1: pass", "match is"),
    ("try:\n    a()\nexcept* ValueError:\n    b()", "except* is"),
    ("try:\n    a()\nexcept ValueError as e:\n    raise KeyError from e", "raise ... from"),
    ("raise KeyError from None", "raise ... from"),
    ("async def f(): pass", "async"),
    ("async def f():\n    await g()", "async"),
    ("async def f():\n    return [x async for x in g()]", "async"),
    ("def f():\n    with a:\n        yield 1", "yield inside of with"),
    ("def f():\n    with a:\n        x = yield from g()", "yield inside of with"),
    ("x = a / b", "/ makes a float"),
    ("x /= 2", "/ makes a float"),
    ("x = 0.1", "0.1 is a float"),
    ("x = 1j", "is a float"),
    ("x = float(a)", "float: "),
    ("x = a[::2]", "slice with a step"),
    ("x = a[::-1]", "slice with a step"),
    ("del a[:4]", "cannot be deleted"),
    ("x = n.bit_length()", ".bit_length is missing"),
    ("x = s.zfill(3)", ".zfill is missing"),
    ("x = s.removeprefix('a')", ".removeprefix is missing"),
    ("x = h.hexdigest()", ".hexdigest is missing"),
    ("x = r._replace(a=1)", "._replace is missing"),
    ("x = m.cast('H')", ".cast is missing"),
    ("x = e.__cause__", ".__cause__ is missing"),
    ("x = n.to_bytes(2, byteorder='big')", "to_bytes() takes no keywords"),
    ("x = n.to_bytes(length=2)", "to_bytes() needs its byte order"),
    ("x = n.to_bytes(2)", "to_bytes() needs its byte order"),
    ("x = int.from_bytes(b, 'big', signed=True)", "from_bytes() takes no keywords"),
    ("x = int.from_bytes(b)", "from_bytes() needs its byte order"),
    ("x = s.split(maxsplit=1)", "split() takes no keywords"),
    ("x = b.decode('utf-8', 'replace')", "decode() ignores"),
    ("x = s.encode('ascii', 'ignore')", "encode() ignores"),
    ("from collections import namedtuple\nR = namedtuple('R', 'a b', defaults=(1,))",
     "namedtuple() takes no keywords"),
    ("for a, b in zip(x, y, strict=True): pass", "zip() takes no keywords"),
    ("x = pow(a, -1, p)", "pow() of three"),
    ("x = pow(a, e, p)", "pow() of three"),
    ("x = sorted(a, key=f)", "sorted() is not stable"),
    ("a.sort(key=f, reverse=True)", "sort() is not stable"),
    ("for k, v in d.items(): pass", ".items() comes in no order"),
    ("x = list(d.keys())", ".keys() comes in no order"),
    ("x = [v for v in d.values()]", ".values() comes in no order"),
    ("try:\n    a()\nexcept TimeoutError:\n    b()", "TimeoutError is missing"),
    ("try:\n    a()\nexcept FileNotFoundError:\n    b()", "FileNotFoundError is missing"),
    ("try:\n    a()\nexcept UnicodeDecodeError:\n    b()", "UnicodeDecodeError is missing"),
    ("x = open('f')", "open: a port reads files"),
    ("print('x')", "print: a port prints"),
    ("class A(B, C): pass", "where two bases meet"),
    ("class A(metaclass=M): pass", "a class takes no keywords"),
    ("class A:\n    def __init_subclass__(cls): pass", "__init_subclass__ is never called"),
    ("class E(Exception):\n    def __init__(self):\n        Exception.__init__(self)",
     "cannot be called by name"),
    ("import struct\n@cached\ndef f(): pass", "decorator cached"),
    ("if TYPE_CHECKING:\n    import json", "module json"),
    ("TYPE_CHECKING = True\nif TYPE_CHECKING:\n    import json", "module json"),
    ("TYPE_CHECKING = False\nTYPE_CHECKING = a\nif TYPE_CHECKING:\n    import json", "module json"),
    ("TYPE_CHECKING = False\nif TYPE_CHECKING:\n    pass\nelse:\n    import json", "module json"),
]

FINE = """
from binascii import crc32, hexlify
from collections import deque, namedtuple
from hashlib import sha256
from struct import pack, unpack

from wum_edge.meters.turn import Turn
from wum_shared import cbor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator


class Record(namedtuple("Record", ("a", "b"))):
    __slots__ = ()
    a: int | None
    b: tuple[float, ...]

    @property
    def total(self) -> int:
        return sum([self.a, self.b])

    @total.setter
    def total(self, value: int) -> None:
        pass


def f(a: int, *, b: int = 2, c: "Generator[int, None, None]" = None) -> list[float]:
    first, *rest = g(*a)
    (x, *y), z = h()
    n = 5 // 2
    for name in sorted(d.keys()):
        n += d[name]
    if any(v for v in d.values()) or max(d.values()) > 5:
        n -= 1
    for k, v in d.items():  # Any order: they are only counted.
        n += 1
    rows = sorted(rows, key=k)  # No ties: sequence numbers stand once.
    data = cbor.decode(a, depth=3) + n.to_bytes(2, "big") + b"%d" % n
    text = f"{n:>4} {n!r}" + "x".join([str(i) for i in rows[1:-1]])
    with line:
        m = yield_nothing()
    answer = yield Turn(b"", None, 5)
    yield from other()
    return [int.from_bytes(data[:2], "big"), d.get("items"), record.items]
"""


@pytest.mark.parametrize(("source", "fault"), PLANTED, ids=lambda v: v.replace("\n", "; ")[:40])
def test_a_planted_violation_is_named_with_its_place(source, fault):
    found = faults(source, "planted.py")
    assert any(fault in text for text in found), found
    assert all(text.startswith("planted.py:") for text in found)


def test_the_line_is_the_line_of_the_violation():
    assert faults("a = 1\nb = 2\nc = 0.5\n", "x.py") == [
        "x.py:3: 0.5 is a float: energy and time are scaled integers"]


def test_what_is_fine_passes():
    assert faults(FINE, "fine.py") == []


def test_a_comment_on_another_line_does_not_excuse():
    assert faults("# No ties: no.\nx = sorted(a, key=f)", "x.py")
    assert not faults("x = sorted(\n    a,  # No ties: a set.\n    key=f)", "x.py")


@pytest.mark.parametrize("folder", ["shared/wum_shared", "edge/wum_edge"])
def test_the_core_keeps_to_the_subset(folder):
    found = [fault for path in sorted((ROOT / folder).rglob("*.py"))
             if "ports" not in path.relative_to(ROOT).parts
             for fault in faults_in_file(path, ROOT)]
    assert found == []


def test_the_command_line_says_what_it_found(tmp_path, capsys, monkeypatch):
    (tmp_path / "good.py").write_text("x = 1\n")
    (tmp_path / "bad.py").write_text("x = 0.5\n")
    monkeypatch.chdir(tmp_path)
    assert main(["good.py"]) == 0
    assert capsys.readouterr().out == "1 files keep to the portable subset\n"
    assert main(["good.py", "bad.py"]) == 1
    assert capsys.readouterr().out.startswith("bad.py:1: 0.5 is a float")


def test_a_port_of_a_board_may_do_what_a_port_is_for_and_nothing_else(tmp_path):
    port = tmp_path / "port.py"
    port.write_text(
        "import asyncio\nimport machine\nfrom wum_edge.ports import marks\n"
        "async def run():\n    print(open('x').read())\n    await asyncio.sleep_ms(3 / 2)\n")
    assert faults_in_port(port, tmp_path) == [] and len(faults_in_file(port, tmp_path)) > 5
    port.write_text(
        "import asyncio\nx = [*a, 1]\ny = b'12'.hexdigest()\n"
        "for one, other in table.items():\n    pass\nraise TimeoutError()\n")
    assert [fault.split(":")[1] for fault in faults_in_port(port, tmp_path)] == ["2", "3", "4", "6"]
