"""Updates on the wire: what was encoded is decoded, and nothing else is."""

from tests.portable import raises
from wum_shared import cbor, updates
from wum_shared.errors import Malformed, Unsupported

ASSIGNMENT = updates.Assignment(5, 1_790_000_000, 1_790_003_600, False, b"envelope")
CONFIRMATION = updates.Confirmation(b"d" * 32, b"n" * 16)
CALL_OFF = updates.CallOff(7)
SUCCESSION = updates.Succession((b"second", b"third"))
WANT = updates.Want(b"d" * 32, updates.CONTENT, ((0, 3), (9, 1)))
PIECES = updates.Pieces(b"d" * 32, updates.CONTENT, 9, b"x" * 1500)
STANDING = updates.Standing(7, updates.REVERTED, 5, b"d" * 32, 3, 9, 1_790_000_000, b"n" * 16,
                            "release 7: no meter answered", 3)
BOTH_WAYS = ((updates.encode_want, updates.decode_want, WANT),
             (updates.encode_pieces, updates.decode_pieces, PIECES),
             (updates.encode_standing, updates.decode_standing, STANDING),
             (updates.encode_demand, updates.decode_demand, ASSIGNMENT),
             (updates.encode_demand, updates.decode_demand, CONFIRMATION),
             (updates.encode_demand, updates.decode_demand, CALL_OFF),
             (updates.encode_demand, updates.decode_demand, SUCCESSION))


def test_what_was_encoded_is_what_is_decoded():
    for encode, decode, message in BOTH_WAYS:
        assert decode(encode(message)) == message
        assert type(decode(encode(message))) is type(message)


def test_what_is_cut_off_or_longer_is_none():
    for encode, decode, message in BOTH_WAYS:
        data = encode(message)
        for size in range(0, len(data), 1 + len(data) // 60):
            raises(Malformed, lambda size=size, data=data, decode=decode: decode(data[:size]))
        raises(Malformed, lambda data=data, decode=decode: decode(data + b"\0"))


def test_another_version_is_named_as_such():
    for encode, decode, message in BOTH_WAYS:
        other = cbor.encode([1] + cbor.decode(encode(message))[1:])
        raises(Unsupported, lambda other=other, decode=decode: decode(other))


def test_fields_that_cannot_be_are_refused_by_name():
    def demand(*parts):
        return raises(Malformed, lambda: updates.decode_demand(cbor.encode(list(parts))))

    assert "kind" in demand(0, 6, 0)
    assert "ends at 5 and begins at 5" in demand(0, updates.ASSIGN, 0, 5, 5, 0, b"")
    assert "may-go-back" in demand(0, updates.ASSIGN, 0, 5, 6, 2, b"")
    assert "envelope" in demand(0, updates.ASSIGN, 0, 5, 6, 0, bytes(4097))
    assert "nonce" in demand(0, updates.CONFIRM, bytes(32), bytes(15))
    assert "update order" in demand(0, updates.CALL_OFF, 7, 8)
    assert "documents" in demand(0, updates.SUCCEED, [])
    assert "documents" in demand(0, updates.SUCCEED, [b""] * 9)
    assert "document" in demand(0, updates.SUCCEED, [bytes(2049)])
    for ranges in ([], [[0]], [[0, 0]], [[0, 1]] * 33, [[updates.PLACE_MAX + 1, 1]]):
        raises(Malformed, lambda ranges=ranges: updates.decode_want(
            cbor.encode([0, bytes(32), 1, ranges])))
    raises(Malformed, lambda: updates.decode_pieces(
        cbor.encode([0, bytes(32), 1, 0, bytes(15 * 1024 + 1)])))
    raises(Malformed, lambda: updates.decode_standing(
        updates.encode_standing(STANDING)[:-2] + b"\n\3"))
