"""Accounts and tokens through API and pages: what is done, what is refused, what is on record."""

import re

import httpx
import psycopg
import pytest

from tests.cloud.web.people import CSRF, TRAIL, People
from wum_cloud.audit import acts
from wum_cloud.audit.commands import verify


@pytest.fixture
def people(app: httpx.ASGITransport, database_url: str) -> People:
    return People(database_url, app)


@pytest.fixture
def boss(people: People) -> httpx.AsyncClient:
    """An administrator's browser."""
    return people.browser("administrator", name="boss")


def trail(url: str) -> list[tuple[str, str, str]]:
    with psycopg.connect(url) as connection:
        return connection.execute(
            ("select account, act, subject from %s where chain = 1 and act <> 'refused'"
             " order by number" % TRAIL).encode()).fetchall()


async def sign_in(client: httpx.AsyncClient, name: str, password: str) -> int:
    return (await client.post("/sign-in", data={"name": name, "password": password})).status_code


async def test_an_account_is_made_changed_disabled_and_all_of_it_is_on_record(
        people: People, boss: httpx.AsyncClient, nobody: httpx.AsyncClient, database_url: str,
) -> None:
    people.site("Region")
    nobody.headers["Sec-Fetch-Site"] = "same-origin"
    made = await boss.post("/api/v1/accounts", json={"name": "bob", "role": "analyst"})
    assert made.status_code == 201
    password = made.json()["password"]
    assert await sign_in(nobody, "bob", password) == 303
    assert (await nobody.get("/people")).status_code == 403
    changed = await boss.put("/api/v1/accounts/bob", json={
        "role": "auditor", "branch": "Region", "is_disabled": False})
    assert changed.json()["role"] == "auditor" and changed.json()["branch"] == "Region"
    assert (await nobody.get("/meters")).status_code == 303, "its sessions have ended"
    assert await sign_in(nobody, "bob", password) == 303
    await boss.put("/api/v1/accounts/bob", json={
        "role": "auditor", "branch": None, "is_disabled": True})
    assert (await nobody.get("/meters")).status_code == 303
    assert await sign_in(nobody, "bob", password) == 401
    assert [(who, act) for who, act, _ in trail(database_url)] == [
        ("boss", acts.ACCOUNT_MADE), ("bob", acts.SIGNED_IN), ("boss", acts.ACCOUNT_CHANGED),
        ("bob", acts.SIGNED_IN), ("boss", acts.ACCOUNT_CHANGED)]
    found = (await boss.get("/api/v1/audit", params={"search": "auditor"})).json()["items"]
    assert found[-1]["detail"]["before"] == "analyst, (all)"
    assert found[-1]["detail"]["after"] == "auditor, Region"
    assert password not in str(trail(database_url))
    assert await verify(database_url, None) == 0


@pytest.mark.parametrize(("body", "why"), [
    ({"name": "ana", "role": "analyst"}, "taken"),
    ({"name": "bob", "role": "root"}, "no role root"),
    ({"name": "bob", "role": "integrator"}, "no role integrator for people"),
    ({"name": "bob", "role": "analyst", "branch": "Nowhere"}, "no site Nowhere"),
    ({"name": "a/b", "role": "analyst"}, "pattern"),
    ({"name": " bob", "role": "analyst"}, "printable"),
    ({"name": "", "role": "analyst"}, "1 character"),
    ({"name": "b" * 65, "role": "analyst"}, "64 characters"),
    ({"name": "bob", "role": "analyst", "tenant_id": 2}, "Extra inputs"),
    ({"name": "bob", "role": "analyst", "password": "x"}, "Extra inputs"),
    ({"name": "bob"}, "required"), ({"name": 1, "role": "analyst"}, "string"), ([], "valid"),
])
async def test_an_account_that_cannot_be_is_refused_with_the_reason(
        boss: httpx.AsyncClient, database_url: str, body: object, why: str) -> None:
    answer = await boss.post("/api/v1/accounts", json=body)
    assert answer.status_code == 422 and why in answer.text
    assert trail(database_url) == []


async def test_the_last_administrator_and_the_own_rights_stay(
        people: People, boss: httpx.AsyncClient) -> None:
    less = {"role": "analyst", "branch": None, "is_disabled": False}
    answer = await boss.put("/api/v1/accounts/boss", json=less)
    assert answer.status_code == 422 and "own account" in answer.text
    async with people.browser("administrator", name="deputy") as deputy:
        assert (await deputy.put("/api/v1/accounts/root", json=less)).status_code == 200
        assert (await deputy.put("/api/v1/accounts/boss", json=less)).status_code == 200
        assert (await boss.get("/api/v1/accounts")).status_code == 401, "its sessions have ended"
    token = people.machine("administrator", "deputy")
    answer = await token.put("/api/v1/accounts/deputy", json=less)
    assert answer.status_code == 422, "nor by the own token"


