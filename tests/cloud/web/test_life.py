"""The life of meters over API and console: added, replaced, moved, archived; what is refused."""

from datetime import UTC, datetime, timedelta

import httpx
import psycopg
import pytest

from tests.cloud.web.people import CSRF, People
from tests.cloud.web.street import DEVICE, Street

NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
OFF = NOW - timedelta(hours=2, minutes=25)      # When the old one was taken off.
A_PLUS = "1-0:1.8.0"
KWH = {"register": A_PLUS, "unit": "kWh"}
ID = DEVICE.hex()
WHY = "its seal was broken"


@pytest.fixture
def people(app: httpx.ASGITransport, database_url: str) -> People:
    return People(database_url, app)


@pytest.fixture
def old(street: Street) -> int:
    """A meter that counts 100 Wh a quarter, read until it went: its last row is of 21:30."""
    number = street.add_meter("OLD")
    street.do("insert into bus (concentrator_id, name, port) values (1, 'rs485', '/dev/ttyS1')")
    street.do("update meter set bus_id = 1, address = '7'")
    first = NOW - timedelta(hours=6)
    street.add_counter(number, first, [7_000_000 + 100 * n for n in range(15)], 900)
    return number


def replacement(**changes: object) -> dict[str, object]:
    return {"serial": "NEW", "model": "eastron-sdm630", "at": OFF.isoformat(), "reason": WHY,
            "finals": [{**KWH, "value": "7001.45"}], "firsts": [{**KWH, "value": "3"}], **changes}


def of_new(street: Street) -> int:
    with psycopg.connect(street.url) as connection:
        row = connection.execute("select meter_id from meter where serial = 'NEW'").fetchone()
    assert row is not None
    return int(row[0])


async def used(system: httpx.AsyncClient, by: str = "hour", hours: int = 6) -> dict[str, object]:
    answer = await system.get("/api/v1/delivery-points/dp-OLD/consumption", params={
        "register": A_PLUS, "from": (NOW - timedelta(hours=hours)).isoformat(),
        "to": NOW.isoformat(), "by": by})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_replacement_keeps_one_series_and_loses_no_kilowatt_hour(
        street: Street, old: int, system: httpx.AsyncClient) -> None:
    """Final less before: 7001450 - 7001200; after less first: 3200 - 3000."""
    done = await system.post("/api/v1/meters/OLD/replacement", json=replacement())
    assert done.status_code == 201, done.text
    street.add_counter(of_new(street), NOW - timedelta(hours=2), [3_200 + 100 * n
                                                                   for n in range(9)], 900)
    # The old address answered on until the new configuration was in force: that is the new meter.
    street.add_counter(old, NOW - timedelta(hours=2, minutes=15), [3_100, 3_200], 900)
    found = await used(system)
    assert [i["value"] for i in found["intervals"]] == [  # type: ignore[attr-defined]
        400, 400, 400, 7_001_450 - 7_001_200 + 3_200 - 3_000, 400, 400]
    assert found["gaps"] == [] and found["unit"] == "Wh"
    assert (await used(system, "span"))["intervals"][0]["value"] == 2_450  # type: ignore[index]
    life = (await system.get("/api/v1/meters/OLD/life")).json()
    assert life["acts"][0]["act"] == "replaced" and life["acts"][0]["reason"] == WHY
    assert life["acts"][0]["said_by"] == "root (token test)"
    assert life["acts"][0]["detail"]["final"] == "1-0:1.8.0 7001.45 kWh"
    point = (await system.get("/api/v1/delivery-points/dp-OLD")).json()
    assert [i["meter"] for i in point["installations"]] == ["OLD", "NEW"]
    assert point["installations"][0]["finals"][0]["decimal"] == "7001.45 kWh"
    meters = (await system.get("/api/v1/meters")).json()["items"]
    assert [m["serial"] for m in meters] == ["NEW"], "an archived one is in no list"
    archived = (await system.get("/api/v1/meters", params={"state": "archived"})).json()["items"]
    assert [m["serial"] for m in archived] == ["OLD"] and archived[0]["archived_at"]


