"""Beside ingest: keys that have done their work are forgotten, so that nobody steals them later.

Uplink secrets of old trust documents go, and the keys of epochs that two others in use have
followed. What was recorded on its way then opens with nothing that is stored here. Copies that
others keep (backups, the database's own log) are as long-lived as those.
"""

import asyncio
import logging
from collections.abc import Callable

import psycopg
from psycopg_pool import PoolTimeout

from wum_cloud.database import Connection, Pool
from wum_cloud.enrolment.claims.store import destroy_followed_keys
from wum_cloud.enrolment.trust.documents import GOOD_MAX, SECRET_DAYS
from wum_cloud.enrolment.trust.store import destroy_secrets

LOOK_EVERY_S = 600.0
_log = logging.getLogger("wum_cloud.enrolment")


async def destroying(pool: Pool, _: Callable[[], bool]) -> None:
    """Work until cancelled."""
    while True:
        try:
            async with pool.connection() as connection:
                await destroy_old(connection)
        except (psycopg.Error, PoolTimeout, OSError) as error:
            _log.warning("old keys are not forgotten for now (%s)", " ".join(str(error).split()))
        await asyncio.sleep(LOOK_EVERY_S)


async def destroy_old(connection: Connection) -> None:
    """Forget what is good no more."""
    documents = await destroy_secrets(connection, kept=GOOD_MAX, followed_days=SECRET_DAYS)
    epochs = await destroy_followed_keys(connection)
    if documents or epochs:
        _log.info("forgotten: the secrets of %d trust documents, the keys of %d epochs",
                  documents, epochs)
