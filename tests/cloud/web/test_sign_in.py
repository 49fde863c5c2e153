"""Signing in: who gets a session, for how long, and how many tries there are."""

import asyncio
import re
from typing import LiteralString

import httpx
import psycopg
import pytest

from tests.cloud.web.conftest import NAME, PASSWORD, SAME_ORIGIN
from wum_cloud.people import store
from wum_cloud.people.sign_in import ADDRESS_FAILURES_MAX, LOCK_MINUTES, NAME_FAILURES_MAX


async def try_to_sign_in(
        client: httpx.AsyncClient, name: str = NAME, password: str = PASSWORD,
        next_: str = "/") -> httpx.Response:
    return await client.post("/sign-in", headers=SAME_ORIGIN, data={
        "name": name, "password": password, "next": next_})


def token_of(page: httpx.Response) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert found is not None
    return found[1]


async def test_without_a_session_every_page_leads_to_the_sign_in_and_back(
        nobody: httpx.AsyncClient) -> None:
    answer = await nobody.get("/meters?search=SDM-1")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=%2Fmeters%3Fsearch%3DSDM-1"
    answer = await try_to_sign_in(nobody, next_="/meters?search=SDM-1")
    assert answer.headers["location"] == "/meters?search=SDM-1"
    assert (await nobody.get("/meters")).status_code == 200


@pytest.mark.parametrize("target", [
    "https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil", "javascript:alert(1)",
    "/a\nSet-Cookie: x=1", ""])
async def test_signing_in_never_leads_to_another_host(
        nobody: httpx.AsyncClient, target: str) -> None:
    assert (await try_to_sign_in(nobody, next_=target)).headers["location"] == "/"


async def test_on_the_machine_itself_the_cookie_is_plain_and_closed_to_scripts(
        nobody: httpx.AsyncClient) -> None:
    cookie = (await try_to_sign_in(nobody)).headers["set-cookie"]
    assert cookie.startswith("wum_session=")
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Path=/" in cookie
    assert "Secure" not in cookie


async def test_over_https_the_cookie_is_bound_to_the_host(app: httpx.ASGITransport) -> None:
    async with httpx.AsyncClient(transport=app, base_url="https://wum.example") as client:
        cookie = (await try_to_sign_in(client)).headers["set-cookie"]
        assert cookie.startswith("__Host-wum_session=")
        assert "Secure" in cookie and "HttpOnly" in cookie and "SameSite=lax" in cookie
        assert "Domain" not in cookie
        assert (await client.get("/")).status_code == 200


async def test_over_plain_http_from_elsewhere_nobody_signs_in(app: httpx.ASGITransport) -> None:
    async with httpx.AsyncClient(transport=app, base_url="http://wum.example") as client:
        answer = await try_to_sign_in(client)
        assert answer.status_code == 401 and "set-cookie" not in answer.headers
        assert "plain HTTP" in answer.text


async def test_the_token_of_a_session_is_not_in_the_database(
        nobody: httpx.AsyncClient, database_url: str) -> None:
    await try_to_sign_in(nobody)
    token = nobody.cookies["wum_session"]
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("select token_hash from session").fetchall()
    assert len(rows) == 1 and token.encode() not in bytes(rows[0][0])


async def test_a_refusal_is_the_same_for_a_wrong_password_and_an_unknown_name(
        nobody: httpx.AsyncClient) -> None:
    wrong = await try_to_sign_in(nobody, password="wrong")
    unknown = await try_to_sign_in(nobody, name="nobody")
    assert wrong.status_code == unknown.status_code == 401
    for answer in (wrong, unknown):
        assert "Name, password or code is wrong." in answer.text
        assert "wrong" not in re.findall(r'value="([^"]*)"', answer.text), "no password comes back"


@pytest.mark.parametrize("name", [NAME, "nobody"])
async def test_after_five_wrong_passwords_a_name_is_locked_whether_it_exists_or_not(
        nobody: httpx.AsyncClient, name: str) -> None:
    for _ in range(NAME_FAILURES_MAX):
        answer = await try_to_sign_in(nobody, name, "wrong")
        assert "Name, password or code is wrong." in answer.text
    answer = await try_to_sign_in(nobody, name, PASSWORD)
    assert answer.status_code == 401
    assert "Too many failed sign-ins for this name. Try again in 15 minutes." in answer.text


