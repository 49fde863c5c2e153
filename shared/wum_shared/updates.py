"""Updates on the wire: what the head-end assigns, the pieces of a release, and how it goes.

An assignment, a confirmation, a calling off, a succession and a roll's digest are arguments of an
order, so that they are signed, numbered and carried out once like any order. Pieces are checked one
by one against the release (bundle.py), whoever brings them. A standing is signed by the
concentrator's identity; the version in it is the only truth about what runs. Left out: the envelope
of the release (suit.py), sealing. Layout: contract.cddl.
"""

from collections import namedtuple

from wum_shared import cbor, fields, messages
from wum_shared.errors import Malformed
from wum_shared.messages import note_field, sequence_field, time_field, versioned
from wum_shared.release_trust import DOCUMENT_BYTES_MAX
from wum_shared.release_trust import NUMBER_MAX as TRUST_NUMBER_MAX
from wum_shared.suit import CHUNK_SIZE, CONTENT_BYTES_MAX, ENVELOPE_BYTES_MAX, SEQUENCE_MAX

TYPE_CHECKING = False        # True for type checkers only.

# What an order about updates asks for.
ASSIGN, CONFIRM, CALL_OFF, SUCCEED, ON_ROLL = 1, 2, 3, 4, 5
# The parts of a release that travel in pieces; a roll travels as they do, by its own digest.
INDEX, CONTENT, ROLL = 0, 1, 2
# Where a concentrator stands with the assignment that it took last.
IDLE, FETCHING, STAGED, TRIAL, CONFIRMED, REVERTED, CALLED_OFF = 0, 1, 2, 3, 4, 5, 6
STATES = {
    IDLE: "nothing assigned", FETCHING: "fetching", STAGED: "waiting for its window",
    TRIAL: "on trial", CONFIRMED: "confirmed", REVERTED: "came back", CALLED_OFF: "called off",
}
HOME_FACTORY = bytes(32)      # The digest of what came with the machine.
NONCE_SIZE = 16
PIECES_MAX = 15               # Of one message: 15 KiB, and the batch's limits hold.
RANGES_MAX = 32
PLACE_MAX = CONTENT_BYTES_MAX // CHUNK_SIZE
STANDING_BYTES_MAX = 512
WANT_BYTES_MAX = 512
PIECES_BYTES_MAX = PIECES_MAX * CHUNK_SIZE + 64
DEMAND_BYTES_MAX = ENVELOPE_BYTES_MAX + 128
ROLL_BYTES_MAX = 8192         # One page of the mesh.
DOCUMENTS_MAX = 8             # Of one order, if they fit; the next one brings those after them.


class Assignment(namedtuple("Assignment", (
        "floor", "begins_s", "ends_s", "may_go_back", "envelope"))):
    """This concentrator is to run the release of `envelope` (suit.py).

    It may begin with it from `begins_s` to `ends_s` (UTC); it may fetch before. floor: no lower
    sequence is installed any more, once this is confirmed. may_go_back: the sequence may be lower
    than that which runs.
    """

    __slots__ = ()
    floor: int
    begins_s: int
    ends_s: int
    may_go_back: bool
    envelope: bytes


class Confirmation(namedtuple("Confirmation", ("digest", "nonce"))):
    """The head-end has heard the standing with this nonce, of a release with this digest."""

    __slots__ = ()
    digest: bytes
    nonce: bytes


class CallOff(namedtuple("CallOff", ("assignment",))):
    """Assignments up to this number are called off, unless they are confirmed."""

    __slots__ = ()
    assignment: int


class Succession(namedtuple("Succession", ("documents",))):
    """The next documents of release_trust.py, the lowest first: signed by root keys, not by us."""

    __slots__ = ()
    documents: tuple[bytes, ...]


class OnRoll(namedtuple("OnRoll", ("digest", "size"))):
    """Whoever stands on the roll with this SHA-256 is assigned what it says (rolls.py). The order
    is to the roll, whose id is the first 8 bytes of `digest`.
    """

    __slots__ = ()
    digest: bytes
    size: int


class Want(namedtuple("Want", ("digest", "part", "ranges"))):
    """Pieces of the release with this digest that are wanted: (first place, count) each."""

    __slots__ = ()
    digest: bytes
    part: int
    ranges: tuple[tuple[int, int], ...]


class Pieces(namedtuple("Pieces", ("digest", "part", "first", "data"))):
    """Pieces of CHUNK_SIZE bytes from place `first` on; the release's last one may be shorter."""

    __slots__ = ()
    digest: bytes
    part: int
    first: int
    data: bytes


class Standing(namedtuple("Standing", (
        "assignment", "state", "sequence", "digest", "have", "of", "at_s", "nonce", "note",
        "trust"))):
    """How a concentrator stands. sequence, digest: of the release that runs as it says this.

    have, of: pieces that are there, and all that it wants; note: why it came back, or waits. trust:
    number of the document that says whose releases it takes; 0 where none can come after it.
    """

    __slots__ = ()
    assignment: int
    state: int
    sequence: int
    digest: bytes
    have: int
    of: int
    at_s: int
    nonce: bytes
    note: str
    trust: int


if TYPE_CHECKING:
    Demand = Assignment | Confirmation | CallOff | Succession | OnRoll


