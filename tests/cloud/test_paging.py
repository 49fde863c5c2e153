"""Pages and their cursors."""

import pytest

from wum_cloud.paging import BadCursor, decode_cursor, encode_cursor, page_of


def test_a_cursor_gives_back_the_key_of_the_last_row():
    assert decode_cursor(encode_cursor(["SDM/ș 1", 7]), [str, int]) == ["SDM/ș 1", 7]


@pytest.mark.parametrize("cursor", ["", "!", "AAAA", encode_cursor([7]), encode_cursor(["a", "b"]),
                                    "x" * 601, encode_cursor([True]), "WyJhIl0=x"])
def test_a_foreign_cursor_is_refused(cursor):
    with pytest.raises(BadCursor):
        decode_cursor(cursor, [str])


def test_a_page_has_a_next_one_only_when_a_row_more_was_found():
    full = page_of(["a", "b", "c"], 2, lambda row: [row])
    assert (full.items, full.next_cursor) == (["a", "b"], encode_cursor(["b"]))
    assert page_of(["a", "b"], 2, lambda row: [row]).next_cursor is None
