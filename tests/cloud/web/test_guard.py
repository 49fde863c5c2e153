"""What every answer carries, and which requests are refused whoever sends them."""

import httpx
import psycopg
import pytest

from tests.cloud.web.conftest import ORIGIN, SAME_ORIGIN
from tests.cloud.web.street import Street
from wum_cloud import database
from wum_cloud.settings import settings_from
from wum_cloud.web import assets
from wum_cloud.web.app import make_app

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'")


def assert_guarded(answer: httpx.Response) -> None:
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"


_ANSWERS = (
    ("/sign-in", 200), ("/healthz", 200), ("/", 303), ("/nothing-here", 404),
    ("/api/v1/meters", 401), ("/api/v1/nothing", 404), ("/api/openapi.json", 200),
    (assets.ADDRESS + "/css/tokens.css", 200), (assets.ADDRESS + "/nothing.css", 404),
)


async def test_every_answer_carries_the_strict_policy(nobody: httpx.AsyncClient) -> None:
    for path, status in _ANSWERS:
        answer = await nobody.get(path)
        assert answer.status_code == status, path
        assert_guarded(answer)


async def test_a_mistake_of_ours_is_guarded_too_and_says_nothing_of_its_inner_life(
        operator: httpx.AsyncClient, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("alter table quarantine rename to elsewhere")
    answer = await operator.get("/ingest")
    assert answer.status_code == 500
    assert_guarded(answer)
    assert "log says more under it" in answer.text
    assert "quarantine" not in answer.text.split("<main")[1]
    assert "psycopg" not in answer.text


async def test_pages_are_kept_by_nobody_and_files_for_ever(
        nobody: httpx.AsyncClient) -> None:
    page = await nobody.get("/sign-in")
    file = await nobody.get(assets.ADDRESS + "/js/plot.js")
    assert page.headers["cache-control"] == "no-store"
    assert file.headers["cache-control"] == "public, max-age=31536000, immutable"


async def test_https_is_remembered_by_the_browser(app: httpx.ASGITransport) -> None:
    async with httpx.AsyncClient(transport=app, base_url="https://wum.example") as client:
        answer = await client.get("/sign-in")
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


@pytest.mark.parametrize("headers", [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},    # Another service under the same domain.
    {"Sec-Fetch-Site": "none"},
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost:8001"},
    {},
])
async def test_a_request_from_another_site_changes_nothing(
        nobody: httpx.AsyncClient, headers: dict[str, str]) -> None:
    answer = await nobody.post("/sign-in", data={"name": "ana", "password": "x"}, headers=headers)
    assert answer.status_code == 403
    assert "another site" in answer.text
    assert_guarded(answer)


async def test_a_browser_without_fetch_metadata_is_known_by_its_origin(
        nobody: httpx.AsyncClient) -> None:
    answer = await nobody.post("/sign-in", data={"name": "ana", "password": "x"},
                               headers={"Origin": ORIGIN})
    assert answer.status_code == 401 and "Name, password or code is wrong." in answer.text


async def test_a_form_without_the_sessions_token_is_refused(operator: httpx.AsyncClient) -> None:
    for path in ("/sign-out", "/account/sessions", "/account/password"):
        for token in ("", "somebody else's"):
            answer = await operator.post(path, headers=SAME_ORIGIN, data={
                "csrf": token, "old": "x", "new": "y"})
            assert answer.status_code == 403, (path, token)
            assert (await operator.get("/")).status_code == 200, "the session is still there"


async def test_a_body_without_an_end_or_past_the_limit_is_not_read(
        nobody: httpx.AsyncClient) -> None:
    async def endless():  # type: ignore[no-untyped-def]
        yield b"name=a"
    unsized = await nobody.post("/sign-in", content=endless(), headers=SAME_ORIGIN)
    assert unsized.status_code == 411
    large = await nobody.post("/sign-in", content=b"x" * 65_537, headers=SAME_ORIGIN)
    assert large.status_code == 413


async def test_the_meters_name_that_is_a_script_stays_text(
        operator: httpx.AsyncClient, street: Street) -> None:
    evil = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    street.add_meter(evil)
    for path in ("/meters", "/meters?search=script", "/"):
        text = (await operator.get(path)).text
        assert "&lt;script&gt;alert(1)" in text, path
        assert "<script>alert" not in text and "<img" not in text, path
    found = await operator.get("/find", params={"search": evil})
    assert found.status_code == 303
    page = await operator.get(found.headers["location"])
    assert page.status_code == 200, "a serial with a slash has a page"
    assert "<h1>&lt;script&gt;" in page.text and "<script>alert" not in page.text


async def test_a_database_that_is_away_is_told_as_such_and_loses_nothing(
        vendor_files: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_WAIT_FOR_CONNECTION_S", 0.2)
    application = make_app(settings_from({
        "WUM_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none?connect_timeout=1"}))
    async with application.router.lifespan_context(application), httpx.AsyncClient(
            transport=httpx.ASGITransport(application, raise_app_exceptions=False),
            base_url=ORIGIN, cookies={"wum_session": "x"}) as client:
        page, answer = await client.get("/"), await client.get("/api/v1/meters")
        assert (await client.get("/healthz")).status_code == 200
    assert page.status_code == answer.status_code == 503
    assert "The database does not answer." in page.text and "Try again" in page.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert_guarded(page)
    assert_guarded(answer)
    assert "127.0.0.1:1" not in page.text + answer.text
