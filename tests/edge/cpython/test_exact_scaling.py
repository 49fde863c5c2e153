"""Scaled integers against exact fractions, for values that nobody picked."""

import math
import struct
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from wum_edge.meters.scaling import TYPES, Scale, scale_from_text, scaled
from wum_shared.columns import VALUE_MAX, VALUE_MIN

FORMS = {"uint16": ">H", "int16": ">h", "uint32": ">I", "int32": ">i", "uint64": ">Q",
         "int64": ">q", "float32": ">f", "float64": ">d"}
scales = st.builds(Scale, st.integers(-999, 999).filter(bool), st.integers(-6, 6))


@settings(max_examples=1000, deadline=None)
@given(name=st.sampled_from(sorted(FORMS)), data=st.binary(min_size=8, max_size=8), scale=scales,
       scaler=st.integers(-9, 9))
def test_every_raw_content_is_scaled_exactly(
        name: str, data: bytes, scale: Scale, scaler: int) -> None:
    raw = data[:2 * TYPES[name][0]]
    number = struct.unpack(FORMS[name], raw)[0]
    got = scaled(int.from_bytes(raw, "big"), name, scale, scaler)
    if isinstance(number, float) and not math.isfinite(number):
        assert got is None
        return
    # Python's round() of a Fraction is exact and goes to the even number.
    exact = round(Fraction(number) * scale.factor * Fraction(10) ** (scale.power - scaler))
    assert got == (exact if VALUE_MIN <= exact <= VALUE_MAX else None)


@given(st.decimals(min_value="0.000001", max_value="999999", places=6))
def test_every_decimal_is_read_exactly(number: object) -> None:
    scale = scale_from_text(f"{number:f}")
    assert Fraction(str(number)) == scale.factor * Fraction(10) ** scale.power
