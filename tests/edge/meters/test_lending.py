"""A line that is lent to somebody far away: whole, or by turns where one thread does all."""

from tests.edge.meters.test_portions import Street
from wum_edge.errors import LineGone
from wum_edge.meters.orders import READ_NOW, TRANSPARENT, Order
from wum_edge.meters.transparent import Transparent


def lent(street, seconds=60, meter=0):
    """A session that waits for its line, and what comes of it."""
    session, outcomes = Transparent(seconds), []
    assert street.work.orders.put(Order(TRANSPARENT, meter, session, outcomes.append)) == ""
    return session, outcomes


def test_with_a_thread_of_its_own_a_line_is_lent_until_it_is_over():
    street = Street()
    session, outcomes = lent(street)
    assert session.say(b"\x01\x03")
    session.end("enough")
    assert street.work.idle(street.bus, street.clock) == []
    assert outcomes[0].is_done and "2 bytes said" in outcomes[0].why
    assert list(street.work.lend(street.bus, street.clock)) == []


def test_in_a_thread_for_all_it_waits_and_goes_on_turn_by_turn():
    street = Street()
    street.work.lends_by_turns = True
    session, outcomes = lent(street)
    assert street.work.idle(street.bus, street.clock) == []      # Taken, and nothing said yet.
    assert street.work.idle(street.bus, street.clock) is None and session.is_open
    turns = street.work.lend(street.bus, street.clock)
    for number in range(3):
        session.say(bytes([number]))
        next(turns)
        assert session.said_bytes == number + 1 and not outcomes, "somebody else has a turn now"
    session.end("enough")
    assert list(turns) == [] and outcomes[0].is_done and not session.is_open
    assert len(street.sweep(0)) == 4, "the meters are read again"


def test_it_waits_for_the_visit_that_is_under_way_and_others_are_carried_out_meanwhile():
    street = Street()
    street.work.lends_by_turns = True
    session, outcomes = lent(street)
    read = []
    street.work.orders.put(Order(READ_NOW, 1, None, read.append))
    assert len(street.sweep(0)) == 5 and read[0].is_done
    assert session.is_open and not outcomes
    session.end("enough")
    assert list(street.work.lend(street.bus, street.clock)) == [] and len(outcomes) == 1


def test_its_end_is_told_when_its_time_is_over_and_when_the_line_or_the_meter_is_gone():
    street = Street()
    street.work.lends_by_turns = True

    def ended(meter=0):
        _, outcomes = lent(street, 2, meter)
        street.work.idle(street.bus, street.clock)
        for _ in street.work.lend(street.bus, street.clock):
            pass
        return outcomes[0]
    assert "its time was over" in ended().why
    assert (ended(9).is_done, ended(9).why) == (False, "no meter of this line has index 9")

    def gone(say, is_whole, timeout_ms):
        raise LineGone("unplugged")
    street.bus.turn = gone
    assert "the line failed: unplugged" in ended().why
