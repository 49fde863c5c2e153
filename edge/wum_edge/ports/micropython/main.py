"""The gateway of a board: what main.py of its flash starts, `start()`.

One loop of asyncio: a task for each line, one for uplink and agent, one for network and time. The
core is that of every port. Left out: what any of them does. A mistake of ours resets the board, and
so does the watchdog where one hangs: the next start is clean, and its event tells why.
"""

import asyncio
import gc
import os
import sys
import time

import machine

from wum_edge.agent import INBOX_MAX, Agent
from wum_edge.archive.ring import Archive
from wum_edge.meters.dlms import supply
from wum_edge.meters.mbus import cipher as mbus_cipher
from wum_edge.meters.sweep import sweeps_of_line
from wum_edge.meters.work import LineWork
from wum_edge.ports.marks import MarksFile
from wum_edge.ports.micropython import aes, cipher, fresh, parts, standing, started, waiting
from wum_edge.ports.micropython.clock import BoardClock
from wum_edge.ports.micropython.console import BoardDice, Printed
from wum_edge.ports.micropython.dlms_counters import FlashCounters
from wum_edge.ports.micropython.flash import BoardFlash
from wum_edge.ports.micropython.page import Page
from wum_edge.ports.micropython.parts import ROOT
from wum_edge.ports.micropython.settings import NotSetUp, read_settings, surroundings
from wum_edge.schedule import Timetable, next_due_s
from wum_edge.schema import schema
from wum_shared.ids import INCARNATION_SIZE, id_to_text
from wum_shared.status import EVENT_STARTED
from wum_shared.topics import DOWN, ENROL, ORDER, topic

VERSION = "0.1.0"
WATCHDOG_MS = 8000           # RP2's longest; a turn, an append and a sealing take less.
PUMP_MS = 20                 # How often the uplink is looked at ...
RADIO_MS = 4                 # ... and a radio: others count on an answer within some 20 ms.
TICK_MS = 200                # How often the agent is.
WAIT_MAX_MS = 1000           # Longest wait of a line: then the clock is looked at again.
STEADY_MS = 60000            # Who runs so long did not end at once.
ANEW_MS = 2000               # So long what came of an order has to go out.
GARBAGE_BYTES = 16 * 1024    # Collected when so much lies about, and not only when nothing is left:
                             # what stays would lie scattered, and no room of any size between it.
HELD_RECORDS = 8             # So many wait: a line that answers at once brings more in a second.
RECORD_BYTES = 1024          # Of memory free at the start, for each that waits for a flash that
                             # refuses (a row of three registers takes 485): else it would run out.
_CAUSES = {"PWRON_RESET": "power on", "HARD_RESET": "reset", "WDT_RESET": "watchdog",
           "DEEPSLEEP_RESET": "deep sleep", "SOFT_RESET": "soft reset"}


def cause():
    """Why the board started, in words."""
    number = machine.reset_cause()
    for name in _CAUSES:
        if getattr(machine, name, None) == number:
            return _CAUSES[name]
    return "cause %d" % number


