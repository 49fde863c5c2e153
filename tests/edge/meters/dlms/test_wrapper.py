"""The eight bytes before an APDU on TCP and UDP."""

from tests.portable import raises
from wum_edge.meters.dlms.errors import DlmsMalformed
from wum_edge.meters.dlms.wrapper import Wrapped, decode_wrapped, find_wrapped


def test_what_is_wrapped_comes_back():
    one = Wrapped(16, 1, b"\xc0\x01")
    assert one.encode() == bytes.fromhex("0001001000010002c001")
    assert decode_wrapped(one.encode()) == one


def test_a_header_that_does_not_fit_is_refused():
    for text in ("", "00010010000100", "0002001000010001aa", "0001001000010002aa"):
        raises(DlmsMalformed, lambda text=text: decode_wrapped(bytes.fromhex(text)))


def test_ours_is_found_behind_a_late_answer_and_only_when_it_is_whole():
    late, ours = Wrapped(2, 16, b"late").encode(), Wrapped(1, 16, b"ours").encode()
    for cut in range(len(late) + len(ours)):
        assert find_wrapped((late + ours)[:cut], 1, 16) is None
    assert find_wrapped(late + ours, 1, 16) == Wrapped(1, 16, b"ours")
