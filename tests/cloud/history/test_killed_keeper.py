"""Whoever sums up is killed (kill -9) after every statement: no mark is lost, no day is wrong.

The ledger's step, which takes ingest's marks and leaves days to be summed up, and the step that
sums them up run in a process of their own; the gate ends it after an answer of the database, at one
in EVERY of them, at all with WUM_CUT_EVERY=1.
"""

import asyncio
import gc
import os
import random
from urllib.parse import urlsplit, urlunsplit

from tests.cloud.concentrator import Concentrator
from tests.cloud.conftest import HeadEnd
from tests.cloud.history.test_summaries import OVER, expected, settle, summaries
from tests.services.statement_gate import ANSWERED, KILL, Boundary, watch
from wum_cloud.database import open_pool
from wum_cloud.history import keeper
from wum_cloud.ledger import keeper as ledger

_BOUNDARIES_MAX = 100
EVERY = min(3, int(os.environ.get("WUM_CUT_EVERY", "3")))


def _killed(head_end: HeadEnd, boundary: Boundary) -> int:
    """Both steps, up to the boundary; the exit code."""
    where = urlsplit(head_end.url)

    async def work(port: int) -> None:
        netloc = where.netloc.replace(":%d" % (where.port or 5432), ":%d" % port)
        url = urlunsplit(where._replace(netloc=netloc, query="sslmode=disable&gssencmode=disable"))
        async with open_pool(url, connections_max=1) as pool:
            await ledger.step(pool, OVER)
            await keeper.step(pool, OVER)

    def begin(port: int) -> int:
        if child := os.fork():
            return child
        gc.disable()            # It would touch, and so copy, every page of pytest's.
        try:
            asyncio.run(work(port))
        finally:
            os._exit(0)         # Nothing of pytest's goes on in here.

    return watch((str(where.hostname), where.port or 5432), boundary, begin)


async def test_a_keeper_that_is_killed_at_any_statement_loses_no_mark_and_no_day(
        head_end: HeadEnd) -> None:
    one = Concentrator()
    await head_end.welcome(one)
    left_behind = set()
    for at in range(1 + random.randrange(EVERY), _BOUNDARIES_MAX, EVERY):
        await head_end.take(one.send_rows(      # Two days that change with each try.
            one.row(0, -at, [at] * 12), one.row(1, at % 24, [at] + [None] * 11)))
        boundary = Boundary(ANSWERED, at, KILL)
        assert _killed(head_end, boundary) == (-9 if boundary.was_reached else 0)
        marks, dirty = head_end.ask("select (select count(*) from ledger_mark),"
                                    " (select count(*) from reading_dirty)")[0]
        stale = summaries(head_end) != expected(head_end)
        assert marks or dirty or not stale, "a day is wrong and nobody knows, at %d" % at
        left_behind.add((bool(marks), bool(dirty), stale))
        await settle(head_end)
        assert summaries(head_end) == expected(head_end), at
        assert head_end.ask("select count(*) from reading_dirty") == [0]
        if not boundary.was_reached:
            break
    print("killed at %d answers" % at)
    assert at > 25
    assert {(True, False, True), (False, True, True)} <= left_behind, "killed in both steps"
