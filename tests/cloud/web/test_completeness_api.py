"""The ledger by the API: days, sites, concentrators, meters, intervals, and what is refused."""

import httpx
import pytest

from tests.cloud.ledger.book import DAY, NOW, PER_DAY, Book, at, count
from tests.cloud.web.street import DEVICE, SITE
from wum_cloud.database import Pool
from wum_shared.status import NOT_TRIED

HERE = "/api/v1/completeness"
SPAN = {"from": str(DAY), "to": str(DAY)}


@pytest.fixture
async def book(database_url: str, pool: Pool) -> Book:
    """Three meters: one complete, one that lacks six intervals, one that lacks all."""
    made = Book(database_url)
    meters = [made.add_scheduled("SDM-%d" % n) for n in range(3)]
    made.read(meters[0], *range(PER_DAY))
    made.read(meters[1], *range(90))
    made.contact(NOW, at(89))
    await count(pool, made)
    return made


async def test_a_day_says_what_came_and_why_the_rest_did_not(
        book: Book, system: httpx.AsyncClient) -> None:
    for narrowed in ({}, {"site": SITE}, {"concentrator": DEVICE.hex()}):
        answer = await system.get(HERE, params={**SPAN, **narrowed})
        assert answer.json() == {"next_cursor": None, "items": [{
            "day": str(DAY), "meters": 3, "expected": 3 * PER_DAY, "received": PER_DAY + 90,
            "late": 0, "by_six": PER_DAY + 90, "estimated": 0,
            "missing": {"awaited": 12, "unexplained": 90},
        }]}


async def test_meters_are_paged_with_the_most_missing_first(
        book: Book, system: httpx.AsyncClient) -> None:
    found: list[str] = []
    cursor: str | None = None
    for _ in range(3):
        answer = (await system.get("%s/%s/meters" % (HERE, DAY), params={
            "limit": "1", **({} if cursor is None else {"cursor": cursor})})).json()
        found += [item["serial"] for item in answer["items"]]
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    assert found == ["SDM-2", "SDM-1"]


async def test_concentrators_and_sites_of_a_day(book: Book, system: httpx.AsyncClient) -> None:
    for what, name in (("concentrators", "cabinet-1"), ("sites", SITE)):
        items = (await system.get("%s/%s/%s" % (HERE, DAY, what))).json()["items"]
        assert [(item["name"], item["received"]) for item in items] == [(name, PER_DAY + 90)]


async def test_an_interval_says_when_it_came_and_by_which_path(
        book: Book, system: httpx.AsyncClient) -> None:
    where = "/api/v1/meters/SDM-1/intervals"
    first = (await system.get(where, params={"day": str(DAY), "limit": "90"})).json()
    assert len(first["items"]) == 90
    assert first["items"][0]["state"] == "received" and first["items"][0]["path"] == "live"
    assert first["items"][0]["arrived_at"] == "2026-03-01T22:00:05Z"
    rest = (await system.get(where, params={
        "day": str(DAY), "cursor": first["next_cursor"]})).json()
    assert len(rest["items"]) == 6 and rest["next_cursor"] is None
    assert {item["state"] for item in rest["items"]} == {"missing"}
    assert {item["path"] for item in rest["items"]} == {None}


async def test_a_silent_meter_and_an_unreachable_concentrator_say_since_when(
        book: Book, system: httpx.AsyncClient) -> None:
    meter = book.ask("select meter_id from meter where serial = 'SDM-1'")[0][0]
    book.miss(meter, 90)
    book.miss(meter, 91, NOT_TRIED)
    where = "/api/v1/meters/SDM-%d/intervals"
    found = {(item["reason"], item["since"], item["register_sets"][0]["since"]) for item in (
        await system.get(where % 1, params={"day": str(DAY), "limit": "96"})).json()["items"]}
    newest, heard = "2026-03-02T20:15:00Z", NOW.isoformat().replace("+00:00", "Z")
    assert found == {
        (None, None, None), ("silent", newest, newest), ("not_tried", newest, newest),
        ("unreachable", heard, heard)}
    book.miss(book.ask("select meter_id from meter where serial = 'SDM-2'")[0][0], 0)
    never = (await system.get(where % 2, params={"day": str(DAY), "limit": "1"})).json()["items"]
    assert (never[0]["reason"], never[0]["since"]) == ("silent", None)


