"""A transparent session with a meter: bytes to its line and from it, in numbered pieces.

A piece down is signed by an order key, one up by the concentrator's identity, and each is sealed
like everything else. Numbers begin with 1 in each direction and leave none out: one that came is
taken once, and a piece that is missing ends the session. Left out: who may have one (an order,
orders.py), the line, keeping what was said. Layout: contract.cddl.
"""

from collections import namedtuple

from wum_shared import cbor, cose, fields
from wum_shared.cipher import Signer, Verifier
from wum_shared.errors import NotGenuine
from wum_shared.ids import CONCENTRATOR_SIZE, concentrator_id
from wum_shared.messages import sequence_field, versioned
from wum_shared.orders import ORDER_ID_SIZE
from wum_shared.topics import DOWN, UP

DATA_MAX = 1024              # Of one piece: a long frame of HDLC takes three.
PIECE_BYTES_MAX = DATA_MAX + 128
BYTES_MAX = 256 * 1024       # Of one session, in each direction.
IDLE_S = 60                  # Without a piece from the head-end a session ends.
QUIET_MS = 100               # What comes from the meter goes up when it has been quiet for so long.


class Piece(namedtuple("Piece", (
        "concentrator", "session", "direction", "number", "data", "is_last"))):
    """Bytes of the session with this id (of its order, 8 bytes). `direction`: topics.UP or DOWN."""

    __slots__ = ()
    concentrator: bytes
    session: bytes
    direction: str
    number: int
    data: bytes
    is_last: bool


def sign_piece(signer: Signer, seed: bytes, key: bytes, piece: Piece) -> bytes:
    """`piece`, signed by the holder of `seed`, whose public key is `key`."""
    assert len(piece.data) <= DATA_MAX
    return cose.sign(signer, seed, concentrator_id(key), encode_piece(piece))


def open_piece(verifier: Verifier, keys: tuple[bytes, ...], signed: bytes) -> Piece:
    """The piece that a holder of one of `keys` signed. Raises NotGenuine, Malformed, Unsupported.
    """
    kid, _ = cose.peek_signed(signed)
    for key in keys:
        if concentrator_id(key) == kid:
            return decode_piece(cose.verify(verifier, key, signed))
    raise NotGenuine("session: signed by a key that may not")


def encode_piece(piece: Piece) -> bytes:
    """CBOR of a piece, to be signed."""
    return cbor.encode([fields.VERSION, "session"] + list(piece))


def decode_piece(payload: bytes) -> Piece:
    """The piece in `payload`. Raises NotGenuine, Malformed, Unsupported."""
    parts = versioned(payload, 8, "session piece", PIECE_BYTES_MAX)
    if parts[1] != "session" or parts[4] not in (UP, DOWN) or type(parts[7]) is not bool:
        raise NotGenuine("session piece: it is none")
    return Piece(
        fields.octets(parts[2], CONCENTRATOR_SIZE, "session concentrator"),
        fields.octets(parts[3], ORDER_ID_SIZE, "session id"), str(parts[4]),
        sequence_field(parts[5], "session number"),
        fields.bounded(parts[6], DATA_MAX, "session data"), parts[7])
