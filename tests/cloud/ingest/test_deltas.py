"""Deltas in the head-end: by any worker, after any restart, and never a wrong value."""

from collections.abc import Sequence

from tests.cloud.concentrator import Concentrator
from tests.cloud.conftest import HeadEnd, Hire
from wum_cloud.broker import Delivery
from wum_cloud.database import Pool
from wum_cloud.ingest.bases.store import KEPT
from wum_shared.bases import Base, heads_after
from wum_shared.batch import Row, encode_batch
from wum_shared.ids import batch_digest
from wum_shared.status import BASE_UNKNOWN, SCHEMA_UNKNOWN, STORED

Heads = dict[tuple[int, int], tuple[int, ...]]


class Chain:
    """A concentrator's batches, each a delta on the one before."""

    def __init__(self, one: Concentrator) -> None:
        self.one = one
        self.base: Base | None = None
        self.heads: Heads | None = None

    def next(self, *rows: Row, full: bool = False) -> Delivery:
        """The next batch, sealed; its answer is taken for "stored"."""
        batch = self.one.batch(*rows)
        if full:
            self.base = self.heads = None
        opened = encode_batch(batch, self.base, self.heads)
        self.heads = heads_after(self.heads, batch.rows)
        self.base = Base(batch.last_sequence, batch_digest(opened))
        return self.one.send(opened)

    def hour(self, number: int, *, full: bool = False) -> Delivery:
        """Both meters, once."""
        return self.next(self.one.row(0, number), self.one.row(1, number), full=full)


def said(one: Concentrator, answers: Sequence[tuple[str, bytes]]) -> list[int]:
    """What the answers say."""
    return [one.opened(answer).answer for answer in answers]


def expected(hours: int) -> list[tuple[str, int, int]]:
    """The rows of so many hours."""
    return [(f"M-{meter + 1}", hour, 1000 * (hour + 1) + 100 * meter)
            for meter in range(2) for hour in range(hours)]


async def test_a_chain_of_deltas_is_stored_by_whichever_worker_comes_next(
        pool: Pool, hire: Hire) -> None:
    """Two workers in turn, and a third that has just started for each batch."""
    one = Concentrator()
    workers = [hire(pool), hire(pool)]
    await workers[0].welcome(one)
    chain = Chain(one)
    for hour in range(2 * KEPT + 3):
        worker = hire(pool) if hour % 3 == 2 else workers[hour % 2]
        assert said(one, await worker.take(chain.hour(hour))) == [STORED]
    assert workers[0].rows() == expected(2 * KEPT + 3)
    assert workers[0].ask("select count(*) from batch_base") == [KEPT]


async def test_an_unknown_base_is_answered_as_such_and_nothing_is_stored(
        head_end: HeadEnd) -> None:
    one = Concentrator()
    await head_end.welcome(one)
    chain = Chain(one)
    await head_end.take(chain.hour(0))
    head_end.do("delete from batch_base")            # As after a restore from a backup.
    assert said(one, await head_end.take(chain.hour(1))) == [BASE_UNKNOWN]
    assert head_end.rows() == expected(1) and head_end.quarantined() == []
    assert head_end.ask("select received from archive")[0][-1].upper == 3
    one.sequence -= 2
    assert said(one, await head_end.take(chain.hour(1, full=True))) == [STORED]
    assert said(one, await head_end.take(chain.hour(2))) == [STORED]
    assert head_end.rows() == expected(3)


async def test_a_delta_that_comes_again_or_late_is_stored_once(head_end: HeadEnd) -> None:
    one = Concentrator()
    await head_end.welcome(one)
    chain = Chain(one)
    first, second, third = chain.hour(0), chain.hour(1), chain.hour(2)
    assert said(one, await head_end.take(first)) == [STORED]
    assert said(one, await head_end.take(third)) == [BASE_UNKNOWN]   # Overtook its base.
    assert said(one, await head_end.take(second, second)) == [STORED, STORED]
    assert said(one, await head_end.take(third)) == [STORED]
    assert said(one, await head_end.take(first, second, third)) == [STORED] * 3
    assert head_end.rows() == expected(3)
    assert head_end.ask("select count(*) from batch_base") == [3]


async def test_what_is_not_committed_is_no_base(head_end: HeadEnd) -> None:
    """Both in one transaction: nobody acknowledged the first, so nobody may build on it."""
    one = Concentrator()
    await head_end.welcome(one)
    chain = Chain(one)
    assert said(one, await head_end.take(chain.hour(0), chain.hour(1))) == [STORED, BASE_UNKNOWN]


async def test_a_forged_base_gives_no_value(head_end: HeadEnd) -> None:
    """Another digest, sequence, archive or concentrator: unknown, whatever the rest says."""
    one, other = Concentrator(), Concentrator(serials=["N-1", "N-2"])
    await head_end.welcome(one, other)
    chain = Chain(one)
    await head_end.take(chain.hour(0))
    base, heads = chain.base, chain.heads
    assert base is not None and heads is not None
    batch = one.batch(one.row(0, 1))
    wrong = bytes([base.digest[0] ^ 1]) + base.digest[1:]
    forged = [(batch, Base(base.last_sequence, wrong)), (batch, Base(base.last_sequence + 1,
              base.digest)), (batch._replace(incarnation=bytes(8)), base)]
    for content, named in forged:
        assert said(one, await head_end.take(
            one.send(encode_batch(content, named, heads)))) == [BASE_UNKNOWN]
    theirs = batch._replace(incarnation=other.incarnation, schema_id=other.schema_id)
    assert said(other, await head_end.take(
        other.send(encode_batch(theirs, base, heads)))) == [BASE_UNKNOWN]
    assert head_end.rows() == expected(1)[:1] + [("M-2", 0, 1100)]
    assert said(one, await head_end.take(one.send(encode_batch(batch, base, heads)))) == [STORED]


async def test_a_base_of_another_schema_is_none(head_end: HeadEnd) -> None:
    one = Concentrator()
    await head_end.welcome(one)
    chain = Chain(one)
    await head_end.take(chain.hour(0))
    one.use_schema(one.schema._replace(valid_from_s=one.schema.valid_from_s + 1))
    assert said(one, await head_end.take(chain.hour(1))) == [SCHEMA_UNKNOWN]
    await head_end.take(one.send_schema())
    one.sequence -= 2
    assert said(one, await head_end.take(chain.hour(1))) == [BASE_UNKNOWN]


async def test_what_a_delta_has_set_aside_can_be_read_without_its_base(head_end: HeadEnd) -> None:
    """And its rows are built on all the same, as they came."""
    one = Concentrator()
    await head_end.welcome(one)
    chain = Chain(one)
    await head_end.take(chain.hour(0))
    many = [one.row(at % 2, 1, at_s=1000 + at) for at in range(60)]      # Before 2020; 720 values.
    answer = one.opened((await head_end.take(chain.next(*many)))[0])
    assert (answer.answer, answer.set_aside) == (STORED, 60)
    assert set(head_end.ask("select form from quarantine")) == {"readings"}
    assert said(one, await head_end.take(chain.hour(2))) == [STORED]
    assert head_end.rows()[-1] == ("M-2", 2, 3100)
