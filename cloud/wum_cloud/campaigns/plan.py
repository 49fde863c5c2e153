"""The plan of a campaign: its waves, when they may begin, and when it stops by itself. Pure.

Percentages are of the members of a wave that did not run the release before. What is not counted as
good is counted: silence past a member's time is a failure like another.
"""

from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

WAVES_MAX = 10
AT_ONCE_MAX = 1000
DAY_S = 86400


class PlanRefused(Exception):
    """A plan, a release or a campaign is not taken: a sentence that says why."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Seconds and percents. `window`: from and to as minutes of the day in `zone`, None: any time.

    shares: of all members, cumulative, after the canary. spread_s: a wave begins its installations
    spread over so long. within_s: how long a member may take to begin, where there is no window.
    patience_s: from when it may begin until it has to be confirmed. soak_s: readings of so long
    after are held against those of as long before. settle_s: until what was read has come.
    worse_points: percent points of completeness that it may lose.
    """

    shares: tuple[int, ...] = (1, 10, 50, 100)
    canary: bool = True
    window: tuple[int, int] | None = None
    zone: str = "UTC"
    spread_s: int = 1800
    within_s: int = 6 * 3600
    patience_s: int = 7200
    soak_s: int = 3600
    settle_s: int = 900
    at_once: int = 200
    failed_most: int = 2
    silent_most: int = 10
    good_least: int = 90
    worse_points: int = 5
    floor: int = 0

    def to_json(self) -> dict[str, Any]:
        """As the database keeps it."""
        return asdict(self)


_LIMITS = {
    "spread_s": (0, DAY_S), "within_s": (60, 7 * DAY_S), "patience_s": (60, 7 * DAY_S),
    "soak_s": (0, 7 * DAY_S), "settle_s": (0, DAY_S), "at_once": (1, AT_ONCE_MAX),
    "failed_most": (0, 100), "silent_most": (0, 100), "good_least": (0, 100),
    "worse_points": (0, 100), "floor": (0, 2**32 - 1),
}


def plan_of(said: dict[str, Any]) -> Plan:
    """The plan that somebody said; what is not said is as by default. Raises PlanRefused."""
    known = {field.name for field in fields(Plan)}
    foreign = sorted(set(said) - known)
    if foreign:
        raise PlanRefused("A plan has no %s; it has %s." % (foreign[0], ", ".join(sorted(known))))
    for name, (least, most) in _LIMITS.items():
        value = said.get(name, least)
        if type(value) is not int or not least <= value <= most:
            raise PlanRefused("%s: wanted %d..%d, got %s." % (name, least, most, value))
    shares = tuple(said.get("shares", Plan().shares))
    if not (1 <= len(shares) <= WAVES_MAX and all(type(one) is int for one in shares)
            and all(before < after for before, after in zip((0, *shares), shares, strict=False))
            and shares[-1] == 100):
        raise PlanRefused("shares: wanted rising percentages up to 100, %d at most, got %s." % (
            WAVES_MAX, list(shares)))
    window = said.get("window")
    if window is not None:
        window = tuple(window)
        if len(window) != 2 or not all(
                type(one) is int and 0 <= one < 1440 for one in window) or window[0] == window[1]:
            raise PlanRefused("window: wanted two minutes of the day, 0..1439, got %s." % (
                list(window),))
    if said.get("zone", "UTC") not in available_timezones():
        raise PlanRefused("zone: there is no time zone %s." % said["zone"])
    return Plan(**{**said, "shares": shares, "window": window})


def opens(plan: Plan, now_s: float) -> tuple[float, float]:
    """(begins, ends) of the window that is open now, for as long as half of it at least, or of the
    next one. Days on which a clock changes have theirs by the wall clock.
    """
    if plan.window is None:
        return now_s, now_s + plan.within_s + plan.spread_s
    zone = ZoneInfo(plan.zone)
    day = datetime.fromtimestamp(now_s, UTC).astimezone(zone).date() - timedelta(days=1)
    while True:
        begins_s, ends_s = [
            datetime.combine(at_day, time(minute // 60, minute % 60), zone).timestamp()
            for minute, at_day in (
                (plan.window[0], day),
                (plan.window[1], day + timedelta(days=plan.window[1] <= plan.window[0])))]
        if now_s <= (begins_s + ends_s) / 2 and ends_s > begins_s:
            return max(begins_s, now_s), ends_s
        day += timedelta(days=1)
