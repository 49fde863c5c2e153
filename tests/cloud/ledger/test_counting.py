"""What the ledger says of a meter's day, and that it stays right whatever comes later."""

import asyncio
from datetime import date, timedelta

import psycopg
import pytest

from tests.cloud.ledger.book import DAY, MIDNIGHT, NEXT, NOW, PER_DAY, Book, at, count
from wum_cloud.ledger import keeper
from wum_shared.status import (
    ACCESS_DENIED,
    BAD_CHECK,
    EXCEPTION,
    FOREIGN,
    NOT_GENUINE,
    NOT_TRIED,
)

HOUR = timedelta(hours=1)


async def test_a_complete_day_is_complete(book: Book, pool) -> None:
    meter = book.add_scheduled("SDM-1")
    book.read(meter, *range(PER_DAY))
    await count(pool, book)
    said = book.day(meter)
    assert (said["expected"], said["received"], said["by_six"]) == (PER_DAY, PER_DAY, PER_DAY)
    assert "missing" not in said and "late" not in said


async def test_intervals_become_due_with_time_alone(book: Book, pool) -> None:
    meter = book.add_scheduled("SDM-1")
    await count(pool, book, at(4))
    assert book.day(meter)["expected"] == 3, "the fourth has just ended and may be under way"
    await count(pool, book, at(10))
    assert book.day(meter)["expected"] == 9
    await count(pool, book, NEXT + HOUR)
    assert book.day(meter)["expected"] == PER_DAY
    assert book.day(meter, date(2026, 3, 3))["expected"] == 3


async def test_what_is_stored_after_six_is_received_and_late_but_not_in_time(
        book: Book, pool) -> None:
    meter = book.add_scheduled("SDM-1")
    six = NEXT + 6 * HOUR
    book.read(meter, 0, late=six - at(0))
    book.read(meter, 1, late=six - at(1) + timedelta(seconds=1))
    book.read(meter, 2)
    await count(pool, book)
    said = book.day(meter)
    assert (said["received"], said["late"], said["by_six"]) == (3, 2, 2)


async def test_a_reading_from_before_arrivals_were_noted_is_not_claimed_to_be_in_time(
        book: Book, pool) -> None:
    meter = book.add_scheduled("SDM-1")
    book.read(meter, 0)
    book.do("update reading set arrived_at = null")
    await count(pool, book)
    assert book.day(meter)["received"] == 1 and "by_six" not in book.day(meter)


async def test_each_missing_interval_has_one_reason(book: Book, pool) -> None:
    meter = book.add_scheduled("SDM-1")
    book.miss(meter, 0)
    for interval, outcome in ((1, BAD_CHECK), (2, FOREIGN), (3, EXCEPTION), (4, NOT_TRIED),
                              (5, ACCESS_DENIED), (6, NOT_GENUINE)):
        book.miss(meter, interval, outcome)
    book.contact(NOW, at(20))
    await count(pool, book)
    said = book.day(meter)
    assert [said[name] for name in ("silent", "damaged", "exception", "not_tried")] == [1, 3, 2, 1]
    assert said["unexplained"] == 14 and said["awaited"] == PER_DAY - 21
    assert said["missing"] == PER_DAY and said["missing_from"] == MIDNIGHT


async def test_a_reading_that_comes_after_a_missed_capture_counts(book: Book, pool) -> None:
    meter = book.add_scheduled("SDM-1")
    book.miss(meter, 0)
    await count(pool, book)
    assert book.day(meter)["silent"] == 1
    book.read(meter, 0.5)
    await count(pool, book)
    assert book.day(meter)["received"] == 1 and "silent" not in book.day(meter)


async def test_a_concentrator_that_is_not_heard_is_the_reason_until_it_delivers(
        book: Book, pool) -> None:
    meter = book.add_scheduled("SDM-1")
    book.read(meter, *range(10))
    book.contact(at(10), at(9))
    await count(pool, book)
    assert book.day(meter)["unreachable"] == PER_DAY - 10
    book.contact(NOW + 2 * HOUR, at(9))  # It is back, and has not delivered the day yet.
    await count(pool, book, NOW + 2 * HOUR)
    assert book.day(meter)["awaited"] == PER_DAY - 10
    book.read(meter, *range(10, PER_DAY), late=timedelta(days=2))
    book.contact(NOW + 2 * HOUR, NOW + 2 * HOUR)
    await count(pool, book, NOW + 2 * HOUR)
    said = book.day(meter)
    assert (said["received"], said["late"], said["by_six"]) == (PER_DAY, PER_DAY - 10, 10)


