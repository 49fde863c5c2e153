"""The twin in the console and over the API: looked at, sent, refused, in force, on record."""

import httpx
import psycopg
import pytest

from tests.cloud.registry.town_file import content, device, register_town, town
from tests.cloud.web.people import CSRF, TRAIL, People
from wum_shared.configuration import decode_configuration
from wum_shared.orders import CONFIGURE

METERS = 4
ID = device(0)
PAGE = "/concentrators/%s/configuration" % ID
API = "/api/v1" + PAGE
WHY = {"reason": "first of all"}


@pytest.fixture
def people(app: httpx.ASGITransport, database_url: str) -> People:
    """A concentrator; orders can be signed."""
    register_town(database_url, METERS)
    found = People(database_url, app)
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "insert into trust_document (number, signed, digest, root_key, next_root_key,"
            " uplink_secret_sealed, order_secret_sealed)"
            " values (1, 'x', 'x', %(key)s, %(key)s, 'x', 'x')", {"key": bytes(32)})
    return found


async def imported(people: People, system: httpx.AsyncClient, **changes: str) -> None:
    rows = [{**row, **{"schedule": "hourly"}} if row["kind"] == "meter" else row
            for row in town(METERS)]
    for row in rows:
        if row["name"] == "M0000000":
            row.update(changes)
    done = await system.post("/api/v1/registry/import", content=content(rows))
    assert done.json()["is_imported"], done.text


def become(people: People, state: str, told: str = "") -> None:
    with psycopg.connect(people.url) as connection:
        connection.execute(
            "update command set state = %s, told = %s, ended_at = now() where command_id ="
            " (select max(command_id) from command)", [state, told])


async def test_a_configuration_is_looked_at_sent_taken_and_changed(
        people: People, system: httpx.AsyncClient) -> None:
    await imported(people, system)
    ana = people.browser("operator")
    shown = (await ana.get(PAGE)).text
    assert "What would change" in shown and "meter M0000003" in shown and "Send it" in shown
    sent = await ana.post("/configuration/send", data={"csrf": CSRF, "concentrator": ID, **WHY})
    assert sent.status_code == 303 and sent.headers["location"] == PAGE + "?done=sent"
    assert "on its way" in (await ana.get(PAGE)).text
    again = await ana.post("/configuration/send", data={"csrf": CSRF, "concentrator": ID, **WHY})
    assert again.status_code == 422 and "is the same, and on its way" in again.text
    with psycopg.connect(people.url) as connection:
        kind, arguments = connection.execute(
            "select kind, arguments from command").fetchone() or (0, b"")
    ordered = decode_configuration(bytes(arguments))
    assert kind == CONFIGURE and ordered.number == 1
    assert [m["serial"] for m in ordered.parts["meter"]] == [  # type: ignore[attr-defined]
        "M%07d" % n for n in range(METERS)]
    become(people, "done")
    shown = (await ana.get(PAGE)).text
    assert "Nothing would change" in shown and ordered.digest.hex()[:8] in shown
    same = await system.post(API, json=WHY)
    assert same.status_code == 422 and "in force already" in same.json()["detail"]
    await imported(people, system, address="99")
    twin = (await system.get(API)).json()
    assert twin["changes"] == [{"what": "meter M0000000.address", "before": "1", "after": "99"}]
    assert twin["in_force"]["number"] == 1 and twin["reported"] == ordered.parts
    acts = people.do("select count(*) from audit_entry where act = 'configuration sent'")
    assert acts == 1


async def test_a_refusal_stands_on_the_page_with_its_reason_and_the_old_one_is_in_force(
        people: People, system: httpx.AsyncClient) -> None:
    await imported(people, system)
    ana = people.browser("operator")
    assert (await system.post(API, json=WHY)).json() == {"number": 1}
    become(people, "done")
    await imported(people, system, model="nobody-knows")
    assert (await system.post(API, json=WHY)).json() == {"number": 2}
    become(people, "failed", "refused: its arguments are wrong. meter[0].model: wanted")
    shown = (await ana.get(PAGE, headers={"HX-Request": "true"})).text
    assert "Configuration 2 was not taken: refused: its arguments are wrong. meter[0]" in shown
    assert "configuration 1" in shown and "meter M0000000.model" in shown
    assert (await system.get(API)).json()["in_force"]["number"] == 1


async def test_a_faulty_one_is_not_sent(people: People, system: httpx.AsyncClient) -> None:
    await imported(people, system, bus="", address="")
    twin = (await system.get(API)).json()
    assert twin["faults"] == [{
        "path": "meter M0000000", "wanted": "the bus that it is on", "got": "nothing"}]
    refused = await system.post(API, json=WHY)
    assert refused.status_code == 422 and "Nothing was sent" in refused.json()["detail"]
    assert "What has to be mended first" in (await people.browser("operator").get(PAGE)).text
    assert people.do("select count(*) from command") == 0


