"""Counting a few concentrators costs what they cost, also where most meters have no schedule yet.

So it is while a fleet is put up: all meters are in the registry, the first streets are read.
"""

from datetime import timedelta

import psycopg

from tests.cloud.explained import Explained
from tests.cloud.ledger.book import DAY, MIDNIGHT, NOW, Book
from wum_cloud.database import open_pool
from wum_cloud.ledger.keeper import catch_up

REGISTERED = 30_000
READ = 512              # Of them: eight cabinets with 64 each.
PER_CABINET = 64
DAYS = 2
STEPS_MAX = 60          # For each of their days, all scans and joins of the plan together.

_FLEET = """
    insert into concentrator (tenant_id, device_id, identity_key, name, broker_password_hash)
    select 1, int8send(n), sha256(int8send(n)), 'far-' || n, 'x'
      from generate_series(1, %(registered)s / %(per)s) n;
    insert into delivery_point (tenant_id, name)
    select 1, 'far-' || n from generate_series(1, %(registered)s) n;
    insert into meter (tenant_id, serial, model, delivery_point_id, concentrator_id, period_s,
                       offset_s)
    select 1, p.name, 'test', p.delivery_point_id, c.concentrator_id, 3600, 0
      from (select *, row_number() over (order by delivery_point_id) - 1 as n
              from delivery_point where name like 'far-%%') p
      join (select *, row_number() over (order by concentrator_id) - 1 as k
              from concentrator where name like 'far-%%') c on c.k = p.n / %(per)s;
    insert into meter_schedule
    select meter_id, %(since)s, concentrator_id, 3600, 0, array[(select min(register_set_id)
                                                                 from register_set)]
      from meter where serial like 'far-%%' order by meter_id limit %(read)s;
    insert into ledger_state select concentrator_id, %(now)s, 'UTC' from concentrator
        on conflict (concentrator_id) do update
           set computed_until = excluded.computed_until, time_zone = excluded.time_zone;
    delete from ledger_mark;
    insert into ledger_mark (concentrator_id, since)
    select distinct concentrator_id, %(since)s from meter_schedule;
    analyze"""


async def test_counting_costs_what_is_counted_however_few_meters_have_schedules(
        database_url: str, book: Book) -> None:
    book.add_scheduled("M-1")                   # For its register set.
    with psycopg.connect(database_url, cursor_factory=psycopg.ClientCursor) as connection:
        connection.execute(_FLEET.encode(), {
            "registered": REGISTERED, "per": PER_CABINET, "read": READ, "now": NOW,
            "since": MIDNIGHT - timedelta(days=DAYS - 1)})
    async with open_pool(database_url, connections_max=1) as pool:
        explained = await Explained.on(pool, "insert into counted")
        await catch_up(pool, NOW)
    with psycopg.connect(database_url) as other:
        [[counted]] = other.execute(
            "select count(*) from ledger_day where day <= %s", [DAY]).fetchall()
    assert counted >= READ * DAYS
    assert 0 < sum(explained.found) <= STEPS_MAX * counted
