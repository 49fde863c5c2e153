"""The application over a real database, and clients that are signed in or not."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from nacl import pwhash

from tests.cloud.web.street import Street
from wum_cloud.people.passwords import hash_of_secret
from wum_cloud.registry.keys import make_key_file
from wum_cloud.settings import settings_from
from wum_cloud.web.app import configure, make_app
from wum_cloud.web.vendor import fetch

ORIGIN = "http://localhost:8000"  # Plain HTTP signs in on the machine itself only.
NAME, PASSWORD, TOKEN = "ana", "a password of the tests", "wum_token of the tests"
# At the least cost there is, which the hash itself tells: two hundred tests sign in with it.
PASSWORD_HASH = pwhash.argon2id.str(
    PASSWORD.encode(), opslimit=pwhash.argon2id.OPSLIMIT_MIN,
    memlimit=pwhash.argon2id.MEMLIMIT_MIN).decode()
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture(scope="session")
def vendor_files() -> Path:
    """The console's JavaScript and fonts, fetched once."""
    import wum_cloud.web.vendor as vendor_file

    here = Path(vendor_file.__file__)
    folder = here.parent / "static" / "vendor"
    fetch(Path(__file__).parents[3] / "cloud", folder)
    return folder


@pytest.fixture
def street(database_url: str) -> Street:
    """A street without meters."""
    return Street(database_url)


@pytest.fixture(scope="session")
def application(vendor_files: Path) -> FastAPI:
    """The application, made once: FastAPI takes a fifth of a second for its 70 endpoints."""
    return make_app(settings_from({"WUM_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}))


@pytest.fixture
async def app(
        application: FastAPI, database_url: str, tmp_path: Path,
) -> AsyncIterator[httpx.ASGITransport]:
    """The application, started anew: an operator with a password, an administrator with a token."""
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "insert into account (tenant_id, name, password_hash, role)"
            " values (1, %s, %s, 'operator')", [NAME, PASSWORD_HASH])
        connection.execute(
            "insert into account (tenant_id, name, password_hash, role)"
            " values (1, 'root', %s, 'administrator')", [PASSWORD_HASH])
        connection.execute(
            "insert into api_token (token_hash, account_id, name, role)"
            " select %s, account_id, 'test', role from account where name = 'root'",
            [hash_of_secret(TOKEN)])
    make_key_file(tmp_path / "key")
    configure(application, settings_from({
        "WUM_DATABASE_URL": database_url, "WUM_KEY_FILE": str(tmp_path / "key"),
        "WUM_WEB_REQUESTS_PER_S": "0"}))
    async with application.router.lifespan_context(application):
        yield httpx.ASGITransport(application, raise_app_exceptions=False)


@pytest.fixture
async def nobody(app: httpx.ASGITransport) -> AsyncIterator[httpx.AsyncClient]:
    """A client that is not signed in."""
    async with httpx.AsyncClient(transport=app, base_url=ORIGIN) as client:
        yield client


@pytest.fixture
async def operator(nobody: httpx.AsyncClient) -> httpx.AsyncClient:
    """A browser that is signed in."""
    answer = await nobody.post("/sign-in", data={"name": NAME, "password": PASSWORD},
                               headers=SAME_ORIGIN)
    assert answer.status_code == 303
    return nobody


@pytest.fixture
async def system(app: httpx.ASGITransport) -> AsyncIterator[httpx.AsyncClient]:
    """Another system with a token."""
    async with httpx.AsyncClient(
            transport=app, base_url=ORIGIN,
            headers={"Authorization": "Bearer " + TOKEN}) as client:
        yield client
