"""Gap requests of the head-end: what stays missing is asked for, politely, until it is there or the
reason is known."""

from collections.abc import Callable
from datetime import UTC, datetime

import psycopg
import pytest

from tests.cloud.concentrator import CIPHER, HOUR_S, Concentrator, register_set
from tests.cloud.conftest import HeadEnd
from wum_cloud.ingest.downlink import request_number
from wum_cloud.ingest.gaps.answered import understood
from wum_cloud.ingest.gaps.asking import Asking
from wum_cloud.ingest.gaps.store import PostgresGaps
from wum_cloud.ingest.gaps.wanted import AGAIN_MOST_S, PATIENCE_S, SENT_TIMES, Ask, Wanted, ask_for
from wum_cloud.ledger.keeper import catch_up
from wum_cloud.registry.store import Sender
from wum_shared import cose, topics
from wum_shared.gaps import (
    NUMBERS_MAX,
    RANGES_MAX,
    GapAnswer,
    GapPart,
    GapRange,
    GapRequest,
    decode_gap_answer,
    decode_gap_request,
    encode_gap_answer,
    encode_gap_request,
)
from wum_shared.status import (
    GAP_DAMAGED,
    GAP_DROPPED,
    GAP_METER_SILENT,
    GAP_NEVER_READ,
    GAP_NOT_HERE,
    GAP_SENT,
    LOST_DROPPED,
    LOST_REPLACED,
    SILENT,
)

LONG_S = PATIENCE_S + 1


class Desk:
    """A head-end that asks, and what its requests say."""

    def __init__(self, head_end: HeadEnd, one: Concentrator) -> None:
        self.head_end = head_end
        self.one = one
        self.said: list[tuple[str, bytes]] = []
        self.asking = Asking(PostgresGaps(head_end.pool), head_end.vault, CIPHER,
                             lambda topic, message: self.said.append((topic, message)))

    def pass_by(self, seconds: int) -> None:
        """As if so much time had passed since everything that was noted."""
        for table, column in (("archive", "missing_since"), ("gap_request", "due_at"),
                              ("gap_request", "asked_at")):
            self.head_end.do(
                f"update {table} set {column} = {column} - make_interval(secs => %s)", seconds)

    async def asks(self) -> GapRequest | None:
        """Two looks with a long time between them; the request that went out."""
        self.said.clear()
        await self.asking.step()
        if not self.said:
            self.pass_by(LONG_S)
            await self.asking.step()
        assert len(self.said) <= 1
        return self.opened(self.said[0]) if self.said else None

    def opened(self, message: tuple[str, bytes]) -> GapRequest:
        """A request as its concentrator opens it."""
        topic, sealed = message
        assert topic == topics.topic(self.one.id, topics.DOWN, topics.REQUEST)
        request = decode_gap_request(cose.unseal(
            CIPHER, self.one.downlink, sealed, topics.DOWN, self.one.tenant, topics.REQUEST))
        assert request.concentrator == self.one.id
        assert request_number(cose.peek(sealed)[2]) == request.number
        return request

    async def answer(self, request: GapRequest, *parts: GapPart) -> None:
        """The concentrator answers."""
        assert await self.head_end.take(self.one.send(encode_gap_answer(GapAnswer(
            self.one.incarnation, request.number, parts)), topics.ANSWER)) == []

    def lost(self) -> list[tuple[int, int, int]]:
        """(first, last, reason) of what the archive's concentrator has told as lost."""
        return self.head_end.ask(
            "select first_sequence, last_sequence, reason from archive_loss order by 1")


