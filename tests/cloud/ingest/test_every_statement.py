"""Ingest is killed (kill -9), or its connection cut, at every statement of its transactions.

A forked worker takes a schema, a batch of new rows, then a delta, late registers, a revision,
missed rows, an event, a loss and a row from the future. It ends after every statement that the
database has done, COMMIT included, before it hears of it, and before every piece of COPY. Whatever
it had answered is there; what is there is whole; and the next worker makes all of it there once.
It is killed at one answer in KILL_EVERY and at all pieces of COPY, and its connection is cut at one
answer in CUT_EVERY; where the first is, chance says. With WUM_CUT_EVERY=1 all of them are tried.
"""

import asyncio
import gc
import os
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest

from tests.cloud.concentrator import CIPHER, HOUR_S, NOW_S, Concentrator
from tests.cloud.conftest import HeadEnd
from tests.services.statement_gate import ANSWERED, COPIED, CUT, KILL, Boundary, watch
from wum_cloud.broker import Delivery
from wum_cloud.database import open_pool
from wum_cloud.ingest.store import PostgresStore
from wum_cloud.ingest.worker import Worker
from wum_cloud.registry.keys import Vault
from wum_shared import topics
from wum_shared.bases import Base, heads_after
from wum_shared.batch import Event, Lost, Missed, encode_batch
from wum_shared.cose import peek
from wum_shared.ids import batch_digest
from wum_shared.messages import encode_schema
from wum_shared.status import STORED

_BOUNDARIES_MAX = 200   # Far fewer are expected; more would be a worker that never ends.
_AT_ONCE = 20
_WEEK_S = 7 * 86400
_WEEKS = 300            # Back to 2020, before which no clock was right.
CUT_EVERY = int(os.environ.get("WUM_CUT_EVERY", "10"))
KILL_EVERY = min(3, CUT_EVERY)


@dataclass
class Work:
    """What a concentrator has to say: settled in steps, each again until it was answered."""

    one: Concentrator
    from_s: int
    steps: list[list[tuple[str, bytes]]]

    def sealed(self, answered: set[bytes]) -> list[list[Delivery]]:
        """What is still to be answered, with new message counters; the schema always."""
        return [[self.one.send(content, stream) for stream, content in step
                 if batch_digest(content) not in answered] for step in self.steps]


def _work(number: int) -> Work:
    """Works have weeks of their own, so that hardly any finds its partition made already."""
    one = Concentrator(serials=["%d-%d" % (number, n) for n in range(2)])
    from_s = HOUR_S - number % _WEEKS * _WEEK_S
    first = one.batch(
        one.row(0, values=[1, 2, 3, 4, 5, 6, 7] + [None] * 5, at_s=from_s),
        one.row(1, values=[20] * 12, at_s=from_s))
    opened = encode_batch(first)
    late = one.row(0, values=[9] + [None] * 6 + [8, 9, 10, 11, 12], at_s=from_s)
    second = one.batch(late, one.row(1, values=[21] * 12, at_s=from_s + 3600),
                       one.row(1, at_s=NOW_S + 9999))
    number_of = one.sequence
    third = one.batch(
        Missed(number_of, 0, 0, from_s + 3600, 0, 1, ""),
        Event(number_of + 1, from_s, 0, 1, None, ""), Lost(number_of + 2, number_of + 3, 1, ""))
    delta = encode_batch(second, Base(first.last_sequence, batch_digest(opened)),
                         heads_after(None, first.rows))
    return Work(one, from_s, [
        [(topics.SCHEMA, encode_schema(one.schema))], [(topics.BATCH, opened)],
        [(topics.BATCH, delta), (topics.BATCH, encode_batch(third))]])


