"""Schemas in the database: documents, the meters and delivery points they name, register sets.

Left out: readings. Every function works inside the caller's transaction. Rows are written in the
order of their keys, so that parallel workers wait for one another and never in a circle.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from psycopg.types.json import Jsonb

from wum_cloud.database import Connection
from wum_cloud.registry.schemas.layout import Layout, layout_from
from wum_cloud.registry.schemas.plan import NOT_OURS, Claim, Plan, layouts_of
from wum_shared.messages import Meter, Schema, decode_schema


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


async def acquire(connection: Connection, arrived: Arrived) -> list[Claim]:
    """Take in a schema: meters, delivery points and register sets that it names.

    Only the newest message of the concentrator changes what is there; an older one, or one that
    is sent again, just adds what is missing. Returns the meters that it claims and another
    concentrator has: those stay with their owner, until its own schema in force leaves them out.
    """
    is_newest = await _is_newest(connection, arrived)
    await connection.execute(
        "insert into schema_document (concentrator_id, schema_id, document, valid_from)"
        " values (%s, %s, %s, %s) on conflict do nothing",
        [arrived.concentrator_id, arrived.schema_id, arrived.document,
         datetime.fromtimestamp(arrived.schema.valid_from_s, UTC)])
    set_ids = await register_set_ids(connection, list(layouts_of(arrived.schema)))
    await _insert_meters(connection, arrived)
    if is_newest:
        await _release_meters(connection, arrived)
        await _take_over_released(connection, arrived)
        await _update_meters(connection, arrived, set_ids)
        await connection.execute(
            "update concentrator set schema_id = %s, schema_epoch = %s, schema_counter = %s"
            " where concentrator_id = %s",
            [arrived.schema_id, arrived.epoch, arrived.counter, arrived.concentrator_id])
    await _note_schedules(connection, arrived)
    return await _foreign_claims(connection, arrived)


async def _is_newest(connection: Connection, arrived: Arrived) -> bool:
    row = await (await connection.execute(
        "select schema_epoch, schema_counter from concentrator where concentrator_id = %s"
        " for no key update", [arrived.concentrator_id])).fetchone()
    assert row is not None
    return row[0] is None or (arrived.epoch, arrived.counter) > (row[0], row[1])


async def register_set_ids(connection: Connection, layouts: list[Layout]) -> list[int]:
    """The number of each layout, made where it is new."""
    numbers = await _known_set_ids(connection, layouts)
    missing = sorted({x.digest: x for x in layouts if x.digest not in numbers}.items())
    if missing:  # Not tried for what is known: every attempt uses up a number.
        await connection.execute(
            "insert into register_set (digest, profile, registers)"
            " select * from unnest(%s::bytea[], %s::smallint[], %s::jsonb[])"
            " on conflict do nothing",
            [[digest for digest, _ in missing], [layout.profile for _, layout in missing],
             [Jsonb(layout.described()) for _, layout in missing]])
        numbers = await _known_set_ids(connection, layouts)
    return [numbers[layout.digest] for layout in layouts]


async def _known_set_ids(connection: Connection, layouts: list[Layout]) -> dict[bytes, int]:
    rows = await (await connection.execute(
        "select digest, register_set_id from register_set where digest = any(%s)",
        [[layout.digest for layout in layouts]])).fetchall()
    return {bytes(digest): number for digest, number in rows}


async def layouts_by_id(connection: Connection, wanted: list[int]) -> dict[int, Layout]:
    """The layouts with these numbers."""
    rows = await (await connection.execute(
        "select register_set_id, profile, registers from register_set"
        " where register_set_id = any(%s)", [wanted])).fetchall()
    return {number: layout_from(profile, registers) for number, profile, registers in rows}


async def _insert_meters(connection: Connection, arrived: Arrived) -> None:
    meters = sorted(arrived.schema.meters)
    names = sorted({meter.delivery_point for meter in meters})
    await connection.execute(
        "insert into delivery_point (tenant_id, name, site_id)"
        " select %s, n.name, c.site_id from unnest(%s::text[]) as n (name), concentrator c"
        " where c.concentrator_id = %s order by n.name on conflict do nothing",
        [arrived.tenant_id, names, arrived.concentrator_id])
    await connection.execute(
        "insert into meter (tenant_id, serial, model, delivery_point_id, concentrator_id,"
        "   period_s, offset_s)"
        " select %s, m.serial, m.model, d.delivery_point_id, %s, m.period_s, m.offset_s"
        " from unnest(%s::text[], %s::text[], %s::text[], %s::integer[], %s::integer[])"
        "   as m (serial, model, delivery_point, period_s, offset_s)"
        " join delivery_point d on d.tenant_id = %s and d.name = m.delivery_point"
        " order by m.serial on conflict do nothing",
        [arrived.tenant_id, arrived.concentrator_id, *_described(arrived.schema, meters),
         arrived.tenant_id])


def _described(schema: Schema, meters: list[Meter]) -> list[list[object]]:
    """Serials, models, delivery points, periods and offsets, each as one list."""
    schedules = [schema.schedules[meter.schedule] for meter in meters]
    return [[m.serial for m in meters], [m.model for m in meters],
            [m.delivery_point for m in meters],
            [s.period_s for s in schedules], [s.offset_s for s in schedules]]


async def _release_meters(connection: Connection, arrived: Arrived) -> None:
    """The concentrator's meters that its newest schema leaves out: another one may have them."""
    await connection.execute(
        "delete from meter_register_set where meter_id in ("
        "   select meter_id from meter where concentrator_id = %s and serial <> all(%s))",
        [arrived.concentrator_id, [meter.serial for meter in arrived.schema.meters]])


