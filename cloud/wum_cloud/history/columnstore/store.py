"""How much of `reading` TimescaleDB's columnstore holds. Left out: filling it, TimescaleDB's job.

The job compresses what is older than the 45 days for which a concentrator may deliver, and a week
more (migrations/0004_reading.timescale.sql): late rows into compressed chunks cost more.
"""

from dataclasses import dataclass
from datetime import timedelta

from psycopg.rows import class_row

from wum_cloud.database import Connection

OVERDUE_AFTER = timedelta(days=52 + 3)     # The job's own age, and time to have run.


@dataclass(frozen=True, slots=True)
class State:
    """Weeks of readings, how many are compressed or should be, and bytes before and after."""

    is_there: bool
    weeks: int
    compressed: int
    overdue: int
    bytes_before: int
    bytes_after: int


async def state(connection: Connection) -> State | None:
    """None where `reading` is no hypertable."""
    cursor = await connection.execute(
        "select relkind <> 'p' from pg_class where oid = 'reading'::regclass")
    row = await cursor.fetchone()
    if row is None or not row[0]:
        return None
    licence = await (await connection.execute(
        "select current_setting('timescaledb.license', true)")).fetchone()
    if licence is None or licence[0] != "timescale":
        return State(False, 0, 0, 0, 0, 0)
    async with connection.cursor(row_factory=class_row(State)) as records:
        await records.execute(
            "select true as is_there, count(*) as weeks,"
            "   count(*) filter (where is_compressed) as compressed,"
            "   count(*) filter (where not is_compressed and range_end < now() - %s) as overdue,"
            "   (select coalesce(sum(before_compression_total_bytes), 0)::bigint"
            "      from hypertable_compression_stats('reading')) as bytes_before,"
            "   (select coalesce(sum(after_compression_total_bytes), 0)::bigint"
            "      from hypertable_compression_stats('reading')) as bytes_after"
            "  from timescaledb_information.chunks where hypertable_name = 'reading'",
            [OVERDUE_AFTER])
        return await records.fetchone()
