"""What is missing, whom to ask, and what was asked: gap requests in the database.

By number: what is below an archive's highest number and neither received nor lost. By time: what
the ledger cannot explain. Left out: what a request asks for (wanted.py), what becomes of answers
(answers/store.py), and the ledger itself.
"""

from collections import defaultdict

from wum_cloud.database import Connection, Pool
from wum_cloud.ingest.downlink import Downlink, request_number
from wum_cloud.ingest.gaps.wanted import (
    AGAIN_MOST_S,
    CONTACT_S,
    PATIENCE_S,
    SENT_TIMES,
    Ask,
    Wanted,
    encoded,
)
from wum_cloud.registry.store import Sender
from wum_shared.errors import WireError
from wum_shared.gaps import (
    RANGES_MAX,
    GapRange,
    decode_gap_request,
)

_LOCK = 0x57554D03
_KEPT_DAYS = 45                 # Before the newest reading: no archive is longer.
_IN_VAIN_S = 600                # Who could not be asked for anything is looked at again so late.
HISTORY_KEPT = 200              # Requests to each concentrator, with their answers.
_SPANS_MAX = 4096               # Intervals of one concentrator that are looked at in one step.

# Gaps that grew, shrank or moved: from now on they have to stay as they are. A clock that was set
# back must not make anything wait for years.
_LOOK = """
    update archive a set missing = x.missing, missing_since = now()
      from (select o.concentrator_id, o.incarnation, coalesce((
                   select sum(upper(r) - lower(r)) from unnest(int8multirange(int8range(
                       1, coalesce(upper(o.received + o.lost), 1))) - o.received - o.lost) as r), 0)
                   as missing
              from archive o) as x
     where (a.concentrator_id, a.incarnation) = (x.concentrator_id, x.incarnation)
       and (a.missing <> x.missing or a.missing_since > now())"""

_WANTING = """
    select c.concentrator_id, c.device_id, c.tenant_id, t.name, e.epoch, e.sealed_keys,
           g.asked, coalesce(g.tries, 0)
      from concentrator c join tenant t using (tenant_id)
      join lateral (select epoch, sealed_keys from concentrator_epoch e
                     where e.concentrator_id = c.concentrator_id
                     order by isempty(e.uplink_seen), epoch desc limit 1) as e on true
      left join gap_request g using (concentrator_id)
     where c.last_contact_at > now() - make_interval(secs => %(contact)s)
       and (g.due_at is null or g.due_at <= now()
            or g.due_at > now() + make_interval(secs => %(most)s))
       and (exists (select from archive a where a.concentrator_id = c.concentrator_id
                       and a.missing > 0
                       and a.missing_since <= now() - make_interval(secs => %(patience)s))
            or exists (select from ledger_concentrator_day d
                        where d.concentrator_id = c.concentrator_id and d.unexplained > 0
                          and d.day > c.newest_captured_at::date - %(kept)s))
     order by g.due_at nulls first, c.concentrator_id limit %(limit)s"""

_HOLES = """
    select a.concentrator_id, a.incarnation, lower(h.r), upper(h.r) - 1
      from archive a cross join lateral (
           select r from unnest(int8multirange(int8range(1, upper(a.received + a.lost)))
                                - a.received - a.lost) as r order by r limit %(ranges)s) as h
     where a.concentrator_id = any(%(numbers)s) and a.missing > 0
       and a.missing_since <= now() - make_interval(secs => %(patience)s)
     order by a.concentrator_id, a.first_seen_at desc, h.r"""

