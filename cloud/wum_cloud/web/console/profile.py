"""A load profile made ready for a page: columns for the plot, rows for the table, one sentence.

Pure. The plot has every peak, and not every reading where they are many; the table is exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wum_cloud.readings.gaps import Gap
from wum_cloud.readings.series import Point, Series
from wum_cloud.web import naming, registers, writing
from wum_cloud.web.console.quantities import Quantity
from wum_cloud.web.console.spans import Span
from wum_cloud.web.texts import gettext as _

TABLE_ROWS = 200        # The newest of a span; the API gives them all.
PLOT_COLUMNS = 1200     # About the widest plot; each keeps its least and greatest reading.
_LEAST_DRAWN = timedelta(minutes=5)
_NOMINAL_V, _BAND = 230, 0.1   # EN 50160: 230 V, plus and minus 10 %.
_VOLT = 35


@dataclass(frozen=True, slots=True)
class Profile:
    """What was found of one quantity. `series` are in the order of the quantity's codes."""

    quantity: Quantity
    span: Span
    zone: str
    period_s: int
    series: Sequence[Series]
    gaps: Sequence[Gap]
    since: datetime | None      # The meter's first reading ever.

    @property
    def unit(self) -> int:
        """DLMS unit of all its registers."""
        first = next((s.points[0] for s in self.series if s.points), None)
        return 255 if first is None else first.unit

    @property
    def form(self) -> tuple[int, str]:
        """How its numbers are written: (power of ten, unit), see writing.form."""
        points = [peak for s in self.series if (peak := _greatest(s.points)) is not None]
        peak = _greatest(points)
        return (0, "") if peak is None else writing.form(peak.unit, peak.value, peak.scaler)

    @property
    def unit_word(self) -> str:
        """The unit as it is written."""
        return self.form[1]


@dataclass(frozen=True, slots=True)
class TableRow:
    """One capture time with a cell per register, or a gap (`gap` is not None)."""

    at: datetime
    cells: Sequence[str]
    quality: Sequence[str]
    time_quality: str
    gap: Gap | None = None


def plot_data(profile: Profile) -> dict[str, object]:
    """Columns `ts` (UTC seconds) and values by register; null breaks a line, `gaps` says why."""
    times, columns = _columns(profile)
    return {
        **head(profile), "ts": times, "bars": False, "limits": _limits(profile),
        "series": [{"name": registers.phase_of(code), "values": column}
                   for code, column in zip(profile.quantity.codes, columns, strict=True)],
    }


def head(profile: Profile) -> dict[str, object]:
    """What every plot of this profile says beside its columns."""
    return {
        "name": profile.quantity.name, "unit": profile.unit_word, "zone": profile.zone,
        "from": int(_drawn_from(profile).timestamp()), "to": int(profile.span.end.timestamp()),
        "places": _places(profile), "rolls": profile.span.rolls, "summary": summary(profile),
        "gaps": [{"from": int(g.start.timestamp()), "to": int(g.end.timestamp()),
                  "text": "%s, %s" % (writing.intervals(g.intervals) + " " + _("missing"),
                                      naming.reason(g.reason))}
                 for g in profile.gaps],
    }


def _drawn_from(profile: Profile) -> datetime:
    """Where the axis begins: of a meter that is new, not long before it was first asked."""
    span = profile.span
    if not span.rolls or profile.since is None:
        return span.start
    return max(span.start, min(profile.since, span.end - _LEAST_DRAWN))


def _places(profile: Profile) -> int:
    """Digits after the point, as the table writes them."""
    point = next((s.points[-1] for s in profile.series if s.points), None)
    return 0 if point is None else max(0, profile.form[0] - point.scaler)


def summary(profile: Profile) -> str:
    """One sentence that says what the plot shows, for whoever does not see it."""
    missing = sum(gap.intervals for gap in profile.gaps)
    count = max((s.count for s in profile.series), default=0)
    words = [_("%(n)s readings") % {"n": writing.whole(count)}]
    words.append(_("%(n)s missing") % {"n": writing.intervals(missing)} if missing
                 else _("none missing"))
    if not profile.quantity.is_consumption:
        words += _extremes(profile)
    if profile.since is not None and profile.since > profile.span.start:
        words.append(_("the first of all at %(time)s") % {
            "time": writing.day_and_clock(profile.since, profile.zone)})
    return ", ".join(words) + "."


