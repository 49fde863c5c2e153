"""Frames of the link layer: built, read, found in what a line hears, and every flipped bit seen."""

from tests.portable import raises
from wum_edge.errors import BadCheck
from wum_edge.meters.mbus.frame import (
    ACK,
    REQ_UD2,
    SND_NKE,
    Frame,
    WholeAnswer,
    answer_in,
    decode_frame,
    encode_frame,
)


def _long():
    body = bytes.fromhex("0801720000000001244007010000000c13270485002f")
    return encode_frame(Frame(body[0], body[1], body[2], body[3:]))


def test_a_short_frame_is_what_the_standard_draws():
    assert encode_frame(Frame(SND_NKE, 1, None, b"")) == bytes.fromhex("1040014116")
    assert encode_frame(Frame(REQ_UD2 | 0x20, 254, None, b"")) == bytes.fromhex("107bfe7916")


def test_what_is_built_is_read_again():
    for frame in (Frame(0x40, 253, None, b""), Frame(0x53, 253, 0x52, bytes(8)),
                  Frame(0x73, 1, 0x51, b"\x01\x7a\x08"), Frame(8, 0, 0x72, bytes(252)),
                  Frame(0x53, 1, 0x50, b"")):
        assert decode_frame(encode_frame(frame)) == frame
    assert decode_frame(ACK) is None


def test_every_single_flipped_bit_is_noticed():
    for whole in (_long(), encode_frame(Frame(REQ_UD2, 7, None, b"")), ACK):
        decode_frame(whole)
        for bit in range(8 * len(whole)):
            damaged = bytearray(whole)
            damaged[bit // 8] ^= 1 << bit % 8
            raises(BadCheck, lambda damaged=damaged: decode_frame(bytes(damaged)))


def test_no_end_of_a_frame_is_taken_for_a_whole_one():
    whole = _long()
    for size in range(len(whole)):
        raises(BadCheck, lambda size=size: decode_frame(whole[:size]))
    raises(BadCheck, lambda: decode_frame(whole + b"\x00"))
    raises(BadCheck, lambda: decode_frame(b""))


def _hear(said, data):
    """What is heard byte by byte until it is whole, and the hearing."""
    hearing = WholeAnswer(said)
    for size in range(1, len(data) + 1):
        if hearing(data[:size]):
            return data[:size], hearing
    return None, hearing


def test_an_answer_is_whole_with_its_last_byte_and_not_before():
    for answer in (_long(), ACK):
        heard, hearing = _hear(b"\x10\x5b\x01\x5c\x16", answer)
        assert heard == answer
        answer_in(heard, hearing)


def test_the_echo_of_a_level_converter_is_passed_over():
    said = encode_frame(Frame(0x53, 253, 0x52, bytes(8)))   # Itself a long frame.
    for answer in (_long(), ACK):
        heard, hearing = _hear(said, said + answer)
        assert heard == said + answer
        assert answer_in(heard, hearing) == decode_frame(answer)


def test_noise_before_an_answer_is_passed_over():
    for noise in (b"\x00", b"\xff\x68", b"\x68\x10", b"\x00\xe5"):
        heard, hearing = _hear(b"\x10\x5b\x01\x5c\x16", noise + _long())
        assert heard == noise + _long()
        assert answer_in(heard, hearing) == decode_frame(_long())


def test_an_acknowledgement_after_noise_is_none():
    heard, _ = _hear(b"\x10\x40\x01\x41\x16", b"\x00\xe5")
    assert heard is None