@pytest.fixture
async def desk(head_end: HeadEnd) -> Desk:
    """A concentrator whose records 1, 2, 5 and 6 came, and nothing of 3 and 4."""
    one = Concentrator()
    await head_end.welcome(one)
    rows = [one.row(n % 2, n // 2) for n in range(6)]
    await head_end.take(one.send_rows(*rows[:2]), one.send_rows(*rows[4:]))
    return Desk(head_end, one)


async def test_numbers_that_stay_missing_are_asked_for_and_no_others(desk: Desk) -> None:
    request = await desk.asks()
    assert request is not None
    assert request.ranges == (GapRange(desk.one.incarnation, 3, 4),)


async def test_a_gap_that_closes_by_itself_is_not_asked_for(desk: Desk) -> None:
    await desk.asking.step()
    desk.pass_by(PATIENCE_S - 10)
    await desk.asking.step()
    assert not desk.said
    desk.one.sequence = 3
    await desk.head_end.take(desk.one.send_rows(desk.one.row(0, 1), desk.one.row(1, 1)))
    assert await desk.asks() is None
    assert len(desk.head_end.rows()) == 6


async def test_a_gap_that_shrinks_is_given_time(desk: Desk) -> None:
    await desk.asking.step()
    desk.pass_by(PATIENCE_S - 10)
    desk.one.sequence = 3
    await desk.head_end.take(desk.one.send_rows(desk.one.row(0, 1)))
    await desk.asking.step()
    desk.pass_by(PATIENCE_S - 10)
    await desk.asking.step()
    assert not desk.said


async def test_what_comes_again_fills_the_gap_and_nothing_is_asked_any_more(desk: Desk) -> None:
    request = await desk.asks()
    assert request is not None
    desk.one.sequence = 3
    await desk.head_end.take(desk.one.send_rows(desk.one.row(0, 1), desk.one.row(1, 1)))
    await desk.answer(request, GapPart(0, 3, 4, GAP_SENT, 0))
    assert await desk.asks() is None
    assert desk.head_end.ask("select told from gap_request") == [{"sent again": 1}]
    assert desk.head_end.ask("select missing from archive") == [0]


async def test_reasons_by_number_close_the_gap_for_good(desk: Desk) -> None:
    request = await desk.asks()
    assert request is not None
    await desk.answer(request, GapPart(0, 3, 3, GAP_DROPPED, 0), GapPart(0, 4, 4, GAP_NOT_HERE, 0))
    assert desk.lost() == [(3, 3, LOST_DROPPED), (4, 4, LOST_REPLACED)]
    for _ in range(3):
        assert await desk.asks() is None


async def test_who_does_not_answer_is_asked_ever_more_seldom_and_once_a_day_at_last(
        desk: Desk) -> None:
    assert await desk.asks() is not None
    waits = []
    for _ in range(13):
        waits.append(desk.head_end.ask(
            "select extract(epoch from due_at - asked_at)::bigint from gap_request")[0])
        desk.pass_by(waits[-1] - 1)
        desk.said.clear()
        await desk.asking.step()
        assert not desk.said
        desk.pass_by(1)
        await desk.asking.step()
        assert len(desk.said) == 1
    assert waits[:4] == [60, 120, 240, 480] and waits[-1] == AGAIN_MOST_S


async def test_another_answer_or_the_same_once_more_changes_nothing(desk: Desk) -> None:
    request = await desk.asks()
    assert request is not None
    old = GapRequest(request.concentrator, request.number - 1, request.ranges)
    await desk.answer(old, GapPart(0, 3, 4, GAP_DAMAGED, 0))
    assert not desk.lost()
    await desk.answer(request, GapPart(0, 3, 3, GAP_DROPPED, 0))
    await desk.answer(request, GapPart(0, 4, 4, GAP_DROPPED, 0))
    assert desk.lost() == [(3, 3, LOST_DROPPED)]


async def test_no_answer_can_declare_lost_what_was_not_asked_for(desk: Desk) -> None:
    request = await desk.asks()
    assert request is not None
    await desk.answer(request, GapPart(0, 1, 4, GAP_DROPPED, 0), GapPart(1, 1, 9, GAP_DROPPED, 0))
    assert not desk.lost()
    other = encode_gap_request(GapRequest(desk.one.id, 1, (GapRange("M-1", 5, 9),)))
    said = understood(other, GapAnswer(bytes(8), 1, (GapPart(0, 4, 9, GAP_NEVER_READ, 0),)))
    assert not said.reasons and not said.gone
    assert understood(b"of another version", GapAnswer(bytes(8), 1, (
        GapPart(0, 4, 9, GAP_NEVER_READ, 0),))).told == {}


async def test_an_answer_that_does_not_decode_goes_to_quarantine(desk: Desk) -> None:
    await desk.head_end.take(desk.one.send(b"\x81\x00", topics.ANSWER))
    assert desk.head_end.quarantined() == ["undecodable"]


async def test_a_database_restored_from_a_backup_asks_for_what_came_after_it(
        head_end: HeadEnd) -> None:
    """The concentrator's cursor is past it: nothing but a request brings it back."""
    one = Concentrator()
    await head_end.welcome(one)
    for hour in range(5):
        await head_end.take(one.send_rows(one.row(0, hour), one.row(1, hour)))
    head_end.do("delete from reading where captured_at > to_timestamp(%s)", HOUR_S + 3600)
    head_end.do("update archive set received = '{[1,5)}'")
    await head_end.take(one.send_rows(one.row(0, 5), one.row(1, 5)))
    request = await Desk(head_end, one).asks()
    assert request is not None and request.ranges == (GapRange(one.incarnation, 5, 10),)


async def test_a_new_database_asks_for_a_whole_archive_piece_by_piece(head_end: HeadEnd) -> None:
    one = Concentrator()
    await head_end.welcome(one)
    one.sequence = 100_001
    await head_end.take(one.send_rows(one.row()))
    request = await Desk(head_end, one).asks()
    assert request is not None
    assert request.ranges == (GapRange(one.incarnation, 1, NUMBERS_MAX),)


async def test_nobody_is_asked_who_was_not_heard_lately(desk: Desk) -> None:
    desk.head_end.do("update concentrator set last_contact_at = now() - interval '2 hours'")
    assert await desk.asks() is None


def utc(at_s: int) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)


async def holed(head_end: HeadEnd, forget: Callable[[psycopg.Connection], object]) -> Desk:
    """A concentrator with eight hours of one meter, some of which the head-end then forgets."""
    one = Concentrator(serials=["M-1"], sets=[register_set("1-0:1.8.0")])
    await head_end.welcome(one)
    await head_end.take(one.send_rows(*[one.row(0, hour) for hour in range(8) if hour != 6]))
    with psycopg.connect(head_end.url) as connection:
        forget(connection)
        connection.execute("insert into ledger_mark (concentrator_id, since)"
                           " select concentrator_id, %s from concentrator", [utc(HOUR_S)])
    await catch_up(head_end.pool, utc(HOUR_S + 8 * 3600 + 60))
    return Desk(head_end, one)


def forget_two(connection: psycopg.Connection) -> None:
    connection.execute("delete from reading where captured_at in (%s, %s)", [
        utc(HOUR_S + 7200), utc(HOUR_S + 10800)])


async def test_rows_that_the_head_end_itself_lost_are_asked_for_by_meter_and_time(
        head_end: HeadEnd) -> None:
    """All numbers are received: only the schedule shows that something is missing."""
    desk = await holed(head_end, forget_two)
    request = await desk.asks()
    assert request is not None and request.ranges == (
        GapRange("M-1", HOUR_S + 7200, HOUR_S + 4 * 3600 - 1),
        GapRange("M-1", HOUR_S + 6 * 3600, HOUR_S + 7 * 3600 - 1))
    desk.one.sequence = 3
    await head_end.take(desk.one.send_rows(desk.one.row(0, 2), desk.one.row(0, 3)))
    await desk.answer(request, GapPart(0, request.ranges[0].first, request.ranges[0].last, 0, 0),
                      GapPart(1, *tuple(request.ranges[1])[1:], GAP_NEVER_READ, 0))
    assert len(head_end.rows()) == 7
    await catch_up(head_end.pool, utc(HOUR_S + 8 * 3600 + 120))
    for _ in range(3):
        assert await desk.asks() is None
    assert head_end.ask("select reason, outcome, extract(epoch from first_at)::bigint"
                        " from gap_reason where reason <> 0") == [
        (GAP_NEVER_READ, 0, HOUR_S + 6 * 3600)]
    assert head_end.ask("select sum(never_read), sum(unexplained) from ledger_day") == [(1, 0)]


async def test_what_was_never_read_then_read_then_lost_is_asked_for_again(
        head_end: HeadEnd) -> None:
    """A reason is good for as long as nothing says otherwise: a row does."""
    desk = await holed(head_end, forget_two)
    request = await desk.asks()
    assert request is not None
    lost = request.ranges[0]
    await desk.answer(request, *[GapPart(n, one.first, one.last, GAP_NEVER_READ, 0)
                                 for n, one in enumerate(request.ranges)])
    await catch_up(head_end.pool, utc(HOUR_S + 8 * 3600 + 120))
    assert await desk.asks() is None
    assert head_end.ask("select sum(never_read), sum(unexplained) from ledger_day") == [(3, 0)]
    await head_end.take(desk.one.send_rows(desk.one.row(0, 2)))   # Its clock went back, say.
    assert head_end.ask("select extract(epoch from first_at)::bigint from gap_reason"
                        " order by 1") == [HOUR_S + 6 * 3600], "of the whole span no reason is left"
    await catch_up(head_end.pool, utc(HOUR_S + 8 * 3600 + 120))
    again = await desk.asks()
    assert again is not None and again.ranges == (GapRange("M-1", HOUR_S + 3 * 3600, lost.last),)
    with psycopg.connect(head_end.url) as connection:
        forget_two(connection)
    await catch_up(head_end.pool, utc(HOUR_S + 8 * 3600 + 120))
    head_end.do("insert into ledger_mark (concentrator_id) select concentrator_id"
                " from concentrator")
    await catch_up(head_end.pool, utc(HOUR_S + 8 * 3600 + 120))
    desk.pass_by(AGAIN_MOST_S)
    again = await desk.asks()
    assert again is not None and again.ranges == (lost,)


async def test_a_row_that_came_before_the_answer_leaves_no_reason_against_it(
        head_end: HeadEnd) -> None:
    desk = await holed(head_end, forget_two)
    request = await desk.asks()
    assert request is not None
    lost = request.ranges[0]
    await head_end.take(desk.one.send_rows(desk.one.row(0, 2), desk.one.row(0, 3)))
    await desk.answer(request, GapPart(0, lost.first, lost.last, GAP_NEVER_READ, 0))
    assert head_end.ask("select first_at from gap_reason") == []
    assert head_end.ask("select reason_id from reason_told where note = 'answered'") == []


async def test_what_was_asked_for_and_answered_is_remembered_the_newest_only(
        head_end: HeadEnd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wum_cloud.ingest.gaps.store.HISTORY_KEPT", 2)
    desk = await holed(head_end, lambda _: None)
    requests = []
    for _ in range(3):
        desk.pass_by(AGAIN_MOST_S)
        requests.append(await desk.asks())
    part = GapPart(0, *tuple(requests[-1].ranges[0])[1:], GAP_SENT, 0)
    await desk.answer(requests[-1], part)
    kept = head_end.ask("select number, asked, answer from gap_history order by asked_at")
    assert [number for number, _, _ in kept] == [one.number for one in requests[1:]]
    assert decode_gap_request(kept[1][1]) == requests[-1]
    assert kept[0][2] is None and decode_gap_answer(kept[1][2]).parts == (part,)


async def test_what_is_sent_again_and_never_stays_is_asked_for_a_few_times_and_no_more(
        head_end: HeadEnd) -> None:
    desk = await holed(head_end, lambda _: None)
    for _ in range(SENT_TIMES):
        desk.pass_by(AGAIN_MOST_S)
        request = await desk.asks()
        assert request is not None
        await desk.answer(request, GapPart(0, *tuple(request.ranges[0])[1:], GAP_SENT, 0))
    desk.pass_by(AGAIN_MOST_S)
    assert await desk.asks() is None


async def test_a_silent_meter_is_told_with_its_outcome(head_end: HeadEnd) -> None:
    desk = await holed(head_end, lambda _: None)
    request = await desk.asks()
    assert request is not None
    await desk.answer(request, GapPart(
        0, *tuple(request.ranges[0])[1:], GAP_METER_SILENT, SILENT))
    assert head_end.ask("select reason, outcome from gap_reason") == [(GAP_METER_SILENT, SILENT)]
    assert head_end.ask("select reason from reason_told") == ["silent"]


SENDER = Sender(1, bytes(8), 1, "default", 0, b"")


def test_one_request_asks_for_so_much_and_puts_neighbours_together() -> None:
    holes = tuple([(bytes(8), 10 * n + 1, 10 * n + 5) for n in range(100)])
    ask = ask_for(Wanted(SENDER, (), 0, holes, ()))
    assert ask is not None and len(ask.ranges) == RANGES_MAX
    spans = tuple([("m", 900 * n, 900 * n + 899) for n in range(200)])
    ask = ask_for(Wanted(SENDER, (), 0, (), spans))
    assert ask is not None and ask.ranges == (
        GapRange("m", 0, 86399), GapRange("m", 86400, 172799), GapRange("m", 172800, 179999))
    assert ask_for(Wanted(SENDER, (), 0, (), ())) is None


def test_tries_count_for_the_same_ranges_alone() -> None:
    hole = (bytes(8), 3, 4)
    same = (GapRange(*hole),)
    again = ask_for(Wanted(SENDER, same, 4, (hole,), ()))
    other = ask_for(Wanted(SENDER, same, 4, ((bytes(8), 4, 4),), ()))
    assert again is not None and (again.tries, again.again_s) == (5, 960)
    assert other is not None and (other.tries, other.again_s) == (1, 60)
    assert Ask(SENDER, same, 100).again_s == AGAIN_MOST_S
