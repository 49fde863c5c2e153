"""What the summary asks the head-end's database. Read only."""

from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg import sql

_PATIENCE_S = 2

_COLUMNS = """
    select column_name from information_schema.columns
    where table_schema = current_schema and table_name = 'reading'
        and data_type = 'bigint' and column_name <> 'meter_id'
"""
_STORED = """
    select
        (select coalesce(sum(num_nonnulls({columns})
            + coalesce(cardinality(array_remove(extra, null)), 0)), 0)::bigint from reading),
        (select count(*) from meter),
        (select max(captured_at) from reading),
        (select max(last_batch_at) from archive),
        (select count(*) from quarantine)
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """What the head-end has. A reading is one register of one meter at one capture time."""

    readings: int
    meters: int
    newest_captured_at: datetime | None
    last_batch_at: datetime | None
    quarantined: int


def stored(url: str) -> Stored | None:
    """What the database at `url` holds now; None while it does not answer."""
    try:
        with psycopg.connect(url, connect_timeout=_PATIENCE_S) as connection:
            names = [sql.Identifier(name) for (name,) in connection.execute(_COLUMNS)]
            asked = sql.SQL(_STORED).format(columns=sql.SQL(", ").join(names))
            row = connection.execute(asked).fetchone()
    except psycopg.Error:
        return None
    assert row is not None
    return Stored(*row)
