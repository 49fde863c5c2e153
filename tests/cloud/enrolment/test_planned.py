"""A concentrator that was planned is told its configuration with the grant of its claim."""

from pathlib import Path

import psycopg
import pytest

from tests.cloud.enrolment.box import HERE, INES, Box, claimed, named_root, request, users
from wum_cloud.database import Pool
from wum_cloud.enrolment.claims.claiming import ClaimRefused
from wum_cloud.enrolment.planned import planning, store
from wum_cloud.enrolment.planned.planning import PlanningRefused
from wum_cloud.enrolment.planned.store import Planned
from wum_cloud.registry.cipher import SodiumVerifier
from wum_cloud.registry.keys import Vault
from wum_shared import enrolment, orders
from wum_shared.configuration import decode_configuration

PLAN = """
    insert into bus (concentrator_id, name, port)
        select concentrator_id, 'rs485', '/dev/ttyS1' from concentrator where name = 'west';
    insert into schedule (tenant_id, name, period_s, offset_s) values (1, 'quarter', 900, 0);
    insert into delivery_point (tenant_id, name) values (1, 'DP1');
    insert into meter (tenant_id, serial, model, delivery_point_id, concentrator_id, period_s,
                       offset_s, bus_id, address, schedule_id)
        select 1, 'M1', 'eastron-sdm630', d.delivery_point_id, c.concentrator_id, 900, 0, b.bus_id,
               '7', s.schedule_id
          from concentrator c join bus b using (concentrator_id), delivery_point d, schedule s
         where c.name = 'west';
    insert into configuration_setting (tenant_id, scope, name, settings, changed_by)
        select 1, 'concentrator', encode(device_id, 'hex'), '{"tolerance_s": 7}', 'ines'
          from concentrator where name = 'west'"""


async def planned(pool: Pool) -> bytes:
    async with pool.connection() as connection:
        return await planning.plan(connection, HERE, INES, "west", None)


async def plans(pool: Pool) -> list[Planned]:
    async with pool.connection() as connection:
        return await store.listed(connection, HERE, most=10)


def do(url: str, *statements: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        for statement in statements:
            cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def order_of(grant: enrolment.Grant) -> orders.Order:
    """What came with a grant, by the order key of its trust document."""
    trust = enrolment.kept_trust(named_root(grant.trust), grant.trust)
    return orders.open_order(SodiumVerifier(), trust.order_keys, grant.first_order)


async def test_what_was_planned_goes_with_the_grant_to_whoever_takes_the_plan_over(
        pool: Pool, vault: Vault, root: Path, database_url: str) -> None:
    plan = await planned(pool)
    do(database_url, PLAN)
    box = Box()
    await claimed(pool, vault, box, "", planned=plan)
    assert await users(pool) == {box.secrets.name.hex()}, "a plan has no account at the broker"
    grant = await request(pool, vault, box)
    order = order_of(grant)
    assert (order.to, order.kind) == (box.id, orders.CONFIGURE)
    told = decode_configuration(order.arguments)
    assert [meter["serial"] for meter in told.parts["meter"]] == ["M1"] and told.number == 1
    assert told.parts["clock_policy"] == {"tolerance_s": 7}
    assert told.parts["schedule"] == {"period_s": 900, "offset_s": 0}
    assert do(database_url, "select encode(device_id, 'hex'), name, planned_at from concentrator"
              ) == [(box.id.hex(), "west", None)]
    assert do(database_url, "select state, sent, requested_by from command") == [
        ("sent", 1, "ines")]
    assert await plans(pool) == [] and box.id.hex() in await users(pool)
    assert do(database_url, "select name from configuration_setting") == [(box.id.hex(),)]
    again = await request(pool, vault, box)
    assert again.first_order == grant.first_order, "the same order: it is carried out once"
    assert do(database_url, "select count(*) from command") == [(1,)]


async def test_a_claim_without_a_plan_is_granted_as_ever(
        pool: Pool, vault: Vault, root: Path) -> None:
    await planned(pool)
    box = Box()
    with pytest.raises(ClaimRefused, match=r"called west already: one that is planned is claimed"):
        await claimed(pool, vault, box, "west")
    await claimed(pool, vault, box, "east")
    assert (await request(pool, vault, box)).first_order == b""
    assert [one.name for one in await plans(pool)] == ["west"]


async def test_a_plan_that_is_not_whole_lets_its_concentrator_in_without_a_configuration(
        pool: Pool, vault: Vault, root: Path, database_url: str) -> None:
    box, plan = Box(), await planned(pool)
    await claimed(pool, vault, box, "", planned=plan)
    assert (await request(pool, vault, box)).first_order == b""
    assert do(database_url, "select encode(device_id, 'hex'), name from concentrator") == [
        (box.id.hex(), "west")]
    assert do(database_url, "select count(*) from command") == [(0,)]


async def test_a_plan_is_claimed_once_and_by_nobody_who_only_knows_its_id(
        pool: Pool, vault: Vault, root: Path) -> None:
    plan = await planned(pool)
    with pytest.raises(ClaimRefused, match="no planned concentrator 00"):
        await claimed(pool, vault, Box(), "", planned=bytes(8))
    await claimed(pool, vault, Box(), "", planned=plan)
    with pytest.raises(ClaimRefused, match="A claim waits for west already"):
        await claimed(pool, vault, Box(), "", planned=plan)


async def test_a_plan_is_refused_and_forgotten_with_a_sentence(
        pool: Pool, vault: Vault, root: Path, database_url: str) -> None:
    plan = await planned(pool)
    async with pool.connection() as connection:
        for name, site, said in (("west", None, "called west already"),
                                 ("", None, "1..64 printable"), ("x", "nowhere", "no site")):
            with pytest.raises(PlanningRefused, match=said):
                await planning.plan(connection, HERE, INES, name, site)
        assert not await planning.forget(connection, HERE, INES, bytes(8))
    do(database_url, PLAN)
    async with pool.connection() as connection:
        with pytest.raises(PlanningRefused, match="Meters are planned at west"):
            await planning.forget(connection, HERE, INES, plan)
    do(database_url, "delete from meter")
    async with pool.connection() as connection:
        assert await planning.forget(connection, HERE, INES, plan)
    assert do(database_url, "select count(*) from concentrator") == [(0,)]
    assert [act for act, in do(database_url, "select act from audit_entry order by number")][-2:
            ] == ["concentrator planned", "plan forgotten"]
