"""Schemas that arrive: documents, and the meters, delivery points and register sets they name.

Left out: readings; reading a batch by a schema (resolved/store.py). Everything works inside the
caller's transaction, for many concentrators at once: a fleet that is put up says all its schemas
in one hour. Rows are written in the order of their keys, so that parallel workers wait for one
another and never in a circle.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from wum_cloud.database import Connection
from wum_cloud.registry.schemas.plan import Claim, layouts_of
from wum_cloud.registry.schemas.sets.store import register_set_ids
from wum_shared.messages import Meter, Schedule, Schema

SCHEDULED = 0             # The profile that the schedule speaks of (contract.cddl).
_ANALYZED_FROM = 1000     # Meters; fewer are found by their keys whatever the planner guesses.


@dataclass(frozen=True, slots=True)
class Arrived:
    """A schema message that is genuine and whose schema can be stored."""

    concentrator_id: int
    tenant_id: int
    epoch: int
    counter: int
    schema_id: bytes
    document: bytes
    schema: Schema


async def acquire(connection: Connection, arrived: list[Arrived]) -> dict[int, list[Claim]]:
    """Take in schemas of different concentrators: the meters and register sets that they name.

    Only the newest message of a concentrator changes what is there; an older one, or one that is
    sent again, just adds what is missing. Returns, by concentrator, the meters that it claims and
    another one has: those stay with their owner, until its own schema in force leaves them out.
    """
    arrived = sorted(arrived, key=lambda one: one.concentrator_id)
    assert len({one.concentrator_id for one in arrived}) == len(arrived)
    newest = await _newest(connection, arrived)
    await connection.execute(
        "insert into schema_document (concentrator_id, schema_id, document, valid_from)"
        " select * from unnest(%s::integer[], %s::bytea[], %s::bytea[], %s::timestamptz[])"
        " on conflict do nothing",
        [[one.concentrator_id for one in arrived], [one.schema_id for one in arrived],
         [one.document for one in arrived], [_valid_from(one) for one in arrived]])
    await _lay_out(connection, arrived, {one.concentrator_id for one in newest})
    await _insert_meters(connection)
    if newest:
        await _bring_up_to_date(connection, newest)
    await _note_schedules(connection, arrived)
    return await _foreign_claims(connection)


async def _newest(connection: Connection, arrived: list[Arrived]) -> list[Arrived]:
    """Those that are newer than the schema in force; the concentrators are locked."""
    rows = await (await connection.execute(
        "select concentrator_id, schema_epoch, schema_counter from concentrator"
        " where concentrator_id = any(%s) order by concentrator_id for no key update",
        [[one.concentrator_id for one in arrived]])).fetchall()
    known = {number: (epoch, counter) for number, epoch, counter in rows}
    return [one for one in arrived if known[one.concentrator_id][0] is None
            or (one.epoch, one.counter) > known[one.concentrator_id]]


_ARRIVING = """
    create temporary table if not exists arriving (
        tenant_id smallint not null, serial text not null, concentrator_id integer not null,
        is_newest boolean not null, valid_from timestamptz not null, model text not null,
        delivery_point text not null, register_sets integer[] not null,
        periods integer[] not null, offsets integer[] not null,     -- Of each set; null: none.
        parts jsonb not null, period_s integer not null, offset_s integer not null
    ) on commit delete rows"""


async def _lay_out(connection: Connection, arrived: list[Arrived], newest: set[int]) -> None:
    """All meters that the schemas name, in a table of this transaction."""
    layouts = list(dict.fromkeys([x for one in arrived for x in layouts_of(one.schema)]))
    sets = dict(zip(layouts, await register_set_ids(connection, layouts), strict=True))
    await connection.execute(_ARRIVING.encode())
    async with connection.cursor() as cursor, cursor.copy(b"copy arriving from stdin") as copy:
        for one in arrived:
            numbers = [sets[layout] for layout in layouts_of(one.schema)]
            common = (one.concentrator_id, one.concentrator_id in newest, _valid_from(one))
            for m in one.schema.meters:
                due = _due(one.schema, m, numbers)
                parts = _parts(due, one.schema.schedules[m.schedules[0]])
                await copy.write_row([
                    one.tenant_id, m.serial, *common, m.model, m.delivery_point,
                    _numbers([*due]),
                    _numbers([s.period_s if s else None for s in due.values()]),
                    _numbers([s.offset_s if s else None for s in due.values()]),
                    json.dumps(parts), *parts[0][:2]])
    meters = sum([len(one.schema.meters) for one in arrived])
    if meters >= _ANALYZED_FROM:
        await connection.execute("analyze arriving")


def _due(schema: Schema, meter: Meter, numbers: list[int]) -> dict[int, Schedule | None]:
    """The sets of a meter, by number in rising order, each with the schedule that speaks of it."""
    found = {numbers[i]: schema.schedules[s] if schema.register_sets[i].profile == SCHEDULED
             else None for i, s in zip(meter.register_sets, meter.schedules, strict=True)}
    return {number: found[number] for number in sorted(found)}


def _parts(due: dict[int, Schedule | None], otherwise: Schedule) -> list[list[Any]]:
    """(period, offset, numbers of sets) of each schedule, the shortest period first."""
    schedules = sorted({s for s in due.values() if s is not None}) or [otherwise]
    return [[s.period_s, s.offset_s, [number for number, its in due.items() if its == s]]
            for s in schedules]


def _numbers(numbers: Sequence[int | None]) -> str:
    return "{%s}" % ",".join(["null" if number is None else str(number) for number in numbers])


def _valid_from(one: Arrived) -> datetime:
    return datetime.fromtimestamp(one.schema.valid_from_s, UTC)


async def _insert_meters(connection: Connection) -> None:
    """What is new. Where two claim a meter that nobody has, the lower number gets it."""
    await connection.execute(
        "insert into delivery_point (tenant_id, name, site_id)"
        " select distinct on (a.tenant_id, a.delivery_point) a.tenant_id, a.delivery_point,"
        "   c.site_id"
        " from arriving a join concentrator c using (concentrator_id)"
        " order by a.tenant_id, a.delivery_point, a.concentrator_id on conflict do nothing")
    await connection.execute(
        "insert into meter (tenant_id, serial, model, delivery_point_id, concentrator_id,"
        "   period_s, offset_s)"
        " select a.tenant_id, a.serial, a.model, d.delivery_point_id, a.concentrator_id,"
        "   a.period_s, a.offset_s"
        " from arriving a join delivery_point d on d.tenant_id = a.tenant_id"
        "   and d.name = a.delivery_point"
        " order by a.tenant_id, a.serial, a.concentrator_id on conflict do nothing")


async def _bring_up_to_date(connection: Connection, newest: list[Arrived]) -> None:
    """The schemas are in force now: meters they leave out are free, and others may have them."""
    numbers = [one.concentrator_id for one in newest]
    await connection.execute(
        "delete from meter_register_set s using meter m where m.meter_id = s.meter_id"
        " and m.concentrator_id = any(%s) and not exists (select from arriving a"
        "   where (a.tenant_id, a.serial, a.concentrator_id)"
        "     = (m.tenant_id, m.serial, m.concentrator_id))", [numbers])
    await connection.execute(
        "with free as (select m.meter_id from meter m join arriving a using (tenant_id, serial)"
        "   where a.is_newest and m.concentrator_id <> a.concentrator_id and not exists ("
        "     select from meter_register_set s where s.meter_id = m.meter_id)"
        "   and not exists (select from meter_stay y"     # Somebody moved it away from there.
        "     where (y.meter_id, y.concentrator_id) = (m.meter_id, a.concentrator_id))"
        "   and not exists (select from arriving o where o.is_newest"     # Its owner names it.
        "     and (o.tenant_id, o.serial, o.concentrator_id)"
        "       = (m.tenant_id, m.serial, m.concentrator_id))"
        "   order by m.meter_id for no key update of m)"
        " update meter m set concentrator_id = (select min(a.concentrator_id) from arriving a"
        "   where (a.tenant_id, a.serial) = (m.tenant_id, m.serial) and a.is_newest)"
        " from free where m.meter_id = free.meter_id")
    await _update_meters(connection, numbers)
    await connection.execute(
        "update concentrator c set schema_id = x.schema_id, schema_epoch = x.epoch,"
        "   schema_counter = x.counter"
        " from unnest(%s::integer[], %s::bytea[], %s::integer[], %s::bigint[])"
        "   as x (concentrator_id, schema_id, epoch, counter)"
        " where c.concentrator_id = x.concentrator_id",
        [numbers, [one.schema_id for one in newest], [one.epoch for one in newest],
         [one.counter for one in newest]])


async def _update_meters(connection: Connection, numbers: list[int]) -> None:
    """Where a meter is installed a person has said (registry/life): that stands."""
    await connection.execute(
        "with said as (select m.meter_id, a.model, a.period_s, a.offset_s,"
        "     case when exists (select from installation i where i.meter_id = m.meter_id)"
        "       then m.delivery_point_id else d.delivery_point_id end as delivery_point_id"
        "   from arriving a join delivery_point d on d.tenant_id = a.tenant_id"
        "     and d.name = a.delivery_point"
        "   join meter m on (m.tenant_id, m.serial, m.concentrator_id)"
        "     = (a.tenant_id, a.serial, a.concentrator_id) where a.is_newest)"
        " update meter m set model = a.model, delivery_point_id = a.delivery_point_id,"
        "   period_s = a.period_s, offset_s = a.offset_s from said a"
        " where m.meter_id = a.meter_id"
        " and (m.model, m.delivery_point_id, m.period_s, m.offset_s)"
        "   is distinct from (a.model, a.delivery_point_id, a.period_s, a.offset_s)")
    await connection.execute(
        "delete from meter_register_set s using meter m, arriving a"
        " where m.meter_id = s.meter_id and m.concentrator_id = any(%s) and a.is_newest"
        " and (a.tenant_id, a.serial, a.concentrator_id)"
        "   = (m.tenant_id, m.serial, m.concentrator_id)"
        " and s.register_set_id <> all(a.register_sets)", [numbers])
    await connection.execute(
        "insert into meter_register_set as t (meter_id, register_set_id, period_s, offset_s)"
        " select m.meter_id, n.register_set_id, n.period_s, n.offset_s from arriving a"
        " join meter m using (tenant_id, serial, concentrator_id)"
        " cross join unnest(a.register_sets, a.periods, a.offsets)"
        "   as n (register_set_id, period_s, offset_s)"
        " where a.is_newest order by 1, 2 on conflict (meter_id, register_set_id) do update"
        "   set period_s = excluded.period_s, offset_s = excluded.offset_s"
        " where (t.period_s, t.offset_s) is distinct from (excluded.period_s, excluded.offset_s)")


async def _note_schedules(connection: Connection, arrived: list[Arrived]) -> None:
    """Since when which sets of each meter are read how often, by an older schema too; and what it
    no longer names.

    What was expected changes with it: the ledger is told since when. A clock that is ahead cannot
    put a schedule off: it is in force now at the latest.
    """
    await connection.execute("""
        with said as (
            select m.meter_id, c.concentrator_id, least(c.valid_from, now()) as valid_from,
                   coalesce(a.parts, '[]') as parts
              from unnest(%s::integer[], %s::timestamptz[]) as c (concentrator_id, valid_from)
              join meter m using (concentrator_id)
              left join arriving a on (a.tenant_id, a.serial, a.concentrator_id)
                                    = (m.tenant_id, m.serial, m.concentrator_id)
                   and (m.archived_at is null or c.valid_from < m.archived_at)),
        changed as materialized (
            select s.*
              from said s left join lateral (
                   select (array_agg(p.concentrator_id))[1] as concentrator_id,
                          coalesce(jsonb_agg(jsonb_build_array(p.period_s, p.offset_s,
                              p.register_sets) order by p.part)
                              filter (where p.period_s is not null), '[]') as parts
                     from meter_schedule p
                    where p.meter_id = s.meter_id and p.valid_from = (
                          select max(valid_from) from meter_schedule q
                           where q.meter_id = s.meter_id and q.valid_from <= s.valid_from)
                   ) as p on true
             where (p.concentrator_id, p.parts) is distinct from (s.concentrator_id, s.parts)
               and (s.parts <> '[]' or p.parts <> '[]')),
        gone as (
            delete from meter_schedule t using changed c
             where (t.meter_id, t.valid_from) = (c.meter_id, c.valid_from)
               and t.part >= greatest(1, jsonb_array_length(c.parts))),
        put as (
            insert into meter_schedule (meter_id, valid_from, part, concentrator_id, period_s,
                   offset_s, register_sets)
            select c.meter_id, c.valid_from, coalesce(x.place - 1, 0), c.concentrator_id,
                   (x.one ->> 0)::integer, coalesce((x.one ->> 1)::integer, 0),
                   array(select number::integer from jsonb_array_elements_text(x.one -> 2)
                             as n (number))
              from changed c
              left join lateral jsonb_array_elements(c.parts) with ordinality as x (one, place)
                   on true
             order by 1, 3
            on conflict (meter_id, valid_from, part) do update set period_s = excluded.period_s,
                   offset_s = excluded.offset_s, concentrator_id = excluded.concentrator_id,
                   register_sets = excluded.register_sets)
        insert into ledger_mark (concentrator_id, since)
        select concentrator_id, min(valid_from) from changed group by 1 order by 1""",
        [[one.concentrator_id for one in arrived], [_valid_from(one) for one in arrived]])


async def _foreign_claims(connection: Connection) -> dict[int, list[Claim]]:
    rows = await (await connection.execute(
        "select a.concentrator_id, m.serial, c.name from arriving a"
        " join meter m using (tenant_id, serial)"
        " join concentrator c on c.concentrator_id = m.concentrator_id"
        " where m.concentrator_id <> a.concentrator_id order by 1, 2")).fetchall()
    claims: defaultdict[int, list[Claim]] = defaultdict(list)
    for number, serial, owner in rows:
        claims[number].append(Claim(serial, owner))
    return claims
