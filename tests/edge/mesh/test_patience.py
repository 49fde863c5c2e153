"""Who waits learns how long it takes, and asks for nothing that is only on its way."""

from wum_edge.mesh.objects import RESEND_US, Gathering, Unreceipted, cut
from wum_edge.mesh.patience import Patience

SECOND_US = 1_000_000
PIECES = [cut(5, number, bytes(400)) for number in range(40)]


def test_nothing_is_waited_for_longer_or_shorter_than_the_bounds_say():
    patience = Patience()
    assert patience.wait_us(45, 1200) == 45                  # Nothing is known yet.
    for _ in range(30):
        patience.learn(0)
    assert patience.wait_us(45, 1200) == 45
    for _ in range(30):
        patience.learn(100_000)
    assert patience.wait_us(45, 1200) == 1200


def test_the_first_counts_three_times_and_then_the_mean_and_four_times_what_is_off():
    patience = Patience()
    patience.learn(800)
    assert patience.wait_us(0, 10_000) == 800 + 4 * 400      # RFC 6298, 2.2.
    patience.learn(1600)
    assert patience.wait_us(0, 10_000) == 900 + 4 * 500      # 2.3: spread first, then the mean.
    for _ in range(60):
        patience.learn(1000)
    assert 980 <= patience.wait_us(0, 10_000) <= 1040


def gathered(gathering, gap_us):
    """How long an object waits in which the last piece is missing, after twenty whose two halves
    came so far apart.
    """
    now_us = 0
    for first, last in PIECES[:20]:
        assert gathering.add(first, now_us) is None
        now_us += gap_us
        assert gathering.add(last, now_us) is not None
    gathering.add(PIECES[30][0], now_us)
    for waited_s in range(3600):
        if gathering.standing(now_us + waited_s * SECOND_US):
            return waited_s
    return None


def test_a_gateway_asks_soon_for_what_is_missing_where_queues_are_short():
    assert gathered(Gathering(), SECOND_US) == 45


def test_a_gateway_waits_for_pieces_that_lie_in_long_queues():
    assert 300 <= gathered(Gathering(), 300 * SECOND_US) <= 330


def test_a_gateway_asks_in_the_end_however_long_queues_are():
    assert gathered(Gathering(), 3000 * SECOND_US) == 1200


def test_where_receipts_take_an_hour_nothing_is_sent_anew_after_half_of_one():
    waiting = Unreceipted()
    for number in range(8):
        waiting.sent(number, 0)
        waiting.receipt(number, 0, 3600 * SECOND_US)
    waiting.sent(20, 0)
    waiting.sent(21, 0)
    assert waiting.overdue(2 * RESEND_US) == []
    assert waiting.overtaken(22, 0, 3000 * SECOND_US) == []
    assert waiting.overtaken(21, 0, 3600 * SECOND_US) == [20]
    assert waiting.overdue(7200 * SECOND_US) == [21]


def test_where_receipts_come_in_seconds_who_was_passed_over_is_lost_after_minutes():
    waiting = Unreceipted()
    for number in range(8):
        waiting.sent(number, 0)
        waiting.receipt(number, 0, SECOND_US)
    waiting.sent(20, 0)
    assert waiting.overtaken(21, 0, 239 * SECOND_US) == []
    assert waiting.overtaken(21, 0, 240 * SECOND_US) == [20]


def test_what_is_lost_goes_three_times_under_its_number_and_as_often_once_it_was_heard_of():
    waiting = Unreceipted()
    waiting.sent(20, 0)
    assert [waiting.sent_anew(20, SECOND_US) for _ in range(4)] == [True, True, True, False]
    assert waiting.sent_anew(20, SECOND_US) and waiting.receipt(20, 0, SECOND_US) == [20]
    assert [waiting.sent_anew(20, SECOND_US) for _ in range(4)] == [True, True, True, False]
