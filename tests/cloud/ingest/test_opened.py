"""Decoding a batch in columns: the same records and the same refusals as the contract's decoder."""

import itertools
import random
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cloud.batches import batches, records_of
from wum_cloud.ingest.bases.heads import Heads, Table, heads_from_bytes, heads_to_bytes
from wum_cloud.ingest.bases.heads import heads_after as columns_after
from wum_cloud.ingest.opened import read_batch
from wum_shared import cbor
from wum_shared.bases import Base, heads_after
from wum_shared.batch import Batch, Row, decode_batch, encode_batch, encode_batch_0
from wum_shared.errors import Malformed, Unsupported, WireError
from wum_shared.ids import batch_digest
from wum_shared.messages import Meter, Register, RegisterSet, Schedule, Schema


def _encode_0(batch: Batch, schema: Schema) -> bytes:
    return encode_batch_0(batch)


def _encode_1(batch: Batch, schema: Schema) -> bytes:
    return encode_batch(batch, schema=schema)


_VERSIONS = [_encode_0, _encode_1]
_Encode = Callable[[Batch, Schema], bytes]


@pytest.mark.parametrize("encode", _VERSIONS)
@given(pair=batches())
@settings(max_examples=300, deadline=None)
def test_both_decoders_read_the_same_records(
        encode: _Encode, pair: tuple[Schema, Batch]) -> None:
    schema, batch = pair
    data = encode(batch, schema)
    reference = decode_batch(data, schema)
    assert set(reference.rows) == set(batch.rows)
    assert records_of(read_batch(data, schema)) == reference


@pytest.mark.parametrize("encode", _VERSIONS)
@given(pair=batches(), data=st.data())
@settings(max_examples=300, deadline=None)
def test_both_decoders_say_the_same_of_a_damaged_batch(
        encode: _Encode, pair: tuple[Schema, Batch], data: st.DataObject,
) -> None:
    schema, batch = pair
    damaged = bytearray(encode(batch, schema))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(damaged) - 1))
        damaged[at] = data.draw(st.one_of(
            st.integers(0, 255), st.just(damaged[at] ^ 0x80), st.just((damaged[at] + 1) % 256)))
    cut = data.draw(st.one_of(st.just(len(damaged)), st.integers(0, len(damaged))))
    assert _said(read_batch_records, bytes(damaged[:cut]), schema) == _said(
        decode_batch, bytes(damaged[:cut]), schema)


@pytest.mark.parametrize("encode", _VERSIONS)
@given(pair=batches(), data=st.data())
@settings(max_examples=500, deadline=None)
def test_both_decoders_say_the_same_of_a_changed_field(
        encode: _Encode, pair: tuple[Schema, Batch], data: st.DataObject,
) -> None:
    schema, batch = pair
    parts = cbor.decode(encode(batch, schema))
    assert isinstance(parts, list)
    numbers = st.one_of(
        st.integers(-3, 20), st.sampled_from([2**32, 2**53, 2**62, 2**63, 2**64 - 1, -2**62]))
    odd = st.one_of(numbers, st.booleans(), st.none(), st.binary(max_size=9), st.text(max_size=3))
    at = data.draw(st.integers(0, len(parts) - 1))
    if isinstance(parts[at], list) and parts[at] and data.draw(st.booleans()):
        inner = data.draw(st.sampled_from(parts[at]))
        inner[data.draw(st.integers(0, len(inner) - 1))] = data.draw(odd)
    elif at == 7:
        parts[at] = data.draw(st.binary(max_size=len(parts[at]) + 2))
    else:
        parts[at] = data.draw(st.one_of(odd, st.lists(st.lists(odd, max_size=7), max_size=3)))
    changed = cbor.encode(parts)
    assert _said(read_batch_records, changed, schema) == _said(decode_batch, changed, schema)


