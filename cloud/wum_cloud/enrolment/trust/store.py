"""Trust documents in the database. Secrets come in and go out sealed."""

from dataclasses import dataclass

from psycopg.rows import class_row

from wum_cloud.database import Connection


@dataclass(frozen=True, slots=True)
class Document:
    """A trust document as the root signed it, and the secret halves of its uplink key, None once
    that was destroyed, and of its first order key, None in documents from before there were
    orders. `next_root_key` signs the documents after it."""

    number: int
    signed: bytes
    digest: bytes
    root_key: bytes
    next_root_key: bytes
    uplink_secret_sealed: bytes | None
    order_secret_sealed: bytes | None


_DOCUMENTS = ("select number, signed, digest, root_key, next_root_key, uplink_secret_sealed,"
              " order_secret_sealed"
              " from trust_document")


async def newest(connection: Connection) -> Document | None:
    """The document in force; None before the first."""
    async with connection.cursor(row_factory=class_row(Document)) as cursor:
        await cursor.execute(_DOCUMENTS + " order by number desc limit 1")
        return await cursor.fetchone()


async def with_digest(connection: Connection, digest: bytes) -> Document | None:
    """The document that somebody means; None for one that was never made."""
    async with connection.cursor(row_factory=class_row(Document)) as cursor:
        await cursor.execute(_DOCUMENTS + " where digest = %s", [digest])
        return await cursor.fetchone()


async def last_two(connection: Connection) -> list[Document]:
    """The document in force and the one before it."""
    async with connection.cursor(row_factory=class_row(Document)) as cursor:
        await cursor.execute(_DOCUMENTS + " order by number desc limit 2")
        return await cursor.fetchall()


async def after(connection: Connection, number: int, limit: int) -> list[bytes]:
    """Up to `limit` signed documents that came after this one, in their order."""
    rows = await (await connection.execute(
        "select signed from trust_document where number > %s order by number limit %s",
        [number, limit])).fetchall()
    return [bytes(signed) for signed, in rows]


async def destroy_secrets(connection: Connection, *, kept: int, followed_days: int) -> int:
    """Forget the secret halves of all but the newest `kept` documents, and the uplink secrets of
    those which were followed by another so many days ago; how many of these were forgotten."""
    await connection.execute(
        "update trust_document d set order_secret_sealed = null"
        " where order_secret_sealed is not null"
        "  and (select count(*) from trust_document n where n.number > d.number) >= %s", [kept])
    cursor = await connection.execute(
        "update trust_document d set uplink_secret_sealed = null"
        " where uplink_secret_sealed is not null and ("
        "  (select count(*) from trust_document n where n.number > d.number) >= %s"
        "  or exists (select from trust_document n where n.number > d.number"
        "              and n.made_at <= now() - make_interval(days => %s)))",
        [kept, followed_days])
    return cursor.rowcount


async def add(connection: Connection, document: Document) -> None:
    """Put a new document in force."""
    await connection.execute(
        "insert into trust_document (number, signed, digest, root_key, next_root_key,"
        " uplink_secret_sealed, order_secret_sealed) values (%s, %s, %s, %s, %s, %s, %s)",
        [document.number, document.signed, document.digest, document.root_key,
         document.next_root_key, document.uplink_secret_sealed, document.order_secret_sealed])


async def lock(connection: Connection) -> None:
    """Let nobody else make one until this transaction ends."""
    await connection.execute("lock table trust_document in share row exclusive mode")