# Intervals of the schedules that are due, with neither a row nor a missed row nor an answer. What
# there is of a meter's day is read once and taken away: asking for each interval by itself takes
# minutes where meters are read every few seconds.
_SPANS = """
    with wanted as (
        select w.concentrator_id, x.meter_id, m.serial, x.day, c.newest_captured_at,
               x.day::timestamp at time zone l.time_zone as start_at,
               (x.day + 1)::timestamp at time zone l.time_zone as end_at
          from unnest(%(numbers)s::integer[]) as w (concentrator_id)
          join concentrator c using (concentrator_id) join ledger_state l using (concentrator_id)
          cross join lateral (
               select distinct d.meter_id, d.day from ledger_day d
                where d.concentrator_id = w.concentrator_id and d.unexplained > 0
                  and d.day > c.newest_captured_at::date - %(kept)s
                order by d.day, d.meter_id limit %(ranges)s) as x
          join meter m on m.meter_id = x.meter_id and m.concentrator_id = w.concentrator_id),
    plan as (
        select w.*, s.period_s, s.offset_s, s.register_sets,
               greatest(s.valid_from, w.start_at) as from_at,
               least(min(s.valid_from) over (
                   partition by w.meter_id, w.day order by s.valid_from
                   groups between 1 following and 1 following), w.end_at,
                   w.newest_captured_at) as until_at
          from wanted w join meter_schedule s using (meter_id)),
    bounded as (
        select p.*, (ceil(extract(epoch from p.from_at))::bigint - p.offset_s + p.period_s - 1)
                    / p.period_s as first_n,
               (floor(extract(epoch from p.until_at))::bigint - p.offset_s) / p.period_s - 1
                    as last_n
          from plan p where p.period_s is not null and p.from_at < p.until_at),
    holder as materialized (
        select u.register_sets, array(
               select distinct r.register_set_id from register_set w
                 join register_set r on r.profile = w.profile and r.codes @> w.codes
                where w.register_set_id = any(u.register_sets)) as holders
          from (select distinct register_sets from bounded) as u),
    slot as (
        select b.concentrator_id, b.meter_id, b.serial,
               to_timestamp(b.offset_s + n * b.period_s) as first_at,
               to_timestamp(b.offset_s + (n + 1) * b.period_s) as next_at
          from bounded b join holder h using (register_sets) cross join lateral (
               select generate_series(b.first_n, b.last_n)
               except (
               select (floor(extract(epoch from captured_at))::bigint - b.offset_s) / b.period_s
                 from reading where meter_id = b.meter_id and profile = 0
                  and (b.register_sets = '{}' or register_set_id = any(h.holders))
                  and captured_at >= to_timestamp(b.offset_s + b.first_n * b.period_s)
                  and captured_at < to_timestamp(b.offset_s + (b.last_n + 1) * b.period_s)
               union all
               select (floor(extract(epoch from captured_at))::bigint - b.offset_s) / b.period_s
                 from missed where meter_id = b.meter_id and profile = 0
                  and (register_sets is null or register_sets && b.register_sets)
                  and captured_at >= to_timestamp(b.offset_s + b.first_n * b.period_s)
                  and captured_at < to_timestamp(b.offset_s + (b.last_n + 1) * b.period_s))
               ) as empty (n))
    select distinct s.concentrator_id, s.serial, extract(epoch from s.first_at)::bigint,
           extract(epoch from s.next_at)::bigint - 1
      from slot s
     where not exists (select from gap_reason g where g.meter_id = s.meter_id
                          and g.first_at <= s.first_at
                          and g.last_at >= s.next_at - interval '1 second'
                          and (g.reason <> 0 or g.times >= %(times)s))
     order by 1, 2, 3, 4 limit %(spans)s"""