@given(pair=batches(), seed=st.integers(0, 2**32), cuts=st.lists(st.integers(0, 40), max_size=3))
@settings(max_examples=100, deadline=None)
def test_both_decoders_read_the_same_of_a_chain_of_deltas(
        pair: tuple[Schema, Batch], seed: int, cuts: list[int]) -> None:
    """A batch cut into a full one and deltas, each on the one before; then damaged."""
    schema, whole = pair
    dice = random.Random(seed)
    heads = columns = base = None
    ends = sorted({min(cut, len(whole.rows)) for cut in cuts} | {0, len(whole.rows)})
    for first, last in itertools.pairwise(ends):
        batch = Batch(whole.incarnation, first + 1, last, whole.schema_id, tuple(
            [row._replace(sequence=at + 1) for at, row in enumerate(whole.rows)][first:last]),
            (), (), ())
        data = encode_batch(batch, base, heads)
        reference = decode_batch(data, schema, heads)
        assert set(reference.rows) == set(batch.rows)
        opened = read_batch(data, schema, columns)
        assert records_of(opened) == reference
        for _ in range(4):
            damaged = bytearray(data)
            damaged[dice.randrange(len(data))] = dice.randrange(256)
            assert _said(read_batch_records, bytes(damaged), schema, columns) == _said(
                decode_batch, bytes(damaged), schema, heads)
        heads, columns = heads_after(heads, batch.rows), columns_after(columns, opened.groups)
        assert _listed(columns) == heads
        stored = heads_to_bytes(columns)
        assert stored is not None
        columns = heads_from_bytes(stored)
        assert _listed(columns) == heads
        base = Base(last, batch_digest(data))


def test_a_delta_is_refused_without_its_base_and_a_full_batch_with_one() -> None:
    schema = Schema("t", b"concentr", 0, (Meter("M", "d", "m", (0,), (0,)),), (RegisterSet(
        0, (Register(bytes(6), 0, 30),)),), (Schedule(60, 0),))
    batch = Batch(bytes(8), 1, 1, bytes(8), (Row(1, 0, 0, 5, 0, (7,), (0,)),), (), (), ())
    delta = encode_batch(batch, Base(9, bytes(16)), {})
    assert _said(read_batch_records, delta, schema) is Malformed
    assert _said(decode_batch, delta, schema) is Malformed
    for data, heads in ((encode_batch(batch), {}), (delta, None)):
        with pytest.raises(Malformed):
            read_batch(data, schema, heads)
    assert records_of(read_batch(delta, schema, {})) == decode_batch(delta, schema, {})


def test_heads_are_bounded() -> None:
    many = {0: Table(np.arange(64), np.zeros((129, 64), np.int64))}
    assert heads_to_bytes(many) is None
    many = {0: Table(np.arange(64), np.zeros((128, 64), np.int64))}
    assert heads_to_bytes(many) is not None


def _listed(heads: Heads) -> dict[tuple[int, int], tuple[int, ...]]:
    return {(index, meter): tuple(table.values[:, at].tolist())
            for index, table in heads.items() for at, meter in enumerate(table.meter.tolist())}


def test_a_tag_is_refused_before_it_builds_anything() -> None:
    for tag in [*range(300), 1004, 43000, 55799, 2**32]:
        with pytest.raises(Malformed):
            read_batch(cbor.encode(cbor.Tag(tag, [0])), Schema("t", b"", 0, (), (), ()))


def read_batch_records(data: bytes, schema: Schema, heads: Heads | None = None) -> Batch:
    """read_batch, in the reference decoder's shape."""
    return records_of(read_batch(data, schema, heads))


def _said(decode: object, data: bytes, schema: Schema, heads: object = None) -> object:
    """What a decoder makes of `data`: its records, or the kind of its refusal."""
    assert callable(decode)
    try:
        return decode(data, schema, heads)
    except Unsupported:
        return Unsupported
    except Malformed:
        return Malformed
    except WireError as error:  # pragma: no cover
        raise AssertionError("a third kind of refusal") from error
