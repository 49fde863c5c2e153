"""Who is known to have a ripple, when echoes are lost and ranks change under way."""

from tests.edge.mesh.quiet_air import QuietAir
from wum_edge.mesh import frames
from wum_edge.mesh.downframes import Echo, encode_echo
from wum_edge.mesh.gradient import RANK_MAX

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
CHAIN = [(1, 2), (2, 3), (3, 4)]


def started(links):
    air = QuietAir({1}, links)
    air.do(1, "set_time", 1_700_000_000_000_000)
    air.run(2 * MINUTE_US)
    return air


def loses_echoes(*sources):
    def loses(frame):
        header = frames.decode_header(frame)
        return header.kind == frames.ECHO and header.source in sources
    return loses


def tells(relay, source, rank, members, number):
    """An echo comes to `relay`."""
    header = frames.Header(frames.ECHO, 1, 7, source, frames.ALL, 9999, 0)
    relay.echoes.heard(header, encode_echo(Echo(
        relay.stamp(), rank, 1, number, 0, members.to_bytes(1, "little"))))


def reached(air):
    """A ripple that all of a chain have, while no echo gets through; its number."""
    air.loses = loses_echoes(2, 3, 4)
    number = air.do(1, "send_ripple", frames.ALL, b"off")
    air.run(air.now + 2 * SECOND_US)
    assert sorted([entry[0] for entry in air.of("ripple")]) == [2, 3, 4]
    return number


def test_whose_copy_was_heard_is_known_to_have_it_without_an_echo():
    air = started(CHAIN)
    air.loses = loses_echoes(4)
    number = air.do(1, "send_ripple", frames.ALL, b"off")
    air.run(air.now + MINUTE_US)
    assert air.of("echo")[-1] == (1, 1, number, 0b11100)


def test_who_has_no_way_for_a_while_tells_when_there_is_one():
    air = started(CHAIN)
    number = reached(air)
    away = air.relays.pop(2)
    for address in (3, 4):
        for other in air.relays[address].neighbours.all():
            other.rank = frames.UNREACHABLE
        air.relays[address].settle()
    air.run(air.now + 40 * SECOND_US)
    assert air.relays[3].gradient.rank >= RANK_MAX
    air.loses = lambda frame: False
    air.relays[2] = away
    air.run(air.now + MINUTE_US)
    assert air.of("echo")[-1] == (1, 1, number, 0b11100)


def test_who_may_rest_on_us_does_not_answer_for_us_and_is_told_our_rank():
    air = started(CHAIN)
    number = reached(air)
    relay = air.relays[3]
    kept = relay.echoes._get(1, number)
    kept.at_us = None
    relay.trickle.is_due = False
    tells(relay, 4, relay.gradient.rank - 1, 0b11000, number)
    assert relay.echoes._open(kept) == 0b11100
    relay.trickle.tick(air.now + SECOND_US, 0)
    assert relay.trickle.is_due
    tells(relay, 2, relay.gradient.rank - 1, 0b11100, number)
    assert relay.echoes._open(kept) == 0


def test_who_has_got_farther_answers_for_us_no_more():
    air = started(CHAIN)
    number = reached(air)
    relay = air.relays[3]
    kept = relay.echoes._get(1, number)
    tells(relay, 2, relay.neighbours.get(2).rank, 0b11100, number)
    assert relay.echoes._open(kept) == 0
    relay.neighbours.get(2).rank = relay.gradient.rank + 1
    assert relay.echoes._open(kept) == 0b11100


def test_a_greater_rank_in_an_echo_is_heeded_and_a_lesser_is_not():
    air = started(CHAIN)
    number = reached(air)
    relay = air.relays[3]
    before = relay.neighbours.get(2).rank
    tells(relay, 2, before - 1, 0b100, number)
    assert relay.neighbours.get(2).rank == before
    tells(relay, 2, before + 7, 0b100, number)
    assert relay.neighbours.get(2).rank == before + 7


def test_the_nearest_of_those_that_answer_for_us_are_remembered():
    air = started(CHAIN)
    number = reached(air)
    relay = air.relays[4]
    kept = relay.echoes._get(1, number)
    for source, rank in ((20, 9), (21, 1), (22, 8), (23, 7), (24, 6), (25, 5)):
        tells(relay, source, rank, 0b10000, number)
    assert [(claim.address, claim.rank) for claim in kept.claims] == [
        (21, 1), (25, 5), (24, 6), (23, 7)]


def test_five_minutes_later_nobody_is_told_any_more():
    air = started(CHAIN)
    reached(air)
    relay = air.relays[4]
    air.run(air.now + 6 * MINUTE_US)
    sent = len(air.sent)
    relay.echoes.moved()
    assert relay.echoes.deadline_us() is None
    air.run(air.now + MINUTE_US)
    assert [frame for _, frame in air.sent[sent:]
            if frames.decode_header(frame).kind == frames.ECHO] == []
