"""Finding what to ask for by time costs what there is of those days, however often meters are read.

So it is where meters are read every minute: a day of one has 1,440 intervals.
"""

from datetime import UTC, datetime

import psycopg

from tests.cloud.explained import Explained
from tests.cloud.ledger.book import MIDNIGHT, NEXT, NOW, Book
from wum_cloud.database import open_pool
from wum_cloud.ingest.gaps.store import PostgresGaps
from wum_cloud.ledger.keeper import catch_up

METERS = 12
MINUTES = 1440
LACKS_ONE_IN = 16
STEPS_MAX = 32          # For each interval of their day, all scans and joins of the plan together.

_ROWS = """
    insert into reading (meter_id, captured_at, profile, register_set_id, time_quality, a_plus)
    select meter_id, %(first)s + n * interval '1 minute', 0, %(set)s, 0, n
      from meter cross join generate_series(0, %(minutes)s - 1) as n
     where n %% %(one_in)s <> 0 on conflict do nothing;
    insert into concentrator_epoch (concentrator_id, epoch, sealed_keys)
    select concentrator_id, 0, 'sealed' from concentrator;
    update concentrator set last_contact_at = %(now)s, newest_captured_at = %(next)s;
    analyze"""


async def test_finding_what_to_ask_for_costs_what_there_is_of_the_days(database_url: str) -> None:
    book = Book(database_url)
    for n in range(METERS):
        meter = book.add_meter("M-%d" % n)
        book.schedule(meter, MIDNIGHT, 60)
    book.read(meter, 0, 48)                     # It makes the partitions of both weeks, too.
    [[register_set]] = _ask(database_url, "select min(register_set_id) from register_set")
    with psycopg.connect(database_url, cursor_factory=psycopg.ClientCursor) as connection:
        connection.execute(_ROWS.encode(), {
            "first": MIDNIGHT, "set": register_set, "minutes": MINUTES, "one_in": LACKS_ONE_IN,
            "now": datetime.now(UTC), "next": NEXT})
        connection.execute("insert into ledger_mark (concentrator_id, since)"
                           " select concentrator_id, %s from concentrator", [MIDNIGHT])
    async with open_pool(database_url, connections_max=1) as pool:
        await catch_up(pool, NOW)
        explained = await Explained.on(pool, "with wanted")
        [wanted] = await PostgresGaps(pool).wanting(limit=10)
    assert len(wanted.spans) == METERS * MINUTES // LACKS_ONE_IN - 2
    assert len(explained.found) == 1
    assert 0 < explained.found[0] <= STEPS_MAX * METERS * MINUTES, explained.found


def _ask(url: str, question: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(question.encode()).fetchall()
