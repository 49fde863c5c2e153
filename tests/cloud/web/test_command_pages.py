"""The pages of commands: chosen, typed, seen before it is sent, filtered, and approved."""

import os
import re
from pathlib import Path

import httpx
import pytest

from tests.cloud.web.people import CSRF, People
from wum_cloud.registry.cipher import SodiumSigner
from wum_shared.enrolment import Trust, sign_trust

ROOT_SEED = b"r" * 32
ROOT = SodiumSigner.public(ROOT_SEED)
THERE = [bytes([number]) * 8 for number in range(1, 4)]
METERS = [one.hex() for one in THERE]


@pytest.fixture
def people(app: httpx.ASGITransport, database_url: str) -> People:
    people = People(database_url, app)
    people.do("insert into trust_document (number, signed, digest, uplink_secret_sealed,"
              " order_secret_sealed, root_key, next_root_key)"
              " values (1, %s, %s, 'x', 'x', %s, %s)", sign_trust(
                  SodiumSigner(), ROOT_SEED, ROOT, Trust(1, bytes(32), (bytes(32),), ROOT, (), 0)),
              bytes(32), ROOT, ROOT)
    for one in THERE:
        people.concentrator(one, None)
    return people


def shown(answer: httpx.Response, name: str) -> str:
    """The page; kept to be looked at where WUM_PAGES names a folder."""
    if "WUM_PAGES" in os.environ:
        (Path(os.environ["WUM_PAGES"]) / (name + ".html")).write_text(answer.text)
    return re.sub(r"\s+", " ", answer.text)


async def post(client: httpx.AsyncClient, path: str, **form: object) -> httpx.Response:
    return await client.post(path, data={"csrf": CSRF, **form})


async def test_an_act_is_chosen_typed_seen_and_sent(people: People) -> None:
    async with people.browser("administrator", name="dora") as dora:
        assert "Limit the load" in shown(await dora.get("/commands/new"), "choose")
        form = shown(await dora.get("/commands/new?kind=limit&target=" + METERS[0]), "limit")
        assert METERS[0] in form and 'name="value" type="number"' in form and "kW" in form
        typed = {"kind": "limit", "targets": METERS[0], "value": "5", "exponent": "3",
                 "reason": "too much was drawn", "minutes": "30"}
        looked = shown(await post(dora, "/commands/switching", **typed, step="search",
                                  search=METERS[1][:4]), "search")
        assert METERS[1] in looked and 'value="too much was drawn"' in looked
        seen = shown(await post(dora, "/commands/switching", **typed, add=[METERS[1]]), "check")
        assert "2 meters behind 2 concentrators" in seen and "value 5, exponent 3" in seen
        assert "0 of 10 in the last hour" in seen and "none needed" in seen
        assert people.do("select count(*) from command") == 0
        sent = await post(dora, "/commands/switching", **typed, add=[METERS[1]], step="ask")
        assert sent.headers["location"] == "/commands?done=requested"
        assert people.do("select count(*) from command") == 2
        page = shown(await dora.get("/commands?done=requested"), "commands")
        assert "Many at once, this week" in page and "0 / 2" in page
        number = people.do("select min(command_id) from command")
        assert "too much was drawn" in shown(await dora.get("/commands/%d" % number), "command")


async def test_the_list_is_of_what_people_asked_for_and_says_who_has_still_to_sign(
        people: People) -> None:
    async with people.browser("administrator", name="dora") as dora:
        for kind, why, consents in ((13, "a campaign", 0), (12, "groups were changed", 0),
                                    (3, "he does not pay", 2)):
            people.do(
                "insert into command (tenant_id, concentrator_id, request_id, order_id, kind,"
                " arguments, shown, reason, state, requested_by, needs_approval, begins_at,"
                " expires_at, due_at, consents) select 1, concentrator_id, %s, '12345678', %s, '',"
                " '', %s, 'requested', 'otto', true, now(), now() + interval '1 hour', now(), %s"
                "  from concentrator limit 1", kind, kind, why, consents)
        page = shown(await dora.get("/commands"), "commands")
        listed = page[page.index("All commands"):]
        assert "he does not pay" in listed and "/campaigns" in listed
        assert "a campaign<" not in listed and "groups were changed" not in listed
        assert "0 / 2 approvers have signed" in page
        assert "a campaign<" in shown(await dora.get("/commands?kind=13"), "updates")
        refused = await post(dora, "/commands/approve", number=3)
        assert refused.status_code == 422 and "2 approvers have to sign it" in refused.text
        number = people.do("select max(command_id) from command")
        assert "Signed by approvers" in shown(await dora.get("/commands/%d" % number), "command")


