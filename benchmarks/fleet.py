"""A fleet's hour through the real broker: published, stored, committed, acknowledged.

10,000 concentrators with 64 meters each (400 with --quick), 12 registers, hourly: one sealed
batch each through mosquitto to two ingest workers that share the subscription. Then the same at
half of that rate, for the time from publish to acknowledgement; then, in full, a day's backlog of
the whole fleet while live hours go on. The limit is the hour: 10,000 concentrators within 60 s.
The hours are those before now, of a fleet that was put up then: the ledger counts beside ingest.
"""

import secrets
import statistics
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import psycopg

from kit.figures import Figure, arguments, report
from kit.fleet import Fleet, Link, Message, registered
from kit.head_end import HeadEnd
from kit.processor import processor_s_by_program
from kit.recorded import METERS, recorded
from kit.store import rows_in

WORKERS = 2
LIMIT_METERS_PER_S = 640_000 / 60
UNDER_WAY_MAX = 1_000        # Messages without an answer; every concentrator has at most one.
TRICKLE_S = 10.0             # How long the fleet goes on at half the rate.
LATE_LIMIT_S = 1.0
REGISTERS = 12
HOUR_BATCHES = 10_000
_WAIT_S = 120.0


@dataclass(frozen=True, slots=True)
class Trickle:
    """What was measured at a fixed rate: seconds from publish to acknowledgement."""

    median_s: float
    p99_s: float


