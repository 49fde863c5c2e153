"""Sends orders to a gateway of their network, and to the next one while none says that it floods.

A bounded step at a time, beside ingest. Left out: SQL (store.py), what gateways tell (ingest takes
it), what an order says.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

import psycopg
from psycopg_pool import PoolTimeout

from wum_cloud.ingest.downlink import DatabaseWentBack
from wum_cloud.ingest.ripples.store import Wanted, moment_ms
from wum_cloud.registry.keys import KeyFileError, Vault
from wum_shared import cose
from wum_shared.cipher import Cipher
from wum_shared.ripple import RippleOrder, bits_of, encode_ripple_order
from wum_shared.topics import DOWN, RIPPLE, topic

LOOK_EVERY_S = 1.0           # Everybody waits for a command: this is what the database adds to it.
PER_STEP = 50

_log = logging.getLogger("wum_cloud.ingest.ripples")


class Store(Protocol):
    """What sending wants of a database; see store.py."""

    async def due(self, limit: int) -> list[tuple[Wanted, int | None]]: ...


class Sending:
    """Sends; one step at a time."""

    def __init__(
            self, store: Store, vault: Vault, cipher: Cipher,
            publish: Callable[[str, bytes], object],
    ) -> None:
        self._store, self._vault, self._cipher, self._publish = store, vault, cipher, publish

    async def keep(self) -> None:
        """Work until cancelled. A database that is away is waited for."""
        while True:
            try:
                await self.step()
            except (psycopg.Error, PoolTimeout, OSError, DatabaseWentBack) as error:
                _log.warning("no order to a group is sent, for now (%s)",
                             " ".join(str(error).split()))
            except Exception:  # Ours or not: it must never end the ingest that it runs beside.
                _log.exception("no order to a group is sent, for now")
            await asyncio.sleep(LOOK_EVERY_S)

    async def step(self) -> int:
        """Send what is due now; how many were."""
        found = await self._store.due(PER_STEP)
        for wanted, counter in found:
            if counter is not None:
                self._send(wanted, counter)
        return len(found)

    def _send(self, wanted: Wanted, counter: int) -> None:
        gateway = wanted.gateway
        try:
            _, key = self._vault.open(gateway.device_id, gateway.epoch, gateway.sealed_keys)
        except KeyFileError as error:
            _log.error("%s", error)
            return
        _log.info("group order %d goes to gateway %s", wanted.ripple_id, gateway.device_id.hex())
        self._publish(topic(gateway.device_id, DOWN, RIPPLE), cose.seal(
            self._cipher, key, cose.key_id(gateway.device_id, gateway.epoch), counter,
            encode_ripple_order(order_of(wanted)), DOWN, gateway.tenant, RIPPLE))


def order_of(wanted: Wanted) -> RippleOrder:
    """As it goes to the gateway."""
    return RippleOrder(
        wanted.ripple_id, wanted.network, wanted.group, moment_ms(wanted.execute_at),
        moment_ms(wanted.until) // 1000, bits_of(wanted.expected), wanted.payload)