async def test_what_is_typed_wrong_is_named_by_its_field_and_stays_typed(people: People) -> None:
    async with people.browser("administrator", name="dora") as dora:
        for path, typed, words in (
                ("switching", {"kind": "limit", "value": "many"}, "Threshold"),
                ("switching", {"kind": "secondary"}, "choose on or off"),
                ("asking", {"kind": "read-again", "first": "2026-01-01T00:00"}, "To: a day"),
                ("maintenance", {"kind": "fetch-log", "lines": "x"}, "Lines"),
                ("sessions", {"kind": "session", "seconds": "x"}, "Seconds"),
                ("asking", {"kind": "read", "begins": "soon"}, "Not before"),
                ("asking", {"kind": "read", "reason": "."}, "Say why"),
                ("asking", {"kind": "read", "targets": "nobody"}, "no meter nobody"),
                ("asking", {"kind": "disconnect"}, "Choose what")):
            answer = await post(dora, "/commands/" + path, **{
                "targets": METERS[0], "reason": "a test of it", **typed})
            assert answer.status_code == 422 and words in answer.text, (typed, words)
        kept = await post(dora, "/commands/asking", kind="read", targets="nobody",
                          reason="a test of it")
        assert "nobody</textarea>" in kept.text and 'value="a test of it"' in kept.text


async def test_a_session_waits_for_another_person_who_finds_it_in_the_list(
        people: People) -> None:
    async with (people.browser("administrator", name="dora") as dora,
                people.browser("operator", name="otto") as otto):
        typed = {"kind": "session", "targets": METERS[0], "seconds": "60",
                 "reason": "a vendor's tool"}
        assert "a second person has to agree" in shown(
            await post(dora, "/commands/sessions", **typed), "session")
        await post(dora, "/commands/sessions", **typed, step="ask")
        assert "somebody else than you" in (await dora.get("/commands")).text
        assert "/commands/approve" in shown(await otto.get("/commands"), "approve")
        number = people.do("select request_id from command")
        await post(otto, "/commands/approve", number=number)
        assert people.do("select count(*) from command where approved_by = 'otto'") == 1


async def test_the_list_is_filtered_and_says_when_nothing_fits(people: People) -> None:
    async with people.browser("administrator", name="dora") as dora:
        for kind, meter in (("read", METERS[0]), ("set-clock", METERS[1])):
            await post(dora, "/commands/asking", kind=kind, targets=meter,
                       reason="a test of lists", step="ask")
        for query, has, lacks in (("search=" + METERS[0][:6], METERS[0], METERS[1]),
                                  ("kind=2", METERS[1], METERS[0]),
                                  ("state=approved&search=lists", METERS[1], "No such")):
            page = (await dora.get("/commands?" + query)).text
            assert has in page and ">%s<" % lacks not in page, query
        assert "No such command" in (await dora.get("/commands?state=failed")).text


async def test_a_group_is_made_shown_and_ordered_about(people: People) -> None:
    async with people.browser("administrator", name="dora") as dora:
        assert "No group yet" in (await dora.get("/command-groups")).text
        wrong = await post(dora, "/command-groups", name="boilers", serials="nobody")
        assert wrong.status_code == 422 and "no meter nobody" in wrong.text
        made = await post(dora, "/command-groups", name="boilers", serials=" ".join(METERS[:2]))
        assert made.status_code == 303
        page = shown(await dora.get("/command-groups?name=boilers"), "groups")
        assert "0 / 2" in page and METERS[0] in page
        form = shown(await dora.get("/commands/new?kind=secondary&group=boilers"), "group")
        assert "boilers: 2 meters, 0/2 concentrators know it" in form
        seen = shown(await post(dora, "/commands/switching", kind="secondary", group="boilers",
                                on="no", reason="a hot day"), "group-check")
        assert "2 meters behind 2 concentrators, group boilers" in seen
        await post(dora, "/command-groups", name="boilers", serials="x", drop="yes")
        assert people.do("select count(*) from command_group") == 0


async def test_a_group_is_filled_with_the_meters_of_a_branch(people: People) -> None:
    town = people.site("Town")
    street, other = people.site("Street", town), people.site("Other")
    people.site("Empty")
    for device, site in zip(THERE, (town, street, other), strict=True):
        people.do("update concentrator set site_id = %s where device_id = %s", site, device)
    async with people.browser("administrator", name="dora") as dora:
        page = (await dora.get("/command-groups?branch=Town&name=all")).text
        assert ">%s %s</textarea>" % (METERS[0], METERS[1]) in page and 'value="all"' in page
        for branch, words in (("Nowhere", "There is no site Nowhere."),
                              ("Empty", "No concentrator of Empty or below it has a meter.")):
            assert words in (await dora.get("/command-groups?branch=" + branch)).text
        assert people.do("select count(*) from command_group") == 0
    async with people.machine("administrator", "dora") as machine:
        put = "/api/v1/command-groups/town"
        made = await machine.put(put, json={"branch": "Street"})
        assert made.status_code == 200 and made.json()["meters"] == 1, made.text
        neither: dict[str, object]
        for neither in ({}, {"branch": "Town", "meters": METERS[:1]}):
            answer = await machine.put(put, json=neither)
            assert "either meters or a branch" in answer.text and answer.status_code == 422
