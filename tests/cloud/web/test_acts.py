"""Every route that changes something leaves an entry on the audit trail, or changes nothing.

The routes are those that the application declares: one that is new and has no step here is found.
"""

import asyncio
import itertools
import json
import re
import secrets
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pyotp
import pytest

from tests.cloud.campaigns.signed import Roots
from tests.cloud.registry.town_file import content, device, register_town, town
from tests.cloud.web.conftest import PASSWORD, PASSWORD_HASH
from tests.cloud.web.people import CSRF, TRAIL, People
from tests.cloud.web.test_consents_page import handed_in
from tests.cloud.web.test_rights import routes
from wum_cloud.audit.commands import verify
from wum_cloud.audit.refusals import REFUSALS_MAX
from wum_cloud.people.personal.store import NAMED_IN
from wum_cloud.registry.cipher import SodiumSigner
from wum_shared import updates
from wum_shared.claim import code_to_text
from wum_shared.enrolment import Trust, sign_trust

METERS, HERE, WHY = 4, device(0), "first of all"
FILE = content([{**row, **({"schedule": "hourly"} if row["kind"] == "meter" else {})}
                for row in town(METERS)])
METER = {"kind": "read", "targets": ["M0000000"], "reason": WHY}
OFF = {**METER, "kind": "disconnect"}
LOAN = {**METER, "kind": "session", "arguments": {"seconds": 60}}
AGAIN = {"kind": "restart", "targets": [HERE], "reason": WHY}
MODEL, SPOT = "eastron-sdm630", {"concentrator": HERE, "bus": "rs485"}
WORKBENCH = Roots()
ROOT_SEED, APPROVER_SEED = b"r" * 32, b"a" * 32
ROOT, APPROVER = SodiumSigner.public(ROOT_SEED), SodiumSigner.public(APPROVER_SEED)
Step = tuple[str, str, dict[str, Any]]
Looker = psycopg.Connection[Any]


def form(**fields: object) -> dict[str, Any]:
    return {"data": {"csrf": CSRF, **fields}}


def code() -> str:
    return code_to_text(secrets.token_bytes(16))


