"""Ripple order and ripple report: what a gateway floods to a group of its mesh, and who has it.

The order is sealed for one gateway like everything that goes down; its payload is none of the
gateway's business, goes to every member of the group as it is, and has to prove by itself whose
word it is. Left out: the flood (wum_edge/mesh/ripple.py), what a payload says. contract.cddl.
"""

from collections import namedtuple

from wum_shared import cbor, fields
from wum_shared.errors import Malformed
from wum_shared.mesh import ADDRESS_MAX
from wum_shared.messages import TIME_MAX_S, time_field, versioned

ORDER_MAX = 0xFFFFFFFF
ORDER_SIZE = 4               # Before the payload, on the air: gateways that repeat it say one word.
PAYLOAD_MAX = 213            # One frame of 255 bytes: nobody waits for a second one.
GROUPS_MAX = 256
EVERYBODY = None
MEMBERS_BYTES_MAX = 64       # A bit for each of 512 stations.
RIPPLE_ORDER_BYTES_MAX = 512
RIPPLE_REPORT_BYTES_MAX = 256
_TIME_MAX_MS = TIME_MAX_S * 1000

# What became of an order at a gateway.
FLOODED = 0                  # It is on the air; `members` have it.
TOO_LATE = 1                 # It was to begin, or to be carried out, before it came.
NO_TIME = 2                  # The gateway does not know what time it is.
NO_GATEWAY = 3               # It is none at present, or of another network.
OUTCOMES = {FLOODED: "flooded", TOO_LATE: "too late", NO_TIME: "gateway without time",
            NO_GATEWAY: "no gateway of this network at present"}


class RippleOrder(namedtuple("RippleOrder", (
        "order", "network", "group", "execute_ms", "until_s", "expected", "payload"))):
    """`group` 0..255, or EVERYBODY. `execute_ms`: the moment at which all carry it out, 0 for each
    when it comes. It is not flooded after `until_s`. `expected`: bit map of the stations that are
    to have it, the lowest bit first: as long as one lacks it, it is repeated.
    """

    __slots__ = ()
    order: int
    network: int
    group: int | None
    execute_ms: int
    until_s: int
    expected: bytes
    payload: bytes


class RippleReport(namedtuple("RippleReport", (
        "order", "network", "gateway", "outcome", "at_s", "members"))):
    """A picture, like a mesh report: one that is lost is made good by the next. `gateway` is the
    address of who tells; `members`: bit map of the stations that it knows to have the order.
    """

    __slots__ = ()
    order: int
    network: int
    gateway: int
    outcome: int
    at_s: int
    members: bytes


def encode_ripple_order(order: RippleOrder) -> bytes:
    """CBOR of an order, to be sealed with the downlink key of a gateway."""
    return cbor.encode([fields.VERSION] + list(order))


def decode_ripple_order(data: bytes) -> RippleOrder:
    """The order in `data`. Raises Malformed, Unsupported."""
    parts = versioned(data, 8, "ripple order", RIPPLE_ORDER_BYTES_MAX)
    group = parts[3]
    return RippleOrder(
        _order(parts[1], "ripple order number"),
        fields.number(parts[2], 1, 0xFFFF, "ripple order network"),
        EVERYBODY if group is None else fields.number(
            group, 0, GROUPS_MAX - 1, "ripple order group"),
        fields.number(parts[4], 0, _TIME_MAX_MS, "ripple order execute-at"),
        time_field(parts[5], "ripple order until"),
        bit_map(parts[6], "ripple order expected"),
        _payload(parts[7]))


def encode_ripple_report(report: RippleReport) -> bytes:
    """CBOR of a report, to be sealed with the uplink key of the gateway."""
    return cbor.encode([fields.VERSION] + list(report))


def decode_ripple_report(data: bytes) -> RippleReport:
    """The report in `data`. Raises Malformed, Unsupported."""
    parts = versioned(data, 7, "ripple report", RIPPLE_REPORT_BYTES_MAX)
    return RippleReport(
        _order(parts[1], "ripple report order"),
        fields.number(parts[2], 1, 0xFFFF, "ripple report network"),
        fields.number(parts[3], 1, ADDRESS_MAX, "ripple report gateway"),
        fields.number(parts[4], 0, 255, "ripple report outcome"),
        time_field(parts[5], "ripple report at"),
        bit_map(parts[6], "ripple report members"))


def members_of(bits: bytes) -> list[int]:
    """The addresses in a bit map."""
    return [8 * place + bit for place, byte in enumerate(bits) for bit in range(8)
            if byte >> bit & 1]


def bits_of(addresses: list[int]) -> bytes:
    """The bit map of these addresses; those that have no place in one are left out."""
    bits = bytearray(MEMBERS_BYTES_MAX)
    for address in addresses:
        if address < 8 * MEMBERS_BYTES_MAX:
            bits[address // 8] |= 1 << address % 8
    size = MEMBERS_BYTES_MAX
    while size and not bits[size - 1]:
        size -= 1
    return bytes(bits[:size])


def bit_map(value: object, what: str) -> bytes:
    """At most MEMBERS_BYTES_MAX bytes, the last of which is not 0: one map has one form."""
    if type(value) is not bytes or len(value) > MEMBERS_BYTES_MAX or value[-1:] == b"\x00":
        raise Malformed("%s: wanted at most %d bytes, the last one not 0, got %s" % (
            what, MEMBERS_BYTES_MAX, fields.shown(value)))
    return value


def _order(value: object, what: str) -> int:
    return fields.number(value, 1, ORDER_MAX, what)


def _payload(value: object) -> bytes:
    if type(value) is not bytes or not 1 <= len(value) <= PAYLOAD_MAX:
        raise Malformed("ripple order payload: wanted 1..%d bytes, got %s" % (
            PAYLOAD_MAX, fields.shown(value)))
    return value
