"""The arguments of each kind of order, as deterministic CBOR: a list of fields, none for a restart.

    read, set clock, disconnect, reconnect    serial
    limit load                                serial, value, exponent: value x 10^exponent
    switch secondary load                     serial, whether it is on
    fetch log                                 how many of its last lines
    read archive again                        serial, first and last capture time (UTC seconds)
    session with a meter                      serial, seconds

In the place of a serial the first four lines may have a group's id and version (10 bytes,
groups.py): all meters of the concentrator that are in that group.

Left out: kinds whose arguments are documents of their own (configure, join groups).
"""

from wum_shared import cbor, fields
from wum_shared.errors import Malformed
from wum_shared.gaps import SPAN_MAX_S
from wum_shared.groups import is_reference
from wum_shared.ids import checked_text
from wum_shared.messages import time_field
from wum_shared.orders import (
    DISCONNECT,
    LIMIT,
    LOGS,
    READ,
    READ_AGAIN,
    RECONNECT,
    RESTART,
    SECONDARY,
    SESSION,
    SET_CLOCK,
)

LINES_MAX = 1000
SESSION_MAX_S = 600
LIMIT_MAX = 2**31 - 1
_BYTES_MAX = 256
_SIZES = {
    READ: 1, SET_CLOCK: 1, DISCONNECT: 1, RECONNECT: 1, LIMIT: 3, SECONDARY: 2, RESTART: 0,
    LOGS: 1, READ_AGAIN: 3, SESSION: 2,
}
OF_GROUPS = (READ, SET_CLOCK, DISCONNECT, RECONNECT, LIMIT, SECONDARY)
OF_METERS = (READ, SET_CLOCK, DISCONNECT, RECONNECT, LIMIT, SECONDARY, READ_AGAIN, SESSION)


def encode_arguments(kind: int, values: list[object]) -> bytes:
    """Arguments of an order of this kind. Raises Malformed for what `decode_arguments` refuses."""
    _checked(kind, list(values))
    return cbor.encode(list(values))


def decode_arguments(kind: int, data: bytes) -> list[object]:
    """The arguments in `data`, in their order. Raises Malformed."""
    return _checked(kind, cbor.decode(data, most_bytes=_BYTES_MAX))


def _checked(kind: int, value: object) -> list[object]:
    parts = fields.record(value, _SIZES[kind], "arguments")
    if kind in OF_METERS and not (kind in OF_GROUPS and is_reference(parts[0])):
        checked_text(parts[0], "arguments serial")
    if kind == LIMIT:
        fields.number(parts[1], 0, LIMIT_MAX, "arguments limit")
        fields.number(parts[2], -9, 9, "arguments exponent")
    elif kind == SECONDARY:
        if type(parts[1]) is not bool:
            raise Malformed("arguments: wanted on or off, got %s" % fields.shown(parts[1]))
    elif kind == LOGS:
        fields.number(parts[0], 1, LINES_MAX, "arguments lines")
    elif kind == READ_AGAIN:
        first = time_field(parts[1], "arguments first")
        fields.number(parts[2], first, first + SPAN_MAX_S - 1, "arguments last")
        time_field(parts[2], "arguments last")
    elif kind == SESSION:
        fields.number(parts[1], 1, SESSION_MAX_S, "arguments seconds")
    return parts
