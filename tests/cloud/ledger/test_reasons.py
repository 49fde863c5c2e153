"""Why an interval is missing: by sequence number where somebody knows only that, else by time."""

from datetime import timedelta

import psycopg
import pytest

from tests.cloud.ledger.book import DAY, MIDNIGHT, NOW, PER_DAY, Book, at, count
from wum_cloud.database import Pool
from wum_cloud.reasons import store as telling
from wum_cloud.reasons.store import Told
from wum_shared.status import LOST_DAMAGED, LOST_FULL, LOST_RETENTION

REST = PER_DAY


def number_of(book: Book) -> int:
    return int(book.ask("select min(concentrator_id) from concentrator")[0][0])


async def tell(pool: Pool, *told: Told) -> None:
    async with pool.connection() as connection:
        await telling.tell(connection, told)


@pytest.mark.parametrize(("reason", "name"), [
    (LOST_RETENTION, "archive_gap"), (LOST_FULL, "dropped"), (LOST_DAMAGED, "archive_gap")])
async def test_lost_numbers_lie_between_the_batches_around_them(
        book: Book, pool: Pool, reason: int, name: str) -> None:
    meter = book.add_scheduled("SDM-1")
    book.contact(NOW, NOW)
    book.archive("{[1,50),[90,200)}", "{[50,90)}")
    book.arrive(1, 49, 0, 9.5)
    book.arrive(90, 199, 30.5, 95)
    book.lose(50, 89, reason, at(40))
    await count(pool, book)
    said = book.day(meter)
    assert said[name] == 22, "from interval 9, whose meters may have been lost in part, to 30"
    assert said["unexplained"] == PER_DAY - 22


async def test_a_loss_with_nothing_behind_it_ends_when_it_was_told(book: Book, pool: Pool) -> None:
    meter = book.add_scheduled("SDM-1")
    book.contact(NOW, NOW)
    book.archive("{[1,50)}", "{[50,90)}")
    book.arrive(1, 49, 0, 9.5)
    book.lose(50, 89, LOST_FULL, at(40.5))
    await count(pool, book)
    assert book.day(meter)["dropped"] == 32
    # A batch that comes between narrows it, though none of its hours is of these intervals.
    book.arrive(90, 99, 20.5, 60)
    book.do("update archive set received = received + '{[90,100)}'")
    book.mark(at(60))
    await count(pool, book)
    assert book.day(meter)["dropped"] == 12


async def test_numbers_that_are_outstanding_are_awaited_and_the_rest_is_not(
        book: Book, pool: Pool) -> None:
    meter = book.add_scheduled("SDM-1")
    book.contact(NOW, NOW)
    book.archive("{[1,50),[90,200)}")
    book.arrive(1, 49, 0, 9)
    book.arrive(90, 199, 30, 95)
    await count(pool, book)
    assert book.day(meter)["awaited"] == 22
    assert book.day(meter)["unexplained"] == PER_DAY - 22
    book.contact(NOW - timedelta(hours=3), NOW)
    book.mark(NOW)
    await count(pool, book)
    assert book.day(meter)["unreachable"] == 22, "nothing can come while nobody is heard"


async def test_what_a_replaced_archive_had_not_delivered_is_gone_and_no_more_than_that(
        book: Book, pool: Pool) -> None:
    meter = book.add_scheduled("SDM-1")
    book.contact(NOW, NOW)
    book.archive("{[1,20),[30,50)}")
    book.arrive(1, 19, 0, 9)
    book.arrive(30, 49, 15, 30)
    book.archive("{[1,100)}", incarnation=b"the next", seen=at(60))
    book.arrive(1, 99, 50, 95, b"the next")
    await count(pool, book)
    said = book.day(meter)
    assert said["archive_gap"] == 7 + 21, "the hole from 9 to 15, and from 30 to the next one's 50"
    assert said["unexplained"] == PER_DAY - 28


