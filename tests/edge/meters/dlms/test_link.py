"""The link's state table, cell by cell that a meter can bring about: what is said to what is heard.

A meter by script: frames are written out by hand here, and no side of ours answers.
"""

from tests.portable import raises
from wum_edge.errors import BadCheck, ForeignAnswer, LineSilent
from wum_edge.meters.dlms import hdlc, link
from wum_edge.meters.dlms.errors import LinkLost
from wum_edge.meters.turn import Line, converse

CLIENT = hdlc.client_address(16)
SERVER = hdlc.server_address(1, 17, 2)
NOISE = b"\x00\xff\x7e\xa0\x7e\x7e\xa8\x90\x11"


class Scripted(Line):
    """Gives one answer to each turn; keeps the frames that were said."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.said = []

    def turn(self, say, is_whole, timeout_ms):
        self.said.append(hdlc.Scanner().scan(say))
        heard = self.answers.pop(0)
        for end in range(1, len(heard) + 1):
            if is_whole(heard[:end]):
                return heard[:end]
        return heard


def frame(kind, information=b"", final=True, segmented=False, send=0, receive=0, server=SERVER):
    return hdlc.frame(kind, CLIENT, server, information, final, segmented, send, receive).encode()


def opened(*answers, server=SERVER, information=128, window=1):
    one = link.Link(server, CLIENT, hdlc.Parameters(2030, 2030, 7, 7), 100)
    limits = hdlc.Parameters(information, information, window, window)
    line = Scripted(hdlc.frame(hdlc.UA, CLIENT, server,
                               hdlc.encode_parameters(limits)).encode(), *answers)
    converse(one.open(), line)
    line.said = []
    return one, line


def shapes(said):
    """(kind, N(S), N(R), final, segmented, bytes) of each frame, turn by turn."""
    return [[(f.kind, f.send, f.receive, f.final, f.segmented, len(f.information))
             for f in turn] for turn in said]


def test_addresses_of_every_size_are_said_and_heard():
    for size in (1, 2, 4):
        server = hdlc.server_address(1, 0 if size == 1 else 17, size)
        one, line = opened(frame(hdlc.I, b"yes", receive=1, server=server), server=server)
        assert converse(one.ask(b"ask"), line) == b"yes"
        assert line.said[0][0].destination == server and len(server) == size


def test_the_information_field_that_was_granted_is_what_is_used():
    one, line = opened(frame(hdlc.RR, receive=1), frame(hdlc.RR, receive=2),
                       frame(hdlc.I, b"yes", receive=3), information=64)
    assert one.parameters.send_bytes == 64
    assert converse(one.ask(bytes(150)), line) == b"yes"
    assert shapes(line.said) == [[("I", 0, 0, True, True, 64)], [("I", 1, 0, True, True, 64)],
                                 [("I", 2, 0, True, False, 22)]]


def test_a_window_is_filled_polled_once_and_moved_on_by_what_the_meter_has():
    one, line = opened(frame(hdlc.RR, receive=3), frame(hdlc.I, b"yes", receive=5),
                       information=16, window=3)
    assert converse(one.ask(bytes(80)), line) == b"yes"
    assert shapes(line.said) == [
        [("I", 0, 0, False, True, 16), ("I", 1, 0, False, True, 16), ("I", 2, 0, True, True, 16)],
        [("I", 3, 0, False, True, 16), ("I", 4, 0, True, False, 16)]]


def test_rej_and_an_early_rr_say_again_from_where_the_meter_is():
    for kind in (hdlc.REJ, hdlc.RR):
        one, line = opened(frame(kind, receive=1), frame(hdlc.I, b"yes", receive=3),
                           information=16, window=3)
        assert converse(one.ask(bytes(48)), line) == b"yes"
        assert [f.send for f in line.said[1]] == [1, 2]


def test_rnr_is_polled_until_the_meter_is_ready():
    one, line = opened(frame(hdlc.RNR, receive=1), frame(hdlc.RNR, receive=1),
                       frame(hdlc.I, b"yes", receive=1))
    assert converse(one.ask(b"ask"), line) == b"yes"
    assert [turn[0].kind for turn in line.said] == ["I", "RR", "RR"]
    one, line = opened(*[frame(hdlc.RNR, receive=1)] * (link.POLLS_MAX + 2))
    raises(BadCheck, lambda: converse(one.ask(b"ask"), line))
    assert one.state == link.CLOSED


def test_segments_of_an_answer_are_joined_and_a_lost_one_is_asked_for():
    first = frame(hdlc.I, b"ab", False, True, 0, 1)
    second = frame(hdlc.I, b"cd", False, True, 1, 1)
    third = frame(hdlc.I, b"ef", True, False, 2, 1)
    one, line = opened(first + second + third, window=3)
    assert converse(one.ask(b"ask"), line) == b"abcdef"
    one, line = opened(first + third, second + third, window=3)
    assert converse(one.ask(b"ask"), line) == b"abcdef"
    assert shapes(line.said)[1] == [("RR", 0, 1, True, False, 0)]
    one, line = opened(first + first + second + second + third, window=3)
    assert converse(one.ask(b"ask"), line) == b"abcdef"      # What comes twice is taken once.


def test_sequence_numbers_go_round_after_seven():
    one, line = opened()
    for place in range(20):
        line.answers.append(frame(hdlc.I, bytes([place]), send=place % 8,
                                  receive=(place + 1) % 8))
        assert converse(one.ask(b"ask"), line) == bytes([place])
        assert (line.said[-1][0].send, line.said[-1][0].receive) == (place % 8, place % 8)
    one, line = opened(*[frame(hdlc.RR, receive=(n + 1) % 8) for n in range(9)], frame(
        hdlc.I, b"yes", receive=2), information=16)
    assert converse(one.ask(bytes(160)), line) == b"yes"     # Ten segments of one request.
    assert [turn[0].send for turn in line.said] == [0, 1, 2, 3, 4, 5, 6, 7, 0, 1]


def test_frmr_dm_and_disc_end_the_link_wherever_they_come():
    for kind in (hdlc.FRMR, hdlc.DM, hdlc.DISC):
        one, line = opened(frame(kind))
        assert kind in raises(LinkLost, lambda one=one, line=line: converse(one.ask(b"a"), line))
        assert one.state == link.CLOSED
        one, line = opened(frame(hdlc.I, b"ab", True, True, 0, 1), frame(kind))
        raises(LinkLost, lambda one=one, line=line: converse(one.ask(b"a"), line))
    one = link.Link(SERVER, CLIENT, hdlc.DEFAULTS, 100)
    raises(LinkLost, lambda: converse(one.open(), Scripted(frame(hdlc.DM))))
    assert one.state == link.CLOSED


def test_noise_before_between_and_behind_frames_is_passed_over():
    one, line = opened(NOISE + frame(hdlc.I, b"ab", False, True, 0, 1) + NOISE
                       + frame(hdlc.I, b"cd", True, False, 1, 1) + NOISE, window=2)
    assert converse(one.ask(b"ask"), line) == b"abcd"
    damaged = bytearray(frame(hdlc.I, b"yes", receive=1))
    damaged[-3] ^= 1
    one, line = opened(bytes(damaged), frame(hdlc.I, b"yes", receive=1))
    assert converse(one.ask(b"ask"), line) == b"yes"
    assert line.said[1][0].kind == hdlc.RR


def test_frames_of_others_are_no_answer_and_are_told():
    other = hdlc.frame(hdlc.I, CLIENT, hdlc.server_address(1, 18, 2), b"no", receive=1).encode()
    one, line = opened(other + frame(hdlc.I, b"yes", receive=1))
    assert converse(one.ask(b"ask"), line) == b"yes" and one.foreign == 1
    one, line = opened(*[other] * link.ATTEMPTS)
    raises(ForeignAnswer, lambda: converse(one.ask(b"ask"), line))


def test_silence_costs_a_poll_while_asked_and_nothing_while_closing():
    one, line = opened(b"", frame(hdlc.I, b"yes", receive=1), b"")
    assert converse(one.ask(b"ask"), line) == b"yes"
    assert [turn[0].kind for turn in line.said] == ["I", "RR"]
    converse(one.close(), line)
    assert one.state == link.CLOSED and line.said[-1][0].kind == hdlc.DISC
    one, line = opened(b"", b"")
    raises(LineSilent, lambda: converse(one.ask(b"ask"), line))


def test_what_says_nothing_while_asked_is_passed_over():
    for kind in (hdlc.UI, hdlc.UA, hdlc.SNRM):
        one, line = opened(frame(kind, final=kind != hdlc.UI) if kind == hdlc.UA else frame(
            kind, b"push", False) + frame(hdlc.I, b"yes", receive=1),
            frame(hdlc.I, b"yes", receive=1))
        assert converse(one.ask(b"ask"), line) == b"yes"
