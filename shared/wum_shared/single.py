"""Rows of one meter as one stream of bits: what a meter alone on a radio pays least with.

For the rows of one meter, one register set and one time quality, up to ROWS_MAX of them, in a batch
without a base. Which sequence numbers they have follows from the records beside them, so none is
told. Left out: how one register is told (ways.py); batches of many meters (rows1.py), which a
head-end decodes with arrays. Layout: contract.cddl, "single".
"""

from collections import namedtuple

from wum_shared import fields
from wum_shared.bitstream import BitReader, BitWriter, width_of
from wum_shared.errors import Malformed
from wum_shared.messages import Register, Schema, time_field
from wum_shared.packed import coded, commonest
from wum_shared.powers import factors_of, product
from wum_shared.rice import unzigzag, zigzag
from wum_shared.rows import Row
from wum_shared.status import ABSENT
from wum_shared.ways import (
    PRODUCT,
    RISING,
    WIDTH_MAX,
    Before,
    best_way,
    read_cell,
    read_way,
    write_cell,
    write_way,
)

ROWS_MAX = 1024                # A week of a meter that is read every quarter of an hour is 672.
_STATUS_MAX = 65535
_USUAL_S = (3600, 900, 0)      # Between two captures; another step is told.
_SET_K, _WIDTH_K = 0, 2


class Told(namedtuple("Told", (
        "register_set", "time_quality", "captured_at_s", "values", "statuses"))):
    """What a stream says: capture times, and for each row its values and its statuses."""

    __slots__ = ()
    register_set: int
    time_quality: int
    captured_at_s: list[int]
    values: list[list[int | None]]
    statuses: list[list[int]]


def is_single(rows: list[Row], sequences: list[int] | None, schema: Schema) -> bool:
    """Whether rows in order of sequence can be told so, by their schema, where the other records of
    the batch leave `sequences` to rows.
    """
    if (not rows or len(rows) > ROWS_MAX or [row.sequence for row in rows] != sequences
            or rows[0].register_set >= len(schema.register_sets)):
        return False
    width = len(schema.register_sets[rows[0].register_set].registers)
    return all(row[1:3] == rows[0][1:3] and row[4] == rows[0][4]
               and len(row.values) == len(row.statuses) == width for row in rows)


def encode_single(rows: list[Row], registers: tuple[Register, ...]) -> tuple[int, bytes]:
    """(base time, stream) of rows for which is_single is true."""
    base_s = min([row.captured_at_s for row in rows])
    out = BitWriter()
    out.rice(rows[0].register_set, _SET_K)
    out.bits(rows[0].time_quality, 2)
    _write_times(out, [row.captured_at_s - base_s for row in rows])
    flags: list[int] = []
    for row in rows:
        assert [value is None for value in row.values] == [
            bool(status & ABSENT) for status in row.statuses]
        flags += row.statuses
    cell, lists, _ = coded(flags)
    write_cell(out, cell, lists, 0)
    _write_columns(out, rows, registers)
    return base_s, out.whole()


def _write_times(out: BitWriter, times: list[int]) -> None:
    steps = [times[at] - times[at - 1] for at in range(1, len(times))]
    usual = commonest(steps) if steps else _USUAL_S[0]
    told = _USUAL_S.index(usual) if usual in _USUAL_S else len(_USUAL_S)
    out.bits(told, 2)
    if told == len(_USUAL_S):
        width = width_of(zigzag(usual))
        out.rice(width, _WIDTH_K)
        out.plain(zigzag(usual), width)
    cell, lists, _ = coded(times[:1] + [zigzag(step - usual) for step in steps])
    write_cell(out, cell, lists, 0)


def _write_columns(out: BitWriter, rows: list[Row], registers: tuple[Register, ...]) -> None:
    ways = []
    for place in range(len(registers)):
        factors = factors_of(registers, place)
        values = []
        products = []
        for row in rows:
            value = row.values[place]
            if value is not None:
                values.append(value)
                products.append(product(factors, row.values) if factors else 0)
        ways.append(best_way(values, products if factors else None) if values else None)
    kind = RISING
    for way in ways:
        here = kind if way is None else way.kind
        out.bits(int(here != kind), 1)
        if here != kind:
            out.bits(here - int(here > kind), 2)     # One of the four others.
            kind = here
    before = Before()
    for powers in (False, True):     # What a product is made of comes first.
        for place, way in enumerate(ways):
            if way is not None and (way.kind == PRODUCT) == powers:
                write_way(out, way, registers[place], before)


def decode_single(columns: object, base_time: object, rows: int, schema: Schema) -> Told:
    """What the stream of a batch with so many rows of one meter says. Raises Malformed."""
    base_s = time_field(base_time, "batch base-time")
    if type(columns) is not bytes:
        raise Malformed("batch columns: wanted bytes, got %s" % fields.shown(columns))
    fields.number(rows, 1, ROWS_MAX, "rows of a single meter")
    stream = BitReader(columns)
    index = fields.number(stream.rice(_SET_K), 0, len(schema.register_sets) - 1,
                          "batch register-set")
    quality = fields.number(stream.bits(2), 0, 2, "batch time-quality")
    times = [time_field(base_s + time, "row captured-at") for time in _read_times(stream, rows)]
    if min(times) != base_s:
        raise Malformed("batch base-time: not the earliest of all rows")
    registers = schema.register_sets[index].registers
    width = len(registers)
    flags, _ = read_cell(stream, rows * width, 0)
    fields.number(max(flags + [0]), 0, _STATUS_MAX, "flag status")
    statuses = [flags[at * width:at * width + width] for at in range(rows)]
    values = _read_columns(stream, statuses, registers)
    stream.end()
    return Told(index, quality, times, values, statuses)


def _read_times(stream: BitReader, rows: int) -> list[int]:
    told = stream.bits(2)
    if told < len(_USUAL_S):
        usual = _USUAL_S[told]
    else:
        width = fields.number(stream.rice(_WIDTH_K), 0, WIDTH_MAX, "bits of a usual step")
        usual = unzigzag(stream.plain(width))
    numbers, _ = read_cell(stream, rows, 0)
    times = numbers[:1]
    for number in numbers[1:]:
        times.append(times[-1] + usual + unzigzag(number))
    return times


def _read_columns(
        stream: BitReader, statuses: list[list[int]], registers: tuple[Register, ...],
) -> list[list[int | None]]:
    kinds = []
    kind = RISING
    for _ in registers:
        if stream.bits(1):
            other = stream.bits(2)
            kind = other + int(other >= kind)
        kinds.append(kind)
    values: list[list[int | None]] = [[None] * len(registers) for _ in statuses]
    before = Before()
    for powers in (False, True):
        for place, kind in enumerate(kinds):
            kept = [at for at, row in enumerate(statuses) if not row[place] & ABSENT]
            if not kept or (kind == PRODUCT) != powers:
                continue
            factors = factors_of(registers, place) if powers else None
            products = None if factors is None else [
                product(factors, values[at]) for at in kept]
            column = read_way(stream, kind, len(kept), products, registers[place], before)
            for at, value in enumerate(column):
                values[kept[at]][place] = value
    return values