async def test_an_administrator_of_a_branch_arranges_nobody(people: People) -> None:
    async with people.browser("administrator", site=people.site("Region")) as client:
        for address in ("/api/v1/accounts", "/api/v1/audit", "/people", "/audit"):
            assert (await client.get(address)).status_code == 403
        answer = await client.post("/api/v1/accounts", json={"name": "eve",
                                                             "role": "administrator"})
        assert answer.status_code == 403


async def test_a_token_is_made_used_listed_and_revoked(
        boss: httpx.AsyncClient, nobody: httpx.AsyncClient, database_url: str) -> None:
    made = await boss.post("/api/v1/tokens", json={"name": "billing", "account": "boss"})
    token = made.json()["token"]
    headers = {"Authorization": "Bearer " + token}
    assert (await nobody.get("/api/v1/meters", headers=headers)).status_code == 200
    assert (await nobody.get("/api/v1/accounts", headers=headers)).status_code == 403
    listed = (await boss.get("/api/v1/tokens")).json()
    assert [one["role"] for one in listed if one["name"] == "billing"] == ["integrator"]
    assert token not in str(listed) and token not in str(trail(database_url))
    assert (await boss.delete("/api/v1/tokens/billing")).status_code == 204
    assert (await nobody.get("/api/v1/meters", headers=headers)).status_code == 401
    assert (await boss.delete("/api/v1/tokens/billing")).status_code == 404
    for body in ({"name": "x", "account": "nobody"}, {"name": "x", "account": "boss", "days": 0},
                 {"name": "x", "account": "boss", "role": "root"}):
        assert (await boss.post("/api/v1/tokens", json=body)).status_code == 422
    assert [act for _, act, _ in trail(database_url)] == [acts.TOKEN_MADE, acts.TOKEN_REVOKED]


async def test_what_a_token_does_is_on_record_with_its_name(
        people: People, boss: httpx.AsyncClient, database_url: str) -> None:
    async with people.machine("administrator", "boss") as machine:
        assert (await machine.post("/api/v1/accounts", json={
            "name": "bob", "role": "analyst"})).status_code == 201
    assert trail(database_url) == [
        ("boss (token administrator)", acts.ACCOUNT_MADE, "bob")]


async def test_the_page_makes_an_account_and_shows_its_password_once(
        boss: httpx.AsyncClient, nobody: httpx.AsyncClient) -> None:
    answer = await boss.post("/people", data={"csrf": CSRF, "name": "bob", "role": "dispatcher"})
    found = re.search(r'<code id="password">([^<]+)</code>', answer.text)
    assert answer.status_code == 200 and found is not None
    nobody.headers["Sec-Fetch-Site"] = "same-origin"
    assert await sign_in(nobody, "bob", found[1]) == 303
    assert found[1] not in (await boss.get("/people")).text
    answer = await boss.post("/people/change", data={
        "csrf": CSRF, "name": "bob", "role": "analyst", "is_disabled": "true"})
    assert "open sessions have ended" in answer.text and "disabled" in answer.text
    assert (await nobody.get("/meters")).status_code == 303
    answer = await boss.post("/people/password", data={"csrf": CSRF, "name": "bob"})
    assert '<code id="password">' in answer.text
    for address, data in (("/people", {"name": "bob", "role": "analyst"}),
                          ("/people/change", {"name": "nobody", "role": "analyst"}),
                          ("/people/password", {"name": "nobody"}),
                          ("/people/factor-off", {"name": "nobody"})):
        answer = await boss.post(address, data={"csrf": CSRF, **data})
        assert answer.status_code == 422 and 'role="alert"' in answer.text, address


async def test_a_form_without_its_sessions_secret_does_nothing(
        boss: httpx.AsyncClient, database_url: str) -> None:
    for address in ("/people", "/people/change", "/people/password", "/people/factor-off"):
        for csrf in ("", "x", CSRF + "x"):
            answer = await boss.post(address, data={
                "csrf": csrf, "name": "ana", "role": "analyst"})
            assert answer.status_code == 403
    assert trail(database_url) == []


