"""The table `quarantine`: the same content once, and never more than the limits.

Left out: reasons and forms (entries.py).
"""

from wum_cloud.database import Connection
from wum_cloud.ingest.harvest import Kept
from wum_cloud.ingest.quarantine.entries import (
    CLOCK_NEVER_SET,
    CONTENT_MAX,
    DETAIL_MAX,
    FUTURE,
    MESSAGE,
    Limits,
)

DROPPED = "quarantine dropped"      # Word of ingest_count.
_LOCK = 0x57554D02

# The newest entries up to a number and a size stay. What is kept of one is at most CONTENT_MAX.
_TRIM = """
    delete from quarantine q using (
        select quarantine_id, row_number() over newest as n,
            sum(least(size_bytes, %s)) over newest as bytes
        from quarantine where %s
        window newest as (%s order by %squarantine_id desc)
    ) x
    where q.quarantine_id = x.quarantine_id and (x.n > %%s or x.bytes > %%s)
    returning coalesce(q.concentrator_id, 0)"""
_TRIM_UNPROVEN = _TRIM % (CONTENT_MAX, "form = %s", "", "")
_TRIM_SENDERS = _TRIM % (CONTENT_MAX, "true", "partition by concentrator_id ", "")
_TRIM_ALL = _TRIM % (CONTENT_MAX, "true", "", "(form <> %s) desc, ")


async def keep(connection: Connection, kept: list[Kept]) -> None:
    """Add entries; content that is there already is counted once more."""
    rows = sorted([
        (k.aside.digest(k.concentrator_id), k.concentrator_id, storable(k.topic)[:DETAIL_MAX],
         k.aside.reason, storable(k.aside.detail)[:DETAIL_MAX], k.aside.form,
         k.aside.content[:CONTENT_MAX], len(k.aside.content))
        for k in kept], key=lambda row: row[0])
    async with connection.cursor() as cursor:
        await cursor.executemany(
            "insert into quarantine (digest, concentrator_id, topic, reason, detail, form,"
            "   content, size_bytes) values (%s, %s, %s, %s, %s, %s, %s, %s)"
            " on conflict (digest) do update"
            "   set times = quarantine.times + 1, last_arrived_at = now(),"
            "   detail = excluded.detail", rows)


async def trim(connection: Connection, limits: Limits) -> int:
    """Drop entries over the limits, unproven ones first, and count them; return how many.

    Limits may be exceeded by what one transaction adds, until this has run after it. Does
    nothing while another worker does the same.
    """
    row = await (await connection.execute(
        "select pg_try_advisory_xact_lock(%s)", [_LOCK])).fetchone()
    if row is None or not row[0]:
        return 0
    dropped: list[int] = []
    for query, parameters in (
            (_TRIM_UNPROVEN, [MESSAGE, limits.unproven_rows, limits.unproven_bytes]),
            (_TRIM_SENDERS, [limits.sender_rows, limits.sender_bytes]),
            (_TRIM_ALL, [MESSAGE, limits.all_rows, limits.all_bytes])):
        cursor = await connection.execute(query.encode(), parameters)
        dropped += [number for (number,) in await cursor.fetchall()]
    for number in sorted(set(dropped)):
        await connection.execute(
            "insert into ingest_count as c (day, concentrator_id, what, n)"
            " values ((now() at time zone 'UTC')::date, %s, %s, %s)"
            " on conflict (day, concentrator_id, what) do update set n = c.n + excluded.n",
            [number, DROPPED, dropped.count(number)])
    return len(dropped)


def storable(text: str) -> str:
    """PostgreSQL's text cannot hold a NUL: it is shown as what it is."""
    return text.replace("\x00", "\ufffd")


async def concentrators_without_time(connection: Connection) -> int:
    """How many sent rows today, by the UTC day, whose clock was never set."""
    row = await (await connection.execute(
        "select count(distinct concentrator_id) from ingest_count where what = %s and n > 0"
        " and day = (now() at time zone 'UTC')::date and concentrator_id <> 0",
        [CLOCK_NEVER_SET])).fetchone()
    assert row is not None
    return int(row[0])


async def concentrators_ahead(connection: Connection) -> tuple[int, int]:
    """(concentrators with rows from the future today, concentrators heard today), by UTC days."""
    row = await (await connection.execute(
        "select count(distinct concentrator_id) filter (where what = %s),"
        "   count(distinct concentrator_id) from ingest_count"
        " where day = (now() at time zone 'UTC')::date and concentrator_id <> 0 and n > 0",
        [FUTURE])).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])