async def test_the_wanted_configuration_follows(
        street: Street, old: int, system: httpx.AsyncClient) -> None:
    await system.post("/api/v1/meters/OLD/replacement", json=replacement(model="eastron-sdm120"))
    wanted = (await system.get("/api/v1/concentrators/%s/configuration" % ID)).json()["wanted"]
    assert wanted["meter"] == [{
        "serial": "NEW", "delivery_point": "dp-OLD", "model": "eastron-sdm120", "line": "rs485",
        "address": 7}]
    own = (await system.get("/api/v1/meters/NEW/life")).json()["configuration"]
    assert own["state"] == "to be sent" and own["wanted"] == wanted["meter"][0]
    assert own["reported"] is None and own["number"] is None
    gone = await system.post("/api/v1/meters/NEW/archiving", json={"reason": WHY})
    assert gone.status_code == 204
    twin = (await system.get("/api/v1/concentrators/%s/configuration" % ID)).json()
    assert twin["wanted"]["meter"] == []


async def test_a_lower_final_reading_is_questioned_with_both_values(
        street: Street, old: int, system: httpx.AsyncClient) -> None:
    low = replacement(finals=[{**KWH, "value": "7001.1"}])
    asked = await system.post("/api/v1/meters/OLD/replacement", json=low)
    assert asked.status_code == 409
    assert "7001.1 kWh is lower than the last one stored, 7001.400 kWh" in asked.json()["detail"]
    assert (await system.get("/api/v1/meters/OLD")).json()["archived_at"] is None
    sure = await system.post("/api/v1/meters/OLD/replacement", json={**low, "confirmed": True})
    assert sure.status_code == 201, sure.text
    acts = (await system.get("/api/v1/audit", params={"act": "meter replaced"})).json()["items"]
    assert acts[0]["subject"] == "OLD" and acts[0]["detail"]["confirmed"] == "yes"
    assert acts[0]["detail"]["by"] == "NEW"


async def test_a_display_that_nobody_read_is_a_gap(
        street: Street, old: int, system: httpx.AsyncClient) -> None:
    await system.post("/api/v1/meters/OLD/replacement", json=replacement(finals=[]))
    street.add_counter(of_new(street), NOW - timedelta(hours=2), [50 + n for n in range(9)], 900)
    found = await used(system)
    assert [i["value"] for i in found["intervals"]][3] is None  # type: ignore[attr-defined]
    assert [g["reason"] for g in found["gaps"]] == [  # type: ignore[attr-defined]
        "the final reading is not known"]


REFUSALS: list[tuple[dict[str, object], str]] = [
    ({"serial": "OLD"}, "has the old one's serial"),
    ({"serial": "OTHER"}, "There is a meter OTHER already, at delivery point dp-OTHER"),
    ({"serial": "with space"}, "serial: wanted 1..64 characters of ASCII"),
    ({"at": (NOW + timedelta(hours=3)).isoformat()}, "has not come yet"),
    ({"reason": "     x"}, "Say why, in 5..200 characters"),
    ({"finals": [{**KWH, "value": "7 thousand"}]}, "wanted a number such as 1234.5, in kWh"),
    ({"finals": [{**KWH, "unit": "m³", "value": "1"}]}, "unit: wanted kWh, got"),
    ({"finals": [{**KWH, "value": "7001.9"}] * 2}, "each register once"),
    ({"spot": {"concentrator": ID, "bus": "rs485", "address": "8"}}, "is meter OTHER's"),
    ({"spot": {"concentrator": ID, "bus": "mbus"}}, "it has rs485."),
    ({"spot": {"concentrator": "00" * 8}}, "There is no concentrator")]