def _extremes(profile: Profile) -> list[str]:
    tops = [p for s in profile.series if (p := _greatest(s.points)) is not None]
    lows = [min(s.points, key=_comparable) for s in profile.series if s.points]
    said = []
    for form, point in ((_("highest %(value)s %(unit)s at %(time)s"), _greatest(tops)),
                        (_("lowest %(value)s %(unit)s at %(time)s"),
                         min(lows, key=_comparable, default=None))):
        if point is not None:
            said.append(form % {
                "value": _written(point, profile.form[0]), "unit": profile.unit_word,
                "time": writing.day_and_clock(point.captured_at, profile.zone)})
    return said


def table(profile: Profile) -> tuple[list[TableRow], int]:
    """Rows, the newest first, gaps among them; and how many there are in the whole span.

    The points hold at least the TABLE_ROWS newest.
    """
    by_time: dict[datetime, list[Point | None]] = {}
    for place, found in enumerate(profile.series):
        for point in found.points:
            by_time.setdefault(point.captured_at, [None] * len(profile.series))[place] = point
    revised = {r.captured_at for s in profile.series for r in s.revisions}
    times = sorted(by_time, reverse=True)
    power = profile.form[0]
    shown = [_row(at, by_time[at], power, at in revised) for at in times[:TABLE_ROWS]]
    count = max((s.count for s in profile.series), default=0)
    oldest = times[TABLE_ROWS - 1] if count > TABLE_ROWS else profile.span.start
    gaps = [TableRow(g.start, [], [], "", g) for g in profile.gaps if g.end > oldest]
    return sorted(shown + gaps, key=lambda row: row.at, reverse=True), count


def _row(at: datetime, points: Sequence[Point | None], power: int, is_revised: bool) -> TableRow:
    there = [point for point in points if point is not None]
    words: list[str] = []
    for point in there:
        words += [word for word in naming.quality(point.status) if word not in words]
    if is_revised:
        words.append(_("another value arrived later"))
    cells = [writing.NOTHING if point is None else _written(point, power) for point in points]
    return TableRow(at, cells, words, naming.time_quality(there[0].time_quality))


def _written(point: Point, power: int) -> str:
    return writing.scaled(point.value, point.scaler - power)


def _columns(profile: Profile) -> tuple[list[int], list[list[float | None]]]:
    """Times and values, with a null in every gap: no line may cross it."""
    power = profile.form[0]
    rows: dict[int, list[float | None]] = {}
    for place, found in enumerate(profile.series):
        for point in found.points:
            row = rows.setdefault(int(point.captured_at.timestamp()), [None] * len(profile.series))
            row[place] = round(point.value * 10.0 ** (point.scaler - power), 6)
    first, last = min(rows, default=0), max(rows, default=0)
    for gap in profile.gaps:
        middle = int(gap.start.timestamp() + gap.end.timestamp()) // 2
        if first < middle < last:
            rows.setdefault(middle, [None] * len(profile.series))
    times = sorted(rows)
    return times, [[rows[at][place] for at in times] for place in range(len(profile.series))]


def _limits(profile: Profile) -> list[dict[str, object]]:
    """Labelled lines: the band of a nominal 230 V where that is what the meter hangs on."""
    points = [p for s in profile.series for p in s.points[:1]]
    if profile.unit != _VOLT or not points:
        return []
    volts = points[0].value * 10.0 ** points[0].scaler
    if not _NOMINAL_V * 0.8 < volts < _NOMINAL_V * 1.2:
        return []
    return [{"at": _NOMINAL_V * (1 + sign * _BAND), "label": "%s10 %%" % ("+" if sign > 0 else "−")}
            for sign in (1, -1)]


def _greatest(points: Sequence[Point]) -> Point | None:
    return max(points, key=_comparable, default=None)


def _comparable(point: Point) -> int:
    """In steps of 10^-9, exactly, where scalers differ."""
    return int(point.value * 10 ** (point.scaler + 9))
