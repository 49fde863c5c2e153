"""What `wum-edge run` runs: threads for lines and broker, and one that runs the agent.

A thread for each line reads meters, paho's thread hears acknowledgements; both hand what they
have to the agent's thread through one bounded queue. Left out: what any of them does,
and starting anew (starting.py).
"""

import importlib.metadata
import logging
import os
import queue
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wum_edge.agent import Agent
from wum_edge.archive.ring import Archive
from wum_edge.carry.setting import STANDBY
from wum_edge.config import Config
from wum_edge.configuration.configure import Configure
from wum_edge.configuration.kept import Kept
from wum_edge.log import Log
from wum_edge.meters.catalog import Model, protocols
from wum_edge.meters.sweep import sweeps_of_line
from wum_edge.meters.visit import KnownMeter
from wum_edge.orders.desk import Desk
from wum_edge.ports.linux import (
    aes_cbc,
    dlms_supply,
    journal,
    order_desk,
    pulse_lines,
    update_part,
)
from wum_edge.ports.linux.broker import Account, MqttBroker
from wum_edge.ports.linux.chance import SystemDice, new_incarnation
from wum_edge.ports.linux.cipher import Cipher
from wum_edge.ports.linux.clock import SystemClock, clock_of
from wum_edge.ports.linux.configured import Configured, why_not
from wum_edge.ports.linux.flash import LinuxFlash, lock_folder
from wum_edge.ports.linux.hands import ForAnother, Hands, Heard, Home
from wum_edge.ports.linux.introduction import introduce
from wum_edge.ports.linux.keys import KeysFolder, read_keys
from wum_edge.ports.linux.renewing import EPOCH_S, Renewing, renewing_of
from wum_edge.ports.linux.supervised import READY, STOPPING, Supervisor
from wum_edge.ports.linux.sweeper import Record, Sweeper
from wum_edge.ports.linux.tcp_line import line_of
from wum_edge.ports.marks import MarksFile
from wum_edge.schema import schema
from wum_edge.uplink.broker import Broker
from wum_edge.uplink.counter import CHANCE_BYTES, Counter, CounterDoubtful, first_start
from wum_edge.uplink.delivery import Delivery
from wum_edge.uplink.opening import Opening
from wum_shared.batch import Event
from wum_shared.ids import id_to_text
from wum_shared.messages import NOTE_MAX
from wum_shared.status import EVENT_COUNTER_ACCEPTED, EVENT_STARTED, NEVER_SET
from wum_shared.topics import DOWN, RIPPLE, topic

if TYPE_CHECKING:            # A gateway without a mesh does not load it: it is some MB.
    from wum_edge.ports.linux.mesh_part import MeshPart
    from wum_edge.ports.linux.mesh_picture import PictureSocket

QUEUE_MAX = 1024         # What lines and broker have handed in and the agent has not taken yet.
TICK_S = 0.2
SWEEPS_END_S = 3.0       # A turn ends after its timeout; what comes later is not waited for.
BROKER_END_S = 2.0
ENDED = 0
FAILED = 1
ANEW = -1                # Not the end: another configuration is in force.
RESTART = 75             # EX_TEMPFAIL of sysexits.h: whoever runs us starts us again at once.
_log = logging.getLogger("wum_edge.run")


