"""Uploaded registry files in the database. Every question is about a single tenant."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from wum_cloud.database import Connection

KEPT_DAYS = 7
STALLED_S = 90          # An import whose process says nothing for so long was cut off.


@dataclass(frozen=True, slots=True)
class Upload:
    """An uploaded file without its content. `is_stalled`: whoever imported it is gone."""

    number: int
    name: str
    uploaded_by: str
    uploaded_at: datetime
    state: str
    stage: str
    done: int
    total: int
    report: dict[str, Any]
    is_stalled: bool


_UPLOAD = """
    select registry_import_id as number, name, uploaded_by, uploaded_at, state, stage, done, total,
           report, state = 'importing'
                   and touched_at < now() - make_interval(secs => %(stalled)s) as is_stalled
      from registry_import where tenant_id = %(tenant)s"""


async def keep(
        connection: Connection, tenant: int, name: str, content: bytes, by: str,
        report: dict[str, Any], state: str) -> int:
    """Keep a file that was checked; its number. Files of last week are forgotten."""
    await connection.execute(
        "delete from registry_import where uploaded_at < now() - make_interval(days => %s)",
        [KEPT_DAYS])
    row = await (await connection.execute(
        "insert into registry_import (tenant_id, name, content, uploaded_by, report, state, total)"
        " values (%s, %s, %s, %s, %s, %s, %s) returning registry_import_id",
        [tenant, name, content, by, Jsonb(report), state, report["rows"]])).fetchone()
    assert row is not None
    return int(row[0])


async def upload(connection: Connection, tenant: int, number: int) -> Upload | None:
    """One of the tenant's; None where there is none such."""
    async with connection.cursor(row_factory=class_row(Upload)) as cursor:
        await cursor.execute((_UPLOAD + " and registry_import_id = %(number)s").encode(),
                             {"tenant": tenant, "number": number, "stalled": STALLED_S})
        return await cursor.fetchone()


async def begin(connection: Connection, tenant: int, number: int) -> bytes | None:
    """Take a checked file for importing; its content, or None where it is not to be had."""
    row = await (await connection.execute(
        "update registry_import set state = 'importing', stage = '', done = 0, touched_at = now()"
        " where tenant_id = %s and registry_import_id = %s and (state = 'checked'"
        "   or state = 'importing' and touched_at < now() - make_interval(secs => %s))"
        " returning content", [tenant, number, STALLED_S])).fetchone()
    return None if row is None else bytes(row[0])


async def progress(connection: Connection, number: int, stage: str, done: int) -> None:
    """How far it is."""
    await connection.execute(
        "update registry_import set stage = %s, done = %s, touched_at = now()"
        " where registry_import_id = %s", [stage, done, number])


async def finish(connection: Connection, number: int, state: str, report: dict[str, Any]) -> None:
    """It is imported, or was refused after all."""
    await connection.execute(
        "update registry_import set state = %s, report = %s, touched_at = now()"
        " where registry_import_id = %s", [state, Jsonb(report), number])
