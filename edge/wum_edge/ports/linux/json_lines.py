"""Where every value of a JSON document stands: line numbers by path, and keys that stand twice.

Left out: what the values mean. The document is known to be valid: json.loads has read it.
RFC 8259.
"""

import re
from dataclasses import dataclass, field

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+')


@dataclass(slots=True)
class _Open:
    """An object or array that has not ended. `place` is the key or number of its next value."""

    path: str
    is_array: bool
    place: str = ""
    number: int = 0
    wants_key: bool = True
    keys: set[str] = field(default_factory=set)

    def below(self) -> str:
        if self.is_array:
            return f"{self.path}[{self.number}]"
        return f"{self.path}.{self.place}".lstrip(".")


def lines_of(text: str) -> tuple[dict[str, int], list[tuple[int, str]]]:
    """(line of every value by path, (line, path) of each key that its object already has).

    Paths are like registers[3].scale; arrays count from 0, lines from 1.
    """
    lines = {"": 1}
    twice: list[tuple[int, str]] = []
    opened: list[_Open] = []
    number, at = 1, 0
    for token in _TOKEN.finditer(text):
        number += text.count("\n", at, token.start())
        at = token.start()
        mark = token.group()
        inner = opened[-1] if opened else None
        if mark in ("}", "]"):
            opened.pop()
        elif mark == ",":
            assert inner is not None
            inner.number += 1
            inner.wants_key = True
        elif mark == ":":
            assert inner is not None
            inner.wants_key = False
        elif inner is not None and not inner.is_array and inner.wants_key:
            inner.place = mark[1:-1]
            if inner.place in inner.keys:
                twice.append((number, inner.below()))
            inner.keys.add(inner.place)
            lines[inner.below()] = number
        else:
            path = inner.below() if inner is not None else ""
            lines.setdefault(path, number)
            if mark in ("{", "["):
                opened.append(_Open(path, mark == "["))
    return lines, twice
