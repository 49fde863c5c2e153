"""An acknowledgement means committed: with every neighbour, exactly once.

Left out: what is killed or cut in the middle (test_every_statement.py).
"""

import asyncio
import time

import psycopg
import pytest

from tests.cloud.concentrator import CIPHER, CODES, NOW_S, Concentrator, register_set
from tests.cloud.conftest import HeadEnd, Hire
from wum_cloud.broker import Delivery
from wum_cloud.database import STATEMENT_MAX_S, Pool, open_pool
from wum_cloud.ingest.harvest import Committed, Harvest
from wum_cloud.ingest.quarantine import entries
from wum_cloud.ingest.rows import store as rows_store
from wum_cloud.ingest.store import PostgresStore
from wum_cloud.ingest.worker import Worker
from wum_cloud.registry.keys import Vault
from wum_shared.cose import peek
from wum_shared.status import ABSENT, SET_ASIDE, STORED


async def test_answers_and_releases_come_after_the_commit(head_end: HeadEnd) -> None:
    """Somebody else already sees the row when the answer is published, and when it is released."""
    one = Concentrator()
    await head_end.welcome(one)
    seen: list[tuple[str, int]] = []
    await head_end.worker.settle(
        [one.send_rows(one.row())],
        lambda topic, message: seen.append(("answer", len(head_end.rows()))),
        lambda delivery: seen.append(("release", len(head_end.rows()))))
    assert seen == [("answer", 1), ("release", 1)]


async def test_what_is_set_aside_is_released_after_the_commit_too(head_end: HeadEnd) -> None:
    seen: list[int] = []
    stranger = Concentrator()
    await head_end.worker.settle(
        [stranger.send_rows(stranger.row())], lambda topic, message: None,
        lambda delivery: seen.append(len(head_end.quarantined())))
    assert seen == [1]


@pytest.mark.parametrize("caution", [0, 10**9], ids=["directly", "carefully"])
async def test_two_workers_with_the_same_rows_in_opposite_order_never_deadlock(
        database_url: str, pool: Pool, hire: Hire, caution: int) -> None:
    """20 batches of the same keys; one worker gets them forwards, the other backwards."""
    left = hire(pool, caution)
    many = [Concentrator(serials=["%d-%d" % (n, m) for m in range(40)]) for n in range(4)]
    await left.welcome(*many)
    async with open_pool(database_url, connections_max=3) as other_pool:
        right = hire(other_pool, caution)
        for hour in range(20):
            rows = [[one.row(meter, hour) for meter in range(40)] for one in many]
            forwards = [one.send_rows(*r) for one, r in zip(many, rows, strict=True)]
            # The edge orders rows by meter; to oppose the order, whole batches stand backwards.
            backwards = [one.send(one.batch(*r)) for one, r in zip(many, rows, strict=True)][::-1]
            answers = await asyncio.gather(left.take(*forwards), right.take(*backwards))
            assert [len(a) for a in answers] == [4, 4]
    assert len(left.rows()) == 4 * 40 * 20
    assert left.count("rows") == left.count("duplicate rows") == 4 * 40 * 20
    assert left.ask("select deadlocks from pg_stat_database where datname = current_database()"
                    ) == [0]


@pytest.mark.parametrize("caution", [0, 10**9], ids=["directly", "carefully"])
async def test_two_workers_that_fill_and_revise_the_same_rows_agree(
        database_url: str, pool: Pool, hire: Hire, caution: int) -> None:
    left = hire(pool, caution)
    one = Concentrator(serials=["M-%d" % n for n in range(20)],
                       sets=[register_set("1-0:1.8.0", "1-0:2.8.0", "1-0:99.7.1")])
    await left.welcome(one)
    async with open_pool(database_url, connections_max=3) as other_pool:
        right = hire(other_pool, caution)
        for hour in range(10):
            parts: list[list[int | None]] = [[1, None, None], [None, 2, 3], [7, 2, None]]
            batches = [one.batch(*[one.row(meter, hour, values) for meter in range(20)])
                       for values in parts]
            await asyncio.gather(
                left.take(*[one.send(b) for b in batches]),
                right.take(*[one.send(b) for b in reversed(batches)]))
    values = left.ask("select a_plus, a_minus, extra from reading")
    assert len(values) == 200
    revisions = left.ask("select value from reading_revision")
    assert len(revisions) == 200
    assert {(v[0], v[1], tuple(v[2])) for v in values} <= {(1, 2, (3,)), (7, 2, (3,))}
    assert sorted([v[0] for v in values] + revisions) == [1] * 200 + [7] * 200
    assert left.ask("select count(*) from reading where %s = any(statuses)", ABSENT) == [0]