# One database and one session for all of them: nothing is changed by what is refused.
_MISTAKES: tuple[tuple[str, dict[str, str], int], ...] = (
    ("", {}, 422), ("", {"from": "2026-03-02"}, 422),
    ("", {"from": "2026-03-02", "to": "2026-03-01"}, 422),
    ("", {"from": "2024-03-02", "to": "2026-03-01"}, 422),
    ("", {**SPAN, "site": "nowhere"}, 404), ("", {**SPAN, "concentrator": "zz"}, 422),
    ("", {**SPAN, "concentrator": "0011223344556600"}, 404), ("", {**SPAN, "sites": SITE}, 422),
    ("", {**SPAN, "cursor": "x"}, 422), ("", {**SPAN, "cursor": "WyJ4Il0"}, 422),
    ("/2026-13-01/meters", {}, 422), ("/2026-03-02/meters", {"limit": "0"}, 422),
    ("/2026-03-02/meters", {"cursor": "WzFd"}, 422),
    ("/2026-03-02/meters", {"cursor": "Wy0xLDFd"}, 422),
    ("/2026-03-02/meters", {"cursor": "WzEsMSw0Mjk0OTY3Mjk2XQ"}, 422),
    ("", {**SPAN, "register_set": "0"}, 422), ("", {**SPAN, "register_set": "x"}, 422),
    ("", {**SPAN, "register_set": "4711"}, 404),
    ("", {**SPAN, "register_set": "4294967296"}, 422),
    ("/2026-03-02/meters", {"register_set": "4711"}, 404),
    ("/2026-03-02/register-sets", {"site": "nowhere"}, 404),
    ("/2026-03-02/register-sets", {"register_set": "1"}, 422),
    ("/2026-03-02/register-sets", {"cursor": "WzQyOTQ5NjcyOTZd"}, 422),
    ("/2026-03-02/meters", {"reason": "silent"}, 422),
    ("/2026-03-02/concentrators", {"site": "nowhere"}, 404),
    ("/2026-03-02/sites", {"site": SITE}, 422),
)


async def test_a_question_with_a_mistake_is_refused(book: Book, system: httpx.AsyncClient) -> None:
    for path, parameters, status in _MISTAKES:
        answer = await system.get(HERE + path, params=parameters)
        assert answer.status_code == status, (path, parameters)
        assert answer.headers["content-type"] == "application/problem+json", (path, parameters)


async def test_intervals_of_no_meter_and_of_no_day_are_refused(
        book: Book, system: httpx.AsyncClient) -> None:
    for serial, day, status in (("SDM-9", str(DAY), 404), ("SDM-1", "0001-01-01", 422),
                                ("SDM-1", "9999-12-31", 422), ("SDM-1", "today", 422)):
        for what in ("intervals", "unscheduled"):
            answer = await system.get(
                "/api/v1/meters/%s/%s" % (serial, what), params={"day": day})
            assert answer.status_code == status


async def test_nobody_sees_the_ledger_without_a_token(
        book: Book, nobody: httpx.AsyncClient) -> None:
    for path in (HERE, "%s/%s/meters" % (HERE, DAY), "/api/v1/meters/SDM-1/intervals"):
        assert (await nobody.get(path)).status_code == 401


