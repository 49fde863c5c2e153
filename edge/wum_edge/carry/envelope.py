"""What the mesh carries: a sealed message behind one byte that says which stream it is of.

Nothing is opened here: the byte is what MQTT's topic says elsewhere, and whose it is stands in
clear in the seal (COSE's key id). A stream that has no number of its own is written out with whose
it is, so that what comes later, and what is no seal, passes stations that know nothing of it.
docs/mesh-ports.md.
"""

from wum_shared import cose
from wum_shared.errors import Malformed, WireError
from wum_shared.ids import CONCENTRATOR_SIZE, checked_text
from wum_shared.topics import ACKNOWLEDGEMENT, ANSWER, BATCH, CONDITION, MESH, REQUEST, SCHEMA

_FORMAT = 0x40               # The byte's upper half; the lower half is the stream.
UPWARD = (BATCH, SCHEMA, ANSWER, MESH, CONDITION)
DOWNWARD = (ACKNOWLEDGEMENT, REQUEST)
NAMED = 15                   # No number: concentrator:8, size:1 and name of the stream follow.
_NAME_MAX = 32
_HEAD_SIZE = 2 + CONCENTRATOR_SIZE


def wrap(streams: tuple[str, ...], concentrator: bytes, stream: str, sealed: bytes) -> bytes:
    """The object that goes through the mesh. `streams` are those of one direction that have a
    number; `concentrator` is whose message it is.
    """
    if stream in streams:
        return bytes((_FORMAT | streams.index(stream),)) + sealed
    name = stream.encode()
    return bytes((_FORMAT | NAMED,)) + concentrator + bytes((len(name),)) + name + sealed


def unwrap(streams: tuple[str, ...], content: bytes) -> tuple[bytes, str, bytes]:
    """(concentrator, stream, sealed message) of an object. Raises Malformed."""
    failure = ""
    try:
        if len(content) > 1 and content[0] == _FORMAT | NAMED:
            return _unwrap_named(content)
        if len(content) > 1 and content[0] & 0xF0 == _FORMAT and content[0] & 15 < len(streams):
            return cose.peek(content[1:])[0], streams[content[0] & 15], content[1:]
        failure = "%d bytes of no kind that we know" % len(content)
    except WireError as error:
        failure = str(error)
    raise Malformed("object of the mesh: " + failure)


def _unwrap_named(content: bytes) -> tuple[bytes, str, bytes]:
    size = content[_HEAD_SIZE - 1] if len(content) >= _HEAD_SIZE else 0
    name = content[_HEAD_SIZE:_HEAD_SIZE + size]
    sealed = content[_HEAD_SIZE + size:]
    if not 0 < size <= _NAME_MAX or not sealed or max(name) > 0x7E:
        raise Malformed("stream's name: %d bytes" % size)
    return content[1:_HEAD_SIZE - 1], checked_text(name.decode(), "stream"), sealed
