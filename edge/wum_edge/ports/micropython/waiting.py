"""A board that waits: for network time, to be let in by a head-end, for somebody to set it up.

Left out: the gateway that runs (main.py).
"""

import asyncio
import time

import machine

from wum_edge.ports.micropython import parts, sntp
from wum_edge.ports.micropython.clock import BoardClock
from wum_edge.ports.micropython.console import BoardDice
from wum_edge.ports.micropython.page import Page
from wum_edge.ports.micropython.parts import ROOT
from wum_edge.ports.micropython.settings import NotSetUp, own_keys, surroundings

AGAIN_MS = 10000             # Without settings: until they are looked for again.
TIME_EVERY_MS = 3600000      # Network time, once it was heard ...
TIME_AGAIN_MS = 10000        # ... and until then.
_PUMP_MS = 20
_TICK_MS = 200


async def keep_time(clock, network, where, names):
    """Ask for network time, for ever."""
    while True:
        is_heard = False
        if where.get("host") and network.is_up():
            is_heard = await sntp.ask(where["host"], where.get("port", sntp.PORT), clock, names)
        await asyncio.sleep_ms(TIME_EVERY_MS if is_heard else TIME_AGAIN_MS)


async def until_let_in(settings, network, watchdog, log):
    """Until a head-end has claimed this board, and its keys are there."""
    from wum_edge.ports.micropython.enrolling import Enrolling, Waits
    own, board = settings.claimed, settings.board
    clock = BoardClock(None, machine.RTC())
    names = parts.names_of(board, network, clock, log)
    asyncio.create_task(keep_time(clock, network, board.get("time") or {}, names))
    enrolling = Enrolling(own, lambda user, passwords, subscription, heard: parts.connection(
        settings.config.broker, user, passwords, subscription, heard, clock, log, names,
        Waits(BoardDice(), clock)), clock, log)
    if board.get("page_port"):
        asyncio.create_task(Page(lambda: ("WUM board", "! " + enrolling.words()), log).serve(
            board["page_port"]))
    due_ms, console = 0, parts.console_of(board, own)
    while not enrolling.tick():
        now_ms = clock.monotonic_ms()
        if console is not None:
            console.tick(now_ms)
        network.tick(now_ms)
        if enrolling.broker is not None:
            enrolling.broker.is_wanted = network.is_up()
        if now_ms >= due_ms:
            due_ms = now_ms + board.get("status_s", 60) * 1000
            log.warn(enrolling.words())
            _show_code(own, log)
        watchdog.feed()
        await asyncio.sleep_ms(_PUMP_MS)


def _show_code(own, log):
    if own.code and not own.is_granted:
        log.show("claim code: " + ("see its label" if own.is_labelled else own.code))


async def without_settings(why, network, watchdog, log):
    """Nothing can be done until somebody sets the board up; console and page say so."""
    board = surroundings(ROOT)
    if board.get("page_port"):
        page = Page(lambda: ("WUM board", "! not set up: " + why), log)
        asyncio.create_task(page.serve(board["page_port"]))
    own = console = None
    try:
        own = own_keys(ROOT)
        console = parts.console_of(board, own)
    except NotSetUp as error:            # Its keys are what is wrong.
        log.warn(str(error))
    waited_ms, began_ms = AGAIN_MS, time.ticks_ms()
    while True:
        now_ms = time.ticks_diff(time.ticks_ms(), began_ms)
        network.tick(now_ms)
        if console is not None:
            console.tick(now_ms)
        if waited_ms >= AGAIN_MS:
            waited_ms = 0
            log.warn("not set up: %s" % why)
            if own is not None:
                _show_code(own, log)
        watchdog.feed()
        await asyncio.sleep_ms(_TICK_MS)
        waited_ms += _TICK_MS
