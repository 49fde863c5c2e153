"""Readings a second through the whole chain on one machine, beside bare COPY of the same rows.

Sealed batches (one day of 64 meters, 12 registers) of several concentrators -> mosquitto ->
`wum-cloud ingest` -> PostgreSQL, COMMIT -> sealed acknowledgement, opened and compared. The clock
runs from the first message to the last acknowledgement; sealing is done before. Afterwards the
same rows are copied out, and in again by binary COPY into the same emptied table.
"""

import statistics
import tempfile
import time
from pathlib import Path

from kit.concentrator import Concentrator
from kit.figures import Figure, arguments, report
from kit.head_end import HeadEnd
from kit.recorded import START_S, Recorded, recorded
from kit.store import copy_in_s, copy_out, rows_in
from wum_shared.batch import Batch
from wum_shared.ids import schema_id
from wum_shared.messages import Schema, encode_schema

DAY_S = 86_400
CONCENTRATORS = 4
COPY_RUNS = 3
TIMEOUT_S = 300.0


def own_schema(source: Recorded, concentrator: Concentrator, number: int) -> Schema:
    """The schema with this concentrator's own meters."""
    return source.schema._replace(
        concentrator=concentrator.registration.concentrator,
        meters=tuple(m._replace(serial=f"C{number}-{m.serial}",
                                delivery_point=f"C{number}-{m.delivery_point}")
                     for m in source.schema.meters))


def daily(source: Recorded, days: int, schema_name: bytes, incarnation: bytes) -> list[Batch]:
    """A batch of all meters for each day, numbered on."""
    batches: list[Batch] = []
    sequence = 1
    for day in range(days):
        start_s = START_S + day * DAY_S
        batch = source.batch(first_s=start_s, last_s=start_s + DAY_S, first_sequence=sequence)
        batches.append(batch._replace(schema_id=schema_name, incarnation=incarnation))
        sequence = batch.last_sequence + 1
    return batches


def measure(head_end: HeadEnd, days: int) -> tuple[int, float]:
    """(rows sent, seconds from the first message to the last acknowledgement)."""
    source = recorded(days=days + 1, energy_scaler=0)
    keys = [head_end.provision(f"cabinet-{n}") for n in range(CONCENTRATORS)]
    head_end.start()
    concentrators = [Concentrator(folder, head_end.broker_port) for folder in keys]
    prepared = []
    rows = 0
    for number, concentrator in enumerate(concentrators):
        schema = own_schema(source, concentrator, number)
        name = schema_id(encode_schema(schema))
        batches = daily(source, days + 1, name, bytes([number + 1] * 8))
        # The first day warms up: connections, partitions, what ingest remembers.
        concentrator.announce(schema, batches[0])
        prepared.append([concentrator.message(batch) for batch in batches[1:]])
        rows += sum(len(batch.rows) for batch in batches[1:])
    start = time.perf_counter()
    for concentrator, messages in zip(concentrators, prepared, strict=True):
        concentrator.begin(messages)
    done = [concentrator.wait(TIMEOUT_S) for concentrator in concentrators]
    took_s = time.perf_counter() - start
    for concentrator in concentrators:
        concentrator.close()
        if concentrator.refused:
            raise SystemExit(f"not stored: {concentrator.refused[0]}")
    if not all(done):
        raise SystemExit(f"not every batch was acknowledged within {TIMEOUT_S:.0f} s")
    return rows, took_s


def main() -> None:
    """Measure and report."""
    quick = arguments(__doc__ or "").quick
    days = 14 if quick else 42
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)            # PostgreSQL's account goes through it.
        with HeadEnd(Path(folder)) as head_end:
            rows, chain_s = measure(head_end, days)
            url = head_end.database_url
            first_s = START_S + DAY_S
            stored = rows_in(url, first_s)
            if stored != rows:
                raise SystemExit(f"sent {rows} rows, and {stored} are in the database")
            data = copy_out(url, first_s)
            copy_s = statistics.median(copy_in_s(url, data) for _ in range(COPY_RUNS))
            if rows_in(url, first_s) != rows:
                raise SystemExit("COPY did not bring the same rows")
    values = 12 * rows
    report("spine", [
        Figure("chain_readings_per_s", values / chain_s, "readings/s", "bare COPY",
               values / copy_s),
        Figure("chain_rows_per_s", rows / chain_s, "rows/s", "bare COPY", rows / copy_s)])


if __name__ == "__main__":
    main()
