"""What concentrators answered, kept in the transaction that takes it, and forgotten once a row says
otherwise.

Left out: what an answer means (../answered.py), who asks (../asking.py).
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from psycopg.types.multirange import Int8Multirange
from psycopg.types.range import Int8Range

from wum_cloud.database import Connection
from wum_cloud.ingest.gaps.answered import Answered, Reason, understood
from wum_cloud.ingest.harvest import Taken
from wum_cloud.reasons.store import Told, tell_of_serials
from wum_cloud.registry.store import Sender
from wum_shared.gaps import GapAnswer, encode_gap_answer
from wum_shared.status import GAP_SENT

ANSWERED = "answered"           # The note of reasons that concentrators gave.

_KEPT_DAYS = 90                 # Twice what any archive holds.


async def take_answers(
        connection: Connection, answers: Sequence[tuple[Sender, GapAnswer]]) -> None:
    """Keep what these answers say, inside the caller's transaction. What answers no request of
    ours, or comes once more, changes nothing.
    """
    for sender, answer in sorted(answers, key=lambda one: one[0].concentrator_id):
        row = await (await connection.execute(
            "select asked from gap_request where concentrator_id = %s and number = %s"
            " and answered_at is null for update",
            [sender.concentrator_id, answer.number])).fetchone()
        if row is None:
            continue
        found = understood(row[0], answer)
        await connection.execute(
            "update gap_request set answered_at = now(), told = %s where concentrator_id = %s",
            [json.dumps(found.told), sender.concentrator_id])
        await connection.execute(
            "update gap_history set answered_at = now(), answer = %s"
            " where concentrator_id = %s and number = %s and answered_at is null",
            [encode_gap_answer(answer), sender.concentrator_id, answer.number])
        await _keep_gone(connection, sender, found)
        await _keep_reasons(connection, sender, found)


async def _keep_gone(connection: Connection, sender: Sender, found: Answered) -> None:
    for one in found.gone:
        await connection.execute(
            "insert into archive_loss (concentrator_id, incarnation, first_sequence,"
            "   last_sequence, reason, note) values (%s, %s, %s, %s, %s, 'asked for')"
            " on conflict do nothing",
            [sender.concentrator_id, one.incarnation, one.first, one.last, one.reason])
        await connection.execute(
            "update archive set lost = lost + (%s - received)"
            " where concentrator_id = %s and incarnation = %s",
            [Int8Multirange([Int8Range(one.first, one.last + 1)]), sender.concentrator_id,
             one.incarnation])


async def _keep_reasons(connection: Connection, sender: Sender, found: Answered) -> None:
    """A row may have come while the answer was under way: where there is one, no reason stands
    against it, and what was sent has stayed.
    """
    if not found.reasons:
        return
    there = await _spans_with_rows(connection, sender, found.reasons)
    reasons = [one for one in found.reasons if one.reason == GAP_SENT or one not in there]
    await tell_of_serials(connection, sender.tenant_id, [
        ((one.serial,), Told(
            sender.concentrator_id, one.for_ledger, after_at=datetime.fromtimestamp(
                one.first_s, UTC), before_at=datetime.fromtimestamp(one.last_s, UTC),
            note=ANSWERED)) for one in reasons if one.reason != GAP_SENT])
    if reasons:
        await connection.execute(
            "insert into gap_reason as g (meter_id, first_at, last_at, reason, outcome, times,"
            "   concentrator_id)"
            " select m.meter_id, to_timestamp(a), to_timestamp(b), r, o, t, %s"
            "   from unnest(%s::text[], %s::bigint[], %s::bigint[], %s::smallint[],"
            "     %s::smallint[], %s::integer[]) as x (serial, a, b, r, o, t)"
            "   join meter m using (serial) where m.tenant_id = %s order by m.meter_id, a"
            " on conflict (meter_id, first_at, last_at) do update set reason = excluded.reason,"
            "   outcome = excluded.outcome, concentrator_id = excluded.concentrator_id,"
            "   times = excluded.times * (g.times + 1), answered_at = now()",
            [sender.concentrator_id, *[list(column) for column in zip(*[
                (one.serial, one.first_s, one.last_s, one.reason, one.outcome, int(
                    one not in there)) for one in reasons], strict=True)], sender.tenant_id])
    await connection.execute(
        "delete from gap_reason where concentrator_id = %s"
        " and last_at < now() - make_interval(days => %s)",
        [sender.concentrator_id, _KEPT_DAYS])


async def _spans_with_rows(
        connection: Connection, sender: Sender, reasons: Sequence[Reason]) -> set[Reason]:
    rows = await (await connection.execute(
        "select x.place from unnest(%s::text[], %s::bigint[], %s::bigint[])"
        "   with ordinality as x (serial, a, b, place)"
        "   join meter m on m.serial = x.serial and m.tenant_id = %s"
        " where exists (select from reading r where r.meter_id = m.meter_id and r.profile = 0"
        "   and r.captured_at between to_timestamp(x.a) and to_timestamp(x.b))",
        [*[list(column) for column in zip(*[
            (one.serial, one.first_s, one.last_s) for one in reasons], strict=True)],
         sender.tenant_id])).fetchall()
    return {reasons[place - 1] for place, in rows}


async def refute(connection: Connection, batches: Sequence[Taken]) -> None:
    """Forget reasons why something is missing where these batches brought a row: should the row
    be lost, it is asked for again. For most concentrators there is no reason to look at.
    """
    numbers = sorted({taken.sender.concentrator_id for taken in batches})
    doubted = {number for number, in await (await connection.execute(
        "select n from unnest(%s::integer[]) as x (n) where exists (select from gap_reason g"
        " where g.concentrator_id = n and g.reason <> %s)", [numbers, GAP_SENT])).fetchall()}
    rows = sorted({
        (meter_id, at_s) for taken in batches if taken.sender.concentrator_id in doubted
        for group in taken.accepted.groups if taken.plan.layouts[group.register_set].profile == 0
        for meter_id, at_s in zip(taken.plan.meter_ids[group.meter].tolist(),
                                  group.captured_at_s.tolist(), strict=True)})
    if not rows:
        return
    await connection.execute(
        "with gone as (delete from gap_reason g using ("
        "     select g.meter_id, g.first_at, g.last_at"
        "       from unnest(%s::bigint[], %s::bigint[]) as x (meter_id, at_s)"
        "       join gap_reason g on g.meter_id = x.meter_id and g.reason <> %s"
        "        and to_timestamp(x.at_s) between g.first_at and g.last_at"
        "      order by 1, 2, 3 for update of g) as r"
        "   where (g.meter_id, g.first_at, g.last_at) = (r.meter_id, r.first_at, r.last_at)"
        "   returning g.*),"
        " untold as (delete from reason_told t using gone g"
        "   where t.concentrator_id = g.concentrator_id and t.meter_ids = array[g.meter_id]"
        "     and t.after_at = g.first_at and t.before_at = g.last_at and t.note = %s"
        "   returning t.concentrator_id)"
        " insert into ledger_mark (concentrator_id) select distinct concentrator_id from untold",
        [*[list(column) for column in zip(*rows, strict=True)], GAP_SENT, ANSWERED])
