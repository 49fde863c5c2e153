"""Checks of decoded fields: the edges of what they accept, and what their errors show."""

from tests.portable import raises
from wum_shared import fields
from wum_shared.errors import Malformed, Unsupported


def test_a_number_is_accepted_up_to_both_ends_and_is_never_a_truth_value():
    assert fields.number(-5, -5, 5, "x") == -5
    assert fields.number(5, -5, 5, "x") == 5
    for value in (-6, 6, True, False, None, "1", b"1", [1], 2**70):
        assert raises(Malformed, lambda value=value: fields.number(value, -5, 5, "x")).startswith(
            "x: wanted -5..5, got ")


def test_lists_are_accepted_up_to_both_ends():
    assert fields.record([1, 2], 2, "x") == [1, 2]
    assert fields.items([], 2, "x") == []
    assert fields.items([1, 2], 2, "x", least=2) == [1, 2]
    for value in ([1], [1, 2, 3], (1, 2), {}, None, b"12", "12"):
        raises(Malformed, lambda value=value: fields.record(value, 2, "x"))
    for value in ([], [1, 2, 3], (1,), {}, None, b"1", "1"):
        raises(Malformed, lambda value=value: fields.items(value, 2, "x", least=1))


def test_octets_have_their_size_exactly():
    assert fields.octets(b"ab", 2, "x") == b"ab"
    for value in (b"a", b"abc", "ab", bytearray(b"ab"), None, [1, 2]):
        raises(Malformed, lambda value=value: fields.octets(value, 2, "x"))


def test_a_text_is_counted_in_bytes_and_holds_no_control_character():
    assert fields.text("\u00fc" * 5, 10, "x") == "\u00fc" * 5
    assert fields.text("", 0, "x") == ""
    for value in ("\u00fc" * 6, "a\x00b", "line\n", "tab\t", "\x1f", "\x7f", "\x9f", b"a", None, 1):
        raises(Malformed, lambda value=value: fields.text(value, 10, "x"))


def test_any_text_can_be_made_to_fit():
    for value in ("", "plain", "a\x00b\nc\x7f\x9f", "\u00fc" * 200, "\u6c34" * 67, "x" * 1000):
        fitting = fields.fitting(value, 200)
        assert fields.text(fitting, 200, "x") == fitting
    assert fields.fitting("a\x00b\nc", 200) == "a b c"
    assert fields.fitting("\u6c34" * 67, 200) == "\u6c34" * 66
    assert fields.fitting("short", 200) == "short"


def test_our_version_is_accepted_and_another_is_unsupported_rather_than_malformed():
    fields.version(0, "x")
    assert "version 1, this side speaks 0" in raises(Unsupported, lambda: fields.version(1, "x"))
    for value in (-1, 2**32, None, "0", False):
        raises(Malformed, lambda value=value: fields.version(value, "x"))


def test_a_value_that_stands_twice_is_refused():
    fields.unlike([], "x")
    fields.unlike(["a", "b", b"a"], "x")
    assert "x: 'a' stands twice" in raises(Malformed, lambda: fields.unlike(["a", "b", "a"], "x"))


def test_an_error_shows_little_and_never_bytes():
    assert fields.shown(b"secret") == "6 bytes"
    assert fields.shown([1, 2]) == "a list of 2"
    assert fields.shown({1: 2}) == "a map of 1"
    assert fields.shown("text") == "'text'"
    assert fields.shown(None) == "None"
    assert fields.shown(True) == "True"
    assert fields.shown(-5) == "-5"
    assert len(fields.shown("x" * 100000)) < 80
