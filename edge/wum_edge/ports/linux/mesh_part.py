"""The mesh's part of a running gateway: a station, and what goes through it up and down.

At a station without an uplink it is delivery's connection; at a gateway it carries for others.
Everything but the relay's own thread runs in the agent's. Left out: the station's loop
(mesh_station.py), what a person is shown (mesh_picture.py).
"""

import logging
import queue
import time
from collections.abc import Callable
from pathlib import Path

from wum_edge.carry.carriage import Carriage, Uplink
from wum_edge.carry.mesh_broker import Mesh, MeshBroker
from wum_edge.carry.reporting import Reporting, report_of
from wum_edge.carry.setting import GATEWAY, MeshSetting
from wum_edge.log import Log
from wum_edge.mesh.frames import FRAGMENT_MAX
from wum_edge.mesh.guard import Guard
from wum_edge.mesh.relay import Relay
from wum_edge.mesh.setting import Setting
from wum_edge.modem.rui3 import Radio
from wum_edge.ports.linux.mesh_keys import MeshKeys
from wum_edge.ports.linux.mesh_modem import SerialModem
from wum_edge.ports.linux.mesh_seal import Seal
from wum_edge.ports.linux.mesh_station import Station
from wum_edge.ports.linux.mesh_store import MeshStore
from wum_edge.ports.linux.mesh_udp import UdpPort
from wum_shared.mesh import MeshReport, encode_mesh_report
from wum_shared.topics import MESH

TOLD_MAX = 512               # What the relay has said and the agent's thread has not taken yet.
TIME_EVERY_S = 60.0          # A gateway tells the network's time so often.
AWAY_MS = 120_000            # A gateway without its broker for so long is none to the mesh.
_log = logging.getLogger("wum_edge.mesh")


class LinuxMesh(Mesh):
    """What carry/ wants of the station."""

    def __init__(self, station: Station) -> None:
        self._station = station

    def has_room(self, pieces: int) -> bool:
        return self._station.with_relay(lambda relay, _: relay.custody.has_room(pieces))

    def submit(self, content: bytes, priority: int) -> int | None:
        return self._station.with_relay(lambda relay, t_us: relay.submit(t_us, content, priority))

    def resubmit(self, number: int, content: bytes, here: int, priority: int) -> None:
        self._station.with_relay(
            lambda relay, t_us: relay.resubmit(t_us, number, content, here, priority))

    def send_down(self, address: int, content: bytes) -> bool:
        return self._station.with_relay(
            lambda relay, t_us: relay.send_down(t_us, address, content)) is not None

    def let_in(self, is_open: bool) -> None:
        def change(relay: Relay, _: int) -> None:
            relay.is_open = is_open
        self._station.with_relay(change)


class MeshPart:
    """`broker` is delivery's connection at a station, None at a gateway; `carriage` is that of a
    gateway, set once its uplink is there.
    """

    def __init__(
            self, setting: MeshSetting, keys: MeshKeys, archive: Path, log: Log,
            hear: Callable[[bool, bytes], None], crashed: Callable[[BaseException], None], *,
            is_new: bool) -> None:
        """Raises CounterLost, OSError."""
        self.setting, self.keys = setting, keys
        self._told: queue.Queue[tuple[object, ...]] = queue.Queue(TOLD_MAX)
        self._lost = 0
        store = MeshStore(archive, int(time.time()), is_new)
        relay = Relay(
            Setting(keys.address, setting.role == GATEWAY, setting.ways, setting.duty_permyriad),
            Guard(Seal(keys.key), keys.network, keys.epoch, keys.address, store.counter,
                  store.windows),
            time.monotonic_ns() // 1000, keys.address, store.spent_us)
        self.station = Station(relay, store, self._tell, crashed, udp=_udp(setting),
                               modem=_modem(setting))
        self.mesh = LinuxMesh(self.station)
        self.broker: MeshBroker | None = None
        if setting.role != GATEWAY:
            self.broker = MeshBroker(self.mesh, log, hear)
        self.carriage: Carriage | None = None
        self._uplink: Uplink | None = None
        self._away_ms: int | None = None
        self._serves = True
        self._log, self._time_s = log, 0.0
        self._reporting = Reporting(setting.report_s * 1000, time.monotonic_ns() // 1_000_000)

    def carry_for_others(self, own: bytes, uplink: Uplink) -> None:
        """At a gateway: what comes through the mesh goes on by this uplink."""
        self.carriage = Carriage(own, uplink, self.mesh, self._log)
        self._uplink = uplink

    def introduction(self) -> str:
        """Who and where this station is, for the log."""
        return "station %d of network %04x. %s" % (
            self.keys.address, self.keys.network, sentence_of(self.setting))

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
        if self.carriage is not None and self._uplink is not None:
            self.carriage.tick(now_ms)
            self._serve_while_connected(self._uplink, now_ms)
            if is_time_good and time.monotonic() >= self._time_s:
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
                self.carriage.delivered(address, content, now_ms)
            case ("receive", _, _, bytes(content)) if self.broker is not None:
                self.broker.receive(content)
            case ("want", int(number), int(here)) if self.broker is not None:
                self.broker.want(number, here)
            case (("done" | "again"), int(number)) if self.broker is not None:
                self.broker.done(number)
            case ("undelivered", int(address), _):
                _log.info("station %d confirmed nothing: what was said to it is given up, and "
                          "said again when it asks", address)

    def tell(self, say: Callable[[str, bytes], bool], at_s: int) -> None:
        """Send a report, if one is due. `say` takes a stream and what is to be sealed."""
        now_ms = time.monotonic_ns() // 1_000_000

        def due(relay: Relay, t_us: int) -> MeshReport | None:
            if not self._reporting.is_due(relay, now_ms):
                return None
            return report_of(relay, self.keys.network, t_us, at_s, self.setting.report_s)

        report = self.station.with_relay(due)
        if report is not None and say(MESH, encode_mesh_report(report)):
            self._reporting.sent(now_ms)

    def has_way(self) -> bool:
        """Whether a gateway can be reached."""
        return self.station.with_relay(
            lambda relay, _: relay.gradient.is_gateway or relay.gradient.has_parents)


def _udp(setting: MeshSetting) -> UdpPort | None:
    udp = setting.udp
    return None if udp is None else UdpPort(udp.listen, list(udp.peers), udp.group, udp.interface)


def _modem(setting: MeshSetting) -> SerialModem | None:
    modem = setting.modem
    if modem is None:
        return None
    return SerialModem(modem.port, Radio(setting.frequency_hz, setting.power_dbm, [setting.way],
                                         modem.sync_word, modem.looks_first))


def sentence_of(setting: MeshSetting) -> str:
    """What a configuration asks for, for a person."""
    parts = [f"Mesh: {setting.role}"]
    if setting.modem is not None:
        way = setting.way
        parts.append(f"modem {setting.modem.kind} at {setting.modem.port}, {setting.frequency_hz} "
                     f"Hz, SF{way.spreading_factor} at {way.bandwidth_hz} Hz, "
                     f"{setting.power_dbm} dBm, {setting.duty_permyriad / 100:g} % of any hour")
    if setting.udp is not None:
        udp = setting.udp
        parts.append("UDP at %s:%d" % udp.listen + (
            f", {len(udp.peers)} peers" if udp.peers else "") + (
            ", group %s:%d" % udp.group if udp.group else ""))
    return "; ".join(parts) + f". A frame carries {FRAGMENT_MAX} bytes."
