"""What archives accepted against what the database holds: every reading once, with its value.

Archives are read from the concentrators' own folders, by the gateway's reader; the database by
plain SQL. Neither asks the other.
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from wum_edge.archive.reader import Limits
from wum_edge.archive.ring import Archive
from wum_edge.ports.linux.flash import LinuxFlash
from wum_shared.batch import Row
from wum_shared.messages import Schema, decode_schema
from wum_shared.obis import obis_to_text

_LIMIT_BYTES = 64 * 1024 * 1024
_SPAN_RECORDS = 4096
_SPAN_BYTES = 1 << 20

Key = tuple[str, int, str]  # Meter's serial, capture time in UTC seconds, OBIS code.


@dataclass
class Accepted:
    """What the archives hold; `values` in the order of acceptance."""

    values: dict[Key, list[int]] = field(default_factory=dict)
    missed: set[tuple[str, int]] = field(default_factory=set)
    last_sequence: dict[bytes, int] = field(default_factory=dict)
    cursor: dict[bytes, int] = field(default_factory=dict)
    rows: int = 0
    late_rows: int = 0            # Rows that bring more registers of a row that was there.
    _seen: set[tuple[str, int]] = field(default_factory=set)


def read_archives(folders: list[Path], up_to: dict[bytes, int] | None = None) -> Accepted:
    """Records of the archives in `folders`, whose agents do not run; `up_to` by incarnation."""
    accepted = Accepted()
    for folder in folders:
        flash = LinuxFlash(folder)
        try:
            archive = Archive(flash, _LIMIT_BYTES, bytes(8))
            assert not archive.is_new, "there is no archive in %s" % folder
            _read(archive, accepted, up_to)
        finally:
            flash.close()
    return accepted


def _read(archive: Archive, accepted: Accepted, up_to: dict[bytes, int] | None) -> None:
    last = archive.next_sequence - 1 if up_to is None else up_to[archive.incarnation]
    accepted.last_sequence[archive.incarnation] = last
    accepted.cursor[archive.incarnation] = archive.cursor
    first = 1
    while first <= last:
        span = archive.read(first, Limits(last, _SPAN_RECORDS, _SPAN_BYTES))
        assert span is not None
        assert not span.lost, "the archive lost %r" % (span.lost,)
        document = archive.schema(span.schema_id)
        assert document is not None
        schema = decode_schema(document)
        for row in span.rows:
            _add_row(row, schema, accepted)
        for missed in span.missed:
            accepted.missed.add((schema.meters[missed.meter].serial, missed.captured_at_s))
        first = span.last_sequence + 1


def _add_row(row: Row, schema: Schema, accepted: Accepted) -> None:
    serial = schema.meters[row.meter].serial
    registers = schema.register_sets[row.register_set].registers
    accepted.rows += 1
    accepted.late_rows += (serial, row.captured_at_s) in accepted._seen
    accepted._seen.add((serial, row.captured_at_s))
    for register, value in zip(registers, row.values, strict=True):
        if value is not None:
            key = (serial, row.captured_at_s, obis_to_text(register.obis))
            accepted.values.setdefault(key, []).append(value)


@dataclass
class Stored:
    """What the database holds: one value for each key, and revisions beside."""

    values: dict[Key, int]
    twice: list[Key]
    revisions: Counter[Key]
    missed: set[tuple[str, int]]

    def of(self, serials: tuple[str, ...]) -> "Stored":
        """What there is of the meters whose serials begin so."""
        return Stored(
            {key: value for key, value in self.values.items() if key[0].startswith(serials)},
            [key for key in self.twice if key[0].startswith(serials)],
            Counter({key: many for key, many in self.revisions.items()
                     if key[0].startswith(serials)}),
            {one for one in self.missed if one[0].startswith(serials)})


def read_database(url: str) -> Stored:
    """All readings of the database, taken apart by their register sets."""
    with psycopg.connect(url) as connection:
        sets = dict(connection.execute("select register_set_id, registers from register_set"))
        cursor = connection.execute(
            "select m.serial, extract(epoch from r.captured_at)::bigint as at, r.*"
            " from reading r join meter m using (meter_id)")
        assert cursor.description is not None
        names = [column.name for column in cursor.description]
        values: dict[Key, int] = {}
        twice = []
        for record in cursor:
            row = dict(zip(names, record, strict=True))
            for entry in sets[row["register_set_id"]]:
                value = _value(row, entry["column"])
                key = (row["serial"], row["at"], entry["obis"])
                if value is not None and key in values:
                    twice.append(key)
                elif value is not None:
                    values[key] = value
        revisions: Counter[Key] = Counter()
        for serial, at, obis in connection.execute(
                "select m.serial, extract(epoch from v.captured_at)::bigint, v.obis"
                " from reading_revision v join meter m using (meter_id)"):
            revisions[(serial, at, obis_to_text(obis))] += 1
        missed = set(connection.execute(
            "select m.serial, extract(epoch from x.captured_at)::bigint"
            " from missed x join meter m using (meter_id)"))
    return Stored(values, twice, revisions, missed)


def _value(row: dict[str, object], column: str) -> int | None:
    if not column.startswith("extra["):
        return row[column]  # type: ignore[return-value]
    extra = row["extra"] or []
    place = int(column[len("extra["):-1])
    return extra[place - 1] if place <= len(extra) else None  # type: ignore[index, arg-type]


def differences(must: Accepted, may: Accepted, stored: Stored) -> list[str]:
    """Every reading that is missing, altered, invented or there twice; in words, sorted.

    What is in `must` has to be stored, and nothing may be that is not in `may`.
    """
    found = ["twice: %s %d %s" % key for key in stored.twice]
    found += ["missing: %s %d %s" % key for key in must.values.keys() - stored.values.keys()]
    found += ["invented: %s %d %s" % key for key in stored.values.keys() - may.values.keys()]
    found += ["missed row not told: %s %d" % key for key in must.missed - stored.missed]
    found += ["missed row invented: %s %d" % key for key in stored.missed - may.missed]
    for key, value in stored.values.items():
        values = may.values.get(key, [value])
        if value not in values:
            found.append("altered: %s %d %s: %d, accepted %r" % (*key, value, values))
        if values == must.values.get(key) and len(set(values)) - 1 != stored.revisions[key]:
            found.append("revisions: %s %d %s: %d, accepted %r" % (
                *key, stored.revisions[key], values))
    return sorted(found)