async def test_a_group_is_a_template_for_many_and_each_can_have_its_own(
        people: People, system: httpx.AsyncClient) -> None:
    await imported(people, system)
    ana = people.browser("operator")
    made = await ana.post("/configuration/group", data={
        "csrf": CSRF, "name": "west", "timeout_ms": "900", "tolerance_s": "5"})
    assert made.status_code == 303
    own = await ana.post("/configuration/concentrator", data={
        "csrf": CSRF, "concentrator": ID, "group": "west", "tolerance_s": "20"})
    assert own.status_code == 303
    meter = await system.put("/api/v1/meters/M0000001/configuration/settings",
                             json={"timeout_ms": 2000})
    assert meter.status_code == 204
    parts = (await system.get(API)).json()["wanted"]
    assert parts["clock_policy"] == {"tolerance_s": 20}
    assert [m["timeout_ms"] for m in parts["meter"]] == [900, 2000, 900, 900]
    group = "/api/v1/configuration/groups/west"
    sent = await system.post(group + "/orders", json=WHY)
    assert sent.json() == {"sent": 1, "left": {}}
    become(people, "done")
    assert (await system.post(group + "/orders", json=WHY)).json() == {"sent": 0, "left": {}}
    assert (await system.put(group, json={"timeout_ms": 1})).status_code == 422
    listed = (await system.get("/api/v1/configuration/groups")).json()
    assert [(g["name"], g["members"], g["version"]) for g in listed] == [("west", 1, 1)]
    page = await ana.post("/configuration/group/send", data={
        "csrf": CSRF, "name": "west", **WHY})
    assert "Sent to 0 concentrators." in page.text
    who = people.do("select count(*) from %s where act = 'configuration set'"
                    " and account = 'operator'" % TRAIL)
    assert who == 3


async def test_nobody_else_configures(people: People, system: httpx.AsyncClient) -> None:
    await imported(people, system)
    for role in ("installer", "analyst", "auditor", "dispatcher"):
        browser = people.browser(role)
        assert (await browser.get(PAGE)).status_code == 200
        assert "Send it" not in (await browser.get(PAGE)).text
        sent = await browser.post("/configuration/send", data={
            "csrf": CSRF, "concentrator": ID, **WHY})
        assert sent.status_code == 403
    eve = people.browser("operator", tenant=people.tenant("other"), name="eve")
    assert (await eve.get(PAGE)).status_code == 404
    sent = await eve.post("/configuration/send", data={"csrf": CSRF, "concentrator": ID, **WHY})
    assert sent.status_code == 404
    assert people.do("select count(*) from command") == 0


async def test_members_of_a_group_and_its_meters_say_which_version_they_have(
        people: People, system: httpx.AsyncClient) -> None:
    """Version 1 is taken, version 2 refused: what was in force goes on, for each meter too."""
    await imported(people, system)
    await system.put("/api/v1/configuration/groups/west", json={"timeout_ms": 900})
    await system.put(API + "/group", json={"group": "west"})

    async def standing() -> dict[str, object]:
        [group] = (await system.get("/api/v1/configuration/groups")).json()
        [found] = group["standings"]
        return dict(found)

    async def meter() -> tuple[object, object]:
        own = (await system.get("/api/v1/meters/M0000001/life")).json()["configuration"]
        return own["state"], own["number"]
    assert (await standing())["in_force"] is None and await meter() == ("to be sent", None)
    await system.post("/api/v1/configuration/groups/west/orders", json=WHY)
    assert await meter() == ("on its way", 1)
    become(people, "done")
    assert (await standing())["in_force_version"] == 1 and await meter() == ("in force", 1)
    await system.put("/api/v1/configuration/groups/west", json={"timeout_ms": 800})
    await system.post("/api/v1/configuration/groups/west/orders", json=WHY)
    become(people, "failed", "meter[1].timeout_ms: no")
    found = await standing()
    assert found["in_force_version"] == 1 and found["newest_version"] == 2
    assert found["state"] == "failed" and found["told"] == "meter[1].timeout_ms: no"
    assert await meter() == ("refused", 2)
    shown = (await people.browser("operator").get("/configuration")).text
    assert "0 of 1 have version 2 in force" in shown and "1 refused" in shown
    assert "meter[1].timeout_ms: no" in shown
    life = (await people.browser("operator", name="b").get("/life/M0000001")).text
    assert "refused" in life and "meter[1].timeout_ms: no" in life


async def test_a_meter_is_read_by_a_schedule_of_its_own_and_the_diff_says_so_in_words(
        people: People, system: httpx.AsyncClient) -> None:
    await imported(people, system)
    await system.post(API, json=WHY)
    become(people, "done")
    ana = people.browser("operator")
    done = await ana.post("/meter-acts/schedule", data={
        "csrf": CSRF, "serial": "M0000001", "schedule": "quarter"})
    assert done.status_code == 303
    twin = (await system.get(API)).json()
    assert twin["changes"] == [{
        "what": "meter M0000001, schedule", "before": "as most of its concentrator",
        "after": "every 15 min, 30 s after"}]
    own = (await system.get("/api/v1/meters/M0000001/life")).json()["configuration"]
    assert own["state"] == "to be sent" and own["wanted"]["period_s"] == 900
    wrong = await ana.post("/meter-acts/schedule", data={
        "csrf": CSRF, "serial": "M0000001", "schedule": "yearly"})
    assert wrong.status_code == 422 and "There is no schedule" in wrong.text
    back = await system.put("/api/v1/meters/M0000001/schedule", json={"schedule": ""})
    assert back.status_code == 204
    assert people.do("select count(*) from audit_entry where act = 'configuration set'"
                     " and subject = 'meter M0000001'") == 2
    same = await system.post(API, json=WHY)
    assert same.status_code == 422 and "in force already" in same.json()["detail"]
