"""Modbus TCP: an answer belongs to its transaction, whatever else comes over the connection."""

from tests.edge.meters.modbus.test_functions import GOLDEN, fails
from tests.edge.meters.modbus.test_rtu import Tape
from tests.portable import raises
from wum_edge.errors import BadCheck, ForeignAnswer, LineSilent, Refused
from wum_edge.meters.modbus import functions
from wum_edge.meters.modbus.tcp import TcpStation
from wum_edge.meters.turn import converse


def carried(transaction, text, unit=17):
    """A PDU in its header."""
    pdu = bytes.fromhex(text)
    size = len(pdu) + 1
    return bytes([transaction >> 8, transaction & 255, 0, 0, size >> 8, size & 255, unit]) + pdu


def station(transaction=0x1500):
    return TcpStation(17, 500, transaction)


def read(*pieces):
    return converse(functions.read_words(station(), 3, 107, 3), Tape(*pieces))


ANSWER = carried(0x1501, "0306022b00000064")


def test_every_function_is_spoken_with_the_header():
    for begin, request, answer, result in GOLDEN:
        tape = Tape(carried(0x1501, answer))
        assert converse(begin(station()), tape) == result, request
        assert tape.turns == [(carried(0x1501, request), 500)], request


def test_transactions_count_on_and_start_again_after_the_last():
    one = station(65534)
    for number in (65535, 0, 1):
        tape = Tape(carried(number, "0306022b00000064"))
        assert converse(functions.read_words(one, 3, 107, 3), tape) == (555, 0, 100)


def test_late_answers_and_those_of_others_are_passed_over():
    late = carried(0x1500, "0306ffffffffffff")
    other = carried(0x1501, "0306ffffffffffff", unit=18)
    assert read(late + other + ANSWER) == (555, 0, 100)
    text = raises(ForeignAnswer, lambda: read(late + other))
    assert "2 answers" in text
    reply = converse(station().ask(_request()), Tape(late + ANSWER))
    assert reply.foreign == 1


def _request():
    from wum_edge.meters.modbus.pdu import read_words
    return read_words(3, 107, 3)


def test_a_refusal_names_its_code():
    assert "exception 11" in raises(Refused, lambda: read(carried(0x1501, "830b")))


def test_silence_is_silence_and_half_a_frame_is_damage():
    raises(LineSilent, lambda: read())
    for end in range(1, len(ANSWER)):
        raises(BadCheck, lambda end=end: read(ANSWER[:end]))


def test_what_is_no_answer_to_the_question_is_refused():
    for text in ("0304022b0000", "0406022b00000064", "0306022b000000", "8302ff", "03",
                 "0306022b0000006400"):
        raises(BadCheck, lambda text=text: read(carried(0x1501, text)))
    for header in ("150100010009" + "11", "15010000000011", "1501000001ff" + "11"):
        raises(BadCheck, lambda header=header: read(
            bytes.fromhex(header) + bytes.fromhex("0306022b00000064")))


def test_a_flipped_bit_in_header_or_head_never_gives_a_value():
    for bit in range(8 * 9):
        flipped = bytearray(ANSWER)
        flipped[bit >> 3] ^= 1 << (bit & 7)
        fails(lambda flipped=flipped: read(bytes(flipped)))


def test_who_talks_without_end_is_not_heard_without_end():
    tape = Tape(carried(1, "0306ffffffffffff") * 1000)
    raises(ForeignAnswer, lambda: converse(functions.read_words(station(), 3, 107, 3), tape))
    assert len(tape.unheard) > 8000
