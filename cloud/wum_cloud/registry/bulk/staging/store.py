"""Rows of a registry file, copied into a temporary table of the caller's transaction."""

import csv
import io
from collections.abc import Iterable
from itertools import islice

from wum_cloud.database import Connection
from wum_cloud.registry.bulk.columns import COLUMNS

_BATCH = 5000       # Rows that are text at once.


async def stage(
        connection: Connection, tenant: int, rows: Iterable[tuple[int, list[str]]]) -> None:
    """Copy (row, cells) into `registry_row`, cells that are empty as null."""
    await connection.execute(
        ("create temporary table registry_row (line integer primary key, %s,"
         " concentrator_id integer, is_known boolean) on commit drop" % ", ".join(
             [column + " text" for column in COLUMNS])).encode())
    async with connection.cursor() as cursor, cursor.copy(
            ("copy registry_row (line, %s) from stdin (format csv)" % ", ".join(
                COLUMNS)).encode()) as copy:
        waiting = iter(rows)
        while some := list(islice(waiting, _BATCH)):    # Lines of CSV, where empty is null.
            out = io.StringIO(newline="")
            csv.writer(out, lineterminator="\n").writerows(
                [(number, *cells) for number, cells in some])
            await copy.write(out.getvalue())
    await connection.execute("analyze registry_row")    # Else it would be a loop in a loop.
    await connection.execute(
        "update registry_row r set concentrator_id = c.concentrator_id"
        "  from (select encode(device_id, 'hex') as id, concentrator_id from concentrator"
        "         where tenant_id = %s and revoked_at is null) c"
        " where r.kind in ('concentrator', 'bus', 'meter') and r.concentrator = c.id", [tenant])
    await connection.execute("create index on registry_row (kind, name)")
    await connection.execute("create index on registry_row (concentrator_id, bus)")
    await connection.execute("analyze registry_row")


async def drop(connection: Connection) -> None:
    """Forget the rows; the transaction may go on."""
    await connection.execute("drop table registry_row")
