"""Exactly once, beside bare COPY: sealed batches through two ingest workers into the database.

Each worker is a process with the head-end's own path: open, decode, check, store, COMMIT, seal
the acknowledgement. The reference is one connection that copies the same rows from buffers made
beforehand into the same emptied table, key and partitions included; the ceiling is as many of them
as there are workers. All go in rounds; the medians count.
Left out: the broker (spine.py, fleet.py).
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psycopg

from kit.concentrator import Device, provisioned
from kit.figures import Figure, arguments, report
from kit.head_end import HeadEnd
from kit.ingest_worker import write_messages
from kit.recorded import INCARNATION, METERS, START_S, Recorded, recorded
from kit.store import copy_in_s, copy_in_together_s, copy_out, empty, rows_in
from wum_shared import topics
from wum_shared.batch import encode_batch
from wum_shared.ids import schema_id
from wum_shared.messages import encode_schema
from wum_shared.status import ANSWERS, STORED

HOUR_S = 3600
WORKERS = 2
CONCENTRATORS = 8
REGISTERS = 12
TIMEOUT_S = 300.0
FULL_READINGS = 100_000_000
_FOLDER = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Run:
    """One round of both workers."""

    rows_per_s: float
    stages: dict[str, float]     # Seconds of both workers.
    cpu_s: float
    wal_bytes: int


class Fleet:
    """Concentrators with their batches; `sealed` anew for each run, for counters rise.

    All say the same under names of their own, so a batch is encoded once, and the names put in.
    """

    def __init__(self, keys: list[Path], source: Recorded) -> None:
        self.devices = [Device(provisioned(folder)) for folder in keys]
        self.source = source
        self.schemas = [device.own(source.schema, n) for n, device in enumerate(self.devices)]
        self._schema_ids = [schema_id(encode_schema(schema)) for schema in self.schemas]
        self._encoded: dict[tuple[int, int], bytes] = {}

    def announcements(self) -> list[tuple[str, bytes]]:
        """Each one's schema, sealed."""
        return [(device.topic(topics.SCHEMA),
                 device.sealed(encode_schema(schema), topics.SCHEMA))
                for device, schema in zip(self.devices, self.schemas, strict=True)]

    def batches(self, hours: range, step: int, incarnation: int) -> list[tuple[str, bytes]]:
        """The hours of all of them in batches of `step` hours, sealed, the oldest first."""
        messages = []
        for first in range(hours.start, hours.stop, step):
            for n, device in enumerate(self.devices):
                own = self._own(n, incarnation, first, step)
                messages.append((device.topic(topics.BATCH), device.sealed(own, topics.BATCH)))
        return messages

    def _own(self, number: int, incarnation: int, first: int, step: int) -> bytes:
        """What one of them sends of `step` hours, encoded."""
        name = bytes([incarnation, number + 1] * 4)
        if (first, step) in self._encoded:
            return self._encoded[first, step].replace(INCARNATION, name).replace(
                self.source.schema_name, self._schema_ids[number])
        batch = self.source.batch(
            first_s=START_S + first * HOUR_S, last_s=START_S + (first + step) * HOUR_S,
            first_sequence=1 + first * METERS)
        content = self._encoded[first, step] = encode_batch(batch)
        if {content.count(INCARNATION), content.count(self.source.schema_name)} != {1}:
            raise SystemExit("a name stands twice in a batch: it cannot be put in")
        own = self._own(number, incarnation, first, step)
        if own != encode_batch(batch._replace(
                schema_id=self._schema_ids[number], incarnation=name)):
            raise SystemExit("a batch with names put in is not the batch")
        return own

    def check_answers(self, answers: list[tuple[str, str]], wanted: int) -> None:
        """Every batch was answered "stored", to its own sender."""
        by_topic = {device.topic(topics.ACKNOWLEDGEMENT): device
                    for device in self.devices}
        if len(answers) != wanted:
            raise SystemExit(f"sent {wanted} batches, got {len(answers)} answers")
        for topic, message in answers:
            answer = by_topic[topic].acknowledgement(bytes.fromhex(message))
            if answer.answer != STORED or answer.set_aside:
                raise SystemExit(f"not stored: {ANSWERS[answer.answer]}, {answer.set_aside} set "
                                 f"aside: {answer.note}")


@dataclass(frozen=True, slots=True)
class Said:
    """What one worker says at its end."""

    took_s: float
    cpu_s: float
    stages: dict[str, float]
    answers: list[tuple[str, str]]


def work(head_end: HeadEnd, shares: list[list[tuple[str, bytes]]]) -> list[Said]:
    """What each worker says after its share; all begin at once."""
    processes = [_worker(head_end, number, share) for number, share in enumerate(shares)]
    try:
        for process in processes:
            assert process.stdout is not None
            if process.stdout.readline() != "ready\n":
                raise SystemExit("a worker did not start")
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        return [Said(**json.loads(process.communicate(timeout=TIMEOUT_S)[0]))
                for process in processes]
    finally:
        for process in processes:
            process.kill()


