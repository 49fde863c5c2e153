"""Commands in the database, as people ask for and look at them."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from wum_cloud.database import Connection
from wum_cloud.registry.reach import Reach
from wum_cloud.registry.sites.store import within

_REACH = " and c.tenant_id = %(tenant)s"


@dataclass(frozen=True, slots=True)
class Target:
    """A concentrator, and the meter behind it that is meant."""

    concentrator_id: int
    device_id: bytes
    meter_id: int | None
    serial: str


@dataclass(frozen=True, slots=True)
class New:
    """A command that is to be kept. `to_group`: group and version whose members get one order."""

    target: Target
    order_id: bytes
    kind: int
    arguments: bytes
    shown: str
    group_id: int | None = None
    to_group: bytes | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What all commands of one request share."""

    tenant_id: int
    reason: str
    requested_by: str
    needs_approval: bool
    begins_at: datetime
    expires_at: datetime
    consents: int = 0


@dataclass(frozen=True, slots=True)
class Command:
    """A command as people see it."""

    command_id: int
    request_id: int
    device_id: bytes
    concentrator: str
    serial: str | None
    kind: int
    shown: str
    reason: str
    state: str
    requested_by: str
    requested_at: datetime
    needs_approval: bool
    approved_by: str | None
    approved_at: datetime | None
    begins_at: datetime
    expires_at: datetime
    sent: int
    told: str
    content: bytes | None
    ended_at: datetime | None
    group_name: str | None
    is_flooded: bool
    consents: int
    consented: int


@dataclass(frozen=True, slots=True)
class Found:
    """What somebody who looks for a target is shown."""

    target: str
    about: str
    behind: str


@dataclass(frozen=True, slots=True)
class Progress:
    """A request of several commands: so many of them are over, and how."""

    request_id: int
    kind: int
    group_name: str | None
    reason: str
    requested_by: str
    requested_at: datetime
    commands: int
    done: int
    failed: int
    unknown: int
    withdrawn: int


_COMMANDS = """
    select c.command_id, c.request_id, x.device_id, x.name as concentrator, m.serial, c.kind,
           c.shown, c.reason, c.state, c.requested_by, c.requested_at, c.needs_approval,
           c.approved_by, c.approved_at, c.begins_at, c.expires_at, c.sent, c.told, c.content,
           c.ended_at, g.name as group_name, c.to_group is not null as is_flooded, c.consents,
           (select count(*) from command_consent k where k.command_id = c.command_id) as consented
      from command c join concentrator x using (concentrator_id)
      left join command_group g on g.group_id = c.group_id
      left join meter m on m.meter_id = c.meter_id
     where c.tenant_id = %(tenant)s"""


async def has_order_key(connection: Connection) -> bool:
    """Whether the trust document in force names a key that signs orders."""
    row = await (await connection.execute(
        "select order_secret_sealed is not null from trust_document order by number desc limit 1"
    )).fetchone()
    return row is not None and bool(row[0])


async def meters(connection: Connection, reach: Reach, serials: list[str]) -> list[Target]:
    """The meters of these serials that are in reach, each with its concentrator."""
    return await _targets(connection, reach, (
        "select c.concentrator_id, c.device_id, m.meter_id, m.serial from meter m"
        " join concentrator c using (concentrator_id)"
        " where m.serial = any(%(names)s) and c.revoked_at is null and c.planned_at is null"
        + _REACH), serials)


async def concentrators(
        connection: Connection, reach: Reach, device_ids: list[bytes]) -> list[Target]:
    """The concentrators of these ids that are in reach."""
    return await _targets(connection, reach, (
        "select c.concentrator_id, c.device_id, null::bigint as meter_id, '' as serial"
        " from concentrator c"
        " where c.device_id = any(%(names)s) and c.revoked_at is null and c.planned_at is null"
        + _REACH), device_ids)


async def _targets(
        connection: Connection, reach: Reach, query: str, names: list[str] | list[bytes],
) -> list[Target]:
    async with connection.cursor(row_factory=class_row(Target)) as cursor:
        await cursor.execute(
            (query + within(reach, "c.site_id")).encode(),
            {"tenant": reach.tenant_id, "branch": reach.site_id, "names": names})
        return await cursor.fetchall()


