"""Whatever address somebody gives, the head-end opens no connection to it.

Every text of every request is an address of another machine, and of this one; an audit hook of
Python itself sees each connection and each name that is looked up.
"""

import itertools
import re
import socket
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest

from tests.cloud.registry.town_file import content, town
from tests.cloud.web.people import CSRF, People
from tests.cloud.web.test_rights import routes

GIVEN = ("http://203.0.113.7/x", "https://metadata.test:8443/latest", "file:///etc/passwd",
         "http://127.0.0.1:9/", "//203.0.113.7/x", "ftp://203.0.113.7", "gopher://127.0.0.1:11211/")
_seen: list[tuple[str, Any]] = []
_is_watching = False


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if _is_watching and event in ("socket.connect", "socket.sendto", "socket.getaddrinfo",
                                  "socket.gethostbyname", "urllib.Request", "subprocess.Popen"):
        _seen.append((event, arguments[1] if event == "socket.connect" else arguments[0]))


@pytest.fixture
def watched() -> Iterator[list[tuple[str, Any]]]:
    """What was connected to or looked up; a hook cannot be taken away, but told to look away."""
    global _is_watching
    if not hasattr(sys, "wum_watches"):
        sys.addaudithook(_watch)
        sys.wum_watches = True      # type: ignore[attr-defined]
    _seen.clear()
    _is_watching = True
    yield _seen
    _is_watching = False


def test_the_hook_sees_a_connection(watched: list[tuple[str, Any]]) -> None:
    with socket.socket() as one:
        one.settimeout(0.01)
        assert one.connect_ex(("127.0.0.1", 9)) != 0
    assert watched == [("socket.connect", ("127.0.0.1", 9))]


def _filled(schema: dict[str, Any], document: dict[str, Any], given: str) -> Any:
    """A body with `given` wherever a text may stand."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return _filled(schema[choice][0], document, given)
    if schema.get("type") == "object":
        return {name: _filled(part, document, given)
                for name, part in schema.get("properties", {}).items()}
    if schema.get("type") == "array":
        return [_filled(schema.get("items", {}), document, given)]
    return {"integer": 1, "boolean": True}.get(str(schema.get("type")), given)


async def test_no_address_that_somebody_gives_is_ever_asked_for(
        app: httpx.ASGITransport, database_url: str, watched: list[tuple[str, Any]]) -> None:
    addresses = itertools.cycle(GIVEN)
    people = People(database_url, app)
    database = psycopg.conninfo.conninfo_to_dict(database_url)
    async with people.browser("administrator", name="ina") as client:
        client.headers.update({"Referer": GIVEN[0], "X-Forwarded-Host": GIVEN[0]})
        document = (await client.get("/api/openapi.json")).json()
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                where, given = re.sub(r"{\w+}", "1", path), next(addresses)
                query = {one["name"]: given for one in operation.get("parameters", ())
                         if one["in"] == "query"}
                body = operation.get("requestBody", {}).get("content", {}).get(
                    "application/json", {}).get("schema")
                await client.request(method, where, params=query, json=None if body is None else
                                     _filled(body, document, given))
        for route in [one for one in routes() if not one.path.startswith("/api/")
                      and one.path != "/sign-out"]:
            where = re.sub(r"{\w+(:path)?}", "1", route.path.replace("{day}", "2026-03-01"))
            given = next(addresses)
            fields = dict.fromkeys(("name", "site", "code", "reason", "targets", "kind", "group",
                                    "branch", "role"), given)
            await client.request(
                route.method, where, params={"search": given, "next": given, "site": given},
                data=None if route.method == "GET" else {"csrf": CSRF, **fields})
        rows = [{**row, "name": GIVEN[0], "address": GIVEN[1]} for row in town(2)]
        await client.post("/api/v1/registry/import", content=content(rows))
        assert "location" not in (await client.get("/sign-in", params={"next": GIVEN[4]})).headers
    # A pool may dial the database again: that address is the settings', and nobody else's.
    ours = {str(database.get("host")), str(database.get("hostaddr")), "127.0.0.1"}
    strange = [(event, where) for event, where in watched if not (
        event == "socket.getaddrinfo" and where in ours or event == "socket.connect" and (
            isinstance(where, str | bytes)      # A socket of this machine, such as PostgreSQL's.
            or (where[0] in ours and str(where[1]) == str(database.get("port")))))]
    assert strange == []
