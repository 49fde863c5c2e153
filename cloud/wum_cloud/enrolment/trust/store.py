"""Trust documents in the database. Secrets come in and go out sealed."""

from dataclasses import dataclass

from psycopg.rows import class_row

from wum_cloud.database import Connection


@dataclass(frozen=True, slots=True)
class Document:
    """A trust document as the root signed it, and the secret halves of its uplink key and of its
    first order key; None for that in documents from before there were orders."""

    number: int
    signed: bytes
    digest: bytes
    root_key: bytes
    uplink_secret_sealed: bytes
    order_secret_sealed: bytes | None


_DOCUMENTS = ("select number, signed, digest, root_key, uplink_secret_sealed, order_secret_sealed"
              " from trust_document")


async def newest(connection: Connection) -> Document | None:
    """The document in force; None before the first."""
    async with connection.cursor(row_factory=class_row(Document)) as cursor:
        await cursor.execute(_DOCUMENTS + " order by number desc limit 1")
        return await cursor.fetchone()


async def last_two(connection: Connection) -> list[Document]:
    """The document in force and the one before it: both are good for opening an epoch."""
    async with connection.cursor(row_factory=class_row(Document)) as cursor:
        await cursor.execute(_DOCUMENTS + " order by number desc limit 2")
        return await cursor.fetchall()


async def add(connection: Connection, document: Document) -> None:
    """Put a new document in force."""
    await connection.execute(
        "insert into trust_document (number, signed, digest, root_key, uplink_secret_sealed,"
        " order_secret_sealed) values (%s, %s, %s, %s, %s, %s)",
        [document.number, document.signed, document.digest, document.root_key,
         document.uplink_secret_sealed, document.order_secret_sealed])


async def lock(connection: Connection) -> None:
    """Let nobody else make one until this transaction ends."""
    await connection.execute("lock table trust_document in share row exclusive mode")
