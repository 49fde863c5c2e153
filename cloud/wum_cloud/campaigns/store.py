"""Campaigns in the database: what a step needs to know, and what follows from it.

Moments come from the caller. What is ordered are rows of `command`, which commands/sending signs
and sends like any other; what came of them is read there again.
"""

import secrets
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg.rows import class_row

from wum_cloud.campaigns.plan import Plan, plan_of
from wum_cloud.campaigns.states import (
    Assign,
    CallOff,
    Confirm,
    Course,
    Entry,
    Member,
    Reads,
    Step,
    Target,
    Told,
)
from wum_cloud.database import Connection
from wum_shared import orders, updates
from wum_shared.updates import Assignment, Confirmation

ENDED_DAYS = 30              # Who is heard late is still understood, and called off.
CONFIRM_S = 600              # A word to go on is good for so long; it is asked for again.
JUDGED_MAX = 500             # Members whose readings one step counts.
_MOMENTS = ("due", "begins", "ends", "deadline", "ordered", "confirmed", "judged", "answered")


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign that is looked at, locked."""

    campaign_id: int
    tenant_id: int
    release_id: int
    name: str
    plan: Plan
    target: Target
    course: Course
    requested_by: str
    approved_by: str
    is_ended: bool


async def looked_at(connection: Connection) -> list[tuple[int, bool]]:
    """(number, whether it is over) of the campaigns that have a step to take, or may hear of
    somebody.
    """
    rows = await (await connection.execute(
        "select campaign_id, ended_at is not null from campaign"
        " where state in ('running', 'paused')"
        " or state in ('done', 'stopped', 'aborted')"
        "    and ended_at > now() - make_interval(days => %s)"
        " order by campaign_id", [ENDED_DAYS])).fetchall()
    return [(row[0], row[1]) for row in rows]


async def locked(connection: Connection, number: int) -> Campaign | None:
    """The campaign; None while another process steps it."""
    row = await (await connection.execute(
        "select c.campaign_id, c.tenant_id, c.release_id, c.name, c.plan, r.sequence, r.digest,"
        "       c.state, c.wave, c.why, c.requested_by, coalesce(c.approved_by, ''),"
        "       c.ended_at is not null"
        "  from campaign c join release r using (release_id)"
        " where c.campaign_id = %s for no key update of c skip locked", [number])).fetchone()
    if row is None:
        return None
    return Campaign(row[0], row[1], row[2], row[3], plan_of(row[4]), Target(row[5], row[6]),
                    Course(row[7], row[8], row[9]), row[10], row[11], row[12])


_MEMBERS = """
    select m.concentrator_id, m.wave, m.place, m.state, m.fault, m.words, m.tries,
           m.due_at, m.begins_at, m.ends_at, m.deadline_at, m.ordered_at, m.confirmed_at,
           m.judged_at, m.home, m.home_digest,
           exists (select from release r where r.tenant_id = %(tenant)s
                    and r.digest = m.home_digest),
           m.answered, m.answered_at, coalesce(c.state, ''), coalesce(c.told, ''),
           s.concentrator_id is not null,
           exists (select from command_order o where o.command_id = m.command_id
                    and o.sequence = s.assignment),
           s.state, s.sequence, s.digest, s.have, s.of, s.nonce, s.note,
           m.expected_before, m.received_before, m.expected_after, m.received_after
      from campaign_member m left join command c using (command_id)
      left join update_standing s on s.concentrator_id = m.concentrator_id
     where m.campaign_id = %(campaign)s and not (%(ended)s and exists (
           select from campaign_member n join campaign x using (campaign_id)
            where n.concentrator_id = m.concentrator_id and n.campaign_id > m.campaign_id
              and x.state not in ('requested', 'withdrawn')))"""


async def members(connection: Connection, campaign: Campaign) -> list[Member]:
    """Its members as they are known now. Of one that is over: those who are in no later one."""
    rows = await (await connection.execute(_MEMBERS, {
        "tenant": campaign.tenant_id, "campaign": campaign.campaign_id,
        "ended": campaign.is_ended})).fetchall()
    return [_member(row) for row in rows]


def _member(row: Any) -> Member:
    told = Told(row[22], row[23], row[24], row[25], row[26], row[27], row[28], row[29]
                ) if row[21] else None
    due, begins, ends, deadline, ordered, confirmed, judged = [_seconds(one) for one in row[7:14]]
    return Member(
        concentrator_id=row[0], wave=row[1], place=row[2], state=row[3], fault=row[4],
        words=row[5], tries=row[6], due_s=due, begins_s=begins, ends_s=ends, deadline_s=deadline,
        ordered_s=ordered, confirmed_s=confirmed, judged_s=judged, home=row[14],
        home_digest=row[15], can_return=row[16], answered=row[17], answered_s=_seconds(row[18]),
        order=row[19], order_words=row[20], told=told, before=_reads(row[30], row[31]),
        after=_reads(row[32], row[33]))


async def count_reads(
        connection: Connection, campaign: Campaign, found: list[Member], now_s: float) -> bool:
    """Count the readings of those whose time to be judged has come; whether there were any."""
    due = [one for one in found if one.state == "confirmed" and one.before is None
           and one.judged_s <= now_s][:JUDGED_MAX]
    if not due:
        return False
    soak_s = campaign.plan.soak_s
    spans = [(one.concentrator_id, one.ordered_s - soak_s, one.ordered_s) for one in due]
    before = await reads(connection, spans)
    after = await reads(connection, [
        (one.concentrator_id, one.confirmed_s, one.confirmed_s + soak_s) for one in due])
    async with connection.cursor() as cursor:
        await cursor.executemany(
            "update campaign_member set expected_before = %s, received_before = %s,"
            " expected_after = %s, received_after = %s"
            " where campaign_id = %s and concentrator_id = %s",
            [[before[one.concentrator_id].expected, before[one.concentrator_id].received,
              after[one.concentrator_id].expected, after[one.concentrator_id].received,
              campaign.campaign_id, one.concentrator_id] for one in due])
    return True


async def reads(
        connection: Connection, spans: list[tuple[int, float, float]]) -> dict[int, Reads]:
    """Intervals due of each concentrator's meters in a span, and those with a reading."""
    rows = await (await connection.execute(
        "with span as (select * from unnest(%s::integer[], %s::timestamptz[], %s::timestamptz[])"
        "                as s (concentrator_id, since, until)),"
        " due as (select s.*, m.meter_id, (ceil((extract(epoch from s.until) - m.offset_s)"
        "           / m.period_s) - ceil((extract(epoch from s.since) - m.offset_s)"
        "           / m.period_s))::integer as n"
        "          from span s join meter m using (concentrator_id)"
        "         where m.archived_at is null and m.period_s > 0)"
        " select d.concentrator_id, sum(d.n), sum(least(d.n, (select count(*) from reading r"
        "          where r.meter_id = d.meter_id and r.captured_at >= d.since"
        "            and r.captured_at < d.until and r.profile = 0)))"
        "   from due d group by d.concentrator_id",
        [[one for one, _, _ in spans], [_moment(since) for _, since, _ in spans],
         [_moment(until) for _, _, until in spans]])).fetchall()
    found = {row[0]: Reads(int(row[1]), int(row[2])) for row in rows}
    return {one: found.get(one, Reads(0, 0)) for one, _, _ in spans}


