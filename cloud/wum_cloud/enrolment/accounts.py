"""Beside ingest: who may come in at the broker, in its files, as soon as it changes.

With WUM_BROKER_FOLDER the password and rights files are written there whenever a concentrator is
claimed, let in or revoked, and mosquitto is told to read them again (SIGHUP to the process in
WUM_BROKER_PID_FILE). mosquitto then closes the connection of whom the files no longer name.
"""

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Coroutine
from pathlib import Path

import psycopg
from psycopg_pool import PoolTimeout

from wum_cloud.database import Connection, Pool
from wum_cloud.enrolment.claims.store import claim_accounts
from wum_cloud.registry.broker_files import read_password, write_broker_files
from wum_cloud.registry.keys import KeyFileError
from wum_cloud.registry.store import BrokerAccount, broker_accounts, carried
from wum_cloud.settings import Settings, required

LOOK_EVERY_S = 2.0
_log = logging.getLogger("wum_cloud.enrolment")

Beside = Callable[[Pool, Callable[[], bool]], Coroutine[None, None, None]]
Accounts = tuple[list[BrokerAccount], list[tuple[bytes, list[bytes]]]]


async def accounts_now(connection: Connection) -> Accounts:
    """Who may come in: concentrators, and those that are waited for; and who carries for whom."""
    waited_for = [BrokerAccount(name, text) for name, text in await claim_accounts(connection)]
    return await broker_accounts(connection) + waited_for, await carried(connection)


def keeping_accounts(settings: Settings) -> Beside:
    """What runs beside ingest with these settings: nothing, where no folder is named."""

    async def keep(pool: Pool, _: Callable[[], bool]) -> None:
        if settings.broker_folder is None:
            return
        written: tuple[Accounts, str] | None = None
        password_file = required(
            settings.broker_password_file, "WUM_BROKER_PASSWORD_FILE", "the broker password")
        while True:
            try:
                async with pool.connection() as connection:
                    accounts = await accounts_now(connection)
                found = (accounts, read_password(password_file))    # It may be a new one.
                if found != written:
                    _write(settings, settings.broker_folder, password_file, accounts)
                    written = found
            except (psycopg.Error, PoolTimeout, OSError, KeyFileError) as error:
                _log.warning("the broker's files are not written for now (%s)",
                             " ".join(str(error).split()))
            await asyncio.sleep(LOOK_EVERY_S)
    return keep


def _write(settings: Settings, folder: Path, password_file: Path, found: Accounts) -> None:
    accounts, meshes = found
    write_broker_files(folder, accounts, settings.broker_user, password_file, meshes)
    _log.info("the broker lets in %d concentrators", len(accounts))
    if settings.broker_pid_file is not None:
        os.kill(_process(settings.broker_pid_file), signal.SIGHUP)


def _process(file: Path) -> int:
    """The broker's process. Raises OSError for a file that holds none."""
    text = file.read_text(encoding="ascii").strip()
    if not text.isdecimal() or int(text) < 2:
        raise OSError("%s holds no process number" % file)
    return int(text)
