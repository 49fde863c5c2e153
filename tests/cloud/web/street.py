"""A street as ingest would have left it in the database, for the tests of API and pages.

Written with plain SQL, so that nothing of ingest is needed to test what reads it.
"""

import json
from datetime import datetime, timedelta

import psycopg

from wum_shared.obis import obis_from_text

REGISTERS = (
    ("1-0:1.8.0", 0, 30, "a_plus"), ("1-0:32.7.0", -1, 35, "u_l1"),
    ("1-0:16.7.0", 0, 27, "p"), ("1-0:91.7.0", -2, 33, "extra[1]"),
)
PERIOD_S = 900
DEVICE = bytes.fromhex("00112233445566aa")
SITE = "Strada Florilor 1"
ZONE = "Europe/Chisinau"


class Street:
    """One concentrator and its meters."""

    def __init__(self, url: str) -> None:
        self._url = self.url = url
        with psycopg.connect(url) as connection:
            self._concentrator = self._register(connection)
            self._set = _number(connection, (
                "insert into register_set (digest, profile, registers) values (%s, 0, %s)"
                " returning register_set_id"), [b"set", json.dumps([
                    {"obis": o, "scaler": s, "unit": u, "column": c}
                    for o, s, u, c in REGISTERS])])

    def _register(self, connection: psycopg.Connection) -> int:
        site = _number(connection, (
            "insert into site (tenant_id, name, time_zone) values (1, %s, %s)"
            " returning site_id"), [SITE, ZONE])
        return _number(connection, (
            "insert into concentrator (tenant_id, device_id, identity_key, name, site_id,"
            " broker_password_hash) values (1, %s, %s, 'cabinet-1', %s, 'x')"
            " returning concentrator_id"), [DEVICE, bytes(32), site])

    def add_meter(self, serial: str, model: str = "eastron-sdm630") -> int:
        """A meter that was never read; its number."""
        with psycopg.connect(self._url) as connection:
            point = _number(connection, (
                "insert into delivery_point (tenant_id, name) values (1, %s)"
                " returning delivery_point_id"), ["dp-" + serial])
            meter = _number(connection, (
                "insert into meter (tenant_id, serial, model, delivery_point_id,"
                " concentrator_id, period_s, offset_s) values (1, %s, %s, %s, %s, %s, 0)"
                " returning meter_id"), [serial, model, point, self._concentrator, PERIOD_S])
            connection.execute("insert into meter_register_set values (%s, %s)",
                               [meter, self._set])
        return meter

    def add_row(self, meter: int, at: datetime, values: tuple[int | None, int | None, int | None],
                extra: int | None = None, statuses: list[int] | None = None) -> None:
        """A row of A+, voltage, power and what has no column."""
        with psycopg.connect(self._url) as connection:
            self.insert_row(connection, meter, at, values, extra, statuses)

    def insert_row(self, connection: psycopg.Connection, meter: int, at: datetime,
                   values: tuple[int | None, int | None, int | None], extra: int | None = None,
                   statuses: list[int] | None = None) -> None:
        """add_row() for many in one transaction."""
        make_partition(connection, at)
        connection.execute(
            "insert into reading (meter_id, captured_at, profile, register_set_id,"
            " time_quality, statuses, a_plus, u_l1, p, extra)"
            " values (%s, %s, 0, %s, 0, %s, %s, %s, %s, %s)",
            [meter, at, self._set, statuses, *values, [extra]])
        connection.execute(
            "update meter set last_captured_at = greatest(last_captured_at, %s)"
            " where meter_id = %s", [at, meter])

    def add_counter(self, meter: int, first: datetime, values: list[int | None], period_s: int,
                    register_set: int | None = None) -> None:
        """Rows of A+ alone, one every `period_s`."""
        with psycopg.connect(self._url) as connection, connection.cursor() as cursor:
            for day in range(0, len(values) * period_s // 86400 + 8, 7):
                make_partition(connection, first + timedelta(days=day))
            cursor.executemany(
                "insert into reading (meter_id, captured_at, profile, register_set_id,"
                " time_quality, a_plus) values (%s, %s, 0, %s, 0, %s)",
                [[meter, first + timedelta(seconds=n * period_s), register_set or self._set, value]
                 for n, value in enumerate(values)])

    def add_register_set(self, obis: str, scaler: int, unit: int, column: str) -> int:
        """Another set, of one register; its number."""
        with psycopg.connect(self._url) as connection:
            return _number(
                connection, "insert into register_set (digest, profile, registers)"
                " values (%s, 0, %s) returning register_set_id",
                [("%s %d %s" % (obis, scaler, column)).encode(), json.dumps(
                    [{"obis": obis, "scaler": scaler, "unit": unit, "column": column}])])

    def add_missed(self, meter: int, at: datetime, outcome: int) -> None:
        """A capture that the meter did not give."""
        with psycopg.connect(self._url) as connection:
            connection.execute(
                "insert into missed values (%s, %s, 0, %s, '', %s)",
                [meter, at, outcome, self._concentrator])
            connection.execute(
                "update meter set last_missed_at = %s, last_outcome = %s where meter_id = %s",
                [at, outcome, meter])

    def add_event(self, sequence: int, kind: int, note: str, arrived_at: datetime) -> None:
        """An event of the concentrator."""
        with psycopg.connect(self._url) as connection:
            connection.execute(
                "insert into event values (%s, %s, %s, %s, 0, %s, null, %s, %s)",
                [self._concentrator, b"incarnat", sequence, arrived_at, kind, note, arrived_at])

    def add_revision(self, meter: int, at: datetime, obis: str, value: int) -> None:
        """Another value for a reading that is there."""
        with psycopg.connect(self._url) as connection:
            connection.execute(
                "insert into reading_revision values (%s, %s, 0, %s, %s, 0, 30, 0, %s, %s, 7)",
                [meter, at, obis_from_text(obis), value, self._concentrator, b"incarnat"])

    def do(self, statement: str) -> None:
        """Change something."""
        with psycopg.connect(self.url) as connection:
            connection.execute(statement.encode())

    def add_refusal(self, reason: str, detail: str) -> None:
        """Something nobody's in quarantine."""
        with psycopg.connect(self._url) as connection:
            connection.execute(
                "insert into quarantine (topic, reason, detail, form, content, size_bytes, digest)"
                " values ('wum/0/ffffffffffffffff/up/batch', %s, %s, 'message', %s, 3, %s)",
                [reason, detail, b"abc", detail.encode()])


def is_partitioned(connection: psycopg.Connection) -> bool:
    """Whether `reading` has partitions; on TimescaleDB it makes its chunks itself."""
    return bool(_number(connection, "select (relkind = 'p')::integer from pg_class"
                                    " where oid = 'reading'::regclass", []))


def make_partition(connection: psycopg.Connection, at: datetime) -> None:
    if not is_partitioned(connection):
        return
    monday = (at - timedelta(days=at.weekday())).replace(hour=0, minute=0, second=0, microsecond=0)
    connection.execute(
        psycopg.sql.SQL(
            "create table if not exists {} partition of reading for values from ({}) to ({})"
        ).format(psycopg.sql.Identifier("reading_test_%s" % monday.strftime("%Y%m%d")),
                 psycopg.sql.Literal(monday.isoformat()),
                 psycopg.sql.Literal((monday + timedelta(days=7)).isoformat())))


def _number(connection: psycopg.Connection, query: str, values: list[object]) -> int:
    row = connection.execute(query, values).fetchone()  # type: ignore[arg-type]
    assert row is not None
    return int(row[0])
