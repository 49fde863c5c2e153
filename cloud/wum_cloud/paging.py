"""Keyset paging: a cursor is the key of the last row of a page, opaque to whoever holds it.

Left out: SQL. A page costs the same wherever it stands in the list.
"""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

PAGE_DEFAULT = 50
PAGE_MAX = 500
_CURSOR_MAX = 600  # Characters; the longest key is a name of 64 and a number.

Item = TypeVar("Item")


class BadCursor(Exception):
    """A cursor that no page of this list ever gave."""


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some items in order, and the cursor of the next page; None at the end of the list."""

    items: Sequence[Item]
    next_cursor: str | None


def page_of(rows: Sequence[Item], limit: int, key: Callable[[Item], Sequence[str | int]]) -> (
        "Page[Item]"):
    """A page of up to `limit` of `rows`; the caller has asked the database for one more."""
    if len(rows) <= limit:
        return Page(rows, None)
    return Page(rows[:limit], encode_cursor(key(rows[limit - 1])))


def encode_cursor(key: Sequence[str | int]) -> str:
    """The cursor after the row with `key`."""
    raw = json.dumps(list(key), separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decode_cursor(cursor: str, kinds: Sequence[type[str] | type[int]]) -> list[str | int]:
    """The key in `cursor`, whose parts are of `kinds`. Raises BadCursor."""
    if len(cursor) > _CURSOR_MAX:
        raise BadCursor("cursor: %d characters, at most %d are read" % (len(cursor), _CURSOR_MAX))
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        key = json.loads(raw)
    except (binascii.Error, ValueError) as error:
        raise BadCursor("cursor: %r is none of this list's" % cursor) from error
    if type(key) is not list or [type(part) for part in key] != list(kinds) or not all(
            _is_storable(part) for part in key):
        raise BadCursor("cursor: %r is none of this list's" % cursor)
    return key


def _is_storable(part: str | int) -> bool:
    """Whether PostgreSQL can be asked for it: a bigint, or a text without NUL and surrogates."""
    if isinstance(part, int):
        return -2**63 <= part < 2**63
    return not any(c == "\0" or "\ud800" <= c <= "\udfff" for c in part)
