"""The questions of meters' lives to the database. Every one is about a single tenant.

Left out: what may be done (acting.py), and readings (readings/points.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from wum_cloud.database import Connection
from wum_cloud.registry.life.amounts import Amount
from wum_cloud.registry.reach import Reach
from wum_cloud.registry.sites.store import within

DEFAULT_PERIOD_S = 3600     # Of a meter whose schedule nobody has said, as in a registry file.


@dataclass(frozen=True, slots=True)
class Known:
    """A meter as the registry has it, whole."""

    meter_id: int
    serial: str
    model: str
    delivery_point_id: int
    delivery_point: str
    concentrator_id: int
    device_id: bytes
    concentrator: str
    bus: str | None
    bus_id: int | None
    address: str | None
    schedule: str | None
    schedule_id: int | None
    period_s: int
    offset_s: int
    archived_at: datetime | None
    time_zone: str


@dataclass(frozen=True, slots=True)
class Installation:
    """A meter at a delivery point. `installation_id` 0: nobody has said anything of it yet."""

    installation_id: int
    meter_id: int
    serial: str
    delivery_point: str
    began_at: datetime | None
    ended_at: datetime | None
    readings: list[tuple[bool, Amount]] = field(default_factory=list)     # (is final, what).

    @property
    def firsts(self) -> list[Amount]:
        """What its display showed as it came."""
        return [amount for is_final, amount in self.readings if not is_final]

    @property
    def finals(self) -> list[Amount]:
        """What its display showed as it went."""
        return [amount for is_final, amount in self.readings if is_final]


@dataclass(frozen=True, slots=True)
class Act:
    """Something that somebody did with a meter."""

    serial: str
    act: str
    at: datetime
    said_at: datetime
    said_by: str
    reason: str
    detail: dict[str, str]


_KNOWN = """
    select m.meter_id, m.serial, m.model, m.delivery_point_id, d.name as delivery_point,
           m.concentrator_id, c.device_id, c.name as concentrator, b.name as bus, m.bus_id,
           m.address, s.name as schedule, m.schedule_id, m.period_s, m.offset_s, m.archived_at,
           coalesce(t.time_zone, 'UTC') as time_zone
      from meter m join delivery_point d using (delivery_point_id)
      join concentrator c using (concentrator_id)
      left join site t on t.site_id = c.site_id
      left join bus b using (bus_id) left join schedule s using (schedule_id)
     where m.tenant_id = %(tenant)s"""


def _of(reach: Reach) -> dict[str, object]:
    return {"tenant": reach.tenant_id, "branch": reach.site_id}


async def known(connection: Connection, reach: Reach, serial: str) -> Known | None:
    """The meter with this serial; None where there is none in reach."""
    async with connection.cursor(row_factory=class_row(Known)) as cursor:
        await cursor.execute(
            (_KNOWN + within(reach, "c.site_id") + " and m.serial = %(serial)s").encode(),
            {**_of(reach), "serial": serial})
        return await cursor.fetchone()


async def at_point(connection: Connection, tenant: int, point: int) -> list[Known]:
    """The meters that are at a delivery point and not archived, by serial."""
    async with connection.cursor(row_factory=class_row(Known)) as cursor:
        await cursor.execute(
            (_KNOWN + " and m.delivery_point_id = %(point)s and m.archived_at is null"
             " order by m.serial").encode(), {"tenant": tenant, "point": point})
        return await cursor.fetchall()


async def lock_tenant(connection: Connection, tenant: int) -> None:
    """Nobody else acts on this tenant's meters until the transaction ends: acts are few, and each
    looks at two meters, a delivery point and an address at once."""
    await connection.execute("select pg_advisory_xact_lock(%s, %s)", [0x57554D, tenant])


async def point_id(connection: Connection, tenant: int, name: str) -> int | None:
    """The delivery point's number; None: there is none of this name."""
    row = await (await connection.execute(
        "select delivery_point_id from delivery_point where tenant_id = %s and name = %s",
        [tenant, name])).fetchone()
    return None if row is None else int(row[0])