def open_gateway(
        found: Configured, models: dict[str, Model], ending: threading.Event,
        recent: order_desk.Recent, epoch_s: int = EPOCH_S) -> "_Gateway":
    """Everything that a gateway consists of. Raises BadKeys, FolderInUse, OSError."""
    config = found.config
    place = config.concentrator
    own = read_keys(Path(place.keys))
    locks = [lock_folder(Path(place.keys))]    # Two agents with one key would repeat counters.
    flash = LinuxFlash(Path(place.archive))
    counters = dlms_supply.install(Path(place.keys))
    aes_cbc.install()
    clock = clock_of(config.clock)
    log = journal.Journal(id_to_text(own.keys.concentrator))
    archive = Archive(flash, place.archive_limit_mb * 1024 * 1024, new_incarnation())
    hands = Hands(ending, queue.Queue(QUEUE_MAX), topic(own.keys.concentrator, DOWN, ""))
    broker = _broker(config, own, hands)
    mesh = _mesh(config, own, hands, log, is_new=archive.next_sequence == 1)
    if mesh is not None and broker is not None:
        mesh.carry_for_others(own.keys.concentrator, broker)
    connection = (mesh.broker if mesh is not None else None) or broker
    assert connection is not None        # A configuration has one of them.
    delivery, doubtful = _delivery(archive, flash, own, connection, log)
    marks = MarksFile(flash, clock, log, config, models)
    marks.catch_up(archive)
    updating = _updating(config, own, mesh, clock, log)

    def archived(records: list[Record], last_sequence: int) -> None:
        marks.archived(records, last_sequence)
        counters.archived(records)
        if updating is not None:
            updating.archived(records)

    agent = Agent(
        archive=archive, delivery=delivery, clock=clock, log=log, archived=archived,
        schema=schema(config, models, own.keys.tenant, own.keys.concentrator, clock.now_s()))
    opening = Opening(Cipher(), own.keys, log)
    desk = order_desk.open_desk(config, own.keys, flash, clock, log, archive.newest_s or 0)
    if mesh is not None:
        mesh.take_orders(desk)
        mesh.groups.carry_out = agent.ordered
        agent.listen(RIPPLE, lambda sealed: mesh.groups.ordered(opening.open(RIPPLE, sealed)))
    agent.happened(EVENT_STARTED, "wum-edge %s: %s on %s" % (
        updating.name() if updating else importlib.metadata.version("wum-edge"),
        _many(len(config.meters), "meter"), _many(len(config.lines), "line")))
    for event in _accepted(counters, config, clock):
        agent.take(event)
    if doubtful:
        agent.stop_sending(doubtful)
    inputs = pulse_lines.open_inputs(config, models, clock, hands.crashed)
    lines = [_line(config, models, clock, hands, inputs, number)
             for number in range(len(config.lines))]
    inputs.tell = {known.index: sweeper.order for sweeper, meters in lines for known in meters}
    order_desk.let_act(
        desk, agent, [(meter.serial, models[meter.model]) for meter in config.meters], inputs,
        hands, recent, order_desk.groups_of(
            desk, flash, mesh.groups.join if mesh is not None else lambda _: None), clock, log)
    if desk is not None:
        order_desk.let_configure(desk, _configure(found, models, flash, hands), Path(place.keys))
    update_part.listen(updating, agent, desk, mesh)
    known_meters = [known for _, meters in lines for known in meters]
    for known in known_meters:
        assert known.upkeep is not None
        known.upkeep.marks = marks.of(known.index)
    introduce(config, own, archive, mesh)
    return _Gateway(agent=agent, broker=broker, sweepers=[sweeper for sweeper, _ in lines],
                    meters=known_meters, flash=flash, hands=hands, locks=locks, marks=marks,
                    inputs=inputs, mesh=mesh, clock=clock, updating=updating, desk=desk,
                    picture=_picture(Path(place.archive)) if mesh else None, renewing=renewing_of(
                        Path(place.keys), flash, connection, agent,
                        [opening, updating, order_desk.keyed(desk, Path(place.keys))], epoch_s))


def _delivery(
        archive: Archive, flash: LinuxFlash, own: KeysFolder, connection: Broker, log: Log,
) -> tuple[Delivery | None, str]:
    """What delivers; or why nothing may be sent."""
    try:
        return Delivery(
            archive=archive, counter=Counter(
                flash, own.keys.key_id, first_start(os.urandom(CHANCE_BYTES))),
            cipher=Cipher(), keys=own.keys, broker=connection, dice=SystemDice(), log=log), ""
    except CounterDoubtful as error:
        return None, str(error)