async def test_each_register_set_of_an_interval_has_its_own_state(
        book: Book, system: httpx.AsyncClient) -> None:
    """The second set of the meter is there in no row: the meter gave its other registers only."""
    more = book.add_register_set("1-0:3.8.0", 0, 32, "r_plus")
    book.do("update meter_schedule set register_sets = register_sets || %d from meter m"
            " where m.meter_id = meter_schedule.meter_id and m.serial = 'SDM-1'" % more)
    items = (await system.get("/api/v1/meters/SDM-1/intervals", params={
        "day": str(DAY), "limit": "96"})).json()["items"]
    states = [[(own["registers"][-1] == "1-0:3.8.0", own["state"], own["reason"])
               for own in item["register_sets"]] for item in items]
    assert states[0] == [(False, "received", None), (True, "missing", "unexplained")]
    assert states[0] == states[89], "an interval that is there"
    assert items[0]["state"] == "missing", "an interval is there when all of its sets are"
    assert items[90]["state"] == "missing"
    assert [own["reason"] for own in items[90]["register_sets"]] == [items[90]["reason"]] * 2
    # A row that was merged of both sets holds both.
    book.do("update register_set set registers = registers || (select registers from register_set"
            " where register_set_id = %d) where register_set_id <> %d" % (more, more))
    again = (await system.get("/api/v1/meters/SDM-1/intervals", params={
        "day": str(DAY), "limit": "1"})).json()["items"][0]
    assert [own["state"] for own in again["register_sets"]] == ["received", "received"]
    assert again["state"] == "received"


async def test_sets_have_days_of_their_own(
        book: Book, pool: Pool, system: httpx.AsyncClient) -> None:
    more = book.add_register_set("1-0:3.8.0", 0, 32, "r_plus")
    book.do("update meter_schedule set register_sets = register_sets || %d from meter m"
            " where m.meter_id = meter_schedule.meter_id and m.serial = 'SDM-0'" % more)
    book.mark(at(0))
    await count(pool, book)
    for narrowed in ({}, {"site": SITE}, {"concentrator": DEVICE.hex()}):
        sets = (await system.get(
            "%s/%s/register-sets" % (HERE, DAY), params=narrowed)).json()["items"]
        assert [(one["meters"], one["expected"], one["received"]) for one in sets] == [
            (3, 3 * PER_DAY, PER_DAY + 90), (1, PER_DAY, 0)]
        assert sets[1]["registers"] == ["1-0:3.8.0"] and sets[1]["register_set"] == more
        days = (await system.get(
            HERE, params={**SPAN, **narrowed, "register_set": str(more)})).json()["items"]
        assert [(one["meters"], one["missing"]) for one in days] == [(1, {"unexplained": 90,
                                                                          "awaited": 6})]
        meters = (await system.get("%s/%s/meters" % (HERE, DAY), params={
            "register_set": str(more), **narrowed})).json()["items"]
        assert [(one["serial"], one["register_set"]) for one in meters] == [("SDM-0", more)]
    cabinets = (await system.get("%s/%s/concentrators" % (HERE, DAY), params={
        "register_set": str(more)})).json()["items"]
    assert [(one["meters"], one["expected"]) for one in cabinets] == [(1, PER_DAY)]
    first = (await system.get(
        "%s/%s/register-sets" % (HERE, DAY), params={"limit": "1"})).json()
    rest = (await system.get("%s/%s/register-sets" % (HERE, DAY), params={
        "limit": "1", "cursor": first["next_cursor"]})).json()
    assert [len(first["items"]), rest["items"][0]["register_set"]] == [1, more]


async def test_what_no_schedule_speaks_of_is_listed_and_not_due(
        book: Book, system: httpx.AsyncClient) -> None:
    profile = book.add_register_set("1-0:9.8.0", 0, 31, "extra[1]")
    book.do("update register_set set profile = 1 where register_set_id = %d" % profile)
    book.do("insert into meter_register_set select meter_id, %d from meter"
            " where serial = 'SDM-2'" % profile)
    book.do("insert into reading (meter_id, captured_at, profile, register_set_id, time_quality)"
            " select meter_id, '%s', 1, %d, 0 from meter where serial = 'SDM-2'" % (at(7), profile))
    where = "/api/v1/meters/SDM-2/"
    found = (await system.get(where + "unscheduled", params={"day": str(DAY)})).json()["items"]
    assert [(one["registers"], one["profile"], one["rows"]) for one in found] == [
        (["1-0:9.8.0"], 1, 1)]
    items = (await system.get(where + "intervals", params={"day": str(DAY)})).json()["items"]
    assert {len(item["register_sets"]) for item in items} == {1}
    assert {item["state"] for item in items} == {"missing"}
