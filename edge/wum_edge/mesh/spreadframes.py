"""Frames of an update that is spread: what a station lacks, and a symbol of a page.

docs/mesh-protocol.md, 15. Left out: what they mean (spreading.py).
"""

import struct
from collections import namedtuple

from wum_edge.mesh.erasure import FIRST_MORE, SYMBOL_SIZE
from wum_edge.mesh.frames import Malformed

NAME_SIZE = 4                # Of an image: the first bytes of its SHA-256.
SYMBOLS_OF_CHUNK = 5
CHUNKS_OF_PAGE = 8
SYMBOLS_OF_PAGE = SYMBOLS_OF_CHUNK * CHUNKS_OF_PAGE
PAGES_MAX = 2048             # 16 MiB.
WAIT_UNIT_US = 16_000_000
_LACK = ">4sHBHBB"
_LACK_SIZE = 11
_SYMBOL = ">4sHB"
_SYMBOL_HEAD = 7


class Lack(namedtuple("Lack", ("name", "page", "lacks", "server", "reach", "wait"))):
    """Its sender has every page below `page`, of which it lacks so many symbols and asks `server`
    for them (frames.ALL: whoever has it). lacks 0: it asks for nothing, and tells what it has.
    reach: how many neighbours are further out than it is. wait: how long until it may send
    again, in units of 16 s.
    """

    __slots__ = ()
    name: bytes
    page: int
    lacks: int
    server: int
    reach: int
    wait: int


def encode_lack(lack: Lack) -> bytes:
    return struct.pack(_LACK, *lack)


def decode_lack(body: bytes) -> Lack:
    """Raises Malformed."""
    if len(body) != _LACK_SIZE:
        raise Malformed("lack of %d bytes" % len(body))
    lack = Lack(*struct.unpack(_LACK, body))
    if lack.page > PAGES_MAX or lack.lacks > SYMBOLS_OF_PAGE:
        raise Malformed("lack of %d symbols of page %d" % (lack.lacks, lack.page))
    return lack


def encode_symbol(name: bytes, page: int, number: int, symbol: int) -> bytes:
    return struct.pack(_SYMBOL, name, page, number) + symbol.to_bytes(SYMBOL_SIZE, "big")


def decode_symbol(body: bytes) -> tuple[bytes, int, int, int]:
    """(name, page, number, symbol). Raises Malformed."""
    if len(body) != _SYMBOL_HEAD + SYMBOL_SIZE:
        raise Malformed("symbol of %d bytes" % len(body))
    name, page, number = struct.unpack(_SYMBOL, body[:_SYMBOL_HEAD])
    if page >= PAGES_MAX or SYMBOLS_OF_PAGE <= number < FIRST_MORE:
        raise Malformed("symbol %d of page %d" % (number, page))
    return name, page, number, int.from_bytes(body[_SYMBOL_HEAD:], "big")
