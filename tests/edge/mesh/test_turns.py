"""Whose turn it is when everybody has more than goes through: origins, children, and who asks."""

from tests.edge.mesh.doubles import DigestSeal
from tests.edge.mesh.quiet_air import QuietAir
from wum_edge.mesh import frames
from wum_edge.mesh.children import Children
from wum_edge.mesh.custody import Custody
from wum_edge.mesh.frames import Item
from wum_edge.mesh.guard import Guard
from wum_edge.mesh.timing import ASKS_US, HOST_US, IDLE, is_short, saving_us

MINUTE_US = 60_000_000


def piece(origin, number):
    return Item(origin, number, 0, True, bytes(200), 0)


def test_a_store_gives_out_by_turns_of_origins_what_it_took_in_a_row():
    custody = Custody()
    for origin, count in ((1, 6), (2, 3), (3, 1)):
        for number in range(count):
            assert custody.take(piece(origin, number), 2)
    order = [(item.origin, item.number) for item in custody.everything()]
    assert order == [(1, 0), (2, 0), (3, 0), (1, 1), (2, 1), (1, 2), (2, 2), (1, 3), (1, 4), (1, 5)]


def test_a_late_origin_waits_for_one_piece_of_each_other_at_most():
    custody = Custody()
    for number in range(8):
        for origin in (1, 2):
            custody.take(piece(origin, number), 2)
    custody.take(piece(9, 0), 2)
    assert [item.origin for item in custody.everything()].index(9) == 2


def test_what_is_urgent_goes_before_every_turn():
    custody = Custody()
    for number in range(4):
        custody.take(piece(1, number), 2)
    custody.take(piece(2, 0), 0)
    assert custody.next_frame()[1][0].origin == 2


def served(children, bursts):
    """(address, frames had) after so many polls of whose turn it is, each with 15 frames."""
    had = {}
    for at in range(bursts):
        address = children.next(1_000 + at)
        origins = 5 if address == 7 else 1
        children.answered(1_000 + at, address, 0x7FFF, 15, at, origins)
        had[address] = had.get(address, 0) + 15
    return had


def test_a_child_that_carries_five_origins_gets_five_turns():
    children = Children()
    for address in (7, 8, 9):
        children.ask(1, address, 40, 40)
    had = served(children, 70)
    assert had[7] == 5 * had[8] == 5 * had[9]


def test_who_had_nothing_to_send_has_saved_no_turns_up():
    children = Children()
    children.ask(1, 8, 40, 40)
    served(children, 20)
    children.ask(2, 9, 40, 40)
    had = served(children, 20)
    assert abs(had[8] - had[9]) <= 30


def star(stations):
    """Everybody hears everybody: the hardest case for who has to ask."""
    links = [(one, other) for other in range(2, stations + 1) for one in range(1, other)]
    air = QuietAir({1}, links)
    air.run(2 * MINUTE_US)
    return air


def test_nobody_is_shut_out_by_those_who_were_first():
    air = star(7)
    had = {}
    for _ in range(100):
        for address in range(2, 8):
            while air.submit(address, bytes([address]) * 200) is not None:
                pass
        air.run(air.now + 2_000_000)
        for origin, _content in air.delivered:
            had[origin] = had.get(origin, 0) + 1
        air.delivered = []
    assert sorted(had) == [2, 3, 4, 5, 6, 7]
    assert min(had.values()) * 2 > max(had.values()), had


def test_an_acknowledgement_that_is_lost_is_told_again_with_the_next_poll():
    air = star(3)
    lost = []

    def loses(frame):
        header = frames.decode_header(frame)
        acks = []
        if header.kind == frames.POLL and header.source == 1:
            anybody = Guard(DigestSeal(b"k"), 7, 1, 9)
            acks = frames.decode_poll(anybody.open(header, frame)).acks
        if not lost and acks and acks[0][0] == 2:
            lost.append(frame)
        return frame in lost

    air.loses = loses
    for number in range(40):
        air.submit(2, bytes([number]) * 200)
    air.run(air.now + 2 * MINUTE_US)
    sent = [frame for address, frame in air.sent
            if address == 2 and frames.decode_header(frame).kind == frames.DATA
            and len(frame) > 100]
    assert lost and len(air.delivered) == 40 and len(sent) == 40


