"""Reading Modbus registers over a line that may be silent, noisy, or speak of others."""

from tests.edge.bus import Bus, ScriptedMeter, VirtualClock, crc_of, framed
from tests.portable import raises
from wum_edge.errors import BadCheck, ForeignAnswer, LineSilent, Refused
from wum_edge.meters.modbus.rtu import Answer, crc, read_registers, with_crc
from wum_edge.meters.turn import Hearing, Line, Turn, converse

ANSWER = framed("11030400060005")            # Unit 17: registers 6 and 5.
OF_ANOTHER = framed("12030400630063")        # Unit 18, the same shape.


class Tape(Line):
    """Gives one piece of bytes a turn, byte by byte, and keeps what was said.

    A turn that says nothing goes on with what the one before left unheard.
    """

    def __init__(self, *pieces):
        self.pieces = list(pieces)
        self.turns = []
        self.unheard = b""

    def turn(self, say, is_whole, timeout_ms):
        self.turns.append((bytes(say), timeout_ms))
        piece = (b"" if say else self.unheard) + (self.pieces.pop(0) if self.pieces else b"")
        self.unheard = b""
        heard = bytearray()
        for place in range(len(piece)):
            heard.append(piece[place])
            if is_whole(heard):
                self.unheard = piece[place + 1:]
                break
        return bytes(heard)


def read(*pieces):
    return converse(read_registers(17, 3, 8, 2, 500), Tape(*pieces))


def test_the_request_is_the_one_the_standard_prints():
    # V1.1b3, 6.3: registers 108..110; the unit and CRC are those of Serial Line frames.
    tape = Tape()
    raises(LineSilent, lambda: converse(read_registers(17, 3, 107, 3, 500), tape))
    assert tape.turns[0] == (bytes.fromhex("1103006b00037687"), 500)


def test_the_answer_the_standard_prints_is_read():
    # V1.1b3, 6.3: 02 2B, 00 00, 00 64.
    answer = framed("110306022b00000064")
    assert converse(read_registers(17, 3, 107, 3), Tape(answer)).words == (555, 0, 100)
    # V1.1b3, 6.4: input register 9 is 10.
    answer = framed("110402000a")
    assert converse(read_registers(17, 4, 8, 1), Tape(answer)).words == (10,)


def test_the_crc_is_the_one_the_standard_draws():
    assert with_crc(b"\x02\x07") == b"\x02\x07\x41\x12"     # Serial Line V1.02, appendix B.
    for length in range(20):
        frame = bytes([(7 * place + length) & 0xFF for place in range(length)])
        assert with_crc(frame)[-2:] == crc_of(frame)
        assert crc(frame + crc_of(frame)) == 0


def test_two_registers_come_back_as_numbers():
    assert read(ANSWER) == Answer((6, 5), 0)


def test_hearing_ends_with_the_last_byte_of_the_answer():
    tape = Tape(ANSWER + b"\x00\xff")
    converse(read_registers(17, 3, 8, 2), tape)
    assert tape.unheard == b"\x00\xff"


def test_silence_is_silence():
    text = raises(LineSilent, lambda: read(b""))
    assert "silent for 500 ms" in text and "registers 8..9" in text


def test_a_refusal_names_the_code_the_meter_gave():
    text = raises(Refused, lambda: read(framed("118302")))
    assert "exception 2 (illegal data address)" in text


def test_a_wrong_check_is_a_wrong_check_and_not_silence():
    text = raises(BadCheck, lambda: read(ANSWER[:-1] + b"\x00"))
    assert "9 bytes" in text


def test_a_broken_off_answer_is_damaged():
    for end in range(1, len(ANSWER)):
        raises(BadCheck, lambda end=end: read(ANSWER[:end]))


def test_every_single_flipped_bit_is_noticed():
    for bit in range(8 * len(ANSWER)):
        flipped = bytearray(ANSWER)
        flipped[bit >> 3] ^= 1 << (bit & 7)
        raises(BadCheck, lambda flipped=flipped: read(bytes(flipped)))


def test_every_single_flipped_bit_of_a_refusal_is_noticed():
    refusal = framed("118302")
    for bit in range(8 * len(refusal)):
        flipped = bytearray(refusal)
        flipped[bit >> 3] ^= 1 << (bit & 7)
        raises(BadCheck, lambda flipped=flipped: read(bytes(flipped)))


def test_an_answer_of_another_meter_is_foreign():
    text = raises(ForeignAnswer, lambda: read(OF_ANOTHER))
    assert "heard instead unit 18" in text


