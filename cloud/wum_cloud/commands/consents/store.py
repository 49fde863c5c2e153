"""Consents in the database, and whom the trust document in force lets give them."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from wum_cloud.commands.consents.approvers import NOBODY, Approvers, named_in
from wum_cloud.database import Connection


@dataclass(frozen=True, slots=True)
class Wanting:
    """A command of a request that wants consents, as it is to be signed."""

    command_id: int
    device_id: bytes
    kind: int
    arguments: bytes
    begins_s: int
    expires_s: int
    consents: int
    given: int


async def approvers(connection: Connection) -> Approvers:
    """Who signs above a cap, by the trust document in force."""
    row = await (await connection.execute(
        "select next_root_key, signed from trust_document order by number desc limit 1"
    )).fetchone()
    return NOBODY if row is None else named_in(bytes(row[0]), bytes(row[1]))


async def wanting(connection: Connection, numbers: list[int]) -> list[Wanting]:
    """Those of these commands that want consents."""
    async with connection.cursor(row_factory=class_row(Wanting)) as cursor:
        await cursor.execute(
            "select c.command_id, x.device_id, c.kind, c.arguments,"
            "       floor(extract(epoch from c.begins_at))::bigint as begins_s,"
            "       floor(extract(epoch from c.expires_at))::bigint as expires_s, c.consents,"
            "       (select count(*) from command_consent g where g.command_id = c.command_id)"
            "         as given"
            "  from command c join concentrator x using (concentrator_id)"
            " where c.command_id = any(%s) and c.consents > 0 order by c.command_id", [numbers])
        return await cursor.fetchall()


@dataclass(frozen=True, slots=True)
class Signer:
    """An approver of a command. `given_at` is None while the signature is missing; `is_named`:
    by the trust document in force."""

    key: bytes
    given_at: datetime | None
    given_by: str | None
    is_named: bool


async def signers(connection: Connection, command_id: int) -> list[Signer]:
    """Who has signed a command, in that order, and then who still may."""
    rows = await (await connection.execute(
        "select approver, given_at, given_by from command_consent where command_id = %s"
        " order by given_at, approver", [command_id])).fetchall()
    named = (await approvers(connection)).keys
    given = [Signer(bytes(key), at, str(by), bytes(key) in named) for key, at, by in rows]
    have = [one.key for one in given]
    return given + [Signer(key, None, None, True) for key in named if key not in have]


async def keep(connection: Connection, command_id: int, approver: bytes, signed: bytes,
               by: str) -> bool:
    """Keep one; False where this approver has given it already."""
    done = await connection.execute(
        "insert into command_consent (command_id, approver, signed, given_by)"
        " values (%s, %s, %s, %s) on conflict do nothing", [command_id, approver, signed, by])
    return done.rowcount == 1
