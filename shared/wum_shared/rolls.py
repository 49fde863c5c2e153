"""The roll: one assignment for many stations of a mesh.

Not signed itself: an order names its SHA-256 (updates.OnRoll) and is to the first 8 bytes of that,
so that who holds a roll that the order names, and finds itself on it, knows that the head-end has
assigned it this. It holds nothing secret. Left out: how it comes. Layout: contract.cddl.
"""

from collections import namedtuple
from hashlib import sha256

from wum_shared import cbor, fields
from wum_shared.errors import Malformed
from wum_shared.ids import CONCENTRATOR_SIZE
from wum_shared.messages import time_field, versioned
from wum_shared.suit import ENVELOPE_BYTES_MAX, SEQUENCE_MAX
from wum_shared.updates import ROLL_BYTES_MAX, Assignment, OnRoll

MEMBERS_MAX = 512            # As many as a mesh counts.


class Roll(namedtuple("Roll", ("assignment", "index", "members"))):
    """`assignment` is everybody's; `members` are ids, rising. `index`: the hashes of the release's
    pieces, where there is room for them and the envelope has none; it names their SHA-256.
    """

    __slots__ = ()
    assignment: Assignment
    index: bytes
    members: tuple[bytes, ...]

    def of(self, concentrator: bytes) -> Assignment | None:
        """What it says to one; None: nothing."""
        return self.assignment if concentrator in self.members else None


def encode_roll(roll: Roll) -> bytes:
    """CBOR of a roll. Raises Malformed for one that `decode_roll` refuses."""
    common = roll.assignment
    data = cbor.encode([
        fields.VERSION, common.floor, common.begins_s, common.ends_s, int(common.may_go_back),
        common.envelope, roll.index, b"".join(roll.members)])
    decode_roll(data)
    return data


def decode_roll(data: bytes) -> Roll:
    """The roll in `data`. Raises Malformed, Unsupported."""
    parts = versioned(data, 8, "roll", ROLL_BYTES_MAX)
    begins_s = time_field(parts[2], "roll begins")
    ends_s = time_field(parts[3], "roll ends")
    if ends_s <= begins_s:
        raise Malformed("roll: it ends at %d and begins at %d" % (ends_s, begins_s))
    ids = fields.bounded(parts[7], MEMBERS_MAX * CONCENTRATOR_SIZE, "roll members")
    if not ids or len(ids) % CONCENTRATOR_SIZE:
        raise Malformed("roll members: wanted ids of %d bytes, got %d bytes" % (
            CONCENTRATOR_SIZE, len(ids)))
    members = [ids[at:at + CONCENTRATOR_SIZE] for at in range(0, len(ids), CONCENTRATOR_SIZE)]
    for place in range(1, len(members)):
        if members[place] <= members[place - 1]:
            raise Malformed("roll members: out of order, or one stands twice")
    return Roll(Assignment(
        fields.number(parts[1], 0, SEQUENCE_MAX, "roll floor"), begins_s, ends_s,
        fields.number(parts[4], 0, 1, "roll may-go-back") == 1,
        fields.bounded(parts[5], ENVELOPE_BYTES_MAX, "roll envelope")),
        fields.bounded(parts[6], ROLL_BYTES_MAX, "roll index"), tuple(members))


def name_of(data: bytes) -> OnRoll:
    """What an order says of an encoded roll."""
    return OnRoll(sha256(data).digest(), len(data))


def address_of(demand: OnRoll) -> bytes:
    """Whom an order is to that names a roll: an id like a concentrator's or a group's."""
    return demand.digest[:CONCENTRATOR_SIZE]
