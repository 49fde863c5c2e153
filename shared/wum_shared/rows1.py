"""Rows of a version 1 batch as columns: its groups, its byte string of columns and its base time.

Left out: the batch around them (batch.py), cells and bits (packed.py, rice.py), and version 0
(rows.py), which is read for ever.
"""

from collections import namedtuple

from wum_shared import fields
from wum_shared.columns import VALUE_MAX, VALUE_MIN
from wum_shared.errors import Malformed
from wum_shared.headings import Heading, cell_lengths, lead_cells, read_headings
from wum_shared.messages import (
    METERS_MAX,
    Schema,
    sequence_field,
    time_field,
)
from wum_shared.order import in_order
from wum_shared.packed import (
    BY_METER,
    SIGNED,
    Cell,
    append_cell,
    append_lists,
    coded,
    column_cells,
    column_values,
    commonest,
    gaps_of,
    read_cells,
    spread,
    write_cells,
)
from wum_shared.rice import Section, append_leb, read_section, unzigzag, zigzag
from wum_shared.rows import Row
from wum_shared.status import ABSENT

_STATUS_MAX = 65535


def encode_rows(
        rows: tuple[Row, ...], first_sequence: int,
        heads: dict[tuple[int, int], tuple[int, ...]] | None = None,
) -> tuple[int, list[list[int]], bytes]:
    """(base time, groups, columns) of `rows`, which may come in any order.

    With `heads` they are those of a delta (bases.py).
    """
    ordered = in_order(rows, _place)
    base_s = min([row.captured_at_s for row in ordered]) if ordered else 0
    groups: list[list[int]] = []
    out = bytearray()
    lead = Section()
    columns: list[list[tuple[Cell, list[list[int]], int]]] = []
    statuses: list[int] = []
    start = 0
    while start < len(ordered):
        end = start
        while end < len(ordered) and _group(ordered[end]) == _group(ordered[start]):
            end += 1
        group = ordered[start:end]
        start = end
        groups.append([group[0].register_set, group[0].time_quality, len(group)])
        _append_group(out, lead, columns, group, first_sequence, base_s, heads)
        for row in group:
            statuses.extend(row.statuses)
    if groups:
        _append_flags(out, lead, statuses)
        out.extend(lead.whole())
        write_cells(out, columns)
    return base_s, groups, bytes(out)


def _place(row: Row) -> tuple[int, int, int, int]:
    return (row.register_set, row.time_quality, row.meter, row.sequence)


def _group(row: Row) -> tuple[int, int]:
    return (row.register_set, row.time_quality)


def _sequence(row: Row) -> int:
    return row.sequence


def _append_group(
        out: bytearray, lead: Section,
        columns: list[list[tuple[Cell, list[list[int]], int]]], group: list[Row], first: int,
        base_s: int, heads: dict[tuple[int, int], tuple[int, ...]] | None) -> None:
    by_sequence = in_order(group, _sequence)
    _append_lead(out, lead, [row.sequence - first for row in by_sequence])
    _append_lead(out, lead, [row.meter for row in by_sequence])
    lengths = segments([row.meter for row in group])
    times = [row.captured_at_s - base_s for row in group]
    bias = commonest([times[at] - times[at - 1] for at in range(1, len(group))
                   if group[at].meter == group[at - 1].meter])
    append_leb(out, zigzag(bias))
    forms = [BY_METER | SIGNED]
    columns.append(column_cells(times, lengths, bias, signed=True)[0])
    width = len(group[0].values)
    assert all(len(row.values) == len(row.statuses) == width for row in group)
    for place in range(width):
        form, cells = _best_column(group, by_sequence, place, lengths, heads)
        forms.append(form)
        columns.append(cells)
    for at in range(0, len(forms), 4):
        out.append(sum([form << 2 * n for n, form in enumerate(forms[at:at + 4])]))


def _best_column(
        group: list[Row], by_sequence: list[Row], place: int, lengths: list[int],
        heads: dict[tuple[int, int], tuple[int, ...]] | None,
) -> tuple[int, list[tuple[Cell, list[list[int]], int]]]:
    """Form and cells of one register: along each meter's time, or from meter to meter."""
    form, cells, bits = _column(_filled(by_sequence, place), [len(group)], 0)
    if heads is not None:
        bases = _bases(group, lengths, place, heads)
        other, others, fewer = _column(
            _filled_from(group, place, heads), lengths, BY_METER, bases)
        if fewer < bits:
            return other, others
    elif 1 < len(lengths) < len(group):
        other, others, fewer = _column(_filled(group, place), lengths, BY_METER)
        if fewer < bits:
            return other, others
    return form, cells


