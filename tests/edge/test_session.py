"""A transparent session: bytes go each way once and in their order, and it always ends."""

from tests.edge.order_bench import (
    CIPHER,
    IDENTITY,
    ORDER_SEED,
    OWN,
    SIGNATURES,
    World,
    first,
    order,
    sealed,
)
from wum_edge.errors import LineGone
from wum_edge.meters.transparent import WAITING_MAX
from wum_edge.meters.turn import Line
from wum_edge.orders.session import OPEN_AGAIN_MS, Sessions
from wum_shared import cose, orders
from wum_shared.order_kinds import encode_arguments
from wum_shared.orders import DONE, RECEIVED, REFUSED, UNKNOWN
from wum_shared.session import BYTES_MAX, DATA_MAX, IDLE_S, Piece, open_piece, sign_piece
from wum_simulator.flash import SimulatedFlash

ACT = b"act 0003"


class Echo(Line):
    """Answers with what was said, backwards, one turn later."""

    def __init__(self, clock):
        self.clock, self.said, self.gone, self.size, self._answer = clock, [], False, 0, b""

    def turn(self, say, is_whole, timeout_ms):
        if self.gone:
            raise LineGone("unplugged")
        self.clock.true_ms += timeout_ms
        answer, self._answer = self._answer, bytes(reversed(say)) if say else bytes(self.size)
        self.said += [say] if say else []
        return answer


class Bench(World):
    """A concentrator whose line is run by the test."""

    def start(self):
        super().start()
        self.line, self.pieces, self.lent = Echo(self.clock), [], []
        self.sessions = Sessions(
            {"M-1": 0}, lambda one: self.lent.append(one) or "", lambda take: take(),
            self.desk.trusted, SIGNATURES, IDENTITY, SIGNATURES.public(IDENTITY), self.clock,
            self.log)
        self.desk.beside = self.sessions.tick
        self.desk.acts[orders.SESSION] = self.sessions
        return self

    def say(self, stream, signed):
        if stream != "session":
            return super().say(stream, signed)
        if self.connected:
            self.pieces.append(open_piece(SIGNATURES, (SIGNATURES.public(IDENTITY),), signed))
        return self.connected

    def open(self, seconds=60, sequence=3):
        return self.tell(sealed(order(sequence, kind=orders.SESSION, arguments=encode_arguments(
            orders.SESSION, ["M-1", seconds]))))

    def down(self, number, data=b"", is_last=False, act=ACT, seed=ORDER_SEED, to=None):
        piece = Piece(to or OWN.concentrator, act, "down", number, data, is_last)
        self.sessions.heard(cose.seal(
            CIPHER, OWN.downlink, OWN.key_id, 900 + number, sign_piece(
                SIGNATURES, seed, SIGNATURES.public(seed), piece), "down", OWN.tenant, "session"))

    def run(self):
        """The line's thread: until the session is over."""
        one = self.lent.pop()
        for _ in one.argument.turns(self.line, self.clock):
            pass
        one.done(one.argument.outcome())
        self.desk.tick(self.say)
        return self.receipts[-1]


def test_bytes_go_down_and_come_up_and_either_side_ends_it():
    world = first(Bench(SimulatedFlash()).start())
    assert world.open().state == RECEIVED
    assert [(one.number, one.data) for one in world.pieces] == [(1, b"")]      # It is open.
    world.down(1, b"hello")
    world.down(2, b"you")
    world.down(3, is_last=True)
    receipt = world.run()
    assert receipt.state == DONE and "the head-end ended it" in receipt.note
    assert world.line.said == [b"hello", b"you"] and "8 bytes said" in receipt.note
    assert [(one.number, one.data, one.is_last) for one in world.pieces] == [
        (1, b"", False), (2, b"olleh", False), (3, b"", True)]
    assert {one.session for one in world.pieces} == {ACT}
    world.down(4, b"late")
    assert world.tell(sealed(order(3, kind=orders.SESSION, arguments=encode_arguments(
        orders.SESSION, ["M-1", 60])))).state == DONE and not world.lent


def test_it_says_that_it_is_open_until_it_is_heard_and_keeps_what_the_meter_says():
    world = first(Bench(SimulatedFlash()).start())
    world.open()
    line = world.lent[0].argument
    line.heard.append(b"by itself")
    for _ in range(3):
        world.clock.true_ms += OPEN_AGAIN_MS - 1
        world.desk.tick(world.say)               # Not yet,
        world.clock.true_ms += 1
        world.desk.tick(world.say)
    assert [(one.number, one.data) for one in world.pieces] == [(1, b"")] * 4
    world.down(1)
    world.clock.true_ms += 3 * OPEN_AGAIN_MS
    world.desk.tick(world.say)
    assert [(one.number, one.data) for one in world.pieces[4:]] == [(2, b"by itself")]
    world.down(2, is_last=True)
    world.run()
    assert world.line.said == [] and world.pieces[-1].number == 3


