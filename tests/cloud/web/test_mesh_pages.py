"""The mesh: its drawing, the list that says the same, and the API."""

import re
from datetime import UTC, datetime, timedelta

import httpx
import psycopg
import pytest

from tests.cloud.web.conftest import SAME_ORIGIN
from tests.cloud.web.street import Street
from tests.cloud.web.test_pages import text_of
from wum_cloud.health.mesh.picture import hops_of, is_silent, pictures
from wum_cloud.health.mesh.store import Link, Station

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def station(address: int, parent: int, *, age_s: int = 10, network: int = 5) -> Station:
    return Station(address, bytes([address]) * 8, f"cabinet-{address}", None, "street", network,
                   address, NOW - timedelta(seconds=age_s), parent == 0 and address == 1, 1,
                   50 * address, parent, 3, 41, 60)


def test_hops_follow_the_parents_and_a_circle_ends() -> None:
    stations = [station(1, 0), station(2, 1), station(3, 2), station(4, 5), station(5, 4),
                station(6, 0), station(7, 99)]
    assert hops_of(stations) == {1: 0, 2: 1, 3: 2, 4: None, 5: None, 6: None, 7: None}


def test_who_misses_three_reports_is_silent() -> None:
    assert not is_silent(station(2, 1, age_s=200), NOW)
    assert is_silent(station(2, 1, age_s=211), NOW)


def test_a_link_has_both_directions_and_the_worse_one_counts() -> None:
    links = [Link(1, 2, 0, 95, 40, NOW), Link(2, 1, 0, 60, 36, NOW - timedelta(seconds=5)),
             Link(2, 3, 1, 99, 0, NOW), Link(3, 77, 0, 50, 0, NOW)]
    (one,) = pictures([station(1, 0), station(2, 1), station(3, 2)], links, NOW)
    radio, wire = one.edges
    assert (radio.there, radio.back, radio.worst, radio.is_way) == (95, 60, 60, True)
    assert wire.is_wire and wire.back is None and wire.worst == 99
    assert [node.hops for node in one.nodes] == [0, 1, 2]
    assert len({(node.x, node.y) for node in one.nodes}) == 3
    assert all(0 < node.x < one.width and 0 < node.y < one.height for node in one.nodes)


def test_two_networks_are_two_drawings() -> None:
    found = pictures([station(1, 0), station(2, 1, network=6)], [], NOW)
    assert [(one.network, len(one.nodes)) for one in found] == [(5, 1), (6, 1)]


@pytest.fixture
def reported(street: Street) -> None:
    with psycopg.connect(street.url) as connection:
        connection.execute("update concentrator set mesh = 'Florilor'")
        connection.execute(
            "insert into mesh_station select concentrator_id, 22433, 7, 0, 1, now(), now(), false,"
            " 1, 106, 3, 12, 41, 900 from concentrator")
        connection.execute(
            "insert into mesh_link select concentrator_id, 3, 0, 94, -10, now() from concentrator")


async def test_without_a_report_the_page_says_what_to_do(operator: httpx.AsyncClient) -> None:
    assert "No mesh has reported" in text_of(await operator.get("/mesh"))


async def test_the_page_says_in_words_what_it_draws(
        operator: httpx.AsyncClient, reported: None) -> None:
    answer = await operator.get("/mesh")
    words = text_of(answer)
    assert "Florilor" in words and "by station 3 to gateway 1" in words and "4.1 %" in words
    assert "<svg class=\"topology\"" in answer.text and "No way" in words
    live = await operator.get("/mesh", headers={"hx-request": "true"})
    assert "<html" not in live.text and "Florilor" in live.text
    assert (await operator.get("/")).text.count('href="/mesh"') == 1


async def test_the_page_says_who_has_an_order_and_who_lacks_it(
        street: Street, operator: httpx.AsyncClient, reported: None) -> None:
    with psycopg.connect(street.url) as connection:
        connection.execute(
            "insert into ripple (tenant_id, network, group_number, execute_at, until, payload,"
            "   expected, ordered_by) select tenant_id, 22433, x.g, null, now() + x.span, 'x',"
            "   '{7,8}', 'somebody' from (values (3, interval '1 h'), (null, interval '1 h'),"
            "   (4, interval '-1 h')) as x (g, span), (select tenant_id from tenant limit 1) as t")
        connection.execute(
            "insert into ripple_gateway (ripple_id, concentrator_id, outcome, members)"
            " select ripple_id, (select min(concentrator_id) from concentrator), 0, '{7}'"
            " from ripple where group_number = 3")
    words = text_of(await operator.get("/mesh"))
    assert "group 3" in words and "Some lack it" in words and "1 of 2" in words
    assert "not yet: 8" in words and "everybody" in words and "Waits for a gateway" in words
    assert "No gateway took it" in words


