"""Readings of a span as the database gives them: few, very many, and of changing register sets."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from tests.cloud.web.street import PERIOD_S, Street
from wum_cloud.database import Pool
from wum_cloud.readings import series, sketch
from wum_cloud.readings.gaps import NO_VALUE, NOT_RECEIVED
from wum_cloud.readings.sketch import Wait
from wum_cloud.registry.listing import store as listing
from wum_cloud.registry.reach import Reach
from wum_shared.obis import obis_from_text
from wum_shared.status import SILENT

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
COUNTER = obis_from_text("1-0:1.8.0")
VOLTAGE = obis_from_text("1-0:32.7.0")
POWER = obis_from_text("1-0:16.7.0")


def at(interval: float) -> datetime:
    return MIDNIGHT + timedelta(seconds=interval * PERIOD_S)


@pytest.fixture
def street(database_url: str) -> Street:
    return Street(database_url)


@pytest.fixture
def number(street: Street) -> int:
    return street.add_meter("SDM-1")


@pytest.fixture
async def connection(pool: Pool):
    async with pool.connection() as opened:
        yield opened


async def meter_of(connection) -> listing.Meter:
    found = await listing.meter(connection, Reach(1), "SDM-1")
    assert found is not None
    return found


async def test_a_sketch_of_many_readings_has_every_peak_the_newest_rows_and_the_true_count(
        street, number, connection):
    dice = random.Random(7)
    values = [dice.randrange(1000) if dice.random() > 0.02 else None for _ in range(4000)]
    values[1234], values[2345] = 10**9, -(10**9)
    street.add_counter(number, MIDNIGHT, values, PERIOD_S)
    [found] = await sketch.sketch(
        connection, await meter_of(connection), [COUNTER], MIDNIGHT, at(4000), Wait(at(4000)),
        pixels=100, newest=50)
    assert found.count == sum(value is not None for value in values)
    shown = {point.captured_at: point.value for point in found.points}
    assert len(shown) <= 2 * 100 + 50
    assert shown[at(1234)] == 10**9 and shown[at(2345)] == -(10**9)
    with_value = [n for n in range(4000) if values[n] is not None]
    assert [shown[at(n)] for n in with_value[-50:]] == [values[n] for n in with_value[-50:]]
    assert all(values[round((moment - MIDNIGHT).total_seconds() / PERIOD_S)] == value
               for moment, value in shown.items())
    assert sum(gap.intervals for gap in found.gaps) == values.count(None)
    assert {gap.reason for gap in found.gaps} == {NO_VALUE}


async def test_registers_of_one_sketch_have_their_own_gaps(street, number, connection):
    street.add_row(number, at(0), (1, 2301, 40))
    street.add_row(number, at(1), (2, None, 41))
    street.add_missed(number, at(2), SILENT)
    counter, voltage = await sketch.sketch(
        connection, await meter_of(connection), [COUNTER, VOLTAGE], MIDNIGHT, at(4), Wait(at(4)),
        pixels=100, newest=10)
    assert [(gap.start, gap.reason) for gap in counter.gaps] == [
        (at(2), "silent"), (at(3), NOT_RECEIVED)]
    assert [(gap.start, gap.reason) for gap in voltage.gaps] == [
        (at(1), NO_VALUE), (at(2), "silent"), (at(3), NOT_RECEIVED)]
    assert [point.value for point in voltage.points] == [2301]


async def test_a_register_whose_scaler_and_column_changed_stays_one_series(
        street, number, connection):
    tenths = street.add_register_set("1-0:1.8.0", -1, 30, "extra[2]")
    street.add_row(number, at(0), (100, None, None))
    street.add_counter(number, at(1), [None], PERIOD_S, register_set=tenths)
    import psycopg
    with psycopg.connect(street.url) as other:
        other.execute("update reading set extra = %s where register_set_id = %s",
                      [[None, 995], tenths])
    meter = await meter_of(connection)
    [found] = await sketch.sketch(
        connection, meter, [COUNTER], MIDNIGHT, at(2), Wait(at(2)), pixels=1, newest=1)
    assert [(point.value, point.scaler) for point in found.points] == [(100, 0), (995, -1)]
    _, [day] = await sketch.grouped(
        connection, meter, COUNTER, MIDNIGHT, at(2), Wait(at(2)), [MIDNIGHT, at(96)])
    assert (day.least.value, day.greatest.value) == (995, 100)  # 99.5 Wh are less than 100 Wh.


async def test_scalers_far_apart_do_not_break_the_question(street, number, connection):
    fine = street.add_register_set("1-0:1.8.0", -9, 30, "a_plus")
    street.add_row(number, at(0), (2**62, None, None))
    street.add_counter(number, at(1), [5], PERIOD_S, register_set=fine)
    [found] = await sketch.sketch(
        connection, await meter_of(connection), [COUNTER], MIDNIGHT, at(2), Wait(at(2)),
        pixels=9, newest=9)
    assert [point.value for point in found.points] == [2**62, 5]


async def test_energy_is_read_at_the_edges_of_days_and_at_the_end(street, number, connection):
    values: list[int | None] = [10 * n for n in range(96 * 3)]
    values[96] = None
    street.add_counter(number, MIDNIGHT, values, PERIOD_S)
    found = await sketch.at_edges(
        connection, await meter_of(connection), COUNTER,
        [at(0), at(96), at(192), at(288)], at(300), Wait(at(288)))
    assert [point.value for point in found.points] == [0, 970, 1920, 2870]
    assert found.count == 287


async def test_pages_cut_inside_a_slot_look_at_every_slot_once(street, number, connection):
    for interval in (0.0, 1.0, 1.5, 2.0, 2.5, 4.0):  # Two readings in the second and third slot.
        street.add_row(number, at(interval), (int(10 * interval), None, None))
    street.add_row(number, at(5.5), (None, 2301, 1))
    street.add_row(number, at(6.5), (65, None, None))
    meter = await meter_of(connection)
    for limit in range(1, 9):
        values, gaps, start, pages = [], [], MIDNIGHT, 0
        while start is not None:
            found, following = await series.page(
                connection, meter, COUNTER, start, at(8), at(8), limit=limit,
                continues=pages > 0)
            values += [point.value for point in found.points]
            gaps += [(gap.start, gap.intervals, gap.reason) for gap in found.gaps]
            start, pages = following, pages + 1
            assert pages < 20
        assert values == [0, 10, 15, 20, 25, 40, 65]
        assert gaps == [(at(3), 1, NOT_RECEIVED), (at(5), 1, NO_VALUE), (at(7), 1, NOT_RECEIVED)]


async def test_a_span_that_is_too_long_is_refused_before_it_is_read(
        street, number, connection):
    with pytest.raises(series.TooLong, match="shorter span"):
        await sketch.sketch(
            connection, await meter_of(connection), [COUNTER], MIDNIGHT,
            MIDNIGHT + timedelta(days=365 * 20), Wait(MIDNIGHT), pixels=9, newest=9)


async def test_an_unknown_register_is_refused_with_those_that_are_there(
        street, number, connection):
    with pytest.raises(series.UnknownRegister, match=r"SDM-1 has no register 1-0:99\.9\.9; it has "
                       r"1-0:1\.8\.0, 1-0:16\.7\.0"):
        await sketch.sketch(
            connection, await meter_of(connection), [obis_from_text("1-0:99.9.9")], MIDNIGHT,
            at(1), Wait(at(1)), pixels=9, newest=9)


async def test_a_meter_that_was_never_read_is_one_gap(street, number, connection):
    [found] = await sketch.sketch(
        connection, await meter_of(connection), [POWER], MIDNIGHT, at(96), Wait(at(96)), pixels=9,
        newest=9)
    assert (found.count, list(found.points)) == (0, [])
    assert list(found.gaps) == []  # It may not have been there.


async def test_nothing_is_expected_before_a_meter_was_first_asked(street, number, connection):
    street.add_missed(number, at(3), SILENT)
    street.add_row(number, at(5), (1, None, None))
    [found] = await sketch.sketch(
        connection, await meter_of(connection), [COUNTER], MIDNIGHT, at(7), Wait(at(7)),
        pixels=9, newest=9)
    assert [(gap.start, gap.end, gap.reason) for gap in found.gaps] == [
        (at(3), at(4), "silent"), (at(4), at(5), NOT_RECEIVED), (at(6), at(7), NOT_RECEIVED)]


async def test_what_may_be_under_way_is_waited_for(street, number, connection):
    street.add_row(number, at(0), (1, None, None))
    [found] = await sketch.sketch(
        connection, await meter_of(connection), [COUNTER], MIDNIGHT, at(9), Wait(
            at(4), timedelta(seconds=2 * PERIOD_S)), pixels=9, newest=9)
    assert [(gap.start, gap.end) for gap in found.gaps] == [(at(1), at(2))]
