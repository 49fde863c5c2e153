"""The page of a command that wants approvers' signatures: who has signed, and handing them in."""

import json
from typing import Any

import httpx
import pytest

from tests.cloud.commands.test_consents import KEYS, SEEDS
from tests.cloud.web.people import CSRF, People
from tests.cloud.web.test_command_pages import ROOT, ROOT_SEED, shown
from wum_cloud.registry.cipher import SodiumSigner
from wum_cloud.web.uploads import CONSENTS_MAX
from wum_shared.consent import decode_consent, sign_consent
from wum_shared.enrolment import Trust, sign_trust
from wum_shared.order_kinds import encode_arguments
from wum_shared.orders import DISCONNECT

DEVICE = b"\x01" * 8


@pytest.fixture
def people(app: httpx.ASGITransport, database_url: str) -> People:
    """Two approvers have to sign; a request of two commands that otto asked for waits for them."""
    people = People(database_url, app)
    people.do("insert into trust_document (number, signed, digest, uplink_secret_sealed,"
              " order_secret_sealed, root_key, next_root_key) values (1, %s, %s, 'x', 'x', %s, %s)",
              sign_trust(SodiumSigner(), ROOT_SEED, ROOT, Trust(
                  1, bytes(32), (bytes(32),), ROOT, KEYS[:2], 2)), bytes(32), ROOT, ROOT)
    people.concentrator(DEVICE, None)
    for number in (1, 2):
        people.do(
            "insert into command (tenant_id, concentrator_id, meter_id, request_id, order_id,"
            " kind, arguments, shown, reason, state, requested_by, needs_approval, begins_at,"
            " expires_at, due_at, consents) select 1, concentrator_id, meter_id, 7, %s, 3, %s, '',"
            " 'he does not pay', 'requested', 'otto', true, now(), now() + interval '1 hour',"
            " now(), 2 from meter", b"%08d" % number,
            encode_arguments(DISCONNECT, ["M-%d" % number]))
    return people


def consents_of(to_sign: list[dict[str, Any]], seed: bytes) -> dict[str, Any]:
    """What `wum-firmware consent` would make of it."""
    return {"consents": [{"command": one["command"], "signed": sign_consent(
        SodiumSigner(), seed, SodiumSigner.public(seed),
        decode_consent(bytes.fromhex(one["to_sign"]))).hex()} for one in to_sign]}


async def handed_in(client: httpx.AsyncClient, path: str, form: dict[str, str] | None,
                    seed: bytes) -> dict[str, Any]:
    """What is sent to the page, with this form, or to the API at `path`: all that is wanted."""
    where = path if form is None else "/commands/%s/to-sign" % form["number"]
    signed = consents_of((await client.get(where)).json(), seed)
    return {"json": signed} if form is None else {"data": {**form, "text": json.dumps(signed)}}


async def signatures(client: httpx.AsyncClient, command: int, seed: bytes) -> str:
    """Of the page's file."""
    answer = await client.get("/commands/%d/to-sign" % command)
    assert answer.headers["content-disposition"] == 'attachment; filename="request-7.json"'
    return json.dumps(consents_of(answer.json(), seed))


async def hand_in(client: httpx.AsyncClient, command: int, text: str = "",
                  file: str | None = None, csrf: str = CSRF) -> httpx.Response:
    files = {"file": ("signed.json", file or "", "application/json")} if file is not None else None
    return await client.post("/commands/consent", files=files, data={
        "csrf": csrf, "number": str(command), "text": text})


async def test_who_has_signed_is_shown_and_with_the_last_signature_it_is_approved(
        people: People) -> None:
    first = people.do("select min(command_id) from command")
    async with people.browser("administrator", name="dora") as dora:
        page = shown(await dora.get("/commands/%d" % first), "consents")
        assert "signatures: 0 / 2" in page and page.count("not yet</td>") == 2
        assert KEYS[0].hex()[:16] in page and KEYS[1].hex()[:16] in page
        assert 'name="file"' in page and 'name="text"' in page and "Until 20" in page
        assert '#signers-title"' in (await dora.get("/commands")).text
        typed = await signatures(dora, first, SEEDS[0])
        assert len(json.loads(typed)["consents"]) == 2, "of the whole request"
        done = await hand_in(dora, first, typed)
        assert done.headers["location"] == "/commands/%d?done=signed" % first
        page = shown(await dora.get(done.headers["location"]), "consents-one")
        assert "signatures: 1 / 2" in page and "<td>dora</td>" in page
        assert page.count("not yet</td>") == 1 and "signatures are kept" in page
        again = await hand_in(dora, first, typed)
        assert again.headers["location"] == "/commands/%d?done=again" % first
        done = await hand_in(dora, first, "noise that the file outweighs",
                             await signatures(dora, first, SEEDS[1]))
        assert done.headers["location"] == "/commands?done=approved"
        assert people.do("select count(*) from command where state = 'approved'"
                         " and approved_by = 'dora'") == 2
        page = shown(await dora.get("/commands/%d" % first), "consents-all")
        assert "signatures: 2 / 2" in page and 'name="text"' not in page


