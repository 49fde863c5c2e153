"""Nobody finds anything of another branch or another tenant: every page, every endpoint.

Of every table there is a row of the visitor's own branch, of another one, and of another tenant
(things.py), and each is marked. Whatever is answered must not hold a foreign mark.
"""

import re
from dataclasses import dataclass

import httpx
import pytest

from tests.cloud.web.people import CSRF, TRAIL, People
from tests.cloud.web.test_rights import ENDING, routes
from tests.cloud.web.things import DAY, NOW, Things
from wum_cloud.web.rights import Declared

OWN, BESIDE, ABROAD = "ownzz", "besidezz", "abroadzz"
_LISTS_MIN, _NAMED_MIN = 18, 15       # Answers that must hold one's own mark, or nothing is shown.
_NUMBERS = {"/claims/{id}": ("claim", "claim_id"), "/commands/{id}": ("command", "command_id"),
            "/commands/{number}": ("command", "command_id"),
            "/command-requests/{id}": ("command", "request_id"),
            "/uploads/{number}": ("registry_import", "registry_import_id"),
            "/releases/{id}": ("release", "release_id"),
            "/campaigns/{id}": ("campaign", "campaign_id"),
            "/campaigns/{number}": ("campaign", "campaign_id")}
# Names that are of the whole tenant and of no branch: who may ask for them sees them.
_OF_TENANT = {"/configuration/groups/{name}": ("configuration_setting", "name"),
              "/schedules/{name}": ("schedule", "name"),
              "/command-groups/{name}": ("command_group", "name")}


@dataclass
class Town:
    """Who looks, and what there is to see."""

    people: People
    things: Things
    branch: int


@pytest.fixture
def town(app: httpx.ASGITransport, database_url: str) -> Town:
    people, things = People(database_url, app), Things(database_url)
    other = people.tenant("abroadzz-tenant")
    region = people.site("ownzz-region")
    for mark, tenant, site in (
            (OWN, 1, people.site("ownzz-street", people.site("ownzz-district", region))),
            (BESIDE, 1, people.site("besidezz-region")),
            (ABROAD, other, people.site("abroadzz-region", tenant=other))):
        people.browser("administrator", site if mark == BESIDE else None, tenant, mark + "-boss")
        account = people.do("select account_id from account where name = %s", mark + "-boss")
        things.add(mark, tenant, site, account, branch_only=mark == BESIDE)
        if mark != BESIDE:      # A trail is of a whole tenant.
            people.do("insert into audit_entry values"
                      " (%s, 1, now(), %s, '', 'x', %s, '{}', %s, %s)",
                      tenant, mark, mark, bytes(32), bytes(32))
            people.do("insert into audit_head values (%s, 1, %s)", tenant, bytes(32))
    return Town(people, things, region)


def address(route: Declared, things: Things, mark: str) -> str:
    """The route with the names that this owner's things have."""
    path, rows = route.path.replace("{day}", str(DAY)), things.rows[mark]
    for part, (table, column) in {**_NUMBERS, **_OF_TENANT}.items():
        if part in path:
            last = part[part.index("{"):]
            path = path.replace(part, part.replace(last, str(rows[table][column])))
    path = re.sub(r"(/delivery-points|/points)/{name(:path)?}",
                  r"\1/" + str(rows["delivery_point"]["name"]), path)
    path = re.sub(r"(/meters|/days|/plots|/life)/{serial(:path)?}",
                  r"\1/" + things.serial_of(mark), path)
    path = path.replace("concentrators/{id}", "concentrators/" + things.id_of(mark))
    path = path.replace("/sites/{name:path}", "/sites/%s-region" % mark)
    path = re.sub("/(accounts|people)/{name}", r"/\1/%s-boss" % mark, path)
    path = path.replace("/tokens/{name}", "/tokens/" + str(rows["api_token"]["name"]))
    path = path.replace("{act}", "pause")
    assert "{" not in path, "what stands in %s?" % route.path
    return path


def query(route: Declared) -> dict[str, str]:
    """What a route cannot do without."""
    day = NOW.date().isoformat()
    if route.path.endswith(("/readings", "/consumption")):
        return {"register": "1-0:1.8.0", "from": "%sT00:00:00Z" % DAY, "to": day + "T23:00:00Z"}
    if route.path.endswith("/days"):
        return {"register": "1-0:1.8.0", "from": str(DAY), "to": day}
    if route.path.endswith(("/intervals", "/unscheduled")):
        return {"day": str(DAY)}
    if route.path == "/api/v1/completeness":
        return {"from": str(DAY), "to": day}
    return {"show": "voltage"} if route.path.startswith("/plots") else {}