async def test_what_cannot_be_is_refused_and_nothing_is_changed(
        street: Street, old: int, system: httpx.AsyncClient) -> None:
    street.add_meter("OTHER")
    street.do("update meter set bus_id = 1, address = '8' where serial = 'OTHER'")
    for changes, said in REFUSALS:
        answer = await system.post("/api/v1/meters/OLD/replacement", json=replacement(**changes))
        assert answer.status_code == 422 and said in answer.text, (changes, answer.text)
    assert (await system.get("/api/v1/meters/OLD/life")).json()["acts"] == []
    assert len((await system.get("/api/v1/meters")).json()["items"]) == 2


async def test_a_meter_goes_to_another_delivery_point_and_takes_its_count_along(
        street: Street, old: int, system: httpx.AsyncClient) -> None:
    moved = {"spot": {"concentrator": ID, "bus": "rs485", "address": "9"},
             "delivery_point": "dp-shop", "at": OFF.isoformat(), "reason": "the flat became a shop",
             "readings": [{**KWH, "value": "7001.45"}]}
    done = await system.post("/api/v1/meters/OLD/move", json=moved)
    assert done.status_code == 204, done.text
    street.add_counter(old, NOW - timedelta(hours=2), [7_001_650 + 100 * n for n in range(9)], 900)
    flat = await used(system)
    values = [i["value"] for i in flat["intervals"]]  # type: ignore[attr-defined]
    assert values == [400, 400, 400, 250, None, None]
    shop = (await system.get("/api/v1/delivery-points/dp-shop/consumption", params={
        "register": A_PLUS, "from": OFF.isoformat(), "to": NOW.isoformat(), "by": "span"})).json()
    assert shop["intervals"][0]["value"] == 1000, "7002450 at the end, 7001450 as it came"
    again = await system.post("/api/v1/meters/OLD/move", json={**moved, "at": NOW.isoformat()})
    assert "It is there already" in again.text
    back = {**moved, "delivery_point": "dp-OLD", "at": (OFF - timedelta(hours=1)).isoformat()}
    assert "which is not before" in (await system.post(
        "/api/v1/meters/OLD/move", json=back)).json()["detail"]


async def test_a_delivery_point_has_one_meter_at_a_time_and_an_archived_one_may_come_back(
        street: Street, old: int, system: httpx.AsyncClient) -> None:
    new = {"serial": "X-1", "model": "m", "delivery_point": "dp-OLD", "reason": WHY,
           "spot": {"concentrator": ID}}
    refused = await system.post("/api/v1/meters", json=new)
    assert "dp-OLD has meter OLD: replace that one" in refused.json()["detail"]
    assert (await system.post("/api/v1/meters/OLD/archiving", json={
        "reason": WHY, "at": OFF.isoformat(),
        "finals": [{**KWH, "value": "7001.5"}]})).status_code == 204
    twice = await system.post("/api/v1/meters/OLD/archiving", json={"reason": WHY})
    assert "was archived" in twice.json()["detail"]
    early = {**new, "at": (OFF - timedelta(hours=1)).isoformat()}
    assert "was at dp-OLD until" in (await system.post("/api/v1/meters", json=early)).text
    assert (await system.post("/api/v1/meters", json={**new, "serial": "OLD"})).status_code == 201
    assert (await system.get("/api/v1/meters/OLD")).json()["archived_at"] is None
    life = (await system.get("/api/v1/meters/OLD/life")).json()
    assert [a["act"] for a in life["acts"]] == ["added", "archived"]
    assert len(life["installations"]) == 2


async def test_nobody_knows_what_two_meters_at_one_delivery_point_used(
        street: Street, old: int, system: httpx.AsyncClient) -> None:
    street.add_meter("TWIN")
    street.do("update meter set delivery_point_id = (select delivery_point_id from meter"
              " where serial = 'OLD')")
    answer = await system.get("/api/v1/delivery-points/dp-OLD/consumption", params={
        "register": A_PLUS, "from": OFF.isoformat(), "to": NOW.isoformat()})
    assert answer.status_code == 422 and "OLD and TWIN are at" in answer.json()["detail"]
    page = await People(street.url, system._transport).browser("operator").get("/points/dp-OLD")  # type: ignore[arg-type]
    assert "OLD and TWIN are at delivery point" in page.text


