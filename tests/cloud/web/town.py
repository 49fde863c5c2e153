"""A small town in the database, with a day behind it: for looking at pages in a browser.

Written with plain SQL and COPY, as ingest would have left it. Everything follows from the clock
that is handed in: no chance, so that two pictures of one page are the same.
"""

import json
import math
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg
from psycopg import sql

from tests.cloud.web.street import is_partitioned
from wum_shared import status

PERIOD_S = 300
ZONE = "Europe/Chisinau"
SILENT = "SDM-0007"            # Went silent three hours ago, after a gap in the morning.
EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>"
REGISTERS = (
    ("1-0:1.8.0", 1, 30, "a_plus"), ("1-0:2.8.0", 1, 30, "a_minus"),
    ("1-0:16.7.0", 0, 27, "p"), ("1-0:131.7.0", 0, 29, "q"),
    ("1-0:32.7.0", -1, 35, "u_l1"), ("1-0:52.7.0", -1, 35, "u_l2"), ("1-0:72.7.0", -1, 35, "u_l3"),
    ("1-0:31.7.0", -2, 33, "i_l1"), ("1-0:51.7.0", -2, 33, "i_l2"), ("1-0:71.7.0", -2, 33, "i_l3"),
    ("1-0:13.7.0", -3, 255, "pf"), ("1-0:14.7.0", -2, 44, "f"),
    ("1-0:91.7.0", -2, 33, "extra[1]"),
)
_SITES = (("Strada Florilor", "Strada Florilor 1-64, Chișinău"),
          ("Bulevardul Ștefan cel Mare", "PT 1107, Chișinău"))


@dataclass(frozen=True, slots=True)
class Town:
    """What was put into the database."""

    meters: int
    newest: datetime