# In an order in which each finds what it needs. {request}, {claim} and the like: of the newest.
STEPS: list[Step] = [
    ("POST", "/registry", {**form(), "files": {"file": ("town.csv", FILE, "text/csv")}}),
    ("POST", "/registry/import", form(number="{upload}")),
    ("POST", "/api/v1/registry/import", {"content": FILE}),
    ("PUT", "/api/v1/sites/{name:path}/parent", {"json": {"parent": None}, "name": "Strada 0"}),
    ("POST", "/api/v1/claims", {"json": {"code": code(), "name": "a", "site": None}}),
    ("DELETE", "/api/v1/claims/{id}", {"id": "{claim}"}),
    ("POST", "/api/v1/planned-concentrators", {"json": {"name": "west"}}),
    ("DELETE", "/api/v1/planned-concentrators/{id}", {"id": "{plan}"}),
    ("POST", "/claims/plan", form(name="east")), ("POST", "/claims/forget", form(planned="{plan}")),
    ("POST", "/claims", form(code=code(), name="b")),
    ("POST", "/claims/withdraw", form(claim_id="{claim}")),
    ("PUT", "/api/v1/schedules/{name}", {"json": {"period_s": 60}, "name": "minutely"}),
    ("DELETE", "/api/v1/schedules/{name}", {"name": "minutely"}),
    ("POST", "/schedules", form(name="volts", every="1", unit="h", registers="32.7.0")),
    ("POST", "/schedules/remove", form(name="volts")),
    ("PUT", "/api/v1/configuration/groups/{name}", {"json": {"timeout_ms": 700}, "name": "g"}),
    ("POST", "/configuration/group", form(name="g", timeout_ms="800")),
    ("PUT", "/api/v1/concentrators/{id}/configuration/group", {"json": {"group": "g"}}),
    ("PUT", "/api/v1/concentrators/{id}/configuration/settings", {"json": {"timeout_ms": 500}}),
    ("PUT", "/api/v1/meters/{serial}/configuration/settings", {"json": {"timeout_ms": 600}}),
    ("POST", "/api/v1/concentrators/{id}/configuration", {"json": {"reason": WHY}}),
    ("POST", "/configuration/concentrator", form(concentrator=HERE, group="g", timeout_ms="555")),
    ("POST", "/configuration/send", form(concentrator=HERE, reason=WHY)),
    ("PUT", "/api/v1/meters/{serial}/configuration/settings", {"json": {"timeout_ms": 501}}),
    ("POST", "/api/v1/configuration/groups/{name}/orders", {"json": {"reason": WHY}, "name": "g"}),
    ("PUT", "/api/v1/meters/{serial}/configuration/settings", {"json": {"timeout_ms": 502}}),
    ("POST", "/configuration/group/send", form(name="g", reason=WHY)),
    ("POST", "/api/v1/commands/asking", {"json": METER}),
    ("POST", "/api/v1/command-requests/{id}/withdrawal", {"id": "{request}"}),
    ("POST", "/api/v1/commands/maintenance", {"json": AGAIN}),
    ("POST", "/commands/withdraw", form(number="{request}")),
    ("POST", "/api/v1/commands/switching", {"json": OFF}),
    ("POST", "/api/v1/command-requests/{id}/approval", {"id": "{request}"}),
    ("POST", "/commands/asking", form(step="ask", kind="read", targets="M0000000", reason=WHY)),
    ("POST", "/commands/maintenance", form(step="ask", kind="restart", targets=HERE, reason=WHY)),
    ("POST", "/commands/switching", form(step="ask", kind="reconnect", targets="M0000000",
                                         reason=WHY)),
    ("POST", "/commands/approve", form(number="{request}")),
    ("POST", "/api/v1/command-requests/{id}/consent", {"id": "{request}"}),
    ("POST", "/commands/consent", form(number="{command}", text="")),
    ("POST", "/api/v1/commands/sessions", {"json": LOAN}),
    ("POST", "/commands/sessions", form(step="ask", kind="session", targets="M0000000",
                                        reason=WHY)),
    ("PUT", "/api/v1/command-groups/{name}", {"json": {"meters": ["M0000000"]}, "name": "pumps"}),
    ("DELETE", "/api/v1/command-groups/{name}", {"name": "pumps"}),
    ("POST", "/command-groups", form(name="boilers", serials="M0000000")),
    ("PUT", "/api/v1/meters/{serial}/schedule", {
        "json": {"schedule": "quarter"}, "serial": "M0000001"}),
    ("POST", "/meter-acts/schedule", form(serial="M0000002", schedule="quarter")),
    ("POST", "/api/v1/meters/{serial}/replacement", {
        "json": {"serial": "N1", "model": MODEL, "reason": WHY}, "serial": "M0000001"}),
    ("POST", "/meter-acts/replacement", form(serial="M0000002", new="N2", model=MODEL, reason=WHY,
                                             concentrator=HERE, bus="rs485", address="3")),
    ("POST", "/api/v1/meters/{serial}/move", {
        "json": {"spot": {**SPOT, "address": "41"}, "reason": WHY}, "serial": "N1"}),
    ("POST", "/meter-acts/move", form(serial="N2", **SPOT, address="42", reason=WHY)),
    ("POST", "/api/v1/meters/{serial}/archiving", {"json": {"reason": WHY}, "serial": "N1"}),
    ("POST", "/meter-acts/archiving", form(serial="N2", reason=WHY)),
    ("POST", "/api/v1/meters", {"json": {
        "serial": "N3", "model": MODEL, "delivery_point": "DP3", "spot": {**SPOT, "address": "43"},
        "reason": WHY}}),
    ("POST", "/new-meter", form(serial="N4", model=MODEL, delivery_point="DP4", **SPOT,
                                address="44", reason=WHY)),
    ("POST", "/api/v1/releases", {"content": WORKBENCH.handed(4)}),
    ("POST", "/api/v1/release-trust", {"content": WORKBENCH.document(2, "ada", "lin")}),
    ("POST", "/api/v1/campaigns", {"json": {"release": "{release}", "name": "all", "reason": WHY}}),
    ("POST", "/api/v1/campaigns/{id}/approval", {"id": "{campaign}"}),
    ("POST", "/api/v1/campaigns/{id}/acts/abort", {"id": "{campaign}"}),
    ("POST", "/campaigns", form(release="{release}", name="again", reason=WHY)),
    ("POST", "/campaigns/approve", form(number="{campaign}")),
    ("POST", "/campaigns/change", form(number="{campaign}", act="abort")),
    ("POST", "/api/v1/network-keys", {"json": {"mesh": "street"}}),
    ("POST", "/api/v1/network-keys/end", {"json": {"mesh": "street", "anyway": True}}),
    ("POST", "/mesh/keys", form(mesh="street", act="begin")),
    ("POST", "/api/v1/concentrators/{id}/revocation", {}),
    ("POST", "/api/v1/accounts", {"json": {"name": "bob", "role": "analyst", "branch": None}}),
    ("PUT", "/api/v1/accounts/{name}", {
        "json": {"role": "auditor", "branch": None, "is_disabled": False}, "name": "bob"}),
    ("POST", "/api/v1/accounts/{name}/password", {"name": "bob"}),
    ("DELETE", "/api/v1/accounts/{name}/second-factor", {"name": "bob"}),
    ("POST", "/api/v1/tokens", {"json": {"name": "t", "account": "bob", "role": "auditor"}}),
    ("DELETE", "/api/v1/tokens/{name}", {"name": "t"}),
    ("POST", "/people", form(name="eva", role="analyst")),
    ("POST", "/people/change", form(name="eva", role="auditor")),
    ("POST", "/people/password", form(name="eva")),
    ("POST", "/people/factor-off", form(name="eva")),
    ("PUT", "/api/v1/accounts/{name}", {
        "json": {"role": "auditor", "branch": None, "is_disabled": True}, "name": "bob"}),
    ("DELETE", "/api/v1/accounts/{name}", {"name": "bob"}),
    ("POST", "/people/change", form(name="eva", role="auditor", is_disabled="true")),
    ("POST", "/people/forget", form(name="eva", typed="eva")), ("POST", "/account/factor", form()),
    ("POST", "/account/factor/confirm", form(code="{code}")),
    ("POST", "/account/factor/off", form(password=PASSWORD)), ("POST", "/account/sessions", form()),
    ("POST", "/account/password", form(old=PASSWORD, new="another of the tests")),
    ("POST", "/sign-out", form()),
]


