"""The pages of the console, as their HTML says it."""

import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.cloud.web.conftest import NAME
from tests.cloud.web.street import PERIOD_S, SITE, Street
from wum_shared.status import EVENT_STARTED, LATE, SILENT


def text_of(answer: httpx.Response) -> str:
    """The words of a page, without markup."""
    assert answer.status_code == 200, answer.text
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


@pytest.fixture
def newest() -> datetime:
    now = datetime.now(UTC).timestamp()
    return datetime.fromtimestamp(now // PERIOD_S * PERIOD_S, UTC)


@pytest.fixture
def meter(street: Street, newest: datetime) -> int:
    """A meter with ten quarters of an hour; the fifth and sixth of them were silent."""
    number = street.add_meter("SDM-1")
    for back in range(9, -1, -1):
        at = newest - timedelta(seconds=back * PERIOD_S)
        if back in (4, 5):
            street.add_missed(number, at, SILENT)
        else:
            street.add_row(number, at, (123_456 + 250 * (9 - back), 2304, 1000 - 10 * back), 7,
                           [0, LATE, 0, 0] if back == 1 else None)
    return number


async def test_a_new_head_end_says_what_is_missing_and_what_to_do(
        operator: httpx.AsyncClient) -> None:
    assert "No concentrator is registered" in text_of(await operator.get("/"))
    assert "No meter yet" in text_of(await operator.get("/meters"))
    assert "wum-cloud register" in text_of(await operator.get("/concentrators"))
    assert "No event yet" in text_of(await operator.get("/events"))
    assert "Nothing is in quarantine" in text_of(await operator.get("/ingest"))


async def test_the_overview_counts_and_names_what_needs_somebody(
        operator: httpx.AsyncClient, street: Street, meter: int, newest: datetime) -> None:
    silent = street.add_meter("SDM-2")
    street.add_missed(silent, newest, SILENT)
    street.add_event(1, EVENT_STARTED, "after power failure", newest)
    street.add_refusal("not genuine", "The seal does not hold.")
    words = text_of(await operator.get("/"))
    assert "Meters reporting 1 of 2" in words and "1 silent" in words
    assert "SDM-2" in words and "Never read. The last attempt" in words
    assert "the meter does not answer" in words
    assert "Agent started" in words and "after power failure" in words
    assert "Not genuine" in words and "The seal does not hold." in words


async def test_the_overviews_live_part_is_a_part_and_not_a_page(
        operator: httpx.AsyncClient) -> None:
    whole = await operator.get("/")
    part = await operator.get("/", headers={"HX-Request": "true"})
    assert "HX-Request" in whole.headers["vary"] and "HX-Request" in part.headers["vary"]
    assert "<html" in whole.text and "<html" not in part.text
    assert 'id="meters-reporting"' in part.text


@pytest.mark.parametrize("search", ["sdm-1", "DP-SDM-1", "sdm630"])
async def test_a_meter_is_found_by_serial_delivery_point_and_model(
        operator: httpx.AsyncClient, meter: int, search: str) -> None:
    words = text_of(await operator.get("/meters", params={"search": search}))
    assert "1 meter" in words and "SDM-1" in words and f"matches “{search}”" in words


async def test_a_search_for_one_meter_leads_to_it(
        operator: httpx.AsyncClient, street: Street) -> None:
    for serial in ("SDM-1", "SDM-10", "ABB-7"):
        street.add_meter(serial)
    for search, target in (("SDM-1", "/meters/SDM-1"), ("abb", "/meters/ABB-7"),
                           ("sdm", "/meters?search=sdm"), ("%", "/meters?search=%25")):
        answer = await operator.get("/find", params={"search": search})
        assert (answer.status_code, answer.headers["location"]) == (303, target)


async def test_no_match_says_so_in_words_and_offers_a_way_back(
        operator: httpx.AsyncClient, meter: int) -> None:
    answer = await operator.get("/meters", params={"search": "zzz", "state": "silent"})
    words = text_of(answer)
    assert "No meter matches" in words and "matches “zzz”" in words and "silent ×" in words
    assert 'href="/meters"' in answer.text and "Clear all filters" in words
    assert 'href="/meters?state=silent"' in answer.text, "each filter can be removed alone"


async def test_a_long_list_goes_on_where_it_stopped(
        operator: httpx.AsyncClient, street: Street) -> None:
    serials = ["SDM-%03d" % n for n in range(120)]
    for serial in serials:
        street.add_meter(serial)
    answer, found = await operator.get("/meters?search=SDM"), []
    while True:
        found += re.findall(r'href="/meters/(SDM-\d+)"', answer.text)
        more = re.search(r'hx-get="([^"]+cursor=[^"]+)"', answer.text)
        if more is None:
            break
        answer = await operator.get(more[1].replace("&amp;", "&"), headers={"HX-Request": "true"})
        assert "<html" not in answer.text
    assert found == serials


async def test_a_meters_page_shows_newest_values_with_units_and_groups(
        operator: httpx.AsyncClient, meter: int) -> None:
    words = text_of(await operator.get("/meters/SDM-1"))
    assert "SDM-1" in words and "Reporting" in words and SITE in words
    assert "Read every 15 min" in words and "Europe/Chisinau" in words
    assert "Active energy import 125.706" in words
    assert re.search(r"Voltage L1 230\.4\s*&nbsp;\s*V", words)
    assert re.search(r"Active power 1\.000\s*&nbsp;\s*kW", words)


async def test_the_newest_value_stands_in_the_page_as_the_meters_own_integer(
        operator: httpx.AsyncClient, meter: int) -> None:
    text = (await operator.get("/meters/SDM-1")).text
    assert re.search(r'data-register="1-0:1\.8\.0".*?data-value="125706" data-scaler="0"', text,
                     re.S)


async def test_a_gap_is_a_row_of_the_table_with_its_reason(
        operator: httpx.AsyncClient, meter: int) -> None:
    text = (await operator.get("/meters/SDM-1?period=day&show=voltage")).text
    gap = re.search(r'<tr class="gap">(.*?)</tr>', text, re.S)
    assert gap is not None
    assert "2 intervals missing until" in gap[1] and "the meter does not answer" in gap[1]
    assert "read late" in text


async def test_the_plots_columns_break_at_a_gap_and_say_why(
        operator: httpx.AsyncClient, meter: int, newest: datetime) -> None:
    answer = await operator.get("/plots/SDM-1?show=power&period=day")
    body = answer.json()
    assert (body["unit"], body["zone"], body["places"]) == ("kW", "Europe/Chisinau", 3)
    values = body["series"][0]["values"]
    assert len(body["ts"]) == len(values) == 9 and values[4] is None
    assert values[0] == 0.91 and values[-1] == 1.0
    silent = [gap for gap in body["gaps"] if "does not answer" in gap["text"]]
    first = int((newest - timedelta(seconds=5 * PERIOD_S)).timestamp())
    assert [(g["from"], g["to"]) for g in silent] == [(first, first + 2 * PERIOD_S)]
    assert answer.headers["content-type"] == "application/json"


async def test_nothing_is_missing_from_before_a_meters_first_reading(
        operator: httpx.AsyncClient, meter: int, newest: datetime) -> None:
    body = (await operator.get("/plots/SDM-1?show=power&period=week")).json()
    first = int((newest - timedelta(seconds=9 * PERIOD_S)).timestamp())
    assert body["gaps"] and all(gap["from"] > first for gap in body["gaps"])
    assert "the first of all at" in body["summary"]


async def test_a_new_meters_first_look_is_an_hour_and_an_older_ones_a_day(
        operator: httpx.AsyncClient, street: Street, meter: int, newest: datetime) -> None:
    chosen = re.compile(r'aria-current="true">(\w+)<')
    assert chosen.findall((await operator.get("/meters/SDM-1")).text) == ["Hour"]
    street.add_row(meter, newest - timedelta(days=1), (1, 2, 3), 1)
    assert chosen.findall((await operator.get("/meters/SDM-1")).text) == ["Day"]


async def test_a_plot_that_did_not_change_is_not_sent_again(
        operator: httpx.AsyncClient, meter: int, newest: datetime) -> None:
    day = (newest + timedelta(hours=3)).date().isoformat()
    path = f"/plots/SDM-1?show=power&period=day&on={day}"
    tag = (await operator.get(path)).headers["etag"]
    again = await operator.get(path, headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")


async def test_consumption_is_the_difference_of_readings_and_unknown_where_one_is_missing(
        operator: httpx.AsyncClient, street: Street) -> None:
    number = street.add_meter("SDM-3")
    start = datetime(2026, 3, 2, 8, tzinfo=UTC)
    for quarter in range(20):
        if quarter != 8:  # 10:00 has no reading: two hours have an edge without one.
            street.add_row(number, start + timedelta(minutes=15 * quarter),
                           (1000 + 100 * quarter, 2300, 5), 1)
    body = (await operator.get("/plots/SDM-3?show=consumption&period=day&on=2026-03-02")).json()
    values = dict(zip(body["ts"], body["series"][0]["values"], strict=True))
    by_hour = [values[int((start + timedelta(hours=h)).timestamp())] for h in range(5)]
    assert by_hour == [0.4, None, None, 0.4, 0.3]
    assert body["unit"] == "kWh" and body["bars"] is True
    words = text_of(await operator.get("/meters/SDM-3?show=consumption&period=day&on=2026-03-02"))
    assert "1.100 kWh in all" in words and "a reading is missing at an edge" in words


_NOWHERE = (
    ("/meters/NONE", 404, "There is no meter NONE."),
    ("/meters/SDM-1?show=1-0:99.99.99", 404, "has no register 1-0:99.99.99"),
    ("/plots/SDM-1?show=nothing", 404, "has no register nothing"),
    ("/meters/SDM-1?period=eon", 422, "a part that no page understands"),
    ("/meters/SDM-1?on=yesterday", 422, "a part that no page understands"),
    ("/meters?cursor=!!", 422, "cursor"),
    ("/meters?concentrator=xyz", 422, "concentrator"),
)


async def test_what_does_not_exist_is_said_in_a_sentence(
        operator: httpx.AsyncClient, meter: int) -> None:
    for path, status, words in _NOWHERE:
        answer = await operator.get(path)
        assert answer.status_code == status, path
        assert words in answer.text and "<html" in answer.text, path
        assert NAME in answer.text, "the frame with its ways out stays"


async def test_a_meter_that_was_never_read_says_so(
        operator: httpx.AsyncClient, street: Street) -> None:
    street.add_meter("SDM-9")
    words = text_of(await operator.get("/meters/SDM-9"))
    assert "Never read" in words and "No reading has come from this meter yet." in words
    assert "Nothing has been read yet" in words


async def test_a_span_too_long_to_show_is_a_sentence_with_a_way_out(
        operator: httpx.AsyncClient, street: Street, monkeypatch: pytest.MonkeyPatch,
        meter: int) -> None:
    monkeypatch.setattr("wum_cloud.readings.sketch.ROWS_MAX", 3)
    words = text_of(await operator.get("/meters/SDM-1?period=week"))
    assert "This span is too long to show: 3 readings at most" in words
    assert "Show a day" in words


async def test_concentrators_tell_who_delivers_and_what_is_to_come(
        operator: httpx.AsyncClient, meter: int) -> None:
    words = text_of(await operator.get("/concentrators"))
    assert "cabinet-1" in words and "00112233445566aa" in words and "Never heard" in words


async def test_events_are_told_in_the_sites_time(
        operator: httpx.AsyncClient, street: Street) -> None:
    at = datetime(2026, 7, 1, 21, 30, tzinfo=UTC)
    street.add_event(1, EVENT_STARTED, "note", at)
    words = text_of(await operator.get("/events"))
    assert "When (Europe/Chisinau)" in words and "2026-07-02 00:30:00" in words


async def test_the_axis_of_a_new_meter_begins_where_it_was_first_asked(
        operator: httpx.AsyncClient, meter: int, newest: datetime) -> None:
    body = (await operator.get("/plots/SDM-1?show=power&period=day")).json()
    assert body["from"] == int((newest - timedelta(seconds=9 * PERIOD_S)).timestamp())
    day = (await operator.get("/plots/SDM-1?show=power&period=day&on=2026-03-02")).json()
    assert day["to"] - day["from"] == 86_400