def _worker(
        head_end: HeadEnd, number: int, share: list[tuple[str, bytes]]) -> "subprocess.Popen[str]":
    path = head_end.folder / f"messages-{number}"
    write_messages(path, share)
    return subprocess.Popen(
        [sys.executable, "-m", "kit.ingest_worker", head_end.database_url,
         str(head_end.folder / "key"), str(path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(
            [str(_FOLDER), os.environ.get("PYTHONPATH", "")])})


def one_run(head_end: HeadEnd, fleet: Fleet, messages: list[tuple[str, bytes]], rows: int) -> Run:
    """Both workers over these messages, dealt out in turn; checked that all is there once."""
    url = head_end.database_url
    before, wal = rows_in(url), wal_bytes(url)
    said = work(head_end, [messages[n::WORKERS] for n in range(WORKERS)])
    written = wal_bytes(url) - wal
    fleet.check_answers([answer for one in said for answer in one.answers], len(messages))
    if (found := rows_in(url) - before) != rows:
        raise SystemExit(f"sent {rows} rows, and {found} are in the database")
    return Run(
        rows / max(one.took_s for one in said),
        {stage: sum(one.stages[stage] for one in said) for stage in said[0].stages},
        sum(one.cpu_s for one in said), written)


def fill(url: str, readings: int) -> None:
    """Other meters' rows beside those that are there, until so many readings are stored."""
    with psycopg.connect(url, autocommit=True) as connection:
        there = rows_in(url)
        columns = [row[0] for row in connection.execute(
            "select column_name from information_schema.columns where table_name = 'reading'"
            " and table_schema = current_schema() order by ordinal_position").fetchall()]
        others = ", ".join("r.meter_id + 1000000 * n" if c == "meter_id" else f"r.{c}"
                           for c in columns)
        copies = -(-readings // (REGISTERS * there)) - 1
        connection.execute(
            f"insert into reading ({', '.join(columns)}) select {others}"
            " from (select * from reading) r, generate_series(1, %s) n"
            " order by n, r.meter_id, r.captured_at".encode(), [copies])
        connection.execute("checkpoint")


def main() -> None:
    """Measure and report."""
    quick = arguments(__doc__ or "").quick
    rounds, days = (3, 7) if quick else (5, 28)
    source = recorded(days=2 * days, energy_scaler=0)
    hours = range(24 * days)
    rows = CONCENTRATORS * len([r for r in source.rows
                                if r.captured_at_s < START_S + len(hours) * HOUR_S])
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)            # PostgreSQL's account goes through it.
        with HeadEnd(Path(folder)) as head_end:
            fleet = Fleet(head_end.provision_all(CONCENTRATORS), source)
            work(head_end, [fleet.announcements()])
            daily, hourly, copied, together = [], [], [], []
            incarnation = 0
            for _ in range(rounds):
                for runs, step in ((daily, 24), (hourly, 1)):
                    incarnation += 1
                    messages = fleet.batches(hours, step, incarnation)
                    empty(head_end.database_url)
                    runs.append(one_run(head_end, fleet, messages, rows))
                heap = relation_bytes(head_end.database_url)
                whole = copy_out(head_end.database_url)
                shares = [copy_out(head_end.database_url, n, WORKERS) for n in range(WORKERS)]
                copied.append(rows / copy_in_s(head_end.database_url, whole))
                together.append(rows / copy_in_together_s(head_end.database_url, shares))
            full = FULL_READINGS // (20 if quick else 1)
            fill(head_end.database_url, full)
            later = fleet.batches(range(24 * days, 48 * days), 24, incarnation + 1)
            filled = one_run(head_end, fleet, later, CONCENTRATORS * len(source.rows) - rows)
    tell(daily, hourly, (statistics.median(copied), statistics.median(together)),
         heap / (rows * REGISTERS), rows, filled, full)


def tell(
        daily: list[Run], hourly: list[Run], copies: tuple[float, float], heap_bytes: float,
        rows: int, filled: Run, full: int,
) -> None:
    """Where the time goes, for people; then the figures. `copies`: rows a second of bare COPY by
    one connection, and by as many as there are workers."""
    copied, together = copies
    print(f"ceiling: bare COPY by {WORKERS} connections, {REGISTERS * together:,.0f} readings/s, "
          f"{together / copied:.2f} of one; whoever opens and decodes as well stays below")
    middle = sorted(daily, key=lambda run: run.rows_per_s)[len(daily) // 2]
    per = 1e9 / (rows * REGISTERS)
    print("daily batches, ns a reading of both workers: " + ", ".join(
        f"{stage} {seconds * per:.0f}" for stage, seconds in middle.stages.items())
        + f" (with waiting); processor time {middle.cpu_s * per:.0f}; COPY alone "
        f"{1e9 / (copied * REGISTERS):.0f}")
    rates = [statistics.median(run.rows_per_s for run in runs) for runs in (daily, hourly)]
    report("ingest", [
        Figure("exactly_once_readings_per_s", REGISTERS * rates[0], "readings/s",
               "bare COPY, one connection", REGISTERS * copied, "ratio >= 0.4"),
        Figure("exactly_once_of_the_ceiling", REGISTERS * rates[0], "readings/s",
               "bare COPY, a connection for each worker", REGISTERS * together),
        Figure("exactly_once_hourly_readings_per_s", REGISTERS * rates[1], "readings/s",
               "bare COPY, one connection", REGISTERS * copied),
        Figure("wal_bytes_per_reading", middle.wal_bytes / (rows * REGISTERS), "bytes a reading",
               "heap and key", heap_bytes),
        Figure("filled_readings_per_s", REGISTERS * filled.rows_per_s, "readings/s",
               f"the same into an empty table, not into {full / 1e6:.0f} million readings",
               REGISTERS * rates[0], "ratio >= 0.8")])


def wal_bytes(url: str) -> int:
    """How much write-ahead log there was so far."""
    with psycopg.connect(url) as connection:
        row = connection.execute("select pg_current_wal_lsn() - '0/0'").fetchone()
        assert row is not None
        return int(row[0])


def relation_bytes(url: str) -> int:
    """Table and key, all partitions."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "select sum(pg_total_relation_size(relid)) from pg_partition_tree('reading')"
        ).fetchone()
        assert row is not None
        return int(row[0])


if __name__ == "__main__":
    main()
