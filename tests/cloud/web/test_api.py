"""The API as an integrator meets it."""

from datetime import UTC, datetime, timedelta

import httpx
import psycopg
import pytest

from tests.cloud.web.conftest import SAME_ORIGIN
from tests.cloud.web.street import DEVICE, PERIOD_S, SITE, ZONE, Street
from wum_cloud.paging import encode_cursor
from wum_shared.status import EVENT_STARTED, LATE, SILENT

MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
DAY = {"from": MIDNIGHT.isoformat(), "to": (MIDNIGHT + timedelta(days=1)).isoformat()}


def at(interval: int) -> datetime:
    return MIDNIGHT + timedelta(seconds=interval * PERIOD_S)


@pytest.fixture
def meter(street: Street) -> int:
    """A meter with four intervals of five: the third is missed, the fourth came with less."""
    number = street.add_meter("SDM-1")
    street.add_row(number, at(0), (1000, 2301, 40), 7)
    street.add_row(number, at(1), (1010, 2302, 50), 8)
    street.add_missed(number, at(2), SILENT)
    street.add_row(number, at(3), (1030, None, 60), None, [LATE, 1, 0, 1])
    street.add_row(number, at(4), (1040, 2304, -70), 9)
    street.add_revision(number, at(1), "1-0:1.8.0", 1011)
    return number


async def profile(client: httpx.AsyncClient, **asked: object) -> dict[str, object]:
    answer = await client.get("/api/v1/meters/SDM-1/readings", params={
        "register": "1-0:1.8.0", **DAY, **asked})
    assert answer.status_code == 200, answer.text
    body: dict[str, object] = answer.json()
    return body


async def test_a_load_profile_gives_scaled_integers_and_their_meaning(system, meter):
    readings = (await profile(system, register="1-0:32.7.0"))["readings"]
    assert readings[0] == {
        "captured_at": "2026-03-01T00:00:00Z", "value": 2301, "scaler": -1, "unit": "V",
        "decimal": "230.1", "status": [], "time_quality": "synchronised"}
    assert [reading["value"] for reading in readings] == [2301, 2302, 2304]


async def test_a_gap_says_from_when_to_when_and_why(system, meter):
    found = await profile(system, to=at(5).isoformat())
    assert found["gaps"] == [{
        "from": "2026-03-01T00:30:00Z", "to": "2026-03-01T00:45:00Z", "intervals": 1,
        "reason": "silent"}]
    assert [reading["status"] for reading in found["readings"]] == [[], [], ["late"], []]


async def test_a_register_that_was_absent_is_a_gap_though_its_row_is_there(system, meter):
    found = await profile(system, register="1-0:32.7.0", to=at(5).isoformat())
    assert [(gap["intervals"], gap["reason"]) for gap in found["gaps"]] == [
        (1, "silent"), (1, "no value")]


async def test_nothing_is_missing_from_before_the_meter_was_first_asked(system, street):
    number = street.add_meter("SDM-1")
    street.add_row(number, at(4), (1040, 2304, 70), 9)
    found = await profile(system, to=at(6).isoformat())
    assert [(gap["from"], gap["intervals"]) for gap in found["gaps"]] == [
        ("2026-03-01T01:15:00Z", 1)]


async def test_a_register_without_a_column_of_its_own_is_read_like_any_other(system, meter):
    readings = (await profile(system, register="1-0:91.7.0"))["readings"]
    assert [reading["decimal"] for reading in readings] == ["0.07", "0.08", "0.09"]


async def test_another_value_for_a_reading_stands_beside_it(system, meter):
    found = await profile(system)
    assert [(r["captured_at"], r["value"]) for r in found["revisions"]] == [
        ("2026-03-01T00:15:00Z", 1011)]
    assert found["readings"][1]["value"] == 1010


async def test_pages_of_a_load_profile_hold_every_reading_and_gap_once(system, meter):
    values, gaps, cursor = [], 0, None
    for _ in range(5):
        asked = {"limit": 1, "to": at(5).isoformat(), **({"cursor": cursor} if cursor else {})}
        found = await profile(system, **asked)
        values += [reading["value"] for reading in found["readings"]]
        gaps += len(found["gaps"])
        cursor = found["next_cursor"]
        if cursor is None:
            break
    assert values == [1000, 1010, 1030, 1040]
    assert gaps == 1


async def test_a_local_day_says_what_was_read_first_last_least_and_greatest(system, meter):
    found = await profile(system, register="1-0:16.7.0", resolution="day")
    [day] = found["buckets"]
    assert (day["from"], day["to"]) == ("2026-02-28T22:00:00Z", "2026-03-01T22:00:00Z")
    assert [day[part]["value"] for part in ("first", "last", "least", "greatest")] == [
        40, -70, -70, 60]


_UNANSWERABLE = (
    ({"register": "1.8.0"}, 422, "register"), ({"register": "1-0:99.9.9"}, 404, "1-0:99.9.9"),
    ({"from": DAY["to"], "to": DAY["from"]}, 422, "before"),
    ({"from": "2026-03-01T00:00:00"}, 422, "mistake"), ({"limit": 0}, 422, "mistake"),
    ({"resolution": "month"}, 422, "mistake"), ({"cursor": "x"}, 422, "cursor"),
    ({"cursor": encode_cursor([10**12])}, 422, "cursor"),
    ({"resolution": "day", "cursor": encode_cursor([0])}, 422, "all at once"),
    ({"from": "1990-01-01T00:00:00Z"}, 422, "shorter"),
)


async def test_a_question_that_cannot_be_answered_is_refused_with_the_reason(system, meter):
    for asked, status, word in _UNANSWERABLE:
        answer = await system.get("/api/v1/meters/SDM-1/readings", params={
            "register": "1-0:1.8.0", **DAY, **asked})
        assert answer.status_code == status, asked
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert word in problem["detail"], asked
        assert set(problem) == {"type", "title", "status", "detail", "request_id", "mistakes"}


