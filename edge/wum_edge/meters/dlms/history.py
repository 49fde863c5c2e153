"""What a meter keeps itself: rows of its load profile and entries of its event log.

Left out: scalers and units (reader.py) and which rows are missing (whoever asks). It learns: a
range that is refused becomes entries, and columns that are ignored are not asked for again.
Blue Book 4.3.6 (profile generic).
"""

from collections import namedtuple

from wum_edge.meters.dlms import axdr
from wum_edge.meters.dlms.apdu import Attribute, Selection
from wum_edge.meters.dlms.axdr import Data
from wum_edge.meters.dlms.errors import AccessRefused, DlmsMalformed
from wum_edge.meters.dlms.moment import Zone
from wum_edge.meters.dlms.objects import (
    PROFILE,
    Capture,
    by_entry,
    by_range,
    captures,
    date_time,
    rows,
)
from wum_edge.meters.reader import MeterEvent
from wum_shared.order import in_order

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from collections.abc import Callable

    from wum_edge.meters.catalog import Model
    from wum_edge.meters.dlms.session import Session
    from wum_edge.meters.reader import Conversation

STATUS_OBIS = b"\x00\x00\x60\x0a"    # 0-0:96.10.e: the profile status.
ROWS_MAX = 4000              # Of one answer: 41 days of quarter hours.
EVENTS_MAX = 500             # Entries that entry access asks for at once.
_COLUMN_BYTES = 18           # Of one column in the request for selected columns.
_VALUE_BYTES = 5             # Of one value in a row, about.
_NO_RANGE = (2, 3, 9, 11, 12, 13, 250)   # Refusals after which entry access may be granted.