async def walk(town: Town, client: httpx.AsyncClient, foreign: tuple[str, ...],
               *, is_branch: bool) -> None:
    """Every GET with one's own names, whole and as a part for htmx, then with theirs."""
    marks = [part for mark in foreign for part in (mark, town.things.id_of(mark))]
    shown = {"": 0, "{": 0}
    for route in [one for one in routes() if one.method == "GET"]:
        if is_branch and not route.needs[0].in_branch:
            assert (await client.get(address(route, town.things, OWN))).status_code == 403, route
            continue
        for headers in ({}, {"HX-Request": "true", "X-Live": "1"}):
            answer = await client.get(
                address(route, town.things, OWN), params=query(route), headers=headers)
            assert answer.status_code in (200, 303), (route, answer.status_code, answer.text[-900:])
            found = [mark for mark in marks if mark in answer.text]
            assert not found, (route, found, _around(answer.text, found))
        if OWN in answer.text or town.things.id_of(OWN) in answer.text:
            shown["{" if "{" in route.path else ""] += 1
        theirs = [address(route, town.things, mark) for mark in foreign
                  if "{" in route.path.replace("{day}", "")
                  and (is_branch is False or route.needs[0].in_branch)]
        for where in theirs:
            answer = await client.get(where, params=query(route))
            assert answer.status_code == 404, (route, where, answer.status_code, answer.text)
    assert shown[""] >= _LISTS_MIN and shown["{"] >= _NAMED_MIN, shown


def _around(text: str, found: list[str]) -> str:
    at = text.find(found[0]) if found else 0
    return text[max(0, at - 200):at + 100]


async def test_who_is_confined_to_a_branch_finds_nothing_of_another_on_any_page(
        town: Town) -> None:
    async with town.people.browser("administrator", town.branch, name=OWN) as client:
        await walk(town, client, (BESIDE, ABROAD), is_branch=True)


async def test_who_has_a_whole_tenant_finds_nothing_of_another_on_any_page(town: Town) -> None:
    async with town.people.browser("administrator", name=OWN) as client:
        await walk(town, client, (ABROAD,), is_branch=False)


@pytest.mark.parametrize("filters", [
    {"site": "besidezz-region"}, {"concentrator": "{id}"}, {"search": "beside"}])
async def test_no_filter_brings_another_branch_in(town: Town, filters: dict[str, str]) -> None:
    wanted = {name: value.replace("{id}", town.things.id_of(BESIDE))
              for name, value in filters.items()}
    asked = 0
    async with town.people.browser("administrator", town.branch, name=OWN) as client:
        for route in [one for one in routes() if one.method == "GET" and one.needs[0].in_branch
                      and one.path.startswith("/api/")]:
            answer = await client.get(address(route, town.things, OWN),
                                      params={**query(route), **wanted})
            if answer.status_code == 200:
                assert answer.json()["items"] == [], (route, answer.text)
            assert answer.status_code in (200, 404, 422), (route, answer.text)
            asked += answer.status_code != 422
    assert asked >= 1


