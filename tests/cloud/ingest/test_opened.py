"""Decoding a batch in columns: the same records and the same refusals as the contract's decoder."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cloud.batches import batches, records_of
from wum_cloud.ingest.opened import read_batch
from wum_shared import cbor
from wum_shared.batch import Batch, decode_batch, encode_batch, encode_batch_0
from wum_shared.errors import Malformed, Unsupported, WireError
from wum_shared.messages import Schema

_VERSIONS = [encode_batch_0, encode_batch]


@pytest.mark.parametrize("encode", _VERSIONS)
@given(pair=batches())
@settings(max_examples=300, deadline=None)
def test_both_decoders_read_the_same_records(
        encode: Callable[[Batch], bytes], pair: tuple[Schema, Batch]) -> None:
    schema, batch = pair
    data = encode(batch)
    reference = decode_batch(data, schema)
    assert set(reference.rows) == set(batch.rows)
    assert records_of(read_batch(data, schema)) == reference


@pytest.mark.parametrize("encode", _VERSIONS)
@given(pair=batches(), data=st.data())
@settings(max_examples=300, deadline=None)
def test_both_decoders_say_the_same_of_a_damaged_batch(
        encode: Callable[[Batch], bytes], pair: tuple[Schema, Batch], data: st.DataObject,
) -> None:
    schema, batch = pair
    damaged = bytearray(encode(batch))
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
        encode: Callable[[Batch], bytes], pair: tuple[Schema, Batch], data: st.DataObject,
) -> None:
    schema, batch = pair
    parts = cbor.decode(encode(batch))
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


def test_a_tag_is_refused_before_it_builds_anything() -> None:
    for tag in [*range(300), 1004, 43000, 55799, 2**32]:
        with pytest.raises(Malformed):
            read_batch(cbor.encode(cbor.Tag(tag, [0])), Schema("t", b"", 0, (), (), ()))


def read_batch_records(data: bytes, schema: Schema) -> Batch:
    """read_batch, in the reference decoder's shape."""
    return records_of(read_batch(data, schema))


def _said(decode: object, data: bytes, schema: Schema) -> object:
    """What a decoder makes of `data`: its records, or the kind of its refusal."""
    assert callable(decode)
    try:
        return decode(data, schema)
    except Unsupported:
        return Unsupported
    except Malformed:
        return Malformed
    except WireError as error:  # pragma: no cover
        raise AssertionError("a third kind of refusal") from error
