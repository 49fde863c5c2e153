"""However many meters there are, a page of the ledger looks at some hundred rows.

A town of 2,000 concentrators is enough to tell: whoever goes through all of them, by whatever plan,
touches thousands of rows. Each question is asked often enough for the database to think of a plan
for all values, which is how pages ask it.
"""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg import AsyncCursor
from psycopg.rows import tuple_row

from tests.cloud.ledger.book import DAY
from wum_cloud.database import Connection, Pool
from wum_cloud.ledger import store
from wum_cloud.ledger.counting.store import COUNTS
from wum_cloud.ledger.store import Scope

CABINETS = 2000
PER_CABINET = 3
ROWS_MAX = 1000         # 51 meters with what is said of each; half of the concentrators.
ASKED = 7               # The driver prepares the sixth.

_TOWN = """
    insert into site (tenant_id, name, time_zone)
    select 1, 'site-' || n, (array['Europe/Chisinau', 'UTC', 'Asia/Kolkata'])[1 + n %% 3]
      from generate_series(1, %(cabinets)s / 4) n;
    insert into concentrator (tenant_id, device_id, identity_key, name, site_id,
                              broker_password_hash)
    select 1, int8send(n), sha256(int8send(n)), 'cabinet-' || n, 1 + n / 4, 'x'
      from generate_series(0, %(cabinets)s - 1) n;
    insert into delivery_point (tenant_id, name)
    select 1, 'dp-' || n from generate_series(1, %(cabinets)s * %(per)s) n;
    insert into meter (tenant_id, serial, model, delivery_point_id, concentrator_id, period_s,
                       offset_s)
    select 1, 'M-' || n, 'test', n, 1 + (n - 1) / %(per)s, 3600, 0
      from generate_series(1, %(cabinets)s * %(per)s) n;
    insert into register_set (digest, profile, registers)
    select int8send(n), 0, '[{"obis": "1-0:1.8.0", "scaler": 0, "unit": 30, "column": "a_plus"}]'
      from generate_series(1, 2) n;
    insert into ledger_state select concentrator_id, now(), 'UTC' from concentrator;
    insert into ledger_day (meter_id, day, register_set_id, tenant_id, concentrator_id, NAMES,
                            missing_from)
    select n, %(day)s::date - d, 1 + n %% 2, 1, 1 + (n - 1) / %(per)s, 24, 24 - n %% 25, 0,
           24 - n %% 25, n %% 25, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, %(day)s::timestamptz
      from generate_series(1, %(cabinets)s * %(per)s) n, generate_series(0, 2) d;
    insert into ledger_concentrator_day (concentrator_id, day, tenant_id, meters, NAMES)
    select concentrator_id, day, tenant_id, count(*), SUMS from ledger_day group by 1, 2, 3;
    insert into ledger_concentrator_set_day
           (concentrator_id, register_set_id, day, tenant_id, meters, NAMES)
    select concentrator_id, register_set_id, day, tenant_id, count(*), SUMS from ledger_day
     group by 1, 2, 3, 4;
    insert into ledger_tenant_set_day (tenant_id, register_set_id, day, meters, NAMES)
    select tenant_id, register_set_id, day, sum(meters), SUMS
      from ledger_concentrator_set_day group by 1, 2, 3;
    insert into ledger_tenant_day (tenant_id, day, meters, NAMES)
    select tenant_id, day, sum(meters), SUMS from ledger_concentrator_day group by 1, 2;
    analyze"""


@pytest.fixture
def town(database_url: str) -> None:
    """Meters, concentrators, sites and the ledger of three days."""
    text = _TOWN.replace("NAMES", ", ".join(COUNTS)).replace(
        "SUMS", ", ".join(["sum(%s)" % name for name in COUNTS]))
    with psycopg.connect(database_url, cursor_factory=psycopg.ClientCursor) as connection:
        connection.execute(text.encode(), {"cabinets": CABINETS, "per": PER_CABINET, "day": DAY})


class Watched(AsyncCursor[Any]):
    """Notes of every question how many rows its plan touches."""

    found: list[tuple[int, str]] = []

    async def execute(self, query: Any, params: Any = None, **how: Any) -> Any:
        if b"select" not in query if isinstance(query, bytes) else "select" not in query:
            return await super().execute(query, params, **how)
        explained = b"explain (analyze, timing off, format json) " + (
            query if isinstance(query, bytes) else query.encode())
        async with AsyncCursor(self.connection, row_factory=tuple_row) as cursor:
            await cursor.execute(explained, params)
            [[plan]] = await cursor.fetchall()
        Watched.found.append((touched(plan[0]["Plan"]), json.dumps(plan, indent=1)))
        return await super().execute(query, params, **how)


def touched(plan: dict[str, Any]) -> int:
    """Rows that the scans of a plan looked at, those that they left out included."""
    own = 0
    if "Relation Name" in plan:
        own = round((plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
                     + plan.get("Rows Removed by Index Recheck", 0)) * plan["Actual Loops"])
    return own + sum([touched(part) for part in plan.get("Plans", [])])


async def ask_all(connection: Connection, n: int) -> None:
    """What the pages and the API ask, as of the n-th time."""
    day = DAY - timedelta(days=n % 3)
    site, cabinet = Scope(site="site-%d" % (10 + n)), Scope(concentrator=n.to_bytes(8, "big"))
    last = DAY + timedelta(days=3)
    for scope in (Scope(), site, cabinet, *[
            replace(scope, register_set=1) for scope in (Scope(), site, cabinet)]):
        assert await store.time_zones(connection, 1, scope)
        assert await store.days(connection, 1, scope, DAY - timedelta(days=3), last, 31)
        assert await store.register_sets(connection, 1, scope, day, 0, 12)
        assert await store.concentrators(connection, 1, scope, day, None, 13)
        await store.concentrators(connection, 1, scope, day, (30, 900 + n), 13)
        assert await store.meters(connection, 1, scope, day, None, 51)
        await store.meters(connection, 1, scope, day, (7, 3000 + n, 1), 51)
    assert await store.sites(connection, 1, day, "site-3", 12)
    assert await store.counted_until(connection, 1)


@pytest.mark.usefixtures("town")
async def test_no_page_looks_at_more_than_some_hundred_rows(pool: Pool) -> None:
    Watched.found.clear()
    async with pool.connection() as connection:
        connection.cursor_factory = Watched
        for n in range(ASKED):
            await ask_all(connection, n)
        connection.cursor_factory = AsyncCursor
    assert len(Watched.found) > 40 * ASKED
    most, plan = max(Watched.found)
    assert 50 < most <= ROWS_MAX, plan
