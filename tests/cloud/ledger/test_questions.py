"""Days, concentrators, sites and meters of the ledger, page by page, and only the own tenant's."""

from datetime import date, timedelta

from tests.cloud.ledger.book import DAY, MIDNIGHT, NEXT, NOW, PER_DAY, Book, at, count
from tests.cloud.web.street import DEVICE, SITE
from wum_cloud.ledger import store
from wum_cloud.ledger.reckoning import SETTLED_AFTER, day_of, runs
from wum_cloud.ledger.slots.store import intervals
from wum_cloud.ledger.store import Scope


async def filled(book: Book, pool) -> list[int]:
    meters = [book.add_scheduled("SDM-%d" % n) for n in range(3)]
    book.read(meters[0], *range(PER_DAY))
    book.read(meters[1], *range(90))
    book.contact(NOW, at(89))
    await count(pool, book)
    return meters


async def test_days_are_the_same_from_every_side(book: Book, pool) -> None:
    await filled(book, pool)
    async with pool.connection() as connection:
        for scope in (Scope(), Scope(site=SITE), Scope(concentrator=DEVICE)):
            found = await store.days(connection, 1, scope, DAY, DAY, 10)
            assert [(d.day, d.meters, d.expected, d.received) for d in found] == [
                (DAY, 3, 3 * PER_DAY, PER_DAY + 90)]
        assert await store.days(connection, 2, Scope(), DAY, DAY, 10) == []
        assert await store.days(connection, 1, Scope(site="nowhere"), DAY, DAY, 10) == []
        assert len(await store.days(
            connection, 1, Scope(), DAY, DAY + timedelta(days=5), 10)) == 2


async def test_meters_that_lack_most_stand_first_and_pages_lose_none(book: Book, pool) -> None:
    meters = await filled(book, pool)
    async with pool.connection() as connection:
        for scope in (Scope(), Scope(site=SITE), Scope(concentrator=DEVICE)):
            first = await store.meters(connection, 1, scope, DAY, None, 1)
            assert [m.meter_id for m in first] == [meters[2]]
            rest = await store.meters(
                connection, 1, scope, DAY,
                (first[0].missing, first[0].meter_id, first[0].register_set), 10)
            assert [(m.meter_id, m.missing) for m in rest] == [(meters[1], 6)]
            assert rest[0].last_before == at(89) and rest[0].missing_from == at(90)
        assert await store.meters(connection, 2, Scope(), DAY, None, 10) == []


async def test_concentrators_and_sites_of_a_day(book: Book, pool) -> None:
    await filled(book, pool)
    async with pool.connection() as connection:
        found = await store.concentrators(connection, 1, Scope(), DAY, None, 10)
        assert [(c.name, c.meters, c.missing) for c in found] == [("cabinet-1", 3, PER_DAY + 6)]
        after = (found[0].missing, found[0].concentrator_id)
        assert await store.concentrators(connection, 1, Scope(), DAY, after, 10) == []
        assert [(s.name, s.missing) for s in await store.sites(connection, 1, DAY, "", 10)] == [
            (SITE, PER_DAY + 6)]
        assert await store.sites(connection, 1, DAY, SITE, 10) == []
        assert await store.sites(connection, 1, date(2026, 2, 1), "", 10) == []
        assert await store.counted_until(connection, 1) == NOW
        assert await store.counted_until(connection, 2) is None


async def test_a_meters_intervals_are_what_its_day_is_made_of(book: Book, pool) -> None:
    meters = await filled(book, pool)
    day = day_of(DAY, "Europe/Chisinau")
    async with pool.connection() as connection:
        found = await intervals(connection, meters[1], day, NOW - SETTLED_AFTER, NOW)
    assert len(found) == PER_DAY and found[0].start == MIDNIGHT and found[-1].end == NEXT
    said = runs(found)
    assert [(run.state, run.intervals) for run in said] == [("received", 90), ("awaited", 6)]
    assert said[0].first_arrived_at == at(0) + timedelta(seconds=5)