def test_an_answer_to_an_earlier_request_is_foreign():
    # Our unit and function, but three registers instead of two.
    text = raises(ForeignAnswer, lambda: read(framed("1103060006000500040003"[:18])))
    assert "unit 17" in text
    raises(ForeignAnswer, lambda: read(framed("11040400060005")))


def test_a_foreign_answer_does_not_end_the_wait():
    assert read(OF_ANOTHER + ANSWER) == Answer((6, 5), 1)
    assert read(OF_ANOTHER + framed("128302") + ANSWER) == Answer((6, 5), 2)


def test_a_foreign_refusal_does_not_refuse_for_ours():
    assert read(framed("128302") + ANSWER) == Answer((6, 5), 1)


def test_noise_before_the_answer_is_passed_over():
    for noise in (b"\x00", b"\xff\xff", b"\x11", b"\x11\x03", b"\x11\x03\x04", b"\x11\x83",
                  b"\x11\x11\x03\x11", bytes(range(60))):
        assert read(noise + ANSWER).words == (6, 5), noise


def test_noise_that_looks_like_a_whole_damaged_answer_is_passed_over():
    false_answer = ANSWER[:-1] + b"\x00"
    # The true answer may follow at once or a moment later.
    assert read(false_answer + ANSWER).words == (6, 5)
    tape = Tape(false_answer, ANSWER)
    assert converse(read_registers(17, 3, 8, 2, 500), tape).words == (6, 5)
    assert tape.turns[1][0] == b""       # It only listened on.
    assert tape.turns[1][1] < 100


def test_noise_without_end_ends_the_turn():
    tape = Tape(b"\x00" * 5000)
    raises(BadCheck, lambda: converse(read_registers(17, 3, 8, 2), tape))
    assert len(tape.unheard) > 3000


def test_our_own_echo_is_dropped_and_nothing_else():
    echo = framed("110300080002")
    assert read(echo + ANSWER).words == (6, 5)
    assert read(echo + b"\x00" + ANSWER).words == (6, 5)
    raises(LineSilent, lambda: read(echo))
    raises(BadCheck, lambda: read(echo[:-1]))
    raises(BadCheck, lambda: read(echo + b"\x00"))
    raises(Refused, lambda: read(echo + framed("118306")))


def test_an_answer_that_begins_like_the_echo_is_still_heard():
    # One register whose high byte makes the answer begin like the request, up to its CRC.
    request = with_crc(bytes.fromhex("110302000001"))
    answer = framed("1103020000")
    assert request[:5] == answer[:5]
    assert converse(read_registers(17, 3, 0x200, 1), Tape(answer)).words == (0,)


class Counted:
    """Bytes that count how often one of them is looked at."""

    def __init__(self):
        self.content = bytearray()
        self.looks = 0

    def __len__(self):
        return len(self.content)

    def __getitem__(self, place):
        self.looks += 1 if type(place) is int else len(self.content[place])
        return self.content[place]

    def __eq__(self, other):
        return self.content == other


def test_each_byte_is_looked_at_a_few_times_however_many_pieces_come():
    turn = next(read_registers(17, 3, 8, 2))
    assert type(turn) is Turn and isinstance(turn.is_whole, Hearing)
    heard = Counted()
    for _ in range(1000):
        heard.content.append(0x55)
        assert not turn.is_whole(heard)
    assert heard.looks <= 4 * 1000


def test_a_conversation_is_closed_when_the_line_fails():
    class Gone(Line):
        def turn(self, say, is_whole, timeout_ms):
            raise OSError("gone")

    conversation = read_registers(17, 3, 8, 2)
    try:
        converse(conversation, Gone())
    except OSError:
        gone = True
    assert gone
    try:
        next(conversation)
        ended = False
    except StopIteration:
        ended = True
    assert ended


def test_late_bytes_of_one_meter_do_not_become_values_of_another():
    clock = VirtualClock()
    slow = ScriptedMeter(5, {0: 111, 1: 222}, delay_ms=700)
    quick = ScriptedMeter(6, {0: 333, 1: 444}, delay_ms=400)
    bus = Bus(clock, [slow, quick])
    raises(LineSilent, lambda: converse(read_registers(5, 3, 0, 2, 500), bus))
    # The answer of 5 comes 200 ms into the turn of 6, and that of 6 another 200 ms later.
    assert converse(read_registers(6, 3, 0, 2, 500), bus) == Answer((333, 444), 1)
