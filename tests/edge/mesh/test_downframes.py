"""Frames that go down: what is encoded is decoded, and what is none is refused."""

from tests.portable import raises
from wum_edge.mesh import downframes as down
from wum_edge.mesh.frames import BODY_MAX, Item, Malformed, Stamp

STAMP = Stamp(255, 1_700_000_000_000_000, 7)


def test_every_frame_is_read_as_it_was_written():
    ripple = down.Ripple(STAMP, 9, 0xFFFF, 64, 1, (1 << 56) - 1, b"open the circuit")
    assert down.decode_ripple(down.encode_ripple(ripple)) == ripple
    echo = down.Echo(STAMP, 12, 9, 7, 60, b"\x80\0\0\1")
    assert down.decode_echo(down.encode_echo(echo)) == echo
    items = [Item(9, 1, 127, True, b"x" * 50, 15), Item(8, 2, 0, False, b"", 0)]
    assert down.decode_down(down.encode_down(3, items)) == (3, items)
    assert down.decode_confirm(down.confirm(9, 0xFFFF)) == (9, 0xFFFF)
    assert down.decode_want(down.want(7, [0, 9, 127])) == (7, 1 | 1 << 9 | 1 << 127)


def test_the_largest_ripple_fills_a_frame():
    ripple = down.Ripple(STAMP, 1, 2, 0, 0, 0, bytes(down.RIPPLE_MAX))
    assert len(down.encode_ripple(ripple)) == BODY_MAX


def test_what_is_short_or_reaches_too_far_is_refused():
    ripple = down.encode_ripple(down.Ripple(STAMP, 1, 2, 0, 0, 0, b""))
    for size in range(len(ripple)):
        raises(Malformed, lambda size=size: down.decode_ripple(ripple[:size]))
    echo = down.encode_echo(down.Echo(STAMP, 1, 2, 3, 62, b"\1\2"))
    for size in range(18):
        raises(Malformed, lambda size=size: down.decode_echo(echo[:size]))
    raises(Malformed, lambda: down.decode_echo(echo + b"\1"))
    raises(Malformed, lambda: down.decode_down(b"\0"))
    raises(Malformed, lambda: down.decode_down(bytes(8)))
    raises(Malformed, lambda: down.decode_want(down.want(1, [])[:-1]))
    raises(Malformed, lambda: down.decode_confirm(down.confirm(1, 2) + b"\0"))