class PostgresGaps:
    """Implements asking.Store. Several processes may ask; each step is one's."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._downlink = Downlink()

    async def wanting(self, limit: int) -> list[Wanted]:
        """Whom to ask now, at most `limit`, who waits longest first, with all that is missing."""
        async with self._pool.connection() as connection, connection.transaction():
            if not await _try_lock(connection):
                return []
            await connection.execute(_LOOK)
            rows = await (await connection.execute(_WANTING.encode(), {
                "contact": CONTACT_S, "most": AGAIN_MOST_S, "patience": PATIENCE_S,
                "kept": _KEPT_DAYS, "limit": limit})).fetchall()
            numbers = [row[0] for row in rows]
            holes = await _holes(connection, numbers) if numbers else {}
            others = [number for number in numbers if number not in holes]
            spans = await _spans(connection, others) if others else {}
        return [Wanted(Sender(*row[:6]), _ranges(row[6]), row[7], tuple(holes.get(row[0], [])),
                       tuple(spans.get(row[0], []))) for row in rows]

    async def note(self, asks: list[Ask], in_vain: list[Sender]) -> list[int | None]:
        """Note these requests, durably, before they are sent; returns the message counter of each,
        None where those are used up.
        """
        asks_by_number = {ask.sender.concentrator_id: ask for ask in asks}
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(
                "select from gap_request where concentrator_id = any(%s)"
                " order by concentrator_id for update", [sorted(asks_by_number)])
            counters = await reserved(connection, [ask.sender for ask in asks], self._downlink)
            for number, ask in sorted(asks_by_number.items()):
                counter = counters[number]
                if counter is not None:
                    await keep_request(connection, ask, request_number(counter))
            await connection.execute(
                "update gap_request set due_at = now() + make_interval(secs => %s)"
                " where concentrator_id = any(%s)",
                [_IN_VAIN_S, [sender.concentrator_id for sender in in_vain]])
        return [counters[ask.sender.concentrator_id] for ask in asks]


async def keep_request(connection: Connection, ask: Ask, number: int) -> None:
    """Note one request in the caller's transaction."""
    by_time = len([one for one in ask.ranges if isinstance(one.of, str)])
    await connection.execute(
        "insert into gap_request as g (concentrator_id, number, asked, by_number, by_time,"
        "   asked_at, due_at, tries)"
        " values (%s, %s, %s, %s, %s, now(), now() + make_interval(secs => %s), %s)"
        " on conflict (concentrator_id) do update set number = excluded.number,"
        "   asked = excluded.asked, by_number = excluded.by_number, by_time = excluded.by_time,"
        "   asked_at = excluded.asked_at, due_at = excluded.due_at, tries = excluded.tries,"
        "   answered_at = null, told = '{}'",
        [ask.sender.concentrator_id, number, encoded(ask, number), len(ask.ranges) - by_time,
         by_time, ask.again_s, ask.tries])
    await connection.execute(
        "insert into gap_history (concentrator_id, number, asked, tries, asked_at)"
        " values (%s, %s, %s, %s, now())",
        [ask.sender.concentrator_id, number, encoded(ask, number), ask.tries])
    await connection.execute(
        "delete from gap_history h using (select concentrator_id, asked_at from gap_history"
        "   where concentrator_id = %s order by asked_at desc offset %s limit 1) as x"
        " where h.concentrator_id = x.concentrator_id and h.asked_at <= x.asked_at",
        [ask.sender.concentrator_id, HISTORY_KEPT])


async def _try_lock(connection: Connection) -> bool:
    """Whether this transaction is the one that looks; ends with it."""
    row = await (await connection.execute(
        "select pg_try_advisory_xact_lock(%s)", [_LOCK])).fetchone()
    assert row is not None
    return bool(row[0])


async def _holes(
        connection: Connection, numbers: list[int]) -> dict[int, list[tuple[bytes, int, int]]]:
    found: defaultdict[int, list[tuple[bytes, int, int]]] = defaultdict(list)
    for number, incarnation, first, last in await (await connection.execute(_HOLES.encode(), {
            "numbers": numbers, "ranges": RANGES_MAX, "patience": PATIENCE_S})).fetchall():
        found[number].append((bytes(incarnation), first, last))
    return found


async def _spans(
        connection: Connection, numbers: list[int]) -> dict[int, list[tuple[str, int, int]]]:
    found: defaultdict[int, list[tuple[str, int, int]]] = defaultdict(list)
    for number, serial, first_s, last_s in await (await connection.execute(_SPANS.encode(), {
            "numbers": numbers, "ranges": RANGES_MAX, "kept": _KEPT_DAYS, "times": SENT_TIMES,
            "spans": _SPANS_MAX * len(numbers)})).fetchall():
        found[number].append((serial, first_s, last_s))
    return found


async def reserved(
        connection: Connection, senders: list[Sender], downlink: Downlink) -> dict[int, int | None]:
    """A message counter for each, as ../store.py reserves those of acknowledgements. None stands
    twice.
    """
    if not senders:
        return {}
    rows = await (await connection.execute(
        "with locked as ("
        "   select e.concentrator_id, e.epoch, e.downlink_count as before"
        "     from concentrator_epoch e"
        "   join unnest(%s::integer[], %s::integer[]) as x (concentrator_id, epoch)"
        "     using (concentrator_id, epoch) order by 1, 2 for no key update of e)"
        " update concentrator_epoch e"
        " set downlink_count = next_downlink_count(e.downlink_count, 1)"
        " from locked l where (e.concentrator_id, e.epoch) = (l.concentrator_id, l.epoch)"
        " returning e.concentrator_id, e.epoch, l.before, e.downlink_count",
        [[sender.concentrator_id for sender in senders],
         [sender.epoch for sender in senders]])).fetchall()
    for number, epoch, before, _ in rows:
        downlink.check((number, epoch), before)
    return {number: downlink.first((number, epoch), last, 1) for number, epoch, _, last in rows}


def _ranges(asked: bytes | None) -> tuple[GapRange, ...]:
    try:
        return () if asked is None else decode_gap_request(asked).ranges
    except WireError:
        return ()