class History:
    """Profile and event log of one meter."""

    def __init__(self, model: "Model") -> None:
        self._model = model
        quirks = model.manner.quirks
        self._by_entry = quirks.range_refused
        self._whole_rows = quirks.columns_ignored
        self._columns: dict[bytes, tuple[Capture, ...]] = {}

    def places(self) -> tuple[int, ...]:
        """Places in the model's registers of the profile's registers, in the catalogue's order."""
        names = [register.name for register in self._model.registers]
        return tuple([names.index(name) for name in self._model.manner.profile.registers])

    def profile(self, session: "Session", first_s: int, last_s: int,
                encoded: "Callable[[int], bytes]", zone: Zone, now_s: int,
                ) -> "Conversation[list[_Captured]]":
        """Conversation: the rows from `first_s` to `last_s`, oldest first."""
        profile = self._model.manner.profile
        columns = yield from self._captures(session, profile.obis)
        period_s = profile.period_s
        expected = (last_s - first_s) // period_s + 1 if period_s else ROWS_MAX
        wanted_columns = self._wanted(columns)
        buffer, got = yield from self._buffer(
            session, profile.obis, columns, wanted_columns, (first_s, last_s, now_s), encoded,
            min(expected, ROWS_MAX), period_s)
        order = [got.index(column) if column in got else None
                 for column in self._registers(columns)]
        found = []
        at_s: int | None = None
        for values in rows(buffer, got):
            at_s = _captured_at(values, got, at_s, period_s, zone)
            if at_s is not None and first_s <= at_s <= last_s:
                found.append(_Captured(at_s, tuple([
                    None if place is None else values[place] for place in order]),
                    _status(values, got)))
        return in_order(found, lambda row: row.at_s)

    def events(self, session: "Session", after_s: int, encoded: "Callable[[int], bytes]",
               zone: Zone, now_s: int) -> "Conversation[list[MeterEvent]]":
        """Conversation: the entries later than `after_s`, oldest first."""
        obis = self._model.manner.events
        columns = yield from self._captures(session, obis)
        code = _code_column(columns)
        buffer, got = yield from self._buffer(
            session, obis, columns, columns, (after_s + 1, now_s + 86400, now_s), encoded,
            EVENTS_MAX, 0)
        found = []
        for values in rows(buffer, got):
            at_s = _captured_at(values, got, None, 0, zone)
            if at_s is None or at_s > after_s:
                found.append(MeterEvent(at_s, values[code].number(), ""))
        return in_order(found, lambda event: event.at_s or 0)

    def _captures(self, session: "Session", obis: bytes) -> "Conversation[tuple[Capture, ...]]":
        """The columns of a profile, asked for once."""
        if obis not in self._columns:
            data = yield from session.get(Attribute(PROFILE, obis, 3))
            self._columns[obis] = captures(data)
        return self._columns[obis]

    def _registers(self, columns: tuple[Capture, ...]) -> list[Capture | None]:
        """The column of each of the profile's registers; None where the meter captures it not."""
        found: list[Capture | None] = []
        for place in self.places():
            source = self._model.registers[place].source
            same = [column for column in columns if column.obis == source.obis
                    and column.number == source.attribute]
            found.append(same[0] if same else None)
        return found

    def _wanted(self, columns: tuple[Capture, ...]) -> tuple[Capture, ...]:
        """The columns of which anything is used, in the meter's order."""
        registers = self._registers(columns)
        return tuple([column for column in columns
                      if column.is_clock() or _is_status(column) or column in registers])

    def _buffer(self, session: "Session", obis: bytes, columns: tuple[Capture, ...],
                wanted: tuple[Capture, ...], span: tuple[int, int, int],
                encoded: "Callable[[int], bytes]", expected: int, period_s: int,
                ) -> "Conversation[tuple[Data, tuple[Capture, ...]]]":
        """The buffer by range or by entry, and the columns that its rows have."""
        first_s, last_s, now_s = span
        buffer = Attribute(PROFILE, obis, 2)
        if not self._by_entry:
            saved = (len(columns) - len(wanted)) * _VALUE_BYTES * expected
            select = not self._whole_rows and saved > _COLUMN_BYTES * len(wanted)
            selection = by_range(encoded(first_s), encoded(last_s), wanted if select else ())
            try:
                data = yield from session.get(buffer, selection)
            except AccessRefused as error:
                if error.code not in _NO_RANGE:
                    raise
                data = None
            if data is not None:
                return data, self._columns_of(data, columns, wanted if select else columns)
            if select:               # Perhaps only the columns were refused.
                self._whole_rows = True
                return (yield from self._buffer(
                    session, obis, columns, wanted, span, encoded, expected, period_s))
        back = (now_s - first_s) // period_s + 2 if period_s else expected
        selection = yield from self._last_entries(session, obis, min(back, ROWS_MAX))
        data = yield from session.get(buffer, selection)
        self._by_entry = True        # Only now: a meter that refuses everything is not asked so.
        return data, columns

    def _columns_of(self, data: Data, columns: tuple[Capture, ...],
                    asked: tuple[Capture, ...]) -> tuple[Capture, ...]:
        """Those asked for, unless the rows have all: then the meter ignores what is asked for."""
        items = data.elements()
        if items and asked != columns and len(items[0].elements()) == len(columns):
            self._whole_rows = True
            return columns
        return asked

    def _last_entries(self, session: "Session", obis: bytes, count: int,
                      ) -> "Conversation[Selection]":
        """The newest rows, by their numbers; the oldest is 1 (sort method FIFO)."""
        in_use = yield from session.get(Attribute(PROFILE, obis, 7))
        last = in_use.number()
        return by_entry(max(1, last - count + 1), last)


class _Captured(namedtuple("_Captured", ("at_s", "values", "status"))):
    """A row of the profile with its values as the meter has them."""

    __slots__ = ()
    at_s: int
    values: tuple[Data | None, ...]
    status: int | None


def _captured_at(values: tuple[Data, ...], columns: tuple[Capture, ...], before_s: int | None,
                 period_s: int, zone: Zone) -> int | None:
    """The time of one row; a period after the row before where it says nothing."""
    for at, column in enumerate(columns):
        value = values[at]
        if column.is_clock():
            if value.tag != axdr.NULL:
                return date_time(value).utc_s(zone)
            return before_s + period_s if before_s is not None and period_s else None
    return None


def _is_status(column: Capture) -> bool:
    return column.obis[:4] == STATUS_OBIS and column.class_id in (1, 63)


def _status(values: tuple[Data, ...], columns: tuple[Capture, ...]) -> int | None:
    for at, column in enumerate(columns):
        value = values[at]
        if _is_status(column):
            if value.tag == axdr.BITS:
                assert type(value.value) is tuple
                return int.from_bytes(value.value[1], "big")
            return value.value if type(value.value) is int else None
    return None


def _code_column(columns: tuple[Capture, ...]) -> int:
    """The column that holds the event's number: the first of class Data, 0-0:96.11.e by rule."""
    for place, column in enumerate(columns):
        if column.class_id == 1 and not _is_status(column):
            return place
    raise DlmsMalformed("event log: no column holds a code")
