"""Releases and campaigns by API and in the console: handed in, asked for, approved, stopped."""

from pathlib import Path

import httpx
import psycopg
import pytest

from tests.cloud.campaigns.signed import Workbench
from tests.cloud.web.people import CSRF, People
from wum_cloud.settings import settings_from
from wum_cloud.web.app import configure
from wum_shared import updates

ID = bytes.fromhex("00000000000000aa")


@pytest.fixture
def people(app: httpx.ASGITransport, database_url: str, tmp_path: Path) -> People:
    """A concentrator that has told what it runs; orders can be signed; one release key."""
    found = People(database_url, app)
    found.concentrator(ID, found.site("Here"))
    bench = Workbench()
    configure(app.app, settings_from({   # type: ignore[arg-type]
        "WUM_DATABASE_URL": database_url,
        "WUM_RELEASE_TRUST": str(bench.trust(tmp_path / "trust.json"))}))
    found.bench = bench   # type: ignore[attr-defined]
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "insert into trust_document (number, signed, digest, root_key, next_root_key,"
            " uplink_secret_sealed, order_secret_sealed)"
            " values (1, 'x', 'x', %(key)s, %(key)s, 'x', 'x')", {"key": bytes(32)})
        connection.execute(
            "insert into update_standing select concentrator_id, 0, 1, 0, %s, 3, %s, 2, 9,"
            " '', 'release 9: it hung', now(), now(), '' from concentrator where device_id = %s",
            [updates.REVERTED, b"o" * 32, ID])
    return found


async def test_a_release_is_handed_in_and_sent_out_by_two_persons_and_aborted(
        people: People, system: httpx.AsyncClient) -> None:
    body = people.bench.handed(4, size=200_000)   # type: ignore[attr-defined]
    assert len(body) > 64 * 1024                  # The premise: longer than other bodies may be.
    made = await system.post("/api/v1/releases", content=body)
    assert made.json() == {"id": 1, "is_new": True}, made.text
    assert (await system.post("/api/v1/releases", content=body)).json()["is_new"] is False
    (release,) = (await system.get("/api/v1/releases")).json()["items"]
    assert (release["version"], release["signers"], release["running"]) == ("1.4", ["ada"], 0)
    assert (await system.get("/api/v1/releases/1/bill")).json() == {"bomFormat": "CycloneDX"}
    ana, bob = people.browser("operator", name="anna"), people.browser("operator", name="bob")
    shown = (await ana.get("/releases")).text
    assert "1.4" in shown and "ada" in shown and "/campaigns?release=1" in shown
    assert "Ask for it" in (await ana.get("/campaigns?release=1")).text
    asked = await ana.post("/campaigns", data={
        "csrf": CSRF, "release": "1", "name": "Everywhere", "reason": "a security fix",
        "window": "01:00-04:30"})
    assert (asked.status_code, asked.headers.get("location")) == (303, "/campaigns/1"), asked.text
    page = (await ana.get("/campaigns/1")).text
    assert "second person" in page and "Approve" not in page and "Withdraw" in page
    own = await ana.post("/campaigns/approve", data={"csrf": CSRF, "number": "1"})
    assert own.status_code == 422 and "yourself" in own.text
    assert "Approve: it begins" in (await bob.get("/campaigns/1")).text
    assert (await bob.post("/campaigns/approve", data={
        "csrf": CSRF, "number": "1"})).status_code == 303
    for act, state in (("pause", "paused"), ("resume", "running"), ("abort", "aborted")):
        done = await bob.post("/campaigns/change", data={"csrf": CSRF, "number": "1", "act": act})
        assert done.status_code == 303
        assert (await system.get("/api/v1/campaigns/1")).json()["state"] == state
    late = await system.post("/api/v1/campaigns/1/acts/pause")
    assert late.status_code == 422 and "aborted" in late.json()["detail"]
    words = [line["words"] for line in (
        await system.get("/api/v1/campaigns/1/log")).json()["items"]]
    assert words == ["aborted by bob", "resumed by bob", "paused by bob", "approved by bob",
                     "asked for by anna"]
    (member,) = (await system.get("/api/v1/campaigns/1/members")).json()["items"]
    assert (member["concentrator"], member["state"], member["runs"]) == (ID.hex(), "waiting", 3)


