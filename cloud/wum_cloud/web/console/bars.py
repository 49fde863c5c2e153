"""Energy or volume by interval, made ready for a page: bars for the plot, rows for the table.

Water is written in litres where every interval has less than a cubic metre.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from wum_cloud.readings.consumption import Interval, consumption
from wum_cloud.web import writing
from wum_cloud.web.console.profile import Profile, head
from wum_cloud.web.texts import gettext as _

_CUBIC_METRES = (13, 14)


def intervals_of(profile: Profile, edges: Sequence[datetime]) -> list[Interval]:
    """The profile's energy between `edges`."""
    assert profile.quantity.is_consumption
    return consumption(profile.series[0].points, edges, timedelta(seconds=profile.period_s))


def bars_data(
        profile: Profile, found: Sequence[Interval], now: datetime) -> dict[str, object]:
    """As `profile.plot_data`, with the start of each interval in `ts` and one end in `until`."""
    assert found
    scaler, (power, unit) = _scaler(profile), form(profile, found)
    return {
        **head(profile), "summary": total(profile, found, now), "bars": True, "limits": [],
        "unit": unit, "places": max(0, power - scaler),
        "from": int(found[0].start.timestamp()), "to": int(found[-1].end.timestamp()),
        "ts": [int(i.start.timestamp()) for i in found],
        "until": [int(i.end.timestamp()) for i in found],
        "series": [{"name": profile.quantity.name, "values": [
            None if i.value is None else round(i.value * 10.0 ** (scaler - power), 6)
            for i in found]}],
    }


def total(profile: Profile, found: Sequence[Interval], now: datetime) -> str:
    """One sentence: how much in all, and how much of the time is not known."""
    known = [i.value for i in found if i.value is not None]
    power, unit = form(profile, found)
    words = [_("%(value)s %(unit)s in all") % {
        "value": writing.scaled(sum(known), _scaler(profile) - power), "unit": unit}]
    unknown = sum(1 for i in found if i.value is None and i.start < now)
    if unknown:
        words.append(_("not known for %(n)s") % {"n": writing.intervals(unknown)})
    return ", ".join(words) + ". " + _("Differences of the counter's readings.")


def form(profile: Profile, found: Sequence[Interval]) -> tuple[int, str]:
    """How the intervals are written: (power of ten, unit), see writing.form."""
    greatest = max((i.value for i in found if i.value is not None), default=0)
    scaler = _scaler(profile)
    is_small = greatest * 10 ** (scaler + 9) < 10**9
    if profile.quantity.in_litres and profile.unit in _CUBIC_METRES and is_small:
        return -3, "L"
    return writing.form(profile.unit, greatest, scaler)


def written(profile: Profile, found: Sequence[Interval]) -> list[str]:
    """Each interval as it is written, without the unit; a dash where nothing is known."""
    scaler = _scaler(profile) - form(profile, found)[0]
    return [writing.NOTHING if i.value is None else writing.scaled(i.value, scaler) for i in found]


def _scaler(profile: Profile) -> int:
    points = profile.series[0].points
    return points[-1].scaler if points else 0