@pytest.fixture
def can_order(street: Street) -> None:
    with psycopg.connect(street.url) as connection:
        connection.execute(
            "insert into trust_document (number, signed, digest, root_key, next_root_key,"
            " uplink_secret_sealed, order_secret_sealed) values (1, 'x', 'x',"
            " sha256('r'), sha256('r'), 'x', 'x')")


async def change(client: httpx.AsyncClient, **fields: str) -> httpx.Response:
    csrf = re.search(r'name="csrf" value="([^"]+)"', (await client.get("/mesh/keys")).text)
    assert csrf is not None
    return await client.post("/mesh/keys", data={"csrf": csrf[1], "mesh": "Florilor", **fields},
                             headers=SAME_ORIGIN)


async def test_the_networks_key_is_changed_on_its_page_and_who_lacks_it_is_named(
        street: Street, operator: httpx.AsyncClient, reported: None, can_order: None) -> None:
    assert 'href="/mesh/keys"' in (await operator.get("/mesh")).text
    words = text_of(await operator.get("/mesh/keys"))
    assert "Florilor" in words and "the head-end has made none yet" in words
    begun = await change(operator, act="begin")
    assert begun.headers.get("location") == "/mesh/keys?done=begin", begun.text
    words = text_of(await operator.get("/mesh/keys?done=begin"))
    assert "Being changed" in words and "0 of 1 stations have the key of epoch" in words
    assert "has it not; nothing was sent yet" in words and "begun by" in words
    refused = await change(operator, act="finish")
    assert refused.status_code == 422 and "1 of 1 stations have not got" in refused.text
    assert "already" in (await change(operator, act="begin")).text
    assert "begun or finished" in (await change(operator, act="burn")).text
    assert (await change(operator, act="finish", anyway="yes")).status_code == 303
    assert "Old key ending" in text_of(await operator.get("/mesh/keys"))
    with psycopg.connect(street.url) as connection:
        connection.execute("update network_key_station set has_it_at = now(), is_only_at = now()")
    words = text_of(await operator.get("/mesh/keys"))
    assert "1 of 1 stations have the key" in words and "1 take no other any more" in words


async def test_who_is_revoked_and_has_the_key_is_named_until_it_is_changed(
        street: Street, operator: httpx.AsyncClient, system: httpx.AsyncClient, reported: None,
        can_order: None) -> None:
    assert (await system.get("/api/v1/network-keys")).json()[0]["held_by_revoked"] == []
    with psycopg.connect(street.url) as connection:
        (name,) = connection.execute(
            "insert into concentrator (tenant_id, device_id, identity_key, name, mesh, revoked_at,"
            " broker_password_hash) select tenant_id, 'stolen..', sha256('s'), 'stolen one', mesh,"
            " now(), '$' from concentrator limit 1"
            " returning name").fetchone() or ("",)
    assert "Revoked, and it has a key of this mesh all the same: stolen one" in text_of(
        await operator.get("/mesh/keys"))
    (before,) = (await system.get("/api/v1/network-keys")).json()
    assert before["held_by_revoked"] == [name] and before["epoch"] is None
    await change(operator, act="begin")
    (after,) = (await system.get("/api/v1/network-keys")).json()
    assert after["held_by_revoked"] == [] and after["stations"] == 1
    assert len(after["lacking"]) == 1 and after["network"] == 22433
    assert "all the same" not in text_of(await operator.get("/mesh/keys"))


async def test_the_api_tells_the_topology(system: httpx.AsyncClient, reported: None) -> None:
    body = (await system.get("/api/v1/mesh")).json()
    (one,) = body["stations"]
    assert (one["network"], one["address"], one["parent"], one["gateway"], one["rank"]) == (
        22433, 7, 3, 1, 106)
    assert one["mesh"] == "Florilor" and one["duty_used_percent"] == 4.1
    (link,) = one["links"]
    assert (link["address"], link["medium"], link["quality"], link["margin_db"]) == (
        3, "radio", 94, -2.5)


async def test_the_api_of_a_street_without_a_mesh_is_empty(system: httpx.AsyncClient) -> None:
    assert (await system.get("/api/v1/mesh")).json() == {"stations": []}
