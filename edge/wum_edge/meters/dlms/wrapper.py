"""The wrapper for TCP and UDP: eight bytes before each APDU.

Left out: the socket (a port's line) and what the APDU says. IEC 62056-47 (Green Book 7.3.3).
"""

from collections import namedtuple
from struct import pack, unpack

from wum_edge.meters.dlms.errors import DlmsMalformed

VERSION = 1
HEADER_BYTES = 8


class Wrapped(namedtuple("Wrapped", ("source", "destination", "apdu"))):
    """One wrapper PDU: ports (0..65535) of who sends and who shall get it."""

    __slots__ = ()
    source: int
    destination: int
    apdu: bytes

    def encode(self) -> bytes:
        """Header and APDU."""
        return pack(">HHHH", VERSION, self.source, self.destination, len(self.apdu)) + self.apdu


def decode_wrapped(data: bytes) -> Wrapped:
    """The one wrapper PDU in `data`. Raises DlmsMalformed."""
    if len(data) < HEADER_BYTES:
        raise DlmsMalformed("wrapper: wanted 8 bytes of header, got %d" % len(data))
    version, source, destination, length = unpack(">HHHH", data[:HEADER_BYTES])
    if version != VERSION:
        raise DlmsMalformed("wrapper: wanted version 1, got %d" % version)
    if length != len(data) - HEADER_BYTES:
        raise DlmsMalformed("wrapper: wanted %d bytes of APDU, got %d" % (
            length, len(data) - HEADER_BYTES))
    return Wrapped(source, destination, data[HEADER_BYTES:])


def find_wrapped(heard: bytes | bytearray, source: int, destination: int) -> Wrapped | None:
    """The first whole PDU from `source` to `destination` in `heard`, others and noise before it.

    A stream of TCP loses nothing, but an answer that came too late stands in front of ours.
    """
    wanted = pack(">HHH", VERSION, source, destination)
    at = bytes(heard).find(wanted)
    if at < 0 or len(heard) < at + HEADER_BYTES:
        return None
    end = at + HEADER_BYTES + (heard[at + 6] << 8 | heard[at + 7])
    return decode_wrapped(bytes(heard[at:end])) if len(heard) >= end else None
