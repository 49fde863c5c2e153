"""Viper's native code, counted as it counts on a board: words of 32 bits that go round.

No interpreter of the tests takes native code, so its text is run on CPython with numbers that do
what a board's registers do. mpy-cross compiles it for every architecture
(tests/run_micropython.py).
"""

import inspect
import sys
import types
from pathlib import Path

import wum_edge

PORT = Path(wum_edge.__file__).parent / "ports" / "micropython"


class Word(int):
    """Viper's int: 32 bits with a sign, in every operation."""

    def __new__(cls, value):
        value &= 0xFFFFFFFF
        return super().__new__(cls, value - (value >> 31 << 32))


for _name in ("add", "sub", "mul", "and", "or", "xor", "lshift", "rshift"):
    _act = getattr(int, f"__{_name}__")
    setattr(Word, f"__{_name}__", lambda one, other, act=_act: Word(act(one, other)))
    setattr(Word, f"__r{_name}__", lambda one, other, act=_act: Word(act(int(other), one)))


class Words:
    """Viper's ptr32: four bytes in the machine's order at each place."""

    def __init__(self, data):
        self._data = data

    def __getitem__(self, at):
        assert at >= 0 and 4 * at + 4 <= len(self._data), "beyond the end: a board would not tell"
        return Word(int.from_bytes(self._data[4 * at:4 * at + 4], "little"))

    def __setitem__(self, at, value):
        assert at >= 0 and 4 * at + 4 <= len(self._data), "beyond the end: a board would not tell"
        self._data[4 * at:4 * at + 4] = (int(value) & 0xFFFFFFFF).to_bytes(4, "little")


def viper(function):
    """The decorator: what comes in is what its annotation says."""
    kinds = [parameter.annotation for parameter in inspect.signature(function).parameters.values()]
    made = {"ptr32": Words, "ptr8": lambda data: data, "int": Word, int: Word}
    return lambda *given: function(*[
        made[kind](one) for kind, one in zip(kinds, given, strict=True)])


def run(monkeypatch, name):
    """What a module of the port has, run as native code: its names."""
    board = types.ModuleType("micropython")
    board.viper = viper
    monkeypatch.setitem(sys.modules, "micropython", board)
    names = {"ptr32": "ptr32", "ptr8": "ptr8"}
    source = PORT / name
    exec(compile(source.read_text(), source, "exec"), names)
    return names
