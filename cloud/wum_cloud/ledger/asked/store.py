"""Which readings of a meter came because the head-end asked for them again.

Left out: what a request says (reasons/asked.py).
"""

from collections.abc import Sequence
from datetime import datetime

from wum_cloud.database import Connection
from wum_cloud.reasons.asked import Arrival, came_by, ranges_of


async def came_when_asked(
        connection: Connection, meter_id: int, spans: Sequence[tuple[datetime, datetime, datetime]],
) -> set[tuple[datetime, datetime]]:
    """Of spans (start, end, when it came) of a meter those whose reading came because it was asked
    for, as (start, when it came). A request that nobody answered counts for an hour.
    """
    rows = await (await connection.execute(
        "select m.serial, x.arrived_at, h.concentrator_id, h.asked"
        " from (select distinct unnest(%s::timestamptz[]) as arrived_at) as x"
        " join meter m on m.meter_id = %s"
        " join gap_history h on h.concentrator_id in (m.concentrator_id, ("
        "     select s.concentrator_id from meter_schedule s where s.meter_id = m.meter_id"
        "      and s.concentrator_id <> m.concentrator_id order by s.valid_from desc limit 1))"
        "   and h.asked_at <= x.arrived_at"
        "   and x.arrived_at <= coalesce(h.answered_at, h.asked_at + interval '1 hour')",
        [[arrived for _, _, arrived in spans], meter_id])).fetchall()
    if not rows:
        return set()
    arrivals = await _arrivals(connection, {row[2] for row in rows}, {row[1] for row in rows})
    found = set()
    for serial, arrived_at, number, asked in rows:
        batches = [one for of, one in arrivals if (of, one.arrived_at) == (number, arrived_at)]
        found |= {(start, arrived) for start, end, arrived in spans if arrived == arrived_at
                  and came_by(ranges_of(bytes(asked)), serial, start, end, batches)}
    return found


async def _arrivals(
        connection: Connection, numbers: set[int], arrived: set[datetime],
) -> list[tuple[int, Arrival]]:
    rows = await (await connection.execute(
        "select concentrator_id, arrived_at, incarnation, first_sequence, last_sequence,"
        "   first_captured_at, last_captured_at from batch_arrival"
        " where concentrator_id = any(%s) and arrived_at = any(%s)",
        [list(numbers), list(arrived)])).fetchall()
    return [(row[0], Arrival(row[1], bytes(row[2]), *row[3:])) for row in rows]
