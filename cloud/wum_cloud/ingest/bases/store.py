"""The table of bases: for each concentrator the heads of its last few batches, by digest.

Written in the transaction that stores the batch, so that whoever sees an acknowledgement may build
on it, whichever worker reads the delta. Left out: what heads are (heads.py).
"""

from collections import defaultdict
from dataclasses import dataclass

from wum_cloud.database import Connection
from wum_cloud.ingest.bases.heads import Heads, heads_from_bytes, heads_to_bytes

KEPT = 8                # Of each concentrator: twice a gateway's window of batches in flight.


@dataclass(frozen=True, slots=True)
class Named:
    """A base as a delta names it: `digest` settles every value of it."""

    concentrator_id: int
    incarnation: bytes
    schema_id: bytes
    last_sequence: int
    digest: bytes


async def find(connection: Connection, wanted: list[Named]) -> dict[Named, Heads]:
    """The heads of those of `wanted` that are kept, and are what they were named as."""
    rows = await (await connection.execute(
        "select b.concentrator_id, b.incarnation, b.schema_id, b.last_sequence, b.digest, b.heads"
        " from unnest(%s::integer[], %s::bytea[]) as x (concentrator_id, digest)"
        " join batch_base b using (concentrator_id, digest)",
        [[one.concentrator_id for one in wanted], [one.digest for one in wanted]])).fetchall()
    found = {Named(*row[:5]): row[5] for row in rows}
    return {one: heads_from_bytes(found[one]) for one in set(wanted) & found.keys()}


async def keep(connection: Connection, made: list[tuple[Named, Heads]]) -> None:
    """Keep these, and drop all but the last KEPT of their concentrators.

    The caller holds the concentrators' rows, so that no two transactions do this to one at once.
    """
    rows: defaultdict[tuple[int, bytes], tuple[object, ...]] = defaultdict(tuple)
    for one, heads in made:
        content = heads_to_bytes(heads)
        if content is not None:
            rows[one.concentrator_id, one.digest] = (
                one.concentrator_id, one.digest, one.incarnation, one.schema_id,
                one.last_sequence, content)
    if not rows:
        return
    numbers = sorted({number for number, _ in rows})
    await connection.execute(
        "insert into batch_base (concentrator_id, digest, incarnation, schema_id, last_sequence,"
        "   heads)"
        " select * from unnest(%s::integer[], %s::bytea[], %s::bytea[], %s::bytea[],"
        "   %s::bigint[], %s::bytea[]) on conflict do nothing",
        [list(column) for column in zip(*rows.values(), strict=True)])
    await connection.execute(
        "delete from batch_base b using ("
        "   select concentrator_id, digest, row_number() over ("
        "     partition by concentrator_id order by made desc) as place"
        "   from batch_base where concentrator_id = any(%s)) x"
        " where x.place > %s and b.concentrator_id = x.concentrator_id and b.digest = x.digest",
        [numbers, KEPT])
