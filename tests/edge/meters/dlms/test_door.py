"""HDLC behind the sign-on of mode E, on boards too: the bauds of each step, the way back."""

from tests.edge.iec_meter import Scripted
from tests.portable import raises
from wum_edge.errors import LineSilent
from wum_edge.meters.dlms import hdlc
from wum_edge.meters.dlms.door import DoorStation
from wum_edge.meters.turn import converse

SERVER, CLIENT = hdlc.server_address(1, 17, 2), hdlc.client_address(16)
ACK = b"\x06252\r\n"
SNRM = hdlc.frame(hdlc.SNRM, SERVER, CLIENT).encode()
DISC = hdlc.frame(hdlc.DISC, SERVER, CLIENT).encode()
UA = hdlc.frame(hdlc.UA, CLIENT, SERVER).encode()
SIGN_ON = ((b"/?12345!\r\n", 300, b"/LGZ5\\2ZMD4\r\n", 300), (ACK, 300, ACK, 9600))


def station():
    return DoorStation(SERVER, CLIENT, hdlc.DEFAULTS, 500, "12345")


def bauds(line):
    return [(one.baud, one.data_bits, one.parity) for one in line.settings]


def test_the_link_is_opened_behind_the_sign_on_and_closed_before_the_next():
    door = station()
    line = Scripted(*(SIGN_ON + ((SNRM, 9600, UA, 9600), (DISC, 9600, UA, 9600)) + SIGN_ON
                      + ((SNRM, 9600, UA, 9600),)))
    converse(door.open(), line)
    assert door.is_open()
    converse(door.close(), line)
    assert not door.is_open() and line.said == [b"/?12345!\r\n", ACK, SNRM, DISC]
    converse(door.open(), line)
    assert door.is_open() and bauds(line) == [
        (300, 7, "E"), (300, 7, "E"), (9600, 8, "N"), (9600, 8, "N"), (9600, 8, "N"),
        (300, 7, "E"), (300, 7, "E"), (9600, 8, "N"), (9600, 8, "N")]


def test_a_link_that_was_lost_is_ended_at_its_own_baud_first():
    door = station()
    line = Scripted(*(SIGN_ON + ((SNRM, 9600, b"", 9600),)))
    raises(LineSilent, lambda: converse(door.open(), line))
    line.script = list(((DISC, 9600, UA, 9600),) + SIGN_ON + ((SNRM, 9600, UA, 9600),))
    line.settings, line.said = [], []
    converse(door.open(), line)
    assert door.is_open() and line.said == [DISC, b"/?12345!\r\n", ACK, SNRM]
    assert bauds(line)[0] == (9600, 8, "N")
