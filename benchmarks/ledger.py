"""How long a page of the ledger takes for 1,000,000 meters, beside a limit of 100 ms.

Summary rows are generated: for each meter and day, one meter in twenty lacking something, and the
sums of its concentrator (64 meters), its register set, and the tenant. Asked are the questions that
the pages ask, in the order in which an operator goes from the month to the meters: every page is
asked many times with other days, concentrators and places in the list, and its slowest tenth counts
(p90). What counts in the end is the slowest page. Left out: HTML and HTTP, which do not grow with
the meters.

And how many meters' days the keeper counts in a second, from readings of whole days: a million
hourly meters need 278 of them, one for each meter and hour.
"""

import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg

from kit.figures import Figure, parser, report
from kit.head_end import HeadEnd
from wum_cloud.database import Connection, open_pool
from wum_cloud.ledger import store
from wum_cloud.ledger.counting.store import COUNTS
from wum_cloud.ledger.keeper import catch_up
from wum_cloud.ledger.store import Scope

LIMIT_MS = 100.0
NEEDED = 1_000_000 / 3600   # A million meters' days, each once an hour.
PER_CABINET = 64
CABINETS_PER_SITE = 4
FIRST = date(2026, 3, 1)
REGISTER_SETS = 3           # Of the models in the town; each meter has one.
TENANT = 1
SEED = 4

_REGISTRY = """
    insert into site (tenant_id, name, time_zone)
    select 1, 'site-' || lpad(n::text, 7, '0'), 'Europe/Chisinau'
      from generate_series(0, %(sites)s - 1) n;
    insert into concentrator (tenant_id, device_id, identity_key, name, site_id,
                              broker_password_hash, last_contact_at)
    select 1, int8send(n), sha256(int8send(n)), 'cabinet-' || n, 1 + n / %(each)s, 'x', now()
      from generate_series(0, %(cabinets)s - 1) n;
    insert into delivery_point (tenant_id, name, site_id)
    select 1, 'dp-' || n, null from generate_series(1, %(meters)s) n;
    insert into meter (tenant_id, serial, model, delivery_point_id, concentrator_id, period_s,
                       offset_s)
    select 1, 'M-' || n, 'test', n, 1 + (n - 1) / %(per)s, 3600, 0
      from generate_series(1, %(meters)s) n;
    insert into register_set (digest, profile, registers)
    select int8send(n), 0, '[{"obis": "1-0:1.8.0", "scaler": 0, "unit": 30, "column": "a_plus"}]'
      from generate_series(1, {sets}) n;
    insert into ledger_state select concentrator_id, now(), 'Europe/Chisinau' from concentrator;
    """
# Every twentieth meter lacks one to 24 intervals; which one, and how many, differs by day.
_DAY = """
    insert into ledger_day (meter_id, day, register_set_id, tenant_id, concentrator_id, {names},
                            missing_from)
    select n, '{day}', 1 + n % {sets}, 1, 1 + (n - 1) / {per}, 24, 24 - gone, 0, 24 - gone, gone,
           0, 0, 0, 0, 0, 0, 0, 0, 0, 0, case when gone > 0 then '{day}'::timestamptz end
      from (select n, case when hashint8(n * 400 + {salt}) % 20 = 0
                      then 1 + abs(hashint8(n + {salt})) % 24 else 0 end as gone
              from generate_series(1, {meters}) n) as x"""
_SUMS = """
    insert into ledger_concentrator_day (concentrator_id, day, tenant_id, meters, {names})
    select concentrator_id, day, tenant_id, count(*), {sums} from ledger_day
     group by 1, 2, 3;
    insert into ledger_concentrator_set_day
           (concentrator_id, register_set_id, day, tenant_id, meters, {names})
    select concentrator_id, register_set_id, day, tenant_id, count(*), {sums} from ledger_day
     group by 1, 2, 3, 4;
    insert into ledger_tenant_set_day (tenant_id, register_set_id, day, meters, {names})
    select tenant_id, register_set_id, day, sum(meters), {sums}
      from ledger_concentrator_set_day group by 1, 2, 3;
    insert into ledger_tenant_day (tenant_id, day, meters, {names})
    select tenant_id, day, sum(meters), {sums} from ledger_concentrator_day group by 1, 2"""

Question = Callable[[Connection], Awaitable[object]]


