"""`wum-cloud doctor`: what is missing or misconfigured, in sentences that say what to do.

Looks, and changes nothing. Left out: the settings themselves, which settings.py checks before any
command runs.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from wum_cloud.broker import LoginRefused, check_login
from wum_cloud.database import Connection, DatabaseError, connect
from wum_cloud.health import store as health
from wum_cloud.history.columnstore import store as columnstore
from wum_cloud.history.retention import store as retention
from wum_cloud.ingest.advice import advice
from wum_cloud.ingest.quarantine.store import concentrators_ahead, concentrators_without_time
from wum_cloud.migrations import store as migrations
from wum_cloud.registry import store as registry
from wum_cloud.registry.broker_files import read_password
from wum_cloud.registry.conditions import store as told
from wum_cloud.registry.conditions.words import clock_sentence, flash_sentence
from wum_cloud.registry.keys import KeyFileError, open_vault
from wum_cloud.settings import Settings
from wum_cloud.web.vendor import missing_files

VERSION_MIN = 150_000           # Of PostgreSQL, as libpq counts: 15.0.
CLOCKS_APART_MAX_S = 5
KEYS_OLD_DAYS = 30              # They change every day where they can.
_NAMED = 5                      # Concentrators in one sentence.
_SPACE_MIN_BYTES = 1024**3      # Where the key file is; the database's disk is its own affair.
_VENDOR = Path(__file__).parent / "web" / "static" / "vendor"


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence; `is_wrong` when somebody has to do something."""

    sentence: str
    is_wrong: bool = False


async def examine(settings: Settings) -> int:
    """Print every finding; return 0 when nothing is wrong, else 1."""
    wrong = 0
    async for finding in findings(settings):
        wrong += finding.is_wrong
        print("%s %s" % ("WRONG" if finding.is_wrong else "ok   ", finding.sentence))
    print("Nothing is wrong." if not wrong else "%d wrong: see above." % wrong)
    return 1 if wrong else 0


async def findings(settings: Settings) -> AsyncIterator[Finding]:
    """What is to be said about the head-end that `settings` describe."""
    yield _key_file(settings)
    try:
        connection = await connect(settings.database_url, autocommit=True)
    except DatabaseError as error:
        yield Finding(str(error), is_wrong=True)
    else:
        async with connection:
            async for finding in _database(connection, settings):
                yield finding
    yield await _broker(settings)
    missing = missing_files(_VENDOR)
    if missing:
        yield Finding("The console's scripts and fonts are missing (%s): run "
                      "`python -m wum_cloud.web.vendor`." % ", ".join(missing), is_wrong=True)


