"""`wum-cloud registry import FILE [--dry-run]` and `wum-cloud registry export [FILE]`."""

import sys
import time
from pathlib import Path
from typing import TextIO

from wum_cloud.audit import acts
from wum_cloud.audit.acts import at_the_machine
from wum_cloud.audit.store import note
from wum_cloud.database import connect
from wum_cloud.registry.bulk.columns import KINDS
from wum_cloud.registry.bulk.file import FILE_BYTES_MAX, BulkRefused
from wum_cloud.registry.bulk.importing import (
    STAGES,
    Report,
    export_registry,
    import_registry,
)
from wum_cloud.registry.sites.store import tenant_named

FAULTY = 1
_BAR = 30               # Characters of a progress bar,
_EVERY_S = 0.1          # which is drawn so often.


async def import_file(database_url: str, tenant: str, file: Path, *, dry_run: bool) -> int:
    """Import, or only try; return the exit code. Raises BulkRefused."""
    content = _content(file)
    bar = Bar(sys.stderr)
    async with await connect(database_url) as connection:
        number = await _number(tenant, await tenant_named(connection, tenant))
        await connection.commit()
        report = await import_registry(
            connection, number, at_the_machine(number), content, bar.told, dry_run=dry_run)
    bar.end()
    _print(report, dry_run=dry_run)
    return 0 if report.is_good else FAULTY


async def export_file(database_url: str, tenant: str, file: Path | None) -> int:
    """Write the registry into a file, or to standard output. Raises BulkRefused."""
    async with await connect(database_url) as connection:
        number = await _number(tenant, await tenant_named(connection, tenant))
        await note(connection, at_the_machine(number), acts.REGISTRY_EXPORTED)
        await connection.commit()
        try:
            out = sys.stdout if file is None else file.open("w", encoding="utf-8", newline="")
            try:
                async for part in export_registry(connection, number):
                    out.write(part)
            finally:
                if file is not None:
                    out.close()
        except OSError as error:
            raise BulkRefused("%s cannot be written: %s." % (file, error.strerror)) from error
    return 0


async def _number(tenant: str, found: int | None) -> int:
    if found is None:
        raise BulkRefused("There is no tenant called %s." % tenant)
    return found


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise BulkRefused("%s cannot be read: %s." % (file, error.strerror)) from error


def _print(report: Report, *, dry_run: bool) -> None:
    for fault in report.faults:
        print(fault.sentence())
    if report.more_faults:
        print("and %d more." % report.more_faults)
    if not report.is_good:
        many = len(report.faults) + report.more_faults
        print("%d fault%s in %d rows: nothing was imported." % (
            many, "" if many == 1 else "s", report.rows), file=sys.stderr)
        return
    for kind in KINDS:
        c = report.counts[kind]
        print("%-13s %7d new %7d changed %7d same" % (
            kind + ("es:" if kind == "bus" else "s:"), c["new"], c["changed"], c["same"]))
    print("Dry run: nothing was imported." if dry_run else "Imported.", file=sys.stderr)


class Bar:
    """A progress bar on a terminal; elsewhere a line for each stage."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._is_terminal = out.isatty()
        self._stage = ""
        self._next_s = 0.0

    async def told(self, stage: str, done: int, total: int) -> None:
        """Draw how far it is."""
        is_new = stage != self._stage
        self._stage = stage
        if not self._is_terminal:
            if is_new:
                print("%s ..." % stage, file=self._out)
            return
        if not is_new and done < total and time.monotonic() < self._next_s:
            return
        self._next_s = time.monotonic() + _EVERY_S
        full = _BAR * done // total if total else 0
        print("\r%d/%d %-9s [%s%s] %d of %d rows " % (
            1 + STAGES.index(stage), len(STAGES), stage, "#" * full, "." * (_BAR - full), done,
            total), end="", file=self._out, flush=True)

    def end(self) -> None:
        """Leave the bar's line."""
        if self._is_terminal:
            print(file=self._out)
