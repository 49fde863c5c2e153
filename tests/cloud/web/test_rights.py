"""Who may do what: every endpoint and page against every role, another tenant, another branch."""

import re
from pathlib import Path

import httpx
import pytest

from tests.cloud.web.people import CSRF, People
from wum_cloud.people.permissions import (
    MEANINGS,
    OF_INSTALLATION,
    OF_PEOPLE,
    ROLES,
    TOKENS_ONLY,
    permissions_of,
)
from wum_cloud.web import matrix
from wum_cloud.web.api.problems import is_for_machines
from wum_cloud.web.app import declarations
from wum_cloud.web.rights import OPEN, Declared, undeclared

_DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "permissions.md"
THERE, ELSEWHERE = bytes.fromhex("00000000000000aa"), bytes.fromhex("00000000000000bb")
ENDING = ("/sign-out", "/account/sessions")   # They would end the sessions of the test.


def routes() -> list[Declared]:
    return [route for route in declarations() if route.path not in OPEN]


def address(route: Declared, name: str = THERE.hex()) -> str:
    """The route with something in each of its places."""
    path = route.path.replace("{day}", "2026-03-01").replace("/claims/{id}", "/claims/1")
    for numbered in ("/commands/", "/command-requests/", "/releases/", "/campaigns/"):
        path = path.replace(numbered + "{id}", numbered + "1").replace(
            numbered + "{number}", numbered + "1")
    path = path.replace("{number}", "1").replace("{act}", "pause")
    return re.sub(r"{\w+(:path)?}", name, path)


async def ask(client: httpx.AsyncClient, route: Declared, where: str) -> httpx.Response:
    if route.method in ("GET", "DELETE"):
        return await client.request(route.method, where)
    if is_for_machines(route.path):
        return await client.request(route.method, where, json={})
    return await client.request(route.method, where, data={"csrf": CSRF})


@pytest.fixture
def people(app: httpx.ASGITransport, database_url: str) -> People:
    return People(database_url, app)


def test_the_matrix_in_the_documents_is_the_one_that_is_enforced() -> None:
    assert _DOCUMENT.read_text(encoding="utf-8") == matrix.text(), (
        "run `python -m wum_cloud.web.matrix > docs/permissions.md`")


def test_every_permission_is_asked_for_somewhere_and_every_role_has_some() -> None:
    # What is of the installation is a part of /metrics, which asks for it itself.
    asked = {route.needs[0].permission for route in routes()} | OF_INSTALLATION
    assert asked == set(MEANINGS)
    assert all(allowed and allowed <= asked for allowed in ROLES.values())
    assert permissions_of("a role of another version") == frozenset()


def test_a_route_without_a_permission_or_with_two_is_found() -> None:
    whole = routes()[0]
    assert undeclared(declarations()) == []
    assert undeclared([Declared("GET", "/x", ())]) == ["GET /x"]
    assert undeclared([Declared("GET", "/x", whole.needs * 2)]) == ["GET /x"]
    assert undeclared([Declared("GET", "/healthz", whole.needs)]) == ["GET /healthz"]


async def test_the_openapi_document_knows_no_endpoint_that_declares_nothing(
        nobody: httpx.AsyncClient) -> None:
    paths = (await nobody.get("/api/openapi.json")).json()["paths"]
    told = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    declared = {(route.method, route.path.replace(":path", "")) for route in routes()
                if route.path.startswith("/api/")}
    assert told == declared


async def test_nobody_gets_anything(nobody: httpx.AsyncClient, people: People) -> None:
    for route in routes():
        answer = await nobody.request(route.method, address(route), headers={
            "Sec-Fetch-Site": "same-origin"})
        wanted = 401 if is_for_machines(route.path) else 303
        if route.method in ("POST", "PUT") and is_for_machines(route.path):
            answer = await ask(nobody, route, address(route))
            assert answer.status_code in (401, 403), route    # Not even from our own page.
        else:
            assert answer.status_code == wanted, (route, answer.text)


