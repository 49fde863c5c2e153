"""The functions of Modbus besides plain reading, with the frames that the standard prints."""

from tests.edge.bus import framed
from tests.edge.meters.modbus.test_rtu import Tape
from tests.portable import raises
from wum_edge.errors import BadCheck, ForeignAnswer, LineSilent, MeterError, Refused
from wum_edge.meters.modbus import functions
from wum_edge.meters.modbus.rtu import RtuStation
from wum_edge.meters.turn import converse

COILS = "cd6b05"             # V1.1b3, 6.1: outputs 20..38.
OUTPUTS_20_TO_38 = (1, 0, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 0, 1, 1, 0, 1, 0, 1)
IDENTITY = "2b0e01%s0003" + "0004" + "41434d45" + "0102" + "5831" + "0205" + "56322e3131"


def fails(action):
    """That `action()` ends in an outcome, whichever, and gives nothing."""
    try:
        action()
    except MeterError:
        return
    raise AssertionError("wanted an outcome, got a result")


def station(echoes=False):
    """Unit 17 on a line of which it is known whether it echoes."""
    one = RtuStation(17, 500)
    one.echoes = echoes
    return one


# (conversation of a station, request without unit, answer without unit, result).
GOLDEN = (
    (lambda s: functions.read_bits(s, 1, 19, 19), "0100130013", "0103" + COILS,
     tuple([bool(b) for b in OUTPUTS_20_TO_38])),
    (lambda s: functions.read_bits(s, 2, 196, 22), "0200c40016", "0203acdb35",
     tuple([bool(0x35DBAC >> n & 1) for n in range(22)])),
    (lambda s: functions.read_words(s, 3, 107, 3), "03006b0003", "0306022b00000064",
     (555, 0, 100)),
    (lambda s: functions.read_words(s, 4, 8, 1), "0400080001", "0402000a", (10,)),
    (lambda s: functions.write_coil(s, 172, True), "0500acff00", "0500acff00", None),
    (lambda s: functions.write_register(s, 1, 3), "0600010003", "0600010003", None),
    (lambda s: functions.write_coils(s, 19, tuple([bool(0x1CD >> n & 1) for n in range(10)])),
     "0f0013000a02cd01", "0f0013000a", None),
    (lambda s: functions.write_registers(s, 1, (10, 0x102)), "100001000204000a0102",
     "1000010002", None),
    (lambda s: functions.read_file_record(s, 4, 1, 2), "1407060004000100" + "02",
     "140605060dfe0020", (0x0DFE, 0x20)),
    (lambda s: functions.exchange_words(s, 3, 6, 14, (255, 255, 255)),
     "1700030006000e00030600ff00ff00ff", "170c00fe0acd00010003000d00ff",
     (254, 0xACD, 1, 3, 13, 255)),
    (lambda s: functions.identify(s), "2b0e0100", IDENTITY % "0100",
     {0: b"ACME", 1: b"X1", 2: b"V2.11"}),
)


def test_every_request_and_answer_is_the_one_the_standard_prints():
    for begin, request, answer, result in GOLDEN:
        tape = Tape(framed("11" + answer))
        assert converse(begin(station()), tape) == result, request
        assert tape.turns == [(framed("11" + request), 500)], request


def test_a_refusal_of_every_function_is_heard():
    for begin, request, _, _ in GOLDEN:
        refusal = framed("11%02x02" % (int(request[:2], 16) | 0x80))
        text = raises(Refused, lambda begin=begin, r=refusal: converse(begin(station()), Tape(r)))
        assert "exception 2" in text and "unit 17, function %d" % int(request[:2], 16) in text


def test_every_single_flipped_bit_of_every_answer_is_noticed():
    for begin, _, answer, _ in GOLDEN:
        frame = framed("11" + answer)
        for bit in range(8 * len(frame)):
            flipped = bytearray(frame)
            flipped[bit >> 3] ^= 1 << (bit & 7)
            fails(lambda begin=begin, f=bytes(flipped): converse(
                begin(station()), Tape(f)))