def _column(
        values: list[int], lengths: list[int], form: int, bases: list[int] | None = None,
) -> tuple[int, list[tuple[Cell, list[list[int]], int]], int]:
    at = 0
    for place, length in enumerate(lengths):
        if bases is not None and values[at] < bases[place]:
            form |= SIGNED
        for n in range(at + 1, at + length):
            if values[n] < values[n - 1]:
                form |= SIGNED
                break
        at += length
        if form & SIGNED:
            break
    cells, bits = column_cells(values, lengths, 0, signed=bool(form & SIGNED), bases=bases)
    return form, cells, bits


def _filled(rows: list[Row], place: int) -> list[int]:
    """One register's values; an absent one repeats the one before, 0 at the start."""
    before = 0
    column = []
    for row in rows:
        value = row.values[place]
        assert (value is None) == bool(row.statuses[place] & ABSENT)
        if value is not None:
            assert VALUE_MIN <= value <= VALUE_MAX
            before = value
        column.append(before)
    return column


def _filled_from(
        rows: list[Row], place: int, heads: dict[tuple[int, int], tuple[int, ...]]) -> list[int]:
    """One register's values, rows by meter; an absent one repeats that meter's value before."""
    column = []
    meter = -1
    before = 0
    for row in rows:
        if row.meter != meter:
            meter = row.meter
            before = _head(heads, row.register_set, meter, place)
        value = row.values[place]
        if value is not None:
            before = value
        column.append(before)
    return column


def _bases(
        group: list[Row], lengths: list[int], place: int,
        heads: dict[tuple[int, int], tuple[int, ...]]) -> list[int]:
    at = 0
    bases = []
    for length in lengths:
        bases.append(_head(heads, group[at].register_set, group[at].meter, place))
        at += length
    return bases


def _head(
        heads: dict[tuple[int, int], tuple[int, ...]], register_set: int, meter: int,
        place: int) -> int:
    values = heads.get((register_set, meter))
    return values[place] if values else 0


def _append_lead(out: bytearray, lead: Section, numbers: list[int]) -> None:
    steps = [number - numbers[at - 1] for at, number in enumerate(numbers) if at]
    bias = commonest(steps)
    cell, lists, _ = coded([zigzag(numbers[0])] + [zigzag(step - bias) for step in steps])
    append_leb(out, zigzag(bias))
    append_cell(out, cell)
    append_lists(lead, cell, lists)


def _append_flags(out: bytearray, lead: Section, statuses: list[int]) -> None:
    places = [place for place, status in enumerate(statuses) if status]
    append_leb(out, len(places))
    for numbers in (gaps_of(places), [statuses[place] - 1 for place in places]):
        cell, lists, _ = coded(numbers)
        if places:
            append_cell(out, cell)
        append_lists(lead, cell, lists)


def segments(meters: list[int]) -> list[int]:
    """How many rows each meter has, of meters that stand together."""
    lengths: list[int] = []
    for at, meter in enumerate(meters):
        if at and meter == meters[at - 1]:
            lengths[-1] += 1
        else:
            lengths.append(1)
    return lengths


def decode_rows(
        base_time: object, groups: object, columns: object, first: int, schema: Schema,
        heads: dict[tuple[int, int], tuple[int, ...]] | None = None,
) -> tuple[Row, ...]:
    """The rows of these fields of a batch that starts at sequence `first`. Raises Malformed.

    `heads` are those of its base where it is a delta, and came from the same schema.
    Accounting is looked at by whoever has the whole batch.
    """
    base_s = time_field(base_time, "batch base-time")
    if type(columns) is not bytes:
        raise Malformed("batch columns: wanted bytes, got %s" % fields.shown(columns))
    headings, flag_cells, at = read_headings(groups, columns, schema)
    if not headings:
        if columns or base_s:
            raise Malformed("batch columns: there are bytes or a base time, but no rows")
        return ()
    lead, at = _numbers(columns, at, lead_cells(headings, flag_cells))
    places = [_places(heading, lead[2 * n:2 * n + 2], first)
              for n, heading in enumerate(headings)]
    lengths = []
    for n, heading in enumerate(headings):
        lengths += cell_lengths(heading, places[n][0].lengths)
    cells, at = read_cells(columns, at, lengths)
    flat: list[Cell] = []
    for column in cells:
        flat += column
    numbers, at = _numbers(columns, at, flat)
    if at != len(columns):
        raise Malformed("batch columns: %d bytes after the last column" % (len(columns) - at))
    rows = _rows(headings, places, cells, numbers, base_s, heads)
    if min([row.captured_at_s for row in rows]) != base_s:
        raise Malformed("batch base-time: not the earliest of all rows")
    return _with_flags(rows, lead[2 * len(headings):])


