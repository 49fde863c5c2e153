"""Counters that were heard before, in stretches: a new card begins anywhere."""

from wum_cloud.ingest.replays import APART, STRETCHES_MAX, WINDOW, Ranges, heard

FAR = 2**50


def after(*counters: int) -> Ranges:
    seen: Ranges = []
    for counter in counters:
        seen = heard(seen, [counter])[1]
    return seen


def test_what_was_heard_is_counted_once_it_comes_again() -> None:
    assert heard([], [5, 6, 8]) == (0, [(5, 7), (8, 9)])
    assert heard([], [5, 5, 5]) == (2, [(5, 6)])
    assert heard([(5, 7), (8, 9)], [7, 6, 8]) == (2, [(5, 9)])


def test_only_the_last_of_a_stretch_are_told_apart() -> None:
    seen = after(*range(10), 10 + WINDOW)
    assert seen == [(10 + WINDOW, 11 + WINDOW)]
    assert heard(seen, [9]) == (1, seen)


def test_a_new_card_far_below_is_no_replay_and_neither_is_what_follows() -> None:
    seen = after(FAR, FAR + 1, 77)
    assert heard(seen, [78]) == (0, [(77, 79), (FAR, FAR + 2)])
    assert heard(seen, [77, FAR, FAR + 1]) == (3, seen)


def test_so_many_stretches_are_remembered_and_the_one_in_use_is_among_them() -> None:
    seen = after(*[(n + 1) * FAR for n in range(20)], 3)
    assert len(seen) == STRETCHES_MAX
    assert (3, 4) in seen
    assert heard(seen, [3])[0] == 1


def test_a_stretch_does_not_grow_into_the_next() -> None:
    assert after(0, APART - 1) == [(APART - 1, APART)]
    assert after(0, 2 * APART) == [(0, 1), (2 * APART, 2 * APART + 1)]
