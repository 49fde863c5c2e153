"""An order for a stretch of the archive: sent once more, and the receipt says what became of it."""

from tests.edge.test_gap_requests import FIRST_S, PERIOD_S, ask, delivered, reading, settle, span
from tests.portable import raises
from wum_edge.orders.act import Refused
from wum_edge.orders.read_again import ReadAgain
from wum_edge.uplink.asked import ORDERS_MAX
from wum_shared import orders
from wum_shared.gaps import GapPart, decode_gap_answer
from wum_shared.order_kinds import encode_arguments
from wum_shared.orders import DONE, FAILED, READ_AGAIN, Order
from wum_shared.status import GAP_NEVER_READ, GAP_SENT


def ordered(stretch):
    return Order(bytes(8), bytes(8), 1, 0, 0, 1, READ_AGAIN, encode_arguments(
        READ_AGAIN, list(stretch)), None)


def test_a_stretch_is_sent_again_and_each_part_of_it_is_told():
    world = delivered([reading(n) for n in range(8) if n != 3])
    world.head_end.committed.clear()
    results = []
    act = ReadAgain(world.delivery.look_again)
    act.check(ordered(span(2, 4)))
    act.begin(ordered(span(2, 4)), results.append)
    assert results == []                          # Not before the head-end has it.
    settle(world)
    ((state, _, note, content),) = results
    assert state == DONE and "sent again" in note and "never read" in note
    assert decode_gap_answer(content).parts == (
        GapPart(0, FIRST_S + 2 * PERIOD_S, FIRST_S + 3 * PERIOD_S - 1, GAP_SENT, 0),
        GapPart(0, FIRST_S + 3 * PERIOD_S, FIRST_S + 4 * PERIOD_S - 1, GAP_NEVER_READ, 0),
        GapPart(0, FIRST_S + 4 * PERIOD_S, FIRST_S + 5 * PERIOD_S - 1, GAP_SENT, 0))
    assert {3, 4} <= set(world.head_end.committed) and world.head_end.answers() == []
    assert world.archive.cursor == 7


def test_orders_wait_for_one_another_and_for_a_gap_request_and_all_are_answered():
    world = delivered([reading(n) for n in range(8)])
    results = []
    act = ReadAgain(world.delivery.look_again)
    for n in range(3):
        act.begin(ordered(span(n, n)), results.append)
    batches, parts = ask(world, span(5, 6))
    assert [one.state for one in results] == [DONE] * 3
    if parts is None:                             # The orders were before it: asked once more.
        batches, parts = ask(world, span(5, 6))
    assert parts[0].reason == GAP_SENT and batches


def test_too_many_and_a_shorter_connection_are_told_and_nothing_waits_for_ever():
    world = delivered([reading(n) for n in range(8)])
    results = []
    act = ReadAgain(world.delivery.look_again)
    for _ in range(ORDERS_MAX + 1):
        act.begin(ordered(span(0, 1)), results.append)
    assert [(one.state, one.reason) for one in results] == [(FAILED, orders.TOO_MANY)]
    settle(world, 400)
    assert [one.state for one in results[1:]] == [DONE] * ORDERS_MAX
    act.begin(ordered(span(0, 1)), results.append)
    world.delivery.tick(world.now_ms)
    world.head_end.batch_bytes = 1000
    world.head_end.online = 77
    world.delivery._begin_session(77, world.now_ms)
    assert results[-1].state == FAILED and "shorter" in results[-1].note


def test_arguments_that_are_none_are_refused():
    wrong = Order(bytes(8), bytes(8), 1, 0, 0, 1, READ_AGAIN, b"\x80", None)
    raises(Refused, lambda: ReadAgain(lambda stretch, done: True).check(wrong))
