"""The parts of a board's gateway, each made of what was set up.

Left out: what runs them (main.py).
"""

import os

import machine

from wum_edge.ports.micropython.broker import BoardBroker
from wum_edge.ports.micropython.cipher import Cipher
from wum_edge.ports.micropython.console import BoardDice
from wum_edge.ports.micropython.line import UartLine
from wum_edge.ports.micropython.names import Names
from wum_edge.ports.micropython.network import Network
from wum_edge.ports.micropython.settings import UART, NotSetUp, check_document, read_authority
from wum_edge.uplink.counter import CHANCE_BYTES, Counter, CounterDoubtful, first_start
from wum_edge.uplink.delivery import Delivery
from wum_edge.uplink.reconnect import BOOTED_MS, Reconnect
from wum_shared.status import NEVER_SET
from wum_shared.topics import DOWN, topic

ROOT = "/flash"


def delivery_of(archive, flash, keys, broker, log):
    """What delivers; or why nothing may be sent."""
    try:
        counter = Counter(flash, keys.key_id, first_start(os.urandom(CHANCE_BYTES)))
    except CounterDoubtful as error:
        return None, str(error)
    return Delivery(archive=archive, counter=counter, cipher=Cipher(), keys=keys,
                    broker=broker, dice=BoardDice(), log=log), ""


def network_of(board, log):
    """The carrier that board.json names. Late: a board without LTE loads nothing of it."""
    if board.get("lte"):
        from wum_edge.ports.micropython import lte
        return lte.Lte(board["lte"], Reconnect(BoardDice()), log)
    return Network(board.get("wifi"), log)


def names_of(board, network, clock, log):
    """What finds addresses: of the servers that board.json names, else of those of its network."""
    return Names(lambda: board.get("dns") or network.name_servers(), clock, log)


def broker_of(settings, clock, log, heard, names):
    """The connection of a gateway."""
    return connection(settings.config.broker, settings.user, settings.passwords, topic(
        settings.keys.concentrator, DOWN, "+"), heard, clock, log, names)


def connection(account, user, passwords, subscription, heard, clock, log, names, waits=None):
    """As `user` to the broker of an account. After a reset it is alone; after a power cut a whole
    town comes back.
    """
    return BoardBroker(
        (account.host, account.port, user, passwords), subscription, heard, BoardDice(), clock, log,
        0 if machine.reset_cause() == machine.PWRON_RESET else BOOTED_MS,
        names, secure=_secure(account), waits=waits)


def mesh_of(settings, flash, clock, log):
    """The station; late, for a gateway without one loads nothing of it. Raises NotSetUp."""
    from wum_edge.ports.micropython import mesh, mesh_store, radio
    setting = settings.config.mesh
    pins = settings.board.get("radios", {}).get(setting.modem.port[len(radio.PREFIX):], {})
    is_new = not flash.names()
    known_s = settings.provisioned_s if is_new else 0
    if clock.quality() != NEVER_SET:
        known_s = clock.utc_ms() // 1000
    try:
        store = mesh_store.MeshStore(flash, known_s)
        if is_new:
            store.keep(store.counter, 0)     # Before anything else: a cut leaves all or nothing.
    except mesh_store.CounterLost as error:
        raise NotSetUp(str(error))
    return mesh.BoardMesh(
        setting, settings.mesh, store,
        radio.Radio(lambda: radio.driver_of(setting, pins), setting, log), clock, log)


def flooded_by(mesh, agent, keys, log):
    """Let a gateway flood what the head-end orders, and a member carry it out; what opens it."""
    from wum_edge.uplink.opening import Opening
    from wum_shared.topics import RIPPLE
    mesh.take_orders(agent.ordered)
    opening = Opening(Cipher(), keys, log)
    agent.listen(RIPPLE, lambda sealed: mesh.groups.ordered(opening.open(RIPPLE, sealed)))
    return opening


def _secure(account):
    """How its connection is made safe; None for a broker on loopback that is plain."""
    if not account.tls:
        return None
    from wum_edge.ports.micropython import tls  # Late: a virtual board has none.
    return tls.secure(account.host, read_authority(ROOT))


def console_of(board, own):
    """Who takes what is typed; `own` is None with keys of the workbench. Late: a board.json that
    names no console loads nothing of it."""
    if board.get("console") is None:
        return None
    from wum_edge.ports.micropython import keyboard, setting_up
    from wum_edge.ports.micropython.flash import BoardFlash
    typed = keyboard.Keyboard(board["console"])
    return setting_up.Console(typed, setting_up.SettingUp(
        BoardFlash(ROOT), lambda document: check_document(ROOT, document),
        None if own is None else own.is_code, typed.say, machine.reset))


def line_of(line, board, breathe):
    """The UART of a line, with the pins that board.json names."""
    number = line.port[len(UART):]
    pins = board.get("uarts", {}).get(number, {})
    named = {}
    for name in ("tx", "rx"):
        if name in pins:
            named[name] = machine.Pin(pins[name])
    uart = machine.UART(int(number), line.baud, rxbuf=2048, **named)
    direction = machine.Pin(pins["direction"], machine.Pin.OUT) if "direction" in pins else None
    return UartLine(uart, line, direction, breathe)
