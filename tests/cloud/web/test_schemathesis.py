"""schemathesis over the whole OpenAPI document, with rights, with few, with none.

It makes the questions, good ones and bad ones, from the document that integrators get; they are
asked here, so that one head-end with one database answers all of them.
"""

import os
from typing import Any

import httpx
import psycopg
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.core.transport import Response

from tests.cloud.web.people import People
from tests.cloud.web.street import Street
from wum_cloud.audit import acts
from wum_cloud.people.permissions import ROLES
from wum_cloud.web.app import declarations

# Questions of each kind to each operation: few in every run of the tests, more when asked for.
EACH = int(os.environ.get("WUM_SCHEMATHESIS_EACH", "3"))
Asked = tuple[Any, dict[str, Any]]


@pytest.fixture
def people(app: httpx.ASGITransport, database_url: str) -> People:
    return People(database_url, app)


def questions(document: dict[str, Any], mode: schemathesis.GenerationMode) -> list[Asked]:
    """(case, arguments for a request) for each operation of the document; always the same ones."""
    made: list[Asked] = []
    schema = schemathesis.openapi.from_dict(document, config=SchemathesisConfig())
    for operation in [found.ok() for found in schema.get_all_operations()]:
        @settings(max_examples=EACH, derandomize=True, database=None, phases=[Phase.generate],
                  suppress_health_check=list(HealthCheck), deadline=None)
        @given(operation.as_strategy(generation_mode=mode))
        def make(case: Any) -> None:
            made.append((case, case.as_transport_kwargs(base_url="http://localhost:8000")))
        try:
            make()
        except Exception as error:  # Nothing can be made wrong about it: it has no parameter.
            if "Unsatisfiable" not in type(error).__name__:
                raise
    return made


async def ask(client: httpx.AsyncClient, asked: dict[str, Any]) -> httpx.Response:
    return await client.request(
        asked["method"], asked["url"], params=asked.get("params"), json=asked.get("json"))


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
async def test_no_question_makes_the_api_fail_or_answer_what_its_document_does_not_say(
        people: People, street: Street, system: httpx.AsyncClient,
        mode: schemathesis.GenerationMode) -> None:
    street.add_meter("SDM-1")
    document = (await system.get("/api/openapi.json")).json()
    made = questions(document, mode)
    assert len(made) > 60
    for case, asked in made:
        answer = await ask(system, asked)
        assert answer.status_code < 500, (asked, answer.text)
        case.operation.validate_response(Response.from_httpx(answer, verify=False))


async def test_no_question_gets_an_answer_without_the_right_to_it(
        people: People, street: Street, nobody: httpx.AsyncClient, database_url: str) -> None:
    street.add_meter("SDM-1")
    document = (await nobody.get("/api/openapi.json")).json()
    needs = {(route.method, route.path.replace(":path", "")): route.needs[0].permission
             for route in declarations() if route.path.startswith("/api/v1")}
    installer = people.browser("installer")
    refused = 0
    for case, asked in questions(document, schemathesis.GenerationMode.POSITIVE):
        answer = await ask(nobody, {**asked, "cookies": None})
        assert answer.status_code in (400, 401, 403, 404, 422), (asked, answer.status_code)
        permission = needs[case.operation.method.upper(), case.operation.path]
        answer = await ask(installer, asked)
        if permission not in ROLES["installer"]:
            assert answer.status_code in (400, 403, 404, 405, 422), (asked, answer.status_code)
            refused += answer.status_code == 403
    assert refused > 20
    with psycopg.connect(database_url) as connection:
        done = connection.execute("select act from audit_entry where act <> 'refused'").fetchall()
    # An installer may plan a concentrator, whatever it is called; nothing else is done by guessing.
    assert {act for act, in done} <= {acts.CONCENTRATOR_PLANNED}