@pytest.fixture
def people(app: httpx.ASGITransport, database_url: str, tmp_path: Path) -> People:
    """A town of one concentrator, which runs release 3; orders can be signed, releases checked."""
    register_town(database_url, METERS)
    found = People(database_url, app)
    state = app.app.state   # type: ignore[attr-defined]
    state.settings = replace(
        state.settings, release_trust=WORKBENCH.trust(tmp_path / "trust.json"))
    found.do("insert into update_standing select concentrator_id, 0, 1, 0, %s, 3, %s, 2, 9,"
             " '', '', now(), now(), '' from concentrator", updates.CONFIRMED, b"o" * 32)
    found.do("insert into trust_document (number, signed, digest, root_key, next_root_key,"
             " uplink_secret_sealed, order_secret_sealed)"
             " values (1, %s, 'x', %s, %s, 'x', 'x')", sign_trust(
                 SodiumSigner(), ROOT_SEED, ROOT, Trust(
                     1, bytes(32), (bytes(32),), ROOT, (APPROVER,), 1)), ROOT, ROOT)
    return found


class Story:
    """Goes through the steps as one administrator, with what the steps before have left."""

    def __init__(self, people: People) -> None:
        self.people, self.secret = people, ""
        self.client = people.browser("administrator", name="ina")
        people.do("update account set password_hash = %s where name = 'ina'", PASSWORD_HASH)

    def filled(self, text: object) -> object:
        """A field with the newest number of what it speaks of."""
        for word, query in (("{upload}", "max(registry_import_id) from registry_import"),
                            ("{claim}", "max(claim_id) from claim"),
                            ("{release}", "max(release_id) from release"),
                            ("{campaign}", "max(campaign_id) from campaign"),
                            ("{request}", "max(request_id) from command"),
                            ("{command}", "max(command_id) from command")):
            if text == "{plan}":
                with psycopg.connect(self.people.url) as connection:
                    row = connection.execute("select encode(device_id, 'hex') from concentrator"
                                             " where planned_at is not null").fetchone()
                return row[0] if row else "0" * 16
            if text == word:
                return str(self.people.do("select coalesce(" + query.replace(" from", ", 1) from")))
        return pyotp.TOTP(self.secret).now() if text == "{code}" and self.secret else text

    def prepare(self, step: Step) -> None:
        """As if what was sent were done; as if somebody else had asked for power."""
        if step[1].endswith(("/orders", "/group/send")):
            self.people.do("update command set state = 'done', ended_at = now()")
        if "keys" in step[1]:
            self.people.in_mesh("street")
        if step[1].endswith("/consent"):
            self.people.do("update command set consents = 1 where command_id ="
                           " (select max(command_id) from command)")
        if step[1].endswith(("approve", "approval", "/consent")):
            self.people.do("update campaign set requested_by = 'otto' where state = 'requested'")
            self.people.do("update command set needs_approval = true, state = 'requested',"
                           " requested_by = 'otto' where command_id ="
                           " (select max(command_id) from command)")

    async def take(self, step: Step) -> httpx.Response:
        """One step."""
        method, path, asked = step
        asked = dict(asked)
        names = {word: asked.pop(word, usual) for word, usual in (
            ("id", HERE), ("name", ""), ("serial", "M0000000"))}
        for word, name in names.items():
            path = re.sub(r"{%s(:path)?}" % word, str(self.filled(name)), path)
        if "data" in asked:
            asked["data"] = {name: self.filled(text) for name, text in asked["data"].items()}
        if "release" in asked.get("json", {}):
            asked["json"] = {**asked["json"], "release": int(str(self.filled("{release}")))}
        if path.endswith("/consent"):
            asked |= await handed_in(self.client, path, asked.get("data"), APPROVER_SEED)
        answer = await self.client.request(method, path, **asked)
        shown = re.search(r"<code>([A-Z2-7]{32})</code>", answer.text)
        self.secret = shown[1] if shown else self.secret
        if path == "/registry/import":      # It goes on while nobody looks.
            for _ in range(500):
                if self.people.do("select count(*) from registry_import where state = 'importing'"
                                  ) == 0:
                    break
                await asyncio.sleep(0.01)
        return answer


