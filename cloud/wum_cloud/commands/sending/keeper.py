"""Beside ingest: signs and sends what is due, sends again what is not answered, takes receipts.

The same signed order goes out again and again, sealed anew: a concentrator that has heard it says
what became of it and does nothing. Only where it asks for a proof that the order is fresh, and has
it on record that nothing was begun, the same act is signed under another number.
Left out: what people ask for (requesting.py), SQL (sending_store.py), the states (states.py).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace

import psycopg
from psycopg_pool import PoolTimeout

from wum_cloud.audit import acts
from wum_cloud.audit.acts import Actor
from wum_cloud.audit.store import note
from wum_cloud.broker import Broker, Delivery
from wum_cloud.commands import states
from wum_cloud.commands.kinds import WORDS
from wum_cloud.commands.sending import store
from wum_cloud.commands.sending.membership import telling
from wum_cloud.commands.sending.network_keys import telling as network_keys
from wum_cloud.commands.sending.results import of_meter
from wum_cloud.commands.sending.rolls import telling as rolls
from wum_cloud.commands.sending.signing import Step
from wum_cloud.commands.sending.store import Due
from wum_cloud.commands.sending.turns import heard, turn
from wum_cloud.database import Connection, Pool
from wum_cloud.logs import ids
from wum_cloud.registry.broker_files import read_password
from wum_cloud.registry.cipher import SodiumCipher, SodiumVerifier
from wum_cloud.registry.keys import KeyFileError, Vault, open_vault
from wum_cloud.registry.store import identity_key, senders
from wum_cloud.settings import Settings, required
from wum_shared import cose, orders, topics
from wum_shared.errors import WireError
from wum_shared.orders import Receipt

LOOK_EVERY_S = 1.0
DUE_MAX = 100                # Commands of one look.
WAITING_MAX = 1000           # Receipts; those beyond are dropped, and come with the next sending.
_AWAY = (psycopg.Error, PoolTimeout, OSError)
_log = logging.getLogger("wum_cloud.commands")

Beside = Callable[[Pool, Callable[[], bool]], Coroutine[None, None, None]]


OrderSeed = Callable[[Connection, Vault], Awaitable[bytes | None]]


def commanding(settings: Settings, order_seed: OrderSeed, counters: store.Counters) -> Beside:
    """What runs beside ingest with these settings. `order_seed` gives the secret that signs orders
    now, `counters` those of the downlink.
    """

    async def keep(pool: Pool, _: Callable[[], bool]) -> None:
        vault = open_vault(required(settings.key_file, "WUM_KEY_FILE", "the key file"))
        password = read_password(required(
            settings.broker_password_file, "WUM_BROKER_PASSWORD_FILE", "the broker password"))
        await Keeper(settings, password, SendingDesk(vault, order_seed, counters)).keep(pool)
    return keep


class Keeper:
    """Sends and listens until it is cancelled."""

    def __init__(self, settings: Settings, password: str, desk: "SendingDesk") -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: asyncio.Queue[Delivery] = asyncio.Queue(WAITING_MAX)
        self._desk = desk
        self.subscribed = asyncio.Event()
        self._broker = Broker(
            settings, password, topics.EVERY_RECEIPT,
            lambda delivery: self._loop.call_soon_threadsafe(self._put, delivery),
            lambda: self._loop.call_soon_threadsafe(self.subscribed.set))

    async def keep(self, pool: Pool) -> None:
        """Work until cancelled. A database that is away is waited for."""
        self._broker.start()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._listen(pool))
                group.create_task(self._send(pool))
        finally:
            await asyncio.to_thread(self._broker.stop)

    async def _listen(self, pool: Pool) -> None:
        while True:
            delivery = await self._waiting.get()
            try:
                async with pool.connection() as connection:
                    await self._desk.take(connection, delivery.topic, delivery.payload)
            except WireError as refusal:
                _log.warning("receipt refused on %s: %s", delivery.topic, refusal)
            except (*_AWAY, KeyFileError) as error:
                _log.warning("a receipt is not taken for now, it comes again (%s)",
                             " ".join(str(error).split()))
            except Exception:     # It must never end the ingest that it runs beside.
                _log.exception("a receipt on %s is not taken", delivery.topic)
            self._broker.acknowledge(delivery)

    async def _send(self, pool: Pool) -> None:
        while True:
            try:
                for topic, message in await self._desk.step(pool):
                    self._broker.publish(topic, message)
            except (*_AWAY, KeyFileError) as error:
                _log.warning("no order is sent for now (%s)", " ".join(str(error).split()))
            except Exception:
                _log.exception("no order is sent for now")
            await asyncio.sleep(LOOK_EVERY_S)

    def _put(self, delivery: Delivery) -> None:
        try:
            self._waiting.put_nowait(delivery)
        except asyncio.QueueFull:
            self._broker.acknowledge(delivery)


class SendingDesk:
    """What is sent, and what receipts do; without a connection of its own."""

    def __init__(self, vault: Vault, order_seed: OrderSeed, counters: store.Counters) -> None:
        self._vault = vault
        self._order_seed = order_seed
        self._downlink = counters

    async def step(self, pool: Pool) -> list[tuple[str, bytes]]:
        """What is to be published now; it is on record as sent."""
        async with pool.connection() as connection:
            seed = await self._order_seed(connection, self._vault)
            if seed is None:
                return []
            await telling.tell(connection, self._vault, self._downlink)
            await network_keys.tell(connection, self._vault, self._downlink)
            await rolls.tell(connection, seed)
            await store.number(connection)
            found = await store.due(connection, DUE_MAX)
            step = Step(connection, self._vault, seed)
            return [message for due in sorted(found, key=_place)
                    if (message := await self._turn(step, due)) is not None]

    async def _turn(self, step: "Step", due: Due) -> tuple[str, bytes] | None:
        """One command's turn. Commands of one order go out in one message."""
        past_s = (due.now - due.expires_at).total_seconds()
        taken = turn(due.state, past_s, due.sent, is_signed=due.last_signed is not None,
                     is_again=due.is_again)
        signed, wait_s = due.last_signed, 0
        if taken.is_signed:
            signed, wait_s = await step.signed(due)
        await store.move(step.connection, due.command_id, taken.state,
                         again_s=max(taken.again_s, wait_s), was_sent=taken.is_sent)
        if not taken.is_sent or signed is None or wait_s or step.is_sent(due, signed):
            return None
        return await self._sealed(step.connection, due, signed)

    async def _sealed(
            self, connection: Connection, due: Due, signed: bytes) -> tuple[str, bytes] | None:
        """For the newest epoch, and every other time for the one before: who is changing its keys
        may have either.
        """
        epochs = await store.keys(connection, due.concentrator_id)
        if not epochs:
            return None
        epoch, keys = epochs[due.sent % len(epochs)]
        counter = await store.counter(connection, self._downlink, due.concentrator_id, epoch)
        if counter is None:
            return None
        _, downlink = self._vault.open(due.device_id, epoch, keys)
        _log.info("command %d: %s to %s (sent %d times)", due.command_id,
                  WORDS.get(due.kind, due.kind), due.device_id.hex(), due.sent + 1,
                  extra=ids(command=due.command_id, concentrator=due.device_id.hex()))
        return topics.topic(due.device_id, topics.DOWN, topics.ORDER), orders.seal_order(
            SodiumCipher(), downlink, cose.key_id(due.device_id, epoch), counter, due.tenant,
            signed)

    async def take(self, connection: Connection, topic: str, sealed: bytes) -> None:
        """Take a receipt, durably when the caller's transaction ends. Raises WireError,
        KeyFileError.
        """
        device_id, _, _ = topics.parse_topic(topic)
        claimed, epoch, _ = cose.peek(sealed)
        sender = (await senders(connection, [(claimed, epoch)])).get((device_id, epoch))
        if sender is None:
            _log.warning("a receipt of %s, which has no keys of epoch %d", device_id.hex(), epoch)
            return
        uplink, _ = self._vault.open(device_id, epoch, sender.sealed_keys)
        signed = orders.unseal_receipt(SodiumCipher(), uplink, sender.tenant, sealed)
        receipt = orders.open_receipt(
            SodiumVerifier(), await identity_key(connection, sender.concentrator_id), signed)
        for asked in await self._told(connection, sender.concentrator_id, receipt, signed):
            if asked.kind == orders.GROUP:
                await telling.ended(connection, asked.command_id, asked.state, receipt, epoch)
            elif asked.kind == orders.NETWORK_KEY:
                await network_keys.ended(
                    connection, asked.command_id, asked.state, receipt, epoch)

    async def _told(self, connection: Connection, concentrator: int, receipt: Receipt,
                    signed: bytes) -> list[store.Asked]:
        """The commands that are over by this, each with its last state."""
        found = await store.asked(connection, concentrator, receipt.id, receipt.digest)
        if not found:
            _log.warning("a receipt of %s for an order that was never signed here",
                         receipt.concentrator.hex())
        after = [await self._tell(connection, concentrator, asked, of_meter(receipt, asked), signed)
                 for asked in found]
        return [replace(asked, state=state) for asked, state in zip(found, after, strict=True)
                if state != asked.state and state in states.OVER]

    async def _tell(self, connection: Connection, concentrator: int, asked: store.Asked,
                    receipt: Receipt, signed: bytes) -> str:
        """One command hears what became of it; its state from now on."""
        said = heard(asked.state, receipt, is_newest=asked.is_newest, is_in_time=asked.is_in_time)
        if await store.keep_receipt(connection, asked.command_id, receipt.state, signed):
            words = ": ".join([word for word in (
                orders.REASONS.get(receipt.reason, "reason %d" % receipt.reason), receipt.note)
                if word])
            if asked.state not in states.OVER:
                await store.told(connection, asked.command_id, said.state, words, receipt.content)
        if said.state != asked.state and said.state in states.OVER:
            await note(connection, Actor(
                asked.tenant_id, "concentrator " + receipt.concentrator.hex(), ""),
                acts.COMMAND_ENDED, "command %d" % asked.command_id, state=said.state,
                kind=WORDS.get(asked.kind, str(asked.kind)))
        if said.is_challenge:
            await store.keep_challenge(connection, concentrator, receipt.challenge)
        if said.hurry_s is not None:
            await store.hurry(connection, asked.command_id, said.hurry_s, is_again=said.is_again)
        return said.state


def _place(due: Due) -> tuple[int, int]:
    return due.concentrator_id, due.command_id
