"""The same ingest on TimescaleDB: bytes a reading in rows and compressed, and late rows into both.

Needs a server of its own, with the extension in template1, as WUM_TEST_DATABASE_URL; without one it
says so and reports nothing. Three days of four are ingested by two workers, beside bare COPY of the
same rows into the same emptied hypertable; then every chunk is compressed, and the fourth days come
late into what is compressed.
"""

import os
import statistics
import tempfile
from pathlib import Path

import psycopg
from ingest import CONCENTRATORS, REGISTERS, Fleet, one_run, work
from psycopg.sql import SQL

from kit.figures import Figure, arguments, report
from kit.head_end import HeadEnd
from kit.recorded import START_S, recorded
from kit.store import copy_in_s, copy_out, empty, rows_in

DAY_S = 86_400
LATE = 3                    # Of four days, the one that comes late.


def main() -> None:
    """Measure and report."""
    quick = arguments(__doc__ or "").quick
    server = os.environ.get("WUM_TEST_DATABASE_URL")
    if not server:
        print("No TimescaleDB can be reached: WUM_TEST_DATABASE_URL names none.")
        report("timescale", [])
        return
    rounds, days = (1, 8) if quick else (3, 56)
    source = recorded(days=days, energy_scaler=0)
    by_day = [0] * days
    for row in source.rows:
        by_day[(row.captured_at_s - START_S) // DAY_S] += CONCENTRATORS
    late_days = list(range(LATE, days, 4))
    late_rows = sum(by_day[day] for day in late_days)
    rows = sum(by_day) - late_rows
    with tempfile.TemporaryDirectory() as folder, HeadEnd(Path(folder), server) as head_end:
        url = head_end.database_url
        if not one(url, "select count(*) from pg_extension where extname = 'timescaledb'"):
            raise SystemExit("the server of WUM_TEST_DATABASE_URL has no TimescaleDB in template1")
        fleet = Fleet(head_end.provision_all(CONCENTRATORS), source)
        work(head_end, [fleet.announcements()])
        ours, copied = [], []
        for incarnation in range(1, rounds + 1):
            if incarnation > 1:
                copied.append(rows / copy_in_s(url, copy_out(url)))
            empty(url)
            messages = [m for day in range(days) if day not in late_days
                        for m in fleet.batches(range(24 * day, 24 * day + 24), 24, incarnation)]
            ours.append(one_run(head_end, fleet, messages, rows).rows_per_s)
        copied = copied or [rows / copy_in_s(url, copy_out(url))]
        plain = one(url, "select hypertable_size('reading')") / rows_in(url)
        compress(url)
        packed = one(url, "select hypertable_size('reading')") / rows_in(url)
        late = one_run(head_end, fleet, [
            m for day in late_days
            for m in fleet.batches(range(24 * day, 24 * day + 24), 24, rounds + 1)], late_rows)
        compress(url)
        again = one(url, "select hypertable_size('reading')") / rows_in(url)
    normal, bare = statistics.median(ours), statistics.median(copied)
    report("timescale", [
        Figure("bytes_per_reading", packed / REGISTERS, "bytes a reading",
               "the same in rows, with the key", plain / REGISTERS),
        Figure("bytes_per_reading_compressed_again", again / REGISTERS, "bytes a reading",
               "compressed once", packed / REGISTERS),
        Figure("exactly_once_readings_per_s", REGISTERS * normal, "readings/s",
               "bare COPY into the hypertable, one connection", REGISTERS * bare,
               "ratio >= 0.4"),
        Figure("late_into_compressed_readings_per_s", REGISTERS * late.rows_per_s, "readings/s",
               "into chunks that are not compressed", REGISTERS * normal)])


def compress(url: str) -> None:
    """Every chunk, again where rows came since."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("select compress_chunk(c) from show_chunks('reading') c")
        connection.execute("checkpoint")


def one(url: str, question: str) -> int:
    """The one number that answers it."""
    with psycopg.connect(url) as connection:
        row = connection.execute(SQL(question)).fetchone()  # type: ignore[arg-type]
        assert row is not None
        return int(row[0])


if __name__ == "__main__":
    main()