async def test_another_schedule_counts_from_its_first_whole_interval(book: Book, pool) -> None:
    meter = book.add_scheduled("SDM-1")
    await count(pool, book)
    assert book.day(meter)["expected"] == PER_DAY
    book.schedule(meter, at(48.5), 3600)
    await count(pool, book)
    # 48 quarters are whole before it; the first whole hour begins at 52 quarters.
    assert book.day(meter)["expected"] == 48 + 11
    book.schedule(meter, at(60), None)
    await count(pool, book)
    assert book.day(meter)["expected"] == 48 + 2
    assert book.day(meter, date(2026, 3, 3)) == {}


async def test_two_schedules_of_one_period_keep_their_own_intervals(book: Book, pool) -> None:
    meter = book.add_scheduled("SDM-1")
    book.schedule(meter, at(48), 900, offset_s=300)
    book.read(meter, 47.4, 48.4)
    await count(pool, book)
    said = book.day(meter)
    assert said["expected"] == PER_DAY and said["received"] == 2


async def test_sets_with_schedules_of_their_own_are_each_judged_by_theirs(
        book: Book, pool) -> None:
    """Energy every quarter, volts every hour: a row of one says nothing of the other."""
    volts = book.add_register_set("1-0:99.7.0", -1, 35, "u_l2")
    meter = book.add_scheduled("SDM-1")
    book.schedule(meter, MIDNIGHT, 3600, sets=[volts], part=1)
    book.read(meter, *range(PER_DAY))
    book.read(meter, 8.1, 12.1)
    book.do("update reading set register_set_id = %d where captured_at in ('%s', '%s')" % (
        volts, at(8.1), at(12.1)))
    book.miss(meter, 16)        # It gave its energy, and refused its volts.
    book.do("update missed set register_sets = '{%d}'" % volts)
    await count(pool, book)
    [energy, of_volts] = book.ask(
        "select expected, received, silent, missing_from from ledger_day where day = %s"
        " order by register_set_id = %s", DAY, volts)
    assert energy == (PER_DAY, PER_DAY, 0, None)
    assert of_volts == (24, 2, 1, MIDNIGHT)
    book.schedule(meter, at(48), 900)           # From noon on all of it together again.
    await count(pool, book)
    assert book.ask("select expected from ledger_day where day = %s"
                    " order by register_set_id = %s", DAY, volts) == [(PER_DAY,), (12,)]


async def test_a_reason_for_one_set_is_none_for_another(book: Book, pool) -> None:
    volts = book.add_register_set("1-0:99.7.0", -1, 35, "u_l2")
    meter = book.add_scheduled("SDM-1")
    book.schedule(meter, MIDNIGHT, 3600, sets=[volts], part=1)
    [(energy,)] = book.ask("select register_sets[1] from meter_schedule where part = 0")
    book.miss(meter, 1)
    book.do("update missed set register_sets = '{%d}'" % energy)
    await count(pool, book)
    assert book.ask("select silent from ledger_day where day = %s"
                    " order by register_set_id = %s", DAY, volts) == [(1,), (0,)]
    book.do("update missed set register_sets = null")
    book.mark(at(1))
    await count(pool, book)
    assert book.ask("select silent from ledger_day where day = %s"
                    " order by register_set_id = %s", DAY, volts) == [(1,), (1,)]


async def test_a_clock_that_was_set_right_moves_the_readings_to_where_they_belong(
        book: Book, pool) -> None:
    meter = book.add_scheduled("SDM-1", MIDNIGHT - timedelta(days=2))
    book.read(meter, *[-PER_DAY + n for n in range(4)])     # A day behind, until it was set.
    book.read(meter, *range(4, PER_DAY))
    await count(pool, book)
    assert book.day(meter)["received"] == PER_DAY - 4
    assert book.day(meter, DAY - timedelta(days=1))["received"] == 4
    book.read(meter, 3.1, 3.4, 3.8)                         # Set back: one interval, three times.
    await count(pool, book)
    assert book.day(meter)["received"] == PER_DAY - 3


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25)])
async def test_days_on_which_the_clocks_change_have_their_own_length(
        book: Book, pool, day: date, hours: int) -> None:
    meter = book.add_scheduled("SDM-1", at(24) - timedelta(days=1) + (day - DAY) * 1)
    await count(pool, book, at(0) + timedelta(days=2) + (day - DAY) * 1)
    assert book.day(meter, day)["expected"] == hours * 4


