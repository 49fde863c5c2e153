"""`wum-cloud session`: lends a session that was approved to a tool which connects by TCP.

Every piece is recorded, signed and whole, before it goes on: down before it is published, up before
the tool sees it. Left out: who may ask for one (requesting.py), the concentrator's side.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from wum_cloud.broker import Broker, Delivery
from wum_cloud.commands import states
from wum_cloud.commands.kinds import CommandRefused
from wum_cloud.commands.sending import store as sending
from wum_cloud.commands.sessions import store
from wum_cloud.commands.sessions.store import Lent
from wum_cloud.database import Connection, Pool
from wum_cloud.registry.cipher import SodiumCipher, SodiumSigner, SodiumVerifier
from wum_cloud.registry.keys import Vault
from wum_shared import cose, topics
from wum_shared.errors import WireError
from wum_shared.session import DATA_MAX, Piece, open_piece, sign_piece
from wum_shared.topics import DOWN, SESSION, UP

LOOK_S = 1.0
ANSWER_S = 40.0              # After the order is over: so long the last pieces are waited for.
LEAVING_S = 2.0
_log = logging.getLogger("wum_cloud.commands")

OrderSeed = Callable[[Connection, Vault], Awaitable[bytes | None]]


class Relay:
    """One session. `publish` sends; what comes is handed to `heard`."""

    def __init__(self, pool: Pool, vault: Vault, order_seed: OrderSeed,
                 counters: sending.Counters, command_id: int,
                 publish: Callable[[str, bytes], bool]) -> None:
        self._pool, self._vault, self._order_seed = pool, vault, order_seed
        self._counters, self._command_id, self._publish = counters, command_id, publish
        self._given = self._taken = 0
        self._epoch: int | None = None
        self._tool: asyncio.StreamWriter | None = None
        self._free = asyncio.Event()
        self._free.set()
        self._saying = asyncio.Lock()        # Pieces leave in the order of their numbers.
        self.is_open, self.is_over = asyncio.Event(), asyncio.Event()
        self.why = ""

    async def lent(self) -> Lent:
        """The session as it stands. Raises CommandRefused."""
        async with self._pool.connection() as connection:
            found = await store.lent(connection, self._command_id)
        if found is None:
            raise CommandRefused("Command %d is no session." % self._command_id)
        return found

    async def watch(self) -> None:
        """Until the session is over: by its own last piece, or because its order is."""
        over_s = 0.0
        while not self.is_over.is_set():
            one = await self.lent()
            if one.state in (*states.OVER, states.UNKNOWN):
                over_s += LOOK_S
                if over_s >= (ANSWER_S if self.is_open.is_set() else LOOK_S):
                    self._over("%s: %s" % (one.state, one.told or "nothing was said"))
            with suppress(TimeoutError):
                await asyncio.wait_for(self.is_over.wait(), LOOK_S)

    async def heard(self, sealed: bytes) -> None:
        """A piece from the concentrator. One that is not genuine, or came before, is nobody's."""
        one = await self.lent()
        claimed, epoch, _ = cose.peek(sealed)
        async with self._pool.connection() as connection:
            keys = dict(await sending.keys(connection, one.concentrator_id))
            if claimed != one.device_id or epoch not in keys:
                return
            uplink, _ = self._vault.open(one.device_id, epoch, keys[epoch])
            signed = cose.unseal(SodiumCipher(), uplink, sealed, UP, one.tenant, SESSION)
            piece = open_piece(SodiumVerifier(), (one.identity_key,), signed)
            if (piece.session, piece.concentrator, piece.direction) != (
                    one.order_id, one.device_id, UP) or piece.number <= self._taken:
                return
            if piece.number != self._taken + 1:
                self._over("a piece from the meter is missing")
                return
            await store.record(connection, self._command_id, piece, signed)
        self._taken, self._epoch = piece.number, epoch
        if not self.is_open.is_set():
            await self.say(b"")              # It says that it is open until it hears us.
            self.is_open.set()
        if piece.data and self._tool is not None:
            self._tool.write(piece.data)
            await self._tool.drain()
        if piece.is_last:
            self._over("the concentrator ended it")

    async def say(self, data: bytes, *, is_last: bool = False) -> None:
        """A piece for the meter."""
        async with self._saying:
            await self._say(await self.lent(), data, is_last=is_last)

    async def _say(self, one: Lent, data: bytes, *, is_last: bool) -> None:
        async with self._pool.connection() as connection:
            seed = await self._order_seed(connection, self._vault)
            if seed is None:
                raise CommandRefused("No trust document names a key for orders.")
            epochs = await sending.keys(connection, one.concentrator_id)
            # The one that the concentrator spoke in last: a newer one it may not have yet.
            epoch, keys = next((one for one in epochs if one[0] == self._epoch), epochs[0])
            self._given += 1
            piece = Piece(one.device_id, one.order_id, DOWN, self._given, data, is_last)
            signed = sign_piece(SodiumSigner(), seed, SodiumSigner.public(seed), piece)
            if not await store.record(connection, self._command_id, piece, signed):
                raise CommandRefused("Session %d is lent, or was: another one has to be asked for."
                                     % self._command_id)
            # Last, as whoever sends orders does: first what is sent, then its counter.
            counter = await sending.counter(
                connection, self._counters, one.concentrator_id, epoch)
            if counter is None:
                raise CommandRefused("The message counters of its key are used up.")
            _, downlink = self._vault.open(one.device_id, epoch, keys)
        self._publish(topics.topic(one.device_id, DOWN, SESSION), cose.seal(
            SodiumCipher(), downlink, cose.key_id(one.device_id, epoch), counter, signed, DOWN,
            one.tenant, SESSION))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A tool has connected; one at a time."""
        with suppress(TimeoutError):         # The one before may be leaving just now.
            await asyncio.wait_for(self._free.wait(), LEAVING_S)
        if self._tool is not None or not self.is_open.is_set() or self.is_over.is_set():
            writer.close()
            return
        self._tool = writer
        self._free.clear()
        try:
            while not self.is_over.is_set():
                data = await reader.read(DATA_MAX)
                if not data:
                    break
                await self.say(data)
        except ConnectionError as error:
            _log.info("session %d: the tool is gone (%s)", self._command_id, error)
        except Exception as error:           # Nobody else asks what became of this task.
            _log.exception("session %d: what the tool said could not be sent", self._command_id)
            self._over("what the tool said could not be sent (%s)" % error)
        finally:
            self._tool = None
            self._free.set()
            writer.close()

    def _over(self, why: str) -> None:
        if not self.is_over.is_set():
            _log.info("session %d is over: %s", self._command_id, why)
        self.why = self.why or why
        self.is_over.set()


async def take_all(relay: Relay, broker: Broker, waiting: "asyncio.Queue[Delivery]") -> None:
    """Hand what comes to the relay, for ever."""
    while True:
        delivery = await waiting.get()
        try:
            await relay.heard(delivery.payload)
        except WireError as error:
            _log.warning("a piece of a session is refused: %s", error)
        broker.acknowledge(delivery)