def is_filled(url: str, meters: int) -> bool:
    """Whether an earlier run left a town of this size."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "select count(*) from meter where exists (select from ledger_tenant_day)").fetchone()
    return row == (meters,)


def fill(url: str, meters: int, days: int) -> float:
    """Generate registry and summaries; the seconds it took."""
    start = time.perf_counter()
    cabinets = -(-meters // PER_CABINET)
    names = ", ".join(COUNTS)
    with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
        connection.execute("set synchronous_commit = off")
        connection.execute(_REGISTRY.replace("{sets}", str(REGISTER_SETS)), {
            "sites": -(-cabinets // CABINETS_PER_SITE), "cabinets": cabinets, "meters": meters,
            "each": CABINETS_PER_SITE, "per": PER_CABINET})
        for n in range(days):
            connection.execute(_DAY.format(
                names=names, day=FIRST + timedelta(days=n), per=PER_CABINET, salt=n,
                meters=meters, sets=REGISTER_SETS).encode())
        connection.execute(_SUMS.format(
            names=names, sums=", ".join(["sum(%s)" % name for name in COUNTS])).encode())
        connection.execute("vacuum analyze")
        connection.execute("checkpoint")
    return time.perf_counter() - start


def pages(meters: int, days: int, dice: random.Random) -> dict[str, Question]:
    """The questions of each page, with another day and place whenever they are made."""
    cabinets = -(-meters // PER_CABINET)
    day = FIRST + timedelta(days=dice.randrange(days))
    site = Scope(site="site-%07d" % dice.randrange(-(-cabinets // CABINETS_PER_SITE)))
    cabinet = Scope(concentrator=dice.randrange(cabinets).to_bytes(8, "big"))
    behind = (dice.randrange(1, 25), dice.randrange(meters), 1)
    a_set = Scope(register_set=dice.randrange(REGISTER_SETS) + 1)
    last = FIRST + timedelta(days=days)

    async def first(connection: Connection) -> object:
        await store.time_zones(connection, TENANT, Scope())
        await store.counted_until(connection, TENANT)
        return await store.days(connection, TENANT, Scope(), day, day, 1)

    def month(scope: Scope) -> Question:
        async def ask(connection: Connection) -> object:
            await store.time_zones(connection, TENANT, scope)
            if scope == Scope():
                await store.sites(connection, TENANT, day, "", 12)
            await store.register_sets(connection, TENANT, scope, day, 0, 12)
            await store.concentrators(connection, TENANT, scope, day, None, 12)
            await store.counted_until(connection, TENANT)
            return await store.days(connection, TENANT, scope, FIRST, last, 31)
        return ask

    def one_day(scope: Scope, after: tuple[int, int, int] | None) -> Question:
        async def ask(connection: Connection) -> object:
            await store.time_zones(connection, TENANT, scope)
            await store.concentrators(connection, TENANT, scope, day, None, 13)
            await store.meters(connection, TENANT, scope, day, after, 51)
            return await store.days(connection, TENANT, scope, day, day, 1)
        return ask

    return {
        "first": first, "month": month(Scope()), "month_of_a_site": month(site),
        "month_of_a_concentrator": month(cabinet), "day": one_day(Scope(), None),
        "day_deep_in_the_list": one_day(Scope(), behind), "day_of_a_site": one_day(site, None),
        "day_of_a_concentrator": one_day(cabinet, None), "month_of_a_set": month(a_set),
        "month_of_a_set_of_a_site": month(replace(a_set, site=site.site)),
        "day_of_a_set": one_day(a_set, None)}


# Days of 24 readings of the first concentrators' meters, in partitions as ingest makes them.
_READINGS = """
    insert into meter_schedule
    select meter_id, %(day)s, concentrator_id, 3600, 0, array[1 + meter_id::integer %% %(sets)s]
      from meter where concentrator_id <= %(cabinets)s;
    insert into reading (meter_id, captured_at, profile, register_set_id, time_quality, a_plus,
                         arrived_at)
    select meter_id, %(day)s + make_interval(hours => h), 0, 1 + meter_id %% %(sets)s, 0, h,
           %(day)s + make_interval(hours => h, secs => 20)
      from meter cross join generate_series(0, 23) h where concentrator_id <= %(cabinets)s
       and hashint8(meter_id + h) %% 20 <> 0;
    insert into batch_arrival
    select n, 'incarnat', 1 + 64 * h, 64 + 64 * h, %(day)s + make_interval(hours => h),
           %(day)s + make_interval(hours => h)
      from generate_series(1, %(cabinets)s) n cross join generate_series(0, 23) h;
    update concentrator set newest_captured_at = %(day)s + interval '23 hours'
     where concentrator_id <= %(cabinets)s;
    delete from ledger_state;
    insert into ledger_state   -- Of the others, time alone made nothing due.
    select concentrator_id, %(day)s + make_interval(
               hours => case when concentrator_id <= %(cabinets)s then 23 else 24 end),
           'Europe/Chisinau' from concentrator;
    analyze reading; analyze meter_schedule"""
_MARKS = """
    insert into ledger_mark (concentrator_id, hours)
    select n, array[extract(epoch from %(day)s::timestamptz)::integer / 3600 + 12]
      from generate_series(1, %(cabinets)s) n"""


async def count(url: str, cabinets: int) -> float:
    """Meters' days counted in a second, one after the other as ingest marks them."""
    day = datetime.combine(FIRST + timedelta(days=400), datetime.min.time(), UTC)
    values = {"day": day, "cabinets": cabinets, "sets": REGISTER_SETS}
    async with open_pool(url, connections_max=1) as pool:
        async with pool.connection() as connection:
            await connection.execute((
                "create table reading_of_the_day partition of reading for values from ('%s')"
                " to ('%s')" % (day, day + timedelta(days=1))).encode())
        with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.ClientCursor) as other:
            other.execute(_READINGS.encode(), values)
        spent = []
        for _ in range(3):      # The first writes the summaries, the others find most unchanged.
            with psycopg.connect(url, autocommit=True,
                                 cursor_factory=psycopg.ClientCursor) as other:
                other.execute(_MARKS.encode(), values)
            start = time.perf_counter()
            await catch_up(pool, day + timedelta(hours=24, minutes=1))
            spent.append(time.perf_counter() - start)
    return PER_CABINET * cabinets / statistics.median(spent)