def _key_file(settings: Settings) -> Finding:
    if settings.key_file is None:
        return Finding("WUM_KEY_FILE is not set: wanted the path of the key file, which "
                       "`wum-cloud migrate` makes where it is new.", is_wrong=True)
    try:
        open_vault(settings.key_file)
    except KeyFileError as error:
        return Finding(str(error), is_wrong=True)
    free = shutil.disk_usage(settings.key_file.parent).free
    if free < _SPACE_MIN_BYTES:
        return Finding("The disk of %s has %d MB left: make room." % (
            settings.key_file, free // 1024**2), is_wrong=True)
    return Finding("The key file %s is there, and private." % settings.key_file)


async def _database(connection: Connection, settings: Settings) -> AsyncIterator[Finding]:
    version = connection.info.server_version
    shown = "%d.%d" % (version // 10_000, version % 10_000)
    if version < VERSION_MIN:
        yield Finding("The database is PostgreSQL %s: wanted 15 or newer." % shown, is_wrong=True)
        return
    yield Finding("The database answers: PostgreSQL %s." % shown)
    apart_s = abs((await migrations.database_time(connection) - datetime.now(UTC)).total_seconds())
    if apart_s > CLOCKS_APART_MAX_S:
        yield Finding("The clocks of this machine and of the database are %d s apart: "
                      "synchronise both." % apart_s, is_wrong=True)
    if not await migrations.is_durable(connection):
        yield Finding("The database runs with fsync off: a power cut loses readings that were "
                      "acknowledged. Set fsync = on.", is_wrong=True)
    yield (tables := await _tables(connection))
    if not tables.is_wrong:
        yield await database_takes_rows(connection)
        yield await _keys(connection, settings)
        async for finding in clocks(connection):
            yield finding
        async for finding in conditions(connection):
            yield finding
        async for finding in behind(connection):
            yield finding
        async for finding in old_keys(connection):
            yield finding
        yield await kept(connection, settings.keep_days)
        async for finding in compressed(connection):
            yield finding


async def _tables(connection: Connection) -> Finding:
    try:
        await migrations.check_migrated(connection)
    except migrations.MigrationError as error:
        return Finding(str(error), is_wrong=True)
    engine, _ = await migrations.journal(connection)
    if engine == migrations.TIMESCALE:
        return Finding("The tables are up to date; readings are kept by TimescaleDB.")
    if await migrations.engine_on_offer(connection) == migrations.TIMESCALE:
        return Finding("The tables are up to date; readings are kept by plain PostgreSQL, for "
                       "TimescaleDB was installed after the first migration.")
    return Finding("The tables are up to date; readings are kept by plain PostgreSQL.")


async def database_takes_rows(connection: Connection) -> Finding:
    """Whether a row can be written; taken back at once."""
    try:
        await migrations.try_write(connection)
    except psycopg.Error as error:
        return Finding("The database refuses a row (%s): %s." % (
            " ".join(str(error).split()), advice(error) or "see its log"), is_wrong=True)
    return Finding("The database takes rows.")


async def clocks(connection: Connection) -> AsyncIterator[Finding]:
    """Whose clock is wrong where captures lie ahead: one concentrator's, or ours?"""
    without = await concentrators_without_time(connection)
    if without:
        yield Finding("%s sent rows today whose clock was never set: set it there (NTP, or "
                      "`date -u -s`), the list under Ingest names them. The rows are kept in "
                      "quarantine." % ("1 concentrator" if without == 1 else
                                       "%d concentrators" % without), is_wrong=True)
    ahead, heard = await concentrators_ahead(connection)
    if not ahead:
        return
    whose = ("this machine's clock is behind: set it (`timedatectl` shows it)"
             if ahead > 1 and 2 * ahead > heard else
             "look at their clocks, the list under Ingest names them")
    yield Finding("%d of %d concentrators that were heard today sent rows from ahead of our time: "
                  "%s. The rows are kept in quarantine." % (ahead, heard, whose), is_wrong=True)


async def conditions(connection: Connection) -> AsyncIterator[Finding]:
    """What concentrators say of their own flash and clocks."""
    many, some = await told.flash_troubles(connection, _NAMED)
    if many:
        yield Finding(flash_sentence(many, some), is_wrong=True)
    sentence = clock_sentence(*await told.clock_troubles(connection, _NAMED))
    if sentence is not None:
        yield Finding(sentence, is_wrong=True)


async def kept(connection: Connection, keep_days: int) -> Finding:
    """How long readings are kept, and what was dropped last."""
    said = ("Readings are kept for ever" if not keep_days
            else "Readings are kept for %d days" % keep_days)
    last = await retention.dropped(connection, 1)
    if not last:
        return Finding("%s; none were ever dropped." % said)
    return Finding("%s; last dropped on %s: %d rows from %s up to %s. /readings/dropped lists all."
                   % (said, last[0].dropped_at.date(), last[0].readings, last[0].first_at.date(),
                      last[0].end_at.date()))


async def compressed(connection: Connection) -> AsyncIterator[Finding]:
    """Where TimescaleDB keeps the readings: what its columnstore holds, and what it should."""
    found = await columnstore.state(connection)
    if found is None:
        return
    if not found.is_there:
        yield Finding("This edition of TimescaleDB has no columnstore: readings stay as they are, "
                      "five times as large. Its community edition compresses them.")
        return
    yield Finding("%d of %d weeks of readings are compressed, %d MB to %d MB." % (
        found.compressed, found.weeks, found.bytes_before // 1024**2,
        found.bytes_after // 1024**2))
    if found.overdue:
        yield Finding("%d weeks of readings should be compressed and are not: do TimescaleDB's "
                      "background workers run (timescaledb.max_background_workers), and what says "
                      "timescaledb_information.job_errors?" % found.overdue, is_wrong=True)


async def behind(connection: Connection) -> AsyncIterator[Finding]:
    """Concentrators that delivered before and do not now, and where their reason stands."""
    many, some = await health.behind(connection, _NAMED)
    if not many:
        return
    named = ", ".join(["%s (newest reading of %s, last heard %s)" % (
        one.name, _shown(one.newest_captured_at), _shown(one.last_contact_at)) for one in some])
    yield Finding(
        "%s nothing new: %s%s. Whether power, the connection, a full or "
        "broken disk or a wrong clock is why, says each one's own log once a minute." % (
            "1 concentrator delivers" if many == 1 else "%d concentrators deliver" % many, named,
            "" if many == len(some) else " and others"), is_wrong=True)


def _shown(moment: datetime | None) -> str:
    return "never" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


async def _keys(connection: Connection, settings: Settings) -> Finding:
    concentrators = len(await registry.broker_accounts(connection))
    if not concentrators:
        return Finding("No concentrator is registered yet: `wum-cloud register FILE` does it.")
    sample = await registry.newest_sender(connection)
    try:
        if sample is not None and settings.key_file is not None:
            open_vault(settings.key_file).open(
                sample.device_id, sample.epoch, sample.sealed_keys)
    except KeyFileError as error:
        return Finding(str(error), is_wrong=True)
    return Finding("%d concentrators are registered, and the key file opens their keys."
                   % concentrators)


async def old_keys(connection: Connection) -> AsyncIterator[Finding]:
    """Concentrators whose keys do not change: of the workbench, and without the trust document."""
    many, some = await registry.with_old_keys(connection, KEYS_OLD_DAYS, _NAMED)
    if many:
        yield Finding(
            "%d %s used the same keys for more than %d days: %s%s. Keys change by themselves where "
            "`wum-cloud register --trust-to` wrote the trust document into the folder of the keys, "
            "or after `wum-edge claim --again`." % (
                many, "concentrator has" if many == 1 else "concentrators have", KEYS_OLD_DAYS,
                ", ".join(some), "" if many == len(some) else " and others"), is_wrong=True)


async def _broker(settings: Settings) -> Finding:
    where = "%s:%d" % (settings.broker_host, settings.broker_port)
    if settings.broker_password_file is None:
        return Finding("WUM_BROKER_PASSWORD_FILE is not set: wanted the path of the head-end's "
                       "password, which `wum-cloud broker-files` makes where it is new.",
                       is_wrong=True)
    try:
        password = read_password(settings.broker_password_file)
        await asyncio.to_thread(check_login, settings, password)
    except (KeyFileError, LoginRefused) as error:
        return Finding(str(error), is_wrong=True)
    return Finding("The broker at %s lets the head-end in." % where)
