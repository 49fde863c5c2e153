"""The whole database, table by table: what there is, its rows as binary COPY, and back again.

Left out: the file (sealed.py) and the order of things (commands.py). Plain PostgreSQL only: what
TimescaleDB keeps of its own is for its own tools.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from psycopg import sql

from wum_cloud.database import Connection

_TABLES = """
    select c.relname, array_agg(a.attname::text order by a.attnum)
      from pg_class c join pg_attribute a on a.attrelid = c.oid
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
       and not c.relispartition and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
       and c.relname <> 'schema_migration' and c.relpersistence = 'p'
       and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass
                          and d.objid = c.oid and d.deptype = 'e')
     group by c.relname order by c.relname"""
_NEEDS = """
    select c.relname, f.relname from pg_constraint k join pg_class c on c.oid = k.conrelid
      join pg_class f on f.oid = k.confrelid
     where k.contype = 'f' and k.connamespace = 'public'::regnamespace and k.conrelid <> k.confrelid
       and not c.relispartition and not f.relispartition"""
_PARTITIONS = """
    select c.relname, p.relname, pg_get_expr(c.relpartbound, c.oid)
      from pg_class c join pg_inherits i on i.inhrelid = c.oid
      join pg_class p on p.oid = i.inhparent
     where c.relispartition and c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
     order by c.relname"""


@dataclass(frozen=True, slots=True)
class Table:
    """A table and its columns that are stored."""

    name: str
    columns: list[str]


async def tables(connection: Connection) -> list[Table]:
    """Every table of ours but the journal of migrations; each after those that it refers to."""
    found = {name: Table(name, list(columns))
             for name, columns in await (await connection.execute(_TABLES)).fetchall()}
    needs: dict[str, set[str]] = {name: set() for name in found}
    for name, needed in await (await connection.execute(_NEEDS)).fetchall():
        needs[name].add(needed)
    ordered: list[Table] = []
    while needs:
        ready = sorted(name for name, of in needs.items() if not of & needs.keys())
        assert ready, "tables refer to one another in a circle: %s" % sorted(needs)
        for name in ready:
            ordered.append(found[name])
            del needs[name]
    return ordered


async def partitions(connection: Connection) -> list[list[str]]:
    """[partition, its table, its bounds] of every partition."""
    return [list(row) for row in await (await connection.execute(_PARTITIONS)).fetchall()]


async def sequences(connection: Connection) -> list[list[object]]:
    """[sequence, its last value] of those that were used."""
    return [list(row) for row in await (await connection.execute(
        "select sequencename::text, last_value from pg_sequences where schemaname = 'public'"
        " and last_value is not null order by 1")).fetchall()]


async def count(connection: Connection, table: Table) -> int:
    """How many rows it has."""
    row = await (await connection.execute(sql.SQL("select count(*) from {}").format(
        sql.Identifier(table.name)))).fetchone()
    assert row is not None
    return int(row[0])


async def rows_of(connection: Connection, table: Table) -> AsyncIterator[bytes]:
    """Its rows as PostgreSQL's binary COPY."""
    query = sql.SQL("copy (select {} from {}) to stdout (format binary)").format(
        _columns(table), sql.Identifier(table.name))
    async with connection.cursor().copy(query) as copy:
        async for piece in copy:
            yield bytes(piece)


async def begin_snapshot(connection: Connection) -> None:
    """From now on the transaction sees one moment, whatever is stored meanwhile."""
    await connection.execute("set transaction isolation level repeatable read, read only")


async def empty(connection: Connection) -> None:
    """Take away what migrations themselves put in: the backup has it."""
    await connection.execute("alter table audit_entry disable trigger audit_is_kept")
    for table in reversed(await tables(connection)):
        await connection.execute(sql.SQL("delete from {}").format(sql.Identifier(table.name)))
    await connection.execute("alter table audit_entry enable trigger audit_is_kept")


async def make_partition(connection: Connection, name: str, parent: str, bounds: str) -> None:
    """A partition as it was."""
    await connection.execute(sql.SQL("create table if not exists {} partition of {} ").format(
        sql.Identifier(name), sql.Identifier(parent)) + sql.SQL(bounds))  # type: ignore[arg-type, unused-ignore]


async def take_rows(connection: Connection, table: Table, pieces: AsyncIterator[bytes]) -> None:
    """Put rows in, as `rows_of` gave them."""
    query = sql.SQL("copy {} ({}) from stdin (format binary)").format(
        sql.Identifier(table.name), _columns(table))
    async with connection.cursor().copy(query) as copy:
        async for piece in pieces:
            await copy.write(piece)


async def set_sequence(connection: Connection, name: str, value: int) -> None:
    """Let numbers go on where they were."""
    await connection.execute("select setval(%s::regclass, %s)", [name, value])


def _columns(table: Table) -> sql.Composed:
    return sql.SQL(", ").join([sql.Identifier(column) for column in table.columns])


async def note_made(connection: Connection, made_at: datetime, size_bytes: int) -> None:
    """Remember that a backup was written whole: whoever watches asks when the last one was."""
    await connection.execute(
        "insert into backup_made (made_at, size_bytes) values (%s, %s)"
        " on conflict (made_at) do nothing", [made_at, size_bytes])
