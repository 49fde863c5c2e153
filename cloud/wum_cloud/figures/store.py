"""What processes told of themselves last: one row for each that runs.

A process keeps a place, so that its figures go on under one name when it is started anew. Places of
processes that ended are taken by the next.
"""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from wum_cloud.database import Connection

PLACES_MAX = 64     # Of one kind of process.
GONE_AFTER_S = 60   # Whoever told nothing for so long does not run any more.


@dataclass(frozen=True, slots=True)
class Told:
    """The newest word of a process. `figures` as figures/families.py reads them."""

    process: str
    told_at: datetime
    age_s: float
    figures: str


async def take_place(connection: Connection, kind: str, owner: bytes) -> int | None:
    """The lowest place of this kind that is free; None where all are taken."""
    row = await (await connection.execute(
        "insert into process_figure (kind, place, owner)"
        " select %(kind)s, number, %(owner)s from generate_series(0, %(most)s) as place (number)"
        "  where not exists (select from process_figure p where p.kind = %(kind)s"
        "    and p.place = number and p.told_at > now() - make_interval(secs => %(gone)s))"
        "  order by number limit 1"
        " on conflict (kind, place) do update set owner = excluded.owner, told_at = now(),"
        "    figures = '[]'"
        "  where process_figure.told_at <= now() - make_interval(secs => %(gone)s)"
        " returning place",
        {"kind": kind, "owner": owner, "most": PLACES_MAX - 1, "gone": GONE_AFTER_S})).fetchone()
    return None if row is None else int(row[0])


async def tell(
        connection: Connection, kind: str, place: int, owner: bytes, figures: str) -> bool:
    """Keep what a process says; False where somebody else has its place by now."""
    cursor = await connection.execute(
        "update process_figure set told_at = now(), figures = %s"
        " where kind = %s and place = %s and owner = %s", [figures, kind, place, owner])
    return cursor.rowcount == 1


async def leave(connection: Connection, kind: str, place: int, owner: bytes) -> None:
    """Give the place up."""
    await connection.execute(
        "delete from process_figure where kind = %s and place = %s and owner = %s",
        [kind, place, owner])


async def told(connection: Connection) -> list[Told]:
    """Every process that runs, by name."""
    async with connection.cursor(row_factory=class_row(Told)) as cursor:
        await cursor.execute(
            "select kind || '-' || place as process, told_at,"
            "       extract(epoch from now() - told_at)::float8 as age_s, figures"
            "  from process_figure where told_at > now() - make_interval(secs => %s)"
            " order by kind, place", [GONE_AFTER_S])
        return await cursor.fetchall()
