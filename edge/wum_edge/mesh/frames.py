"""The mesh's frames as bytes and as records. No keys here (guard.py), no meaning (relay.py).

docs/mesh-protocol.md, 2 and 3. All integers are big-endian.
"""

import struct
from collections import namedtuple

VERSION = 0
BEACON, ASK, POLL, DATA, DOWN, GOT, RIPPLE, ECHO, JOIN, WELCOME, HAND, TAKEN, LACK, \
    SYMBOL = range(14)
ALL = 0xFFFF                 # Every neighbour; also "no gateway".
GROUP = 0xFE00               # Addresses from here to FEFF are groups 0 to 255.
UNREACHABLE = 0xFFFF         # A rank: there is no way to any gateway from here.
HEADER_SIZE, TAG_SIZE, FRAME_MAX = 12, 4, 255
BODY_MAX = FRAME_MAX - HEADER_SIZE - TAG_SIZE
BURST_MAX = 16               # Frames of one answer: one bit each in an acknowledgement.
RATES_MAX = 8
RECEIPTS_MAX, ACKS_MAX = 16, 4
_HEADER = ">BHHHIB"
_BEACON = ">HBHBBB"
_ASK = ">HBB"
_POLL = ">HBHBHB"
_WAITING, _WAITING_SIZE = ">I", 4
_ACK, _SHORT = ">HHH", ">HHB"
_DATA = ">HB"
_ITEM = ">HHBBB"
_RECEIPT = ">HHI"
_RECEIPT_SIZE, _ACK_SIZE, _SHORT_SIZE = 8, 6, 5
# The shape of a poll: how many acknowledgements, whether their maps are of one byte, what follows.
_ACKS, _ARE_SHORT, _HAS_WAITING, _HAS_TIME = 0x07, 0x10, 0x20, 0x40
DATA_HEAD, ITEM_HEAD = 3, 7
STAMP_SIZE = 9
BEACON_SIZE = HEADER_SIZE + 8 + STAMP_SIZE + TAG_SIZE        # The whole frame.
WANTS_WAY, WANTS_TIME = 1, 2
NOTE = 15                    # A mark: not a piece, but a word of the mesh to itself.
FRAGMENT_MAX = BODY_MAX - DATA_HEAD - ITEM_HEAD
_LAST = 0x80


class Malformed(Exception):
    """Bytes that are no frame of this protocol."""


class Header(namedtuple("Header", (
        "kind", "priority", "net", "source", "destination", "counter", "aux"))):
    """`net` 16 bits of the network; addresses 16 bits; `counter` 32 bits, never used twice."""

    __slots__ = ()
    kind: int
    priority: int
    net: int
    source: int
    destination: int
    counter: int
    aux: int


class Stamp(namedtuple("Stamp", ("about", "time_us", "ripple"))):
    """When the sender's frame whose counter ends in the byte `about` was over, in microseconds of
    network time: a host cannot say when the frame will go out that it is writing, only when one
    went. 0: it does not know. `ripple`: low byte of the newest ripple that the sender has.
    """

    __slots__ = ()
    about: int
    time_us: int
    ripple: int


class Beacon(namedtuple("Beacon", (
        "gateway", "heartbeat", "rank", "free_percent", "backlog", "wants", "stamp"))):
    """Where a station stands: its best gateway, how fresh that is, and what the way costs.
    `wants`: WANTS_WAY, WANTS_TIME.
    """

    __slots__ = ()
    gateway: int
    heartbeat: int
    rank: int
    free_percent: int
    backlog: int
    wants: int
    stamp: Stamp


class Ask(namedtuple("Ask", ("rank", "frames", "unacknowledged", "waiting"))):
    """A child wants to be polled; `unacknowledged`: the poll whose answer it has no word of;
    `waiting`: a bit for each of its own children that it knows to wait (`waiting_bit`).
    """

    __slots__ = ()
    rank: int
    frames: int
    unacknowledged: int
    waiting: int


class Poll(namedtuple("Poll", (
        "gateway", "heartbeat", "rank", "number", "heard", "waiting", "stamp", "acks",
        "receipts"))):
    """`heard`: low 16 bits of the newest counter that was heard of whom it is for: a poll that was
    recorded before the child restarted names one that it did not use since. `waiting`: a bit for
    every child that has asked and waits (`waiting_bit`). `acks`: (child, answered, arrived): of the
    burst of `child` whose last frame had the counter `answered`, the frames of the bit map are in
    custody;
    `receipts`: (origin, number, bit map of the 32 before it) of objects at a gateway. What is
    granted stands in the header, for all to see who must keep silent meanwhile. One that grants
    nothing is a word, and its `number` is 0.
    """

    __slots__ = ()
    gateway: int
    heartbeat: int
    rank: int
    number: int
    heard: int
    waiting: int
    stamp: Stamp
    acks: list[tuple[int, int, int]]
    receipts: list[tuple[int, int, int]]