class Gateway:
    """All parts of one running gateway."""

    def __init__(self, settings, flash, network, watchdog, log):
        """Raises NotSetUp."""
        self._settings = settings
        self._watchdog = watchdog
        self._log = log
        config, keys = settings.config, settings.keys
        place = config.concentrator
        self.clock = BoardClock(config.clock, machine.RTC())
        counters = FlashCounters(flash)
        supply.install(supply.Supply(aes.AesGcm(), counters, os.urandom))
        mbus_cipher.install(aes.AesCbc())
        self.mesh = None if config.mesh is None else parts.mesh_of(
            settings, flash, self.clock, log)
        archive = Archive(flash, place.archive_limit_mb * 1024 * 1024,
                          os.urandom(INCARNATION_SIZE))
        self._own = topic(keys.concentrator, DOWN, "")
        self._names = parts.names_of(settings.board, network, self.clock, log)
        self.broker = None if config.broker is None else parts.broker_of(
            settings, self.clock, log, self._heard, self._names)
        if self.mesh is not None:
            self.mesh.join_up(keys.concentrator, self._said, self.broker)
            if settings.claimed is not None:
                self.mesh.let_join(keys.concentrator, flash, settings.claimed.flash)
        connection = self.broker if self.mesh is None else self.mesh.connection
        self._marks = MarksFile(flash, self.clock, log, config, settings.models)
        self._marks.catch_up(archive)
        delivery, doubtful = parts.delivery_of(archive, flash, keys, connection, log)
        self._connection = connection
        self.updating = started.updating_of(settings, self.clock, watchdog.feed, log)
        self.agent = Agent(
            archive=archive, delivery=delivery, clock=self.clock, log=log,
            archived=self._archived,
            schema=schema(config, settings.models, keys.tenant, keys.concentrator,
                          self.clock.now_s()))
        self.name = VERSION if self.updating is None else self.updating.name()
        self.agent.hold_records = HELD_RECORDS
        self.agent.inbox_max = max(min(gc.mem_free() // RECORD_BYTES, INBOX_MAX), HELD_RECORDS)
        self.agent.happened(EVENT_STARTED, "board %s: %d meters on %d lines, after %s" % (
            self.name, len(config.meters), len(config.lines), cause()))
        if doubtful:
            self.agent.stop_sending(doubtful)
        self.network = network
        self.flash, self.id, self.cause = flash, keys.concentrator, cause()
        self.meters = []             # As the lines know them.
        self._works = {}             # By index of a meter: the work of its line.
        self._pumped_ms = 0
        self._ends_ms = None         # When to start anew.
        self._console = parts.console_of(settings.board, settings.claimed)
        self._desk = self._renewing = self._opening = None
        if self.mesh is not None:
            self._opening = parts.flooded_by(self.mesh, self.agent, keys, log)
        self._is_told = False        # That no orders are taken here.
        if settings.claimed is not None:
            self._take_orders(archive.newest_s or 0)
        else:
            self.agent.listen(ORDER, self._deaf)
        log.say("concentrator %s: %d records, %d wait for the head-end; after %s" % (
            id_to_text(keys.concentrator), archive.next_sequence - 1, archive.backlog, cause()))

    def _take_orders(self, newest_s):
        """Of whoever claimed this board. Late: keys of the workbench load nothing of it."""
        from wum_edge.ports.micropython import order_desk, renewing
        settings, dice = self._settings, BoardDice()
        self._desk = order_desk.BoardDesk(
            settings, self.flash, self.clock, dice, self._log, newest_s)
        self._desk.let_act(self.agent, self._order, self._restart, self._changed,
                           self._nowhere if self.mesh is None else self.mesh.groups.join)
        if self.mesh is not None:
            self._desk.let_change_key(self.mesh)
        self._renewing = renewing.Renewing(
            settings.claimed, self.flash, self._connection, self.clock, dice, self._rekey,
            self._log)
        self.agent.listen(ENROL, self._renewing.heard)
        if self.updating is not None:
            self._desk.let_update(self.updating, self.agent, self.mesh)
            if self.broker is not None:
                self.broker.heard_bytes = self.updating.heard_bytes

    def _order(self, order):
        """Hand it to its meter's line; empty, or why not."""
        if order.meter not in self._works:
            return "its line was not begun yet: ask again"
        return self._works[order.meter].orders.put(order)

    def _rekey(self, keys, counter):
        self.agent.rekey(keys, counter)
        self._desk.rekey(keys)
        if self._opening is not None:
            self._opening.rekey(keys)
        if self.updating is not None:
            self.updating.rekey(keys)

    def _nowhere(self, _):
        """In no mesh is nobody flooded to."""

    def _archived(self, records, last):
        self._marks.archived(records, last)
        if self.updating is not None:
            self.updating.archived(records)

    def _restart(self):
        fresh.stays(self.flash, self._log)
        self._ends_ms = self.clock.monotonic_ms()

    def _changed(self, _):
        fresh.came(self.flash, self._log)
        self._ends_ms = self.clock.monotonic_ms() + ANEW_MS

    def _deaf(self, _):
        """At the head-end an order that nobody takes stays sent."""
        if not self._is_told:
            self._is_told = True
            self._log.warn("an order came, and none is taken with keys of the workbench: set the "
                           "board up without them, and claim it")

    def _end(self):
        """What was read is on flash, and it was ordered: that is no failure of this version."""
        self.agent.close()
        self._marks.save()
        self.flash.close()
        started.stays_up(self._log)
        self._log.say("starting anew")
        machine.reset()

    async def run(self):
        """For ever; a mistake in any task ends all."""
        tasks = [self._move(), self._tell(), waiting.keep_time(
            self.clock, self.network, self._settings.board.get("time") or {}, self._names)]
        if self._settings.board.get("page_port"):
            page = Page(lambda: standing.lines(self, self._settings.config.concentrator.name),
                        self._log)
            tasks += [page.serve(self._settings.board["page_port"])]
        tasks += [self._read(line) for line in self._settings.config.lines]
        await asyncio.gather(*tasks)

    def breathe(self):
        """From whatever waits within a turn: the uplink and the watchdog do not."""
        now_ms = time.ticks_ms()
        if time.ticks_diff(now_ms, self._pumped_ms) >= PUMP_MS:
            self._pumped_ms = now_ms
            self._watchdog.feed()
            if self.broker is not None:
                self.broker.tick()
        if self.mesh is not None:
            self.mesh.step()

    def _heard(self, name, sealed):
        if name.startswith(self._own):
            self.agent.hear(name[len(self._own):], sealed)
        elif self.mesh is not None and self.mesh.carriage is not None:
            self.mesh.carriage.said(name, sealed)

    def _said(self, stream, sealed):
        self.agent.hear(stream, sealed)

    async def _move(self):
        """Uplink and agent."""
        began_ms = self.clock.monotonic_ms()
        ticked_ms, is_steady = began_ms - TICK_MS, False
        while True:
            self.breathe()
            now_ms = self.clock.monotonic_ms()
            if not is_steady and now_ms - began_ms >= STEADY_MS:
                is_steady = True
                fresh.stays(self.flash, self._log)
                started.stays_up(self._log)
            if now_ms - ticked_ms >= TICK_MS:
                ticked_ms = now_ms
                self.network.tick(now_ms)
                if self.broker is not None:
                    self.broker.is_wanted = self.network.is_up()
                if self.mesh is not None:
                    self.mesh.tick(self.agent)
                self.agent.tick()
                if self._desk is not None:
                    await self._do_as_told()
                if self._console is not None:
                    self._console.tick(now_ms)
                if self._ends_ms is not None and now_ms >= self._ends_ms:
                    self._end()
            await asyncio.sleep_ms(PUMP_MS if self.mesh is None else RADIO_MS)

    async def _do_as_told(self):
        """Orders, keys, updates: each may sign and verify, so that lines have a turn between."""
        self._desk.tick(self.agent.say)
        await asyncio.sleep_ms(0)
        self._renewing.tick()
        await asyncio.sleep_ms(0)
        if self.updating is not None and self.updating.tick(
                self.agent.say, bool(self._connection.session())):
            self._end()

    async def _tell(self):
        """How it stands, on the console."""
        every_s = self._settings.board.get("status_s", 60)
        while True:
            await asyncio.sleep_ms(every_s * 1000)
            self._log.say(standing.sentence(self))

    def ram_left(self):
        """Bytes, as far as they are known."""
        return gc.mem_free()

    async def _read(self, line):
        """The sweeps of one line when they are due, and its back-fill in between."""
        config, clock = self._settings.config, self.clock
        wire = parts.line_of(line, self._settings.board, self.breathe)
        sweeps = sweeps_of_line(config, self._settings.models, line.name)
        for _, sweep in sweeps:
            for known in sweep.meters:
                if known not in self.meters:
                    self.meters.append(known)
                known.upkeep.marks = self._marks.of(known.index)
        work = LineWork(*[sweep for _, sweep in sweeps])
        work.lends_by_turns = True
        for known in self.meters:
            if known.meter.line == line.name:
                self._works[known.index] = work
        due = [(schedule, Timetable(schedule, clock.now_s())) for schedule, _ in sweeps]
        while True:
            now_s = clock.now_s()
            if await self._sweep(work, wire, due):
                continue
            await self._lend(work, wire)
            records = work.idle(wire, clock)
            for record in records or ():
                self.agent.take(record)
            next_s = min([timetable.next_s(now_s) for _, timetable in due])
            wait_ms = clock.real_ms_until(next_s) if records is None else 0
            await asyncio.sleep_ms(min(wait_ms, WAIT_MAX_MS))

    async def _sweep(self, work, wire, due):
        """Make the sweeps of the schedules in `due` whose moment has come; whether there was one.
        Those with a shorter period come between two meters of a longer one.
        """
        was_due = False
        for which, (schedule, timetable) in enumerate(due):
            now_s = self.clock.now_s()
            if timetable.take(now_s) is None:
                continue
            was_due = True
            budget_ms = self.clock.real_ms_until(next_due_s(now_s, schedule))
            for record in work.sweep(wire, self.clock, budget_ms, which):
                if record is not None:
                    self.agent.take(record)
                    if self.agent.is_full():
                        self.agent.tick()
                else:
                    await self._lend(work, wire)
                    if which:
                        await self._sweep(work, wire, due[:which])
                await asyncio.sleep_ms(0)    # Between two meters the other tasks have a turn.
        return was_due

    async def _lend(self, work, wire):
        """A session, if one waits: this line alone stands still for it."""
        for _ in work.lend(wire, self.clock):
            await asyncio.sleep_ms(0)


def start():
    """Run; returns never. A mistake of ours is printed, and resets the board."""
    gc.threshold(GARBAGE_BYTES)
    log = Printed()
    watchdog = machine.WDT(timeout=WATCHDOG_MS)
    asyncio.run(_guarded(watchdog, log))


async def _guarded(watchdog, log):
    try:
        cipher.check(sys.platform)
        # First: an ESP32's chance is one only while a radio is on, and an identity may be made.
        network = parts.network_of(surroundings(ROOT), log)
        try:
            flash = BoardFlash(ROOT + "/archive", watchdog.feed)
            fresh.look(flash, machine.reset_cause() == machine.PWRON_RESET, log)
            settings = read_settings(ROOT, flash)
            if settings.warning:
                log.warn(settings.warning)
            if settings.keys is None:
                started.waits_for_nobody("it finds no keys")
                await waiting.until_let_in(settings, network, watchdog, log)
                log.say("starting anew with these keys")
            else:
                await Gateway(settings, flash, network, watchdog, log).run()
        except NotSetUp as error:
            if not started.is_on_trial():
                await waiting.without_settings(str(error), network, watchdog, log)
            log.warn("this version is on trial, and cannot go on: %s" % error)
    except Exception as error:
        sys.print_exception(error)
    machine.reset()
