"""The registry's file in the console and over the API: tried first, imported whole, on record."""

import asyncio
import re

import httpx
import psycopg
import pytest

from tests.cloud.registry.town_file import content, plant, register_town, town
from tests.cloud.web.conftest import SAME_ORIGIN
from tests.cloud.web.people import CSRF, People
from tests.cloud.web.street import Street

METERS = 120
ADDRESS = "/api/v1/registry/import"


@pytest.fixture
def people(app: httpx.ASGITransport, database_url: str) -> People:
    register_town(database_url, METERS)
    return People(database_url, app)


async def upload(browser: httpx.AsyncClient, file: bytes, csrf: str = CSRF) -> httpx.Response:
    return await browser.post("/registry", data={"csrf": csrf}, files={
        "file": ("town.csv", file, "text/csv")})


async def start(browser: httpx.AsyncClient, place: str) -> httpx.Response:
    return await browser.post("/registry/import", data={
        "csrf": CSRF, "number": place.rpartition("/")[2]})


async def test_an_operator_tries_a_file_imports_it_and_sees_how_far_it_is(people: People) -> None:
    ana = people.browser("operator")
    assert "Import" in (await ana.get("/registry")).text
    tried = await upload(ana, content(town(METERS)))
    assert tried.status_code == 303, tried.text
    place = tried.headers["location"]
    shown = (await ana.get(place)).text
    assert "What it would change" in shown and re.search(r"Meters.*?>120<", shown)
    assert people.do("select count(*) from meter") == 0
    assert (await start(ana, place)).status_code == 303
    for _ in range(200):
        state = (await ana.get(place, headers={"HX-Request": "true"})).text
        if "Imported." in state:
            break
        assert "<progress" in state
        await asyncio.sleep(0.02)
    assert "Imported." in state and people.do("select count(*) from meter") == METERS
    again = await start(ana, place)
    assert again.status_code == 409, "a file is imported once"
    exported = (await ana.get("/registry/export")).text
    same = await upload(ana, exported.encode())
    assert "What it would change" in (await ana.get(same.headers["location"])).text
    assert people.do("select count(*) from audit_entry where act = any(%s)",
                     ["registry imported", "registry exported"]) == 2


async def test_faults_stand_on_the_page_by_row_and_nothing_can_be_imported(people: People) -> None:
    ana = people.browser("operator")
    rows = town(METERS)
    planted = plant(rows)
    place = (await upload(ana, content(rows))).headers["location"]
    shown = (await ana.get(place)).text
    assert "50 faults: nothing was imported." in shown and "Import it" not in shown
    for row, column in planted:
        assert re.search(r">%d</th><td><code>%s<" % (row, column), shown)
    assert (await start(ana, place)).status_code == 409


async def test_an_import_that_was_cut_off_is_told_and_can_be_started_again(people: People) -> None:
    ana = people.browser("operator")
    place = (await upload(ana, content(town(METERS)))).headers["location"]
    with psycopg.connect(people.url) as connection:
        connection.execute("update registry_import set state = 'importing'")
    assert (await start(ana, place)).status_code == 409, "somebody is at it"
    with psycopg.connect(people.url) as connection:
        connection.execute("update registry_import set touched_at = now() - interval '1 hour'")
    assert "was cut off" in (await ana.get(place)).text
    assert (await start(ana, place)).status_code == 303


async def test_nobody_uploads_without_right_session_or_own_form(people: People) -> None:
    for role in ("installer", "dispatcher", "analyst", "auditor"):
        assert (await upload(people.browser(role), b"kind,name\n")).status_code == 403
    other = people.tenant("other")
    ana = people.browser("operator", name="ana 2")
    assert (await upload(ana, b"kind,name\n", csrf="another's")).status_code == 403
    place = (await upload(ana, b"kind,name\n")).headers["location"]
    eve = people.browser("operator", tenant=other, name="eve")
    assert (await eve.get(place)).status_code == 404
    assert (await start(eve, place)).status_code == 404
    branch = people.browser("operator", site=people.site("West"), name="of a branch")
    assert (await upload(branch, b"kind,name\n")).status_code == 403
    no_file = await ana.post("/registry", data={"csrf": CSRF})
    assert no_file.status_code == 422
    assert (await upload(ana, b"\xff")).status_code == 422


async def test_another_system_imports_and_exports(
        people: People, system: httpx.AsyncClient, street: Street) -> None:
    street.add_meter("SDM-1")
    file = content(town(METERS))
    tried = await system.post(ADDRESS, params={"dry_run": True}, content=file)
    assert tried.status_code == 200 and tried.json()["is_imported"] is False
    assert tried.json()["counts"]["meter"] == {"new": METERS, "changed": 0, "same": 0}
    done = await system.post(ADDRESS, content=file)
    assert done.json()["is_imported"] is True
    export = await system.get("/api/v1/registry/export")
    assert export.headers["content-type"].startswith("text/csv") and "SDM-1" in export.text
    again = await system.post(ADDRESS, content=export.content)
    assert all(count["new"] == count["changed"] == 0 for count in again.json()["counts"].values())
    faulty = await system.post(ADDRESS, content=b"kind,name\nmetre,x\n")
    assert faulty.json()["faults"] == [{
        "row": 2, "column": "kind", "got": '"metre"',
        "wanted": "one of site, schedule, concentrator, bus, meter"}]
    assert (await system.post(ADDRESS, content=b"\0")).status_code == 422


async def test_only_where_files_are_taken_a_body_may_be_long(
        people: People, nobody: httpx.AsyncClient) -> None:
    big = b"x" * (65 * 1024)
    ana = people.browser("operator")
    assert (await ana.post("/claims", content=big)).status_code == 413
    length = {"content-length": str(65 * 1024 * 1024), **SAME_ORIGIN}
    assert (await nobody.post(ADDRESS, content=b"", headers=length)).status_code == 413
