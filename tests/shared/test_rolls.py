"""Rolls on the wire: what was encoded is decoded, nothing else is, and who is on it is told."""

from tests.portable import raises
from wum_shared import cbor, rolls, updates
from wum_shared.errors import Malformed, Unsupported
from wum_shared.rolls import Roll

COMMON = updates.Assignment(5, 1_790_000_000, 1_790_003_600, True, b"envelope")
ROLL = Roll(COMMON, b"hashes", (b"a" * 8, b"b" * 8, b"c" * 8))


def test_what_was_encoded_is_what_is_decoded():
    data = rolls.encode_roll(ROLL)
    assert rolls.decode_roll(data) == ROLL and type(rolls.decode_roll(data)) is Roll
    named = rolls.name_of(data)
    assert updates.decode_demand(updates.encode_demand(named)) == named
    assert named.size == len(data) and rolls.address_of(named) == named.digest[:8]


def test_whoever_stands_on_it_is_told_the_same_and_nobody_else_is_meant():
    for member in (b"a" * 8, b"b" * 8, b"c" * 8):
        assert ROLL.of(member) == COMMON
    for other in (b"d" * 8, b"", b"b" * 7, b"\0" * 8, b"aaaabbbb"):
        assert ROLL.of(other) is None


def test_a_full_mesh_with_the_hashes_of_200_kib_fits_into_a_page():
    many = tuple(number.to_bytes(8, "big") for number in range(500))
    data = rolls.encode_roll(Roll(COMMON, bytes(200 * 16), many))
    assert len(data) <= updates.ROLL_BYTES_MAX and rolls.decode_roll(data).members == many
    raises(Malformed, lambda: rolls.encode_roll(Roll(COMMON, bytes(5000), many)))


def test_what_is_cut_off_or_longer_or_of_another_version_is_none():
    data = rolls.encode_roll(ROLL)
    for size in range(len(data)):
        raises(Malformed, lambda size=size: rolls.decode_roll(data[:size]))
    raises(Malformed, lambda: rolls.decode_roll(data + b"\0"))
    raises(Unsupported, lambda: rolls.decode_roll(cbor.encode([1] + cbor.decode(data)[1:])))


def test_fields_that_cannot_be_are_refused_by_name():
    def roll(**changed):
        parts = cbor.decode(rolls.encode_roll(ROLL))
        for place in changed:
            parts[int(place[1:])] = changed[place]
        return raises(Malformed, lambda: rolls.decode_roll(cbor.encode(parts)))

    assert "floor" in roll(_1=-1)
    assert "begins" in roll(_2=-1)
    assert "ends at 1790000000 and begins at 1790000000" in roll(_3=1_790_000_000)
    assert "may-go-back" in roll(_4=2)
    assert "envelope" in roll(_5=bytes(4097))
    assert "index" in roll(_6="hashes")
    for members in (b"", b"a" * 7, b"a" * 12, [b"a" * 8], bytes(513 * 8)):
        assert "members" in roll(_7=members)
    for members in (b"b" * 8 + b"a" * 8, b"a" * 16):
        assert "out of order, or one stands twice" in roll(_7=members)


def test_a_demand_that_names_no_roll_is_refused():
    def demand(*parts):
        return raises(Malformed, lambda: updates.decode_demand(cbor.encode(list(parts))))

    assert "roll" in demand(0, updates.ON_ROLL, bytes(31), 9)
    assert "roll size" in demand(0, updates.ON_ROLL, bytes(32), 0)
    assert "roll size" in demand(0, updates.ON_ROLL, bytes(32), 8193)
    assert "update order" in demand(0, updates.ON_ROLL, bytes(32))
