"""What the database knows of a tenant's fleet as a whole: a handful of numbers, each once.

One function a question; all of them together are asked once in a quarter of a minute at most.
"""

from dataclasses import dataclass
from datetime import date, datetime

from psycopg.rows import class_row

from wum_cloud.database import Connection

EPOCH_LATE_DAYS = 3     # A concentrator that talks opens an epoch every day.


@dataclass(frozen=True, slots=True)
class Concentrators:
    """How many there are in each state, and how old what they delivered last is, in seconds."""

    delivering: int
    behind: int
    never: int
    revoked: int
    newest_capture_age_s: float | None
    newest_contact_age_s: float | None


@dataclass(frozen=True, slots=True)
class Keys:
    """Of concentrators that were heard this day: how their keys and passwords age."""

    epochs_opened_last_day: int
    epochs_late: int
    oldest_password_at: datetime | None
    trust_made_at: datetime | None


@dataclass(frozen=True, slots=True)
class Commands:
    """Commands in one state that are not over, or that ended within the last day."""

    state: str
    n: int
    oldest_at: datetime


@dataclass(frozen=True, slots=True)
class Backup:
    """The last one that was written whole."""

    made_at: datetime
    size_bytes: int


async def concentrators(connection: Connection, tenant: int) -> Concentrators:
    """Behind: nothing new for two periods of its most frequent meter, an hour where it has none."""
    async with connection.cursor(row_factory=class_row(Concentrators)) as cursor:
        await cursor.execute(
            """
            with period as (
                select concentrator_id, min(period_s) as s from meter
                 where tenant_id = %(tenant)s group by concentrator_id),
            one as (
                select c.newest_captured_at, c.last_contact_at, c.revoked_at is not null as gone,
                       c.newest_captured_at < now() - make_interval(
                           secs => 2 * coalesce(p.s, 3600)) as behind
                  from concentrator c left join period p using (concentrator_id)
                 where c.tenant_id = %(tenant)s and c.planned_at is null)
            select count(*) filter (where not gone and not behind) as delivering,
                   count(*) filter (where not gone and behind) as behind,
                   count(*) filter (where not gone and newest_captured_at is null) as never,
                   count(*) filter (where gone) as revoked,
                   extract(epoch from now() - max(newest_captured_at))::float8
                       as newest_capture_age_s,
                   extract(epoch from now() - max(last_contact_at))::float8
                       as newest_contact_age_s
              from one
            """, {"tenant": tenant})
        row = await cursor.fetchone()
    assert row is not None
    return row


async def keys(connection: Connection, tenant: int) -> Keys:
    """Late: heard within the day, and its newest epoch is older than EPOCH_LATE_DAYS."""
    async with connection.cursor(row_factory=class_row(Keys)) as cursor:
        await cursor.execute(
            """
            with newest as (
                select c.concentrator_id, max(e.opened_at) as at, c.broker_password_at
                  from concentrator c join concentrator_epoch e using (concentrator_id)
                 where c.tenant_id = %(tenant)s and c.revoked_at is null
                   and c.last_contact_at > now() - interval '1 day'
                 group by c.concentrator_id)
            select count(*) filter (where at > now() - interval '1 day')
                       as epochs_opened_last_day,
                   count(*) filter (where at < now() - make_interval(days => %(late)s))
                       as epochs_late,
                   min(broker_password_at) as oldest_password_at,
                   (select made_at from trust_document order by number desc limit 1)
                       as trust_made_at
              from newest
            """, {"tenant": tenant, "late": EPOCH_LATE_DAYS})
        row = await cursor.fetchone()
    assert row is not None
    return row


async def commands(connection: Connection, tenant: int) -> list[Commands]:
    """By state; those that are over count for a day."""
    async with connection.cursor(row_factory=class_row(Commands)) as cursor:
        await cursor.execute(
            """
            select state, count(*)::int as n, min(requested_at) as oldest_at from command
             where tenant_id = %s and (ended_at is null or ended_at > now() - interval '1 day')
             group by state order by state
            """, [tenant])
        return await cursor.fetchall()


async def counted(connection: Connection, tenant: int, day: date) -> dict[str, int]:
    """Ingest's counters of a UTC day by what was counted; of unknown senders for everybody."""
    rows = await (await connection.execute(
        "select i.what, sum(i.n)::bigint from ingest_count i"
        "  left join concentrator c using (concentrator_id)"
        " where i.day = %s and (c.tenant_id = %s or i.concentrator_id = 0)"
        " group by i.what order by i.what", [day, tenant])).fetchall()
    return {row[0]: int(row[1]) for row in rows}


async def missing(connection: Connection, tenant: int) -> int:
    """Records that are still to come: numbers below the highest that are neither here nor lost."""
    row = await (await connection.execute(
        """
        select coalesce(sum(greatest(0, coalesce(upper(a.received + a.lost), 1) - 1 - got.n)), 0)
               ::bigint
          from archive a join concentrator c using (concentrator_id)
          cross join lateral (select coalesce(sum(upper(r) - lower(r)), 0)::bigint as n
                                from unnest(a.received + a.lost) r) got
         where c.tenant_id = %s
        """, [tenant])).fetchone()
    assert row is not None
    return int(row[0])


async def last_backup(connection: Connection) -> Backup | None:
    """None where none was ever made of this database."""
    async with connection.cursor(row_factory=class_row(Backup)) as cursor:
        await cursor.execute(
            "select made_at, size_bytes from backup_made order by made_at desc limit 1")
        return await cursor.fetchone()


async def size_bytes(connection: Connection) -> int:
    """Of the whole database, on its disk."""
    row = await (await connection.execute(
        "select pg_database_size(current_database())")).fetchone()
    assert row is not None
    return int(row[0])