async def point_in_reach(connection: Connection, reach: Reach, name: str) -> int | None:
    """The delivery point's number, where a meter in reach is or was there; else None."""
    row = await (await connection.execute(
        ("select d.delivery_point_id from delivery_point d where d.tenant_id = %(tenant)s"
         " and d.name = %(name)s and exists (select from meter m"
         "   join concentrator c using (concentrator_id) where (m.delivery_point_id ="
         "     d.delivery_point_id or exists (select from installation i where i.meter_id ="
         "     m.meter_id and i.delivery_point_id = d.delivery_point_id))"
         + within(reach, "c.site_id") + ")").encode(), {**_of(reach), "name": name})).fetchone()
    return None if row is None else int(row[0])


async def zone_and_period(connection: Connection, point: int) -> tuple[str, timedelta]:
    """The zone of a delivery point's newest meter's site, and the longest period of its meters."""
    row = await (await connection.execute(
        "select coalesce((select s.time_zone from meter m join concentrator c"
        "   using (concentrator_id) join site s on s.site_id = c.site_id"
        "   where m.delivery_point_id = %(point)s order by m.meter_id desc limit 1), 'UTC'),"
        " coalesce((select max(m.period_s) from meter m where m.delivery_point_id = %(point)s"
        "   or exists (select from installation i where i.meter_id = m.meter_id"
        "     and i.delivery_point_id = %(point)s)), %(default)s)",
        {"point": point, "default": DEFAULT_PERIOD_S})).fetchone()
    assert row is not None
    return str(row[0]), timedelta(seconds=row[1])


async def make_point(connection: Connection, tenant: int, name: str, concentrator: int) -> int:
    """A new delivery point, at the site of a concentrator."""
    row = await (await connection.execute(
        "insert into delivery_point (tenant_id, name, site_id) select %s, %s, site_id"
        " from concentrator where concentrator_id = %s returning delivery_point_id",
        [tenant, name, concentrator])).fetchone()
    assert row is not None
    return int(row[0])


async def concentrator_id(connection: Connection, reach: Reach, device: bytes) -> int | None:
    """The concentrator's number; None where there is none in reach."""
    row = await (await connection.execute(
        ("select c.concentrator_id from concentrator c where c.tenant_id = %(tenant)s"
         " and c.device_id = %(device)s and c.revoked_at is null"
         + within(reach, "c.site_id")).encode(), {**_of(reach), "device": device})).fetchone()
    return None if row is None else int(row[0])


async def bus_id(connection: Connection, concentrator: int, name: str) -> int | None:
    """A bus of a concentrator; None: it has none of this name."""
    row = await (await connection.execute(
        "select bus_id from bus where concentrator_id = %s and name = %s",
        [concentrator, name])).fetchone()
    return None if row is None else int(row[0])


async def buses(connection: Connection, concentrator: int) -> list[str]:
    """Names of a concentrator's buses."""
    rows = await (await connection.execute(
        "select name from bus where concentrator_id = %s order by name", [concentrator])).fetchall()
    return [str(row[0]) for row in rows]


async def schedule_of(
        connection: Connection, tenant: int, name: str) -> tuple[int, int, int] | None:
    """(number, period, offset) of a schedule of whole meters; None: there is none of this name."""
    row = await (await connection.execute(
        "select schedule_id, period_s, offset_s from schedule"
        " where tenant_id = %s and name = %s and registers = ''",
        [tenant, name])).fetchone()
    return None if row is None else (row[0], row[1], row[2])


async def schedules(connection: Connection, tenant: int) -> list[str]:
    """Names of the tenant's schedules."""
    rows = await (await connection.execute(
        "select name from schedule where tenant_id = %s and registers = '' order by name",
        [tenant])).fetchall()
    return [str(row[0]) for row in rows]