async def power_taken(connection: Connection, tenant: int, kinds: list[int]) -> int:
    """How many commands of these kinds nobody else approved, of the last hour. Locks the tenant, so
    that nobody asks beside us."""
    await connection.execute(
        "select from tenant where tenant_id = %s for no key update", [tenant])
    row = await (await connection.execute(
        "select count(*) from command where tenant_id = %s and kind = any(%s)"
        " and not needs_approval and requested_at > now() - interval '1 hour'"
        " and state <> 'withdrawn'", [tenant, kinds])).fetchone()
    assert row is not None
    return int(row[0])


async def add(connection: Connection, terms: Terms, commands: list[New]) -> tuple[int, list[int]]:
    """Keep the commands of one request; its number, and theirs."""
    row = await (await connection.execute("select nextval('command_request')")).fetchone()
    assert row is not None
    numbers = []
    for one in commands:
        made = await (await connection.execute(
            "insert into command (tenant_id, concentrator_id, meter_id, request_id, order_id, kind,"
            " arguments, shown, reason, state, requested_by, needs_approval, begins_at, expires_at,"
            " due_at, group_id, to_group, consents) values (" + ", ".join(["%s"] * 18) + ")"
            " returning command_id",
            [terms.tenant_id, one.target.concentrator_id, one.target.meter_id, row[0],
             one.order_id, one.kind, one.arguments, one.shown, terms.reason,
             "requested" if terms.needs_approval else "approved", terms.requested_by,
             terms.needs_approval, terms.begins_at, terms.expires_at,
             terms.expires_at if terms.needs_approval else terms.begins_at, one.group_id,
             one.to_group, terms.consents])).fetchone()
        assert made is not None
        numbers.append(int(made[0]))
    return int(row[0]), numbers


async def listed(
        connection: Connection, reach: Reach, before: int | None, limit: int,
        state: str | None = None, kind: int | None = None, search: str = "",
        request: int | None = None, without: tuple[int, ...] = ()) -> list[Command]:
    """Up to `limit` commands, the newest first, numbered below `before`, none of the kinds
    `without`."""
    return await _commands(
        connection, reach, " and c.kind <> all(%(without)s)"
        " and (%(before)s::bigint is null or c.command_id < %(before)s)"
        " and (%(state)s::text is null or c.state = %(state)s)"
        " and (%(kind)s::int is null or c.kind = %(kind)s)"
        " and (%(request)s::bigint is null or c.request_id = %(request)s)"
        " and (%(search)s = '' or strpos(lower(concat_ws(' ', m.serial, x.name, g.name,"
        "      c.requested_by, c.reason)), lower(%(search)s)) > 0)",
        before=before, limit=limit, state=state, kind=kind, search=search, request=request,
        without=list(without))


async def found(
        connection: Connection, reach: Reach, search: str, limit: int, *, of_meters: bool,
) -> list[Found]:
    """Meters, or concentrators, whose name or place has this in it."""
    query = (
        "select m.serial as target, concat_ws(', ', p.name, m.model) as about, c.name as behind"
        "  from meter m join concentrator c using (concentrator_id)"
        "  join delivery_point p on p.delivery_point_id = m.delivery_point_id"
        " where c.revoked_at is null and c.planned_at is null"
        "   and strpos(lower(concat_ws(' ', m.serial, p.name, c.name)),"
        "       lower(%(search)s)) > 0" + _REACH if of_meters else
        "select encode(c.device_id, 'hex') as target, c.name as about, '' as behind"
        "  from concentrator c where c.revoked_at is null and c.planned_at is null"
        "   and strpos(lower(concat_ws(' ', encode(c.device_id, 'hex'), c.name)),"
        "       lower(%(search)s)) > 0" + _REACH)
    async with connection.cursor(row_factory=class_row(Found)) as cursor:
        await cursor.execute(
            (query + within(reach, "c.site_id") + " order by 1 limit %(limit)s").encode(),
            {"tenant": reach.tenant_id, "branch": reach.site_id, "search": search, "limit": limit})
        return await cursor.fetchall()


