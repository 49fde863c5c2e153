"""What the API refuses: every question that has no answer gets problem details, never a failure."""

import httpx
import pytest

from tests.cloud.web.conftest import ORIGIN, TOKEN
from tests.cloud.web.street import DEVICE, Street
from wum_cloud.paging import encode_cursor

DAY = {"from": "2026-03-01T00:00:00Z", "to": "2026-03-02T00:00:00Z"}
HOSTILE = {
    "cursor": [
        "x", "é", "x" * 601, encode_cursor([10**30]), encode_cursor([-10**30]),
        encode_cursor(["\0"]), encode_cursor(["\ud800"]),
        encode_cursor(["a", "b", 1]), encode_cursor(["2026-01-01T00:00:00+00:00", "zz", 1]),
        encode_cursor(["2026-01-01T00:00:00+00:00", "00", 10**30])],
    "limit": ["", "0", "-1", "10001", "1e9", "9" * 40, "true"],
    "search": ["\0", "%" * 65, "x" * 5000],
    "act": ["\0", "x" * 65],
    "site": ["\0", "x" * 201],
    "concentrator": ["\0", "zz", ""],
    "state": ["x", ""],
    "register": ["\0", "1.8.0", "9" * 500, ""],
    "from": ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "nan", "0", "-1e20", ""],
    "to": ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "1e300", ""],
    "resolution": ["x", ""], "by": ["x", ""],
    "day": ["x", "", "2026-02-30", "0001-01-01", "9999-12-31", "1e300", "2026-03-01T12:00:00Z"],
    "register_set": ["0", "-1", "x", "", "9" * 40, "1e2"],
}


COMMAND = """
    insert into command (tenant_id, concentrator_id, request_id, order_id, kind, arguments, shown,
                         reason, state, requested_by, needs_approval, begins_at, expires_at, due_at)
    select 1, concentrator_id, 1, '12345678', 9, '', '', 'a test', 'done', 'root', false, now(),
           now() + interval '1 hour', now()
      from concentrator"""

RELEASE = """
    insert into release (tenant_id, sequence, digest, target, version, commit_id, envelope, content,
                         chunk_index, bill, signers, threshold, taken_by)
    values (1, 4, sha256('x'), 'linux', '1.4', '', '', '', '', '{}', '{ada}', 1, 'ada')"""
CAMPAIGN = """
    insert into campaign (tenant_id, release_id, name, reason, plan, state, waves, requested_by)
    select 1, release_id, 'all', 'a test', '{}', 'requested', 1, 'ada' from release"""

GROUP = """
    insert into command_group (tenant_id, name, address) values (1, 'pumps', '12345678')"""


@pytest.fixture
def meter(street: Street) -> int:
    """A meter that was never read, of a concentrator that has told how it is."""
    street.do("insert into concentrator_condition select concentrator_id, 0, 1, now(), now(), 2, 0,"
              " null, 0, 0, 0 from concentrator")
    number = street.add_meter("SDM-1")
    street.do(COMMAND)
    street.do(RELEASE)
    street.do(CAMPAIGN)
    street.do(GROUP)
    return number


def is_problem(answer: httpx.Response) -> bool:
    return (answer.headers["content-type"] == "application/problem+json"
            and answer.json()["status"] == answer.status_code
            and answer.json()["request_id"] == answer.headers["x-request-id"])


async def operations(client: httpx.AsyncClient) -> list[tuple[str, set[str]]]:
    """(address of something that exists, its parameters) of every operation."""
    paths = (await client.get("/api/openapi.json")).json()["paths"]
    found = []
    for path, methods in paths.items():
        if "get" not in methods:
            continue
        address = path.replace("{serial}", "SDM-1").replace("{id}", DEVICE.hex())
        address = address.replace("/delivery-points/{name}", "/delivery-points/dp-SDM-1")
        address = address.replace("/command-groups/{name}", "/command-groups/pumps")
        address = address.replace("/accounts/{name}", "/accounts/ana")
        address = address.replace("{day}", "2026-03-01")
        for numbered in ("/commands/", "/command-requests/", "/releases/", "/campaigns/"):
            address = address.replace(numbered + DEVICE.hex(), numbered + "1")
        asked = methods["get"].get("parameters", [])
        found.append((address, {one["name"] for one in asked if one["in"] == "query"}))
    return found


def answerable(address: str, parameters: set[str]) -> dict[str, str]:
    """What an operation has to be asked at least."""
    if address.endswith("/completeness"):
        return {"from": "2026-03-01", "to": "2026-03-02"}
    if "day" in parameters:
        return {"day": "2026-03-01"}
    return {"register": "1-0:1.8.0", **DAY} if "register" in parameters else {}