async def who_has_address(connection: Connection, bus: int, address: str) -> str | None:
    """The serial of the meter at an address of a bus; None: nobody's."""
    row = await (await connection.execute(
        "select serial from meter where bus_id = %s and address = %s and archived_at is null"
        " order by serial limit 1", [bus, address])).fetchone()
    return None if row is None else str(row[0])


async def serial_is_known(connection: Connection, tenant: int, serial: str) -> bool:
    """Whether there is or was a meter of this serial."""
    row = await (await connection.execute(
        "select from meter where tenant_id = %s and serial = %s", [tenant, serial])).fetchone()
    return row is not None


async def add_meter(
        connection: Connection, tenant: int, serial: str, model: str, *, point: int,
        concentrator: int, bus: int | None, address: str | None, schedule: int | None,
        period_s: int, offset_s: int) -> int:
    """A new meter; its number."""
    row = await (await connection.execute(
        "insert into meter (tenant_id, serial, model, delivery_point_id, concentrator_id,"
        " period_s, offset_s, bus_id, address, schedule_id)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) returning meter_id",
        [tenant, serial, model, point, concentrator, period_s, offset_s, bus, address,
         schedule])).fetchone()
    assert row is not None
    return int(row[0])


async def place_meter(
        connection: Connection, meter: int, *, point: int, concentrator: int, bus: int | None,
        address: str | None) -> None:
    """Say where a meter is now."""
    await connection.execute(
        "update meter set delivery_point_id = %s, concentrator_id = %s, bus_id = %s, address = %s"
        " where meter_id = %s", [point, concentrator, bus, address, meter])


async def set_schedule(connection: Connection, meter: int, schedule: int | None) -> None:
    """By which schedule a meter is to be read; what it is read by, its concentrator says."""
    await connection.execute(
        "update meter set schedule_id = %s where meter_id = %s", [schedule, meter])


async def leave(connection: Connection, meter: int, *, before: int, after: int, at: datetime,
                ) -> None:
    """A meter goes from one concentrator to another: what the first captured until now is good."""
    await connection.execute(
        "delete from meter_stay where meter_id = %s and concentrator_id = %s", [meter, after])
    await connection.execute(
        "insert into meter_stay (meter_id, concentrator_id, until) values (%s, %s, %s)"
        " on conflict (meter_id, concentrator_id) do update set until = excluded.until",
        [meter, before, at])


async def archive(connection: Connection, meter: int, at: datetime) -> None:
    """A meter is there no more: nothing is expected of it from then on."""
    await connection.execute(
        "update meter set archived_at = %s where meter_id = %s", [at, meter])
    await connection.execute("""
        with ended as (
            insert into meter_schedule as t (meter_id, valid_from, concentrator_id, period_s,
                   offset_s, register_sets)
            select meter_id, %(at)s, concentrator_id, null, 0, '{}' from meter
             where meter_id = %(meter)s
               and exists (select from meter_schedule x where x.meter_id = meter.meter_id)
            on conflict (meter_id, valid_from, part)
            do update set period_s = null, register_sets = '{}'
            returning concentrator_id),
        later as (
            update meter_schedule set period_s = null, register_sets = '{}'
             where meter_id = %(meter)s
               and (valid_from > %(at)s or valid_from = %(at)s and part > 0))
        insert into ledger_mark (concentrator_id, since) select concentrator_id, %(at)s from ended
        """, {"meter": meter, "at": at})


async def come_back(
        connection: Connection, meter: int, *, model: str, schedule: int | None, period_s: int,
        offset_s: int) -> None:
    """A meter that was archived is in use again."""
    await connection.execute(
        "update meter set archived_at = null, model = %s, schedule_id = %s, period_s = %s,"
        " offset_s = %s where meter_id = %s", [model, schedule, period_s, offset_s, meter])