@pytest.mark.parametrize("role", OF_PEOPLE)
async def test_a_role_reaches_what_the_matrix_says_and_nothing_else(
        people: People, role: str) -> None:
    people.concentrator(THERE, people.site("Here"))
    async with people.browser(role) as client:
        for route in sorted(routes(), key=lambda r: r.path in ENDING):
            answer = await ask(client, route, address(route))
            allowed = route.needs[0].permission in ROLES[role]
            assert answer.status_code < 500, (route, answer.text)
            assert (answer.status_code == 403) == (not allowed or route.path in (
                "/account/factor/off",)), (route, answer.status_code, answer.text)
            if route.path in ENDING:
                break


@pytest.mark.parametrize(("role", "account"), [
    (TOKENS_ONLY, "administrator"), ("administrator", "analyst"), ("administrator", "auditor")])
async def test_a_token_does_what_both_its_role_and_its_account_may(
        people: People, role: str, account: str) -> None:
    people.browser(account)
    async with people.machine(role, account) as client:
        for route in routes():
            if not is_for_machines(route.path):
                continue
            answer = await ask(client, route, address(route))
            allowed = route.needs[0].permission in ROLES[role] & ROLES[account]
            assert (answer.status_code != 403) == allowed, (route, answer.text)


async def test_a_token_that_is_over_or_whose_account_is_disabled_opens_nothing(
        people: People) -> None:
    people.browser("analyst")
    async with people.machine("integrator", "analyst") as client:
        assert (await client.get("/api/v1/meters")).status_code == 200
        people.do("update account set is_disabled = true where name = 'analyst'")
        assert (await client.get("/api/v1/meters")).status_code == 401
        people.do("update account set is_disabled = false where name = 'analyst'")
    async with people.machine("integrator", "analyst", is_over=True) as client:
        assert (await client.get("/api/v1/meters")).status_code == 401


_WHY: dict[str, object] = {"reason": "first of all"}
_BODIES: dict[str, dict[str, object]] = {
    "/replacement": {**_WHY, "serial": "X", "model": "m"}, "/archiving": _WHY,
    "/schedule": {"schedule": ""},
    "/move": {**_WHY, "spot": {"concentrator": THERE.hex()}},
    "/parent": {"parent": None}, "/configuration": {"reason": "first of all"},
    "/orders": {"reason": "first of all"}, "/configuration/group": {"group": None},
    "/settings": {}, "/schedules/{name}": {"period_s": 60},
    "/consent": {"consents": [{"command": 1, "signed": "00"}]}}
# Who gives a name that is not there makes it, in a tenant of one's own.
_MADE_BY_NAME = {("PUT", "/api/v1/configuration/groups/{name}"),
                 ("PUT", "/api/v1/schedules/{name}"),
                 ("PUT", "/api/v1/command-groups/{name}")}


async def test_nothing_of_another_tenant_is_found_by_its_name(people: People) -> None:
    """Every address with a name in it, for somebody who may do everything in another tenant."""
    people.concentrator(THERE, people.site(THERE.hex()))
    people.browser("administrator", name=THERE.hex())
    people.machine("integrator", THERE.hex())
    people.do("insert into claim (tenant_id, name, secrets_sealed, concentrator_name, made_by,"
              " ends_at) values (1, 'any name', 'x', 'x', 'x', now() + interval '1 day')")
    people.do("update api_token set name = %s where name = 'integrator'", THERE.hex())
    asked = 0
    async with people.browser("administrator", tenant=people.tenant("other"), name="eve") as eve:
        for route in routes():
            if "{" not in route.path or "{day}" in route.path and "{serial" not in route.path:
                continue
            if (route.method, route.path) in _MADE_BY_NAME:
                continue
            body = next((body for end, body in _BODIES.items() if route.path.endswith(end)),
                        {"role": "analyst", "branch": None, "is_disabled": True})
            answer = await eve.request(
                route.method, address(route), params=_query(route),
                json=None if route.method in ("GET", "DELETE") else body)
            assert answer.status_code == 404, (route, answer.status_code, answer.text)
            asked += 1
    assert asked > 15
    assert people.do("select count(*) from account where is_disabled") == 0
    assert people.do("select count(*) from api_token where name = %s", THERE.hex()) == 1
    assert people.do("select count(*) from claim") == 1
    assert people.do("select count(*) from concentrator where revoked_at is null") == 1


