"""cbor2 and our CBOR: one value has the same bytes in both, and both refuse the same bytes."""

import cbor2
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wum_shared import cbor
from wum_shared.errors import Malformed

KEYS = st.integers(-2**64, 2**64 - 1) | st.binary(max_size=30) | st.text(max_size=30)
LEAVES = KEYS | st.none() | st.booleans()
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=30) | st.dictionaries(KEYS, inner, max_size=8),
    max_leaves=40)
DEPTH = 64


def by_cbor2(data: bytes) -> object:
    """The value by cbor2 behind the rule of canonical re-encoding. Raises Malformed."""
    try:
        value = cbor2.loads(data)
        again = cbor2.dumps(value, canonical=True)
    except Exception as error:
        raise Malformed(str(error)) from error
    if again != data or not is_of_the_profile(value):
        raise Malformed("not of the profile")
    return value


def is_of_the_profile(value: object) -> bool:
    """Whether `value` is made of what the contract uses only."""
    if type(value) is list:
        return all(is_of_the_profile(item) for item in value)
    if type(value) is dict:
        return all(type(key) in (int, bytes, str) and is_of_the_profile(item)
                   for key, item in value.items())
    if type(value) is int:
        return -2**64 <= value < 2**64  # cbor2 writes greater ones as tags.
    return value is None or type(value) in (bytes, str, bool)


@settings(max_examples=400, deadline=None)
@given(VALUES)
def test_a_value_has_the_same_bytes_in_both(value):
    ours = cbor.encode(value)
    assert ours == cbor2.dumps(value, canonical=True) or has_keys_of_unlike_length(value)
    assert cbor2.loads(ours) == value
    assert cbor.decode(ours, depth=DEPTH) == value


def has_keys_of_unlike_length(value: object) -> bool:
    """cbor2 sorts keys by length first (RFC 7049, 3.9), we bytewise (RFC 8949, 4.2.1)."""
    if type(value) is list:
        return any(has_keys_of_unlike_length(item) for item in value)
    if type(value) is dict:
        lengths = {len(cbor.encode(key)) for key in value}
        return len(lengths) > 1 or any(map(has_keys_of_unlike_length, value.values()))
    return False


def agree(data: bytes) -> None:
    """Both read the same value from `data`, or both refuse it."""
    try:
        ours = cbor.decode(data, depth=DEPTH)
    except Malformed:
        ours = Malformed
    try:
        theirs = by_cbor2(data)
    except Malformed:
        theirs = Malformed
    if theirs is Malformed and ours is not Malformed:
        assert has_keys_of_unlike_length(ours), (data.hex(), ours)
    elif ours is Malformed and theirs is not Malformed:
        assert has_keys_of_unlike_length(theirs), (data.hex(), theirs)
    else:
        assert repr(ours) == repr(theirs), data.hex()


@settings(max_examples=1500, deadline=None)
@given(st.binary(max_size=24))
@example(bytes.fromhex("a2010161f502"))
@example(bytes.fromhex("a201010102"))
@example(bytes.fromhex("c249010000000000000000"))
@example(bytes.fromhex("f97e00"))
@example(bytes.fromhex("f7"))
@example(bytes.fromhex("f8ff"))
@example(bytes.fromhex("62c080"))
@example(bytes.fromhex("63eda080"))
@example(bytes.fromhex("d9d9f700"))
@example(bytes.fromhex("d81c81d81d00"))
@example(bytes.fromhex("5f4100ff"))
@example(bytes.fromhex("1817"))
@example(bytes.fromhex("0000"))
@example(b"")
def test_any_bytes_are_read_alike_or_refused_by_both(data):
    agree(data)


@settings(max_examples=600, deadline=None)
@given(VALUES, st.data())
def test_damaged_encodings_are_read_alike_or_refused_by_both(value, data):
    damaged = bytearray(cbor.encode(value))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(damaged) - 1))
        damaged[place] = data.draw(st.integers(0, 255))
    agree(bytes(damaged))