class Item(namedtuple("Item", (
        "origin", "number", "fragment", "is_last", "content", "mark"))):
    """A piece of an object: the only thing that custody is taken of. On its way down `origin` is
    whom it is for. `mark`: NOTE, or which time it is sent: a relay that had it before would drop
    it otherwise.
    """

    __slots__ = ()
    origin: int
    number: int
    fragment: int
    is_last: bool
    content: bytes
    mark: int

    @property
    def key(self) -> int:
        """Names the piece within the network: 43 bits."""
        return self.origin << 27 | self.number << 11 | self.mark << 7 | self.fragment

    @property
    def size(self) -> int:
        """Bytes that it takes in a frame."""
        return ITEM_HEAD + len(self.content)


def encode_header(header: Header) -> bytes:
    return struct.pack(
        _HEADER, VERSION << 6 | header.kind << 2 | header.priority, header.net, header.source,
        header.destination, header.counter, header.aux)


def decode_header(frame: bytes) -> Header:
    """The header of whole frame. Raises Malformed."""
    if not HEADER_SIZE + TAG_SIZE <= len(frame) <= FRAME_MAX:
        raise Malformed("frame of %d bytes" % len(frame))
    first, net, source, destination, counter, aux = struct.unpack(_HEADER, frame[:HEADER_SIZE])
    if first >> 6 != VERSION:
        raise Malformed("frame of version %d" % (first >> 6))
    return Header(first >> 2 & 15, first & 3, net, source, destination, counter, aux)


def poll_aux(grant: int, rate: int) -> int:
    """How many frames a poll grants (0..BURST_MAX) and at which rate, as a header tells it."""
    assert 0 <= grant <= BURST_MAX and 0 <= rate < RATES_MAX
    return rate << 5 | grant


def waiting_bit(address: int, counter: int) -> int:
    """Which bit of a poll with this counter stands for a child. Two that share a bit in one poll do
    not in the next: who is not known is soon told so.
    """
    return ((address ^ counter & 0xFFFF) * 10_007 & 0xFFFF) >> 11


def decode_poll_aux(aux: int) -> tuple[int, int]:
    """(grant, rate)."""
    return min(aux & 31, BURST_MAX), aux >> 5


def data_aux(left: int, backlog: int) -> int:
    """How many frames of the burst follow this one, and what will be left behind after it."""
    return left << 4 | min(backlog, 15)


def encode_beacon(beacon: Beacon) -> bytes:
    return struct.pack(
        _BEACON, beacon.gateway, beacon.heartbeat, beacon.rank, beacon.free_percent,
        beacon.backlog, beacon.wants) + encode_stamp(beacon.stamp)


def decode_beacon(body: bytes) -> Beacon:
    """Raises Malformed."""
    head = _unpack(_BEACON, body[:-STAMP_SIZE], "beacon")
    return Beacon(*(head + (decode_stamp(body[-STAMP_SIZE:]),)))


def encode_stamp(stamp: Stamp) -> bytes:
    return bytes((stamp.about,)) + stamp.time_us.to_bytes(7, "big") + bytes((stamp.ripple,))


def decode_stamp(body: bytes) -> Stamp:
    """Of STAMP_SIZE bytes. Raises Malformed."""
    if len(body) != STAMP_SIZE:
        raise Malformed("stamp of %d bytes" % len(body))
    return Stamp(body[0], int.from_bytes(body[1:8], "big"), body[8])


def encode_ask(ask: Ask) -> bytes:
    return struct.pack(_ASK, ask.rank, ask.frames, ask.unacknowledged) + _waiting(ask.waiting)


def decode_ask(body: bytes) -> Ask:
    """Raises Malformed."""
    size = struct.calcsize(_ASK)
    waiting = _unpack(_WAITING, body[size:], "ask") if len(body) > size else (0,)
    return Ask(*(_unpack(_ASK, body[:size], "ask") + waiting))


def _waiting(bits: int) -> bytes:
    return struct.pack(_WAITING, bits) if bits else b""