class Bench:
    """One head-end with its fleet."""

    def __init__(self, head_end: HeadEnd, link: Link, fleet: Fleet) -> None:
        self._head_end = head_end
        self._link = link
        self._fleet = fleet
        self._seen = 0

    def take_schemas(self) -> float:
        """Schemas a second until all are stored."""
        messages = self._fleet.schemas()
        start = time.perf_counter()
        for place, message in enumerate(messages):
            self._link.say(message)
            if place % UNDER_WAY_MAX == UNDER_WAY_MAX - 1:
                self._wait_for_schemas(place + 1 - UNDER_WAY_MAX // 2)
        self._wait_for_schemas(len(messages))
        return len(messages) / (time.perf_counter() - start)

    def hour(self, messages: list[Message]) -> float:
        """Seconds until all of these are acknowledged, as fast as they are."""
        start = time.perf_counter()
        for message in messages:
            self._link.wait_for_room(UNDER_WAY_MAX)
            self._link.say(message)
        self._link.wait_for(self._seen + len(messages))
        took_s = time.perf_counter() - start
        self._check(messages)
        return took_s

    def trickle(self, messages: list[Message], per_s: float) -> Trickle:
        """Say these at a fixed rate, whatever the answers do."""
        begin = time.perf_counter()
        for place, message in enumerate(messages):
            time.sleep(max(0.0, begin + place / per_s - time.perf_counter()))
            self._link.say(message)
        self._link.wait_for(self._seen + len(messages))
        took = sorted(self._check(messages))
        return Trickle(statistics.median(took), took[int(len(took) * 0.99)])

    def drain(self, backlog: list[Message], live: list[Message], live_s: float) -> tuple[
            float, Trickle]:
        """Seconds to take the backlog, and how late live messages were that went on beside it.

        Live ones are said when they are due, whatever is under way; the backlog has what room
        they leave.
        """
        wanted = {message.key for message in live}
        done = threading.Event()
        begin = time.perf_counter()

        def say_live() -> None:
            for place, message in enumerate(live):
                if done.wait(max(0.0, begin + place * live_s / len(live) - time.perf_counter())):
                    break
                self._link.say(message)

        speaker = threading.Thread(target=say_live)
        speaker.start()
        for message in backlog:
            self._link.wait_for_room(UNDER_WAY_MAX)
            self._link.say(message)
        self._link.wait_for_room(1)
        took_s = time.perf_counter() - begin
        done.set()
        speaker.join()
        said = [message for message in live if message.key in self._link.said]
        self._link.wait_for(self._seen + len(backlog) + len(said))
        late = sorted(self._check(backlog + said, wanted))
        return took_s, Trickle(statistics.median(late), late[int(len(late) * 0.99)])

    def _check(self, messages: list[Message], only: set[bytes] | None = None) -> list[float]:
        """Each was answered "stored"; seconds from publish to answer, of `only` these."""
        answered = {self._fleet.answered(topic, sealed): at
                    for at, topic, sealed in self._link.heard[self._seen:]}
        missing = [message for message in messages if message.key not in answered]
        if missing:
            raise SystemExit(f"{len(missing)} of {len(messages)} batches were not answered")
        self._seen = len(self._link.heard)
        return [answered[message.key] - self._link.said[message.key] for message in messages
                if only is None or message.key in only]

    def _wait_for_schemas(self, count: int) -> None:
        until = time.perf_counter() + _WAIT_S
        with psycopg.connect(self._head_end.database_url, autocommit=True) as connection:
            while (row := connection.execute(
                    "select count(*) from schema_document"
            ).fetchone()) and row[0] < count:
                if time.perf_counter() > until:
                    raise SystemExit(f"{row[0]} of {count} schemas within {_WAIT_S:.0f} s")
                time.sleep(0.05)


def main() -> None:
    """Measure and report."""
    quick = arguments(__doc__ or "").quick
    count = 400 if quick else 10_000
    hours = 5 if quick else 30
    source = recorded(days=1 if quick else 2, energy_scaler=0).moved(
        int(time.time()) // 3600 * 3600 - 3600 * hours)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)            # PostgreSQL's account goes through it.
        with HeadEnd(Path(folder)) as head_end:
            fleet = Fleet(registered(head_end.database_url, head_end.folder / "key", count),
                          source)
            password = secrets.token_urlsafe()
            head_end.start(workers=WORKERS, load_password=password)
            link = Link(head_end.broker_port, password)
            figures = measure(Bench(head_end, link, fleet), fleet, quick)
            link.close()
            print(f"{rows_in(head_end.database_url):,} rows stored")
    report("fleet", figures)


def timed(bench: Bench, messages: list[Message]) -> tuple[float, Counter[str]]:
    """(seconds until all are acknowledged, processor time for it of all processes by program)."""
    before = processor_s_by_program()
    took_s = bench.hour(messages)
    return took_s, processor_s_by_program() - before


def measure(bench: Bench, fleet: Fleet, quick: bool) -> list[Figure]:
    """All figures, one after the other."""
    count = len(fleet.devices)
    print(f"{count:,} schemas: {bench.take_schemas():,.0f} a second", flush=True)
    bench.hour(fleet.batches(0, 1))          # Warms connections, partitions, what is remembered.
    took, used = zip(*[timed(bench, fleet.batches(hour, 1)) for hour in (1, 2, 3)], strict=True)
    took_s = statistics.median(took)
    middle = sorted(used, key=Counter.total)[1]
    used_s = middle.total()
    rate = count / took_s
    print(f"one hour of {count:,} concentrators: {took_s:.1f} s, {rate:,.0f} batches/s, "
          f"{1000 * used_s / count:.1f} ms of processor time a batch: " + ", ".join(
              f"{'generator' if name == 'self' else name} {1000 * spent / count:.1f}"
              for name, spent in middle.most_common()), flush=True)
    late = bench.trickle(
        fleet.batches(4, 1)[:int(TRICKLE_S * rate / 2)], rate / 2)
    figures = [
        Figure("fleet_meters_per_s", METERS * rate, "meters/s", "10,000 concentrators in 60 s",
               LIMIT_METERS_PER_S, f"value >= {LIMIT_METERS_PER_S:.0f}"),
        Figure("fleet_processor_s_an_hour", HOUR_BATCHES * used_s / count, "s",
               "two processors for 60 s", 120.0, "ratio <= 1"),
        Figure("acknowledged_p99_s", late.p99_s, "s", "one second, at half of that rate",
               LATE_LIMIT_S, "ratio <= 1"),
        Figure("acknowledged_median_s", late.median_s, "s", "one second", LATE_LIMIT_S)]
    if not quick:
        live = fleet.batches(29, 1)
        drained_s, beside = bench.drain(fleet.batches(5, 24), live, 60.0)
        readings = 24 * METERS * REGISTERS * count
        figures += [
            Figure("drained_readings_per_s", readings / drained_s, "readings/s",
                   "the day's readings in an hour", readings / 3600, "ratio >= 1"),
            Figure("live_p99_s_while_draining", beside.p99_s, "s", "one minute", 60.0,
                   "ratio <= 1")]
    return figures


if __name__ == "__main__":
    main()
