"""Days, deadlines, months and runs: what needs no database."""

from datetime import UTC, date, datetime, timedelta

from wum_cloud.ledger.reckoning import (
    Interval,
    countable,
    day_of,
    days_of_hours,
    month_grid,
    runs,
    yesterday_everywhere,
)

CHISINAU = "Europe/Chisinau"


def moment(hour: int, day: int = 2) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=UTC)


def test_a_days_readings_are_in_time_until_six_on_the_clocks_of_its_site() -> None:
    plain = day_of(date(2026, 3, 2), CHISINAU)
    assert (plain.start, plain.end) == (moment(22, 1), moment(22))
    assert plain.deadline == moment(4, 3)
    changed = day_of(date(2026, 3, 28), CHISINAU)   # The clocks change in the night after it.
    assert changed.deadline == datetime(2026, 3, 29, 3, tzinfo=UTC)


def test_an_hour_at_midnight_belongs_to_two_days() -> None:
    hour = int(moment(22).timestamp()) // 3600
    assert days_of_hours([hour], CHISINAU, 900) == {date(2026, 3, 2), date(2026, 3, 3)}
    assert days_of_hours([hour + 1], CHISINAU, 900) == {date(2026, 3, 3)}
    assert days_of_hours([hour + 5], CHISINAU, 86400) == {date(2026, 3, 2), date(2026, 3, 3)}


def test_an_hour_is_cut_by_the_midnight_of_a_zone_with_halves() -> None:
    hour = int(moment(18).timestamp()) // 3600      # 23:30 in Kolkata.
    assert days_of_hours([hour], "Asia/Kolkata", 60) == {date(2026, 3, 2), date(2026, 3, 3)}


def test_days_to_come_and_forgotten_ones_are_not_counted() -> None:
    today = date(2026, 3, 2)
    asked = [today + timedelta(days=n) for n in (-401, -400, 0, 1)]
    assert countable(asked, moment(12), CHISINAU) == asked[1:3]


def test_yesterday_is_over_everywhere() -> None:
    zones = ["Pacific/Auckland", "UTC", "America/New_York"]
    assert yesterday_everywhere(moment(2), zones) == date(2026, 2, 28)
    assert yesterday_everywhere(moment(12), zones) == date(2026, 3, 1)


def test_a_month_stands_in_weeks_from_monday() -> None:
    weeks = month_grid(date(2026, 3, 1))            # A Sunday.
    assert [len(week) for week in weeks] == [7] * 6
    assert weeks[0] == [None] * 6 + [date(2026, 3, 1)]
    assert weeks[-1] == [date(2026, 3, 30), date(2026, 3, 31)] + [None] * 5
    assert len(month_grid(date(2027, 2, 1))) == 4


def test_neighbouring_intervals_of_one_state_are_one_run() -> None:
    def interval(hour: int, state: str, arrived: datetime | None = None) -> Interval:
        return Interval(1, moment(hour), moment(hour + 1), state, arrived, "cabinet-1")

    found = runs([interval(0, "received", moment(5)), interval(1, "received", moment(2)),
                  interval(2, "silent"), interval(4, "silent")])
    assert [(run.start.hour, run.intervals, run.state) for run in found] == [
        (0, 2, "received"), (2, 1, "silent"), (4, 1, "silent")]
    assert (found[0].first_arrived_at, found[0].last_arrived_at) == (moment(2), moment(5))
    assert runs([]) == []
