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


def test_two_epochs_are_understood_while_one_follows_the_other():
    one, other = guard(1), guard(2)
    first = sealed(one)
    other.renew(DigestSeal(b"next"), 9, 2)
    assert opened(other, first) == b"body"
    one.renew(DigestSeal(b"next"), 9, 2)
    second = sealed(one)
    assert frames.decode_header(second).net == 9
    assert frames.decode_header(second).counter == frames.decode_header(first).counter + 1
    assert opened(other, second) == b"body"
    late = sealed(guard(3))
    other.forget()
    raises(NotOurs, lambda: opened(other, late))


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
    assert again.kept([1]) != kept and len(kept) == 6


def test_a_counter_of_before_the_restart_is_not_recent():
    station = guard(1, counter=70_000)
    assert not station.is_recent(69_999 & 0xFFFF) and not station.is_recent(0)
    sealed(station)
    assert station.is_recent(70_000 & 0xFFFF)
    assert not station.is_recent(70_001 & 0xFFFF) and not station.is_recent(69_999 & 0xFFFF)