_PART = re.compile("/acts/abort$")     # One of those that a route stands for.


def test_there_is_a_step_for_every_route_that_changes_something() -> None:
    changing = {(route.method, route.path) for route in routes() if route.method != "GET"}
    assert {(method, _PART.sub("/acts/{act}", path)) for method, path, _ in STEPS} == changing


def whole(other: Looker) -> str:
    """A query for a digest of each table; when somebody was last seen is no act."""
    tables = [row[0] for row in other.execute(
        "select relname from pg_class where relnamespace = current_schema()::regnamespace"
        " and relkind = 'r' order by 1").fetchall()]
    return " union all ".join([
        "select '%s', md5(coalesce(string_agg(%s, '|' order by 1), '')) from %s t" % (
            table, "token_hash::text" if table == "session" else "t::text", table)
        for table in tables])


def entries(other: Looker) -> int:
    return len(other.execute(("select from %s where account = 'ina'" % TRAIL).encode()).fetchall())


def fill(other: Looker, *, is_full: bool) -> None:
    """Let the trail take nothing, as with a full disk, or take entries again."""
    other.execute(("alter table audit_entry %s trigger is_full" % (
        "enable" if is_full else "disable")).encode())


async def test_every_act_of_every_route_leaves_an_entry_and_is_not_done_without_one(
        people: People) -> None:
    """Each is tried while the trail takes nothing: whatever is asked for then changes nothing."""
    story = Story(people)
    people.do("create function is_full() returns trigger language plpgsql as"
              " $$begin raise exception 'no space' using errcode = 'disk_full'; end$$")
    people.do("create trigger is_full before insert on audit_entry"
              " for each row execute function is_full()")
    other = psycopg.connect(people.url, autocommit=True)
    everything = whole(other).encode()
    for step in STEPS:
        story.prepare(step)
        fill(other, is_full=True)
        before = dict(other.execute(everything).fetchall())
        answer = await story.take(step)
        assert answer.status_code >= 500, (step[:2], answer.status_code, answer.text[-1500:])
        after = dict(other.execute(everything).fetchall())
        assert after == before, (step[:2], [t for t in after if after[t] != before[t]])
        fill(other, is_full=False)
        kept = entries(other)
        answer = await story.take(step)
        assert answer.status_code < 400, (step[:2], answer.status_code, answer.text[-1500:])
        assert entries(other) > kept, step[:2]
    other.close()
    assert people.do("select count(*) from audit_entry where address = ''") == 0