def encode_poll(poll: Poll) -> bytes:
    """Of a stamp without a time the ripple alone."""
    has_time = poll.stamp.time_us > 0
    are_short = max([ack[2] for ack in poll.acks] + [0]) <= 0xFF
    shape = (len(poll.acks) | (_ARE_SHORT if are_short else 0)
             | (_HAS_WAITING if poll.waiting else 0) | (_HAS_TIME if has_time else 0))
    return struct.pack(
        _POLL, poll.gateway, poll.heartbeat, poll.rank, poll.number, poll.heard, shape,
    ) + (encode_stamp(poll.stamp) if has_time else bytes((poll.stamp.ripple,))
         ) + _waiting(poll.waiting) + b"".join(
        [struct.pack(_SHORT if are_short else _ACK, *ack) for ack in poll.acks]
        + [struct.pack(_RECEIPT, *receipt) for receipt in poll.receipts])


def decode_poll(body: bytes) -> Poll:
    """Raises Malformed."""
    head_size = struct.calcsize(_POLL)
    gateway, heartbeat, rank, number, heard, shape = _unpack(_POLL, body[:head_size], "poll")
    at = head_size + (STAMP_SIZE if shape & _HAS_TIME else 1)
    stamp = decode_stamp(bytes(STAMP_SIZE - at + head_size) + body[head_size:at])
    waiting = 0
    if shape & _HAS_WAITING:
        waiting, = _unpack(_WAITING, body[at:at + _WAITING_SIZE], "poll")
        at += _WAITING_SIZE
    form, size = (_SHORT, _SHORT_SIZE) if shape & _ARE_SHORT else (_ACK, _ACK_SIZE)
    begin = at + (shape & _ACKS) * size
    if shape & _ACKS > ACKS_MAX or begin > len(body):
        raise Malformed("poll with %d acknowledgements in %d bytes" % (shape & _ACKS, len(body)))
    rest = len(body) - begin
    if rest % _RECEIPT_SIZE or rest > _RECEIPT_SIZE * RECEIPTS_MAX:
        raise Malformed("poll of %d bytes" % len(body))
    return Poll(gateway, heartbeat, rank, number, heard, waiting, stamp,
                _rows(form, size, body[at:begin]), _rows(_RECEIPT, _RECEIPT_SIZE, body[begin:]))


def _rows(form: str, size: int, body: bytes) -> list[tuple[int, int, int]]:
    return [struct.unpack(form, body[at:at + size]) for at in range(0, len(body), size)]


def encode_data(rank: int, number: int, items: list[Item]) -> bytes:
    """Pieces of as many origins as fit, in answer to poll `number`, by a station of `rank`."""
    body = struct.pack(_DATA, rank, number) + encode_items(items)
    assert len(body) <= BODY_MAX
    return body


def decode_data(body: bytes) -> tuple[int, int, list[Item]]:
    """(rank, number of the poll, items). Raises Malformed."""
    if len(body) < DATA_HEAD:
        raise Malformed("data of %d bytes" % len(body))
    rank, number = struct.unpack(_DATA, body[:DATA_HEAD])
    return rank, number, decode_items(body, DATA_HEAD)


def encode_taken(counter: int) -> bytes:
    """The answer to pieces that were handed over by wire, under this counter of their sender."""
    return counter.to_bytes(4, "big")


def decode_taken(body: bytes) -> int:
    """Raises Malformed."""
    if len(body) != 4:
        raise Malformed("answer of %d bytes to what was handed over" % len(body))
    return int.from_bytes(body, "big")


def encode_items(items: list[Item]) -> bytes:
    parts = []
    for item in items:
        parts.append(struct.pack(
            _ITEM, item.origin, item.number, item.fragment | (_LAST if item.is_last else 0),
            item.mark, len(item.content)))
        parts.append(item.content)
    return b"".join(parts)


def decode_items(body: bytes, at: int) -> list[Item]:
    """The items from `at` to the end. Raises Malformed."""
    items = []
    while at < len(body):
        if len(body) - at < ITEM_HEAD:
            raise Malformed("items: %d bytes behind the last one" % (len(body) - at))
        origin, number, fragment, mark, size = struct.unpack(_ITEM, body[at:at + ITEM_HEAD])
        at += ITEM_HEAD
        if size > len(body) - at or mark > NOTE:
            raise Malformed("item %02x of %d bytes where %d are left" % (
                mark, size, len(body) - at))
        items.append(Item(
            origin, number, fragment & 127, fragment >= _LAST, body[at:at + size], mark))
        at += size
    return items


def _unpack(form: str, body: bytes, what: str) -> tuple[int, ...]:
    if len(body) != struct.calcsize(form):
        raise Malformed("%s of %d bytes" % (what, len(body)))
    return struct.unpack(form, body)
