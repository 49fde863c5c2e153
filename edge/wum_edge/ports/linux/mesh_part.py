"""The mesh's part of a running gateway: a station, and what goes through it up and down.

At a station without an uplink it is delivery's connection; at a gateway it carries for others; on
standby it is the one or the other. Everything but the relay's own thread runs in the agent's. Left
out: the station's loop (mesh_station.py), what a person is shown (mesh_picture.py).
"""

import logging
import queue
import time
from collections.abc import Callable

from wum_edge.archive.flash import Flash
from wum_edge.carry.carriage import Carriage, Uplink
from wum_edge.carry.door import Door
from wum_edge.carry.mesh_broker import Mesh, MeshBroker
from wum_edge.carry.reporting import Reporting, report_of
from wum_edge.carry.setting import GATEWAY, MeshSetting
from wum_edge.carry.standby import Either, Place, Standby
from wum_edge.clock import Clock
from wum_edge.log import Log
from wum_edge.mesh.relay import Relay
from wum_edge.orders.desk import Desk
from wum_edge.orders.network_key import ChangeNetworkKey
from wum_edge.ports.linux.broker import MqttBroker
from wum_edge.ports.linux.mesh_groups import MeshGroups
from wum_edge.ports.linux.mesh_keyring import LinuxKeyring
from wum_edge.ports.linux.mesh_member import Membership
from wum_edge.ports.linux.mesh_ports import modem_of, sentence_of, udp_of
from wum_edge.ports.linux.mesh_spreader import LinuxSpreader
from wum_edge.ports.linux.mesh_station import Station
from wum_edge.update.rolls import Rolls
from wum_edge.update.sharing import Sharing
from wum_edge.update.updater import Updater
from wum_edge.uplink.broker import Broker
from wum_shared import orders
from wum_shared.mesh import MeshReport, encode_mesh_report
from wum_shared.topics import MESH

TOLD_MAX = 512               # What the relay has said and the agent's thread has not taken yet.
TIME_EVERY_S = 60.0          # A gateway tells the network's time so often.
AWAY_MS = 120_000            # A gateway without its broker for so long is none to the mesh.
_log = logging.getLogger("wum_edge.mesh")


class LinuxMesh(Mesh):
    """What carry/ wants of the station."""

    def __init__(self, station: Station, member: Membership) -> None:
        self._station, self._member = station, member

    def has_room(self, pieces: int) -> bool:
        # Without an address, or with a new one soon, nothing can be said to be ours.
        if self._member.keys is None or self._station.joiner is not None:
            return False
        return self._station.with_relay(lambda relay, _: relay.custody.has_room(pieces))

    def submit(self, content: bytes, priority: int) -> int | None:
        return self._station.with_relay(lambda relay, t_us: relay.submit(t_us, content, priority))

    def resubmit(self, number: int, content: bytes, here: int, priority: int) -> None:
        self._station.with_relay(
            lambda relay, t_us: relay.resubmit(t_us, number, content, here, priority))

    def withdraw(self, number: int) -> None:
        self._station.with_relay(lambda relay, t_us: relay.withdraw(t_us, number))

    def send_down(self, address: int, content: bytes) -> bool:
        return self._station.with_relay(
            lambda relay, t_us: relay.send_down(t_us, address, content)) is not None

    def let_in(self, is_open: bool) -> None:
        def change(relay: Relay, _: int) -> None:
            relay.is_open = is_open
        self._station.with_relay(change)


class LinuxPlace(Place):
    """What a standby wants of the station."""

    def __init__(self, station: Station) -> None:
        self._station = station

    def serve(self, is_gateway: bool) -> None:
        self._station.with_relay(lambda relay, t_us: relay.serve(t_us, is_gateway))

    def stand_by(self, is_standby: bool) -> None:
        def change(relay: Relay, _: int) -> None:
            relay.role.is_standby = is_standby
        self._station.with_relay(change)


