"""Custody: nothing leaves before another has it, nothing is there twice, nothing grows."""

from wum_edge.mesh.custody import (
    ITEMS_MAX,
    OWN_MAX,
    ROOM,
    SEEN_MAX,
    URGENT_MAX,
    Custody,
)
from wum_edge.mesh.frames import FRAGMENT_MAX, Item
from wum_edge.mesh.objects import RESEND_US, Gathering, Unreceipted, cut


def piece(number, size=40):
    return Item(1, number, 0, True, bytes(size), 0)


def test_a_piece_stays_until_it_is_released():
    custody = Custody()
    assert custody.take(piece(1), 2)
    sent = custody.next_frame()
    assert sent == (2, [piece(1)]) and custody.next_frame() == (0, [])   # It is under way once.
    custody.keep(sent[1])
    assert custody.next_frame() == sent                          # Nobody took it: again.
    custody.release(sent[1])
    assert custody.size == 0 and custody.next_frame() == (0, [])


def test_what_was_handed_on_is_not_taken_again_but_acknowledged():
    custody = Custody()
    custody.take(piece(1), 2)
    custody.release(custody.next_frame()[1])
    assert custody.take(piece(1), 2) and custody.size == 0


def test_a_frame_holds_pieces_of_many_of_one_priority_and_alarms_go_first():
    custody = Custody()
    for number in range(9):
        custody.take(piece(number), 2)
    custody.take(piece(9), 0)
    assert custody.next_frame() == (0, [piece(9)])
    _, frame = custody.next_frame()
    assert [item.number for item in frame] == [0, 1, 2, 3, 4]
    assert ROOM - frame[0].size < sum([item.size for item in frame]) <= ROOM


def test_a_full_store_takes_nothing_and_leaves_room_for_others():
    custody = Custody()
    for number in range(ITEMS_MAX):
        assert custody.has_room(1) == (number < OWN_MAX)
        assert custody.has_room(1, 1) == (number < URGENT_MAX)
        assert custody.take(piece(number), 2)
    assert not custody.take(piece(ITEMS_MAX), 2)
    assert custody.take(piece(0), 2)                 # Had before: acknowledged, not stored.
    assert custody.size == ITEMS_MAX and custody.free == 0


def test_what_was_seen_is_forgotten_in_order():
    custody = Custody()
    for number in range(SEEN_MAX + 1):
        assert not custody.see(number + 1)
    assert not custody.see(1) and custody.see(SEEN_MAX)


def test_an_object_is_put_together_from_pieces_in_any_order_once():
    content = bytes([at & 255 for at in range(3 * FRAGMENT_MAX + 7)])
    pieces = cut(5, 77, content)
    assert len(pieces) == 4
    gathering = Gathering()
    came = [gathering.add(item) for item in pieces[::-1] + pieces]
    assert [found for found in came if found is not None] == [content]
    assert gathering.receipt(5) == (77, 0)


def test_receipts_tell_of_the_eight_before_and_around_the_end():
    gathering, waiting = Gathering(), Unreceipted()
    for number in (65_533, 65_535, 65_534, 1, 0):
        waiting.sent(number, 10)
        gathering.add(cut(5, number, b"x")[0])
    waiting.sent(7, 10)
    newest, before = gathering.receipt(5)
    assert sorted(waiting.receipt(newest, before, 10)) == [0, 1, 65_533, 65_534, 65_535]
    assert waiting.receipt(newest, before, 10) == []
    assert waiting.overdue(9 + RESEND_US) == []
    assert waiting.overdue(10 + RESEND_US) == [7] and waiting.size == 0


def test_pieces_that_do_not_fit_together_make_no_object():
    gathering = Gathering()
    assert gathering.add(Item(5, 1, 3, False, b"three", 0)) is None
    assert gathering.add(Item(5, 1, 1, True, b"one, and the last", 0)) is None
    assert gathering.add(Item(5, 1, 0, False, b"nought, ", 0)) == b"nought, one, and the last"


def test_a_piece_that_comes_back_from_whom_it_went_to_goes_on_under_another_mark():
    custody = Custody()
    custody.take(piece(1), 2, source=5)
    custody.release(custody.next_frame()[1], 7)
    assert custody.take(piece(1), 2, source=5) and custody.size == 0     # A copy of before.
    assert custody.take(piece(1), 2, source=7) and custody.size == 1     # The way has turned round.
    back = custody.everything()[0]
    assert back.mark == piece(1).mark + 1 and back.content == piece(1).content
    assert custody.take(piece(1), 2, source=7) and custody.size == 1


def test_a_piece_that_comes_back_from_where_it_is_under_way_to_stays():
    custody = Custody()
    custody.take(piece(1), 2, source=5)
    custody.take(piece(2), 2, source=5)
    sent = custody.next_frame(7)[1]
    assert sent == [piece(1), piece(2)]
    assert custody.take(piece(2), 2, source=5) and custody.waiting() == 0    # Sent to us again.
    assert custody.take(piece(1), 2, source=7)   # It had it, and had no way: we have it alone now.
    custody.release(sent, 7)                     # Word that both had come there is late.
    assert custody.everything() == [piece(1)] and custody.waiting() == 1
    custody.release(custody.next_frame(8)[1], 8)
    assert custody.size == 0


def test_what_came_back_is_withdrawn_like_all_else():
    custody = Custody()
    custody.take(piece(1), 2, source=5)
    custody.next_frame(7)
    custody.take(piece(1), 2, source=7)
    assert custody.withdraw(1, 1) == 1 and custody.size == 0
    custody.take(piece(2), 2, source=5)
    custody.next_frame(7)
    custody.take(piece(2), 2, source=7)
    custody.release(custody.everything())        # We are a gateway now.
    assert custody.size == 0


def test_a_piece_that_comes_back_by_a_third_after_a_newer_heartbeat_has_turned_round():
    custody = Custody()
    custody.heartbeat = 3
    custody.take(piece(1), 2, source=5)
    custody.release(custody.next_frame(7)[1], 7)
    assert custody.take(piece(1), 2, source=6) and custody.size == 0     # Of two that were sent.
    custody.heartbeat = 4
    assert custody.take(piece(1), 2, source=6) and custody.size == 1
    assert custody.everything()[0].mark == 1
    custody.release(custody.next_frame(0)[1])
    custody.heartbeat = 5                        # Withdrawn: nobody needs it any more.
    assert custody.take(Item(1, 1, 0, True, bytes(40), 1), 2, source=6) and custody.size == 0
