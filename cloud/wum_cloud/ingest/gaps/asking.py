"""Asks concentrators for what is missing: a bounded step at a time, beside ingest.

Left out: SQL (store.py), what is asked for (wanted.py), what becomes of answers (../store.py, in
the transaction that takes them). A request that nobody hears is repeated, ever more seldom.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

import psycopg
from psycopg_pool import PoolTimeout

from wum_cloud.ingest.downlink import DatabaseWentBack
from wum_cloud.ingest.gaps.wanted import Ask, Wanted, ask_for, sealed
from wum_cloud.registry.keys import KeyFileError, Vault
from wum_cloud.registry.store import Sender
from wum_shared.cipher import Cipher

LOOK_EVERY_S = 30.0
ASKED_PER_STEP = 50             # Concentrators: 100 a minute.

_log = logging.getLogger("wum_cloud.ingest")


class Store(Protocol):
    """What asking wants of a database; see store.py."""

    async def wanting(self, limit: int) -> list[Wanted]: ...
    async def note(self, asks: list[Ask], in_vain: list[Sender]) -> list[int | None]: ...


class Asking:
    """Asks; one step at a time."""

    def __init__(
            self, store: Store, vault: Vault, cipher: Cipher,
            publish: Callable[[str, bytes], object],
    ) -> None:
        self._store = store
        self._vault = vault
        self._cipher = cipher
        self._publish = publish

    async def keep(self) -> None:
        """Work until cancelled. A database that is away is waited for."""
        while True:
            try:
                await self.step()
            except (psycopg.Error, PoolTimeout, OSError, DatabaseWentBack) as error:
                _log.warning("nobody is asked for what is missing, for now (%s)",
                             " ".join(str(error).split()))
            except Exception:  # Ours or not: it must never end the ingest that it runs beside.
                _log.exception("nobody is asked for what is missing, for now")
            await asyncio.sleep(LOOK_EVERY_S)

    async def step(self) -> int:
        """Ask those who may be asked now; how many were. They are noted first: a request that is
        lost counts as one that was made.
        """
        wanting = await self._store.wanting(ASKED_PER_STEP)
        asks = []
        in_vain = []
        for wanted in wanting:
            ask = ask_for(wanted)
            if ask is None:
                in_vain.append(wanted.sender)
            else:
                asks.append(ask)
        if not wanting:
            return 0
        counters = await self._store.note(asks, in_vain)
        sent = [(ask, counter) for ask, counter in zip(asks, counters, strict=True)
                if counter is not None]
        for ask, counter in sent:
            self._send(ask, counter)
        return len(sent)

    def _send(self, ask: Ask, counter: int) -> None:
        sender = ask.sender
        try:
            _, key = self._vault.open(sender.device_id, sender.epoch, sender.sealed_keys)
        except KeyFileError as error:
            _log.error("%s", error)
            return
        _log.info("concentrator %s is asked for %d ranges that are missing (try %d)",
                  sender.device_id.hex(), len(ask.ranges), ask.tries)
        self._publish(*sealed(self._cipher, key, ask, counter))
