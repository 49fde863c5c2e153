"""A cabinet with meters as ingest leaves it in the database, for the tests of the ledger.

Every time is handed in: nothing depends on the day on which the tests run.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg

from tests.cloud.web.street import PERIOD_S, Street
from wum_cloud.database import Pool
from wum_cloud.ledger.counting.store import COUNTS
from wum_cloud.ledger.keeper import catch_up
from wum_cloud.reasons.names import REASONS
from wum_shared.status import SILENT

DAY = date(2026, 3, 2)
MIDNIGHT = datetime(2026, 3, 1, 22, tzinfo=UTC)     # Of DAY in Chisinau, two hours ahead.
NEXT = MIDNIGHT + timedelta(days=1)
PER_DAY = 86_400 // PERIOD_S
NOW = NEXT + timedelta(hours=12)


def at(interval: float) -> datetime:
    """The begin of an interval of DAY."""
    return MIDNIGHT + timedelta(seconds=interval * PERIOD_S)


class Book(Street):
    """A street whose meters have schedules, and a ledger over it."""

    def add_scheduled(self, serial: str, valid_from: datetime = MIDNIGHT) -> int:
        """A meter that is read every PERIOD_S since `valid_from`; its number."""
        meter = self.add_meter(serial)
        self.schedule(meter, valid_from, PERIOD_S)
        return meter

    def schedule(self, meter: int, valid_from: datetime, period_s: int | None,
                 offset_s: int = 0, concentrator: int | None = None,
                 sets: list[int] | None = None, part: int = 0) -> None:
        """Another schedule, as a schema message brings it; `part` of those of one moment."""
        number = self._concentrator if concentrator is None else concentrator
        with psycopg.connect(self.url) as connection:
            connection.execute(
                "insert into meter_schedule values (%s, %s, %s, %s, %s, %s, %s)",
                [meter, valid_from, number, period_s, offset_s,
                 [self._set] if sets is None else sets, part])
            connection.execute(
                "insert into ledger_mark (concentrator_id, since) values (%s, %s)",
                [number, valid_from])

    def read(self, meter: int, *intervals: float, late: timedelta = timedelta(seconds=5)) -> None:
        """Readings of these intervals of DAY, each stored so long after its capture."""
        with psycopg.connect(self.url) as connection:
            for interval in intervals:
                self.insert_row(connection, meter, at(interval), (1, 1, 1))
                connection.execute(
                    "update reading set arrived_at = %s where meter_id = %s and captured_at = %s",
                    [at(interval) + late, meter, at(interval)])
        self.mark(*[at(interval) for interval in intervals])

    def miss(self, meter: int, interval: float, outcome: int = SILENT) -> None:
        """A capture that failed."""
        self.add_missed(meter, at(interval), outcome)
        self.mark(at(interval))

    def mark(self, *moments: datetime) -> None:
        """What ingest's transaction says."""
        with psycopg.connect(self.url) as connection:
            connection.execute(
                "insert into ledger_mark (concentrator_id, hours) values (%s, %s)",
                [self._concentrator, sorted({int(m.timestamp()) // 3600 for m in moments})])

    def contact(self, last: datetime | None, newest: datetime | None) -> None:
        """When the concentrator was last heard, and the newest of what it captured."""
        with psycopg.connect(self.url) as connection:
            connection.execute(
                "update concentrator set last_contact_at = %s, newest_captured_at = %s"
                " where concentrator_id = %s", [last, newest, self._concentrator])

    def archive(self, received: str, lost: str = "{}", incarnation: bytes = b"incarnat",
                seen: datetime = MIDNIGHT) -> None:
        """An archive of the concentrator: which of its numbers came, and which it says are gone."""
        with psycopg.connect(self.url) as connection:
            connection.execute(
                "insert into archive (concentrator_id, incarnation, received, lost, first_seen_at,"
                "   last_batch_at) values (%s, %s, %s, %s, %s, %s)",
                [self._concentrator, incarnation, received, lost, seen, NOW])

    def arrive(self, first: int, last: int, begin: float, end: float,
               incarnation: bytes = b"incarnat") -> None:
        """A batch of these numbers, captured from one interval of DAY to another."""
        with psycopg.connect(self.url) as connection:
            connection.execute(
                "insert into batch_arrival values (%s, %s, %s, %s, %s, %s)",
                [self._concentrator, incarnation, first, last, at(begin), at(end)])

    def lose(self, first: int, last: int, reason: int, told: datetime) -> None:
        """What the concentrator says of numbers that are gone."""
        with psycopg.connect(self.url) as connection:
            connection.execute(
                "insert into archive_loss values (%s, 'incarnat', %s, %s, %s, '', %s)",
                [self._concentrator, first, last, reason, told])

    def ask(self, query: str, *values: object) -> list[Any]:
        """Rows of a query."""
        with psycopg.connect(self.url) as connection:
            return connection.execute(query.encode(), values).fetchall()

    def day(self, meter: int, day: date = DAY) -> dict[str, Any]:
        """What the ledger says of a meter's day; empty where it says nothing."""
        with psycopg.connect(self.url, row_factory=psycopg.rows.dict_row) as connection:
            row = connection.execute(
                "select * from ledger_day where meter_id = %s and day = %s", [meter, day],
            ).fetchone()
        return {name: value for name, value in (row or {}).items() if value}

    def check_sums(self) -> None:
        """The sums of concentrators and tenants are those of the meters' days, exactly."""
        names = [*COUNTS, "missing"]
        sums = ", ".join(["sum(%s)::bigint" % name for name in names])
        for table, key in (
                ("ledger_concentrator_day", "concentrator_id"), ("ledger_tenant_day", "tenant_id"),
                ("ledger_concentrator_set_day", "concentrator_id, register_set_id"),
                ("ledger_tenant_set_day", "tenant_id, register_set_id")):
            counted = self.ask(
                "select %s, day, count(distinct meter_id)::int, %s from ledger_day group by %s, day"
                " order by %s, day" % (key, sums, key, key))
            kept = self.ask(
                "select %s, day, meters, %s from %s where meters <> 0 order by %s, day" % (
                    key, ", ".join(names), table, key))
            assert kept == counted
            assert not self.ask("select 1 from %s where meters = 0 and expected <> 0" % table)
        reasons = " + ".join(REASONS)
        assert not self.ask("select 1 from ledger_day where missing <> %s" % reasons)


async def count(pool: Pool, book: Book, now: datetime = NOW) -> None:
    """Count all that changed, as of `now`, and check the sums."""
    await catch_up(pool, now)
    book.check_sums()
