"""Sorting: right, stable, and without n * n steps for what is in order already."""

from wum_shared.order import in_order


def first(pair):
    return pair[0]


def shuffled(count, seed=7):
    """The numbers 0..count-1 in an order that a small generator of our own gives."""
    numbers = list(range(count))
    for at in range(count - 1, 0, -1):
        seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
        other = seed % (at + 1)
        numbers[at], numbers[other] = numbers[other], numbers[at]
    return numbers


def test_what_comes_in_any_order_goes_out_in_order():
    for count in (0, 1, 2, 3, 4, 5, 8, 9, 64, 100):
        assert in_order(shuffled(count), lambda n: n) == list(range(count))
        assert in_order(shuffled(count), lambda n: -n) == list(range(count - 1, -1, -1))
        assert in_order(tuple(range(count)), lambda n: n) == list(range(count))


def test_equals_keep_their_order():
    pairs = [(number % 5, number) for number in range(50)]
    assert in_order(pairs, first) == [
        (rest, number) for rest in range(5) for number in range(rest, 50, 5)]


def test_records_that_cannot_be_compared_are_sorted_by_their_place_alone():
    assert in_order([(2, None), (1, "a"), (2, "b"), (1, None)], first) == [
        (1, "a"), (1, None), (2, None), (2, "b")]


def test_what_is_in_order_is_looked_at_once():
    asked = []

    def place(number):
        asked.append(number)
        return number

    assert in_order(range(1000), place) == list(range(1000))
    assert len(asked) == 1000


def test_comparisons_stay_near_n_log_n_at_worst():
    class Counted:
        compared = 0

        def __init__(self, number):
            self.number = number

        def __lt__(self, other):
            Counted.compared += 1
            return self.number < other.number

    for numbers in (shuffled(512), list(range(511, -1, -1)), list(range(512))):
        Counted.compared = 0
        assert in_order(numbers, Counted) == list(range(512))
        assert Counted.compared < 512 * 11