def test_a_poll_of_who_is_no_parent_any_more_is_declined_at_once():
    air = QuietAir({1}, [(1, 2), (1, 3), (2, 3)])
    air.run(2 * MINUTE_US)
    wrong = air.relays[3]                        # As near to the gateway as 2 is.
    assert air.relays[2].gradient.parent == 1 == wrong.gradient.parent
    wrong.children.ask(air.now, 2, 9, 60)
    wrong.on_tick(air.now)
    air._act(3)
    air.run(air.now + 10_000_000)
    assert air.relays[2].counts["poll of no parent"] == 1
    child = wrong.children.get(2)
    assert child.frames == 0 and child.fruitless == 0


def test_who_has_a_burst_of_others_pieces_calls_for_no_second_one():
    air = QuietAir({1}, [(1, 2), (2, 3)])
    air.run(2 * MINUTE_US)
    relay = air.relays[2]
    relay.children.ask(air.now, 3, 16, 60)
    for number in range(frames.BURST_MAX):
        relay.custody.take(piece(3, number), 2)
    assert relay.custody.others == frames.BURST_MAX and relay.polls.has_work()
    relay.custody.take(piece(3, 99), 2)
    assert not relay.polls.has_work()
    relay.custody.release([piece(3, 99)])
    assert relay.polls.has_work()


def test_what_still_waits_at_its_origin_is_not_called_for_again():
    air = QuietAir({1}, [(1, 2), (2, 3)])
    air.run(2 * MINUTE_US)
    air.loses = lambda frame: frames.decode_header(frame).kind == frames.DATA
    air.submit(3, bytes(200))
    air.run(air.now + 60 * MINUTE_US)
    assert air.relays[3].custody.size == 1 and air.of("want") + air.of("again") == []
    air.loses = lambda frame: False
    air.run(air.now + 10 * MINUTE_US)
    assert air.delivered == [(3, bytes(200))]


def test_a_full_table_makes_room_for_who_had_nothing():
    children = Children()
    for address in range(1, 65):
        children.ask(1, address, 40, 40)
    had = served(children, 40)
    newest = min(address for address in range(1, 65) if address not in had)
    children.ask(2_000, 100, 40, 40)
    assert children.get(newest) is not None and children.get(100) is not None
    gone = [address for address in range(1, 65) if children.get(address) is None]
    assert len(gone) == 1 and gone[0] in had


def test_who_had_to_make_room_while_it_was_polled_is_missed_by_nobody():
    children = Children()
    children.know(0, 1)
    for number in range(64):
        children.ask(1_000 + number, 10 + number, 3, 60)
    assert children.get(1) is None
    children.unanswered(2_000, 1, 5)
    children.answered(2_000, 1, 3, 2, 77)
    children.spare(1, 3_000)
    assert children.get(1) is None and children.count_waiting() == 64


def test_who_is_not_known_asks_when_a_gateway_invites_and_fewer_of_those_that_did_in_vain():
    air = QuietAir([1], [(1, 2)])
    air.run(MINUTE_US)
    answers = air.relays[2].answers
    air.submit(2, bytes(100))
    answers._asked, answers._tries = 1, 1
    until_us = air.now + 3_000_000
    answers.overheard(air.now, 1, False, until_us)
    assert not answers.may_ask(until_us - 1)     # Not into the burst that it has heard of.
    asks = 0
    for _ in range(40):
        answers._ask_us = until_us
        answers.invited(air.now, 1)
        asks += answers.may_ask(air.now)
    assert 10 <= asks <= 30          # Every other one: it has asked once in vain.


def test_a_short_burst_of_a_large_grant_tells_that_the_law_binds():
    assert is_short(8, 16) and is_short(1, 6)
    assert not is_short(9, 16) and not is_short(1, 5)    # Five were granted: it may have had one.
    assert saving_us(200_000, 100) == 160_000_000        # 1 %: eight frames of 0.2 s in 160 s.
    assert saving_us(200_000, 1000) == 16_000_000


