"""What ingest tells the ledger of batches, losses and refusals, and what becomes of it."""

from datetime import UTC, datetime, timedelta

from tests.cloud.concentrator import HOUR_S, Concentrator, register_set, schema_of
from wum_cloud.ledger.keeper import catch_up
from wum_cloud.ledger.reckoning import SETTLED_AFTER
from wum_shared.batch import Lost, Missed
from wum_shared.status import LOST_FULL, NEVER_SET, SILENT

BEGIN = datetime.fromtimestamp(HOUR_S, UTC)
LATER = BEGIN + timedelta(hours=9) + SETTLED_AFTER      # Nine hours are over, of one UTC day.


async def states(head_end, serial: str = "M-1") -> dict[str, int]:
    """Counts of the meter's day that are not 0."""
    await catch_up(head_end.pool, LATER)
    names = ("received", "dropped", "refused", "silent", "awaited", "unreachable", "unexplained")
    row = head_end.ask("select %s from ledger_day d join meter m using (meter_id)"
                       " where serial = '%s'" % (", ".join(names), serial))[0]
    return {name: n for name, n in zip(names, row, strict=True) if n}


async def begun(head_end, *concentrators: Concentrator) -> None:
    await head_end.welcome(*concentrators)
    head_end.do("update meter_schedule set valid_from = %s", BEGIN)


async def test_the_edges_of_a_batch_are_those_of_its_first_and_last_number(head_end) -> None:
    cabinet = Concentrator(sets=[register_set("1-0:1.8.0"), register_set("1-0:2.8.0", profile=1)])
    await begun(head_end, cabinet)
    first = cabinet.row(0, 3, set_=1)                    # Of the meter's own profile: no edge.
    missed = Missed(cabinet.sequence, 1, 0, HOUR_S + 4 * 3600, 0, SILENT, "")
    cabinet.sequence += 1
    await head_end.take(cabinet.send_rows(first, missed, cabinet.row(0, 6), cabinet.row(1, 5)))
    await head_end.take(cabinet.send_rows(cabinet.row(0, 2, set_=1)))
    assert head_end.ask(
        "select first_sequence, last_sequence, first_captured_at - %s, last_captured_at - %s"
        " from batch_arrival order by 1", BEGIN, BEGIN) == [
            (1, 4, timedelta(hours=4), timedelta(hours=5)), (5, 5, None, None)]


async def test_a_loss_is_the_reason_between_the_rows_around_it(head_end) -> None:
    cabinet = Concentrator(serials=["M-1"])
    await begun(head_end, cabinet)
    await head_end.take(cabinet.send_rows(cabinet.row(0, 0), cabinet.row(0, 1)))
    lost = Lost(cabinet.sequence, cabinet.sequence + 3, LOST_FULL, "")
    cabinet.sequence += 4
    await head_end.take(cabinet.send_rows(lost))
    await head_end.take(cabinet.send_rows(cabinet.row(0, 6), cabinet.row(0, 8)))
    assert await states(head_end) == {"received": 4, "dropped": 4, "unexplained": 1}


async def test_rows_of_a_wrong_clock_are_refused_between_the_rows_around_them(head_end) -> None:
    cabinet = Concentrator(serials=["M-1", "M-2"])
    await begun(head_end, cabinet)
    good = [cabinet.row(0, 0), cabinet.row(1, 0)]
    bad = [cabinet.row(0, at_s=5, quality=NEVER_SET)]
    behind = [cabinet.row(0, 3), cabinet.row(1, 3)]
    await head_end.take(cabinet.send_rows(*good, *bad, *behind))
    await head_end.take(cabinet.send_rows(cabinet.row(0, at_s=2**32 - 1), cabinet.row(0, 8)))
    assert await states(head_end) == {"received": 3, "refused": 2 + 4}
    assert await states(head_end, "M-2") == {"received": 2, "unexplained": 7}


async def test_a_batch_that_says_nothing_is_refused_between_its_neighbours(head_end) -> None:
    cabinet = Concentrator(serials=["M-1"])
    await begun(head_end, cabinet)
    await head_end.take(cabinet.send_rows(cabinet.row(0, 1)))
    broken = cabinet.batch(cabinet.row(0, 2), cabinet.row(0, 3))
    await head_end.take(cabinet.send(broken._replace(rows=(
        broken.rows[0], broken.rows[0]._replace(meter=9, sequence=3)))))
    await head_end.take(cabinet.send_rows(cabinet.row(0, 4)))
    assert head_end.quarantined() == ["undecodable"]
    assert await states(head_end) == {
        "received": 2, "refused": 2, "unexplained": 1, "awaited": 4}


async def test_what_another_concentrator_has_no_right_to_is_refused_for_its_owner(
        head_end) -> None:
    owner, other = Concentrator(serials=["M-1"]), Concentrator(serials=["M-7"])
    await begun(head_end, owner, other)
    other.use_schema(schema_of(other.id, ["M-1"], other.sets))
    await head_end.take(other.send_schema())
    await head_end.take(other.send_rows(other.row(0, 2), other.row(0, 3)))
    await head_end.take(owner.send_rows(owner.row(0, 8)))
    assert await states(head_end) == {"received": 1, "refused": 2, "unexplained": 6}
