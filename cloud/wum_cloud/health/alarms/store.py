"""Alarms of the last day, counted where their events stand: by ingest, by concentrators, on the
audit trail. Nothing of its own is kept, so nothing has to be wiped: what happened stays there.
"""

from dataclasses import dataclass
from datetime import datetime

from wum_cloud.database import Connection
from wum_cloud.health.alarms.kinds import ALARMS, Alarm


@dataclass(frozen=True, slots=True)
class Raised:
    """A kind, how many events of it there were, and when the last one was, where that is known."""

    alarm: Alarm
    n: int
    last_at: datetime | None


async def counted(connection: Connection, tenant: int) -> list[Raised]:
    """Every kind of the last 24 hours, those without an event too, as ALARMS names them.

    Ingest counts by days of UTC: its part is of today and yesterday, where the quarantine has one
    of the last day, whose time it is.
    """
    by_counter = await _of_ingest(connection, tenant)
    by_event = await _of_concentrators(connection, tenant)
    by_act = await _of_the_trail(connection, tenant)
    found = []
    for alarm in ALARMS:
        parts = [*[by_counter.get(what, _NONE) for what in alarm.counters],
                 *[by_event.get(kind, _NONE) for kind in alarm.events],
                 *[by_act.get(act, _NONE) for act in alarm.acts]]
        if alarm.refusals:
            parts.append(await _of_refusals(connection, tenant, alarm.from_n))
        moments = [at for _, at in parts if at is not None]
        found.append(Raised(alarm, sum([n for n, _ in parts]), max(moments, default=None)))
    return found


async def raised(connection: Connection, tenant: int) -> list[Raised]:
    """Those that call somebody."""
    return [one for one in await counted(connection, tenant) if is_raised(one)]


def is_raised(one: Raised) -> bool:
    """Whether there are enough of them."""
    return one.n >= one.alarm.from_n


_Part = tuple[int, datetime | None]
_NONE: _Part = (0, None)


async def _of_ingest(connection: Connection, tenant: int) -> dict[str, _Part]:
    wanted = [what for alarm in ALARMS for what in alarm.counters]
    rows = await (await connection.execute(
        """
        with kept as (
            select q.reason, sum(q.times)::bigint as n, max(q.last_arrived_at) as at
              from quarantine q left join concentrator c using (concentrator_id)
             where (c.tenant_id = %(tenant)s or q.concentrator_id is null)
               and q.reason = any(%(wanted)s)
               and q.last_arrived_at > now() - interval '1 day'
             group by q.reason),
        counted as (
            select i.what, sum(i.n)::bigint as n
              from ingest_count i left join concentrator c using (concentrator_id)
             where (c.tenant_id = %(tenant)s or i.concentrator_id = 0)
               and i.what = any(%(wanted)s) and i.day >= (now() at time zone 'UTC')::date - 1
             group by i.what)
        select k.reason, coalesce(c.n, k.n), k.at
          from kept k left join counted c on c.what = k.reason
        """, {"tenant": tenant, "wanted": wanted})).fetchall()
    return {row[0]: (int(row[1]), row[2]) for row in rows}


async def _of_concentrators(connection: Connection, tenant: int) -> dict[int, _Part]:
    wanted = [kind for alarm in ALARMS for kind in alarm.events]
    rows = await (await connection.execute(
        "select e.kind, count(*), max(e.arrived_at) from event e"
        "  join concentrator c using (concentrator_id)"
        " where c.tenant_id = %s and e.kind = any(%s)"
        "   and e.arrived_at > now() - interval '1 day' group by e.kind",
        [tenant, wanted])).fetchall()
    return {row[0]: (int(row[1]), row[2]) for row in rows}


async def _of_the_trail(connection: Connection, tenant: int) -> dict[str, _Part]:
    """Of the tenant's own chain, and of nobody's: names that do not exist are locked there."""
    wanted = [act for alarm in ALARMS for act in alarm.acts]
    rows = await (await connection.execute(
        "select act, count(*), max(at) from audit_entry"
        " where chain in (%s, 0) and act = any(%s) and at > now() - interval '1 day' group by act",
        [tenant, wanted])).fetchall()
    return {row[0]: (int(row[1]), row[2]) for row in rows}


async def _of_refusals(connection: Connection, tenant: int, least: int) -> _Part:
    """Of accounts that were refused so often; ten people who mistook a page once are no alarm."""
    row = await (await connection.execute(
        "select coalesce(sum(n), 0), max(last_at) from ("
        "  select sum(n) as n, max(last_at) as last_at from refusal_hour join account using"
        "    (account_id) where tenant_id = %s and hour > now() - interval '1 day'"
        "   group by account_id having sum(n) >= %s) x", [tenant, least])).fetchone()
    assert row is not None
    return int(row[0]), row[1]