class Trial:
    """Runs workers as processes of their own, and looks at what they leave behind."""

    def __init__(self, head_end: HeadEnd, vault: Vault) -> None:
        self._head_end = head_end
        self._vault = vault
        where = urlsplit(head_end.url)
        self._target = (str(where.hostname), int(where.port or 5432))

    def run(self, work: Work, boundary: Boundary) -> tuple[int, list[tuple[str, bytes]]]:
        """(exit code of a worker that settles `work`, the answers it gave while it lived)."""
        steps = work.sealed(set())
        read_end, write_end = os.pipe()

        def begin(port: int) -> int:
            if child := os.fork():
                os.close(write_end)
                return child
            gc.disable()            # It would touch, and so copy, every page of pytest's.
            try:
                asyncio.run(self._settle(port, steps, write_end))
            finally:
                os._exit(0)     # Nothing of pytest's goes on in here.

        code = watch(self._target, boundary, begin)
        with os.fdopen(read_end, "rb") as file:
            lines = file.read().splitlines()
        return code, [(topic.decode(), bytes.fromhex(sealed.decode()))
                      for topic, sealed in [line.split() for line in lines]]

    async def _settle(self, port: int, steps: list[list[Delivery]], answers: int) -> None:
        where = urlsplit(self._head_end.url)
        netloc = where.netloc.replace(":%d" % self._target[1], ":%d" % port)
        url = urlunsplit(where._replace(netloc=netloc, query="sslmode=disable&gssencmode=disable"))
        async with open_pool(url, connections_max=2) as pool:
            worker = Worker(
                PostgresStore(pool, caution=0), self._vault, CIPHER, ahead_s=300,
                now_s=lambda: NOW_S, sleep=lambda _: asyncio.sleep(0.01))
            for step in steps:
                await worker.settle(
                    step, lambda topic, sealed: os.write(
                        answers, b"%s %s\n" % (topic.encode(), sealed.hex().encode())),
                    lambda delivery: None)

    def state(self, work: Work) -> list[Any]:
        """What stands in the database of this work, whichever work it is."""
        ask, who = self._head_end.ask, work.one.id
        own = "(select concentrator_id from concentrator where device_id = %s)"
        rows = ask(
            "select right(serial, 1), extract(epoch from captured_at)::bigint - %s, a_plus, u_l3,"
            " i_l1, f, statuses::text, arrived_at is not null from reading"
            " join meter using (meter_id) where serial = any(%s)"
            " and captured_at >= to_timestamp(%s) and captured_at < to_timestamp(%s)"
            " order by 1, 2", work.from_s, work.one.serials,
            work.from_s, work.from_s + _WEEK_S)
        counts = ask(
            "select what, sum(n)::bigint from ingest_count where concentrator_id = " + own +
            " and what in ('rows', 'late registers', 'revisions') and n > 0 group by 1 order by 1",
            who)
        return [rows, counts] + [ask(question + own + " order by 1", who) for question in (
            "select value from reading_revision where concentrator_id = ",
            "select outcome from missed where concentrator_id = ",
            "select sequence from event where concentrator_id = ",
            "select first_sequence from archive_loss where concentrator_id = ",
            "select reason from quarantine where concentrator_id = ",
            "select received::text || lost::text from archive where concentrator_id = ")]

    def check_answers(self, work: Work, answers: list[tuple[str, bytes]]) -> set[bytes]:
        """Digests of the batches that were answered; each of them must be stored."""
        digests = set()
        for answer in answers:
            said = work.one.opened(answer)
            assert said.answer == STORED
            assert self._head_end.ask(
                "select received + lost @> int8range(%s, %s, '[]') from archive"
                " where incarnation = %s", said.first_sequence, said.last_sequence,
                work.one.incarnation) == [True], "answered, and not stored"
            digests.add(bytes(said.digest))
        return digests


@pytest.fixture
def trial(head_end: HeadEnd, vault: Vault) -> Trial:
    """Over a fresh database."""
    return Trial(head_end, vault)