class _Order(namedtuple("_Order", ("lengths", "ranks"))):
    """Rows of each meter, and where each row, by meter, stands in order of sequence."""

    __slots__ = ()
    lengths: list[int]
    ranks: list[int]


def _numbers(data: bytes, at: int, cells: list[Cell]) -> tuple[list[list[int]], int]:
    """The numbers of each cell of one section, and where it ends."""
    lists = []
    for cell in cells:
        lists += cell.lists()
    read, at = read_section(data, at, lists)
    found = []
    taken = 0
    for cell in cells:
        size = len(cell.lists())
        found.append(spread(cell, read[taken:taken + size]))
        taken += size
    return found, at


def _places(
        heading: Heading, lead: list[list[int]], first: int,
) -> tuple[_Order, list[int], list[int]]:
    """(order, sequences, meters), both by meter."""
    sequences = [sequence_field(number + first, "row sequence") for number in _summed(
        lead[0], heading.sequence_bias)]
    for at in range(1, len(sequences)):
        if sequences[at] <= sequences[at - 1]:
            raise Malformed("batch rows: out of order")
    meters = [fields.number(number, 0, METERS_MAX - 1, "row meter") for number in _summed(
        lead[1], heading.meter_bias)]
    ranks = in_order(range(len(meters)), lambda at: meters[at])
    meters = [meters[at] for at in ranks]
    return _Order(segments(meters), ranks), [sequences[at] for at in ranks], meters


def _summed(numbers: list[int], bias: int) -> list[int]:
    value = -bias
    found = []
    for number in numbers:
        value += unzigzag(number) + bias
        found.append(value)
    return found


def _rows(
        headings: list[Heading], places: list[tuple[_Order, list[int], list[int]]],
        cells: list[list[Cell]], numbers: list[list[int]], base_s: int,
        heads: dict[tuple[int, int], tuple[int, ...]] | None) -> list[Row]:
    rows = []
    taken = column_at = 0
    for n, heading in enumerate(headings):
        order, sequences, meters = places[n]
        table = []
        for at, form in enumerate(heading.forms):
            size = len(cells[column_at])
            column_at += 1
            own = numbers[taken:taken + size]
            taken += size
            lengths = order.lengths if form & BY_METER else [heading.rows]
            bases = None
            if at and form & BY_METER and heads is not None:
                bases = [_head(heads, heading.register_set, meter, at - 1)
                         for place, meter in enumerate(meters)
                         if not place or meter != meters[place - 1]]
            column = column_values(
                own, lengths, 0 if at else heading.time_bias, signed=bool(form & SIGNED),
                bases=bases)
            table.append(column if form & BY_METER else [column[rank] for rank in order.ranks])
        for at in range(heading.rows):
            values = tuple([column[at] for column in table[1:]])
            rows.append(Row(
                sequences[at], meters[at], heading.register_set,
                time_field(table[0][at] + base_s, "row captured-at"), heading.time_quality,
                values, (0,) * len(values)))
    return rows


def _with_flags(rows: list[Row], flags: list[list[int]]) -> tuple[Row, ...]:
    if not flags:
        return tuple(rows)
    start = at = 0
    place = -1
    for n, less in enumerate(flags[1]):
        place += flags[0][n] + 1
        while at < len(rows) and place >= start + len(rows[at].values):
            start += len(rows[at].values)
            at += 1
        if at == len(rows):
            raise Malformed("flags: place %d is past the last reading" % place)
        row = rows[at]
        status = fields.number(less + 1, 1, _STATUS_MAX, "flag status")
        values, statuses = list(row.values), list(row.statuses)
        statuses[place - start] = status
        if status & ABSENT:
            values[place - start] = None
        rows[at] = Row(*(row[:5] + (tuple(values), tuple(statuses))))
    return tuple(rows)
