"""Link security: genuine, of this network, once; and no counter twice over any restart."""

from tests.edge.mesh.doubles import DigestSeal
from tests.portable import raises
from wum_edge.mesh import frames
from wum_edge.mesh.frames import Malformed
from wum_edge.mesh.guard import RESERVED, SOURCES_MAX, WINDOW, Guard, NotOurs


def guard(address, net=1, epoch=1, key=b"k", counter=0):
    return Guard(DigestSeal(key), net, epoch, address, counter)


def sealed(station, body=b"body"):
    if station.must_reserve():
        station.reserve()
    return station.seal(frames.ASK, 1, 2, 3, body)


def opened(station, frame):
    header = frames.decode_header(frame)
    station.check(header)
    return station.open(header, frame)


def test_a_frame_is_opened_once():
    one, other = guard(1), guard(2)
    frame = sealed(one)
    assert opened(other, frame) == b"body"
    assert "replay" in raises(NotOurs, lambda: opened(other, frame))


def test_every_flipped_bit_is_noticed():
    frame = sealed(guard(1))
    for at in range(8 * len(frame)):
        wrong = bytearray(frame)
        wrong[at // 8] ^= 1 << at % 8
        refused = False
        try:
            opened(guard(2), bytes(wrong))
        except (NotOurs, Malformed):
            refused = True
        assert refused, at


def test_a_forged_frame_does_not_move_the_window():
    one, other = guard(1), guard(2)
    early = sealed(one)
    forger = guard(1, key=b"other", counter=5_000)
    raises(NotOurs, lambda: opened(other, sealed(forger)))
    assert opened(other, early) == b"body"


def test_frames_may_overtake_each_other_within_the_window():
    one, other = guard(1), guard(2)
    sent = [sealed(one) for _ in range(WINDOW + 1)]
    assert opened(other, sent[-1]) == b"body"
    for frame in sent[-2:0:-1]:
        assert opened(other, frame) == b"body"
    raises(NotOurs, lambda: opened(other, sent[0]))      # Too old to be told from a replay.


def test_another_network_key_and_epoch_are_refused():
    for other in (guard(2, net=2), guard(2, epoch=2), guard(2, key=b"x")):
        raises(NotOurs, lambda other=other: opened(other, sealed(guard(1))))
    raises(Malformed, lambda: opened(guard(1), sealed(guard(1))))


def test_no_restart_uses_a_counter_twice():
    used = set()
    stored = 0
    for frames_sent in (1, RESERVED, RESERVED + 1, 3):
        station = guard(1, counter=stored)
        for _ in range(frames_sent):
            if station.must_reserve():
                stored = station.reserve()
            frame = station.seal(frames.ASK, 1, 2, 3, b"")
            counter = frames.decode_header(frame).counter
            assert counter not in used
            assert counter < stored
            used.add(counter)


def test_windows_do_not_grow_without_end():
    other = guard(2)
    for address in range(3, SOURCES_MAX + 3):
        opened(other, sealed(guard(address)))
    raises(NotOurs, lambda: opened(other, sealed(guard(SOURCES_MAX + 3))))
    assert opened(other, sealed(guard(3, counter=9))) == b"body"     # Who is known stays so.


NEXT = b"next", 9, 2


def taken_up(station, key=NEXT):
    station.take_up(DigestSeal(key[0]), key[1], key[2])
    return station


def sealed_old(station, body=b"body"):
    if station.must_reserve():
        station.reserve()
    return station.seal(frames.ASK, 1, 2, 3, body, True)


def test_two_epochs_are_understood_while_one_follows_the_other():
    one, other = guard(1), guard(2)
    first = sealed(one)
    assert not other.has_two
    taken_up(other)
    assert other.has_two and (other.net, other.epoch) == (9, 2)
    assert opened(other, first) == b"body" and not other.has_newest(1)
    taken_up(one)
    second, third = sealed(one), sealed_old(one)
    assert [frames.decode_header(frame).net for frame in (second, third)] == [9, 1]
    assert [frames.decode_header(frame).counter for frame in (first, second, third)] == [0, 1, 2]
    assert opened(other, second) == b"body" and other.has_newest(1)
    assert opened(other, third) == b"body" and other.heard(1) == 2
    raises(NotOurs, lambda: opened(other, second))
    late = sealed_old(one)
    other.forget()
    assert not other.has_two
    raises(NotOurs, lambda: opened(other, late))
    assert opened(other, sealed(one)) == b"body"


def test_who_has_the_old_key_spoils_no_counter_of_the_new_one():
    one, other, thief = taken_up(guard(1)), taken_up(guard(2)), guard(1, counter=2**32 - 2000)
    assert opened(other, sealed(thief)) == b"body"
    raises(NotOurs, lambda: opened(other, sealed_old(one)))      # As in any one epoch.
    assert opened(other, sealed(one)) == b"body"
    other.forget()
    assert other.heard(1) == 1                # The counter that a poll names is not the thief's.


def test_each_epoch_has_windows_of_its_own_after_a_restart_too():
    one, other, thief = taken_up(guard(1)), taken_up(guard(2)), guard(1, counter=2**32 - 2000)
    heard = sealed(one)
    for frame in (sealed(thief), heard):
        opened(other, frame)
    kept = other.kept([1, 7])
    again = taken_up(Guard(DigestSeal(b"k"), 1, 1, 2, 0, kept))
    assert again.has_newest(1) and again.kept([1]) == kept
    raises(NotOurs, lambda: opened(again, sealed_old(one)))
    raises(NotOurs, lambda: opened(again, heard))
    assert opened(again, sealed(one)) == b"body"
    alone = Guard(DigestSeal(NEXT[0]), NEXT[1], NEXT[2], 2, 0, kept)
    raises(NotOurs, lambda: opened(alone, heard))
    assert opened(alone, sealed(one)) == b"body"


def test_a_third_epoch_takes_the_place_of_the_first():
    one, other = guard(1), taken_up(taken_up(guard(2)), (b"third", 12, 3))
    raises(NotOurs, lambda: opened(other, sealed(one)))
    taken_up(one)
    assert opened(other, sealed(one)) == b"body"
    assert opened(other, sealed(taken_up(one, (b"third", 12, 3)))) == b"body"


def test_two_epochs_with_one_number_are_told_apart_by_their_keys():
    alike = b"next", 1, 2
    one, other = taken_up(guard(1), alike), taken_up(guard(2), alike)
    assert opened(other, sealed_old(one)) == b"body" and not other.has_newest(1)
    assert opened(other, sealed(one)) == b"body" and other.has_newest(1)
    assert opened(other, sealed_old(one)) == b"body"
    assert "forged" in raises(NotOurs, lambda: opened(other, sealed(guard(3, key=b"x"))))


def test_no_restart_while_two_keys_are_in_force_uses_a_counter_twice():
    used, stored = set(), 0
    for restart in range(4):
        station = taken_up(guard(1, counter=stored))
        for number in range(RESERVED // 2 + 7):
            if station.must_reserve():
                stored = station.reserve()
            frame = station.seal(frames.ASK, 1, 2, 3, b"", (number + restart) % 3 == 0)
            counter = frames.decode_header(frame).counter
            assert counter not in used and counter < stored
            used.add(counter)


def test_what_was_heard_before_a_restart_is_not_heard_again():
    one, other = guard(1), guard(2)
    old = [sealed(one) for _ in range(5)]
    for frame in old:
        opened(other, frame)
    kept = other.kept([1, 7])
    again = Guard(DigestSeal(b"k"), 1, 1, 2, 0, kept)
    for frame in old:
        raises(NotOurs, lambda frame=frame: opened(again, frame))
    assert opened(again, sealed(one)) == b"body"
    assert again.kept([1]) != kept and len(kept) == 12


def test_a_counter_of_before_the_restart_is_not_recent():
    station = guard(1, counter=70_000)
    assert not station.is_recent(69_999 & 0xFFFF) and not station.is_recent(0)
    sealed(station)
    assert station.is_recent(70_000 & 0xFFFF)
    assert not station.is_recent(70_001 & 0xFFFF) and not station.is_recent(69_999 & 0xFFFF)