def test_a_child_that_another_polls_has_so_much_less_for_us():
    children = Children()
    children.ask(0, 5, 20, 40)
    children.polled(5, 16, 3_000_000)
    assert children.get(5).frames == 4 and children.load() == 4
    assert children.next(2_999_999) is None and children.next(3_000_000) == 5
    children.polled(5, 16, 6_000_000)
    assert children.next(9_000_000) is None and children.load() == 0
    children.polled(6, 16, 6_000_000)            # Of whom we know nothing.
    assert children.get(6) is None


def test_a_gateway_for_which_little_waits_lets_a_burst_end_that_it_hears_of():
    for asking, is_held in ((1, True), (6, False)):
        air = QuietAir([1], [(1, 2)])
        air.run(MINUTE_US)
        gateway = air.relays[1]
        gateway.hold(air.now + 3_000_000, 9)
        for address in range(10, 10 + asking):
            gateway.children.ask(air.now, address, 40, 40)
        assert gateway.polls.has_work()
        gateway.polls.begin(False)
        assert (gateway.mode == IDLE) == is_held


def test_a_poll_grants_the_empty_frame_beside_what_the_child_has():
    air = QuietAir([1], [(1, 2)])
    air.run(MINUTE_US)
    gateway = air.relays[1]
    for frames_there, granted in ((1, 1), (2, 3), (4, 5), (40, frames.BURST_MAX)):
        gateway.mode, gateway.sending = IDLE, 0
        gateway.children.ask(air.now, 2, frames_there, 40)
        gateway.polls.begin(False)
        poll = [action for action in gateway.actions() if action[0] == "tx"][-1]
        assert frames.decode_poll_aux(frames.decode_header(poll[2]).aux)[0] == granted


def test_a_child_that_saves_up_is_not_polled_until_it_may_send():
    children = Children()
    children.ask(0, 5, 40, 40)
    children.spare(5, 160_000_000)
    assert children.next(159_999_999) is None and children.wake_us(0) == 160_000_000
    assert children.next(160_000_000) == 5
    children.ask(100_000_000, 5, 40, 40)                 # Who asks all the same is heard.
    assert children.next(100_000_000) == 5


def test_who_may_send_nothing_by_law_says_so_and_saves_up():
    air = QuietAir({1}, [(1, 2)], duty=100)
    air.run(2 * MINUTE_US)
    ledger = air.relays[2].ledger
    assert ledger.take(air.now, ledger.free_us(air.now))       # But for the reserve.
    before_us = air.now
    for number in range(20):
        air.submit(2, bytes([number]) * 200)
    air.run(air.now + 2 * MINUTE_US)
    kinds = [frames.decode_header(frame).kind for address, frame in air.sent if address == 2]
    assert kinds.count(frames.DATA) == 1 and kinds.count(frames.ASK) == 1
    child = air.relays[1].children.get(2)
    assert child.fruitless == 0 and child.frames == 15 and air.delivered == []
    assert child.away_until_us > before_us + saving_us(air.relays[1].frame_us[0], 100)


def test_where_polls_are_dear_they_tell_less_and_who_is_silent_waits_longer():
    waits = []
    for duty, acks in ((1000, 4), (100, 2)):
        gateway = QuietAir([1], [(1, 2)], duty).relays[1]
        for address in range(2, 12):
            gateway.children.ask(0, address, 40, 40)
            gateway.children.answered(0, address, 3, 40, address)
            gateway.polls._answered.append(address)
        assert len(gateway.polls._acks(2)) == acks
        gateway.polls._child, gateway.polls._grant = 2, frames.BURST_MAX
        gateway.polls.sent()
        heard_us = gateway.polls.end_us
        gateway.polls.end()
        waits.append((heard_us, gateway.children.get(2).away_until_us))
    assert waits[1][0] - waits[0][0] == 4 * (gateway.frame_us[0] + HOST_US)
    assert waits[1][1] >= 3_200_000 and waits[0][1] <= 1_200_000


def test_who_gets_no_poll_asks_again_four_times_later_where_the_law_leaves_a_hundredth():
    for duty, least_us in ((1000, 2_500_000), (101, 2_500_000), (100, 10_000_000)):
        answers = QuietAir([1], [(1, 2)], duty).relays[2].answers
        for doubled in (1, 2, 4):
            answers.ask(0)
            assert doubled * least_us <= answers._ask_us < 2 * doubled * least_us


