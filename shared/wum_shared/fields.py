"""Checks of decoded fields: each returns its value or raises Malformed with name, wanted, got."""

from wum_shared.errors import Malformed, Unsupported

VERSION = 0


def record(value: object, size: int, what: str) -> list[object]:
    """A list of exactly `size` fields."""
    if type(value) is not list or len(value) != size:
        raise Malformed("%s: wanted a list of %d fields, got %s" % (what, size, shown(value)))
    return value


def items(value: object, most: int, what: str, *, least: int = 0) -> list[object]:
    """A list of `least`..`most` items."""
    if type(value) is not list or not least <= len(value) <= most:
        raise Malformed("%s: wanted a list of %d..%d, got %s" % (what, least, most, shown(value)))
    return value


def unlike(values: list[object], what: str) -> None:
    """Refuse a value that stands twice in `values`."""
    seen = set()
    for value in values:
        if value in seen:
            raise Malformed("%s: %s stands twice" % (what, shown(value)))
        seen.add(value)


def number(value: object, least: int, most: int, what: str) -> int:
    """An integer in least..most. A truth value is not an integer here."""
    if type(value) is not int or not least <= value <= most:
        raise Malformed("%s: wanted %d..%d, got %s" % (what, least, most, shown(value)))
    return value


def octets(value: object, size: int, what: str) -> bytes:
    """Exactly `size` bytes."""
    if type(value) is not bytes or len(value) != size:
        raise Malformed("%s: wanted %d bytes, got %s" % (what, size, shown(value)))
    return value


def bounded(value: object, most: int, what: str) -> bytes:
    """At most `most` bytes."""
    if type(value) is not bytes or len(value) > most:
        raise Malformed("%s: wanted up to %d bytes, got %s" % (what, most, shown(value)))
    return value


def text(value: object, most: int, what: str) -> str:
    """A text of at most `most` bytes in UTF-8, without control characters.

    PostgreSQL stores no U+0000 and a log line ends at a line feed, so both end here.
    """
    if type(value) is not str or len(value.encode()) > most:
        raise Malformed("%s: wanted a text of up to %d bytes, got %s" % (what, most, shown(value)))
    for c in value:
        if c < " " or "\x7f" <= c <= "\x9f":
            raise Malformed("%s: a text may not hold %r" % (what, c))
    return value


def fitting(value: str, most: int) -> str:
    """`value` as `text` accepts it: control characters become spaces, the end is cut off."""
    kept = []
    size = 0
    for c in value:
        c = " " if c < " " or "\x7f" <= c <= "\x9f" else c
        size += len(c.encode())
        if size > most:
            break
        kept.append(c)
    return "".join(kept)


def version(value: object, what: str, ours: int = VERSION) -> None:
    """Refuse every version of a message but ours. Raises Unsupported: it may be fine."""
    if number(value, 0, 2**32 - 1, what + " version") != ours:
        raise Unsupported("%s: version %s, this side speaks %d" % (what, value, ours))


def shown(value: object) -> str:
    """`value` short enough for one log line; bytes by their number only, as they may be a key."""
    if type(value) is bytes:
        return "%d bytes" % len(value)
    if type(value) is list:
        return "a list of %d" % len(value)
    if type(value) is dict:
        return "a map of %d" % len(value)
    if type(value) is str and len(value) > 60:
        return repr(value[:57]) + "..."
    return repr(value) if type(value) in (str, int, bool) or value is None else str(type(value))