async def test_an_attempt_waits_until_those_before_it_are_counted(
        nobody: httpx.AsyncClient, database_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(database_url) as other:
        await store.lock_attempts(other)
        for _ in range(NAME_FAILURES_MAX):
            await store.note_failure(other, NAME, "10.0.0.1", LOCK_MINUTES)
        attempt = asyncio.create_task(try_to_sign_in(nobody))
        while not await is_somebody_waiting(database_url):
            assert not attempt.done(), "it was let in before the others were counted"
            await asyncio.sleep(0.02)
    assert "Too many failed sign-ins" in (await attempt).text


async def is_somebody_waiting(url: str) -> bool:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        cursor = await connection.execute(
            "select from pg_locks where not granted and relation = 'sign_in_failure'::regclass")
        return await cursor.fetchone() is not None


async def test_a_burst_of_attempts_is_counted_like_attempts_one_by_one(
        nobody: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*[
        try_to_sign_in(nobody, password="guess %d" % n) for n in range(12)])
    tried = [answer for answer in answers if "Name, password or code is wrong" in answer.text]
    assert len(tried) == NAME_FAILURES_MAX
    assert all("Too many failed sign-ins" in a.text for a in answers if a not in tried)


async def test_a_lock_ends_after_its_time(nobody: httpx.AsyncClient, database_url: str) -> None:
    for _ in range(NAME_FAILURES_MAX):
        await try_to_sign_in(nobody, password="wrong")
    assert (await try_to_sign_in(nobody)).status_code == 401
    with psycopg.connect(database_url) as connection:
        connection.execute("update sign_in_failure set failed_at = failed_at - interval '16 min'")
    assert (await try_to_sign_in(nobody)).status_code == 303


async def test_signing_in_forgives_earlier_slips(nobody: httpx.AsyncClient) -> None:
    for _ in range(2):
        for _ in range(NAME_FAILURES_MAX - 1):
            await try_to_sign_in(nobody, password="wrong")
        assert (await try_to_sign_in(nobody)).status_code == 303


async def test_an_address_that_tries_many_names_is_locked_too(
        nobody: httpx.AsyncClient, database_url: str) -> None:
    await try_to_sign_in(nobody, "nobody", "wrong")
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "insert into sign_in_failure (name, address) select 'name' || n, address"
            " from sign_in_failure, generate_series(2, %s) n", [ADDRESS_FAILURES_MAX])
    answer = await try_to_sign_in(nobody)
    assert answer.status_code == 401 and "from this address" in answer.text


@pytest.mark.parametrize("change", [
    "update session set last_seen_at = last_seen_at - interval '31 minutes'",
    "update session set created_at = created_at - interval '13 hours'",
])
async def test_a_session_ends_when_idle_and_after_a_shift(
        operator: httpx.AsyncClient, database_url: str, change: LiteralString) -> None:
    assert (await operator.get("/")).status_code == 200
    with psycopg.connect(database_url) as connection:
        connection.execute(change)
    assert (await operator.get("/")).status_code == 303


async def test_a_page_that_asks_by_itself_does_not_keep_a_session_alive(
        operator: httpx.AsyncClient, database_url: str) -> None:
    def seen() -> object:
        with psycopg.connect(database_url) as connection:
            return connection.execute("select last_seen_at from session").fetchone()
    with psycopg.connect(database_url) as connection:
        connection.execute("update session set last_seen_at = now() - interval '20 min'")
    before = seen()
    assert (await operator.get("/", headers={"X-Live": "1"})).status_code == 200
    assert seen() == before
    await operator.get("/")
    assert seen() != before


async def test_a_part_of_a_page_sends_the_whole_page_to_the_sign_in(
        nobody: httpx.AsyncClient) -> None:
    answer = await nobody.get("/meters/SDM-1", headers={
        "HX-Request": "true", "HX-Current-URL": "http://localhost:8000/meters/SDM-1?period=week"})
    assert answer.status_code == 204
    assert answer.headers["hx-redirect"] == "/sign-in?next=%2Fmeters%2FSDM-1%3Fperiod%3Dweek"


async def test_signing_out_ends_the_session_everywhere_it_was_copied_to(
        operator: httpx.AsyncClient) -> None:
    stolen = operator.cookies["wum_session"]
    page = await operator.get("/account")
    answer = await operator.post("/sign-out", headers=SAME_ORIGIN, data={"csrf": token_of(page)})
    assert answer.headers["location"] == "/sign-in"
    again = await operator.get("/", headers={"Cookie": "wum_session=" + stolen})
    assert again.status_code == 303


async def test_another_password_ends_every_other_session(
        app: httpx.ASGITransport, operator: httpx.AsyncClient) -> None:
    async with httpx.AsyncClient(transport=app, base_url="http://localhost:8000") as other:
        await try_to_sign_in(other)
        assert (await other.get("/")).status_code == 200
        csrf = token_of(await operator.get("/account"))
        answer = await operator.post("/account/password", headers=SAME_ORIGIN, data={
            "csrf": csrf, "old": PASSWORD, "new": "a longer password"})
        assert answer.status_code == 303
        assert (await other.get("/")).status_code == 303
        assert (await operator.get("/")).status_code == 200
        assert (await try_to_sign_in(other)).status_code == 401
        assert (await try_to_sign_in(other, password="a longer password")).status_code == 303


@pytest.mark.parametrize(("old", "new", "why"), [
    ("wrong", "a longer password", "The present password is wrong"),
    (PASSWORD, "short", "wanted at least 12"),
])
async def test_a_password_is_not_changed_by_a_mistake(
        operator: httpx.AsyncClient, old: str, new: str, why: str) -> None:
    csrf = token_of(await operator.get("/account"))
    answer = await operator.post("/account/password", headers=SAME_ORIGIN, data={
        "csrf": csrf, "old": old, "new": new})
    assert answer.status_code == 422 and why in answer.text
    assert (await try_to_sign_in(operator)).status_code == 303


async def test_a_token_of_the_api_opens_no_page(system: httpx.AsyncClient) -> None:
    assert (await system.get("/api/v1/meters")).status_code == 200
    assert (await system.get("/meters")).status_code == 303


async def test_a_name_that_no_database_can_hold_is_a_refusal_like_any_other(
        nobody: httpx.AsyncClient) -> None:
    answer = await try_to_sign_in(nobody, "an\0a")
    assert answer.status_code in (401, 422)