def build(url: str, now: datetime, *, meters_each: int = 16, hours: int = 26) -> Town:
    """Two sites, four cabinets, `meters_each` meters on each, `hours` of five-minute rows."""
    newest = datetime.fromtimestamp(now.timestamp() // PERIOD_S * PERIOD_S, now.tzinfo)
    with psycopg.connect(url) as connection:
        _partitions(connection, newest - timedelta(hours=hours), newest)
        register_set = _number(
            connection, "insert into register_set (digest, profile, registers)"
            " values ('town', 0, %s) returning register_set_id",
            json.dumps([{"obis": o, "scaler": s, "unit": u, "column": c}
                        for o, s, u, c in REGISTERS]))
        cabinets = [_cabinet(connection, number, newest) for number in range(4)]
        serials = ["SDM-%04d" % n for n in range(1, 4 * meters_each)] + [EVIL]
        for place, serial in enumerate(serials):
            meter = _meter(connection, serial, cabinets[place // meters_each], register_set)
            connection.execute(
                "insert into meter_schedule values (%s, %s, %s, %s, 0, %s)",
                [meter, newest - timedelta(hours=hours), cabinets[place // meters_each], PERIOD_S,
                 [register_set]])
            _profile(connection, meter, serial, place, register_set, newest, hours)
        _happenings(connection, cabinets, newest)
    return Town(len(serials), newest)


def _cabinet(connection: psycopg.Connection, number: int, newest: datetime) -> int:
    name, address = _SITES[number // 2]
    connection.execute(
        "insert into site (tenant_id, name, address, time_zone) values (1, %s, %s, %s)"
        " on conflict do nothing", [name, address, ZONE])
    behind = timedelta(minutes=52) if number == 3 else timedelta(seconds=4)
    cabinet = _number(
        connection,
        "insert into concentrator (tenant_id, device_id, identity_key, name, site_id,"
        " broker_password_hash, last_contact_at, newest_captured_at, registered_at)"
        " select 1, %s, %s, %s, site_id, 'x', %s, %s, %s from site where name = %s"
        " returning concentrator_id",
        bytes.fromhex("7d1f02a9c4e0b35%x" % number), bytes(32), "cabinet-%d" % (number + 1),
        newest - behind, newest - behind, newest - timedelta(days=12), name)
    missing = "{[1,9000),[9160,9400)}" if number == 3 else "{[1,9400)}"
    connection.execute(
        "insert into archive (concentrator_id, incarnation, received, lost, last_batch_at)"
        " values (%s, %s, %s::int8multirange, '{}', %s)",
        [cabinet, b"incarn-%d" % number, missing, newest - behind])
    return cabinet


def _meter(connection: psycopg.Connection, serial: str, cabinet: int, register_set: int) -> int:
    point = _number(
        connection, "insert into delivery_point (tenant_id, name) values (1, %s)"
        " returning delivery_point_id", "dp-" + serial[-4:])
    meter = _number(
        connection,
        "insert into meter (tenant_id, serial, model, delivery_point_id, concentrator_id,"
        " period_s, offset_s) values (1, %s, 'eastron-sdm630', %s, %s, %s, 0) returning meter_id",
        serial, point, cabinet, PERIOD_S)
    connection.execute("insert into meter_register_set values (%s, %s)", [meter, register_set])
    return meter


def _profile(connection: psycopg.Connection, meter: int, serial: str, place: int,
             register_set: int, newest: datetime, hours: int) -> None:
    columns = [column for *_, column in REGISTERS if not column.startswith("extra")]
    into = sql.SQL("copy reading (meter_id, captured_at, profile, register_set_id, time_quality,"
                   " statuses, arrived_at, extra, {}) from stdin").format(
        sql.SQL(", ").join([sql.Identifier(c) for c in columns]))
    energy, last, missed = 214_300 + 991 * place, None, []
    with connection.cursor() as cursor:
        with cursor.copy(into) as copy:
            for step in range(hours * 3600 // PERIOD_S, -1, -1):
                at = newest - timedelta(seconds=step * PERIOD_S)
                row = _values(at, place, energy)
                energy = row[0]
                if serial == SILENT and (step < 36 or 150 < step < 168):
                    missed.append(at)
                    continue
                late = [0] * len(REGISTERS)
                late[9] = status.LATE if step == 5 else 0
                copy.write_row([meter, at, 0, register_set, 0, late if any(late) else None,
                                at + timedelta(seconds=4), [row[-1]], *row[:-1]])
                last = at
        cursor.executemany(
            "insert into missed select %s, %s, 0, 1, '', concentrator_id from meter"
            " where meter_id = %s", [[meter, at, meter] for at in missed])
    connection.execute(
        "update meter set last_captured_at = %s, last_missed_at = %s, last_outcome = %s"
        " where meter_id = %s", [last, missed[-1] if missed else None,
                                 status.SILENT if missed else None, meter])


def _values(at: datetime, place: int, energy: int) -> list[int]:
    """A household: low at night, peaks at breakfast and in the evening."""
    hour = at.timestamp() / 3600 % 24 + 2
    shape = (0.25 + 1.1 * math.exp(-(((hour - 7.5) % 24) ** 2) / 3)
             + 2.1 * math.exp(-((hour - 20) ** 2) / 7))
    wave = math.sin(at.timestamp() / 700 + place) + 0.5 * math.sin(at.timestamp() / 190 + 3 * place)
    power = int(900 * shape * (1 + 0.05 * (place % 7)) + 120 * wave + 260)
    phases = [int(2318 + 22 * math.sin(hour / 3 + phase) + 6 * wave + place % 5)
              for phase in range(3)]
    amperes = [int(power * share / 2.31) for share in (0.42, 0.33, 0.25)]
    energy += max(1, round(power * PERIOD_S / 36000))
    return [energy, 0, power, power // 5, *phases, *amperes,
            978, int(5000 + 2 * wave), amperes[0] // 9]


def _happenings(connection: psycopg.Connection, cabinets: list[int], newest: datetime) -> None:
    events = [
        (0, status.EVENT_STARTED, "wum-edge 0.1.0, after power failure", 12 * 60),
        (0, status.EVENT_METER_SILENT, "no answer within 500 ms", 180),
        (1, status.EVENT_CONFIGURATION, "16 meters, one line", 95),
        (2, status.EVENT_CLOCK_STEPPED, "by 2.4 s, from NTP", 61),
        (3, status.EVENT_LINE_GONE, "/dev/ttyUSB0: No such device", 58),
        (3, status.EVENT_LINE_BACK, "/dev/ttyUSB0", 53),
    ]
    for sequence, (cabinet, kind, note, minutes) in enumerate(events, 1):
        at = newest - timedelta(minutes=minutes)
        meter = "(select meter_id from meter where serial = '%s')" % SILENT
        connection.execute(
            "insert into event values (%%s, 'incarnat', %%s, %%s, 0, %%s, %s, %%s, %%s)" % (
                meter if kind == status.EVENT_METER_SILENT else "null"),
            [cabinets[cabinet], sequence, at, kind, note, at])
    refusals = [
        (None, "not genuine", "The seal does not hold under the concentrator's uplink key.", 3),
        (cabinets[1], "captured in the future",
         "1 row of SDM-0021 captured 7 200 s ahead of the clock.", 1),
        (None, "unknown device", "Concentrator 00000000deadbeef is not registered.", 41),
    ]
    for number, (cabinet_id, reason, detail, times) in reversed(list(enumerate(refusals))):
        at = newest - timedelta(minutes=37 * number + 8)
        connection.execute(
            "insert into quarantine (arrived_at, last_arrived_at, times, concentrator_id, topic,"
            " reason, detail, form, content, size_bytes, digest) values (%s, %s, %s, %s,"
            " 'wum/0/7d1f02a9c4e0b350/up/batch', %s, %s, 'message', 'abc', 1180, %s)",
            [at, at, times, cabinet_id, reason, detail, b"digest-%d" % number])
    for what, n in (("rows stored", 18_412), ("duplicates", 96), ("late registers", 64),
                    ("replays", 2)):
        connection.execute("insert into ingest_count values (%s, %s, %s, %s)",
                           [newest.date(), cabinets[0], what, n])


def _partitions(connection: psycopg.Connection, first: datetime, last: datetime) -> None:
    if not is_partitioned(connection):
        return
    start = (first - timedelta(days=first.weekday())).date()
    while start <= last.date():
        end = start + timedelta(days=7)
        connection.execute(sql.SQL(
            "create table if not exists {} partition of reading for values from ({}) to ({})"
        ).format(sql.Identifier("reading_town_%s" % start.strftime("%Y%m%d")),
                 sql.Literal(start.isoformat() + " 00:00+00"),
                 sql.Literal(end.isoformat() + " 00:00+00")))
        start = end


def _number(connection: psycopg.Connection, query: str, *values: object) -> int:
    row = connection.execute(query.encode(), values).fetchone()
    assert row is not None
    return int(row[0])