async def test_a_refused_batch_is_the_reason_where_its_numbers_lie(book: Book, pool: Pool) -> None:
    meter = book.add_scheduled("SDM-1")
    book.contact(NOW, NOW)
    book.archive("{[1,200)}")
    book.arrive(1, 49, 0, 9)
    book.arrive(90, 199, 30, 95)
    await tell(pool, Told(number_of(book), "refused", None, b"incarnat", 50, 89))
    await count(pool, book)
    assert book.day(meter)["refused"] == 22


async def test_a_reason_of_some_meters_and_a_span_is_theirs_alone(book: Book, pool: Pool) -> None:
    one, other = book.add_scheduled("SDM-1"), book.add_scheduled("SDM-2")
    book.contact(NOW, NOW)
    await count(pool, book)
    assert book.day(one)["unexplained"] == PER_DAY
    await tell(pool, Told(number_of(book), "never_read", (one,), after_at=at(3), before_at=at(5.5)))
    await count(pool, book)
    assert book.day(one)["never_read"] == 3 and "never_read" not in book.day(other)
    book.read(one, 4)
    await count(pool, book)
    assert book.day(one)["never_read"] == 2, "a reading says more than any reason"


async def test_of_several_reasons_the_nearest_to_the_meter_counts(book: Book, pool: Pool) -> None:
    meter = book.add_scheduled("SDM-1")
    book.contact(NOW, NOW)
    number = number_of(book)
    whole = {"after_at": MIDNIGHT, "before_at": at(95.5)}
    for reason, place in (("archive_gap", "archive_gap"), ("dropped", "dropped"),
                          ("refused", "refused"), ("never_read", "never_read"),
                          ("archive_gap", "never_read"), ("silent", "silent")):
        await tell(pool, Told(number, reason, **whole))
        await count(pool, book)
        assert book.day(meter)[place] == PER_DAY


async def test_what_is_told_again_is_kept_once_and_never_without_end(
        book: Book, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    book.add_scheduled("SDM-1")
    number = number_of(book)
    for first in (1, 1, 2, 3):
        await tell(pool, Told(number, "refused", None, b"incarnat", first, first))
    assert book.ask("select count(*) from reason_told") == [(3,)]
    monkeypatch.setattr(telling, "TOLD_MAX", 2)
    await count(pool, book)
    assert book.ask("select first_sequence from reason_told order by 1") == [(2,), (3,)]


async def test_batches_are_remembered_as_long_as_an_archive_may_be(book: Book, pool: Pool) -> None:
    book.add_scheduled("SDM-1")
    book.arrive(1, 1, 0, 0)
    book.arrive(2, 2, 0, 0)
    book.do("update batch_arrival set arrived_at = case first_sequence when 1"
            " then %s else %s end" % tuple(["'%s'::timestamptz" % (NOW - timedelta(days=days))
                                            for days in (61, 59)]))
    await count(pool, book)
    assert book.ask("select first_sequence from batch_arrival") == [(2,)]


async def test_each_set_has_its_own_count(book: Book, pool: Pool) -> None:
    more = book.add_register_set("1-0:3.8.0", 0, 32, "r_plus")
    meter = book.add_scheduled("SDM-1")
    first = int(book.ask("select register_sets[1] from meter_schedule")[0][0])
    book.schedule(meter, at(48), 900, sets=[first, more])
    book.read(meter, *range(PER_DAY))
    with psycopg.connect(book.url) as connection:
        connection.execute(
            "update register_set set registers = registers || (select registers from register_set"
            " where register_set_id = %s) where register_set_id = %s", [more, first])
    book.do("update reading set register_set_id = %d where captured_at < '%s'" % (more, at(2)))
    await count(pool, book)
    assert book.ask(
        "select register_set_id, expected, received from ledger_day where day = %s order by 1",
        DAY) == [(first, PER_DAY, PER_DAY - 2), (more, 48, 48)]
    assert book.ask("select meters, expected from ledger_tenant_day where day = %s", DAY) == [
        (1, PER_DAY + 48)]
