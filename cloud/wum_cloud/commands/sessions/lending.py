"""The command `wum-cloud session NUMBER --listen HOST:PORT`, from its start to its end."""

import asyncio
import dataclasses
import signal

from wum_cloud.audit import acts
from wum_cloud.audit.acts import at_the_machine
from wum_cloud.audit.store import note
from wum_cloud.broker import Broker, Delivery
from wum_cloud.commands import states
from wum_cloud.commands.kinds import CommandRefused
from wum_cloud.commands.sending import store as sending
from wum_cloud.commands.sessions.relay import OrderSeed, Relay, take_all
from wum_cloud.commands.sessions.store import Lent
from wum_cloud.database import open_pool
from wum_cloud.registry.broker_files import read_password
from wum_cloud.registry.keys import open_vault
from wum_cloud.settings import Settings, required
from wum_shared import topics

WAITING_MAX = 1000


async def lend(settings: Settings, order_seed: OrderSeed, counters: sending.Counters,
               command_id: int, listen: str) -> int:
    """Serve the session until it is over; the exit code. Raises CommandRefused."""
    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit() or not 0 <= int(port) < 65536:
        raise CommandRefused("--listen is HOST:PORT, as 127.0.0.1:4059.")
    vault = open_vault(required(settings.key_file, "WUM_KEY_FILE", "the key file"))
    password = read_password(required(
        settings.broker_password_file, "WUM_BROKER_PASSWORD_FILE", "the broker password"))
    loop, waiting = asyncio.get_running_loop(), asyncio.Queue[Delivery](WAITING_MAX)
    async with open_pool(settings.database_url) as pool:
        relay = Relay(pool, vault, order_seed, counters, command_id,
                      lambda topic, message: broker.publish(topic, message))
        one = await relay.lent()
        broker = Broker(
            dataclasses.replace(settings, shared_group=None), password,
            topics.topic(one.device_id, topics.UP, topics.SESSION),
            lambda delivery: loop.call_soon_threadsafe(_put, waiting, delivery), lambda: None)
        async with pool.connection() as connection:
            await note(connection, at_the_machine(one.tenant_id), acts.SESSION_LENT,
                       "command %d" % command_id, meter=one.serial, listen=listen)
        broker.start()
        try:
            return await _until_over(relay, broker, waiting, (host, int(port)), one)
        finally:
            await asyncio.to_thread(broker.stop)


async def _until_over(relay: Relay, broker: Broker, waiting: "asyncio.Queue[Delivery]",
                      listen: tuple[str, int], one: Lent) -> int:
    taking = asyncio.create_task(take_all(relay, broker, waiting))
    watching = asyncio.create_task(relay.watch())
    opening = asyncio.create_task(relay.is_open.wait())
    # However it is ended, the concentrator is told: it would keep the line for another minute.
    told, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, told.set)
    ending = asyncio.create_task(told.wait())
    server = await asyncio.start_server(relay.serve, *listen)
    try:
        where = "%s:%d" % server.sockets[0].getsockname()[:2]
        print("Waiting for %s; tools connect to %s then." % (
            "a second person to agree" if one.state == states.REQUESTED
            else "the concentrator of meter %s" % one.serial, where), flush=True)
        await asyncio.wait(
            (opening, watching, taking, ending), return_when=asyncio.FIRST_COMPLETED)
        if relay.is_open.is_set():
            print("Open: connect the tool to %s now." % where, flush=True)
        await asyncio.wait((watching, taking, ending), return_when=asyncio.FIRST_COMPLETED)
        if taking.done():
            taking.result()
        if watching.done():
            watching.result()
        print("Over: %s." % (relay.why or "it was ended here"), flush=True)
        return 0 if relay.is_open.is_set() else 1
    finally:
        if relay.is_open.is_set() and not relay.is_over.is_set():
            await relay.say(b"", is_last=True)
        for task in (taking, watching, opening, ending):
            task.cancel()
        server.close()


def _put(waiting: "asyncio.Queue[Delivery]", delivery: Delivery) -> None:
    if not waiting.full():
        waiting.put_nowait(delivery)