def test_an_answer_that_breaks_off_is_no_answer():
    for begin, _, answer, _ in GOLDEN:
        frame = framed("11" + answer)
        for end in range(1, len(frame)):
            raises(BadCheck, lambda begin=begin, f=frame[:end]: converse(
                begin(station()), Tape(f)))


def test_an_answer_after_noise_and_echo_is_heard():
    for begin, request, answer, result in GOLDEN:
        frame = framed("11" + answer)
        for noise in (b"\x00\xff", b"\x11", frame[:-1]):
            assert converse(begin(station()), Tape(noise + frame)) == result, request
        echoing = Tape(framed("11" + request) + frame)
        assert converse(begin(station(echoes=True)), echoing) == result, request


def test_a_write_that_was_answered_for_another_place_is_not_confirmed():
    write = functions.write_registers(station(), 1, (10, 0x102))
    raises(ForeignAnswer, lambda: converse(write, Tape(framed("111000020002"))))
    write = functions.write_register(station(), 1, 3)
    fails(lambda: converse(write, Tape(framed("110600010004"))))


def test_an_echo_never_confirms_a_write():
    # On a line that echoes, a switch that no station heard must not look switched.
    coil = framed("110500acff00")
    read, on = framed("110100ac0001"), framed("11010101")
    tape = Tape(read + on, coil)
    raises(LineSilent, lambda: converse(
        functions.write_coil(station(echoes=None), 172, True), tape))
    assert [said for said, _ in tape.turns] == [read, coil]
    # The same with the answer behind the echo; and on a line that does not echo.
    converse(functions.write_coil(station(echoes=None), 172, True), Tape(read + on, coil + coil))
    converse(functions.write_coil(station(echoes=None), 172, True), Tape(on, coil))


def test_a_station_that_refuses_the_harmless_read_has_told_whether_the_line_echoes():
    coil = framed("110500acff00")
    converse(functions.write_coil(station(echoes=None), 172, True), Tape(framed("118102"), coil))


def test_one_copy_on_a_line_nobody_knows_is_neither_echo_nor_answer():
    from wum_edge.meters.modbus.pdu import write_coil
    coil = framed("110500acff00")
    text = raises(BadCheck, lambda: converse(station(echoes=None).ask(write_coil(172, True)),
                                             Tape(coil)))
    assert "nobody can tell" in text


def test_an_identity_in_pieces_is_put_together():
    first = framed("11" + "2b0e0101ff0101" + "0004" + "41434d45")
    second = framed("11" + "2b0e01010000" + "02" + "01025831" + "0200")
    tape = Tape(first, second)
    assert converse(functions.identify(station()), tape) == {0: b"ACME", 1: b"X1", 2: b""}
    assert [said for said, _ in tape.turns] == [framed("112b0e0100"), framed("112b0e0101")]


def test_an_identity_that_runs_in_a_circle_is_refused():
    for pdu in ("2b0e0101ff0001" + "0004" + "41434d45",          # Goes on with what it gave.
                "2b0e0101000002" + "000141" + "000142",            # One object twice.
                "2b0e0101ff0500",                                  # More, but nothing given.
                "2b0e0101010001" + "000141"):                      # Neither 0 nor 255.
        raises(BadCheck, lambda pdu=pdu: converse(
            functions.identify(station()), Tape(framed("11" + pdu))))


def test_an_identity_that_is_longer_than_any_frame_ends_the_turn():
    endless = bytes.fromhex("112b0e0101000003" + "00ff") + b"A" * 255 + b"\x01\xff"
    raises(BadCheck, lambda: converse(functions.identify(station()), Tape(endless + b"B" * 900)))


def test_noise_of_beginnings_costs_little():
    turn = next(functions.identify(station()))
    heard = bytearray()
    for _ in range(250):
        for byte in b"\x11\x2b\x0e\x01":
            heard.append(byte)
            turn.is_whole(heard)
    assert len(turn.is_whole._begun) <= 16