async def test_a_meter_that_moved_keeps_its_old_days_where_they_were(book: Book, pool) -> None:
    meter = book.add_scheduled("SDM-1")
    await count(pool, book)
    book.do("insert into concentrator (tenant_id, device_id, identity_key, name, site_id,"
            " broker_password_hash) select 1, '12345678', identity_key, 'cabinet-2', site_id, 'x'"
            " from concentrator")
    other = book.ask("select max(concentrator_id) from concentrator")[0][0]
    book.do("update meter set concentrator_id = %d" % other)
    book.schedule(meter, NEXT, 900, concentrator=other)
    await count(pool, book)
    assert book.ask("select day, concentrator_id = %s from ledger_day order by day", other) == [
        (DAY, False), (date(2026, 3, 3), True)]


async def test_a_site_in_another_zone_has_other_days(book: Book, pool) -> None:
    meter = book.add_scheduled("SDM-1")
    await count(pool, book)
    book.do("update site set time_zone = 'UTC'")
    await count(pool, book)
    assert book.day(meter)["expected"] == PER_DAY
    assert book.day(meter, date(2026, 3, 1))["expected"] == 8


async def test_what_was_counted_is_not_counted_again(book: Book, pool) -> None:
    book.add_scheduled("SDM-1")
    await count(pool, book)
    assert await keeper.step(pool, NOW) == 0
    assert book.ask("select count(*) from ledger_mark") == [(0,)]


async def test_one_process_counts_and_the_others_leave_it_to_it(book: Book, pool) -> None:
    book.add_scheduled("SDM-1")
    with psycopg.connect(book.url) as other:
        other.execute("select pg_advisory_xact_lock(%s)", [0x57554D02])
        assert await keeper.step(pool, NOW) == 0
    assert await keeper.step(pool, NOW) == 1


async def test_days_older_than_a_year_and_a_month_are_dropped(book: Book, pool) -> None:
    book.add_scheduled("SDM-1")
    await count(pool, book)
    await count(pool, book, NOW + timedelta(days=500))
    assert book.ask("select count(*) from ledger_day where day = %s", DAY) == [(0,)]
    assert book.ask("select count(*) from ledger_tenant_day where day = %s", DAY) == [(0,)]


async def test_a_fault_of_the_ledger_does_not_end_the_ingest_beside_it(
        book: Book, pool, monkeypatch, caplog) -> None:
    book.add_scheduled("SDM-1")
    book.do("update site set time_zone = 'Nowhere/At All'")
    monkeypatch.setattr(keeper, "PAUSE_AFTER_ERROR_S", 0.05)
    task = asyncio.create_task(keeper.keep(pool))
    async with asyncio.timeout(30):
        while "the ledger is not kept for now" not in caplog.text:
            await asyncio.sleep(0.02)
    assert not task.done()
    task.cancel()


async def test_while_messages_wait_the_ledger_rests_longer(book: Book, pool, monkeypatch) -> None:
    async def until_counted() -> None:
        while book.ask("select from ledger_mark"):
            await asyncio.sleep(0.01)

    book.add_scheduled("SDM-1")
    monkeypatch.setattr(keeper, "PAUSE_LEAST_S", 0.0)
    monkeypatch.setattr(keeper, "PAUSE_SHARE", 0.0)
    monkeypatch.setattr(keeper, "BUSY_SHARE", 1e6)
    monkeypatch.setattr(keeper, "LOOK_EVERY_S", 0.05)
    waiting = [True]
    task = asyncio.create_task(keeper.keep(pool, lambda: bool(waiting)))
    async with asyncio.timeout(30):
        await until_counted()
        book.mark(at(3))
        await asyncio.sleep(0.5)
        assert book.ask("select from ledger_mark")
        waiting.clear()
        await until_counted()
    task.cancel()


async def test_a_step_takes_all_marks_of_a_concentrator_and_so_many_days(
        book: Book, pool, monkeypatch) -> None:
    book.add_scheduled("SDM-1", valid_from=MIDNIGHT - timedelta(days=9))
    for interval in range(5):
        book.mark(at(interval))
    monkeypatch.setattr(keeper, "DAYS_PER_STEP", 3)
    monkeypatch.setattr(keeper, "MARKED_PER_STEP", 1)
    assert await keeper.step(pool, NOW) == 1        # One alone is counted, however many its days.
    assert not book.ask("select from ledger_mark")
    assert book.ask("select count(*) from ledger_day") == [(11,)]
    book.check_sums()
