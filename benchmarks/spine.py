"""Readings a second through the whole chain on one machine, beside bare COPY of the same rows.

Sealed batches (one day of 64 meters, 12 registers) of several concentrators -> mosquitto ->
`wum-cloud ingest` -> PostgreSQL, COMMIT -> sealed acknowledgement, opened and compared. The clock
runs from the first message to the last acknowledgement; sealing is done before. Then the same rows
are copied out, and in again by binary COPY into the same emptied table. That goes in rounds, so
that what the machine does beside hits both alike; the medians count.
"""

import statistics
import tempfile
import time
from pathlib import Path

from kit.concentrator import Concentrator
from kit.figures import Figure, arguments, report
from kit.head_end import HeadEnd
from kit.recorded import START_S, Recorded, recorded
from kit.store import copy_in_s, copy_out, empty, rows_in
from wum_shared.batch import Batch
from wum_shared.ids import schema_id
from wum_shared.messages import encode_schema

DAY_S = 86_400
CONCENTRATORS = 4
TIMEOUT_S = 300.0


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


class Sender:
    """One concentrator with its days sealed and ready; the first was sent to warm up."""

    def __init__(self, keys: Path, port: int, source: Recorded, number: int, days: int) -> None:
        self.concentrator = Concentrator(keys, port)
        schema = self.concentrator.own(source.schema, number)
        name = schema_id(encode_schema(schema))
        first, *self.batches = daily(source, days + 1, name, bytes([number + 1] * 8))
        # Connections, partitions, what ingest remembers.
        self.concentrator.announce(schema, first)
        self.messages = [self.concentrator.message(batch) for batch in self.batches]


def chain_s(senders: list[Sender], days: range) -> float:
    """Seconds from the first message of these days to the last acknowledgement."""
    start = time.perf_counter()
    for sender in senders:
        sender.concentrator.begin(sender.messages[days.start:days.stop])
    done = [sender.concentrator.wait(TIMEOUT_S) for sender in senders]
    took_s = time.perf_counter() - start
    for sender in senders:
        if sender.concentrator.refused:
            raise SystemExit(f"not stored: {sender.concentrator.refused[0]}")
    if not all(done):
        raise SystemExit(f"not every batch was acknowledged within {TIMEOUT_S:.0f} s")
    return took_s


def one_round(url: str, senders: list[Sender], days: range) -> tuple[float, float]:
    """Rows a second of the chain, and of COPY of the same rows into the same emptied table."""
    rows = sum(len(batch.rows) for sender in senders
               for batch in sender.batches[days.start:days.stop])
    empty(url)
    took_s = chain_s(senders, days)
    check_rows(url, rows)
    copied_s = copy_in_s(url, copy_out(url))
    check_rows(url, rows)
    return rows / took_s, rows / copied_s


def check_rows(url: str, wanted: int) -> None:
    """A run that lost or doubled a row measures nothing."""
    if (found := rows_in(url)) != wanted:
        raise SystemExit(f"sent {wanted} rows, and {found} are in the database")


def main() -> None:
    """Measure and report."""
    quick = arguments(__doc__ or "").quick
    rounds, days = (3, 7) if quick else (5, 14)
    source = recorded(days=rounds * days + 1, energy_scaler=0)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)            # PostgreSQL's account goes through it.
        with HeadEnd(Path(folder)) as head_end:
            keys = [head_end.provision(f"cabinet-{n}") for n in range(CONCENTRATORS)]
            head_end.start()
            senders = [Sender(folder, head_end.broker_port, source, n, rounds * days)
                       for n, folder in enumerate(keys)]
            results = [one_round(head_end.database_url, senders, range(n * days, (n + 1) * days))
                       for n in range(rounds)]
            for sender in senders:
                sender.concentrator.close()
    chain, copied = (statistics.median(column) for column in zip(*results, strict=True))
    report("spine", [
        Figure("chain_readings_per_s", 12 * chain, "readings/s", "bare COPY", 12 * copied),
        Figure("chain_rows_per_s", chain, "rows/s", "bare COPY", copied)])


if __name__ == "__main__":
    main()
