"""Programming mode: every command and answer by bytes, reaction times, bauds, who is called."""

from tests.edge.iec_meter import Scripted, checked
from tests.portable import raises
from wum_edge.errors import BadCheck, ForeignAnswer, LineSilent, Refused
from wum_edge.meters.iec62056_21.programming import (
    BLOCKS_MAX,
    REPEATS_MAX,
    Password,
    ask,
    leave,
    open_programming,
    write,
)
from wum_edge.meters.iec62056_21.signon import Opening
from wum_edge.meters.turn import converse

ACK, NAK = b"\x06", b"\x15"
LETTERS = {"0": 300, "1": 600, "2": 1200, "3": 2400, "4": 4800, "5": 9600, "6": 19200}


def opening(address="", baud=300, fixed=False, makers=()):
    return Opening(address, baud, fixed, "7E1", False, makers, False)


def signed_on(maker="ISK", letter="5", address="", operand="(00000000)"):
    """The script of a meter that enters programming mode at the baud of its letter."""
    baud = LETTERS[letter]
    return [
        (b"/?" + address.encode() + b"!\r\n", 300, ("/%s%sMT\r\n" % (maker, letter)).encode(), 300),
        (ACK + b"0" + letter.encode() + b"1\r\n", 300, checked("\x01P0\x02%s\x03" % operand), baud),
    ]


def opened(line, password=None, **keys):
    return converse(open_programming(opening(**keys), password or Password(0, ""), 500, "m"), line)


def asked(*script):
    """A line at 9600 baud with that script: what follows a sign-on."""
    line = Scripted(*[(say, 9600, answer, 9600) for say, answer in script])
    line.set(Setting9600)
    return line


class Setting9600:
    baud = 9600


def data(text, end="\x03"):
    return checked("\x02" + text + end)


def test_the_reaction_time_is_kept_as_the_third_letter_says():
    for maker, wait_us in (("ISK", 200000), ("ISk", 20000), ("iSK", 200000), ("isk", 20000)):
        line = Scripted(*signed_on(maker))
        assert opened(line).maker == maker
        # The request answers nothing; the acknowledgement and all behind it answer.
        assert [setting.quiet_us for setting in line.settings][1:] == [wait_us, wait_us]


def test_the_baud_changes_behind_the_acknowledgement_as_the_letter_says():
    for letter, baud in LETTERS.items():
        line = Scripted(*signed_on(letter=letter))
        opened(line)
        assert line.settings[-1].baud == baud and not line.script
        assert line.settings[0].baud == line.settings[1].baud == 300
    # One that stays at its baud whatever it says, and is so known.
    fixed = Scripted((b"/?!\r\n", 300, b"/LGZ5ZMD\r\n", 300),
                     (ACK + b"051\r\n", 300, checked("\x01P0\x02()\x03"), 300))
    opened(fixed, fixed=True)
    assert [setting.baud for setting in fixed.settings] == [300, 300]


def test_a_meter_of_a_multidrop_line_is_called_by_its_address():
    line = Scripted(*signed_on(address="00012345"))
    opened(line, address="00012345")
    assert line.said[0] == b"/?00012345!\r\n"
    # Nobody has that address: silence. A meter of another maker has it: that is told.
    raises(LineSilent, lambda: opened(Scripted(*signed_on(address="1")), address="2"))
    raises(ForeignAnswer, lambda: opened(
        Scripted(*signed_on(address="1")), address="1", makers=("EMH",)))


def test_modes_without_programming_are_refused_and_nothing_more_is_said():
    for letter in "AFZ9":
        line = Scripted((b"/?!\r\n", 300, b"/ISK" + letter.encode() + b"MT\r\n", 300))
        assert "no programming mode" in raises(Refused, lambda line=line: opened(line))
        assert line.said == [b"/?!\r\n"]


def test_each_level_of_password_is_a_command_of_its_own():
    for level in (1, 2):
        say = checked("\x01P%d\x02(1234)\x03" % level)
        line = Scripted(*(signed_on() + [(say, 9600, ACK, 9600)]))
        opened(line, Password(level, "1234"))
        assert line.said[-1] == say
        for answer, words in ((NAK, "NAK"), (data("(ERROR)"), "ERROR"),
                              (checked("\x01B0\x03"), "broke off")):
            line = Scripted(*(signed_on() + [(say, 9600, answer, 9600)]))
            text = raises(Refused, lambda line=line, level=level: opened(
                line, Password(level, "1234")))
            assert words in text and "1234" not in text
    none = Scripted(*signed_on())
    opened(none)
    assert len(none.said) == 2       # No password, no command.


