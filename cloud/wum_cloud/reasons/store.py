"""Reasons that somebody told: the one place for ingest, gap answers and whoever else knows one.

A reason is about some meters, or all, of one concentrator, and about a span of capture times. Where
only sequence numbers are known the span lies between the batches around them, looked up whenever
it is asked for: a batch that comes later narrows it. Left out: which reason an interval has
(ledger/slots/store.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from wum_cloud.database import Connection
from wum_cloud.reasons.names import REASONS, TOLD_REASONS

TOLD_MAX = 4000             # Of one concentrator, the newest.
ARRIVALS_KEPT_DAYS = 60     # No archive on a concentrator is longer.


@dataclass(frozen=True, slots=True)
class Told:
    """`reason` is one of TOLD_REASONS; `meter_ids` None: all meters of the concentrator.

    Captured from `after_at` to `before_at`; where one of them is None, the sequence numbers say
    it: captured between the batches around them.
    """

    concentrator_id: int
    reason: str
    meter_ids: tuple[int, ...] | None = None
    incarnation: bytes | None = None
    first_sequence: int | None = None
    last_sequence: int | None = None
    after_at: datetime | None = None
    before_at: datetime | None = None
    note: str = ""

    @property
    def digest(self) -> bytes:
        """The same for what is said again."""
        return sha256(repr((
            self.concentrator_id, self.reason, self.meter_ids, self.incarnation,
            self.first_sequence, self.last_sequence,
            None if self.after_at is None else self.after_at.timestamp(),
            None if self.before_at is None else self.before_at.timestamp(),
        )).encode()).digest()


async def tell(connection: Connection, told: Sequence[Told]) -> None:
    """Keep these reasons, and have the days of their concentrators counted again."""
    assert all(one.reason in TOLD_REASONS for one in told)
    rows = sorted({one.digest: one for one in told}.items())
    if not rows:
        return
    async with connection.cursor() as cursor:
        await cursor.executemany(
            "insert into reason_told (digest, concentrator_id, meter_ids, incarnation,"
            "   first_sequence, last_sequence, after_at, before_at, reason, note)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) on conflict (digest) do nothing",
            [(digest, one.concentrator_id,
              None if one.meter_ids is None else sorted(one.meter_ids), one.incarnation,
              one.first_sequence, one.last_sequence, one.after_at, one.before_at, one.reason,
              one.note) for digest, one in rows])
        await cursor.executemany(
            "insert into ledger_mark (concentrator_id) values (%s)",
            [[number] for number in sorted({one.concentrator_id for one in told})])


async def tell_of_serials(
        connection: Connection, tenant: int,
        told: Sequence[tuple[tuple[str, ...], Told]]) -> None:
    """The same of meters by their serials, each told to whichever concentrator has the meter now.

    Sequence numbers say nothing to another concentrator than their own: there the times must.
    """
    serials = sorted({serial for names, _ in told for serial in names})
    rows = await (await connection.execute(
        "select serial, concentrator_id, meter_id from meter where tenant_id = %s"
        " and serial = any(%s)", [tenant, serials])).fetchall() if serials else []
    owned = {serial: (owner, meter) for serial, owner, meter in rows}
    found = []
    for names, one in told:
        owners = [owned[name] for name in names if name in owned]
        for owner in sorted({owner for owner, _ in owners}):
            meters = tuple(sorted([meter for other, meter in owners if other == owner]))
            if owner == one.concentrator_id:
                found.append(replace(one, meter_ids=meters))
            elif one.after_at is not None and one.before_at is not None:
                found.append(Told(owner, one.reason, meters, after_at=one.after_at,
                                  before_at=one.before_at, note=one.note))
    await tell(connection, found)


async def trim(connection: Connection, concentrators: Sequence[int], now: datetime) -> None:
    """Forget of these concentrators what is over the limits."""
    await connection.execute(
        "delete from reason_told t using ("
        "  select reason_id, row_number() over (partition by concentrator_id"
        "    order by told_at desc, reason_id desc) as n"
        "  from reason_told where concentrator_id = any(%s)) as x"
        " where t.reason_id = x.reason_id and x.n > %s", [list(concentrators), TOLD_MAX])
    await connection.execute(
        "delete from batch_arrival where concentrator_id = any(%s)"
        " and arrived_at < %s::timestamptz - make_interval(days => %s)",
        [list(concentrators), now, ARRIVALS_KEPT_DAYS])


# From asked_of (concentrator_id, during: the days that are counted) to told_span (concentrator_id,
# meter_ids, reason, during). Numbers that are outstanding in the newest archive may still come;
# those of an archive that another one replaced will not, its open end included.
SPANS = """
    archives as (
        select a.*, coalesce(upper(a.received + a.lost), 1) as reached,
               lead(a.incarnation) over next as next_incarnation,
               lead(a.first_seen_at) over next as next_seen_at
          from archive a where a.concentrator_id in (select concentrator_id from asked_of)
        window next as (partition by a.concentrator_id order by a.first_seen_at, a.incarnation)),
    hole as (
        select a.concentrator_id, a.incarnation, lower(h.r) as first_sequence,
               upper(h.r) - 1 as last_sequence,
               case when upper_inf(h.r) then coalesce((
                   select min(b.first_captured_at) from batch_arrival b
                    where (b.concentrator_id, b.incarnation)
                        = (a.concentrator_id, a.next_incarnation)), a.next_seen_at) end
                   as before_at,
               case when a.next_seen_at is null then 'awaited' else 'archive_gap' end as reason,
               coalesce(a.next_seen_at, a.last_batch_at) as told_at
          from archives a cross join lateral (
               select unnest(int8multirange(int8range(
                   1, case when a.next_seen_at is null then a.reached end))
                   - a.received - a.lost) as r order by 1 desc limit 200) as h),
    known as (
        select concentrator_id, null::bigint[] as meter_ids, incarnation, first_sequence,
               last_sequence, null::timestamptz as after_at, null::timestamptz as before_at,
               case when reason in (2, 4) then 'dropped' else 'archive_gap' end as reason,
               arrived_at as told_at
          from archive_loss
         where concentrator_id in (select concentrator_id from asked_of)
           and arrived_at > %(now)s::timestamptz - interval '60 days'
        union all
        select concentrator_id, meter_ids, incarnation, first_sequence, last_sequence, after_at,
               before_at, reason, told_at
          from reason_told where concentrator_id in (select concentrator_id from asked_of)
        union all
        select concentrator_id, null, incarnation, first_sequence, last_sequence, null, before_at,
               reason, told_at
          from hole),
    bracketed as (
        select k.concentrator_id, k.meter_ids, k.reason,
               coalesce(k.after_at, below.captured_at, (
                   select max(o.last_captured_at) from batch_arrival o join archives a
                       on a.concentrator_id = o.concentrator_id
                      and a.next_incarnation = k.incarnation and a.incarnation = o.incarnation
                    where o.concentrator_id = k.concentrator_id), '-infinity') as after_at,
               coalesce(k.before_at, above.captured_at, k.told_at) as before_at
          from known k
          left join lateral (
               select b.last_captured_at as captured_at from batch_arrival b
                where k.after_at is null and b.concentrator_id = k.concentrator_id
                  and b.incarnation = k.incarnation and b.last_sequence < k.first_sequence
                  and b.last_captured_at is not null
                order by b.last_sequence desc limit 1) as below on true
          left join lateral (
               select b.first_captured_at as captured_at from batch_arrival b
                where k.before_at is null and b.concentrator_id = k.concentrator_id
                  and b.incarnation = k.incarnation and b.last_sequence > k.last_sequence
                  and b.first_sequence > k.last_sequence and b.first_captured_at is not null
                order by b.last_sequence limit 1) as above on true),
    told_span as materialized (
        select t.concentrator_id, t.meter_ids, t.reason, t.during,
               array_position(array['{reasons}'], t.reason) as place
          from (select concentrator_id, meter_ids, reason, tstzrange(
                       least(after_at, before_at), greatest(after_at, before_at), '[]') as during
                  from bracketed) as t
         where exists (select from asked_of o
                        where o.concentrator_id = t.concentrator_id and o.during && t.during))
""".replace("{reasons}", "', '".join(TOLD_REASONS))
assert set(TOLD_REASONS) <= set(REASONS)