async def test_newest_readings_fill_in_what_the_last_row_lacks(system, street):
    number = street.add_meter("SDM-1")
    street.add_row(number, at(0), (1000, 2301, 40), 7)
    street.add_row(number, at(1), (1010, None, 50), None, [0, 1, 0, 1])
    newest = (await system.get("/api/v1/meters/SDM-1/newest")).json()
    assert [(n["register"], n["reading"]["decimal"]) for n in newest] == [
        ("1-0:1.8.0", "1010"), ("1-0:32.7.0", "230.1"), ("1-0:16.7.0", "50"),
        ("1-0:91.7.0", "0.07")]


async def test_meters_are_listed_page_by_page_each_once(system, street):
    serials = ["M-%04d" % number for number in range(1, 131)]
    for serial in serials:
        street.add_meter(serial)
    listed, cursor = [], None
    while True:
        page = (await system.get("/api/v1/meters", params={
            "limit": 50, **({"cursor": cursor} if cursor else {})})).json()
        listed += [meter["serial"] for meter in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert listed == serials


async def test_search_takes_a_part_of_a_name_to_the_letter(system, street):
    for serial in ("A-100%", "A-1000", "B_1", "BX1"):
        street.add_meter(serial)

    async def found(text: str) -> list[str]:
        page = (await system.get("/api/v1/meters", params={"search": text})).json()
        return [meter["serial"] for meter in page["items"]]
    assert await found("100%") == ["A-100%"]
    assert await found("b_1") == ["B_1"]
    assert await found("zzz") == []


async def test_events_of_one_moment_are_not_lost_between_pages(system, street):
    for sequence in range(1, 8):
        street.add_event(sequence, EVENT_STARTED, "start %d" % sequence, MIDNIGHT)
    notes, cursor = [], None
    while True:
        page = (await system.get("/api/v1/events", params={
            "limit": 3, **({"cursor": cursor} if cursor else {})})).json()
        notes += [event["note"] for event in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert notes == ["start %d" % sequence for sequence in range(7, 0, -1)]


async def test_sites_concentrators_and_health_tell_what_there_is(system, meter, street):
    street.add_refusal("not genuine", "The seal does not hold.")
    assert (await system.get("/api/v1/sites")).json()["items"] == [
        {"name": SITE, "address": "", "time_zone": ZONE, "parent": None, "concentrators": 1,
         "meters": 1}]
    cabinet = (await system.get("/api/v1/concentrators/" + DEVICE.hex())).json()
    assert (cabinet["name"], cabinet["meters"]) == ("cabinet-1", 1)
    health = (await system.get("/api/v1/ingest/health")).json()
    assert (health["meters"], health["meters_reporting"]) == (1, 0)
    refused = (await system.get("/api/v1/ingest/quarantine")).json()["items"]
    assert [(r["reason"], r["concentrator"]) for r in refused] == [("not genuine", None)]


async def test_every_operation_of_the_api_wants_to_know_who_asks(nobody):
    document = (await nobody.get("/api/openapi.json")).json()
    asked = 0
    for path, methods in document["paths"].items():
        for method in methods:
            answer = await nobody.request(
                method, path.replace("{", "").replace("}", ""), headers=SAME_ORIGIN)
            assert answer.status_code == 401, (method, path)
            assert answer.headers["content-type"] == "application/problem+json"
            asked += 1
    assert asked >= 9


async def test_a_token_that_nobody_has_is_refused(nobody):
    answer = await nobody.get("/api/v1/sites", headers={"Authorization": "Bearer wum_wrong"})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_what_another_tenant_has_does_not_exist_here(system, meter, database_url):
    import psycopg

    with psycopg.connect(database_url) as connection:
        connection.execute("insert into tenant (name) values ('other')")
        connection.execute("update meter set tenant_id = 2")
    assert (await system.get("/api/v1/meters/SDM-1")).status_code == 404
    assert (await system.get("/api/v1/meters")).json()["items"] == []


async def test_a_register_set_that_is_read_seldom_has_its_own_gaps_and_is_among_the_newest(
        system, street):
    """Energy every quarter of an hour, the second phase's volts every fourth hour."""
    meter, volts = street.add_meter("SDM-9"), street.add_register_set(
        "1-0:52.7.0", -1, 35, "u_l2")
    with psycopg.connect(street.url) as connection:
        connection.execute("update meter_register_set set period_s = 900, offset_s = 0")
        connection.execute("insert into meter_register_set values (%s, %s, 14400, 0)",
                           [meter, volts])
    for quarter in range(48):
        street.add_row(meter, at(quarter), (quarter, 2301, 0))
    for hour in (0, 8):
        street.add_counter(meter, at(4 * hour) + timedelta(seconds=2), [None], 900, volts)
        street.do("update reading set u_l2 = 2290 where register_set_id = %d" % volts)
    span = {"from": at(0).isoformat(), "to": at(48).isoformat()}
    for register, readings, gaps in (("1-0:1.8.0", 48, []), ("1-0:52.7.0", 2, [
            ("2026-03-01T04:00:00Z", 1, "not received")])):
        profile = (await system.get("/api/v1/meters/SDM-9/readings", params={
            **span, "register": register})).json()
        assert len(profile["readings"]) == readings
        assert [(g["from"], g["intervals"], g["reason"]) for g in profile["gaps"]] == gaps
    newest = (await system.get("/api/v1/meters/SDM-9/newest")).json()
    assert {n["register"]: n["reading"]["decimal"] for n in newest}["1-0:52.7.0"] == "229.0"
