"""Blocks and their check character: what is noticed, and what an exclusive or cannot see."""

from tests.edge.iec_meter import checked
from tests.portable import raises
from wum_edge.errors import BadCheck
from wum_edge.meters.iec62056_21.dataset import parse_block
from wum_edge.meters.iec62056_21.frame import (
    MessageHearing,
    bcc,
    command_message,
    data_message,
    parse_message,
)

READOUT = checked("\x02F.F(00)\r\n1.8.0(000285.4*kWh)\r\nC.1(CDEF#$)\r\n!\r\n\x03")


def heard_by(data, say=b""):
    """The part of `data` that a hearing takes for the message, byte by byte."""
    hearing = MessageHearing(say)
    for size in range(1, len(data) + 1):
        if hearing(data[:size]):
            break
    return data[hearing.start:hearing.end]


def read(data):
    message = parse_message(heard_by(data))
    return parse_block(message.body, True)


def test_a_message_that_we_write_is_one_that_the_standard_draws():
    assert command_message(b"P0", b"(1234567)") == bytes.fromhex("015030022831323334353637290350")
    assert command_message(b"B0") == b"\x01B0\x03q"     # The text's own example (6.3.4).
    assert data_message(b"(1)", False) == checked("\x02(1)\x04")


def test_a_block_that_is_not_the_last_ends_with_eot():
    assert parse_message(data_message(b"P.01(1)", False)) == (b"", b"P.01(1)", False)
    assert parse_message(data_message(b"P.01(1)")) == (b"", b"P.01(1)", True)
    assert parse_message(command_message(b"R5", b"P.01()")) == (b"R5", b"P.01()", True)


def test_every_single_flipped_bit_is_noticed():
    assert len(read(READOUT)) == 3
    for place in range(len(READOUT)):
        for bit in range(8):
            damaged = bytearray(READOUT)
            damaged[place] ^= 1 << bit
            try:
                sets = read(bytes(damaged))
            except BadCheck:
                continue
            raise AssertionError("bit %d of byte %d: %r" % (bit, place, sets))


def test_every_flip_of_two_different_bits_is_noticed_and_of_the_same_bit_is_not():
    body = b"1.8.0(000285.4*kWh)"
    whole = data_message(body)
    unseen = 0
    for bit in range(7):
        for other in range(7):
            damaged = bytearray(whole)
            damaged[1] ^= 1 << bit
            damaged[4] ^= 1 << other
            seen = bcc(damaged[1:-1]) != damaged[-1]
            assert seen == (bit != other)
            unseen += not seen
    assert unseen == 7


def test_an_echo_and_noise_before_a_message_are_passed_over():
    ask = command_message(b"R1", b"1.8.0()")
    answer = data_message(b"(1*kWh)")
    assert heard_by(ask + answer, ask) == answer
    assert heard_by(b"\x55\xaa" + answer, ask) == answer
    assert heard_by(ask + b"\x06", ask) == b"\x06"
    assert heard_by(b"\x15") == b"\x15"


def test_what_is_no_message_is_refused_with_what_was_wanted():
    assert "wanted a message" in raises(BadCheck, lambda: parse_message(b"\x02(1)"))
    assert "BCC wanted" in raises(BadCheck, lambda: parse_message(b"\x02(1)\x03\x00"))
    assert "two characters" in raises(BadCheck, lambda: parse_message(checked("\x01P\x03")))
    assert "control" in raises(BadCheck, lambda: parse_message(checked("\x02(\x011)\x03")))


def test_check_characters_that_are_sums_are_their_own_and_notice_every_flipped_bit():
    assert command_message(b"R1", b"VOLTA()", True) == b"\x01R1\x02VOLTA()\x03\x5f"   # A CE301.
    assert command_message(b"B0", None, True) == b"\x01B0\x03\x75"
    whole = b"\x02VOLTA(230.1)\r\n\x03"
    whole += bytes((sum(whole[1:]) & 0x7F,))
    assert parse_message(whole, True).body == b"VOLTA(230.1)\r\n"
    raises(BadCheck, lambda: parse_message(whole))
    for bit in range(8 * len(whole)):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        raises(BadCheck, lambda damaged=bytes(damaged): parse_message(damaged, True))
