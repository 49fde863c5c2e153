"""Releases in the database. A release is never changed."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from wum_cloud.database import Connection


@dataclass(frozen=True, slots=True)
class New:
    """A release that is to be kept."""

    sequence: int
    digest: bytes
    target: str
    version: str
    commit: str
    envelope: bytes
    content: bytes
    index: bytes
    bill: str
    signers: list[str]
    threshold: int
    taken_by: str


@dataclass(frozen=True, slots=True)
class Release:
    """A release as people see it. `running`: concentrators that say they run it."""

    release_id: int
    sequence: int
    digest: bytes
    target: str
    version: str
    commit_id: str
    size: int
    signers: list[str]
    threshold: int
    taken_by: str
    taken_at: datetime
    running: int


_RELEASES = """
    select r.release_id, r.sequence, r.digest, r.target, r.version, r.commit_id,
           octet_length(r.content) as size, r.signers, r.threshold, r.taken_by, r.taken_at,
           (select count(*) from update_standing s join concentrator c using (concentrator_id)
             where s.digest = r.digest and c.tenant_id = r.tenant_id and s.state <> 3) as running
      from release r where r.tenant_id = %(tenant)s"""


async def numbered(
        connection: Connection, tenant: int, target: str, sequence: int,
) -> tuple[int, bytes, bytes] | None:
    """(number, digest, envelope) of the release with this sequence. Nobody adds one beside us until
    the transaction ends.
    """
    await connection.execute(
        "select from tenant where tenant_id = %s for no key update", [tenant])
    row = await (await connection.execute(
        "select release_id, digest, envelope from release"
        " where tenant_id = %s and target = %s and sequence = %s",
        [tenant, target, sequence])).fetchone()
    return None if row is None else (row[0], bytes(row[1]), bytes(row[2]))


async def sign_anew(connection: Connection, number: int, envelope: bytes, signers: list[str],
                    threshold: int) -> None:
    """The same release, signed by others."""
    await connection.execute(
        "update release set envelope = %s, signers = %s, threshold = %s where release_id = %s",
        [envelope, signers, threshold, number])


async def add(connection: Connection, tenant: int, one: New) -> int:
    """Keep it; its number."""
    row = await (await connection.execute(
        "insert into release (tenant_id, sequence, digest, target, version, commit_id, envelope,"
        " content, chunk_index, bill, signers, threshold, taken_by)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) returning release_id",
        [tenant, one.sequence, one.digest, one.target, one.version, one.commit, one.envelope,
         one.content, one.index, one.bill, one.signers, one.threshold, one.taken_by])).fetchone()
    assert row is not None
    return int(row[0])


async def listed(connection: Connection, tenant: int, before: int | None,
                 limit: int) -> list[Release]:
    """Up to `limit`, the newest first, numbered below `before`."""
    async with connection.cursor(row_factory=class_row(Release)) as cursor:
        await cursor.execute(
            _RELEASES + " and (%(before)s::bigint is null or r.release_id < %(before)s)"
            " order by r.release_id desc limit %(limit)s",
            {"tenant": tenant, "before": before, "limit": limit})
        return await cursor.fetchall()


async def one(connection: Connection, tenant: int, number: int) -> Release | None:
    """The release with this number."""
    async with connection.cursor(row_factory=class_row(Release)) as cursor:
        await cursor.execute(_RELEASES + " and r.release_id = %(number)s",
                             {"tenant": tenant, "number": number})
        return await cursor.fetchone()


async def bill(connection: Connection, tenant: int, number: int) -> str | None:
    """Its bill of materials, as it came."""
    row = await (await connection.execute(
        "select bill from release where tenant_id = %s and release_id = %s",
        [tenant, number])).fetchone()
    return None if row is None else str(row[0])


async def pieces(
        connection: Connection, tenant: int, digest: bytes, *, of_index: bool, start: int,
        size: int) -> bytes | None:
    """Bytes of a release's content or of its index; None where there is no such release."""
    query = ("select substring(chunk_index from %s for %s) from release"
             " where tenant_id = %s and digest = %s" if of_index else
             "select substring(content from %s for %s) from release"
             " where tenant_id = %s and digest = %s")
    row = await (await connection.execute(query, [start + 1, size, tenant, digest])).fetchone()
    return None if row is None else bytes(row[0])
