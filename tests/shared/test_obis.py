"""OBIS codes and their written form."""

from tests.portable import raises
from wum_shared.errors import Malformed
from wum_shared.obis import obis_from_text, obis_to_text


def test_a_code_is_written_with_the_last_group_only_where_it_says_something():
    assert obis_to_text(bytes([1, 0, 1, 8, 0, 255])) == "1-0:1.8.0"
    assert obis_to_text(bytes([1, 0, 1, 8, 2, 3])) == "1-0:1.8.2*3"
    assert obis_to_text(bytes([0, 0, 96, 1, 0, 255])) == "0-0:96.1.0"


def test_what_is_written_is_read_again():
    for code in (bytes(6), b"\xff" * 6, bytes([1, 0, 32, 7, 0, 255]), bytes([7, 1, 3, 0, 0, 4])):
        assert obis_from_text(obis_to_text(code)) == code
    assert obis_from_text("1-0:1.8.0*255") == obis_from_text("1-0:1.8.0")


def test_what_is_no_code_is_refused():
    for text in ("", "1.8.0", "1-0:1.8", "1-0:1.8.0.5", "1:0.1.8.0", "1-0-1:8.0", "1-0:1.8.0*",
                 "1-0:1.8.256", "1-0:1.8.-1", "1-0:1..0", "a-0:1.8.0", "1-0:1.8.0*0255",
                 "1-0:1.8.0*256", "1-0:1.8.0*1*2", " 1-0:1.8.0", "1-0:1.8.0 ", "1-0:1.8.0\n",
                 "1-0:1.8.\u0661", "1_0-0:1.8.0", "1-0:1.8.0:1"):
        assert "OBIS code" in raises(Malformed, lambda text=text: obis_from_text(text))


def test_a_code_of_another_length_is_a_mistake_of_the_caller():
    raises(AssertionError, lambda: obis_to_text(bytes(5)))