async def test_an_auditor_sees_people_and_changes_nobody(people: People) -> None:
    async with people.browser("auditor") as client:
        page = await client.get("/people")
        assert page.status_code == 200 and "<form action=\"/people" not in page.text
        assert (await client.post("/people", data={
            "csrf": CSRF, "name": "eve", "role": "administrator"})).status_code == 403


async def test_failed_sign_ins_and_the_lock_are_on_record_and_no_unknown_name_is(
        nobody: httpx.AsyncClient, database_url: str) -> None:
    nobody.headers["Sec-Fetch-Site"] = "same-origin"
    for _ in range(7):
        await sign_in(nobody, "ana", "wrong")
    await sign_in(nobody, "my password, in the wrong field", "x")
    assert [act for _, act, _ in trail(database_url)] == [
        *[acts.SIGN_IN_FAILED] * 5, acts.SIGN_IN_LOCKED]
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "select account, subject, detail from audit_entry where chain = 0").fetchall()
    assert rows == [("", "", {})]


async def test_the_trail_is_searched_paged_and_exported_on_its_page(
        people: People, boss: httpx.AsyncClient, database_url: str) -> None:
    for number in range(60):
        people.do("select 1")
        if number < 3:
            await boss.post("/api/v1/accounts", json={"name": "b%d" % number, "role": "analyst"})
    page = await boss.get("/audit", params={"search": "b1"})
    assert page.status_code == 200 and page.text.count('class="kind"') == 1
    lines = (await boss.get("/audit/export")).text.splitlines()
    assert len([line for line in lines if '"act": ' in line]) == 4, "three accounts, the export"
    assert '"head": 4' in lines[-1]
    assert len([line for line in lines if '"text": "b1"' in line]) == 1, "and who b1 is"
    first = (await boss.get("/api/v1/audit", params={"limit": 2})).json()
    rest = (await boss.get("/api/v1/audit", params={
        "limit": 2, "cursor": first["next_cursor"]})).json()
    assert [e["number"] for e in first["items"] + rest["items"]] == [4, 3, 2, 1]
    other = people.browser("auditor", tenant=people.tenant("other"), name="eve")
    assert (await other.get("/api/v1/audit")).json()["items"] == []
    theirs = (await other.get("/api/v1/audit/export")).text
    assert theirs.count('"act": ') == 1 and '"boss"' not in theirs


async def test_everybody_gets_what_is_kept_about_them_and_forgetting_is_not_done_by_accident(
        people: People, boss: httpx.AsyncClient, database_url: str) -> None:
    analyst = people.browser("analyst", name="bob")
    own = (await analyst.get("/account/data")).text
    assert '"what": "account", "name": "bob"' in own and "personal data exported" in own
    assert (await analyst.get("/people/boss/data")).status_code == 403
    assert (await analyst.delete("/api/v1/accounts/boss")).status_code == 403
    assert (await analyst.get("/api/v1/accounts/bob/personal-data")).status_code == 403
    page = await boss.get("/people")
    assert "What is kept about them" in page.text and "/people/forget" not in page.text
    assert '"name": "bob"' in (await boss.get("/people/bob/data")).text
    nobody = await boss.get("/people/nobody/data")
    assert nobody.status_code == 404 and "no account called nobody" in nobody.text

    async def forget(typed: str, name: str = "bob") -> httpx.Response:
        return await boss.post("/people/forget", data={
            "csrf": CSRF, "name": name, "typed": typed})
    assert "Disable bob first" in (await forget("bob")).text
    assert "the own account" in (await forget("boss", "boss")).text
    await boss.post("/people/change", data={
        "csrf": CSRF, "name": "bob", "role": "analyst", "is_disabled": "true"})
    assert "/people/forget" in (await boss.get("/people")).text
    assert "is not bob" in (await forget("bos")).text
    assert people.do("select count(*) from account where name = 'bob'") == 1
    done = await forget("bob")
    assert done.status_code == 200 and "is kept under @" in done.text
    assert people.do("select count(*) from account where name = 'bob'") == 0
    assert (await boss.delete("/api/v1/accounts/bob")).status_code == 404
    again = await boss.post("/api/v1/accounts", json={"name": "bob", "role": "analyst"})
    assert again.status_code == 201, "another one of that name"
    about = (await boss.get("/api/v1/accounts/bob/personal-data")).text
    assert about.count('"what": "act"') == 2, "made, and given out: nothing of the one before"
    assert await verify(database_url, None) == 0
