"""The long run as integrators and operators see it."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.cloud.web.street import PERIOD_S, Street
from tests.cloud.web.test_pages import text_of
from wum_cloud.database import open_pool
from wum_cloud.history.keeper import catch_up

MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
ASKED = {"register": "1-0:1.8.0", "from": "2026-02-27", "to": "2026-03-04"}


def at(interval: int) -> datetime:
    return MIDNIGHT + timedelta(seconds=interval * PERIOD_S)


@pytest.fixture
async def meter(street: Street) -> int:
    """Rows of two days, summed up."""
    number = street.add_meter("SDM-1")
    per_day = 86_400 // PERIOD_S
    for interval, values in ((0, (1000, 2301, 40)), (1, (1010, 2302, -50)), (2, (1030, None, 60)),
                             (per_day, (1040, 2304, 70))):
        street.add_row(number, at(interval), values, 7)
    with psycopg.connect(street.url) as connection:
        connection.execute("insert into reading_dirty (day, concentrator_id)"
                           " select d, concentrator_id from concentrator,"
                           " unnest('{2026-03-01,2026-03-02}'::date[]) as d")
    async with open_pool(street.url, connections_max=1) as pool:
        await catch_up(pool, MIDNIGHT + timedelta(days=9))
    return number


async def test_a_register_by_day_is_the_least_and_the_greatest_that_were_read(system, meter):
    found = (await system.get("/api/v1/meters/SDM-1/days", params=ASKED)).json()
    assert (found["meter"], found["register"], found["pending"]) == ("SDM-1", "1-0:1.8.0", [])
    assert [(d["day"], d["readings"], d["least"]["value"], d["greatest"]["value"])
            for d in found["days"]] == [
        ("2026-03-01", 3, 1000, 1030), ("2026-03-02", 1, 1040, 1040)]
    volts = (await system.get("/api/v1/meters/SDM-1/days", params={
        **ASKED, "register": "1-0:32.7.0", "to": "2026-03-01"})).json()["days"]
    assert [(d["least"]["decimal"], d["greatest"]) for d in volts] == [
        ("230.1", {"value": 2302, "scaler": -1, "unit": "V", "decimal": "230.2"})]


async def test_a_day_that_changed_since_is_named(system, meter, street):
    with psycopg.connect(street.url) as connection:
        connection.execute("insert into reading_dirty (day, concentrator_id)"
                           " select '2026-03-02', concentrator_id from concentrator")
    found = (await system.get("/api/v1/meters/SDM-1/days", params=ASKED)).json()
    assert found["pending"] == ["2026-03-02"] and len(found["days"]) == 2


async def test_a_span_or_register_that_cannot_be_is_refused(system, meter):
    for wrong, status, said in (
            ({"from": "2026-03-05"}, 422, "wanted a day up to"),
            ({"from": "1999-03-05"}, 422, "3660 days at most"),
            ({"register": "all"}, 422, "register"),
            ({"register": "1-0:2.8.0"}, 404, "Meter SDM-1 has no register"),
            ({"register": "1-0:91.7.0"}, 404, "standard quantities only"),
            ({"from": "yesterday"}, 422, "from")):
        answer = await system.get("/api/v1/meters/SDM-1/days", params={**ASKED, **wrong})
        assert answer.status_code == status and said in answer.text


async def test_what_was_dropped_is_told_on_the_page_and_by_the_api(system, operator, street):
    assert "Dropped because of their age" not in (await operator.get("/ingest")).text
    assert (await system.get("/api/v1/readings/dropped")).json() == []
    with psycopg.connect(street.url) as connection:
        connection.execute(
            "insert into reading_dropped (first_at, end_at, readings, missed, revisions, bytes)"
            " values ('2024-01-01', '2024-01-08', 7654321, 8, 9, 987)")
        connection.execute("insert into reading_dropped_tenant"
                           " select dropped_id, 1, 1234567, 5, 6, 789 from reading_dropped")
    [told] = (await system.get("/api/v1/readings/dropped")).json()
    assert (told["from"], told["to"], told["readings"], told["size_bytes"]) == (
        "2024-01-01T00:00:00Z", "2024-01-08T00:00:00Z", 1234567, 789)
    shown = (await operator.get("/ingest")).text
    assert "Dropped because of their age" in shown and "2024-01-08" in shown


async def test_the_page_shows_the_days_of_a_year_and_says_that_they_are_utc_days(
        operator, meter, street):
    page = text_of(await operator.get("/meters/SDM-1?show=consumption"))
    assert "Years" in page
    words = text_of(await operator.get("/days/SDM-1?show=1-0:1.8.0"))
    assert "Active energy import, kWh" in words and "Day (UTC)" in words
    assert "On the clocks of Europe/Chisinau these days begin at 02:00." in words
    first, last = "2026-03-01 1.000 1.030 3 1 Mar 02:00 – 1 Mar 02:30", "2026-03-02 1.040 1.040 1"
    assert first in words and last in words
    assert words.index(last) < words.index(first), "the newest day first"
    assert "more has come since" not in words
    street.do("insert into reading_dirty (day, concentrator_id)"
              " select '2026-03-02', concentrator_id from concentrator")
    assert "02:00 more has come since" in text_of(await operator.get("/days/SDM-1")).replace(
        " – 2 Mar 02:00", "")


async def test_a_year_register_or_meter_without_days_is_a_sentence(system, operator, meter, street):
    street.add_meter("SDM-9")
    for address, said in (("SDM-1?year=2025", "from 2026-03-01 to 2026-03-02"),
                          ("SDM-1?show=1-0:91.7.0", "No day of this register is summed up"),
                          ("SDM-9", "No day is summed up yet")):
        assert said in text_of(await operator.get("/days/" + address))
    for address, status in (("SDM-7", 404), ("SDM-1?year=1999", 422)):
        assert (await operator.get("/days/" + address)).status_code == status
    assert (await system.get("/days/SDM-1")).status_code in (303, 401)
