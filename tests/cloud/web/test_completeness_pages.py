"""The ledger's pages: a month, a day, a meter's day, their empty states and what they refuse."""

import html
import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.cloud.ledger.book import DAY, NOW, PER_DAY, Book, at, count
from tests.cloud.web.street import DEVICE, PERIOD_S, SITE
from wum_cloud.database import Pool
from wum_cloud.ledger.counting.store import COUNTS
from wum_cloud.web.console import completeness

MONTH = "/completeness?month=2026-03"
HERE = "/completeness/%s" % DAY


@pytest.fixture
async def book(database_url: str, pool: Pool) -> Book:
    """Two meters: one complete, one silent from its interval 90."""
    made = Book(database_url)
    meters = [made.add_scheduled("SDM-%d" % n) for n in range(2)]
    made.read(meters[0], *range(PER_DAY))
    made.read(meters[1], *range(90))
    for interval in range(90, PER_DAY):
        made.add_missed(meters[1], at(interval), 1)
    made.contact(NOW, NOW)
    await count(pool, made)
    return made


async def text(client: httpx.AsyncClient, path: str, status: int = 200) -> str:
    answer = await client.get(path)
    assert answer.status_code == status, path
    return answer.text


async def test_a_day_of_the_calendar_has_a_colour_a_number_and_words(
        book: Book, operator: httpx.AsyncClient) -> None:
    for address in (MONTH, MONTH + "&site=Strada+Florilor+1",
                    MONTH + "&concentrator=" + DEVICE.hex()):
        page = await text(operator, address)
        assert 'class="day bad" href="/completeness/2026-03-02' in page
        assert ("Monday, 2 March 2026: 186 of 192 intervals received, 96.8\u202f%; "
                "0 late, 6 missing") in page
        assert page.count('class="day none"') == 29
        assert "nothing was due" in page
    assert SITE in page and "cabinet-1" in page


async def test_a_day_says_why_and_names_the_meters(
        book: Book, operator: httpx.AsyncClient) -> None:
    for address in (HERE, HERE + "?site=Strada+Florilor+1",
                    HERE + "?concentrator=" + DEVICE.hex()):
        page = await text(operator, address)
        assert "6 × the meter does not answer" in page
        assert "/completeness/2026-03-02/meters/SDM-1" in page
        assert "/completeness/2026-03-02/meters/SDM-0" not in page
        assert "2 Mar 22:30" in page, "the first missing interval, on the site's clocks"


async def test_a_meters_day_tells_its_runs(book: Book, operator: httpx.AsyncClient) -> None:
    page = await text(operator, HERE + "/meters/SDM-1")
    assert "2 Mar 00:00 – 22:30" in page and "live, cabinet-1" in page
    assert "2 Mar 22:30 – 00:00" in page and "the meter does not answer" in page
    assert "/completeness/2026-03-01/meters/SDM-1" in page


async def test_nothing_is_said_in_sentences(book: Book, operator: httpx.AsyncClient) -> None:
    assert "Nothing was due in this month" in await text(operator, "/completeness?month=2026-02")
    assert "still to come" in await text(operator, "/completeness?month=2999-01")
    assert "no longer kept" in await text(operator, "/completeness?month=2001-01")
    assert "Nothing was due on this day" in await text(operator, "/completeness/2026-02-01")
    assert "Nothing was due on this day" in await text(
        operator, "/completeness/2026-02-01/meters/SDM-1")


_MEANINGLESS = (
    ("/completeness?month=2026-13", 422), ("/completeness?month=March", 422),
    ("/completeness?month=1000-01", 422), ("/completeness?concentrator=zz", 422),
    ("/completeness?site=nowhere", 404), ("/completeness/2026-02-30", 422),
    ("/completeness/today", 422), (HERE + "?cursor=x", 422), (HERE + "?site=nowhere", 404),
    (HERE + "/meters/SDM-9", 404), ("/completeness/0001-01-01/meters/SDM-1", 404),
    ("/completeness/9999-12-31/meters/SDM-1", 404),
)


async def test_an_address_that_means_nothing_is_refused(
        book: Book, operator: httpx.AsyncClient) -> None:
    for path, status in _MEANINGLESS:
        await text(operator, path, status)


