"""What the mesh carries: a sealed message behind one byte that says which stream it is of.

Nothing is opened here: the byte is what MQTT's topic says elsewhere, and whose it is stands in
clear in the seal (COSE's key id). docs/mesh-ports.md.
"""

from wum_shared import cose
from wum_shared.errors import Malformed, WireError
from wum_shared.topics import ACKNOWLEDGEMENT, ANSWER, BATCH, CONDITION, MESH, REQUEST, SCHEMA

_FORMAT = 0x40               # The byte's upper half; the lower half is the stream.
UPWARD = (BATCH, SCHEMA, ANSWER, MESH, CONDITION)
DOWNWARD = (ACKNOWLEDGEMENT, REQUEST)


def wrap(streams: tuple[str, ...], stream: str, sealed: bytes) -> bytes:
    """The object that goes through the mesh. `streams` are those of one direction."""
    return bytes((_FORMAT | streams.index(stream),)) + sealed


def unwrap(streams: tuple[str, ...], content: bytes) -> tuple[bytes, str, bytes]:
    """(concentrator, stream, sealed message) of an object. Raises Malformed."""
    if len(content) < 2 or content[0] & 0xF0 != _FORMAT or content[0] & 15 >= len(streams):
        raise Malformed("object of the mesh: %d bytes of no kind that we know" % len(content))
    sealed = content[1:]
    failure = ""
    try:
        return cose.peek(sealed)[0], streams[content[0] & 15], sealed
    except WireError as error:
        failure = str(error)
    raise Malformed("object of the mesh: " + failure)
