"""Importing a registry file: checked whole, and then written whole or not at all.

Left out: SQL (the store.py of staging, checks and merge), and where the file comes from. Readings,
keys and secrets are in no registry file.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any

from psycopg import Rollback

from wum_cloud.audit import acts
from wum_cloud.audit.acts import Actor
from wum_cloud.audit.store import note
from wum_cloud.database import Connection
from wum_cloud.registry.bulk.checks.store import faults as faults_between
from wum_cloud.registry.bulk.columns import COLUMNS, KINDS, Fault, checked
from wum_cloud.registry.bulk.export.store import rows as exported
from wum_cloud.registry.bulk.file import FAULTS_MAX, rows_of, written
from wum_cloud.registry.bulk.merge.store import merge
from wum_cloud.registry.bulk.staging.store import drop, stage

READING, CHECKING, WRITING = "reading", "checking", "writing"    # Stages, in their order.
STAGES = (READING, CHECKING, WRITING)

Told = Callable[[str, int, int], Awaitable[None]]    # (stage, rows done, rows in all).


@dataclass(frozen=True, slots=True)
class Report:
    """What a file would do, or has done. With faults nothing is written. `counts` by kind: how many
    rows are new, changed, and the same as before.
    """

    rows: int
    faults: list[Fault]
    more_faults: int            # Beyond those listed.
    counts: dict[str, dict[str, int]]

    @property
    def is_good(self) -> bool:
        """Whether it can be imported."""
        return not self.faults

    def changes(self) -> int:
        """Rows that are new or changed."""
        return sum([count["new"] + count["changed"] for count in self.counts.values()])

    def as_json(self) -> dict[str, Any]:
        """For a column of the database."""
        return asdict(self)


def report_of(kept: dict[str, Any]) -> Report:
    """The report that `as_json` wrote."""
    return Report(kept["rows"], [Fault(**fault) for fault in kept["faults"]],
                  kept["more_faults"], kept["counts"])


async def import_registry(
        connection: Connection, tenant: int, actor: Actor, content: bytes, told: Told, *,
        dry_run: bool) -> Report:
    """Check the file, and import it unless it has a fault or `dry_run`; one transaction.

    Raises BulkRefused where the file is no registry file at all.
    """
    found: list[Fault] = []
    rows = 0
    counts: dict[str, dict[str, int]] = {}
    async with connection.transaction() as whole:
        rows = await _stage(connection, tenant, content, found, told)
        await told(CHECKING, 0, rows)
        found += await faults_between(connection, tenant, FAULTS_MAX + 1)
        if not found:
            async def writing(done: int) -> None:
                await told(WRITING, done, rows)

            counts = await merge(connection, tenant, writing)
            await told(WRITING, rows, rows)
        if found or dry_run:
            raise Rollback(whole)    # A dry run counts by doing; nothing of it stays.
        await drop(connection)
        await note(connection, actor, acts.REGISTRY_IMPORTED, "", **_said(counts))
    found = sorted(found, key=lambda fault: (fault.row, COLUMNS.index(fault.column)
                                             if fault.column in COLUMNS else -1))
    return Report(rows, found[:FAULTS_MAX], len(found[FAULTS_MAX:]), counts)


async def _stage(
        connection: Connection, tenant: int, content: bytes, found: list[Fault], told: Told) -> int:
    """The rows in the database; the faults of single cells in `found`. Returns how many rows."""
    kept: list[tuple[int, list[str]]] = []
    count = 0
    await told(READING, 0, 0)
    for number, cells in rows_of(content, found):
        count += 1
        if checked(number, cells, found):
            kept.append((number, cells))
        if len(found) > 4 * FAULTS_MAX:      # It is another file altogether.
            break
    await stage(connection, tenant, kept)
    return count


def _said(counts: dict[str, dict[str, int]]) -> dict[str, str]:
    return {kind: "%(new)d new, %(changed)d changed" % counts[kind] for kind in KINDS
            if counts[kind]["new"] or counts[kind]["changed"]}


async def export_registry(connection: Connection, tenant: int) -> AsyncIterator[str]:
    """The registry as a registry file, in pieces."""
    yield written([COLUMNS])
    async for some in exported(connection, tenant):
        yield written(some)
