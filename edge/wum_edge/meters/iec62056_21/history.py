"""What a meter has kept: rows of its load profile and entries of its event log, in the forms that
models write them.

Left out: parsing them (profile.py, dated.py) and which form a model has (ways.py).
"""

from wum_edge.errors import BadCheck, Refused
from wum_edge.meters.iec62056_21.dataset import decimal, parse_block, unit_code
from wum_edge.meters.iec62056_21.dated import numbered, parse_dated, parse_span, values_of_day
from wum_edge.meters.iec62056_21.profile import parse_log, parse_profile, status_words
from wum_edge.meters.iec62056_21.session import NO_CODE, Session
from wum_edge.meters.iec62056_21.short_form import obis_of
from wum_edge.meters.iec62056_21.stamp import civil, digits_of, utc_of
from wum_edge.meters.iec62056_21.timing import dashed
from wum_edge.meters.iec62056_21.ways import DATED, DAYS, HEADED, NUMBERED
from wum_edge.meters.reader import CannotDo, MeterEvent, ProfileRow
from wum_edge.meters.scaling import rescaled
from wum_shared.obis import obis_to_text
from wum_shared.units import UNITS

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from wum_edge.meters.iec62056_21.dataset import Value
    from wum_edge.meters.iec62056_21.profile import Entry, Part
    from wum_edge.meters.iec62056_21.stamp import Stamp
    from wum_edge.meters.iec62056_21.ways import Column, EventList, Events, Profile
    from wum_edge.meters.reader import Conversation

DAY_S = 86400
ROWS_MAX = 10000             # Of one load profile answer.
EVENTS_S = 45 * DAY_S        # How far back a log is read the first time: as long as rows are kept.
# Meters that pass over the season's digit of a range (MCS301) take it for an hour less in summer.
SUMMER_S = 3600
_LEAST_S = 946684800         # 2000: no meter's two digits of the year mean less.