def test_what_comes_faster_than_it_can_be_sent_ends_it_and_nothing_is_left_out():
    world = first(Bench(SimulatedFlash()).start())
    world.open()
    world.down(1)
    said = []

    def turn(say, is_whole, timeout_ms):         # Three pieces at once; nobody takes them away.
        said.extend([bytes([len(said) + n]) * DATA_MAX for n in range(3)])
        return b"".join(said[-3:])
    world.line.turn = turn
    assert "too much was heard" in world.run().note
    assert [one.data for one in world.pieces[1:-1]] == said[:WAITING_MAX]


def test_who_signs_slowly_sends_a_piece_in_a_turn_and_the_end_comes_last():
    world = first(Bench(SimulatedFlash()).start())
    world.sessions.pieces_a_tick = 1
    world.open()
    world.down(1)
    world.lent[0].argument.heard.extend([b"1", b"2", b"3"])
    world.down(2, is_last=True)
    one = world.lent.pop()
    list(one.argument.turns(world.line, world.clock))
    one.done(one.argument.outcome())
    sent = []
    while not world.pieces[-1].is_last:
        before = len(world.pieces)
        world.desk.tick(world.say)
        sent.append([piece.data for piece in world.pieces[before:]])
    assert sent == [[b"1"], [b"2"], [b"3", b""]] and world.receipts[-1].state == DONE


def test_what_came_before_is_taken_once_and_what_is_forged_is_nobodys():
    world = first(Bench(SimulatedFlash()).start())
    world.open()
    world.down(1, b"once")
    for _ in range(3):
        world.down(1, b"once")
    world.down(2, b"forged", seed=b"x" * 32)
    world.down(2, b"another's", act=b"another ")
    world.down(2, b"elsewhere", to=b"12345678")
    world.sessions.heard(b"noise")
    world.down(2, is_last=True)
    world.run()
    assert world.line.said == [b"once"]


def test_a_missing_piece_time_silence_bytes_and_a_dead_line_each_end_it():
    def ended(seconds=60, before=lambda world: None):
        world = first(Bench(SimulatedFlash()).start())
        world.open(seconds)
        before(world)
        began_ms = world.clock.true_ms
        receipt = world.run()
        return receipt.note, world.clock.true_ms - began_ms, world

    note, took_ms, _ = ended(600)
    assert "its time was over" in note and 600_000 <= took_ms < 601_000
    note, _, world = ended(before=lambda world: (world.down(1, b"a"), world.down(3, b"c")))
    assert "is missing" in note and world.line.said == [b"a"]
    assert "the line failed" in ended(before=lambda world: setattr(world.line, "gone", True))[0]
    note, _, world = ended(600, lambda world: setattr(world.line, "size", DATA_MAX))
    assert "too much was heard" in note
    assert sum(len(one.data) for one in world.pieces) <= BYTES_MAX

    def waits(world):
        world.clock.true_ms += 1000 * IDLE_S + 1
        world.desk.tick(world.say)

    assert "said nothing for" in ended(600, waits)[0]


def test_there_is_one_session_at_a_time_and_none_with_a_meter_that_is_not_here():
    world = first(Bench(SimulatedFlash()).start())
    world.open()
    second = world.open(sequence=4)
    assert (second.state, second.reason) == (REFUSED, orders.CANNOT)
    for arguments in (["M-9", 60], ["M-1", 601]):
        raw = b"\x80" if arguments[1] == 601 else encode_arguments(orders.SESSION, arguments)
        assert world.tell(sealed(order(
            5 + arguments[1], kind=orders.SESSION, arguments=raw))).state == REFUSED
    world.down(1, is_last=True)
    world.run()
    assert world.open(sequence=1000).state == RECEIVED


def test_a_power_cut_ends_it_and_it_is_told_as_unknown():
    world = first(Bench(SimulatedFlash()).start())
    world.open()
    world.down(1, b"once")
    world.start()
    world.down(2, b"twice")
    receipt = world.open()
    assert (receipt.state, receipt.reason) == (UNKNOWN, orders.CUT_WITHIN)
    assert not world.lent and not world.line.said


def test_what_cannot_be_sent_waits_and_nothing_is_left_out():
    world = first(Bench(SimulatedFlash()).start())
    world.open()
    world.connected = False
    world.down(1, b"ab")
    world.down(2, is_last=True)
    world.run()
    world.connected = True
    world.desk.tick(world.say)
    assert [one.number for one in world.pieces] == list(range(1, len(world.pieces) + 1))
    assert world.pieces[-1].is_last and world.receipts[-1].state == DONE
