"""Any batch at all: it comes back, it has one encoding, and its records can come in any order."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.shared.cpython.sodium import Sodium
from tests.shared.examples import INCARNATION, SCHEMA, SCHEMA_ID
from wum_shared import cose, status
from wum_shared.bases import Base, heads_after
from wum_shared.batch import (
    Batch,
    Event,
    Lost,
    Missed,
    Row,
    decode_batch,
    encode_batch,
    encode_batch_0,
    peek_base,
)
from wum_shared.columns import VALUE_MAX, VALUE_MIN
from wum_shared.errors import WireError
from wum_shared.messages import SEQUENCE_MAX, TIME_MAX_S, DirectionKey

TIMES = st.integers(0, TIME_MAX_S)
QUALITIES = st.integers(0, 2)
VALUES = st.integers(VALUE_MIN, VALUE_MAX) | st.integers(-200, 200) | st.none()
NOTES = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=50)
WIDTHS = [len(register_set.registers) for register_set in SCHEMA.register_sets]
PLACES = [(meter, register_set) for meter, listed in enumerate(SCHEMA.meters)
          for register_set in listed.register_sets]


@st.composite
def rows(draw, sequence: int) -> Row:
    meter, register_set = draw(st.sampled_from(PLACES))
    values = [draw(VALUES) for _ in range(WIDTHS[register_set])]
    statuses = [draw(st.integers(0, 0x7FFF)) << 1 | (value is None) for value in values]
    assert all((value is None) == bool(flags & status.ABSENT)
               for value, flags in zip(values, statuses, strict=True))
    return Row(sequence, meter, register_set, draw(TIMES), draw(QUALITIES), tuple(values),
               tuple(statuses))


@st.composite
def batches(draw) -> Batch:
    first = sequence = draw(st.integers(1, 1000) | st.just(SEQUENCE_MAX - 100))
    kinds: dict[type, list[object]] = {Row: [], Missed: [], Event: [], Lost: []}
    for kind in draw(st.lists(st.sampled_from([Row, Row, Row, Missed, Event, Lost]), min_size=1,
                              max_size=25)):
        last = sequence
        if kind is Row:
            kinds[Row].append(draw(rows(sequence)))
        elif kind is Missed:
            meter, register_set = draw(st.sampled_from(PLACES))
            kinds[Missed].append(Missed(
                sequence, meter, register_set, draw(TIMES), draw(QUALITIES),
                draw(st.integers(1, 255)), draw(NOTES)))
        elif kind is Event:
            kinds[Event].append(Event(
                sequence, draw(TIMES), draw(QUALITIES), draw(st.integers(1, 255)),
                draw(st.none() | st.integers(0, len(SCHEMA.meters) - 1)), draw(NOTES)))
        else:
            last = sequence + draw(st.integers(0, 3))
            kinds[Lost].append(Lost(sequence, last, draw(st.integers(1, 255)), draw(NOTES)))
        sequence = last + 1
    return Batch(INCARNATION, first, sequence - 1, SCHEMA_ID, tuple(kinds[Row]),
                 tuple(kinds[Missed]), tuple(kinds[Event]), tuple(kinds[Lost]))


@settings(max_examples=300, deadline=None)
@given(batches())
def test_any_batch_comes_back(batch):
    for schema in (None, SCHEMA):
        again = decode_batch(encode_batch(batch, schema=schema), SCHEMA)
        assert again._replace(rows=tuple(sorted(again.rows))) == batch


@settings(max_examples=150, deadline=None)
@given(batches(), batches(), batches())
def test_any_batch_comes_back_as_a_delta_on_any_other(first, second, batch):
    heads = heads_after(heads_after(None, first.rows), second.rows)
    delta = encode_batch(batch, Base(second.last_sequence, bytes(16)), heads)
    again = decode_batch(delta, SCHEMA, heads)
    assert again._replace(rows=tuple(sorted(again.rows))) == batch
    assert peek_base(delta) == Base(second.last_sequence, bytes(16))


@settings(max_examples=150, deadline=None)
@given(batches(), st.randoms())
def test_the_bytes_do_not_depend_on_the_order_of_the_records(batch, dice):
    jumbled = [list(records) for records in batch[4:]]
    for records in jumbled:
        dice.shuffle(records)
    assert encode_batch(Batch(*batch[:4], *map(tuple, jumbled))) == encode_batch(batch)


@settings(max_examples=150, deadline=None)
@given(batches())
def test_any_batch_of_version_0_comes_back(batch):
    again = decode_batch(encode_batch_0(batch), SCHEMA)
    assert again._replace(rows=tuple(sorted(again.rows))) == batch


@settings(max_examples=300, deadline=None)
@given(batches(), st.integers(0, 2**32))
def test_damage_is_refused_or_gives_records_that_come_back(batch, seed):
    dice = random.Random(seed)
    damaged = bytearray(encode_batch(batch))
    for _ in range(dice.randrange(1, 4)):
        damaged[dice.randrange(len(damaged))] = dice.randrange(256)
    try:
        again = decode_batch(bytes(damaged), SCHEMA)
    except WireError:
        return
    assert decode_batch(encode_batch(again), SCHEMA) == again


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=500), st.integers(0, 2**64 - 1), st.binary(min_size=32, max_size=32),
       st.binary(min_size=12, max_size=12))
def test_whatever_is_sealed_opens(plaintext, counter, key, context_iv):
    direction_key = DirectionKey(key, context_iv)
    kid = cose.key_id(bytes(8), 65535)
    sealed = cose.seal(
        Sodium(), direction_key, kid, counter, plaintext, "up", "default", "batch")
    assert cose.peek(sealed) == (bytes(8), 65535, counter)
    assert cose.unseal(
        Sodium(), direction_key, sealed, "up", "default", "batch") == plaintext


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_at_all_do_more_than_raise_a_wire_error(data):
    for read in (cose.peek, cose.peek_signed, lambda d: decode_batch(d, SCHEMA)):
        try:
            read(data)
        except WireError:
            continue
