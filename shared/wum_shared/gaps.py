"""Gap request and gap answer: what the head-end lacks, and what became of each part of it.

The records themselves come as batches like any other. Left out: sealing (cose.py), who asks when
(the head-end), where the answer comes from (the concentrator's archive). Layout: contract.cddl.
"""

from collections import namedtuple

from wum_shared import cbor, fields
from wum_shared.errors import Malformed
from wum_shared.ids import CONCENTRATOR_SIZE, INCARNATION_SIZE, checked_text
from wum_shared.messages import SEQUENCE_MAX, sequence_field, time_field, versioned

RANGES_MAX = 64              # Of one request: an hour of the 64 meters on a bus.
NUMBERS_MAX = 16384          # Of all its ranges by number: some sixteen batches.
SPAN_MAX_S = 86400           # Of a range by time: a day of one meter.
PARTS_MAX = 256              # Of one answer; what finds no place in it is asked for again.
GAP_REQUEST_BYTES_MAX = 6144
GAP_ANSWER_BYTES_MAX = 8192


class GapRange(namedtuple("GapRange", ("of", "first", "last"))):
    """What is asked for, both ends included.

    With `of` the incarnation of an archive (8 bytes): its records first..last, by number. With
    `of` a meter's serial: what was captured in the UTC seconds first..last.
    """

    __slots__ = ()
    of: bytes | str
    first: int
    last: int


class GapRequest(namedtuple("GapRequest", ("concentrator", "number", "ranges"))):
    """Asks one concentrator for `ranges` once more. The answer repeats `number`."""

    __slots__ = ()
    concentrator: bytes
    number: int
    ranges: tuple[GapRange, ...]


class GapPart(namedtuple("GapPart", ("range", "first", "last", "reason", "outcome"))):
    """What became of first..last (numbers or seconds) of the request's range with this index.

    `reason` is one of status.GAPS; `outcome` says what a meter that gave nothing did
    (status.OUTCOMES), 0 elsewhere.
    """

    __slots__ = ()
    range: int
    first: int
    last: int
    reason: int
    outcome: int


class GapAnswer(namedtuple("GapAnswer", ("incarnation", "number", "parts"))):
    """The answer of the archive `incarnation`, by range, then by place; nothing stands twice.

    What is in no part was not looked at.
    """

    __slots__ = ()
    incarnation: bytes
    number: int
    parts: tuple[GapPart, ...]


def encode_gap_request(request: GapRequest) -> bytes:
    """CBOR of a request, to be sealed with the downlink key."""
    return cbor.encode([fields.VERSION, request.concentrator, request.number,
                        [list(one) for one in request.ranges]])


def decode_gap_request(data: bytes) -> GapRequest:
    """The request in `data`. Raises Malformed, Unsupported."""
    parts = versioned(data, 4, "gap request", GAP_REQUEST_BYTES_MAX)
    ranges = tuple([_range(one) for one in fields.items(
        parts[3], RANGES_MAX, "gap request ranges", least=1)])
    numbers = sum([1 + one.last - one.first for one in ranges if type(one.of) is bytes])
    if numbers > NUMBERS_MAX:
        raise Malformed("gap request: wanted at most %d numbers, got %d" % (NUMBERS_MAX, numbers))
    return GapRequest(
        fields.octets(parts[1], CONCENTRATOR_SIZE, "gap request concentrator"),
        sequence_field(parts[2], "gap request number"), ranges)


def encode_gap_answer(answer: GapAnswer) -> bytes:
    """CBOR of an answer, to be sealed with the uplink key."""
    return cbor.encode([fields.VERSION, answer.incarnation, answer.number,
                        [list(part) for part in answer.parts]])


def decode_gap_answer(data: bytes) -> GapAnswer:
    """The answer in `data`. Raises Malformed, Unsupported."""
    parts = versioned(data, 4, "gap answer", GAP_ANSWER_BYTES_MAX)
    found = tuple([_part(one) for one in fields.items(parts[3], PARTS_MAX, "gap answer parts")])
    for place, part in enumerate(found[1:]):
        before = found[place]
        if (part.range, part.first) <= (before.range, before.last):
            raise Malformed("gap answer parts: out of order, or one stands twice")
    return GapAnswer(
        fields.octets(parts[1], INCARNATION_SIZE, "gap answer incarnation"),
        sequence_field(parts[2], "gap answer number"), found)


def _range(value: object) -> GapRange:
    parts = fields.record(value, 3, "gap range")
    if type(parts[0]) is bytes:
        first = sequence_field(parts[1], "gap range first")
        return GapRange(
            fields.octets(parts[0], INCARNATION_SIZE, "gap range incarnation"), first,
            fields.number(parts[2], first, SEQUENCE_MAX, "gap range last"))
    first = time_field(parts[1], "gap range first")
    last = fields.number(parts[2], first, first + SPAN_MAX_S - 1, "gap range last")
    return GapRange(checked_text(parts[0], "gap range serial"), first,
                    time_field(last, "gap range last"))


def _part(value: object) -> GapPart:
    parts = fields.record(value, 5, "gap part")
    first = fields.number(parts[1], 0, SEQUENCE_MAX, "gap part first")
    return GapPart(
        fields.number(parts[0], 0, RANGES_MAX - 1, "gap part range"), first,
        fields.number(parts[2], first, SEQUENCE_MAX, "gap part last"),
        fields.number(parts[3], 0, 255, "gap part reason"),
        fields.number(parts[4], 0, 255, "gap part outcome"))
