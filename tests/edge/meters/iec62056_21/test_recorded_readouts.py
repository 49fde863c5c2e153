"""Recorded readouts that nobody here wrote, each decoded, or refused for a reason that it names."""

import json

from tests.portable import raises
from wum_edge.errors import BadCheck
from wum_edge.meters.iec62056_21.dataset import parse_block
from wum_edge.meters.iec62056_21.frame import bcc, parse_message
from wum_edge.meters.iec62056_21.recording import decode_recording

VECTORS = __file__.rsplit("/edge/", 1)[0] + "/vectors/iec62056_21/readouts.json"


def recorded(part):
    with open(VECTORS) as file:
        for record in json.load(file):
            if part in record["id"]:
                return bytes.fromhex(record["hex"]), record
    raise AssertionError(part)


def as_lines(sets):
    """The sets as a split by regular expression gives them."""
    return [[one.address, [value.text + ("*" + value.unit if value.unit else "")
                           for value in one.values]] for one in sets]


def test_a_whole_readout_of_an_iskra_meter_with_our_acknowledgement_before_it():
    data, record = recorded("D0WithAck2")
    assert data.startswith(b"\x06050\r\n\x02")
    sets = parse_block(parse_message(data[6:]).body, True)
    assert as_lines(sets) == record["lines"]
    assert len(sets) > 300


def test_a_recording_may_hold_the_sign_on_and_parity_bits():
    body = b"\x021.8.0(000285.4*kWh)\r\n!\r\n\x03"
    block = body + bytes([bcc(body[1:])])
    for before in (b"", b"/ISK5MT174\r\n", b"/?!\r\n/ISK5MT174\r\n\x06050\r\n",
                   b"\x00\x00\x00/?!\r\n/ISK5MT174\r\n"):
        found = decode_recording(before + block)
        assert as_lines(found.sets) == [["1.8.0", ["000285.4*kWh"]]]
        assert (found.identification is None) == (before == b"")
        with_parity = bytes([byte | 0x80 if bin(byte).count("1") % 2 else byte
                             for byte in before + block])
        assert decode_recording(with_parity) == found
    for bad in (b"", b"/ISK5", b"/?!\r\n", block[:-1], block + b"x", b"noise" + block):
        raises(BadCheck, lambda bad=bad: decode_recording(bad))


def test_data_lines_without_their_end_decode_as_a_block():
    for part in ("D0ModeDAck", "D0ModeOverwrite"):
        data, record = recorded(part)
        raises(BadCheck, lambda data=data: parse_message(data))   # Recorded without ETX and BCC.
        assert as_lines(parse_block(data[1:], True)) == record["lines"]


def test_a_readout_whose_recording_was_edited_fails_its_check():
    data, record = recorded("D0End")
    assert "BCC wanted 02, got 19" in raises(BadCheck, lambda: parse_message(data))
    assert len(parse_block(data[1:-2], True)) == data.count(b"(") == 51


def test_a_readout_that_begins_in_noise_is_refused():
    data, record = recorded("testD0Parsing")
    raises(BadCheck, lambda: parse_block(data))
    assert as_lines(parse_block(data[data.find(b"1-1:"):])) == record["lines"]


def test_check_characters_of_command_messages():
    for part in ("bcc_w2", "bcc_p0"):
        data, record = recorded(part)
        assert bcc(data[1:-1]) == int(record["bcc"], 16)
        assert parse_message(data).body


def test_partial_blocks_are_one_recording_with_or_without_what_asked_for_them():
    def block(text, end):
        body = text.encode() + bytes([end])
        return b"\x02" + body + bytes([bcc(body)])
    first, second = block("1.8.0(000285.4*kWh)\r\n", 4), block("2.8.0(1*kWh)\r\n", 4)
    last = block("3.8.0(2*kvarh)\r\n!\r\n", 3)
    wanted = [["1.8.0", ["000285.4*kWh"]], ["2.8.0", ["1*kWh"]], ["3.8.0", ["2*kvarh"]]]
    assert as_lines(decode_recording(first + second + last).sets) == wanted
    assert as_lines(decode_recording(first + b"\x06" + second + b"\x06" + last).sets) == wanted
    for bad in (first, first + second, first + b"x" + last, first + last + b"x",
                first + last[:-1] + b"\x00", first + b"\x15" + last):
        raises(BadCheck, lambda bad=bad: decode_recording(bad))