async def test_what_is_wrong_is_said_kept_typed_and_nothing_of_it_is_taken(
        people: People) -> None:
    first = people.do("select min(command_id) from command")
    async with people.browser("administrator", name="dora") as dora:
        good = await signatures(dora, first, SEEDS[0])
        stranger = await signatures(dora, first, SEEDS[2])
        swapped = json.loads(good)
        swapped["consents"][0]["signed"] = swapped["consents"][1]["signed"]
        for text, words in (
                ("", "Choose the file"), ("  ", "Choose the file"), ("noise", "Invalid JSON"),
                ("[]", "wanted {&#34;consents&#34;"), ('{"consents": []}', "consents: "),
                ('{"consents": [{"command": 1, "signed": "x"}]}', "consents.0.signed: "),
                (stranger, "does not name as an approver"),
                (json.dumps(swapped), "is of something else"),
                (good.replace(good[-40:-20], "0" * 20), "The signature of command")):
            answer = await hand_in(dora, first, text)
            assert answer.status_code == 422 and words in answer.text, (words, answer.text)
            assert 'role="alert"' in answer.text
        assert "noise</textarea>" in (await hand_in(dora, first, "noise")).text
        assert people.do("select count(*) from command_consent") == 0
        assert (await hand_in(dora, first, good, csrf="foreign")).status_code == 403
        for unknown in (first + 100, 0, 2**60):
            assert (await hand_in(dora, unknown, good)).status_code in (404, 422)
            assert (await dora.get("/commands/%d/to-sign" % unknown)).status_code == 404
        people.do("update command set state = 'expired', ended_at = now()")
        late = await hand_in(dora, first, good)
        assert late.status_code == 422 and "waits for approvers" in late.text


async def test_who_asked_for_it_or_may_not_approve_finds_no_form(people: People) -> None:
    first = people.do("select min(command_id) from command")
    async with (people.browser("administrator", name="dora") as dora,
                people.browser("administrator", name="otto") as otto,
                people.browser("auditor", name="una") as una):
        good = await signatures(dora, first, SEEDS[0])
        own = (await otto.get("/commands/%d" % first)).text
        assert "somebody else has to hand" in own and 'action="/commands/consent"' not in own
        refused = await hand_in(otto, first, good)
        assert refused.status_code == 422 and "You asked for it yourself" in refused.text
        page = (await una.get("/commands/%d" % first)).text
        assert KEYS[0].hex()[:16] in page and "to-sign" not in page
        assert 'action="/commands/consent"' not in page
        assert (await hand_in(una, first, good)).status_code == 403
        assert (await una.get("/commands/%d/to-sign" % first)).status_code == 403


async def test_signatures_of_the_largest_request_are_not_too_long_for_page_and_api(
        people: People) -> None:
    first = people.do("select min(command_id) from command")
    one = {"command": 2**53 - 1, "signed": "ab" * 320}
    whole = json.dumps({"consents": [one] * 1000})
    assert 64 * 1024 < len(whole) <= CONSENTS_MAX
    async with people.browser("administrator", name="dora") as dora:
        for answer in (await hand_in(dora, first, file=whole), await hand_in(dora, first, whole)):
            assert answer.status_code == 422 and "waits for no signature" in answer.text
        path = "/api/v1/command-requests/7/consent"
        answer = await dora.post(path, content=whole, headers={"content-type": "application/json"})
        assert answer.status_code == 422 and "waits for no signature" in answer.text
        longer = await dora.post(path, content=whole + " " * CONSENTS_MAX,
                                 headers={"content-type": "application/json"})
        assert longer.status_code == 413