async def _take_over_released(connection: Connection, arrived: Arrived) -> None:
    await connection.execute(
        "update meter m set concentrator_id = %s"
        " where m.tenant_id = %s and m.serial = any(%s) and m.concentrator_id <> %s"
        " and not exists (select from meter_register_set s where s.meter_id = m.meter_id)",
        [arrived.concentrator_id, arrived.tenant_id,
         [meter.serial for meter in arrived.schema.meters], arrived.concentrator_id])


async def _update_meters(
        connection: Connection, arrived: Arrived, set_ids: list[int]) -> None:
    meters = sorted(arrived.schema.meters)
    await connection.execute(
        "update meter set model = m.model, delivery_point_id = d.delivery_point_id,"
        "   period_s = m.period_s, offset_s = m.offset_s"
        " from unnest(%s::text[], %s::text[], %s::text[], %s::integer[], %s::integer[])"
        "   as m (serial, model, delivery_point, period_s, offset_s)"
        " join delivery_point d on d.tenant_id = %s and d.name = m.delivery_point"
        " where meter.tenant_id = %s and meter.serial = m.serial and concentrator_id = %s"
        " and (meter.model, meter.delivery_point_id, meter.period_s, meter.offset_s)"
        "   is distinct from (m.model, d.delivery_point_id, m.period_s, m.offset_s)",
        [*_described(arrived.schema, meters), arrived.tenant_id, arrived.tenant_id,
         arrived.concentrator_id])
    pairs = [(m.serial, set_ids[index]) for m in meters for index in sorted(set(m.register_sets))]
    await connection.execute(
        "delete from meter_register_set s using meter m"
        " where m.meter_id = s.meter_id and m.concentrator_id = %s and not exists ("
        "   select from unnest(%s::text[], %s::integer[]) as p (serial, register_set_id)"
        "   where p.serial = m.serial and p.register_set_id = s.register_set_id)",
        [arrived.concentrator_id, [p[0] for p in pairs], [p[1] for p in pairs]])
    await connection.execute(
        "insert into meter_register_set (meter_id, register_set_id)"
        " select m.meter_id, p.register_set_id"
        " from unnest(%s::text[], %s::integer[]) as p (serial, register_set_id)"
        " join meter m on m.tenant_id = %s and m.serial = p.serial and m.concentrator_id = %s"
        " order by 1, 2 on conflict do nothing",
        [[p[0] for p in pairs], [p[1] for p in pairs], arrived.tenant_id,
         arrived.concentrator_id])