async def test_the_first_page_says_how_much_of_yesterday_was_stored_by_six(
        database_url: str, pool: Pool, operator: httpx.AsyncClient) -> None:
    assert "No interval was due yesterday" in await text(operator, "/")
    book = Book(database_url)
    now = datetime.now(UTC)
    meter = book.add_scheduled("SDM-1", now - timedelta(days=3))
    first = now.timestamp() // PERIOD_S * PERIOD_S - 3 * 86400
    for n in range(0, 3 * 96, 48):      # Two a day, wherever midnight is.
        book.add_row(meter, datetime.fromtimestamp(first + n * PERIOD_S, UTC), (1, 1, 1))
    book.do("update reading set arrived_at = captured_at")
    await count(pool, book, now)
    page = await text(operator, "/")
    figure = page.split('id="by-six">')[1].split("<")[0]
    assert figure == "2.0\u202f%", "two of 96"


async def test_register_sets_have_a_calendar_of_their_own(
        book: Book, pool: Pool, operator: httpx.AsyncClient) -> None:
    assert "By register set" not in await text(operator, HERE), "one set for all is no choice"
    more = book.add_register_set("6-0:1.0.0", 0, 30, "extra[1]")
    profile = book.add_register_set("7-0:3.0.0", 0, 13, "extra[1]")
    book.do("update register_set set profile = 1 where register_set_id = %d" % profile)
    book.do("insert into meter_register_set select meter_id, %d from meter" % profile)
    book.do("update meter_schedule set register_sets = register_sets || %d" % more)
    book.mark(at(0))
    await count(pool, book)
    for address in (MONTH, HERE):
        page = await text(operator, address)
        assert "By register set" in page and ">Heat</a>" in page
    narrowed = await text(operator, MONTH + "&registers=%d" % more)
    assert "0 of 192 intervals received" in narrowed and "All register sets" in narrowed
    assert "/completeness/2026-03-02?registers=%d" % more in narrowed
    day = await text(operator, HERE + "?registers=%d" % more)
    assert day.count("/meters/SDM-") == 2 and "By 06:00 the next day" in day
    meter = await text(operator, HERE + "/meters/SDM-1")
    assert "<h3>Heat</h3>" in meter and "186" not in meter
    assert "Kept by the meter itself" in meter and "No schedule says how many are due." in meter
    assert "Nothing was ever read before what is missing." in meter
    for wrong, status in (("4711", 404), ("0", 422), ("x", 422), ("1" * 12, 422)):
        await text(operator, MONTH + "&registers=" + wrong, status)
        await text(operator, HERE + "?registers=" + wrong, status)


async def test_a_meters_day_says_when_it_was_last_read_before(
        book: Book, operator: httpx.AsyncClient) -> None:
    page = await text(operator, HERE + "/meters/SDM-1")
    assert "Last reading before what is missing:" in page and "2 Mar 22:15" in page
    assert "Last reading before" not in await text(operator, HERE + "/meters/SDM-0")


async def test_sites_are_turned_page_by_page(
        book: Book, operator: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completeness, "_PLACES", 1)
    book.do("insert into site (tenant_id, name) values (1, 'Z last')")
    book.do("insert into concentrator (tenant_id, device_id, identity_key, name, site_id,"
            " broker_password_hash) select 1, int8send(77), sha256('77'), 'cabinet-77', site_id,"
            " 'x' from site where name = 'Z last'")
    book.do("insert into ledger_concentrator_day (concentrator_id, day, tenant_id, meters, %s)"
            " select c.concentrator_id, day, d.tenant_id, meters, %s"
            " from ledger_concentrator_day d, concentrator c where c.name = 'cabinet-77'" % (
                ", ".join(COUNTS), ", ".join(["d." + name for name in COUNTS])))
    first = await text(operator, MONTH)
    assert "site=Strada+Florilor+1" in first and "site=Z+last" not in first
    [following] = re.findall(r'href="([^"]*)">Next sites', first)
    then = await text(operator, html.unescape(following))
    assert "site=Z+last" in then and "Next sites" not in then
    await text(operator, MONTH + "&sites=x", 422)