async def test_whoever_did_all_of_it_is_found_nowhere_once_forgotten(people: People) -> None:
    """The whole database is looked through, for the name and for where it came from."""
    story = Story(people)
    for step in STEPS[:-1]:
        story.prepare(step)
        assert (await story.take(step)).status_code < 400, step[:2]
    async with people.machine("administrator", "ina") as machine:
        assert (await machine.post("/api/v1/claims", json={
            "code": code(), "name": "c", "site": None})).status_code < 400
    people.do("update campaign set requested_by = 'ina', approved_by = 'otto'"
              " where campaign_id = (select min(campaign_id) from campaign)")
    people.do("update concentrator set planned_by = 'ina'")
    boss = people.browser("administrator", name="boss")
    given = (await boss.get("/api/v1/accounts/ina/personal-data")).text
    about = [json.loads(line) for line in given.splitlines()]
    told = [one["account"] for one in about if one["what"] == "act"]
    assert len(told) > len(STEPS) and {*told} >= {"ina", "ina (token administrator)"}
    assert {one["place"] for one in about if one["what"] == "name stands in"} == {
        "%s.%s" % place for place in NAMED_IN} - {"ripple.ordered_by"}
    assert PASSWORD_HASH not in given and story.secret not in given
    assert (await boss.delete("/api/v1/accounts/ina")).status_code == 422, "not disabled yet"
    assert (await boss.put("/api/v1/accounts/ina", json={
        "role": "administrator", "branch": None, "is_disabled": True})).status_code == 200
    assert (await boss.delete("/api/v1/accounts/ina")).status_code == 204
    assert (await boss.get("/api/v1/accounts/ina/personal-data")).status_code == 404
    with psycopg.connect(people.url) as connection:
        assert kept_of("ina", connection) == []
        assert kept_of("boss", connection) == [("account",), ("audit_word",)]
        [(pseudonym,)] = connection.execute(
            "select subject from audit_entry where act = 'account forgotten'"
            " order by number desc limit 1").fetchall()
        assert kept_of(pseudonym, connection) == sorted([(table,) for table in {
            "audit_entry", "campaign_log"} | {table for table, _ in NAMED_IN} - {"ripple"}])
    assert await verify(people.url, None) == 0