async def _note_schedules(connection: Connection, arrived: Arrived) -> None:
    """Since when each meter is read how often, an older schema too; and what it no longer names.

    What was expected changes with it: the ledger is told since when. A clock that is ahead cannot
    put a schedule off: it is in force now at the latest.
    """
    meters = sorted(arrived.schema.meters)
    serials, _, _, periods, offsets = _described(arrived.schema, meters)
    valid_from = datetime.fromtimestamp(arrived.schema.valid_from_s, UTC)
    changed = await (await connection.execute(
        "with said as ("
        "   select m.meter_id, x.period_s, coalesce(x.offset_s, 0) as offset_s from meter m"
        "   left join unnest(%(serials)s::text[], %(periods)s::integer[], %(offsets)s::integer[])"
        "     as x (serial, period_s, offset_s) on x.serial = m.serial"
        "   where m.tenant_id = %(tenant)s and m.concentrator_id = %(number)s)"
        " insert into meter_schedule as t"
        "   (meter_id, valid_from, concentrator_id, period_s, offset_s)"
        " select s.meter_id, least(%(valid_from)s, now()), %(number)s, s.period_s, s.offset_s"
        " from said s left join lateral (select p.concentrator_id, p.period_s, p.offset_s"
        "   from meter_schedule p where p.meter_id = s.meter_id"
        "   and p.valid_from <= least(%(valid_from)s, now())"
        "   order by p.valid_from desc limit 1) as p on true"
        " where (p.concentrator_id, p.period_s, p.offset_s)"
        "     is distinct from (%(number)s, s.period_s, s.offset_s)"
        "   and (s.period_s is not null or p.period_s is not null)"
        " order by s.meter_id"
        " on conflict (meter_id, valid_from) do update set period_s = excluded.period_s,"
        "   offset_s = excluded.offset_s, concentrator_id = excluded.concentrator_id"
        " returning valid_from",
        {"serials": serials, "periods": periods, "offsets": offsets, "tenant": arrived.tenant_id,
         "number": arrived.concentrator_id, "valid_from": valid_from})).fetchone()
    if changed is not None:
        await connection.execute(
            "insert into ledger_mark (concentrator_id, since) values (%s, %s)",
            [arrived.concentrator_id, changed[0]])


async def _foreign_claims(connection: Connection, arrived: Arrived) -> list[Claim]:
    rows = await (await connection.execute(
        "select m.serial, c.name from meter m join concentrator c using (concentrator_id)"
        " where m.tenant_id = %s and m.serial = any(%s) and m.concentrator_id <> %s"
        " order by m.serial",
        [arrived.tenant_id, [meter.serial for meter in arrived.schema.meters],
         arrived.concentrator_id])).fetchall()
    return [Claim(*row) for row in rows]


async def plan(
        connection: Connection, concentrator_id: int, tenant_id: int, schema_id: bytes,
) -> Plan | None:
    """The schema with this name resolved; None when the concentrator never sent it."""
    row = await (await connection.execute(
        "select document from schema_document where concentrator_id = %s and schema_id = %s",
        [concentrator_id, schema_id])).fetchone()
    if row is None:
        return None
    schema = decode_schema(bytes(row[0]))
    serials = [meter.serial for meter in schema.meters]
    found = await (await connection.execute(
        "select serial, meter_id from meter"
        " where tenant_id = %s and serial = any(%s) and concentrator_id = %s",
        [tenant_id, serials, concentrator_id])).fetchall()
    numbers: dict[str, int] = dict(found)
    layouts = layouts_of(schema)
    return Plan(
        schema, np.array([numbers.get(serial, NOT_OURS) for serial in serials], np.int64),
        tuple(await register_set_ids(connection, list(layouts))), layouts)
