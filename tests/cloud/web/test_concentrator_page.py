"""A concentrator's page: what it was asked for again, when, and what came or why not."""

from datetime import UTC, datetime, timedelta

import httpx
import psycopg

from tests.cloud.web.street import DEVICE, Street
from tests.cloud.web.test_pages import text_of
from wum_shared.condition import FLASH_READ_ONLY
from wum_shared.gaps import (
    GapAnswer,
    GapPart,
    GapRange,
    GapRequest,
    encode_gap_answer,
    encode_gap_request,
)
from wum_shared.status import (
    EVENT_FLASH_REFUSED,
    GAP_DROPPED,
    GAP_METER_SILENT,
    GAP_NEVER_READ,
    GAP_SENT,
    NEVER_SET,
    SILENT,
)

PAGE = "/concentrators/" + DEVICE.hex()
ARCHIVE = b"archive1"
AT = datetime(2026, 3, 1, 10, tzinfo=UTC)
DAY_S = int(AT.timestamp())


def ask(street: Street, ranges: tuple[GapRange, ...], parts: tuple[GapPart, ...] | None,
        number: int = 1) -> None:
    """A request and, where there are parts, its answer a minute later."""
    asked_at = AT + timedelta(hours=number)
    with psycopg.connect(street.url) as connection:
        connection.execute(
            "insert into gap_history select concentrator_id, %s, %s, 1, %s, %s, %s"
            " from concentrator",
            [number, encode_gap_request(GapRequest(DEVICE, number, ranges)), asked_at,
             None if parts is None else encode_gap_answer(GapAnswer(ARCHIVE, number, parts)),
             None if parts is None else asked_at + timedelta(minutes=1)])


async def test_where_nothing_had_to_be_asked_for_the_page_says_so(
        operator: httpx.AsyncClient, street: Street) -> None:
    words = text_of(await operator.get(PAGE))
    assert "cabinet-1" in words and "Never heard" in words
    assert "No record of its archive is missing." in words
    assert "Nothing had to be asked for again" in words
    assert PAGE in (await operator.get("/concentrators")).text
    assert (await operator.get("/concentrators/0000000000000000")).status_code == 404
    assert (await operator.get("/concentrators/cabinet-1")).status_code == 422


async def test_each_part_says_what_became_of_it(
        operator: httpx.AsyncClient, street: Street) -> None:
    ask(street, (GapRange("SDM-1", DAY_S, DAY_S + 3 * 3600 - 1), GapRange(ARCHIVE, 5, 5),
                 GapRange(ARCHIVE, 1000, 1200)),
        (GapPart(0, DAY_S, DAY_S + 3599, GAP_SENT, 0),
         GapPart(0, DAY_S + 3600, DAY_S + 2 * 3600 - 1, GAP_NEVER_READ, 0),
         GapPart(0, DAY_S + 2 * 3600, DAY_S + 3 * 3600 - 1, GAP_METER_SILENT, SILENT),
         GapPart(2, 1000, 1099, GAP_DROPPED, 0), GapPart(2, 1100, 1200, GAP_DROPPED, 0)))
    ask(street, (GapRange("SDM-1", DAY_S, DAY_S + 899),), None, number=2)
    page = await operator.get(PAGE)
    words = text_of(page)
    for sentence in ("came again out of the archive", "never read", "the meter does not answer",
                     "given up, for the store was full or it was older than 45 days", "no answer",
                     "record 5", "records 1 000 – 1 200", "of archive " + ARCHIVE.hex()):
        assert sentence.replace(" ", " ") in words.replace(" ", " "), sentence
    assert "2026-03-01 13:01" in words.replace(" ", " ") or "13:01" in words
    assert words.index("no answer") < words.index("came again"), "the newest stands first"


async def test_a_request_of_many_parts_is_cut_short_and_says_so(
        operator: httpx.AsyncClient, street: Street) -> None:
    ask(street, tuple(GapRange(ARCHIVE, 10 * n, 10 * n + 1) for n in range(1, 31)), ())
    words = text_of(await operator.get(PAGE))
    assert "and 10 more parts of this request" in words


