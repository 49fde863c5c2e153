"""Energy by interval, made ready for a page: bars for the plot, rows for the table."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from wum_cloud.readings.consumption import Interval, consumption
from wum_cloud.web import writing
from wum_cloud.web.console.profile import Profile, head
from wum_cloud.web.texts import gettext as _


def intervals_of(profile: Profile, edges: Sequence[datetime]) -> list[Interval]:
    """The profile's energy between `edges`."""
    assert profile.quantity.is_consumption
    return consumption(profile.series[0].points, edges, timedelta(seconds=profile.period_s))


def bars_data(
        profile: Profile, found: Sequence[Interval], now: datetime) -> dict[str, object]:
    """As `profile.plot_data`, with the start of each interval in `ts` and one end in `until`."""
    assert found
    scaler = _scaler(profile)
    return {
        **head(profile), "summary": total(profile, found, now), "bars": True, "limits": [],
        "from": int(found[0].start.timestamp()), "to": int(found[-1].end.timestamp()),
        "ts": [int(i.start.timestamp()) for i in found],
        "until": [int(i.end.timestamp()) for i in found],
        "series": [{"name": profile.quantity.name, "values": [
            None if i.value is None else round(i.value * 10.0 ** (scaler - 3), 6)
            for i in found]}],
    }


def total(profile: Profile, found: Sequence[Interval], now: datetime) -> str:
    """One sentence: how much in all, and how much of the time is not known."""
    known = [i.value for i in found if i.value is not None]
    words = [_("%(value)s %(unit)s in all") % {
        "value": written(profile, sum(known)), "unit": profile.unit_word}]
    unknown = sum(1 for i in found if i.value is None and i.start < now)
    if unknown:
        words.append(_("not known for %(n)s") % {"n": writing.intervals(unknown)})
    return ", ".join(words) + ". " + _("Differences of the counter's readings.")


def written(profile: Profile, value: int) -> str:
    """Energy of the profile's counter as it is written, in kWh."""
    return writing.scaled(value, _scaler(profile) - 3)


def _scaler(profile: Profile) -> int:
    points = profile.series[0].points
    return points[-1].scaler if points else 0