def encode_demand(demand: "Demand") -> bytes:
    """Arguments of an order about updates."""
    if type(demand) is Assignment:
        return cbor.encode([fields.VERSION, ASSIGN, demand.floor, demand.begins_s, demand.ends_s,
                            int(demand.may_go_back), demand.envelope])
    if type(demand) is Confirmation:
        return cbor.encode([fields.VERSION, CONFIRM, demand.digest, demand.nonce])
    if type(demand) is Succession:
        assert 1 <= len(demand.documents) <= DOCUMENTS_MAX
        return cbor.encode([fields.VERSION, SUCCEED, list(demand.documents)])
    if type(demand) is OnRoll:
        return cbor.encode([fields.VERSION, ON_ROLL, demand.digest, demand.size])
    assert type(demand) is CallOff
    return cbor.encode([fields.VERSION, CALL_OFF, demand.assignment])


def decode_demand(arguments: bytes) -> "Demand":
    """What such an order asks for. Raises Malformed, Unsupported."""
    what = "update order"
    parts = cbor.decode(arguments, most_bytes=DEMAND_BYTES_MAX)
    if type(parts) is not list or len(parts) < 3:
        raise Malformed("%s: wanted a list of 3 fields and more, got %s" % (
            what, fields.shown(parts)))
    fields.version(parts[0], what)
    kind = fields.number(parts[1], ASSIGN, ON_ROLL, what + " kind")
    if kind == CONFIRM:
        fields.record(parts, 4, what)
        return Confirmation(fields.octets(parts[2], 32, what + " digest"),
                            fields.octets(parts[3], NONCE_SIZE, what + " nonce"))
    if kind == CALL_OFF:
        fields.record(parts, 3, what)
        return CallOff(sequence_field(parts[2], what + " assignment"))
    if kind == SUCCEED:
        fields.record(parts, 3, what)
        return Succession(tuple([
            fields.bounded(one, DOCUMENT_BYTES_MAX, what + " document")
            for one in fields.items(parts[2], DOCUMENTS_MAX, what + " documents", least=1)]))
    if kind == ON_ROLL:
        fields.record(parts, 4, what)
        return OnRoll(fields.octets(parts[2], 32, what + " roll"),
                      fields.number(parts[3], 1, ROLL_BYTES_MAX, what + " roll size"))
    fields.record(parts, 7, what)
    begins_s = time_field(parts[3], what + " begins")
    ends_s = time_field(parts[4], what + " ends")
    if ends_s <= begins_s:
        raise Malformed("%s: it ends at %d and begins at %d" % (what, ends_s, begins_s))
    return Assignment(
        fields.number(parts[2], 0, SEQUENCE_MAX, what + " floor"), begins_s, ends_s,
        fields.number(parts[5], 0, 1, what + " may-go-back") == 1,
        fields.bounded(parts[6], ENVELOPE_BYTES_MAX, what + " envelope"))


def encode_want(want: Want) -> bytes:
    """CBOR of a want, to be sealed."""
    assert 1 <= len(want.ranges) <= RANGES_MAX
    return cbor.encode([fields.VERSION, want.digest, want.part,
                        [list(one) for one in want.ranges]])


def decode_want(data: bytes) -> Want:
    """The want in `data`. Raises Malformed, Unsupported."""
    parts = versioned(data, 4, "want", WANT_BYTES_MAX)
    ranges = []
    for one in fields.items(parts[3], RANGES_MAX, "want ranges", least=1):
        first, count = fields.record(one, 2, "want range")
        ranges.append((fields.number(first, 0, PLACE_MAX, "want first"),
                       fields.number(count, 1, PLACE_MAX, "want count")))
    return Want(fields.octets(parts[1], 32, "want digest"),
                fields.number(parts[2], INDEX, ROLL, "want part"), tuple(ranges))


def encode_pieces(pieces: Pieces) -> bytes:
    """CBOR of pieces, to be sealed."""
    assert 1 <= len(pieces.data) <= PIECES_MAX * CHUNK_SIZE
    return cbor.encode([fields.VERSION] + list(pieces))


def decode_pieces(data: bytes) -> Pieces:
    """The pieces in `data`. Raises Malformed, Unsupported."""
    parts = versioned(data, 5, "pieces", PIECES_BYTES_MAX)
    return Pieces(
        fields.octets(parts[1], 32, "pieces digest"),
        fields.number(parts[2], INDEX, ROLL, "pieces part"),
        fields.number(parts[3], 0, PLACE_MAX, "pieces first"),
        fields.bounded(parts[4], PIECES_MAX * CHUNK_SIZE, "pieces data"))


def encode_standing(standing: Standing) -> bytes:
    """CBOR of a standing, to be signed by the identity."""
    return cbor.encode([fields.VERSION] + list(standing))


def decode_standing(data: bytes) -> Standing:
    """The standing in `data`. Raises Malformed, Unsupported."""
    parts = versioned(data, 11, "standing", STANDING_BYTES_MAX)
    return Standing(
        fields.number(parts[1], 0, messages.SEQUENCE_MAX, "standing assignment"),
        fields.number(parts[2], IDLE, CALLED_OFF, "standing state"),
        fields.number(parts[3], 0, SEQUENCE_MAX, "standing sequence"),
        fields.octets(parts[4], 32, "standing digest"),
        fields.number(parts[5], 0, PLACE_MAX, "standing have"),
        fields.number(parts[6], 0, PLACE_MAX, "standing of"),
        time_field(parts[7], "standing at"),
        fields.octets(parts[8], NONCE_SIZE, "standing nonce"),
        note_field(parts[9], "standing note"),
        fields.number(parts[10], 0, TRUST_NUMBER_MAX, "standing trust"))
