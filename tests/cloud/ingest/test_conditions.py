"""Conditions: the newest counts, and doctor and console name who cannot store, and whose clock is
wrong.
"""

import time

from tests.cloud.concentrator import Concentrator
from tests.cloud.conftest import HeadEnd
from wum_cloud import doctor
from wum_cloud.broker import Delivery
from wum_cloud.database import connect
from wum_cloud.ingest.quarantine.entries import UNDECODABLE
from wum_cloud.registry.conditions import store, words
from wum_shared import topics
from wum_shared.condition import (
    FLASH_FAILING,
    FLASH_FULL,
    FLASH_READ_ONLY,
    FLASH_TAKES,
    Condition,
    encode_condition,
)
from wum_shared.status import NEVER_SET, SYNCHRONISED

_YEAR_S = 365 * 86400


def told(
        one: Concentrator, *, flash: int = FLASH_TAKES, ahead_s: int = 0, waiting: int = 0,
        given_up: int = 0, quality: int = SYNCHRONISED) -> Delivery:
    """What `one` says of itself now."""
    return one.send(encode_condition(Condition(
        int(time.time()) + ahead_s, quality, flash, 7200 if flash else 0, waiting, given_up, 0)),
        topics.CONDITION)


async def _doctor_says(head_end: HeadEnd) -> list[str]:
    async with await connect(head_end.url, autocommit=True) as connection:
        found = [one async for one in doctor.conditions(connection)]
    assert all(one.is_wrong for one in found)
    return [one.sentence for one in found]


async def _named(head_end: HeadEnd, *many: Concentrator) -> None:
    await head_end.register(*many)
    for number, one in enumerate(many):
        head_end.do("update concentrator set name = %s where device_id = %s",
                    "Cabinet %d" % number, one.id)


async def test_flash_that_refuses_is_named_with_its_remedy_until_it_takes_records(
        head_end: HeadEnd) -> None:
    many = [Concentrator() for _ in range(4)]
    await _named(head_end, *many)
    await head_end.take(told(many[0], flash=FLASH_FULL, waiting=12), told(many[3]))
    [sentence] = await _doctor_says(head_end)
    assert sentence.startswith("1 concentrator cannot store what it reads: Cabinet 0: the disk is "
                               "full since ")
    assert "12 records wait in its memory. Free space there" in sentence
    await head_end.take(told(many[1], flash=FLASH_READ_ONLY, given_up=5),
                        told(many[2], flash=FLASH_FAILING))
    [sentence] = await _doctor_says(head_end)
    assert sentence.startswith("3 concentrators cannot store what they read: Cabinet 1: ")
    assert "5 were given up" in sentence and "Mount it for writing" in sentence
    assert "replace the disk" in sentence
    await head_end.take(*[told(one) for one in many])
    assert await _doctor_says(head_end) == []


async def test_what_is_not_said_again_is_not_held_for_true(head_end: HeadEnd) -> None:
    one = Concentrator()
    await _named(head_end, one)
    await head_end.take(told(one, flash=FLASH_FULL))
    head_end.do("update concentrator_condition set arrived_at = now() - interval '46 minutes',"
                " told_at = now() - interval '46 minutes'")
    assert await _doctor_says(head_end) == []


async def test_the_newest_counts_wherever_the_counters_of_a_new_card_begin(
        head_end: HeadEnd) -> None:
    one = Concentrator()
    await _named(head_end, one)
    one.counter = 2**54
    before, after = told(one, flash=FLASH_FULL), told(one)
    assert await head_end.take(after) == []
    await head_end.take(before, after)
    assert head_end.ask("select flash from concentrator_condition") == [FLASH_TAKES]
    one.counter = 2**40
    await head_end.take(told(one, flash=FLASH_FAILING))
    assert head_end.ask("select flash from concentrator_condition") == [FLASH_FAILING]


async def test_a_clock_that_is_wrong_by_hours_or_years_is_named(head_end: HeadEnd) -> None:
    many = [Concentrator() for _ in range(5)]
    await _named(head_end, *many)
    await head_end.take(told(many[0], ahead_s=3 * _YEAR_S), told(many[1], ahead_s=-3 * 3600),
                        *[told(one, ahead_s=60) for one in many[2:]])
    [sentence] = await _doctor_says(head_end)
    assert sentence.startswith("The clock of 2 concentrators is wrong: Cabinet 0 is 109")
    assert "days ahead, Cabinet 1 is " in sentence and "hours behind" in sentence
    assert "Set them there (NTP, or `date -u -s`)" in sentence
    await head_end.take(*[told(one) for one in many])
    assert await _doctor_says(head_end) == []


async def test_where_most_tell_another_time_it_is_our_own_clock(head_end: HeadEnd) -> None:
    many = [Concentrator() for _ in range(3)]
    await _named(head_end, *many)
    for ahead_s, ours in ((2 * _YEAR_S, "behind"), (-2 * _YEAR_S, "ahead")):
        await head_end.take(*[told(one, ahead_s=ahead_s) for one in many])
        [sentence] = await _doctor_says(head_end)
        assert "3 of 3 concentrators" in sentence and "its own clock is " + ours in sentence
        assert "by about 7" in sentence and "days" in sentence


async def test_a_clock_that_was_never_set_is_no_comparison(head_end: HeadEnd) -> None:
    one = Concentrator()
    await _named(head_end, one)
    await head_end.take(told(one, ahead_s=-_YEAR_S, quality=NEVER_SET))
    assert await _doctor_says(head_end) == [], "rows without time are told of already"
    async with await connect(head_end.url) as connection:
        [number] = head_end.ask("select concentrator_id from concentrator")
        trouble = await store.trouble_of(connection, number)
    assert trouble is not None and trouble.has_no_time and not trouble.apart_s


async def test_what_is_damaged_is_set_aside(head_end: HeadEnd) -> None:
    one = Concentrator()
    await head_end.register(one)
    await head_end.take(one.send(encode_condition(Condition(1, 0, 0, 0, 0, 0, 0))[:-1],
                                 topics.CONDITION))
    assert head_end.quarantined() == [UNDECODABLE]
    assert head_end.ask("select count(*) from concentrator_condition") == [0]


def test_a_length_is_told_in_the_unit_that_a_person_would_take() -> None:
    assert [words.length(s) for s in (90, 121, 7199, 7200, 172800)] == [
        "90 seconds", "2 minutes", "119 minutes", "2 hours", "2 days"]
