"""Commands in the database, as they are sent and answered. Every change here is COMMITted before
anything leaves: what is sent is on record, and what is on record may be sent again.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from psycopg.rows import class_row

from wum_cloud.commands import states
from wum_cloud.database import Connection
from wum_shared import cose
from wum_shared.orders import CONSENTS_MAX

KEPT_RECEIPTS = 16            # Of one command: those that say the same are not kept twice.
SIGNED_MAX = 8                # Numbers that one command may use up.
CHALLENGE_S = 600             # A challenge is used so long; the concentrator takes it for longer.
NUMBERED_MAX = 1000           # Acts of one look.
_NUMBERING = 0x57554D0C
_DUE_STATES = [states.REQUESTED, states.APPROVED, *states.ASKED_ABOUT]


class Counters(Protocol):
    """Message counters of the downlink: ingest/downlink.py."""

    def check(self, key: tuple[int, int], before: int) -> None: ...
    def first(self, key: tuple[int, int], last: int, messages: int) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Due:
    """A command whose turn it is, locked."""

    command_id: int
    concentrator_id: int
    device_id: bytes
    tenant: str
    order_id: bytes
    kind: int
    arguments: bytes
    state: str
    begins_at: datetime
    expires_at: datetime
    now: datetime
    sent: int
    is_again: bool
    last_signed: bytes | None
    challenge: bytes | None
    to_group: bytes | None
    consents: list[bytes]


@dataclass(frozen=True, slots=True)
class Asked:
    """A command that a receipt speaks of, locked."""

    command_id: int
    tenant_id: int
    state: str
    kind: int
    is_in_time: bool
    is_newest: bool
    serial: str | None
    to_group: bytes | None


async def number(connection: Connection) -> None:
    """Give acts that are sent for the first time their ids: numbers of orders, so that what a
    concentrator has forgotten is below its floor. Meters of a group share one. One process does.
    """
    await connection.execute(
        "with wanted as materialized (select distinct order_id from command"
        "   where state = 'approved' and not is_numbered and due_at <= now()"
        "     and pg_try_advisory_xact_lock(%s) limit %s),"
        " taken as materialized (select order_id, next_order_sequence() as first from wanted)"
        " update command c set order_id = int8send(t.first), is_numbered = true"
        "   from taken t where c.order_id = t.order_id and not c.is_numbered",
        [_NUMBERING, NUMBERED_MAX])


async def due(connection: Connection, limit: int, command: int | None = None) -> list[Due]:
    """Up to `limit` commands whose turn it is, or the one of this number if it is its turn; another
    process sees others.
    """
    # Rows of other tables that name a command may be written meanwhile ("no key"): a session keeps
    # its pieces while its order is sent again, and each would wait for the other's lock.
    async with connection.cursor(row_factory=class_row(Due)) as cursor:
        await cursor.execute(
            "select c.command_id, c.concentrator_id, x.device_id, t.name as tenant, c.order_id,"
            "       c.kind, c.arguments, c.state, c.begins_at, c.expires_at,"
            "       clock_timestamp() as now, c.sent, c.is_again and c.signed < %s as is_again,"
            "       (select o.signed from command_order o where o.command_id = c.command_id"
            "         order by o.sequence desc limit 1) as last_signed,"
            "       (select h.challenge from order_challenge h"
            "         where h.concentrator_id = c.concentrator_id"
            "           and h.given_at > now() - make_interval(secs => %s)) as challenge,"
            "       c.to_group, array(select k.signed from command_consent k"
            "         where k.command_id = c.command_id order by k.given_at, k.approver limit %s)"
            "         as consents"
            "  from command c join concentrator x using (concentrator_id)"
            "  join tenant t on t.tenant_id = c.tenant_id"
            " where c.state = any(%s) and c.due_at <= now() and x.revoked_at is null"
            "   and (c.is_numbered or c.state = 'requested' or c.expires_at <= now())"
            "   and (%s::bigint is null or c.command_id = %s)"
            " order by c.due_at, c.command_id limit %s for no key update of c skip locked",
            [SIGNED_MAX, CHALLENGE_S, CONSENTS_MAX, _DUE_STATES, command, command, limit])
        return await cursor.fetchall()


async def last_signed(connection: Connection, command: int) -> bytes:
    """The order that was signed last for a command; empty where none was."""
    row = await (await connection.execute(
        "select signed from command_order where command_id = %s order by sequence desc limit 1",
        [command])).fetchone()
    return b"" if row is None else bytes(row[0])


async def next_sequence(connection: Connection) -> int:
    """A number for an order, higher than any before."""
    row = await (await connection.execute("select next_order_sequence()")).fetchone()
    assert row is not None
    return int(row[0])


async def keep_order(
        connection: Connection, due: Due, digest: bytes, sequence: int, signed: bytes, *,
        to_group: bool = False) -> None:
    """An order that was signed for a command; a challenge is used once."""
    await connection.execute(
        "insert into command_order (digest, command_id, sequence, signed, to_group)"
        " values (%s, %s, %s, %s, %s)"
        " on conflict (command_id, digest) do nothing",
        [digest, due.command_id, sequence, signed, to_group])
    await connection.execute(
        "update command set signed = signed + 1, is_again = false where command_id = %s",
        [due.command_id])
    if due.challenge is not None and not to_group:
        await connection.execute(
            "delete from order_challenge where concentrator_id = %s and challenge = %s",
            [due.concentrator_id, due.challenge])


async def move(
        connection: Connection, command_id: int, state: str, *, again_s: int, was_sent: bool,
) -> None:
    """A command's state, and when it is looked at next."""
    await connection.execute(
        "update command set state = %s, due_at = now() + make_interval(secs => %s),"
        " sent = least(sent + %s, 32767), ended_at = case when %s then now() else ended_at end"
        " where command_id = %s",
        [state, again_s, int(was_sent), state in states.OVER, command_id])