async def test_a_database_that_is_away_is_waited_for(head_end: HeadEnd) -> None:
    """Nothing is answered or released while it is away; all is when it is back."""
    one = Concentrator()
    await head_end.welcome(one)
    name = head_end.ask("select current_database()")[0]
    head_end.close()
    done: list[Delivery] = []
    answers: list[tuple[str, bytes]] = []
    elsewhere = head_end.url.rsplit("/", 1)[0] + "/postgres"
    with psycopg.connect(elsewhere, autocommit=True) as other:
        other.execute('alter database "%s" allow_connections false' % name)
        other.execute("select pg_terminate_backend(pid, 5000) from pg_stat_activity"
                      " where datname = %s", [name])
        settling = asyncio.create_task(head_end.worker.settle(
            [one.send_rows(one.row())], lambda t, m: answers.append((t, m)), done.append))
        finished, _ = await asyncio.wait([settling], timeout=1.0)
        assert not finished
        assert (done, answers) == ([], [])
        other.execute('alter database "%s" allow_connections true' % name)
    await asyncio.wait_for(settling, 60)
    assert [one.opened(a).answer for a in answers] == [STORED]
    assert len(done) == 1
    assert head_end.rows() == [("M-1", 0, 1000)]


async def test_a_batch_that_the_database_refuses_holds_up_nobody(head_end: HeadEnd) -> None:
    one, two = Concentrator(), Concentrator(serials=["X-1"])
    await head_end.welcome(one, two)
    head_end.do("alter table reading add check (a_plus <> 666)")
    messages = [two.send_rows(two.row(0, 0)), one.send_rows(one.row(0, values=[666, *range(11)])),
                two.send_rows(two.row(0, 1))]
    answers: list[tuple[str, bytes]] = []
    released: list[Delivery] = []
    await head_end.worker.settle(messages, lambda t, m: answers.append((t, m)), released.append)
    assert [who.opened(a).answer for who, a in zip((two, one, two), answers, strict=True)] == [
        STORED, SET_ASIDE, STORED]
    assert released == messages
    assert [serial for serial, _, _ in head_end.rows()] == ["X-1", "X-1"]
    assert head_end.quarantined() == [entries.UNSTORABLE]


async def test_a_schema_that_nobody_can_read_any_more_holds_up_nobody(head_end: HeadEnd) -> None:
    one, two = Concentrator(), Concentrator(serials=["X-1"])
    await head_end.welcome(one, two)
    head_end.do("update schema_document set document = 'no schema' where schema_id = %s",
                one.schema_id)
    messages = [one.send_rows(one.row()), two.send_rows(two.row())]
    answers: list[tuple[str, bytes]] = []
    await asyncio.wait_for(head_end.worker.settle(
        messages, lambda t, m: answers.append((t, m)), lambda _: None), 30)
    assert [who.opened(a).answer for who, a in zip((one, two), answers, strict=True)] == [
        SET_ASIDE, STORED]
    assert head_end.quarantined() == [entries.UNSTORABLE]


async def test_a_partition_that_was_dropped_is_made_again(head_end: HeadEnd) -> None:
    one = Concentrator()
    await head_end.welcome(one)
    await head_end.take(one.send_rows(one.row(0, 0)))
    [name] = head_end.ask(
        "select inhrelid::regclass::text from pg_inherits where inhparent = 'reading'::regclass")
    head_end.do("drop table " + name)
    answers: list[tuple[str, bytes]] = []
    await head_end.worker.settle(
        [one.send_rows(one.row(0, 1))], lambda t, m: answers.append((t, m)), lambda d: None)
    assert [one.opened(a).answer for a in answers] == [STORED]
    assert head_end.quarantined() == []


async def test_no_downlink_counter_comes_twice_after_a_backup_was_restored(
        head_end: HeadEnd, hire: Hire, pool: Pool) -> None:
    """The nonce of an answer is its counter: the same one twice gives the key stream away.

    The clock of the database was ahead, and is right again: its count comes again in full.
    """
    one = Concentrator()
    await head_end.welcome(one)
    counters: list[int] = []
    for restored in (0, 2**31, 2**31, 2**31 - 1, 2**31):
        for worker in (head_end, hire(pool)):
            head_end.do("update concentrator_epoch set downlink_count = %s", restored)
            batch = one.batch(one.row())
            await worker.worker.settle([one.send(batch), one.send(batch)], lambda _, sealed: (
                counters.append(_counter(sealed))), lambda _: None)
    counts = [counter % 2**32 for counter in counters]
    assert len(set(counters)) == len(counters) == 20
    assert len(set(counts)) < 10, "nothing was tried"