_ASKED = {"reason": "because of it", "step": "ask"}     # Not only to see what would happen.
# Forms name their object in the body.
_FORMS: dict[str, dict[str, str]] = {
    "/claims": {"code": "x", "name": "x", "site": "besidezz-region"},
    "/claims/withdraw": {"claim_id": "{claim.claim_id}"},
    "/claims/plan": {"name": "x", "site": "besidezz-region"}, "/claims/forget": {"planned": "{id}"},
    "/commands/approve": {"number": "{command.request_id}"},
    "/commands/withdraw": {"number": "{command.request_id}"},
    "/commands/consent": {"number": "{command.command_id}",
                          "text": '{"consents": [{"command": 1, "signed": "00"}]}'},
    "/commands/asking": {"kind": "read", "targets": "{serial}", **_ASKED},
    "/commands/switching": {"kind": "disconnect", "targets": "{serial}", **_ASKED},
    "/commands/maintenance": {"kind": "restart", "targets": "{id}", **_ASKED},
    "/commands/sessions": {"kind": "session", "targets": "{serial}", **_ASKED},
    "/meter-acts/replacement": {"serial": "{serial}", "new": "N", "model": "m",
                                "concentrator": "{id}", "reason": "because of it"},
    "/meter-acts/move": {"serial": "{serial}", "concentrator": "{id}", "reason": "because of it"},
    "/meter-acts/archiving": {"serial": "{serial}", "reason": "because of it"},
    "/meter-acts/schedule": {"serial": "{serial}", "schedule": ""},
    "/new-meter": {"serial": "N", "model": "m", "delivery_point": "P", "concentrator": "{id}",
                   "reason": "because of it"},
    "/configuration/send": {"concentrator": "{id}", "reason": "because of it"},
    "/configuration/concentrator": {"concentrator": "{id}", "group": ""},
}
_BODIES: dict[str, dict[str, object]] = {
    "/v1/meters": {"serial": "N", "model": "m", "delivery_point": "P", "reason": "because of it",
                   "spot": {"concentrator": "{id}"}},
    "/replacement": {"serial": "N", "model": "m", "reason": "because of it"},
    "/move": {"spot": {"concentrator": "{id}"}, "reason": "because of it"},
    "/archiving": {"reason": "because of it"}, "/schedule": {"schedule": ""},
    "/parent": {"parent": None}, "/configuration": {"reason": "because of it"},
    "/planned-concentrators": {"name": "x", "site": "besidezz-region"},
    "/configuration/group": {"group": None}, "/settings": {}, "/claims": {
        "code": "x", "name": "x", "site": "besidezz-region"},
    "/asking": {"kind": "read", "targets": ["{serial}"], "reason": "because of it"},
    "/switching": {"kind": "disconnect", "targets": ["{serial}"], "reason": "because of it"},
    "/maintenance": {"kind": "restart", "targets": ["{id}"], "reason": "because of it"},
    "/approval": {}, "/withdrawal": {}, "/revocation": {},
    "/consent": {"consents": [{"command": 1, "signed": "00"}]},
}
# What is one's own, whatever the body says.
_OWN_ACCOUNT = ("/account", "/sign-out")


def filled(things: Things, mark: str, body: object) -> object:
    """A body with this owner's names in it."""
    if isinstance(body, dict):
        return {name: filled(things, mark, value) for name, value in body.items()}
    if isinstance(body, list):
        return [filled(things, mark, value) for value in body]
    if not isinstance(body, str):
        return body
    text = body.replace("{id}", things.id_of(mark)).replace("{serial}", things.serial_of(mark))
    return re.sub(r"{(\w+)\.(\w+)}", lambda m: str(things.rows[mark][m[1]][m[2]]), text)


async def test_nobody_changes_anything_of_another_branch(town: Town) -> None:
    asked = 0
    async with town.people.browser("administrator", town.branch, name=OWN) as client:
        for route in [one for one in routes() if one.method != "GET"]:
            if route.path in ENDING or route.path.startswith(_OWN_ACCOUNT):
                continue
            where = address(route, town.things, BESIDE if route.needs[0].in_branch else ABROAD)
            if not route.needs[0].in_branch:
                answer = await client.request(route.method, where, data={"csrf": CSRF}) if (
                    not route.path.startswith("/api/")) else await client.request(
                    route.method, where, json={})
                assert answer.status_code == 403, (route, answer.text)
                continue
            if route.path.startswith("/api/"):
                body = next((body for end, body in _BODIES.items() if route.path.endswith(end)), {})
                answer = await client.request(
                    route.method, where, json=filled(town.things, BESIDE, body)) if (
                    route.method != "DELETE") else await client.request(route.method, where)
            else:
                assert route.path in _FORMS, "what does a form at %s hold?" % route.path
                data = filled(town.things, BESIDE, {**_FORMS[route.path], "csrf": CSRF})
                answer = await client.request(route.method, where, data=data)   # type: ignore[arg-type]
            assert answer.status_code in (404, 422), (route, answer.status_code, answer.text)
            asked += 1
    assert asked > 15
    acts = town.people.do("select count(*) from %s where account = %%s"
                          " and act not in ('refused', 'x')" % TRAIL, OWN)
    assert acts == 0, "something was done after all"
