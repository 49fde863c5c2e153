"""Frames that go down, the answers to them, and the mesh's words to itself, as bytes and records.

No keys here (guard.py). docs/mesh-protocol.md, 8 and 9. All integers are big-endian.
"""

import struct
from collections import namedtuple

from wum_edge.mesh.frames import (
    BODY_MAX,
    FRAGMENT_MAX,
    STAMP_SIZE,
    Item,
    Malformed,
    Stamp,
    decode_items,
    decode_stamp,
    encode_items,
    encode_stamp,
)

# Words: what a note begins with.
CONFIRM, WANT, JOINING, ADMITTED, WANTED = 1, 2, 3, 4, 5
_RIPPLE = ">HHBB"
_RIPPLE_SIZE = 6 + 7
RIPPLE_MAX = BODY_MAX - STAMP_SIZE - _RIPPLE_SIZE    # Content of a ripple.
DOWN_HEAD = 2
ECHO_BYTES_MAX = 64          # Bit map of 512 stations.
_ECHO = ">HHHH"
_ECHO_SIZE = 8


class Ripple(namedtuple("Ripple", (
        "stamp", "gateway", "number", "hops", "flags", "execute_us", "content"))):
    """A command that is flooded: `number` rises with every one of its gateway; `flags`: WANTS_ECHO,
    and in the upper four bits how often it was repeated;
    `execute_us`: network time at which it is to be carried out, 0 for at once.
    """

    __slots__ = ()
    stamp: Stamp
    gateway: int
    number: int
    hops: int
    flags: int
    execute_us: int
    content: bytes


WANTS_ECHO = 1


class Echo(namedtuple("Echo", ("stamp", "rank", "gateway", "number", "first", "members"))):
    """Of the stations `8 * first` and on (a bit each, the lowest first) these have the ripple."""

    __slots__ = ()
    stamp: Stamp
    rank: int
    gateway: int
    number: int
    first: int
    members: bytes


def encode_ripple(ripple: Ripple) -> bytes:
    assert len(ripple.content) <= RIPPLE_MAX
    return (encode_stamp(ripple.stamp) + struct.pack(
        _RIPPLE, ripple.gateway, ripple.number, ripple.hops, ripple.flags)
        + ripple.execute_us.to_bytes(7, "big") + ripple.content)


def decode_ripple(body: bytes) -> Ripple:
    """Raises Malformed."""
    at = STAMP_SIZE + _RIPPLE_SIZE
    if len(body) < at:
        raise Malformed("ripple of %d bytes" % len(body))
    head = struct.unpack(_RIPPLE, body[STAMP_SIZE:STAMP_SIZE + 6])
    return Ripple(*((decode_stamp(body[:STAMP_SIZE]),) + head + (
        int.from_bytes(body[at - 7:at], "big"), body[at:])))


def encode_echo(echo: Echo) -> bytes:
    assert len(echo.members) <= ECHO_BYTES_MAX
    return encode_stamp(echo.stamp) + struct.pack(
        _ECHO, echo.rank, echo.gateway, echo.number, echo.first) + echo.members


def decode_echo(body: bytes) -> Echo:
    """Raises Malformed."""
    members = body[STAMP_SIZE + _ECHO_SIZE:]
    if not members or len(members) > ECHO_BYTES_MAX:
        raise Malformed("echo of %d bytes" % len(body))
    head = struct.unpack(_ECHO, body[STAMP_SIZE:STAMP_SIZE + _ECHO_SIZE])
    echo = Echo(*((decode_stamp(body[:STAMP_SIZE]),) + head + (members,)))
    if echo.first + len(members) > ECHO_BYTES_MAX:
        raise Malformed("echo of stations from %d" % (8 * echo.first))
    return echo


def encode_down(gateway: int, items: list[Item]) -> bytes:
    """Pieces from one gateway for whoever is behind one child."""
    body = gateway.to_bytes(2, "big") + encode_items(items)
    assert len(body) <= BODY_MAX
    return body


def decode_down(body: bytes) -> tuple[int, list[Item]]:
    """(gateway, items). Raises Malformed."""
    if len(body) < DOWN_HEAD:
        raise Malformed("down of %d bytes" % len(body))
    return int.from_bytes(body[:DOWN_HEAD], "big"), decode_items(body, DOWN_HEAD)


def confirm(gateway: int, number: int) -> bytes:
    """A word: this object of that gateway has come down."""
    return struct.pack(">BHH", CONFIRM, gateway, number)


def want(number: int, here: list[int]) -> bytes:
    """A word: of this object of yours only the fragments `here` have come."""
    bits = 0
    for fragment in here:
        bits |= 1 << fragment
    return struct.pack(">BH", WANT, number) + bits.to_bytes(16, "little")


def decode_want(word: bytes) -> tuple[int, int]:
    """(number, bit map of what has come). Raises Malformed."""
    if len(word) != 19:
        raise Malformed("want of %d bytes" % len(word))
    return int.from_bytes(word[1:3], "big"), int.from_bytes(word[3:], "little")


def decode_confirm(word: bytes) -> tuple[int, int]:
    """(gateway, number). Raises Malformed."""
    if len(word) != 5:
        raise Malformed("confirm of %d bytes" % len(word))
    return int.from_bytes(word[1:3], "big"), int.from_bytes(word[3:], "big")


WORD_MAX = FRAGMENT_MAX
