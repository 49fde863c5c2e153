"""Mode E hands the line over to HDLC at the meter's baud, and only where the meter offers it."""

from tests.edge.iec_meter import Scripted
from tests.portable import raises
from wum_edge.errors import LineSilent, Refused
from wum_edge.meters.iec62056_21.hdlc_door import enter_hdlc
from wum_edge.meters.iec62056_21.signon import Opening
from wum_edge.meters.turn import converse


def enter(line):
    opening = Opening("", 300, False, "7E1", False, (), False)
    return converse(enter_hdlc(opening, 1500, "meter 1"), line)


def test_the_line_is_handed_over_at_the_meters_baud_in_eight_bits():
    ack = b"\x06252\r\n"
    line = Scripted((b"/?!\r\n", 300, b"/LGZ5\\2ZMD4\r\n", 300), (ack, 300, ack, 9600))
    found = enter(line)
    assert found.text == "ZMD4" and line.said == [b"/?!\r\n", ack]
    assert line.settings == [
        (300, 7, "E", 1, 116667), (300, 7, "E", 1, 200000), (9600, 8, "N", 1, 0)]
    assert line.coming == b""


def test_a_meter_that_does_not_confirm_is_handed_over_too():
    line = Scripted((b"/?!\r\n", 300, b"/ISk5\\2MT382\r\n", 300), (b"\x06252\r\n", 300, b"", 9600))
    assert enter(line).maker == "ISk"


def test_a_meter_that_does_not_offer_it_is_refused():
    line = Scripted((b"/?!\r\n", 300, b"/ISK5MT174\r\n", 300))
    assert "does not offer mode E" in raises(Refused, lambda: enter(line))
    raises(LineSilent, lambda: enter(Scripted()))