def test_one_ask_through_a_fade_does_not_lower_the_rate_for_good():
    children = Children()
    for snr_q4 in (40, 40, 40, 0):
        children.ask(0, 5, 9, snr_q4)
    assert children.get(5).snr_q4 == 30


def test_receipts_wait_for_company_where_airtime_is_dear():
    children = Children()
    children.ask(0, 5, 1, 40)
    children.learn(9, 5)
    children.receipt(0, 9, 7, 0, 64)
    assert children.receipts(79_999_999, 5, is_dear=True) == []
    assert children.next_told(79_999_999) is None and children.next_told(80_000_000) == 5
    assert children.receipts(80_000_000, 5, is_dear=True) == [(9, 7, 0)]
    assert children.receipts(0, 5) == [(9, 7, 0)]        # Where it is not, the next poll has them.


def test_who_hears_a_gateway_s_burst_takes_it_that_another_follows_until_it_is_told():
    air = QuietAir([1], [(1, 2), (1, 3)])
    air.run(MINUTE_US)
    gateway, other = air.relays[1], air.relays[2]

    def poll(grant, waiting=()):
        bits = 0
        for address in waiting:
            bits |= 1 << frames.waiting_bit(address, gateway.last_counter + 1)
        body = frames.encode_poll(frames.Poll(
            1, gateway.gradient.heartbeat, 0, 1, 0, bits, gateway.stamp(), [], []))
        if gateway.guard.must_reserve():
            gateway.guard.reserve()
        frame = gateway.guard.seal(frames.POLL, 1, 3, frames.poll_aux(grant, 0), body)
        other.on_rx(air.now, frame, -60, 90, 0)

    burst_us = 16 * other.frame_us[0]
    poll(16)
    assert other.channel.is_burst_near(air.now + burst_us + burst_us // 3)
    assert other.channel.free_us(air.now, 1 + frames.ASK) > air.now + 3 * burst_us // 2
    poll(0)
    assert not other.channel.is_burst_near(air.now + ASKS_US)    # The time for asks is left.
    other.gradient.parent = 9                                    # Whom it does not invite, too.
    poll(16)
    assert other.channel.is_burst_near(air.now + burst_us)
    poll(0)
    assert not other.channel.is_burst_near(air.now)
    assert other.channel.free_us(air.now, 1 + frames.BEACON) < air.now + burst_us
    for waiting, is_long in (((3,), False), ((3, 2), True)):
        air.run(air.now + 2 * burst_us)
        poll(3, waiting)                         # All that it has; does anybody else wait?
        end_us = air.now + 3 * (other.frame_us[0] + HOST_US)
        assert other.channel.is_burst_near(end_us - 2 * HOST_US)
        assert other.channel.is_burst_near(end_us + burst_us // 3) == is_long
        assert (other.channel.free_us(air.now, 1 + frames.ASK) > end_us + burst_us // 2) == is_long
        poll(0)


def test_a_relay_that_holds_a_piece_of_others_beside_its_own_calls_for_no_burst():
    air = QuietAir([1], [(1, 2), (2, 3)])
    air.run(MINUTE_US)
    relay = air.relays[2]
    relay.children.ask(relay.now, 3, 16, 40)
    assert relay.polls.has_work()
    relay.custody.take(piece(3, 1), 2)
    assert relay.polls.has_work()                # It comes for what is left of the last burst.
    relay.custody.take(piece(2, 1), 2)
    assert not relay.polls.has_work()
    relay.custody.release([piece(3, 1)])
    assert relay.polls.has_work()                # Its own alone keep nobody out.


def test_a_relay_s_poll_waits_for_a_burst_that_it_hears_of_however_weakly():
    air = QuietAir([1], [(1, 2), (2, 3)])
    air.run(MINUTE_US)
    relay, gateway = air.relays[2], air.relays[1]
    for one in (relay, gateway):
        one.channel.hold(one.now, one.now + 1_000_000, 9)
        one.channel.attempt_us = None
    assert relay.channel.free_us(relay.now, 1 + frames.POLL) == relay.now + 1_000_000
    assert gateway.channel.free_us(gateway.now, 1 + frames.POLL) <= gateway.now
