"""Sessions in the database: whose they are, and every piece that went either way."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from wum_cloud.database import Connection
from wum_shared.orders import SESSION
from wum_shared.session import Piece


@dataclass(frozen=True, slots=True)
class Lent:
    """A session that was asked for, as its relay needs it. `order_id` is given when it is sent."""

    command_id: int
    concentrator_id: int
    tenant_id: int
    device_id: bytes
    identity_key: bytes
    tenant: str
    serial: str
    order_id: bytes
    state: str
    told: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Recorded:
    """One piece, as people see it."""

    direction: str
    number: int
    at: datetime
    data: bytes


async def lent(connection: Connection, command_id: int) -> Lent | None:
    """The session with this number of a command."""
    async with connection.cursor(row_factory=class_row(Lent)) as cursor:
        await cursor.execute(
            "select c.command_id, c.concentrator_id, c.tenant_id, x.device_id, x.identity_key,"
            "       t.name as tenant, m.serial, c.order_id, c.state, c.told, c.expires_at"
            "  from command c join concentrator x using (concentrator_id)"
            "  join tenant t on t.tenant_id = c.tenant_id join meter m on m.meter_id = c.meter_id"
            " where c.command_id = %s and c.kind = %s", [command_id, SESSION])
        return await cursor.fetchone()


async def record(connection: Connection, command_id: int, piece: Piece, signed: bytes) -> bool:
    """Keep a piece; False where it is kept already."""
    done = await connection.execute(
        "insert into session_piece (command_id, direction, number, data, signed)"
        " values (%s, %s, %s, %s, %s) on conflict do nothing",
        [command_id, piece.direction, piece.number, piece.data, signed])
    return done.rowcount == 1


async def recorded(connection: Connection, command_id: int) -> list[Recorded]:
    """All pieces of a session, in the order they were kept; at most 1000."""
    async with connection.cursor(row_factory=class_row(Recorded)) as cursor:
        await cursor.execute(
            "select direction, number, at, data from session_piece where command_id = %s"
            " order by at, direction, number limit 1000", [command_id])
        return await cursor.fetchall()