def _configure(
        found: Configured, models: dict[str, Model], flash: LinuxFlash, hands: Hands) -> Configure:
    return Configure(
        Kept(flash), found.own, protocols(models), why_not, lambda _: hands.start_anew())


def _accepted(
        counters: dlms_supply.CounterFile, config: Config, clock: SystemClock) -> list[Event]:
    """What was accepted by the command line while no gateway ran."""
    places = {meter.serial: index for index, meter in enumerate(config.meters)}
    return [Event(0, one.at_s, clock.quality(), EVENT_COUNTER_ACCEPTED, places.get(one.serial),
                  one.note[:NOTE_MAX]) for one in counters.accepted]


def _mesh(config: Config, own: KeysFolder, hands: Hands, log: Log, *,
          is_new: bool) -> "MeshPart | None":
    """Raises BadKeys, CounterLost, OSError."""
    if config.mesh is None:
        return None
    from wum_edge.ports.linux import mesh_member, mesh_part

    def hear(stream: str, sealed: bytes) -> None:
        hands.answer(hands.own + stream, sealed)

    member = mesh_member.Membership(
        Path(config.concentrator.keys), Path(config.concentrator.archive), own.keys.concentrator,
        config.mesh, log, is_new=is_new)
    return mesh_part.MeshPart(config.mesh, member, log, hear, hands.crashed)


def _updating(config: Config, own: KeysFolder, mesh: "MeshPart | None", clock: SystemClock,
              log: Log) -> update_part.UpdatePart | None:
    """The part in updates, which passes them on in the mesh. Raises BadKeys, OSError."""
    part = update_part.open_part(Path(config.concentrator.keys), own.keys, clock, log,
                                 has_meters=bool(config.meters))
    if part is not None and mesh is not None:
        mesh.share(part.updater, part.flash, clock)
    return part


def _picture(archive: Path) -> "PictureSocket":
    from wum_edge.ports.linux import mesh_picture
    return mesh_picture.PictureSocket(archive)


def _broker(config: Config, own: KeysFolder, hands: Hands) -> MqttBroker | None:
    settings = config.broker
    if settings is None:
        return None
    account = Account(settings.host, settings.port, settings.tls,
                      Path(settings.ca_file) if settings.ca_file else None, own.broker_user,
                      own.password_file)
    return MqttBroker(account, topic(own.keys.concentrator, DOWN, "+"), hands.answer, SystemDice(),
                      is_open=config.mesh is None or config.mesh.role != STANDBY)


def _line(
        config: Config, models: dict[str, Model], clock: SystemClock, hands: Hands,
        inputs: pulse_lines.InputLines, number: int,
) -> tuple[Sweeper, list[KnownMeter]]:
    line = config.lines[number]
    sweeps = sweeps_of_line(config, models, line.name)
    sweeper = Sweeper(
        name=line.name, line=inputs.lines.get(line.name) or line_of(line), sweeps=sweeps,
        clock=clock, hand=hands.record, crashed=hands.crashed)
    # One with several register sets is in a sweep of each.
    return sweeper, list(dict.fromkeys([known for _, sweep in sweeps for known in sweep.meters]))


