"""What is sealed in the database, wherever it stands: by the names of columns, so that what comes
later is found as well."""

from psycopg.sql import SQL, Identifier

from wum_cloud.database import Connection


async def others(connection: Connection) -> int:
    """How many clients beside this one are connected to this database."""
    row = await (await connection.execute(
        "select count(*) from pg_stat_activity where datname = current_database()"
        " and pid <> pg_backend_pid() and backend_type = 'client backend'")).fetchone()
    assert row is not None
    return int(row[0])


async def sealed_columns(connection: Connection) -> list[tuple[str, str]]:
    """(table, column) of everything that holds sealed bytes."""
    rows = await (await connection.execute(
        "select c.table_name, c.column_name from information_schema.columns c"
        "  join information_schema.tables t using (table_schema, table_name)"
        " where table_schema = current_schema() and table_type = 'BASE TABLE'"
        "   and data_type = 'bytea' and column_name ~ '(^|_)sealed(_|$)' order by 1, 2"
    )).fetchall()
    return [(row[0], row[1]) for row in rows]


async def lock(connection: Connection, table: str) -> None:
    """Let nobody else write into it until this transaction ends."""
    await connection.execute(
        SQL("lock table {} in share row exclusive mode").format(Identifier(table)))


async def sealed_values(connection: Connection, table: str, column: str, limit: int | None = None,
                        ) -> list[bytes]:
    """Each value that stands there, once."""
    rows = await (await connection.execute(SQL(
        "select distinct {0} from {1} where {0} is not null limit {2}").format(
            Identifier(column), Identifier(table), SQL("all" if limit is None else str(limit)))
    )).fetchall()
    return [bytes(row[0]) for row in rows]


async def replace(
        connection: Connection, table: str, column: str, values: list[tuple[bytes, bytes]],
) -> int:
    """Put a new value in the place of each old one; how many rows that were."""
    cursor = await connection.execute(SQL(
        "update {1} as t set {0} = v.fresh from unnest(%s::bytea[], %s::bytea[]) as v (old, fresh)"
        " where t.{0} = v.old").format(Identifier(column), Identifier(table)),
        [[old for old, _ in values], [fresh for _, fresh in values]])
    return cursor.rowcount