async def keep(connection: Connection, campaign: Campaign, taken: Step, now_s: float) -> None:
    """Keep what a step came to: members, orders, log, and the campaign itself."""
    now = datetime.fromtimestamp(now_s, UTC)
    await _keep_members(connection, campaign.campaign_id, taken.members)
    for act in taken.acts:
        if isinstance(act, CallOff):
            await _call_off(connection, campaign, act, now)
        else:
            await _give(connection, campaign, act, now)
    await write_log(connection, campaign.campaign_id, now, taken.log)
    if taken.course != campaign.course:
        await connection.execute(
            "update campaign set state = %s, wave = %s, why = %s,"
            " ended_at = case when %s then %s else ended_at end where campaign_id = %s",
            [taken.course.state, taken.course.wave, taken.course.why,
             taken.course.state in ("done", "stopped"), now, campaign.campaign_id])


async def _keep_members(connection: Connection, number: int, changed: list[Member]) -> None:
    if not changed:
        return
    async with connection.cursor() as cursor:
        await cursor.executemany(
            "update campaign_member set state = %s, fault = %s, words = %s, tries = %s,"
            " due_at = %s, begins_at = %s, ends_at = %s, deadline_at = %s, ordered_at = %s,"
            " confirmed_at = %s, judged_at = %s, answered_at = %s, home = %s, home_digest = %s,"
            " answered = %s,"
            " expected_before = %s, received_before = %s, expected_after = %s, received_after = %s"
            " where campaign_id = %s and concentrator_id = %s",
            [[one.state, one.fault, one.words[:500], one.tries,
              *[_moment(getattr(one, name + "_s")) for name in _MOMENTS],
              one.home, one.home_digest, one.answered, *_parts(one.before), *_parts(one.after),
              number, one.concentrator_id] for one in changed])


async def _give(connection: Connection, campaign: Campaign, act: Assign | Confirm,
                now: datetime) -> None:
    """An order to one concentrator, in the words of the campaign."""
    if isinstance(act, Confirm):
        arguments = updates.encode_demand(Confirmation(act.digest, act.nonce))
        await _command(connection, campaign, act.concentrator_id, arguments, "go on", now,
                       now + timedelta(seconds=CONFIRM_S))
        return
    sequence, envelope = await _envelope(connection, campaign, act)
    floor = 0 if act.is_back else campaign.plan.floor
    arguments = updates.encode_demand(Assignment(
        floor, int(act.begins_s), int(act.ends_s), act.is_back, envelope))
    expires = min(_moment(act.ends_s) or now,
                  now + timedelta(seconds=orders.WINDOW_MAX_S))
    command = await _command(
        connection, campaign, act.concentrator_id, arguments,
        "%s release %d" % ("back to" if act.is_back else "run", sequence), now, expires)
    await connection.execute(
        "update campaign_member set command_id = %s where campaign_id = %s"
        " and concentrator_id = %s", [command, campaign.campaign_id, act.concentrator_id])


