"""Checks of decoded fields: each returns its value or raises Malformed with name, wanted, got."""

from wum_shared.errors import Malformed, Unsupported

VERSION = 0


def record(value: object, size: int, what: str) -> list[object]:
    """A list of exactly `size` fields."""
    if type(value) is not list or len(value) != size:
        raise Malformed("%s: wanted a list of %d fields, got %s" % (what, size, shown(value)))
    return value


def items(value: object, most: int, what: str) -> list[object]:
    """A list of at most `most` items."""
    if type(value) is not list or len(value) > most:
        raise Malformed("%s: wanted a list of up to %d, got %s" % (what, most, shown(value)))
    return value


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


def text(value: object, most: int, what: str) -> str:
    """A text of at most `most` bytes in UTF-8."""
    if type(value) is not str or len(value.encode()) > most:
        raise Malformed("%s: wanted a text of up to %d bytes, got %s" % (what, most, shown(value)))
    return value


def version(value: object, what: str) -> None:
    """Refuse every contract version but ours. Raises Unsupported: the message may be fine."""
    if number(value, 0, 2**32 - 1, what + " version") != VERSION:
        raise Unsupported("%s: version %s, this side speaks %d" % (what, value, VERSION))


def shown(value: object) -> str:
    """`value` short enough for one log line."""
    written = repr(value)
    return written if len(written) <= 60 else written[:57] + "..."
