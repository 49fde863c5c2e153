"""Schemas resolved: what a batch names by index is a meter and a register set of the database.

Left out: how schemas come in (../store.py). Many are resolved by one question, for in an hour
every concentrator sends a batch, and no worker remembers the schemas of all of them.
"""

import numpy as np
from numpy.typing import NDArray

from wum_cloud.database import Connection
from wum_cloud.registry.schemas.documents import schema_of_document
from wum_cloud.registry.schemas.plan import FOR_EVER_S, NOT_OURS, Plan, layouts_of
from wum_cloud.registry.schemas.sets.store import register_set_ids
from wum_shared.messages import Schema

Name = tuple[int, bytes]        # Concentrator and schema id.
_NOBODY = (NOT_OURS, FOR_EVER_S)


async def plans(connection: Connection, wanted: list[Name]) -> dict[Name, Plan]:
    """The schemas of `wanted` that their concentrators sent; what is missing never arrived."""
    rows = await (await connection.execute(
        "select concentrator_id, schema_id, document from schema_document"
        " join unnest(%s::integer[], %s::bytea[]) as x (concentrator_id, schema_id)"
        "   using (concentrator_id, schema_id)",
        [[number for number, _ in wanted], [name for _, name in wanted]], binary=True)).fetchall()
    schemas = {(number, bytes(name)): schema_of_document(document)
               for number, name, document in rows}
    layouts = {name: layouts_of(schema) for name, schema in schemas.items()}
    every = list(dict.fromkeys([layout for some in layouts.values() for layout in some]))
    sets = dict(zip(every, await register_set_ids(connection, every), strict=True))
    numbers = sorted({number for number, _ in schemas})
    meters = await _meters(connection, numbers)
    left = await _left(connection, numbers)
    return {
        name: Plan(
            schema,
            np.array([meters[name[0]].get(
                m.serial, left.get(name[0], {}).get(m.serial, _NOBODY)[0])
                for m in schema.meters], np.int64),
            tuple([sets[layout] for layout in layouts[name]]), layouts[name],
            _until(schema, left.get(name[0], {}), meters[name[0]]))
        for name, schema in schemas.items()}


def _until(
        schema: Schema, left: dict[str, tuple[int, int]], own: dict[str, int],
) -> NDArray[np.int64] | None:
    """Until when the meters that went elsewhere were this concentrator's; None: none did."""
    ends = [left[m.serial][1] if m.serial in left and m.serial not in own else FOR_EVER_S
            for m in schema.meters]
    return np.array(ends, np.int64) if min(ends, default=FOR_EVER_S) < FOR_EVER_S else None


async def _left(
        connection: Connection, numbers: list[int]) -> dict[int, dict[str, tuple[int, int]]]:
    """By concentrator and serial: (number, until when) of meters that were moved away."""
    rows = await (await connection.execute(
        "select y.concentrator_id, m.serial, y.meter_id, extract(epoch from y.until)::bigint"
        " from meter_stay y join meter m using (meter_id)"
        " where y.concentrator_id = any(%s) and m.concentrator_id <> y.concentrator_id",
        [numbers], binary=True)).fetchall()
    found: dict[int, dict[str, tuple[int, int]]] = {}
    for number, serial, meter, until_s in rows:
        found.setdefault(number, {})[serial] = (meter, until_s)
    return found


async def _meters(connection: Connection, numbers: list[int]) -> dict[int, dict[str, int]]:
    """The meters that these concentrators have, by serial."""
    rows = await (await connection.execute(
        "select c.concentrator_id, m.serials, m.numbers"
        " from unnest(%s::integer[]) as c (concentrator_id) cross join lateral ("
        "   select coalesce(array_agg(m.serial), '{}') as serials,"
        "     coalesce(array_agg(m.meter_id), '{}') as numbers"
        "   from meter m where m.concentrator_id = c.concentrator_id) as m",
        [numbers], binary=True)).fetchall()
    return {number: dict(zip(serials, ids, strict=True)) for number, serials, ids in rows}