async def keys(connection: Connection, concentrator_id: int) -> list[tuple[int, bytes]]:
    """(epoch, sealed keys) of the newest two epochs, the newest first."""
    rows = await (await connection.execute(
        "select epoch, sealed_keys from concentrator_epoch where concentrator_id = %s"
        " order by epoch desc limit 2", [concentrator_id])).fetchall()
    return [(row[0], row[1]) for row in rows]


async def counter(
        connection: Connection, downlink: Counters, concentrator_id: int, epoch: int,
) -> int | None:
    """A message counter, reserved as ingest reserves those of acknowledgements."""
    row = await (await connection.execute(
        "with locked as ("
        "   select downlink_count as before from concentrator_epoch"
        "    where concentrator_id = %(c)s and epoch = %(e)s for no key update)"
        " update concentrator_epoch e set downlink_count = next_downlink_count(l.before, 1)"
        "   from locked l where e.concentrator_id = %(c)s and e.epoch = %(e)s"
        " returning l.before, e.downlink_count", {"c": concentrator_id, "e": epoch})).fetchone()
    assert row is not None
    downlink.check((concentrator_id, epoch), row[0])
    return downlink.first((concentrator_id, epoch), row[1], 1)


async def asked(
        connection: Connection, concentrator_id: int, order_id: bytes, digest: bytes,
) -> list[Asked]:
    """The commands of this act, if an order of this digest was signed for them: one, or those of
    the meters that a group's order meant."""
    async with connection.cursor(row_factory=class_row(Asked)) as cursor:
        await cursor.execute(
            "select c.command_id, c.tenant_id, c.state, c.kind, c.expires_at > now() as is_in_time,"
            "       %s = (select o.digest from command_order o where o.command_id = c.command_id"
            "              order by o.sequence desc limit 1) as is_newest, m.serial, c.to_group"
            "  from command c left join meter m using (meter_id)"
            " where c.concentrator_id = %s and c.order_id = %s"
            "   and exists (select from command_order o where o.command_id = c.command_id"
            "                and o.digest = %s) order by c.command_id for no key update of c",
            [digest, concentrator_id, order_id, digest])
        return await cursor.fetchall()


async def keep_receipt(
        connection: Connection, command_id: int, state: int, signed: bytes) -> bool:
    """Keep a receipt that says something new; whether it does."""
    row = await (await connection.execute(
        "insert into command_receipt (command_id, number, state, signed)"
        " select %(command)s, 1 + count(*), %(state)s, %(signed)s from command_receipt"
        "  where command_id = %(command)s"
        " having count(*) < %(most)s and count(*) filter (where state = %(state)s) = 0"
        " returning number",
        {"command": command_id, "state": state, "signed": signed, "most": KEPT_RECEIPTS}
    )).fetchone()
    return row is not None


async def sealed_in(connection: Connection, command_id: int) -> int:
    """The epoch of the keys with which a command's arguments are sealed."""
    row = await (await connection.execute(
        "select arguments from command where command_id = %s", [command_id])).fetchone()
    assert row is not None
    return cose.peek(bytes(row[0]))[1]


async def told(
        connection: Connection, command_id: int, state: str, words: str, content: bytes) -> None:
    """What the concentrator said of a command."""
    await connection.execute(
        "update command set state = %s, told = %s, content = coalesce(%s, content),"
        " ended_at = case when %s then now() else ended_at end where command_id = %s",
        [state, words[:500], content or None, state in states.OVER, command_id])


async def hurry(
        connection: Connection, command_id: int, after_s: int, *, is_again: bool = False) -> None:
    """Look at a command soon. `is_again`: sign it anew, for its newest order was not taken."""
    await connection.execute(
        "update command set due_at = now() + make_interval(secs => %s), is_again = is_again or %s"
        " where command_id = %s", [after_s, is_again, command_id])


async def keep_challenge(connection: Connection, concentrator_id: int, challenge: bytes) -> None:
    """What the next order of this concentrator may repeat. One that is kept stays as old as it is.
    """
    await connection.execute(
        "insert into order_challenge (concentrator_id, challenge) values (%s, %s)"
        " on conflict (concentrator_id) do update set challenge = excluded.challenge,"
        "   given_at = now() where order_challenge.challenge <> excluded.challenge",
        [concentrator_id, challenge])