async def test_an_installer_replaces_a_meter_on_its_page(
        street: Street, old: int, people: People) -> None:
    street.do("update concentrator set site_id = null")
    async with people.browser("installer") as ion:
        page = await ion.get("/life/OLD")
        assert "Replace it" in page.text and "7001.400 kWh" in page.text
        form = {"csrf": CSRF, "serial": "OLD", "new": "NEW", "model": "eastron-sdm630",
                "concentrator": ID, "bus": "rs485", "address": "7", "reason": WHY,
                "at": OFF.strftime("%Y-%m-%dT%H:%M"), "note": "seal 4711", "codes": A_PLUS,
                "finals": "7001,1", "firsts": "3"}
        asked = await ion.post("/meter-acts/replacement", data=form)
        assert asked.status_code == 422 and "is lower than the last one stored" in asked.text
        assert 'value="7001,1"' in asked.text and 'name="confirmed"' in asked.text
        form["finals"] = "twelve"
        wrong = await ion.post("/meter-acts/replacement", data=form)
        assert wrong.status_code == 422 and "Nothing was changed" in wrong.text
        assert 'aria-invalid="true"' in wrong.text and 'value="seal 4711"' in wrong.text
        form["finals"] = "7001,45"
        done = await ion.post("/meter-acts/replacement", data=form)
        assert done.status_code == 303 and done.headers["location"] == "/life/NEW?done=replaced"
        life = await ion.get("/life/NEW?done=replaced")
        assert "took the place of another" in life.text and "seal 4711" in life.text
        assert "look at what would change" in life.text
        gone = await ion.get("/life/OLD")
        assert "Archived" in gone.text and "Replace it" not in gone.text
        assert (await ion.get("/points/dp-OLD")).status_code == 403, "what is used is personal"
        moved = await ion.post("/meter-acts/move", data={
            "csrf": CSRF, "serial": "NEW", "concentrator": ID, "bus": "rs485", "address": "9",
            "delivery_point": "dp-OLD", "reason": "another cable"})
        assert moved.headers["location"] == "/life/NEW?done=moved"
        away = await ion.post("/meter-acts/archiving", data={
            "csrf": CSRF, "serial": "NEW", "reason": "house torn down"})
        assert away.headers["location"] == "/life/NEW?done=archived"
        new = await ion.get("/new-meter", params={"delivery_point": "dp-OLD"})
        assert 'value="dp-OLD"' in new.text
        fields = {"csrf": CSRF, "serial": "X-2", "model": "m", "delivery_point": "dp-OLD",
                  "concentrator": ID, "reason": "house built anew"}
        bad = await ion.post("/new-meter", data={**fields, "address": "3"})
        assert bad.status_code == 422 and "on which bus" in bad.text
        added = await ion.post("/new-meter", data=fields)
        assert added.status_code == 303
        assert (await ion.get("/life/X-2?done=added")).status_code == 200


async def test_a_delivery_points_page_shows_days_meters_and_what_is_not_known(
        street: Street, old: int, people: People, system: httpx.AsyncClient) -> None:
    await system.post("/api/v1/meters/OLD/replacement", json=replacement(finals=[]))
    street.add_counter(of_new(street), NOW - timedelta(hours=2), [50 + n for n in range(9)], 900)
    async with people.browser("analyst") as ana:
        page = (await ana.get("/points/dp-OLD")).text
        assert "Active energy import" in page and "the final reading is not known" in page
        assert "OLD</a> → <a" in page
        assert (await ana.get("/points/dp-OLD?show=1-0:9.9.9")).status_code == 404
        assert (await ana.get("/points/nothing")).status_code == 404
        assert "/points/dp-OLD" in (await ana.get("/meters/OLD")).text
        assert "Archived" in (await ana.get("/meters/OLD")).text
