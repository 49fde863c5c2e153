"""A plain dict (from TOML or JSON) read field by field, keeping every mistake instead of the first.

Left out: what the fields mean (config.py, meters/catalog.py) and where they stand in a file
(the port knows the lines). A field that is wrong gives a stand-in, so that reading goes on;
whoever reads must not use anything before `mistakes` was seen to be empty.
"""

from binascii import unhexlify

_SHOWN_MAX = 60
_TELLING_NOTHING = ("nothing", "null", "an unknown key")
_NAME_MAX = 40     # Longer keys get no suggestion: the comparison costs their product.


class Table:
    """One table of a document. `path` is empty for the document itself. Complaints about a
    `secret` one, and what is below it, show nothing of what it holds: passwords, keys.
    """

    def __init__(
            self, content: object, path: str, mistakes: list[tuple[str, str, str]],
            secret: bool = False,
    ) -> None:
        self.path = path
        self.mistakes = mistakes
        self.secret = secret
        self._known: list[str] = []
        self._content: dict[str, object] = {}
        self._broken = type(content) is not dict
        if type(content) is dict:
            self._content = content
        else:
            self.complain("", "a table", shown(content))

    def has(self, key: str) -> bool:
        """Whether the document gives this field."""
        return key in self._content

    def at(self, key: str) -> str:
        """The path of a field; of the table itself for an empty key."""
        return ".".join([part for part in (self.path, key) if part])

    def complain(self, key: str, wanted: str, got: str) -> None:
        """Keep one mistake."""
        if self.secret and got not in _TELLING_NOTHING:
            got = "something else (not shown)"
        if not (self._broken and key):  # What is no table at all is one mistake, not ten.
            self.mistakes.append((self.at(key), wanted, got))

    def text(
            self, key: str, default: str | None = None, least: int = 1, most: int = 255,
    ) -> str:
        """A text of `least`..`most` characters."""
        value = self._value(key, default, "a text")
        if type(value) is str and least <= len(value) <= most:
            return value
        if value is not None:
            self.complain(key, "a text of %d..%d characters" % (least, most), shown(value))
        return ""

    def number(self, key: str, least: int, most: int, default: int | None = None) -> int:
        """An integer in least..most. A truth value is none."""
        wanted = "%d..%d" % (least, most)
        value = self._value(key, default, wanted)
        if type(value) is int and least <= value <= most:
            return value
        if value is not None:
            self.complain(key, wanted, shown(value))
        return least

    def truth(self, key: str, default: bool) -> bool:
        """true or false."""
        value = self._value(key, default, "true or false")
        if type(value) is bool:
            return value
        if value is not None:
            self.complain(key, "true or false", shown(value))
        return default

    def choice(self, key: str, allowed: tuple[object, ...], default: object = None) -> object:
        """One of `allowed`, of the same type."""
        wanted = "one of " + ", ".join([shown(a) for a in allowed])
        value = self._value(key, default, wanted)
        for a in allowed:
            if type(value) is type(a) and value == a:
                return value
        if value is not None:
            self.complain(key, wanted, shown(value))
        return allowed[0]

    def optional_text(self, key: str, most: int = 255) -> str:
        """A text of 1..`most` characters, or empty where the document gives none."""
        if self.has(key):
            return self.text(key, most=most)
        self._known.append(key)
        return ""

    def given(self, key: str) -> object:
        """What the document gives for this field, unchecked; None where it gives nothing."""
        self._known.append(key)
        return self._content.get(key)

    def table(self, key: str, secret: bool = False) -> "Table":
        """The table under `key`; an empty one where it is missing, which is no mistake here."""
        value = self._value(key, {}, "a table [%s]" % self.at(key))
        return Table(value, self.at(key), self.mistakes, secret or self.secret)

    def tables(self, key: str, least: int, most: int) -> list["Table"]:
        """The array of tables under `key`, least..most of them; their paths count from 0."""
        wanted = "%d..%d tables [[%s]]" % (least, most, self.at(key))
        value = self._value(key, None if least else [], wanted)
        if value is None:
            return []
        if type(value) is not list or not least <= len(value) <= most:
            self.complain(key, wanted, "%d" % len(value) if type(value) is list else shown(value))
            return []
        return [Table(item, "%s[%d]" % (self.at(key), index), self.mistakes, self.secret)
                for index, item in enumerate(value)]

    def done(self) -> None:
        """Complain of every field that was never asked for, with the known one it resembles."""
        for key in sorted(self._content):
            if key in self._known:
                continue
            near = nearest(key, self._known)
            known = "%s (did you mean that?)" % near if near else "one of " + ", ".join(self._known)
            self.complain(key, known, "an unknown key")

    def _value(self, key: str, default: object, wanted: str) -> object:
        self._known.append(key)
        value = self._content.get(key, default)
        if value is None:                # TOML has no null, JSON has.
            self.complain(key, wanted, "null" if key in self._content else "nothing")
        return value


def shown(value: object) -> str:
    """`value` as a person wrote it, short enough for one line."""
    if type(value) is bool:
        return "true" if value else "false"
    written = '"%s"' % value if type(value) is str else repr(value)
    return written if len(written) <= _SHOWN_MAX else written[:_SHOWN_MAX - 3] + "..."


def nearest(name: str, known: list[str]) -> str:
    """The one of `known` that `name` is most likely a slip of; empty when none is near."""
    best = ""
    best_steps = 1 + len(name) // 3
    for candidate in sorted(known):
        if len(name) <= _NAME_MAX and len(candidate) <= _NAME_MAX:
            steps = _steps(name.lower(), candidate.lower())
            if steps < best_steps or (steps == best_steps and not best):
                best, best_steps = candidate, steps
    return best


def _steps(a: str, b: str) -> int:
    """Letters put in, left out, replaced or swapped with their neighbour, from `a` to `b`."""
    before: list[int] = []
    last = list(range(len(b) + 1))
    for i, x in enumerate(a):
        row = [i + 1]
        for j, y in enumerate(b):
            steps = min(last[j + 1] + 1, row[j] + 1, last[j] + (x != y))
            if i and j and x == b[j - 1] and a[i - 1] == y:
                steps = min(steps, before[j - 1] + 1)
            row.append(steps)
        before, last = last, row
    return last[-1]


def secret_hex(table: "Table", key: str, size: int) -> bytes:
    """Bytes of hexadecimal digits, `size` of them, or 1..64 for 0; empty where there are none.
    What is none is not shown: it may be most of a key.
    """
    text = table.optional_text(key, 128)
    if not text:
        return b""
    digits = len(text) % 2 == 0 and all(c in "0123456789abcdefABCDEF" for c in text)
    if not digits or (size and len(text) != 2 * size):
        table.complain(key, "%s hexadecimal digits" % (2 * size or "2..128"), "something else")
        return b""
    found: bytes = unhexlify(text)
    return found