def _query(route: Declared) -> dict[str, str]:
    if route.path.endswith("/readings"):
        return {"register": "1-0:1.8.0", "from": "2026-03-01T00:00:00Z",
                "to": "2026-03-02T00:00:00Z"}
    if route.path.endswith("/consumption"):
        return {"register": "1-0:1.8.0", "from": "2026-03-01T00:00:00Z",
                "to": "2026-03-02T00:00:00Z"}
    if route.path.endswith("/days"):
        return {"register": "1-0:1.8.0", "from": "2026-03-01", "to": "2026-03-02"}
    if route.path.endswith(("/intervals", "/unscheduled")):
        return {"day": "2026-03-01"}
    return {"show": "voltage"} if route.path.startswith("/plots") else {}


async def test_lists_of_one_tenant_name_nothing_of_another(people: People) -> None:
    other = people.tenant("other")
    people.concentrator(ELSEWHERE, people.site("Site of others", tenant=other), other)
    people.browser("analyst", tenant=other, name="somebody-else")
    async with people.browser("administrator", name="ines") as client:
        for route in routes():
            if route.method != "GET" or "{" in route.path:
                continue
            said = (await client.get(route.path, params=_query(route))).text
            assert not any(word in said for word in (
                ELSEWHERE.hex(), "Site of others", "somebody-else")), route


async def test_an_account_of_a_branch_sees_its_branch_and_nothing_else(people: People) -> None:
    region = people.site("Region")
    street = people.site("Street", people.site("District", region))
    people.concentrator(THERE, street)
    people.concentrator(ELSEWHERE, people.site("Another region"))
    asked = 0
    async with people.browser("operator", site=region) as client:
        for route in routes():
            if route.path in ENDING:
                continue
            answer = await ask(client, route, address(route))
            if not route.needs[0].in_branch:
                assert answer.status_code == 403, (route, answer.text)
            elif route.method == "GET" and "{" in route.path.replace("{day}", ""):
                assert answer.status_code in (200, 422, 404), (route, answer.text)
                away = await client.get(address(route, ELSEWHERE.hex()), params=_query(route))
                assert away.status_code == 404, (route, away.text)
                asked += 1
            elif route.method == "GET":
                assert ELSEWHERE.hex() not in answer.text and "Another" not in answer.text, route
        assert asked > 8
        found = (await client.get("/api/v1/meters")).json()["items"]
        assert [one["serial"] for one in found] == [THERE.hex()]
        assert (await client.get("/api/v1/meters/" + THERE.hex())).status_code == 200
        sites = (await client.get("/api/v1/sites")).json()["items"]
        assert {one["name"] for one in sites} == {"Region", "District", "Street"}
        assert THERE.hex() in (await client.get("/meters")).text
        page = (await client.get("/")).text
        assert 'href="/registry"' not in page and 'href="/concentrators"' in page


async def test_a_site_without_a_branch_is_in_nobodys_branch(people: People) -> None:
    people.concentrator(THERE, None)
    async with people.browser("operator", site=people.site("Region")) as client:
        assert (await client.get("/api/v1/meters")).json()["items"] == []
        assert (await client.get("/api/v1/concentrators/" + THERE.hex())).status_code == 404


async def test_sites_are_moved_within_the_own_branch_and_never_into_a_ring(
        people: People) -> None:
    region = people.site("Region")
    people.site("Street", people.site("District", region))
    people.site("Abroad")

    async def move(client: httpx.AsyncClient, name: str, parent: str | None) -> int:
        return (await client.put("/api/v1/sites/%s/parent" % name, json={"parent": parent}
                                 )).status_code

    async with people.browser("operator", site=region) as client:
        assert await move(client, "Street", "Region") == 204
        assert await move(client, "Street", None) == 422
        assert await move(client, "Region", "District") == 422
        assert await move(client, "Abroad", "Region") == 404
        assert await move(client, "Street", "Abroad") == 422
    async with people.browser("operator", name="boss") as client:
        assert await move(client, "District", "District") == 422
        assert await move(client, "Region", "District") == 422
        assert await move(client, "Region", "Abroad") == 204
        assert await move(client, "Abroad", "Street") == 422
        assert await move(client, "District", None) == 204
    async with people.browser("analyst") as client:
        assert await move(client, "District", "Region") == 403
