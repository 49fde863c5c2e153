"""Counters of the head-end: chance above, a count below, and none twice."""

from itertools import count

import pytest

from wum_cloud.ingest import downlink
from wum_cloud.ingest.downlink import (
    CHANCE_LEAST,
    COUNT_MAX,
    DatabaseWentBack,
    Downlink,
    draw,
    request_number,
)

KEY, OTHER = (1, 0), (2, 0)


def draws() -> Downlink:
    """One whose draws are 2**20, and one more each time."""
    numbers = count(CHANCE_LEAST)
    return Downlink(lambda: next(numbers))


def test_the_messages_of_one_transaction_follow_one_another():
    one = draws()
    assert one.first(KEY, 12, 3) == CHANCE_LEAST << 32 | 10
    assert one.first(KEY, 13, 1) == CHANCE_LEAST << 32 | 13
    assert one.first(OTHER, 12, 3) == CHANCE_LEAST << 32 | 10, "another key, another nonce"


@pytest.mark.parametrize("before", [0, 1, 11])
def test_a_count_that_went_back_is_told_and_given_out_under_another_chance(before):
    one = draws()
    one.first(KEY, 12, 3)
    one.first(OTHER, 1, 1)
    one.check(KEY, 12)
    with pytest.raises(DatabaseWentBack, match="not what it was"):
        one.check(KEY, before)
    one.check(KEY, before)
    assert one.first(KEY, 12, 3) == (CHANCE_LEAST + 1) << 32 | 10
    assert one.first(OTHER, 1, 1) == (CHANCE_LEAST + 1) << 32 | 1


def test_a_message_without_an_answer_uses_no_count():
    one = draws()
    one.first(KEY, 12, 3)
    one.first(KEY, 13, 0)
    assert one.first(KEY, 14, 1) == CHANCE_LEAST << 32 | 14


def test_where_no_more_keys_are_remembered_all_is_forgotten_and_chance_drawn_anew(monkeypatch):
    monkeypatch.setattr(downlink, "KEPT_MAX", 2)
    one = draws()
    assert [one.first((key, 0), 5, 1) for key in (1, 2)] == [CHANCE_LEAST << 32 | 5] * 2
    one.check((2, 0), 5)
    with pytest.raises(DatabaseWentBack, match="2 concentrators"):
        one.check((3, 0), 0)
    one.check((3, 0), 0)
    assert one.first((3, 0), 5, 1) == (CHANCE_LEAST + 1) << 32 | 5
    assert one.first((1, 0), 5, 1) == (CHANCE_LEAST + 1) << 32 | 5


def test_a_key_that_is_used_up_seals_nothing_more():
    one = draws()
    assert one.first(KEY, COUNT_MAX, 1) == CHANCE_LEAST << 32 | COUNT_MAX
    assert one.first(KEY, COUNT_MAX + 1, 1) is None


def test_chance_is_above_every_counter_of_before_and_fits_the_wire():
    drawn = {draw() for _ in range(1000)}
    assert len(drawn) > 990
    assert min(drawn) << 32 >= 2**52
    assert max(drawn) < 2**31


def test_a_request_has_a_number_that_the_contract_allows():
    assert request_number(draw() << 32 | 1) in range(1, 2**53)
    assert request_number((2**31 - 1) << 32 | 7) == (2**21 - 1) << 32 | 7