async def test_a_worker_that_lives_through_a_restore_puts_no_row_under_another_meter(
        head_end: HeadEnd) -> None:
    """In the backup the meters have other numbers than those that it remembers."""
    sets = [register_set("1-0:1.8.0")]
    one, other = Concentrator(serials=["M-1"], sets=sets), Concentrator(
        serials=["M-2"], sets=sets)
    await head_end.welcome(one, other)
    await head_end.take(one.send_rows(one.row(0, 0)), other.send_rows(other.row(0, 0)))
    head_end.do("delete from reading")
    head_end.do("update meter set serial = 'M-0' where serial = 'M-1'")
    head_end.do("update meter m set serial = x.b, concentrator_id = c.concentrator_id"
                " from (values ('M-2', 'M-1', %s), ('M-0', 'M-2', %s)) as x (a, b, device)"
                " join concentrator c on c.device_id = x.device where m.serial = x.a",
                one.id, other.id)
    head_end.do("update concentrator_epoch set downlink_count = downlink_count - 1")
    for sender, value in ((one, 11), (other, 22)):
        await head_end.worker.settle(
            [sender.send_rows(sender.row(0, 1, [value]))], lambda _, __: None, lambda _: None)
    assert head_end.rows() == [("M-1", 1, 11), ("M-2", 1, 22)]


async def test_a_count_of_messages_is_at_least_the_time_and_no_clock_uses_it_up(
        head_end: HeadEnd) -> None:
    [(fresh, later, at_the_end)] = head_end.ask(
        "select next_downlink_count(0, 1), next_downlink_count(2000000000, 3),"
        " next_downlink_count(2147483648, 2)")
    assert 0 <= fresh - (int(time.time()) - 1767225600) <= 2
    assert (later, at_the_end) == (2000000003, 2147483650)


@pytest.mark.parametrize("takes_s", [STATEMENT_MAX_S, STATEMENT_MAX_S - 1])
async def test_what_is_too_much_for_a_slow_database_is_given_in_parts_and_keeps_its_order(
        head_end: HeadEnd, vault: Vault, pool: Pool, takes_s: float) -> None:
    """The same transaction again would take too long again, for ever. Outages halve nothing."""
    one = Concentrator()
    await head_end.welcome(one)
    clock_s, tried = [0.0], []

    class Slow(PostgresStore):
        async def commit(self, harvest: Harvest) -> Committed:
            tried.append(len(harvest.batches))
            if len(harvest.batches) > 2 and len(tried) < 5:
                clock_s[0] += takes_s
                raise psycopg.errors.QueryCanceled("canceling statement due to statement timeout")
            return await super().commit(harvest)

    worker = Worker(Slow(pool), vault, CIPHER, ahead_s=300, now_s=lambda: NOW_S,
                    monotonic_s=lambda: clock_s[0], sleep=lambda _: asyncio.sleep(0))
    answers: list[tuple[str, bytes]] = []
    await worker.settle([one.send_rows(one.row(0, n)) for n in range(7)],
                        lambda topic, sealed: answers.append((topic, sealed)), lambda _: None)
    assert tried == ([7, 3, 1, 2, 4] if takes_s >= STATEMENT_MAX_S else [7, 7, 7, 7, 7])
    assert [one.opened(answer).first_sequence for answer in answers] == list(range(1, 8))
    assert len(head_end.rows()) == 7


def _counter(sealed: bytes) -> int:
    return peek(sealed)[2]


async def test_what_is_remembered_of_register_sets_is_bounded(
        head_end: HeadEnd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_store, "LAYOUTS_MAX", 2)
    many = [Concentrator(serials=["M-%d" % n], sets=[register_set(*CODES[:n + 1])])
            for n in range(5)]
    await head_end.welcome(*many)
    for one in many:
        await head_end.take(one.send_rows(one.row()))
    for one in many:
        await head_end.take(one.send_rows(one.row(values=[7] * len(one.sets[0].registers))))
    assert len(set(head_end.ask("select meter_id from reading_revision"))) == 5
    store = head_end.worker._store
    assert isinstance(store, PostgresStore)
    assert 0 < len(store._rows._layouts) <= 2
