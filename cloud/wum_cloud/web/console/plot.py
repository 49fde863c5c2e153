"""The plot's data: columns of times and values, thinned so that a peak survives, and gaps."""

from collections.abc import Sequence

from wum_cloud.readings.series import Point, Series
from wum_cloud.registry.listing.store import Meter
from wum_cloud.web.console.quantities import quantity
from wum_cloud.web.pages import scaled, whole
from wum_shared.obis import obis_to_text
from wum_shared.units import UNITS

PIXEL_COLUMNS = 1500   # About the widest plot on a screen; two points for each.
JOINED_PERIODS = 2     # A line joins two readings only when no whole interval lies between them.


def plot_data(found: Series, meter: Meter) -> dict[str, object]:
    """Columns `ts` (UTC seconds) and `values`; null breaks the line, `gaps` says why."""
    times: list[int] = []
    values: list[float | None] = []
    before = None
    for point in thinned(found.points, PIXEL_COLUMNS):
        at = int(point.captured_at.timestamp())
        if before is not None and at - before > JOINED_PERIODS * _step(found, meter):
            times.append((at + before) // 2)
            values.append(None)
        times.append(at)
        values.append(point.value * 10.0 ** point.scaler)
        before = at
    return {
        "meter": meter.serial, "register": obis_to_text(found.obis), "zone": meter.time_zone,
        "quantity": quantity(obis_to_text(found.obis)), "unit": _unit(found.points),
        "from": int(found.start.timestamp()), "to": int(found.end.timestamp()),
        "ts": times, "values": values, "summary": summary_of(found),
        "gaps": [{"from": int(g.start.timestamp()), "to": int(g.end.timestamp()),
                  "intervals": g.intervals, "reason": g.reason} for g in found.gaps],
    }


def summary_of(found: Series) -> str:
    """One sentence that says what the plot shows, for whoever does not see it."""
    missing = sum(gap.intervals for gap in found.gaps)
    if not found.points:
        return "No reading in this span; %s intervals missing." % whole(missing)
    peak = max(found.points, key=lambda point: point.value * 10.0 ** point.scaler)
    return "%s readings, %s intervals missing, highest %s %s." % (
        whole(len(found.points)), whole(missing), scaled(peak.value, peak.scaler),
        _unit(found.points))


def thinned(points: Sequence[Point], columns: int) -> Sequence[Point]:
    """At most two points for each of `columns`: the least and the greatest, in order."""
    if len(points) <= 2 * columns:
        return points
    kept: list[Point] = []
    for column in range(columns):
        inside = points[column * len(points) // columns:(column + 1) * len(points) // columns]
        ends = {min(inside, key=_real), max(inside, key=_real)}
        kept += [point for point in inside if point in ends][:2]
    return kept


def _real(point: Point) -> float:
    return point.value * 10.0 ** point.scaler


def _step(found: Series, meter: Meter) -> float:
    """Seconds between neighbours of a thinned plot."""
    factor = max(1.0, len(found.points) / (2 * PIXEL_COLUMNS))
    return meter.period_s * factor


def _unit(points: Sequence[Point]) -> str:
    return UNITS.get(points[0].unit, "") if points else ""