class MeshPart:
    """`broker` is delivery's connection, None at a gateway; `through` that through the mesh, None
    there too; `carriage` is that of a gateway and of a standby, set once its uplink is there.
    """

    def __init__(
            self, setting: MeshSetting, member: Membership, log: Log,
            hear: Callable[[str, bytes], None],
            crashed: Callable[[BaseException], None]) -> None:
        """Raises BadKeys, OSError."""
        self.setting, self.member = setting, member
        self._told: queue.Queue[tuple[object, ...]] = queue.Queue(TOLD_MAX)
        self._lost = 0
        self.door = member.door()
        self.station = Station(member.relay(), member.store, self._tell, crashed,
                               udp=udp_of(setting), modem=modem_of(setting))
        self.mesh = LinuxMesh(self.station, member)
        self.groups = MeshGroups(self.station, member, log)
        self.through = MeshBroker(self.mesh, log, hear) if setting.role != GATEWAY else None
        self.broker: Broker | None = self.through
        self.standby: Standby | None = None
        self.carriage: Carriage | None = None
        self._uplink: Uplink | None = None
        self.sharing: Sharing | None = None
        self._away_ms: int | None = None
        self._serves = True
        self._log, self._time_s = log, 0.0
        self._reporting = Reporting(setting.report_s * 1000, time.monotonic_ns() // 1_000_000)

    def carry_for_others(self, own: bytes, uplink: MqttBroker) -> None:
        """What comes through the mesh goes on by this uplink; on standby only when it must."""
        self.carriage = Carriage(own, uplink, self.mesh, self._log)
        self._uplink = uplink
        if self.through is not None:
            either = Either(self.through, uplink)
            self.broker = either
            self.standby = Standby(LinuxPlace(self.station), uplink, either, self._log)

    def share(self, updater: Updater, flash: Flash, clock: Clock) -> None:
        """Pass this updater's releases on, and gather the one that it was assigned."""
        self.sharing = Sharing(updater, LinuxSpreader(self.station), flash, clock, self._log)

    def pass_on(self, rolls: Rolls | None) -> None:
        """Gather what is flooded about, and give it to neighbours."""
        if self.sharing is not None:
            self.sharing.rolls = rolls

    def is_fed(self) -> bool:
        """Whether a release comes from neighbours: who has an uplink asks the head-end."""
        return self.through is not None and self.sharing is not None and self.sharing.is_fed()

    def take_orders(self, desk: Desk | None) -> None:
        """Let orders change the network's key, where any are taken."""
        if desk is None:
            return
        keyring = LinuxKeyring(self.member, self.station, self.door, self._log)
        desk.acts[orders.NETWORK_KEY] = ChangeNetworkKey(keyring, desk.trusted)

    def introduction(self) -> str:
        """Who and where this station is, for the log."""
        keys = self.member.keys
        who = "a station that has to join" if keys is None else "station %d of network %04x" % (
            keys.address, keys.network)
        return "%s. %s" % (who, sentence_of(self.setting))

    def start(self) -> None:
        self.station.start()

    def stop(self) -> None:
        self.station.stop()

    def _tell(self, action: tuple[object, ...]) -> None:
        """In the station's thread, which nothing may hold up."""
        try:
            self._told.put_nowait(action)
        except queue.Full:
            self._lost += 1
            if self._lost == 1:
                _log.warning("the agent takes nothing: what came through the mesh is dropped, and "
                             "sent again from where it came")

    def tick(self, is_time_good: bool) -> None:
        """In the agent's thread: take what the relay has said, and hand on what waits."""
        now_ms = time.monotonic_ns() // 1_000_000
        for _ in range(TOLD_MAX):
            try:
                action = self._told.get_nowait()
            except queue.Empty:
                break
            self._take(action, now_ms)
        self.member.tick(self.station, now_ms, self.has_way())
        self.groups.tick(now_ms, is_time_good)
        if self.sharing is not None:
            self.sharing.tick()
        if self.carriage is not None and self._uplink is not None:
            self.carriage.tick(now_ms)
            if self.standby is None:
                self._serve_while_connected(self._uplink, now_ms)
            else:
                self.standby.tick(now_ms)
                if not self._uplink.session() and not self.standby.is_gateway:
                    self.carriage.abandon()
            if is_time_good and time.monotonic() >= self._time_s and (
                    self.standby is None or self.standby.is_gateway):
                self._time_s = time.monotonic() + TIME_EVERY_S
                self.station.with_relay(
                    lambda relay, t_us: relay.set_time(t_us, time.time_ns() // 1000))

    def _serve_while_connected(self, uplink: Uplink, now_ms: int) -> None:
        """Be a gateway to the mesh only while the head-end can be reached: others may reach it."""
        if uplink.session():
            self._away_ms = None
        elif self._away_ms is None:
            self._away_ms = now_ms
        serves = self._away_ms is None or now_ms - self._away_ms < AWAY_MS
        if serves != self._serves:
            self._serves = serves
            self.station.with_relay(lambda relay, t_us: relay.serve(t_us, serves))
            _log.log(logging.INFO if serves else logging.WARNING, "the mesh: %s",
                     "a gateway again" if serves else "no gateway any more, for the broker has "
                     "been away for %d s; what comes goes on to another" % (AWAY_MS // 1000))

    def _take(self, action: tuple[object, ...], now_ms: int) -> None:
        match action:
            case ("deliver", int(address), _, bytes(content)) if self.carriage is not None:
                # Delivery sends our own by the uplink.
                if self.member.keys is None or address != self.member.keys.address:
                    self.carriage.delivered(address, content, now_ms)
            case ("receive", _, _, bytes(content)) if self.through is not None:
                self.through.receive(content)
            case ("want", int(number), int(here)) if self.through is not None:
                self.through.want(number, here)
            case (("done" | "again"), int(number)) if self.through is not None:
                self.through.done(number)
            case ("join", int(proxy), bytes(content)) if self.door is not None:
                self._admit(self.door, proxy, content)
            case ("joined", int(address), int(epoch), bytes(key)):
                self.member.joined(address, epoch, key)
            case ("serving",) if self.standby is not None:
                self._time_s = 0.0
                self.standby.serving(now_ms)
            case ("resting",) if self.standby is not None:
                self.standby.resting(now_ms)
            case ("undelivered", int(address), _):
                _log.info("station %d confirmed nothing: what was said to it is given up, and "
                          "said again when it asks", address)
            case ("ripple" | "execute" | "late" | "echo", *_):
                self.groups.take(action, now_ms)
            case ("page", bytes(name), int(page), bytes(data)) if self.sharing is not None:
                self.sharing.came(name, page, data)
            case ("read page", bytes(name), int(page)) if self.sharing is not None:
                self.sharing.wanted(name, page)
            case ("spoilt", _, _, int(source)) if self.sharing is not None:
                self.sharing.spoilt(source)

    def _admit(self, door: Door, proxy: int, content: bytes) -> None:
        answer = door.answer(content)
        if answer is not None:
            where, sealed = answer
            self.station.with_relay(
                lambda relay, t_us: relay.admit(t_us, proxy, where, sealed))

    def tell(self, say: Callable[[str, bytes], bool], at_s: int) -> None:
        """Send what is due of reports. `say` takes a stream and what is to be sealed."""
        self.groups.tell(say, at_s)
        now_ms, keys = time.monotonic_ns() // 1_000_000, self.member.keys

        def due(relay: Relay, t_us: int) -> MeshReport | None:
            if keys is None or not self._reporting.is_due(relay, now_ms):
                return None
            return report_of(relay, keys.network, t_us, at_s, self.setting.report_s)

        report = self.station.with_relay(due)
        if report is not None and say(MESH, encode_mesh_report(report)):
            self._reporting.sent(now_ms)

    def has_way(self) -> bool:
        """Whether a gateway can be reached."""
        return self.station.with_relay(
            lambda relay, _: relay.gradient.is_gateway or relay.gradient.has_parents)