@dataclass(slots=True, kw_only=True)
class _Gateway:
    """The running parts, from the start of their threads to their end."""

    agent: Agent
    broker: MqttBroker | None
    sweepers: list[Sweeper]
    meters: list[KnownMeter]
    flash: LinuxFlash
    hands: Hands
    locks: list[int]         # Open for as long as the process runs.
    marks: MarksFile
    inputs: pulse_lines.InputLines
    mesh: "MeshPart | None"
    clock: SystemClock
    picture: "PictureSocket | None"
    updating: update_part.UpdatePart | None
    desk: Desk | None
    renewing: Renewing | None

    def run(self, status_s: float) -> int:
        """Run until a signal or a crash; the exit code."""
        if self.broker is not None:
            self.broker.start()
        if self.mesh is not None:
            self.mesh.start()
        self.inputs.start()
        for sweeper in self.sweepers:
            sweeper.start()
        try:
            self._work(status_s)
        except Exception as error:
            _log.exception("the agent ended")
            self.hands.crashed(error)
        is_anew = not self.hands.ending.is_set()
        self._end()
        if self.hands.crash is not None:
            return FAILED
        is_updated = self.updating is not None and self.updating.updater.restart
        if is_updated or self.hands.is_restarting:
            return RESTART
        return ANEW if is_anew else ENDED

    def _work(self, every_s: float) -> None:
        status_s = time.monotonic() + every_s
        supervisor = Supervisor()
        supervisor.tell(READY)
        while not self.hands.ending.is_set() and not self.hands.is_over():
            self._take(TICK_S)
            supervisor.tick(time.monotonic())
            if self.mesh is not None:
                self.mesh.tick(self.clock.quality() != NEVER_SET)
                self.mesh.tell(self.agent.say, self.clock.now_s())
                if self.picture is not None:
                    self.picture.tick(self.mesh)
            self.agent.tick()
            if self.desk is not None:
                self.desk.tick(self.agent.say)
            if self.updating is not None and self.updating.tick(
                    self.agent.say, self.mesh is not None and self.mesh.is_fed()):
                self.hands.ending.set()
            if self.renewing is not None:
                self.renewing.tick()
            if time.monotonic() >= status_s:
                status_s += every_s
                said = self._sentence(self._is_connected())
                if self.mesh is not None:
                    from wum_edge.ports.linux.mesh_picture import sentence
                    said += "; " + sentence(self.mesh)
                _log.info("%s", said)
        supervisor.tell(STOPPING)

    def _sentence(self, connected: bool) -> str:
        return journal.sentence(
            self.agent.summary(), self.agent.oldest_s(), self.meters, connected)

    def _is_connected(self) -> bool:
        if self.broker is not None and self.broker.session():
            return True
        return self.mesh is not None and self.mesh.through is not None and self.mesh.has_way()

    def _take(self, wait_s: float) -> None:
        """Hand the agent what is waiting, at most what the queue can hold."""
        try:
            for place in range(QUEUE_MAX):
                handed = self.hands.waiting.get(timeout=wait_s) if place == 0 and wait_s else (
                    self.hands.waiting.get_nowait())
                if isinstance(handed, Heard):
                    self.agent.hear(handed.stream, handed.sealed)
                elif isinstance(handed, Home):
                    handed.take()
                elif isinstance(handed, ForAnother):
                    if self.mesh is not None and self.mesh.carriage is not None:
                        self.mesh.carriage.said(handed.topic, handed.sealed)
                else:
                    if type(handed) is Event:
                        journal.tell(handed)
                    self.agent.take(handed)
        except queue.Empty:
            return

    def _end(self) -> None:
        """Archive what was read, and let go of line, broker and folders."""
        _log.info("ending")
        self.hands.ending.set()
        for sweeper in self.sweepers:
            sweeper.stop()
        deadline_s = time.monotonic() + SWEEPS_END_S
        for sweeper in self.sweepers:
            sweeper.join(max(0.0, deadline_s - time.monotonic()))
        self.inputs.close()
        self._take(0)
        self.agent.close()
        self.marks.save()
        _log.info("ended: %s", self._sentence(False))
        if self.mesh is not None:
            self.mesh.stop()
        if self.picture is not None:
            self.picture.close()
        if self.broker is not None:
            self.broker.stop(BROKER_END_S)
        self.flash.close()
        for lock in self.locks:
            os.close(lock)


def _many(count: int, what: str) -> str:
    return "1 %s" % what if count == 1 else "%d %ss" % (count, what)