async def measure(url: str, meters: int, days: int, rounds: int) -> dict[str, float]:
    """The 90th percentile of each page in milliseconds; the first round warms up."""
    dice = random.Random(SEED)
    took: dict[str, list[float]] = {}
    async with open_pool(url, connections_max=1) as pool:
        for number in range(rounds + 1):
            for name, question in pages(meters, days, dice).items():
                async with pool.connection() as connection:
                    start = time.perf_counter()
                    answer = await question(connection)
                    spent = 1000 * (time.perf_counter() - start)
                if not answer:
                    raise SystemExit("%s: nothing was found: that measures nothing" % name)
                if number:
                    took.setdefault(name, []).append(spent)
    return {name: statistics.quantiles(each, n=10)[-1] for name, each in took.items()}


def main() -> None:
    """Measure and report."""
    shared = parser(__doc__ or "")
    shared.add_argument("--keep", type=Path, metavar="DIR",
                        help="leave the database there; where one was left, ask that one")
    asked = shared.parse_args()
    meters, days, rounds = (50_000, 4, 12) if asked.quick else (1_000_000, 8, 40)
    with tempfile.TemporaryDirectory() as thrown_away:
        folder = asked.keep or Path(thrown_away)
        folder.mkdir(exist_ok=True)
        folder.chmod(0o711)                  # PostgreSQL's account goes through it.
        with HeadEnd(folder, keeps=asked.keep is not None) as head_end:
            if not is_filled(head_end.database_url, meters):
                filled_s = fill(head_end.database_url, meters, days)
                print("%d meters, %d days, filled in %.0f s" % (meters, days, filled_s), flush=True)
            found = asyncio.run(measure(head_end.database_url, meters, days, rounds))
            counted = None if asked.keep else asyncio.run(
                count(head_end.database_url, 16 if asked.quick else 64))
    against = "limit of a page, %d meters" % meters
    figures = [
        Figure("ledger_page_ms", max(found.values()), "ms (p90)", against, LIMIT_MS,
               "value <= 100"),
        *[Figure("ledger_%s_ms" % name, each, "ms (p90)", against, LIMIT_MS)
          for name, each in found.items()]]
    if counted is not None:
        figures.append(Figure("ledger_counted_meter_days_per_s", counted, "1/s",
                              "a million hourly meters need so many", NEEDED, "value >= 278"))
    report("ledger", figures)


if __name__ == "__main__":
    main()
