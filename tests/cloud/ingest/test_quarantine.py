"""The quarantine is bounded: what nobody vouches for goes first, and counters go on counting."""

import pytest

from tests.cloud.concentrator import NOW_S, Concentrator, delivery
from tests.cloud.conftest import HeadEnd
from wum_cloud.ingest.quarantine import entries
from wum_cloud.ingest.quarantine.entries import Limits
from wum_cloud.ingest.quarantine.store import DROPPED, trim


def _fill(head_end: HeadEnd, form: str, sender: int | None, times: int, size: int = 10) -> None:
    head_end.do(
        "insert into quarantine (concentrator_id, topic, reason, detail, form, content,"
        "   size_bytes, digest) select %s, 't', 'malformed', '', %s, ''::bytea, %s,"
        "   sha256((%s || n)::bytea) from generate_series(1, %s) as n",
        sender, form, size, "%s%s" % (form, sender), times)


def _left(head_end: HeadEnd) -> list[tuple[str, int | None, int]]:
    return head_end.ask(
        "select form, concentrator_id, count(*) from quarantine group by 1, 2 order by 1, 2")


@pytest.mark.parametrize("limits", [Limits(unproven_rows=3), Limits(unproven_bytes=35)])
async def test_the_oldest_of_what_nobody_vouches_for_goes(
        head_end: HeadEnd, limits: Limits) -> None:
    await head_end.register(Concentrator())
    _fill(head_end, "message", None, 10)
    _fill(head_end, "readings", 1, 10)
    async with head_end.pool.connection() as connection:
        assert await trim(connection, limits) == 7
    assert _left(head_end) == [("message", None, 3), ("readings", 1, 10)]
    assert head_end.ask("select min(quarantine_id) from quarantine") == [8]
    assert head_end.count(DROPPED) == 7


async def test_one_sender_does_not_push_out_another(head_end: HeadEnd) -> None:
    await head_end.register(Concentrator(), Concentrator())
    _fill(head_end, "readings", 1, 50)
    _fill(head_end, "readings", 2, 3)
    async with head_end.pool.connection() as connection:
        await trim(connection, Limits(sender_rows=5))
    assert _left(head_end) == [("readings", 1, 5), ("readings", 2, 3)]


async def test_over_the_limit_of_all_the_unproven_go_first(head_end: HeadEnd) -> None:
    await head_end.register(Concentrator())
    _fill(head_end, "readings", 1, 6)
    _fill(head_end, "message", None, 6)
    async with head_end.pool.connection() as connection:
        await trim(connection, Limits(all_rows=8))
    assert _left(head_end) == [("message", None, 2), ("readings", 1, 6)]


async def test_a_flood_is_counted_whole_and_kept_in_part(head_end: HeadEnd) -> None:
    stranger = Concentrator()
    flood = [stranger.send_rows(stranger.row()) for _ in range(200)]
    await head_end.take(*flood)
    assert head_end.count(entries.UNKNOWN_DEVICE) == 200
    assert len(head_end.quarantined()) == entries.UNPROVEN_PER_TRANSACTION


async def test_set_aside_rows_that_are_sent_again_are_kept_once(head_end: HeadEnd) -> None:
    one = Concentrator()
    await head_end.welcome(one)
    batch = one.batch(one.row(0, at_s=NOW_S + 9999))
    for _ in range(3):
        await head_end.take(one.send(batch))
    assert head_end.ask("select reason, times from quarantine") == [(entries.FUTURE, 3)]


async def test_content_that_is_too_long_is_cut_and_its_length_kept(head_end: HeadEnd) -> None:
    one = Concentrator()
    size = entries.CONTENT_MAX + 1000
    await head_end.take(delivery("wum/0/%s/up/batch" % one.id.hex(), bytes(size)))
    assert head_end.ask("select length(content), size_bytes from quarantine") == [
        (entries.CONTENT_MAX, size)]
