"""How a station without a network's key asks for it, and what it is answered, as bytes.

Both are sealed with the station's own key, which its maker and the head-end have; whoever passes
them on cannot read them. Left out: who asks (joiner.py), who passes it on (porch.py).
"""

import struct
from collections import namedtuple
from hashlib import sha256

from wum_edge.mesh import frames
from wum_edge.mesh.frames import ALL, JOIN, WELCOME, Header, Malformed
from wum_edge.mesh.guard import Seal
from wum_edge.mesh.keys import KEY_SIZE

NO_NETWORK = 0               # In headers of frames that no network's key has sealed.
EUI_SIZE = 8
_REQUEST = ">I8sH"           # Nonce, EUI-64, the address that the answer is sent to.
REQUEST_SIZE = 14 + frames.TAG_SIZE
_ADMISSION = ">H16s"
_EPOCH_SIZE = 4
_NONCE_SIZE = 13
WAIT_SIZE = 4               # No frame is shorter.
_SECONDS_MAX, _ON_ITS_WAY = 0x7F, 0x80


class Request(namedtuple("Request", ("nonce", "eui", "answer_to", "tag"))):
    """Who wants to join; `nonce` was never used before by that station."""

    __slots__ = ()
    nonce: int
    eui: bytes
    answer_to: int
    tag: bytes


class Admission(namedtuple("Admission", ("address", "epoch", "network_key"))):
    """What a station is given: a short address that nobody else has in the epoch, and the key."""

    __slots__ = ()
    address: int
    epoch: int
    network_key: bytes


def request(device: Seal, eui: bytes, nonce: int, answer_to: int) -> bytes:
    """Of REQUEST_SIZE bytes."""
    head = struct.pack(_REQUEST, nonce, eui, answer_to)
    return head + device.seal(_nonce(b"?", eui, nonce), b"", head)


def decode_request(content: bytes) -> Request:
    """Raises Malformed. Whether it is genuine, `is_genuine` tells who has the station's key."""
    if len(content) != REQUEST_SIZE:
        raise Malformed("request of %d bytes" % len(content))
    return Request(*(struct.unpack(_REQUEST, content[:14]) + (content[14:],)))


def is_genuine(device: Seal, wanted: Request) -> bool:
    head = struct.pack(_REQUEST, wanted.nonce, wanted.eui, wanted.answer_to)
    return device.open(_nonce(b"?", wanted.eui, wanted.nonce), wanted.tag, head) is not None


def admission(device: Seal, wanted: Request, given: Admission) -> bytes:
    """The answer to that request, and to no other: the epoch in clear, and the rest sealed. A
    request that is replayed in a later epoch must not get another key sealed with the same nonce:
    so the nonce holds the epoch too. In one epoch a station's address and key stay what they are.
    """
    assert len(given.network_key) == KEY_SIZE
    epoch = given.epoch.to_bytes(_EPOCH_SIZE, "big")
    plain = struct.pack(_ADMISSION, given.address, given.network_key)
    return epoch + device.seal(_answer_nonce(wanted.eui, wanted.nonce, epoch), plain, wanted.eui)


def decode_admission(device: Seal, eui: bytes, nonce: int, sealed: bytes) -> Admission | None:
    """None when it is not for us, or not genuine."""
    epoch = sealed[:_EPOCH_SIZE]
    if len(epoch) != _EPOCH_SIZE:
        return None
    plain = device.open(_answer_nonce(eui, nonce, epoch), sealed[_EPOCH_SIZE:], eui)
    if plain is None or len(plain) != struct.calcsize(_ADMISSION):
        return None
    address, key = struct.unpack(_ADMISSION, plain)
    return Admission(address, int.from_bytes(epoch, "big"), key)


def _nonce(way: bytes, eui: bytes, nonce: int) -> bytes:
    return way + eui + nonce.to_bytes(4, "big")


def _answer_nonce(eui: bytes, nonce: int, epoch: bytes) -> bytes:
    return sha256(_nonce(b"!", eui, nonce) + epoch).digest()[:_NONCE_SIZE]


def join_frame(source: int, proxy: int, content: bytes) -> bytes:
    """A request on the air; to ALL and empty it only asks who is there."""
    return frames.encode_header(Header(JOIN, 1, NO_NETWORK, source, proxy, 0, 0)) + content + (
        b"" if content else bytes(frames.TAG_SIZE))


def welcome_frame(proxy: int, answer_to: int, content: bytes) -> bytes:
    """An answer on the air."""
    return frames.encode_header(
        Header(WELCOME, 1, NO_NETWORK, proxy, answer_to, 0, 0)) + content


def wait(nonce: int, seconds: int, is_on_its_way: bool) -> bytes:
    """A proxy's first word on the request with that nonce, in clear: it has been passed on, or it
    has not, and there will be room; until then it is of no use to ask again. `seconds` is 1..127.
    """
    first = min(max(seconds, 1), _SECONDS_MAX) | (_ON_ITS_WAY if is_on_its_way else 0)
    return (first << 24 | nonce & 0xFFFFFF).to_bytes(WAIT_SIZE, "big")


def decode_wait(nonce: int, content: bytes) -> tuple[int, bool] | None:
    """(seconds, whether the request is on its way); None when it is no word on that request."""
    word = int.from_bytes(content, "big")
    if len(content) != WAIT_SIZE or word & 0xFFFFFF != nonce & 0xFFFFFF:
        return None
    return word >> 24 & _SECONDS_MAX, bool(word >> 24 & _ON_ITS_WAY)


def is_solicitation(header: Header) -> bool:
    return header.kind == JOIN and header.destination == ALL