async def test_a_reading_that_was_asked_for_says_so_on_the_meters_day(
        operator: httpx.AsyncClient, system: httpx.AsyncClient, street: Street) -> None:
    """One came by time and one by number, one later out of the archive, one with its time."""
    meter = street.add_meter("SDM-1")
    with psycopg.connect(street.url) as connection:
        connection.execute(
            "insert into meter_schedule (meter_id, valid_from, concentrator_id, period_s, offset_s,"
            " register_sets) select %s, %s, concentrator_id, 3600, 0,"
            " array(select register_set_id from register_set) from concentrator",
            [meter, AT - timedelta(days=1)])
        for hours, arrived in ((0, 24), (1, 25.5), (2, 48), (3, 4)):
            street.insert_row(connection, meter, AT + timedelta(hours=hours), (hours, 1, 1))
            connection.execute(
                "update reading set arrived_at = %s where captured_at = %s",
                [AT + timedelta(hours=arrived), AT + timedelta(hours=hours)])
        connection.execute(
            "insert into batch_arrival select concentrator_id, %s, 11, 12, %s, %s, %s"
            " from concentrator", [ARCHIVE, AT + timedelta(hours=1), AT + timedelta(hours=1),
                                   AT + timedelta(hours=25.5)])
    for number, ranges in ((23, (GapRange("SDM-1", DAY_S, DAY_S + 3599),)),
                           (25, (GapRange(ARCHIVE, 10, 20),))):
        ask(street, ranges, None, number)
    body = (await system.get("/api/v1/meters/SDM-1/intervals?day=2026-03-01")).json()
    assert [(one["state"], one["path"]) for one in body["items"]
            if one["state"] != "missing"] == [
        ("late", "asked for"), ("late", "asked for"), ("late", "back-fill"), ("received", "live")]
    words = text_of(await operator.get("/completeness/2026-03-01/meters/SDM-1"))
    assert "asked for again, cabinet-1" in words and "back-fill, cabinet-1" in words


async def test_what_happened_on_it_and_that_nothing_comes_stands_on_its_page(
        operator: httpx.AsyncClient, street: Street) -> None:
    assert "Nothing has happened" in text_of(await operator.get(PAGE))
    street.add_event(1, EVENT_FLASH_REFUSED, "for 81 s: the disk is full", AT)
    with psycopg.connect(street.url) as connection:
        connection.execute("update concentrator set last_contact_at = now(),"
                           " newest_captured_at = now() - interval '3 hours'")
    words = text_of(await operator.get(PAGE))
    assert "Flash took no records" in words and "for 81 s: the disk is full" in words
    assert "Behind" in words and "Nothing new has come for 3 h" in words.replace(" ", " ")


def tell(street: Street, *, flash: int = 0, ahead_s: int = 0, quality: int = 0) -> None:
    """What the concentrator says of itself, now."""
    with psycopg.connect(street.url) as connection:
        connection.execute(
            "insert into concentrator_condition select concentrator_id, 0, 1,"
            "   now() + make_interval(secs => %s), now(), %s, %s, now() - interval '2 hours', 12,"
            "   3, 0 from concentrator on conflict (concentrator_id) do update"
            "   set told_at = excluded.told_at, time_quality = excluded.time_quality,"
            "   flash = excluded.flash", [ahead_s, quality, flash])


async def test_a_disk_that_takes_nothing_and_a_wrong_clock_stand_in_list_and_page(
        operator: httpx.AsyncClient, street: Street) -> None:
    with psycopg.connect(street.url) as connection:
        connection.execute("update concentrator set last_contact_at = now()")
    tell(street, flash=FLASH_READ_ONLY)
    assert "Disk takes nothing" in text_of(await operator.get("/concentrators"))
    words = text_of(await operator.get(PAGE))
    assert "cannot store what it reads: the disk is read-only since" in words
    assert "12 records wait in its memory; 3 were given up. Mount it for writing" in words
    tell(street, ahead_s=-3 * 3600)
    assert "Clock wrong" in text_of(await operator.get("/concentrators"))
    words = text_of(await operator.get(PAGE))
    assert "hours behind ours" in words and "cannot store" not in words
    tell(street, quality=NEVER_SET)
    assert "its clock was never set" in text_of(await operator.get(PAGE))
    tell(street)
    for page in ("/concentrators", PAGE):
        words = text_of(await operator.get(page))
        assert "Clock wrong" not in words and "Disk takes nothing" not in words