async def _states_of_an_undisturbed_worker(trial: Trial, head_end: HeadEnd) -> list[list[Any]]:
    """What is there before, between and after the steps: nothing else may ever be seen."""
    work = _work(0)
    await head_end.register(work.one)
    states = [trial.state(work)]
    steps, work.steps = work.steps, []
    for step in steps:
        work.steps = [step]
        code, answers = trial.run(work, Boundary(ANSWERED, 0, KILL))
        assert (code, len(answers)) == (0, sum([stream == topics.BATCH for stream, _ in step]))
        states.append(trial.state(work))
    assert states[1] == states[0] and states[1] != states[2] != states[3]
    assert [len(part) for part in states[3]] == [3, 3, 1, 1, 1, 1, 1, 1], states[3]
    return states


async def _every(
        head_end: HeadEnd, places: range, kind: str, how: str,
        one_try: Callable[[Work, Boundary], Awaitable[None]]) -> int:
    """Try these boundaries of this kind, as far as there are so many; the last one there was."""
    works: list[Work] = []
    for at in places:
        if not works:  # Several at once: a connection takes longer than a registration.
            first = at + places.stop * (1 + (ANSWERED, COPIED).index(kind))
            works = [_work(first + n) for n in range(_AT_ONCE)]
            await head_end.register(*[work.one for work in works])
        boundary = Boundary(kind, at, how)
        await one_try(works.pop(), boundary)
        if not boundary.was_reached:
            return boundary.seen
    pytest.fail("more than %d boundaries" % places.stop)


async def test_a_worker_that_is_killed_at_any_statement_answers_only_what_is_stored(
        trial: Trial, head_end: HeadEnd) -> None:
    states = await _states_of_an_undisturbed_worker(trial, head_end)
    stopped_in: set[int] = set()

    async def one_try(work: Work, boundary: Boundary) -> None:
        code, before = trial.run(work, boundary)
        assert code == (-9 if boundary.was_reached else 0)
        answered = trial.check_answers(work, before)
        state = trial.state(work)
        assert state in states, "half a transaction at %s %d" % (boundary.kind, boundary.at)
        stopped_in.add(len(states) - states[::-1].index(state))
        after: list[tuple[str, bytes]] = []
        for step in work.sealed(answered):
            await head_end.worker.settle(
                step, lambda topic, sealed: after.append((topic, sealed)), lambda _: None)
        assert len(answered | trial.check_answers(work, after)) == 3
        assert trial.state(work) == states[-1], "%s %d" % (boundary.kind, boundary.at)
        counters = [peek(sealed)[2] for _, sealed in before + after]
        assert len(set(counters)) == len(counters), "a nonce twice"

    first = random.randrange(KILL_EVERY) + 1
    print("every %d. answer from the %d. on" % (KILL_EVERY, first))
    answers = await _every(
        head_end, range(first, _BOUNDARIES_MAX, KILL_EVERY), ANSWERED, KILL, one_try)
    pieces = await _every(head_end, range(1, _BOUNDARIES_MAX), COPIED, KILL, one_try)
    print("%d answers and %d pieces of COPY" % (answers, pieces))
    assert answers > 80 and pieces >= 8
    assert stopped_in == {2, 3, 4}, "killed in each of the steps"


async def test_a_worker_whose_connection_is_cut_at_any_answer_goes_on_by_itself(
        trial: Trial, head_end: HeadEnd) -> None:
    states = await _states_of_an_undisturbed_worker(trial, head_end)

    async def one_try(work: Work, boundary: Boundary) -> None:
        code, answers = trial.run(work, boundary)
        assert code == 0
        assert len(trial.check_answers(work, answers)) == len(answers) == 3
        assert trial.state(work) == states[-1], "at %d" % boundary.at

    first = random.randrange(CUT_EVERY) + 1
    print("every %d. answer from the %d. on" % (CUT_EVERY, first))
    assert await _every(
        head_end, range(first, _BOUNDARIES_MAX, CUT_EVERY), ANSWERED, CUT, one_try) > 80