async def begin(
        connection: Connection, meter: int, point: int, at: datetime | None,
        firsts: Sequence[Amount] = ()) -> int:
    """A meter is at a delivery point from now on; the number of the installation."""
    row = await (await connection.execute(
        "insert into installation (meter_id, delivery_point_id, began_at) values (%s, %s, %s)"
        " returning installation_id", [meter, point, at])).fetchone()
    assert row is not None
    await _keep(connection, int(row[0]), firsts, is_final=False)
    return int(row[0])


async def end(connection: Connection, installation: int, at: datetime,
              finals: Sequence[Amount]) -> None:
    """A meter is at its delivery point no more."""
    await connection.execute(
        "update installation set ended_at = %s where installation_id = %s", [at, installation])
    await _keep(connection, installation, finals, is_final=True)


async def _keep(connection: Connection, installation: int, amounts: Sequence[Amount], *,
                is_final: bool) -> None:
    async with connection.cursor() as cursor:
        await cursor.executemany(
            "insert into installation_reading (installation_id, is_final, obis, value, scaler,"
            " unit) values (%s, %s, %s, %s, %s, %s)",
            [[installation, is_final, a.obis, a.value, a.scaler, a.unit] for a in amounts])


async def open_installation(
        connection: Connection, meter: int) -> tuple[int, datetime | None] | None:
    """(number, since when) of where a meter is; None: nobody has said anything of it."""
    row = await (await connection.execute(
        "select installation_id, began_at from installation"
        " where meter_id = %s and ended_at is null", [meter])).fetchone()
    return None if row is None else (row[0], row[1])


_INSTALLATIONS = """
    select * from (
        select i.installation_id, i.meter_id, m.serial, d.name as delivery_point, i.began_at,
               i.ended_at, i.delivery_point_id as point
          from installation i join meter m using (meter_id)
          join delivery_point d on d.delivery_point_id = i.delivery_point_id
        union all
        select 0, m.meter_id, m.serial, d.name, null, m.archived_at, m.delivery_point_id
          from meter m join delivery_point d using (delivery_point_id)
         where not exists (select from installation i where i.meter_id = m.meter_id)) x
     where %s order by began_at nulls first, ended_at nulls last, serial limit %%(most)s"""


async def installations(
        connection: Connection, *, point: int | None = None, meter: int | None = None, most: int,
) -> list[Installation]:
    """Up to `most` installations at a delivery point, or of a meter, the oldest first."""
    which = "point = %(point)s" if point is not None else "meter_id = %(meter)s"
    rows = await (await connection.execute(
        (_INSTALLATIONS % which).encode(), {"point": point, "meter": meter, "most": most},
    )).fetchall()
    found = {row[0] or -row[1]: Installation(*row[:6]) for row in rows}
    kept = await (await connection.execute(
        "select installation_id, is_final, obis, value, scaler, unit from installation_reading"
        " where installation_id = any(%s) order by installation_id, obis",
        [[number for number in found if number > 0]])).fetchall()
    for number, is_final, obis, value, scaler, unit in kept:
        found[number].readings.append((is_final, Amount(bytes(obis), value, scaler, unit)))
    return list(found.values())


async def note_act(
        connection: Connection, meter: int, act: str, at: datetime, by: str, reason: str,
        detail: dict[str, str]) -> None:
    """Add to the line of a meter's life."""
    await connection.execute(
        "insert into meter_act (meter_id, act, at, said_by, reason, detail)"
        " values (%s, %s, %s, %s, %s, %s)", [meter, act, at, by, reason, Jsonb(detail)])


async def acts(connection: Connection, meters: Sequence[int], most: int) -> list[Act]:
    """Up to `most` acts on these meters, the newest first."""
    async with connection.cursor(row_factory=class_row(Act)) as cursor:
        await cursor.execute(
            "select m.serial, a.act, a.at, a.said_at, a.said_by, a.reason, a.detail"
            "  from meter_act a join meter m using (meter_id) where a.meter_id = any(%s)"
            " order by a.at desc, a.meter_act_id desc limit %s", [list(meters), most])
        return await cursor.fetchall()