def kept_of(word: str, connection: Looker) -> list[tuple[str]]:
    """Tables that hold `word`, as a whole word of any text."""
    tables = connection.execute(
        "select relname from pg_class where relnamespace = current_schema()::regnamespace"
        " and relkind = 'r' order by 1").fetchall()
    return [one for one in tables if connection.execute(
        ("select from %s t where t::text ~ %%s limit 1" % one).encode(),
        [r"(^|[^a-z])%s($|[^a-z])" % word]).fetchall()]


def test_every_column_that_says_who_did_something_is_known(people: People) -> None:
    with psycopg.connect(people.url) as connection:
        found = {(str(table), str(column)) for table, column in connection.execute(
            "select table_name, column_name from information_schema.columns"
            " where table_schema = current_schema() and data_type = 'text'"
            "   and column_name ~ '_by$'").fetchall()}
    assert found == {*NAMED_IN}


async def test_a_refusal_is_on_record_with_who_and_what_was_missing(people: People) -> None:
    async with people.browser("analyst", name="uma") as client:
        assert (await client.get("/api/v1/audit")).status_code == 403
        assert (await client.post("/people", data={"csrf": CSRF, "name": "x", "role": "x"}
                                  )).status_code == 403
        assert (await client.post("/account/sessions", data={"csrf": "x"})).status_code == 403
    async with people.browser("auditor", people.site("Street"), name="rob") as client:
        assert (await client.get("/audit")).status_code == 403
    with psycopg.connect(people.url) as connection:
        kept = connection.execute(
            ("select account, act, subject, detail->>'permission', address <> ''"
             " from %s order by number" % TRAIL).encode()).fetchall()
    assert kept == [
        ("uma", "refused", "GET /api/v1/audit", "audit.read", True),
        ("uma", "refused", "POST /people", "people.edit", True),
        ("uma", "refused", "POST /account/sessions", "a form of this session", True),
        ("rob", "refused", "GET /audit", "audit.read of the whole tenant", True)]


async def test_whoever_is_refused_again_and_again_fills_nothing(people: People) -> None:
    forbidden = [route for route in routes() if route.method == "GET"
                 and route.needs[0].permission in ("audit.read", "people.read", "registry.edit")]
    asked = [re.sub(r"{\w+}", "1", route.path) for route in forbidden]
    changing = ["/api/v1/accounts/%s/password" % n for n in "abcdefgh"]
    posts = [route.path.replace("{name}", "x") for route in routes()
             if route.method == "POST" and route.path.startswith(("/api/v1/", "/people"))]
    async with people.browser("analyst", name="uma") as client:
        for _, where in itertools.product(range(3), asked):
            assert (await client.get(where)).status_code == 403
        assert people.do("select count(*) from audit_entry") == len(asked) < REFUSALS_MAX
        await asyncio.gather(*[client.post(where, json={}, data=None) for where in [
            *changing, *posts, *posts]])
    assert people.do("select count(*) from audit_entry") == REFUSALS_MAX
    assert people.do("select count(*) from audit_entry where detail ? 'more'") == 1


async def test_the_time_is_the_databases_and_entries_of_a_chain_are_in_its_order(
        people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 0.0)      # The head-end's own clock is off.
    async with people.browser("administrator", name="ina") as client:
        await asyncio.gather(*[client.post("/api/v1/accounts", json={
            "name": "a%d" % n, "role": "analyst", "branch": None}) for n in range(4)])
    with psycopg.connect(people.url) as connection:
        rows = connection.execute(
            "select at, at between now() - interval '1 minute' and now() from audit_entry"
            " where act = 'account made' order by number").fetchall()
    assert len(rows) == 4 and all(is_now for _, is_now in rows)
    assert [at for at, _ in rows] == sorted(at for at, _ in rows)