class History(Session):
    """The part of a reader that reads what was kept."""

    def read_profile(self, first_s: int, last_s: int) -> "Conversation[list[ProfileRow]]":
        """See Reader.read_profile."""
        way = self._manner.profile
        if way is None:
            raise CannotDo("%s: no load profile" % self._model.model)
        offset_min = self._offset_min()
        if way.form == DAYS:
            found = yield from self._inside(self._days(way, first_s, last_s, offset_min))
        elif way.form == DATED:
            found = yield from self._inside(self._dated(way, first_s, last_s, offset_min))
        else:
            found = yield from self._inside(self._headed(way, first_s, last_s, offset_min))
        rows = {row.captured_at_s: row for row in found if first_s <= row.captured_at_s <= last_s}
        return [rows[at_s] for at_s in sorted(rows)]

    def read_events(self, after_s: int) -> "Conversation[list[MeterEvent]]":
        """See Reader.read_events. The code is the status word, or what the model calls by one."""
        way = self._manner.events
        if way is None:
            raise CannotDo("%s: no event log" % self._model.model)
        offset_min = self._offset_min()
        least_s = max(after_s, self._clock.now_s() - EVENTS_S)
        if way.form == HEADED:
            found = yield from self._inside(self._log(way, least_s, offset_min))
        else:
            found = yield from self._inside(self._lists(way, least_s, offset_min))
        places = sorted([(found[at].at_s or 0, at) for at in range(len(found))])
        return [found[at] for at_s, at in places if at_s > after_s]

    def _offset_min(self) -> int:
        offset_min = self._access.utc_offset_min
        if offset_min is None:
            raise CannotDo("%s: how far its time is from UTC is not known: set access."
                           "utc_offset_min" % self._asked)
        return offset_min

    def _headed(
            self, way: "Profile", first_s: int, last_s: int, offset_min: int,
    ) -> "Conversation[list[ProfileRow]]":
        body = "%s(%s;%s)" % (way.address, digits_of(first_s, offset_min, way.digits),
                              digits_of(last_s + SUMMER_S, offset_min, way.digits))
        answer = yield from self._ask_range(way.command, body, way.nothing)
        rows: list[ProfileRow] = []
        for part in parse_profile(answer, way.address):
            rows += self._rows(part, way.columns, offset_min)
            if len(rows) > ROWS_MAX:
                raise BadCheck("%s: load profile: more than %d rows" % (self._asked, ROWS_MAX))
        return rows

    def _dated(
            self, way: "Profile", first_s: int, last_s: int, offset_min: int,
    ) -> "Conversation[list[ProfileRow]]":
        body = "%s(%s;%s)" % (way.address, dashed(first_s, offset_min),
                              dashed(last_s, offset_min))
        answer = yield from self._ask_range(way.command, body, way.nothing)
        rows = []
        for row in parse_dated(answer, way.address):
            at_s = utc_of(row.at, offset_min)
            assert at_s is not None, "its offset is known"
            values = []
            for column in way.columns:
                if column.place >= len(row.values):
                    raise Refused("%s: load profile: wanted value %d of a row, there are %d: this "
                                  "meter's is set up otherwise and wants an entry of its own" % (
                                      self._asked, column.place + 1, len(row.values)), NO_CODE)
                values.append(_cell(column, row.values[column.place], ""))
            rows.append(ProfileRow(at_s, tuple(values), None))
        return rows

    def _days(
            self, way: "Profile", first_s: int, last_s: int, offset_min: int,
    ) -> "Conversation[list[ProfileRow]]":
        """A day at a time, each column by its own name."""
        yield from self._check_setup(way)
        rows: list[ProfileRow] = []
        # A row at midnight is the last of the day before.
        day = (first_s - 1 + 60 * offset_min) // DAY_S
        while day * DAY_S <= last_s + 60 * offset_min:
            begin_s = day * DAY_S - 60 * offset_min
            first = max(1, -(-(first_s - begin_s) // way.period_s))
            last = min(DAY_S, last_s - begin_s, self._clock.now_s() - begin_s) // way.period_s
            if first <= last:
                columns = []
                for column in way.columns:
                    columns.append((yield from self._column(way, column, day, first, last)))
                rows += self._rows_of_day(way, columns, begin_s, first, last)
            day += 1
        return rows

    def _column(
            self, way: "Profile", column: "Column", day: int, first: int, last: int,
    ) -> "Conversation[list[Value]]":
        year, month, number = civil(day)
        named = "%02d.%02d.%02d" % (number, month, year % 100)
        asked = "%s,%d,%d" % (named, first, last - first + 1) if way.parts else named
        answer = yield from self._ask_range(
            way.command, "%s(%s)" % (column.address, asked), way.nothing)
        return values_of_day(parse_block(answer), column.address, named)

    def _check_setup(self, way: "Profile") -> "Conversation[None]":
        """Once: whether its load profile is set up as the entry has it."""
        if not way.setup_at or self._is_set_up:
            return
        sets = yield from self._ask(way.setup_at)
        found = sets[0].values[0].text.replace(" ", "")
        if found != way.setup:
            raise Refused("%s: load profile: it is set up as %s, and not as %s: it wants an entry "
                          "of its own" % (self._asked, found[:40], way.setup), NO_CODE)
        self._is_set_up = True

    def _rows_of_day(
            self, way: "Profile", columns: "list[list[Value]]", begin_s: int, first: int,
            last: int) -> list[ProfileRow]:
        """Rows `first` to `last` of a day, counted from 1; what has not come is a gap."""
        count = min([len(values) for values in columns])
        if not way.parts:
            self._check_count(way, count, begin_s)
            columns = [values[first - 1:last] for values in columns]
            count = min([len(values) for values in columns])
        rows = []
        for at in range(min(count, last - first + 1)):
            values = [_cell(way.columns[place], columns[place][at], "")
                      for place in range(len(columns))]
            rows.append(ProfileRow(begin_s + (first + at) * way.period_s, tuple(values), None))
        return rows

    def _check_count(self, way: "Profile", count: int, begin_s: int) -> None:
        """Whether so many values are what a day has by now: nothing else tells the period."""
        whole = DAY_S // way.period_s
        passed = min(whole, (self._clock.now_s() - begin_s) // way.period_s)
        if count and count != whole and abs(count - passed) > 1:
            raise Refused("%s: load profile: wanted %d values of a day, there are %d: it is set to "
                          "another period than %d min and wants an entry of its own" % (
                              self._asked, whole, count, way.period_s // 60), NO_CODE)

    def _rows(
            self, part: "Part", columns: "tuple[Column, ...]", offset_min: int,
    ) -> "list[ProfileRow]":
        begin_s = utc_of(part.begin, offset_min)
        assert begin_s is not None
        codes = [obis_of(address, self._manner.channel) for address, _ in part.columns]
        if part.rows and all(column.obis not in codes for column in columns):
            raise Refused("%s: load profile: it keeps %s, and none of what its entry names: it "
                          "wants an entry of its own" % (
                              self._asked, " ".join([a for a, _ in part.columns])[:80]), NO_CODE)
        rows = []
        for at in range(len(part.rows)):
            values: list[int | None] = []
            for column in columns:
                if column.obis not in codes:
                    values.append(None)
                    continue
                place = codes.index(column.obis)
                values.append(_cell(column, part.rows[at][place], part.columns[place][1]))
            rows.append(ProfileRow(_end_s(begin_s, part.period_min, at), tuple(values),
                                   part.status))
        return rows

    def _log(
            self, way: "Events", least_s: int, offset_min: int,
    ) -> "Conversation[list[MeterEvent]]":
        # A clock that was never set asks for all: two digits cannot say 1970.
        begin = digits_of(least_s, offset_min, way.digits) if least_s >= _LEAST_S else ""
        body = "%s(%s;)" % (way.address, begin)
        answer = yield from self._ask_range(way.command, body, way.nothing)
        found = []
        for entry in parse_log(answer, way.address):
            code, note = _told(way, entry)
            at_s = utc_of(entry.at, offset_min)
            if at_s is not None:
                found.append(MeterEvent(at_s, code, note))
        return found

    def _lists(
            self, way: "Events", least_s: int, offset_min: int,
    ) -> "Conversation[list[MeterEvent]]":
        """Each list from its latest entry on, as far as there is something new. One that the meter
        has not is left out.
        """
        found: list[MeterEvent] = []
        for one in way.lists:
            if one.address in self._no_lists:
                continue
            try:
                if way.form == NUMBERED:
                    yield from self._numbered(one, least_s, offset_min, found)
                else:
                    yield from self._spans(one, least_s, offset_min, found)
            except Refused:
                self._no_lists.add(one.address)
        return found

    def _numbered(
            self, one: "EventList", least_s: int, offset_min: int, found: list[MeterEvent],
    ) -> "Conversation[None]":
        """The two latest entries, and where both are new all that there are."""
        for say in ("(1,2)", "()"):
            sets = yield from self._ask(one.address + say)
            entries = numbered(sets[0].values, one.address)
            new = [entry for entry in entries if _utc_or_0(entry[0], offset_min) > least_s]
            if len(new) < 2:
                break
        for at, code, more in new:
            words = [one.note, one.codes.get(code, "%02x" % code), more]
            found.append(MeterEvent(_utc_or_0(at, offset_min), code,
                                    " ".join([word for word in words if word])))

    def _spans(
            self, one: "EventList", least_s: int, offset_min: int, found: list[MeterEvent],
    ) -> "Conversation[None]":
        for place in range(1, one.entries + 1):
            address = one.address if one.entries == 1 else "%s*%d" % (one.address, place)
            sets = yield from self._ask(address)
            begin, end = parse_span(sets[0].values[0].text)
            if begin is None and end is None:
                return           # No such entry: nor are there older ones.
            latest_s = _utc_or_0(end or begin, offset_min)
            if latest_s <= least_s:
                return
            found.append(MeterEvent(latest_s, 0, _span_words(one, begin, end)))


def _told(way: "Events", entry: "Entry") -> tuple[int, str]:
    """Number and words of an entry: its status word, or the column where the model has it."""
    own = obis_of(way.code) if way.code else None
    texts = list(entry.texts)
    for place in range(min(len(entry.columns), len(texts))):
        if own is not None and obis_of(entry.columns[place]) == own and texts[place].isdigit():
            code = int(texts.pop(place)[:5])
            words = [way.codes.get(code, "event %d" % code)]
            if entry.status:
                words.append(status_words(entry.status))
            return code, " ".join(words + [text for text in texts if text.strip("0")])
    return entry.status, " ".join([status_words(entry.status)] + [t for t in texts if t])


def _span_words(one: "EventList", begin: "Stamp | None", end: "Stamp | None") -> str:
    """`power failed` for one that ended as it began, or lasts; else also since when."""
    if end is None:
        return one.note + ", and lasts"
    if begin is None or begin == end:
        return one.note
    return "%s, from %02d-%02d %02d:%02d by its clock" % (
        one.note, begin.month, begin.day, begin.hour, begin.minute)


def _utc_or_0(at: "Stamp | None", offset_min: int) -> int:
    return (utc_of(at, offset_min) or 0) if at is not None else 0


def _end_s(begin_s: int, period_min: int, place: int) -> int:
    """When a row of a part ends. The first one ends when its header says; where that is in the
    middle of a period (a power cut, a clock that was set), the next ones end with whole ones.
    """
    period_s = 60 * period_min
    late_s = begin_s % period_s if place and period_min <= 60 else 0
    return begin_s - late_s + period_s * place


def _cell(column: "Column", value: "Value", written: str) -> int | None:
    """One value of a load profile; None for what is no number. Raises Refused."""
    number = decimal(value.text)
    if number is None:
        return None
    named = value.unit or written
    unit = unit_code(named) if named or column.unsaid is None else column.unsaid
    if unit is None or unit[0] != column.unit:
        raise Refused("load profile %s: wanted %s, the meter gives %s" % (
            obis_to_text(column.obis), UNITS[column.unit] or "no unit", named or "no unit"),
            NO_CODE)
    return rescaled(number.mantissa, number.power + unit[1], column.scaler)