async def test_a_campaign_by_the_api_says_which_part_of_its_plan_is_wrong(
        people: People, system: httpx.AsyncClient) -> None:
    body = people.bench.handed(4)   # type: ignore[attr-defined]
    assert (await system.post("/api/v1/releases", content=body)).status_code == 200
    wanted = {"release": 1, "name": "Everywhere", "reason": "a security fix"}
    for more, words in (({"plan": {"shares": [50, 20]}}, "shares"), ({"site": "Nowhere"}, "site"),
                        ({"plan": {"zone": "Nowhere"}}, "time zone"), ({"release": 2}, "release"),
                        ({"plan": {"floor": 5}}, "floor")):
        answer = await system.post("/api/v1/campaigns", json={**wanted, **more})
        assert answer.status_code == 422 and words in answer.json()["detail"], answer.text
    made = await system.post("/api/v1/campaigns", json={
        **wanted, "site": "Here", "plan": {"shares": [100], "window": [60, 240]}})
    assert made.status_code == 201, made.text
    busy = await system.post("/api/v1/campaigns", json=wanted)
    assert busy.status_code == 422 and "under way" in busy.json()["detail"]
    assert (await system.get("/api/v1/campaigns")).json()["items"][0]["state"] == "requested"


async def test_who_is_not_trusted_hands_nothing_in_and_an_unsigned_body_is_a_sentence(
        people: People, system: httpx.AsyncClient) -> None:
    stranger = Workbench().handed(4)
    answer = await system.post("/api/v1/releases", content=stranger)
    assert answer.status_code == 422 and "1 signers" in answer.json()["detail"]
    for body in (b"", b"\x83", b"{}"):
        assert (await system.post("/api/v1/releases", content=body)).status_code == 422
    assert people.do("select count(*) from release") == 0
    async with people.machine("integrator", "admin-of-this") as client:
        assert (await client.post("/api/v1/releases", content=stranger)).status_code in (401, 403)


async def test_a_campaign_that_stopped_says_why_and_each_concentrator_in_its_own_words(
        people: People) -> None:
    with psycopg.connect(people.url) as connection:
        connection.execute(
            "insert into release (tenant_id, sequence, digest, target, version, commit_id,"
            " envelope, content, chunk_index, bill, signers, threshold, taken_by)"
            " values (1, 4, %s, 'linux',"
            " '1.4', '', '', '', '', '', '{ada}', 1, 'ada')", [b"n" * 32])
        connection.execute(
            "insert into campaign (tenant_id, release_id, name, reason, plan, state, wave, waves,"
            " why, requested_by, approved_by, ended_at) values (1, 1, 'Everywhere', 'a reason',"
            " '{}', 'stopped', 0, 2, '1 of 1 in wave 1 failed', 'a', 'b', now())")
        connection.execute(
            "insert into campaign_member (campaign_id, concentrator_id, wave, place, state, fault,"
            " words, tries) select 1, concentrator_id, 0, 0, 'failed', 'hung',"
            " 'release 4: <it> hung', 2 from concentrator")
    async with people.browser("auditor") as eva:
        page = (await eva.get("/campaigns/1")).text
        assert "It stopped: 1 of 1 in wave 1 failed" in page
        assert "release 4: &lt;it&gt; hung" in page and "try 2" in page and "Pause" not in page
        live = (await eva.get("/campaigns/1", headers={"HX-Request": "true"})).text
        assert "<html" not in live and 'class="lost"' in live
        assert "None is in this state" in (await eva.get("/campaigns/1?state=good")).text
        assert (await eva.get("/campaigns/2")).status_code == 404
        standing = (await eva.get("/concentrators/" + ID.hex())).text
        assert "Release 3" in standing and "release 9: it hung" in standing
        assert 'href="/campaigns/1"' in standing