async def test_no_value_of_any_parameter_makes_the_api_fail(system, meter):
    asked = 0
    for address, parameters in await operations(system):
        whole = answerable(address, parameters)
        for name in sorted(parameters):
            for value in HOSTILE[name]:
                answer = await system.get(address, params={**whole, name: value})
                assert answer.status_code in (400, 422), (address, name, value, answer.text)
                assert is_problem(answer), (address, name, value)
                asked += 1
    assert asked > 60


async def test_a_parameter_that_an_operation_lacks_is_refused_by_name(system, meter):
    for address, parameters in await operations(system):
        whole = answerable(address, parameters)
        assert (await system.get(address, params=whole)).status_code == 200, address
        answer = await system.get(address, params={**whole, "limt": "5"})
        assert answer.status_code == 422 and is_problem(answer), address
        assert answer.json()["mistakes"][0]["where"] == "query.limt"


async def test_a_parameter_that_is_given_twice_is_refused(system):
    answer = await system.get("/api/v1/meters", params=[("search", "a"), ("search", "b")])
    assert answer.status_code == 422 and is_problem(answer)
    assert "2 times" in answer.json()["mistakes"][0]["what"]


_NOWHERE = (
    ("/api/v1/meters/%00", 400), ("/api/v1/meters/none", 404), ("/api/v1/meters/a%2Fb", 404),
    ("/api/v1/meters/%ff", 404), ("/api/v1/meters/" + "x" * 4000, 404),
    ("/api/v1/concentrators/zz", 422), ("/api/v1/concentrators/" + "0" * 16, 404),
    ("/api/v1/completeness/x/sites", 422), ("/api/v1/completeness/2026-02-30/meters", 422),
    ("/api/v1/nothing", 404), ("/api/v2/meters", 404), ("/api/", 404),
)


async def test_an_address_without_anything_behind_it_is_a_problem(system):
    for path, status in _NOWHERE:
        answer = await system.get(path)
        assert answer.status_code == status, path
        assert is_problem(answer), path


async def test_a_day_of_which_nothing_is_kept_has_an_empty_list(system):
    for day in ("0001-01-01", "9999-12-31"):
        for list_ in ("sites", "concentrators", "meters"):
            answer = await system.get(f"/api/v1/completeness/{day}/{list_}")
            assert (answer.status_code, answer.json()["items"]) == (200, []), (day, list_)


async def test_what_can_only_be_read_says_so(system):
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = await system.request(method, "/api/v1/sites")
        assert answer.status_code == 405 and is_problem(answer), method
        assert answer.headers["allow"] == "GET"


async def test_head_answers_as_get_does_without_a_body(system):
    whole = await system.get("/api/v1/sites")
    answer = await system.head("/api/v1/sites")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == whole.headers["content-length"]


@pytest.mark.parametrize(("headers", "status"), [
    ({"Content-Length": "65537"}, 413), ({"Content-Length": "-1"}, 413),
    ({"Transfer-Encoding": "chunked"}, 411)])
async def test_a_body_that_nobody_asked_for_is_not_read(system, headers, status):
    answer = await system.post("/api/v1/sites", headers=headers)
    assert answer.status_code == status and is_problem(answer)


async def test_every_answer_has_its_own_request_id(system, caplog):
    caplog.set_level("INFO", "wum_cloud.web")
    given = [(await system.get("/api/v1/meters/none")).json()["request_id"] for _ in range(3)]
    assert len(set(given)) == 3
    assert all(request_id in caplog.text for request_id in given)


async def test_a_name_cannot_write_lines_of_its_own_into_the_log(system, caplog):
    caplog.set_level("INFO", "wum_cloud.web")
    await system.get("/api/v1/meters/a%0aERROR forged")
    assert "forged" in caplog.text
    assert not any(line.startswith("ERROR forged") for line in caplog.text.splitlines())


async def test_a_database_that_is_away_is_503_and_says_that_nothing_is_lost(
        app, system, database_url):
    pool = app.app.state.database
    await pool.close()
    answer = await system.get("/api/v1/sites")
    assert answer.status_code == 503 and is_problem(answer)
    assert "nothing is lost" in answer.json()["detail"]


async def test_the_document_says_how_to_say_who_asks_and_how_refusals_look(nobody):
    document = (await nobody.get("/api/openapi.json")).json()
    assert document["security"] == [{"token": []}, {"session": []}]
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    forms = document["components"]["schemas"]
    for methods in document["paths"].values():
        for operation in methods.values():
            assert {"401", "404", "422", "500", "503"} <= set(operation["responses"])
    for name, form in forms.items():
        assert form.get("additionalProperties") is False, name
    assert document["paths"]["/api/v1/meters"]["get"]["operationId"] == "list_meters"
    assert ORIGIN and TOKEN not in str(document)
