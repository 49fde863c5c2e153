"""Identifiers: how they are made, and what may not stand in one."""

from hashlib import sha256

from tests.portable import raises
from wum_shared import ids
from wum_shared.errors import Malformed


def test_ids_are_the_first_bytes_of_a_digest():
    assert ids.concentrator_id(bytes(32)) == sha256(bytes(32)).digest()[:8]
    assert ids.schema_id(b"schema") == sha256(b"schema").digest()[:8]
    assert ids.batch_digest(b"batch") == sha256(b"batch").digest()[:16]
    raises(AssertionError, lambda: ids.concentrator_id(bytes(31)))


def test_an_id_is_written_in_lower_case_hexadecimal_and_read_again():
    assert ids.id_to_text(b"\x00\xab\xff") == "00abff"
    assert ids.id_from_text("00abcdef01234567") == b"\x00\xab\xcd\xef\x01\x23\x45\x67"
    assert ids.id_from_text("00" * 16, size=16) == bytes(16)


def test_what_is_no_id_is_refused():
    for text in ("", "00", "0" * 15, "0" * 17, "0" * 15 + "G", "ABCDEF0123456789",
                 " 123456789abcdef", "0x23456789abcdef", "\u0660" * 16):
        assert "id: wanted 16" in raises(Malformed, lambda text=text: ids.id_from_text(text))


def test_a_text_id_is_printable_and_safe_in_a_topic():
    for text in ("a", "SDM-0001", "default", "!~", "x" * 64, "a.b:c_d@e"):
        assert ids.checked_text(text, "serial") == text
    for text in ("", "x" * 65, "a b", "a/b", "+", "#", "a\n", "\x7f", "\x00", "\u00e9", 5, None,
                 b"a", True):
        assert raises(Malformed, lambda text=text: ids.checked_text(text, "serial")).startswith(
            "serial: ")


def test_a_long_refused_text_is_not_repeated_whole():
    assert len(raises(Malformed, lambda: ids.checked_text("x" * 100000, "serial"))) < 200
    assert len(raises(Malformed, lambda: ids.id_from_text("x" * 100000))) < 200
