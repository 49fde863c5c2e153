"""Rows of many batches go to the database in the order of their keys, whatever they look like."""

import numpy as np
import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cloud.batches import batches
from wum_cloud.ingest.opened import read_batch
from wum_cloud.ingest.rows.staging import ROW_COLUMNS, copy_rows
from wum_cloud.ingest.rows.table import Part, order_of, tables_of
from wum_cloud.registry.schemas.layout import Layout
from wum_shared.batch import Batch, Row, encode_batch
from wum_shared.messages import Schema
from wum_shared.status import ABSENT

_Values = tuple[int | None, ...]
_Statuses = tuple[int, ...] | None
_Said = tuple[int, int, int, int, int, _Values, _Statuses]


def _parts(pairs: list[tuple[Schema, Batch]]) -> list[Part]:
    parts = []
    numbers: dict[bytes, int] = {}
    for source, (schema, batch) in enumerate(pairs):
        meter_ids = np.array([100 - source * 10 - n for n in range(len(schema.meters))], np.int64)
        for group in read_batch(encode_batch(batch), schema).groups:
            set_ = schema.register_sets[group.register_set]
            layout = Layout(set_.profile, set_.registers)
            number = numbers.setdefault(layout.digest, len(numbers) + 1)
            parts.append(Part(source, group, meter_ids, number, layout))
    return parts


def _expected(pairs: list[tuple[Schema, Batch]]) -> list[_Said]:
    """(meter, capture time, profile, source, sequence, values, statuses) of all rows, in order."""
    found = []
    for source, (schema, batch) in enumerate(pairs):
        for row in batch.rows:
            found.append((
                100 - source * 10 - row.meter, row.captured_at_s,
                schema.register_sets[row.register_set].profile, source, *_said(row)))
    return sorted(found, key=lambda row: row[:5])


def _said(row: Row) -> tuple[int, _Values, _Statuses]:
    return row.sequence, row.values, row.statuses if any(row.statuses) else None


@given(st.lists(batches(), min_size=1, max_size=4))
@settings(deadline=None)
def test_tables_hold_every_row_once_and_know_their_order(
        pairs: list[tuple[Schema, Batch]]) -> None:
    tables = tables_of(_parts(pairs))
    if not tables:
        assert not any(batch.rows for _, batch in pairs)
        return
    rows = [row for table in tables for row in zip(
        table.meter_id.tolist(), table.captured_at_s.tolist(),
        [table.layout.profile] * len(table), table.source.tolist(), table.sequence.tolist(),
        strict=True)]
    order, has_duplicates = order_of(tables)
    expected = _expected(pairs)
    keys = [row[:3] for row in expected]
    assert sorted(rows) == [row[:5] for row in expected]
    assert [rows[at][:3] for at in order.tolist()] == keys
    assert has_duplicates == (len(set(keys)) < len(keys))


@given(pairs=st.lists(batches(), min_size=1, max_size=3))
@settings(deadline=None, max_examples=60,
          suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_database_reads_exactly_the_rows_that_were_made(
        empty_database_url: str, pairs: list[tuple[Schema, Batch]]) -> None:
    """Through PostgreSQL's own reader of its binary format, every row with its origin."""
    tables = tables_of(_parts(pairs))
    if not tables:
        return
    data, _ = copy_rows(tables, with_origin=True)
    layouts = {table.register_set_id: table.layout for table in tables}
    columns = ("source smallint, sequence bigint, meter_id bigint, captured_at timestamptz,"
               " profile smallint, register_set_id integer, time_quality smallint,"
               " statuses integer[], %s, extra bigint[]" % ", ".join(
                   [name + " bigint" for name in ROW_COLUMNS[6:-1]]))
    with psycopg.connect(empty_database_url, options="-c timezone=UTC") as connection:
        connection.execute(("create temporary table t (%s)" % columns).encode())
        with connection.cursor().copy(b"copy t from stdin (format binary)") as copy:
            copy.write(data)
        rows = connection.execute("select * from t").fetchall()
    got = []
    for (source, sequence, meter_id, captured_at, profile, number, _, statuses, *values) in rows:
        extras = iter(values.pop() or [])
        by_column = dict(zip(ROW_COLUMNS[6:-1], values, strict=True))
        got.append((
            meter_id, int(captured_at.timestamp()), profile, source, sequence,
            tuple([by_column[c] if c in by_column else next(extras)
                   for c in layouts[number].columns]),
            None if statuses is None else tuple(statuses)))
    assert [row[:3] for row in got] == [row[:3] for row in _expected(pairs)]
    assert sorted(got, key=lambda row: row[:5]) == _expected(pairs)
    assert all((value is None) == bool(row[6] is not None and row[6][at] & ABSENT)
               for row in got for at, value in enumerate(row[5]))
