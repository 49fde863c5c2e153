"""Register sets in the database: one row for each layout, whoever names it.

Left out: which meters have them (../store.py). A row is never changed once it is there.
"""

from psycopg.types.json import Jsonb

from wum_cloud.database import Connection
from wum_cloud.registry.schemas.layout import Layout, layout_from


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
        [sorted({layout.digest for layout in layouts})])).fetchall()
    return {bytes(digest): number for digest, number in rows}


async def layouts_by_id(connection: Connection, wanted: list[int]) -> dict[int, Layout]:
    """The layouts with these numbers."""
    rows = await (await connection.execute(
        "select register_set_id, profile, registers from register_set"
        " where register_set_id = any(%s)", [wanted])).fetchall()
    return {number: layout_from(profile, registers) for number, profile, registers in rows}