def test_what_is_no_operand_is_not_taken_for_one():
    for answer in (checked("\x01P1\x02(0)\x03"), data("1.8.0(1*kWh)")):
        script = signed_on()
        script[1] = script[1][:2] + (answer, 9600)
        raises(BadCheck, lambda script=script: opened(Scripted(*script)))
    script = signed_on()
    script[1] = script[1][:2] + (NAK, 9600)
    raises(Refused, lambda: opened(Scripted(*script)))


def test_meters_to_mass_say_ack_where_the_standard_has_p0():
    for answer in (checked("\x01P0\x02(1)\x03"), ACK):
        script = signed_on()
        script[1] = script[1][:2] + (answer, 9600)
        for echo in (False, True):
            line = Scripted(*script)
            line.echo = echo
            assert opened(line).text == "MT", (answer, echo)


def test_every_read_command_is_said_as_the_standard_draws_it():
    for command in ("R1", "R2", "R5", "R6"):
        say = checked("\x01%s\x021.8.0()\x03" % command)
        line = asked((say, data("(000123.4*kWh)")))
        found = converse(ask(command.encode(), b"1.8.0()", 500, "m"), line)
        assert found == b"(000123.4*kWh)" and line.said == [say]


def test_partial_blocks_are_acknowledged_one_by_one():
    say = checked("\x01R6\x02P.01()\x03")
    line = asked((say, data("P.01(1)\r\n", "\x04")), (ACK, data("(2)\r\n", "\x04")),
                 (ACK, data("(3)\r\n")))
    assert converse(ask(b"R6", b"P.01()", 500, "m"), line) == b"P.01(1)\r\n(2)\r\n(3)\r\n"
    assert line.said == [say, ACK, ACK]


def test_a_damaged_block_is_asked_for_again_so_many_times():
    say = checked("\x01R5\x021()\x03")
    bad = data("(1)")[:-1] + b"\x00"
    line = asked(*([(say, bad)] + [(NAK, bad)] * (REPEATS_MAX - 1) + [(NAK, data("(1)"))]))
    assert converse(ask(b"R5", b"1()", 500, "m"), line) == b"(1)"
    line = asked(*([(say, bad)] + [(NAK, bad)] * REPEATS_MAX + [(NAK, data("(1)"))]))
    raises(BadCheck, lambda: converse(ask(b"R5", b"1()", 500, "m"), line))
    assert line.said == [say] + [NAK] * REPEATS_MAX


def test_blocks_without_end_are_given_up():
    say = checked("\x01R6\x021()\x03")
    block = data("(1)\r\n", "\x04")
    line = asked(*([(say, block)] + [(ACK, block)] * (BLOCKS_MAX + 5)))
    assert "without end" in raises(BadCheck, lambda: converse(ask(b"R6", b"1()", 500, "m"), line))


def test_every_refusal_of_a_read_is_one_with_its_number():
    say = checked("\x01R5\x021()\x03")
    for answer, code in ((data("(ER07)"), 7), (data("(ERROR)"), 0), (data("(?!)"), 0), (NAK, 0),
                         (checked("\x01B0\x03"), 0)):
        found = None
        try:
            converse(ask(b"R5", b"1()", 500, "m"), asked((say, answer)))
        except Refused as error:
            found = error.code
        assert found == code, answer
    raises(LineSilent, lambda: converse(ask(b"R5", b"1()", 500, "m"), asked()))
    raises(BadCheck, lambda: converse(
        ask(b"R5", b"1()", 500, "m"), asked((say, checked("\x01P0\x02()\x03")))))


def test_writes_are_said_once_and_want_an_acknowledgement():
    for command in ("W1", "W2", "W5", "E2"):
        say = checked("\x01%s\x020.9.1(120000)\x03" % command)
        line = asked((say, ACK))
        converse(write(command.encode(), b"0.9.1(120000)", 500, "m"), line)
        assert line.said == [say]
    say = checked("\x01W1\x021(2)\x03")
    for answer, error in ((NAK, Refused), (data("(ER02)"), Refused), (data("(1)"), BadCheck),
                          (b"", LineSilent), (b"\x7f\x7f", BadCheck)):
        line = asked((say, answer))
        raises(error, lambda line=line: converse(write(b"W1", b"1(2)", 500, "m"), line))
        assert line.said == [say]    # It may have been done: never again by itself.


def test_the_break_is_said_and_not_waited_for():
    line = asked()
    converse(leave(), line)
    assert line.said == [b"\x01B0\x03q"]