async def progress(
        connection: Connection, reach: Reach, limit: int, without: tuple[int, ...],
) -> list[Progress]:
    """Requests of several commands of the last week, the newest first: how many stand where."""
    async with connection.cursor(row_factory=class_row(Progress)) as cursor:
        await cursor.execute((
            "select c.request_id, min(c.kind) as kind, min(g.name) as group_name,"
            "       min(c.reason) as reason, min(c.requested_by) as requested_by,"
            "       min(c.requested_at) as requested_at, count(*) as commands,"
            "       count(*) filter (where c.state = 'done') as done,"
            "       count(*) filter (where c.state in ('failed', 'expired')) as failed,"
            "       count(*) filter (where c.state = 'unknown') as unknown,"
            "       count(*) filter (where c.state = 'withdrawn') as withdrawn"
            "  from command c join concentrator x using (concentrator_id)"
            "  left join command_group g on g.group_id = c.group_id"
            " where c.tenant_id = %(tenant)s and c.requested_at > now() - interval '7 days'"
            "   and c.kind <> all(%(without)s)"
            + within(reach, "x.site_id") +
            " group by c.request_id having count(*) > 1 order by 1 desc limit %(limit)s").encode(),
            {"tenant": reach.tenant_id, "branch": reach.site_id, "limit": limit,
             "without": list(without)})
        return await cursor.fetchall()


async def life(connection: Connection, number: int) -> list[tuple[str, datetime]]:
    """When a command was signed first, and each thing that the concentrator said first."""
    rows = await (await connection.execute(
        "select 'sent', min(made_at) from command_order where command_id = %(n)s"
        " having min(made_at) is not null"
        " union all select state::text, min(received_at) from command_receipt"
        "   where command_id = %(n)s group by state order by 2", {"n": number})).fetchall()
    return [(row[0], row[1]) for row in rows]


async def one(connection: Connection, reach: Reach, number: int) -> Command | None:
    """The command with this number, if it is in reach."""
    found = await _commands(connection, reach, " and c.command_id = %(number)s", number=number,
                            limit=1)
    return found[0] if found else None


async def of_request(connection: Connection, reach: Reach, request: int) -> list[Command]:
    """The commands of one request that are in reach, locked."""
    async with connection.cursor(row_factory=class_row(Command)) as cursor:
        await cursor.execute(
            (_COMMANDS + within(reach, "x.site_id") + " and c.request_id = %(request)s"
             " order by c.command_id for no key update of c").encode(),
            {"tenant": reach.tenant_id, "branch": reach.site_id, "request": request})
        return await cursor.fetchall()


async def size_of_request(connection: Connection, tenant: int, request: int) -> int:
    """How many commands a request has, in reach or not."""
    row = await (await connection.execute(
        "select count(*) from command where tenant_id = %s and request_id = %s",
        [tenant, request])).fetchone()
    assert row is not None
    return int(row[0])


async def approve(connection: Connection, numbers: list[int], by: str) -> None:
    """A second person agrees."""
    await connection.execute(
        "update command set state = 'approved', approved_by = %s, approved_at = now(),"
        " due_at = begins_at where command_id = any(%s) and state = 'requested'", [by, numbers])


async def withdraw(connection: Connection, numbers: list[int], by: str) -> None:
    """Nothing of it was sent, and nothing will be."""
    await connection.execute(
        "update command set state = 'withdrawn', ended_at = now(), told = %s"
        " where command_id = any(%s) and state in ('requested', 'approved')",
        ["withdrawn by " + by, numbers])


async def proof(
        connection: Connection, number: int) -> tuple[bytes, list[bytes], list[tuple[bytes, str]]]:
    """(identity key, the signed orders of a command, receipts with their moment)."""
    row = await (await connection.execute(
        "select x.identity_key from command c join concentrator x using (concentrator_id)"
        " where command_id = %s", [number])).fetchone()
    assert row is not None
    signed = await (await connection.execute(
        "select signed from command_order where command_id = %s order by sequence",
        [number])).fetchall()
    receipts = await (await connection.execute(
        "select signed, received_at::text from command_receipt where command_id = %s"
        " order by number", [number])).fetchall()
    return row[0], [one[0] for one in signed], [(one[0], one[1]) for one in receipts]


async def _commands(
        connection: Connection, reach: Reach, which: str, *, limit: int, before: int | None = None,
        number: int | None = None, state: str | None = None, kind: int | None = None,
        search: str = "", request: int | None = None, without: list[int] | None = None,
) -> list[Command]:
    async with connection.cursor(row_factory=class_row(Command)) as cursor:
        await cursor.execute(
            (_COMMANDS + which + within(reach, "x.site_id")
             + " order by c.command_id desc limit %(limit)s").encode(),
            {"tenant": reach.tenant_id, "branch": reach.site_id, "before": before,
             "limit": limit, "number": number, "state": state, "kind": kind, "search": search,
             "request": request, "without": without or []})
        return await cursor.fetchall()
