"""How complete today is: intervals that should have a row by now, and those that have one."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.cloud.web.street import PERIOD_S, ZONE, Street
from wum_cloud.health import store
from wum_cloud.health.overview import overview
from wum_cloud.registry.reach import Reach
from wum_shared.status import SILENT

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
SINCE = {ZONE: MIDNIGHT, "UTC": MIDNIGHT}


def at(interval: float) -> datetime:
    return MIDNIGHT + timedelta(seconds=interval * PERIOD_S)


@pytest.fixture
def street(database_url: str) -> Street:
    return Street(database_url)


@pytest.fixture
def meter(street: Street) -> int:
    """A meter that was there yesterday."""
    number = street.add_meter("SDM-1")
    street.add_row(number, at(-3), (1, 1, 1))
    return number


async def today(pool, until: datetime, since=SINCE) -> tuple[int, int]:
    async with pool.connection() as connection:
        found = await store.completeness(connection, Reach(1), since, until)
    return found.received, found.expected


async def test_every_whole_interval_since_midnight_is_expected(street, meter, pool):
    for interval in (0, 1, 2.5):
        street.add_row(meter, at(interval), (1, 1, 1))
    assert await today(pool, at(3)) == (3, 3)
    assert await today(pool, at(5.9)) == (3, 5)
    assert await today(pool, MIDNIGHT) == (0, 0)


async def test_the_reading_of_an_interval_that_runs_does_not_stand_for_one_that_is_missing(
        street, meter, pool):
    for interval in (0, 2, 3):
        street.add_row(meter, at(interval), (1, 1, 1))
    assert await today(pool, at(3.5)) == (2, 3)


async def test_two_readings_of_one_interval_are_one(street, meter, pool):
    for interval in (0, 0.2, 0.7):
        street.add_row(meter, at(interval), (1, 1, 1))
    assert await today(pool, at(2)) == (1, 2)


async def test_a_meter_that_is_new_today_is_expected_from_its_first_interval(street, pool):
    number = street.add_meter("SDM-2")
    street.add_row(number, at(4.5), (1, 1, 1))
    street.add_row(number, at(6), (1, 1, 1))
    assert await today(pool, at(8)) == (2, 4)


async def test_a_meter_that_never_answered_is_missing_since_it_was_first_asked(street, pool):
    number = street.add_meter("SDM-2")
    assert await today(pool, at(8)) == (0, 0)
    street.add_missed(number, at(5), SILENT)
    assert await today(pool, at(8)) == (0, 3)
    street.add_missed(number, at(-5), SILENT)
    street.add_missed(number, at(6), SILENT)
    assert await today(pool, at(8)) == (0, 8)


async def test_a_meter_that_was_silent_all_day_is_missing_all_day(street, meter, pool):
    assert await today(pool, at(8)) == (0, 8)


async def test_intervals_begin_at_the_schedules_offset(street, meter, pool):
    street.do("update meter set offset_s = 300")
    street.add_row(meter, at(0.4), (1, 1, 1))   # In the first whole interval of today.
    street.add_row(meter, at(0.1), (1, 1, 1))   # In one that began yesterday.
    assert await today(pool, at(2)) == (1, 1)


async def test_the_day_begins_at_the_midnight_of_each_meters_own_site(street, meter, pool):
    street.add_row(meter, at(0), (1, 1, 1))
    later = {ZONE: at(2), "UTC": at(1)}
    assert await today(pool, at(4), later) == (0, 2)
    street.do("update concentrator set site_id = null")  # No site: UTC.
    assert await today(pool, at(4), later) == (0, 3)


async def test_the_numbers_are_asked_once_for_many_visitors(street, meter, pool):
    now = at(4)
    first = await overview(pool, Reach(1), now)
    assert len(first.silent) == first.reporting.meters - first.reporting.reporting == 1
    street.add_row(meter, at(1), (1, 1, 1))
    assert await overview(pool, Reach(1), now + timedelta(seconds=4)) is first
    fresh = await overview(pool, Reach(1), now + timedelta(hours=1))
    assert fresh.today.received == first.today.received + 1


async def test_today_is_the_day_of_the_sites_zone(street, meter, pool):
    evening = datetime(2026, 3, 2, 22, 30, tzinfo=UTC)  # Half past midnight in Chisinau.
    street.add_row(meter, evening - timedelta(minutes=40), (1, 1, 1))
    street.add_row(meter, evening - timedelta(minutes=28), (1, 1, 1))
    seen = await overview(pool, Reach(1), evening)
    assert (seen.today.received, seen.today.expected) == (1, 1)
