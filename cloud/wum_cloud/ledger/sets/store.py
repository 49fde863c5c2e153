"""The register sets of a meter and the rows of a day, as the database has them.

Left out: which set stands in which row (coverage.py). Sets are those of the schema in force.
"""

from datetime import datetime

from wum_cloud.database import Connection
from wum_cloud.ledger.sets.coverage import RegisterSet, StoredRow


async def register_sets(connection: Connection, meter_id: int) -> list[RegisterSet]:
    """The sets that the schema in force gives the meter, in their order."""
    rows = await (await connection.execute(
        "select register_set_id, s.profile, jsonb_path_query_array(s.registers, '$[*].obis')"
        " from meter_register_set join register_set s using (register_set_id)"
        " where meter_id = %s order by 1", [meter_id])).fetchall()
    return [RegisterSet(number, profile, tuple(codes)) for number, profile, codes in rows]


async def stored_rows(
        connection: Connection, meter_id: int, start: datetime, end: datetime) -> list[StoredRow]:
    """The meter's rows captured in start..end (end left out), with the registers they hold."""
    rows = await (await connection.execute(
        "select r.captured_at, r.profile, r.arrived_at,"
        "   jsonb_path_query_array(s.registers, '$[*].obis')"
        " from reading r join register_set s using (register_set_id)"
        " where r.meter_id = %s and r.captured_at >= %s and r.captured_at < %s order by 1, 2",
        [meter_id, start, end])).fetchall()
    return [StoredRow(at, profile, arrived_at, frozenset(codes))
            for at, profile, arrived_at, codes in rows]
