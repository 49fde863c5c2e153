"""What the summary asks the head-end's database. Read only."""

from dataclasses import dataclass
from datetime import datetime

import psycopg

_PATIENCE_S = 2


@dataclass(frozen=True, slots=True)
class Stored:
    """What the head-end has. A row is one meter at one capture time."""

    rows: int
    meters: int
    newest_captured_at: datetime | None
    last_batch_at: datetime | None
    quarantined: int


def stored(url: str) -> Stored | None:
    """What the database at `url` holds now; None while it does not answer."""
    try:
        with psycopg.connect(url, connect_timeout=_PATIENCE_S) as connection:
            row = connection.execute(
                """
                select (select count(*) from reading),
                       (select count(*) from meter),
                       (select max(captured_at) from reading),
                       (select max(last_batch_at) from archive),
                       (select count(*) from quarantine)
                """
            ).fetchone()
    except psycopg.Error:
        return None
    assert row is not None
    return Stored(*row)
