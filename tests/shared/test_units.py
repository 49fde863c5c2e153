"""Units, and scaled integers as people read them."""

from tests.portable import raises
from wum_shared.errors import Malformed
from wum_shared.units import NO_UNIT, UNITS, scaled_to_text, unit_from_text


def test_codes_of_the_standard_and_their_written_form():
    for code, text in ((30, "Wh"), (27, "W"), (33, "A"), (35, "V"), (44, "Hz"), (32, "varh"),
                       (29, "var"), (31, "VAh"), (28, "VA"), (9, "\u00b0C"), (NO_UNIT, "")):
        assert UNITS[code] == text
        assert unit_from_text(text) == code


def test_a_unit_with_two_codes_is_read_as_the_first():
    assert unit_from_text("m\u00b3") == 13


def test_an_unknown_unit_is_refused_with_those_that_are_known():
    for text in ("kWh", "wh", "WH", " V", "volt"):
        refusal = raises(Malformed, lambda text=text: unit_from_text(text))
        assert repr(text) in refusal
        assert "Wh, VAh" in refusal


def test_scaled_integers_are_written_without_losing_a_digit():
    for value, scaler, text in (
            (12345, 0, "12345"), (12345, -1, "1234.5"), (5, -3, "0.005"), (-5, -3, "-0.005"),
            (-12345, -2, "-123.45"), (0, -2, "0.00"), (7, 3, "7000"), (-7, 1, "-70"),
            (2**62 - 1, -9, "4611686018.427387903"), (-2**62, -9, "-4611686018.427387904"),
            (10, -1, "1.0"), (9, -9, "0.000000009")):
        assert scaled_to_text(value, scaler) == text
