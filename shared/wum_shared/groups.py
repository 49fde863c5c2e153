"""Groups: which meters of a concentrator are ordered about together, and what became of each.

    memberships    down  all groups of one concentrator, sealed once more with its downlink key:
                         arguments of an order "join groups", which is kept, and opens nothing
    results        up    content of a receipt: what became of each meter of a group

A group has versions, each with a key of its own: who is no longer a member reads nothing that comes
after, and an order for another version than a concentrator has is refused. Left out: keeping them
(wum_edge/orders/groups.py), the orders themselves (orders.py). Layout: contract.cddl.
"""

from collections import namedtuple

from wum_shared import cbor, fields
from wum_shared.cose import KEY_ID_SIZE, key_id
from wum_shared.errors import Malformed
from wum_shared.ids import CONCENTRATOR_SIZE, checked_text
from wum_shared.messages import DirectionKey, versioned
from wum_shared.orders import ARGUMENTS_MAX, CONTENT_MAX, DONE, FAILED, UNKNOWN
from wum_shared.ripple import GROUPS_MAX

MEMBERSHIPS_MAX = 16         # Of one concentrator.
METERS_MAX = 64              # Of one concentrator in one group: those of a bus.
REFERENCE_SIZE = KEY_ID_SIZE
NOTE_MAX = 60                # Of one meter, bytes.


class Membership(namedtuple("Membership", ("group", "version", "number", "key", "meters"))):
    """One group (8 bytes) in one version (1..65535). `number` is what a mesh calls it, None where
    none floods to it; `meters` are the serials that are meant.
    """

    __slots__ = ()
    group: bytes
    version: int
    number: int | None
    key: DirectionKey
    meters: tuple[str, ...]

    def reference(self) -> bytes:
        """What an order calls it, in the place of a meter's serial."""
        return key_id(self.group, self.version)

    def __repr__(self) -> str:
        return "Membership(%s, version %d)" % (self.group.hex(), self.version)


class MeterResult(namedtuple("MeterResult", ("serial", "state", "reason", "note"))):
    """What became of one meter: DONE, FAILED or UNKNOWN, with one of the receipts' reasons."""

    __slots__ = ()
    serial: str
    state: int
    reason: int
    note: str


def encode_memberships(groups: list[Membership]) -> bytes:
    """Arguments of an order. Raises Malformed for what `decode_memberships` refuses."""
    data = cbor.encode([fields.VERSION, [
        [one.group, one.version, one.number, one.key.key, one.key.context_iv, list(one.meters)]
        for one in groups]])
    decode_memberships(data)
    return data


def decode_memberships(data: bytes) -> list[Membership]:
    """All groups that a concentrator is in from now on. Raises Malformed, Unsupported."""
    parts = versioned(data, 2, "groups", ARGUMENTS_MAX)
    found = [_membership(one) for one in fields.items(parts[1], MEMBERSHIPS_MAX, "groups")]
    fields.unlike([one.group for one in found], "groups")
    return found


def encode_results(results: list[MeterResult]) -> bytes:
    """Content of a receipt; notes are cut so that it holds all."""
    assert len(results) <= METERS_MAX
    data = cbor.encode([fields.VERSION, [
        [one.serial, one.state, one.reason, fields.fitting(one.note, NOTE_MAX)]
        for one in results]])
    assert len(data) <= CONTENT_MAX
    return data


def decode_results(data: bytes) -> list[MeterResult]:
    """What became of each meter. Raises Malformed, Unsupported."""
    parts = versioned(data, 2, "results", CONTENT_MAX)
    found = [_result(one) for one in fields.items(parts[1], METERS_MAX, "results")]
    fields.unlike([one.serial for one in found], "results")
    return found


def is_reference(value: object) -> bool:
    """Whether an argument stands for a group."""
    return type(value) is bytes and len(value) == REFERENCE_SIZE


def _membership(value: object) -> Membership:
    parts = fields.record(value, 6, "group")
    number = parts[2]
    if number is not None:
        number = fields.number(number, 0, GROUPS_MAX - 1, "group number")
    meters = [checked_text(one, "group meter")
              for one in fields.items(parts[5], METERS_MAX, "group meters", least=1)]
    fields.unlike(list(meters), "group meters")
    return Membership(
        fields.octets(parts[0], CONCENTRATOR_SIZE, "group id"),
        fields.number(parts[1], 1, 0xFFFF, "group version"), number,
        DirectionKey(fields.octets(parts[3], 32, "group key"),
                     fields.octets(parts[4], 12, "group context-iv")), tuple(meters))


def _result(value: object) -> MeterResult:
    parts = fields.record(value, 4, "result")
    state = fields.number(parts[1], DONE, UNKNOWN, "result state")
    if state not in (DONE, FAILED, UNKNOWN):
        raise Malformed("result state: wanted done, failed or unknown, got %d" % state)
    return MeterResult(checked_text(parts[0], "result serial"), state,
                       fields.number(parts[2], 0, 255, "result reason"),
                       fields.text(parts[3], NOTE_MAX, "result note"))
