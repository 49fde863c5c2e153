"""Readouts in modes A, B and C: what is said at which baud, after which silence."""

from tests.edge.iec_meter import Scripted, checked
from tests.portable import raises
from wum_edge.errors import BadCheck, ForeignAnswer, LineSilent, Refused
from wum_edge.meters.iec62056_21.readout import read_out
from wum_edge.meters.iec62056_21.signon import Opening, parse_identification, request_message
from wum_edge.meters.turn import converse

QUIET_US = 116667                 # 3.5 characters at 300 baud, for others on the line.
BLOCK = checked("\x021.8.0(000285.4*kWh)\r\nC.1(12)\r\n!\r\n\x03")


def opening(address="", baud=300, fixed=False, characters="7E1", wake_up=False, makers=()):
    return Opening(address, baud, fixed, characters, wake_up, makers, False)


def read(line, **keys):
    return converse(read_out(opening(**keys), 1500, "meter 1"), line)


def bauds(line):
    return [(setting.baud, setting.quiet_us) for setting in line.settings]


def test_mode_c_changes_the_baud_behind_the_acknowledgement():
    line = Scripted((b"/?!\r\n", 300, b"/ISK5MT174\r\n", 300),
                    (b"\x06050\r\n", 300, BLOCK, 9600))
    found = read(line)
    assert found.identification == ("ISK", "C", "5", 9600, "", "MT174")
    assert [one.address for one in found.sets] == ["1.8.0", "C.1"]
    assert line.said == [b"/?!\r\n", b"\x06050\r\n"]
    assert bauds(line) == [(300, QUIET_US), (300, 200000), (9600, 200000)]
    assert line.settings[0] == (300, 7, "E", 1, QUIET_US)


def test_at_a_fixed_baud_nothing_is_changed_and_a_readout_takes_two_turns():
    line = Scripted((b"/?00012345!\r\n", 9600, b"/Lgz5ZMD\r\n", 9600),
                    (b"\x06050\r\n", 9600, BLOCK, 9600))
    assert len(read(line, address="00012345", baud=9600).sets) == 2
    assert line.listened == 0
    assert bauds(line) == [(9600, 3646), (9600, 20000)]     # Lower case: 20 ms.


def test_a_meter_that_stays_at_its_baud_whatever_it_says():
    line = Scripted((b"/?7!\r\n", 4800, b"/ABB0\\@V4\r\n", 4800),
                    (b"\x06000\r\n", 4800, BLOCK, 4800))
    found = read(line, address="7", baud=4800, fixed=True)
    assert found.identification.text == "V4"
    assert found.identification.enhanced == "@"
    assert len(found.sets) == 2


def test_mode_b_changes_the_baud_without_a_word():
    line = Scripted((b"/?!\r\n", 300, b"/EMHETYPE\r\n", 300), (None, 0, BLOCK, 9600))
    assert len(read(line).sets) == 2
    assert line.said == [b"/?!\r\n"]
    assert bauds(line) == [(300, QUIET_US), (9600, 0)]


def test_mode_a_goes_on_at_once_at_the_same_baud():
    line = Scripted((b"/?!\r\n", 300, b"/XYZ TYPE\r\n" + BLOCK, 300))
    found = read(line)
    assert found.identification.mode == "A"
    assert len(found.sets) == 2
    assert bauds(line) == [(300, QUIET_US)]


def test_a_long_readout_is_heard_in_pieces_and_a_pause_ends_it():
    lines = "".join(["1.8.0*%02d(0012345.678*kWh)\r\n" % month for month in range(60)])
    block = checked("\x02" + lines + "!\r\n\x03")
    line = Scripted((b"/?!\r\n", 300, b"/ISK5MT174\r\n", 300),
                    (b"\x06050\r\n", 300, block, 9600))
    assert len(read(line).sets) == 60
    line = Scripted((b"/?!\r\n", 300, b"/ISK5MT174\r\n", 300),
                    (b"\x06050\r\n", 300, block[:-1], 9600))
    assert "no whole message" in raises(BadCheck, lambda: read(line))


def test_our_own_echo_is_passed_over_at_each_step():
    line = Scripted((b"/?!\r\n", 9600, b"/ISK5MT174\r\n", 9600),
                    (b"\x06050\r\n", 9600, BLOCK, 9600))
    line.echo = True
    assert len(read(line, baud=9600).sets) == 2
    line = Scripted((b"/?!\r\n", 300, b"/ISK5MT174\r\n", 300),
                    (b"\x06050\r\n", 300, BLOCK, 9600))
    line.echo = True
    assert len(read(line).sets) == 2


def test_a_sleeping_meter_is_woken_with_zeros():
    line = Scripted((b"/?!\r\n", 300, b"/LUG2UH50\r\n", 300), (b"\x06020\r\n", 300, BLOCK, 1200))
    assert len(read(line, wake_up=True).sets) == 2
    assert set(line.said[0]) == {0} and len(line.said[0]) == 66
    assert bauds(line)[:2] == [(300, 0), (300, 1600000)]


def test_failures_are_told_apart():
    assert "silent" in raises(LineSilent, lambda: read(Scripted()))
    other = Scripted((b"/?!\r\n", 300, b"/EMH5TYPE\r\n", 300))
    assert "wanted a meter of ISK" in raises(ForeignAnswer, lambda: read(other, makers=("ISK",)))
    noise = Scripted((b"/?!\r\n", 300, b"/E\x80\x815TYPE\r\n", 300))
    assert "identification" in raises(BadCheck, lambda: read(noise))
    wrong = Scripted((b"/?!\r\n", 300, b"/EMH5TYPE\r\n", 300),
                     (b"\x06050\r\n", 300, BLOCK[:-1] + b"\x00", 9600))
    assert "BCC" in raises(BadCheck, lambda: read(wrong))
    refused = Scripted((b"/?!\r\n", 300, b"/EMH5TYPE\r\n", 300),
                       (b"\x06050\r\n", 300, b"\x15", 9600))
    assert "NAK" in raises(Refused, lambda: read(refused))
    silent = Scripted((b"/?!\r\n", 300, b"/EMH5TYPE\r\n", 300))
    assert "silent" in raises(LineSilent, lambda: read(silent))


def test_identifications_are_read_as_the_standard_says():
    assert parse_identification(b"/ISk5\\2MT382-1000\r\n")[:5] == ("ISk", "C", "5", 9600, "2")
    assert parse_identification(b"/ISk5\\2MT382-1000\r\n").speaks_hdlc()
    assert parse_identification(b"/ISk5\\2MT382-1000\r\n").reaction_us() == 20000
    assert parse_identification(b"/ISKBTYPE\r\n").mode == "B"
    assert not parse_identification(b"/ISKB\\2TYPE\r\n").speaks_hdlc()
    for line in (b"", b"/", b"/IS\r\n", b"/ISK\r\n", b"ISK5\r\n", b"/ISK5MT\n", b"/I1K5MT\r\n",
                 b"/ISK5a/b\r\n", b"/ISK5" + b"x" * 80 + b"\r\n"):
        raises(BadCheck, lambda line=line: parse_identification(line))


def test_a_request_carries_the_address():
    assert request_message("") == b"/?!\r\n"
    assert request_message("00012345") == b"/?00012345!\r\n"