async def _envelope(
        connection: Connection, campaign: Campaign, act: Assign) -> tuple[int, bytes]:
    row = await (await connection.execute(
        "select r.sequence, r.envelope from release r join campaign_member m"
        "    on m.campaign_id = %s and m.concentrator_id = %s"
        " where r.tenant_id = %s and case when %s then r.digest = m.home_digest"
        "       else r.release_id = %s end",
        [campaign.campaign_id, act.concentrator_id, campaign.tenant_id, act.is_back,
         campaign.release_id])).fetchone()
    assert row is not None, "what can be gone back to is at hand"
    return row[0], row[1]


async def _call_off(connection: Connection, campaign: Campaign, act: CallOff,
                    now: datetime) -> None:
    """What nobody signed yet is taken back; else the concentrator hears of it."""
    row = await (await connection.execute(
        "with unsent as (update command c set state = 'withdrawn', ended_at = %s, told = %s"
        "   from campaign_member m where m.command_id = c.command_id and m.campaign_id = %s"
        "    and m.concentrator_id = %s and c.state in ('requested', 'approved'))"
        " select max(o.sequence) from campaign_member m join command_order o using (command_id)"
        "  where m.campaign_id = %s and m.concentrator_id = %s",
        [now, "campaign %d called it off" % campaign.campaign_id, campaign.campaign_id,
         act.concentrator_id, campaign.campaign_id, act.concentrator_id])).fetchone()
    if row is not None and row[0] is not None:
        await _command(
            connection, campaign, act.concentrator_id,
            updates.encode_demand(updates.CallOff(int(row[0]))), "call off", now,
            now + timedelta(seconds=orders.WINDOW_MAX_S))


async def _command(
        connection: Connection, campaign: Campaign, concentrator: int, arguments: bytes,
        shown: str, begins: datetime, expires: datetime) -> int:
    row = await (await connection.execute(
        "insert into command (tenant_id, concentrator_id, request_id, order_id, kind, arguments,"
        " shown, reason, state, requested_by, needs_approval, approved_by, approved_at, begins_at,"
        " expires_at, due_at) values (%s, %s, nextval('command_request'), %s, %s, %s, %s, %s,"
        " 'approved', %s, true, %s, %s, %s, %s, %s) returning command_id",
        [campaign.tenant_id, concentrator, secrets.token_bytes(orders.ORDER_ID_SIZE),
         orders.UPDATE, arguments, shown, ("campaign %d: %s" % (
             campaign.campaign_id, campaign.name))[:200], campaign.requested_by,
         campaign.approved_by, begins, begins, max(expires, begins + timedelta(seconds=1)),
         begins])).fetchone()
    assert row is not None
    return int(row[0])


async def write_log(
        connection: Connection, number: int, at: datetime, entries: list[Entry]) -> None:
    """Add to a campaign's log."""
    async with connection.cursor() as cursor:
        await cursor.executemany(
            "insert into campaign_log (campaign_id, at, concentrator_id, what, words)"
            " values (%s, %s, %s, %s, %s)",
            [[number, at, one.concentrator_id, one.what, one.words[:500]] for one in entries])


@dataclass(frozen=True, slots=True)
class StandingRow:
    """A standing as it is kept; its fields are the table's."""

    concentrator_id: int
    epoch: int
    counter: int
    assignment: int
    state: int
    sequence: int
    digest: bytes
    have: int
    of: int
    nonce: bytes
    note: str
    told_at: datetime
    arrived_at: datetime
    signed: bytes
    trust: int = 0


async def keep_standings(connection: Connection, found: list[StandingRow]) -> None:
    """Keep what is newer than what is there."""
    names = [field.name for field in fields(StandingRow)]
    query = ("insert into update_standing (%s) values (%s) on conflict (concentrator_id)"
             " do update set %s where (excluded.epoch, excluded.counter)"
             " > (update_standing.epoch, update_standing.counter)" % (
                 ", ".join(names), ", ".join(["%s"] * len(names)),
                 ", ".join(["%s = excluded.%s" % (name, name) for name in names[1:]])))
    async with connection.cursor() as cursor:
        await cursor.executemany(query.encode(), [
            [getattr(one, name) for name in names] for one in found])


async def standing(connection: Connection, concentrator_id: int) -> StandingRow | None:
    """The newest of one concentrator."""
    names = ", ".join([field.name for field in fields(StandingRow)])
    async with connection.cursor(row_factory=class_row(StandingRow)) as cursor:
        await cursor.execute(("select %s from update_standing where concentrator_id = %%s"
                              % names).encode(), [concentrator_id])
        return await cursor.fetchone()


def _seconds(moment: datetime | None) -> float:
    return 0 if moment is None else moment.timestamp()


def _moment(seconds: float) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def _reads(expected: int | None, received: int | None) -> Reads | None:
    return None if expected is None or received is None else Reads(expected, received)


def _parts(found: Reads | None) -> list[int | None]:
    return [None, None] if found is None else [found.expected, found.received]
