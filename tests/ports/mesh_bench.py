"""Stations of the mesh in one process, joined by UDP through proxies that lose and repeat."""

import random
import selectors
import socket
import threading
import time

from wum_edge.mesh.airtime import WIRE, modulation
from wum_edge.mesh.guard import Guard
from wum_edge.mesh.relay import Relay
from wum_edge.mesh.setting import Setting
from wum_edge.ports.linux.mesh_seal import Seal
from wum_edge.ports.linux.mesh_station import Station
from wum_edge.ports.linux.mesh_store import MeshStore
from wum_edge.ports.linux.mesh_udp import UdpPort

KEY = bytes(range(16))
WAYS = [modulation(7, 250_000), WIRE]
LOCAL = ("127.0.0.1", 0)


class LossyWire:
    """A wire between two ports: each side sees the other at an address of the proxy."""

    def __init__(self, seed: int = 1, loss: float = 0.0, twice: float = 0.0) -> None:
        self.loss, self.twice, self.is_cut = loss, twice, False
        self.carried = self.lost = 0
        self._dice = random.Random(seed)
        self._sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
        for one in self._sockets:
            one.bind(LOCAL)
        self.addresses = [one.getsockname() for one in self._sockets]
        self._ends: list[tuple[str, int] | None] = [None, None]
        self._ending = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def attach(self, side: int, address: tuple[str, int]) -> None:
        """What arrives for this side goes to that address."""
        self._ends[side] = address

    def close(self) -> None:
        self._ending = True
        self._thread.join(2)
        for one in self._sockets:
            one.close()

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            for side, one in enumerate(self._sockets):
                selector.register(one, selectors.EVENT_READ, side)
            while not self._ending:
                for key, _ in selector.select(0.05):
                    frame, source = self._sockets[key.data].recvfrom(2048)
                    self._pass(key.data, frame, source)

    def _pass(self, side: int, frame: bytes, source: tuple[str, int]) -> None:
        end = self._ends[1 - side]
        if self._ends[side] != source or end is None:
            return
        if self.is_cut or self._dice.random() < self.loss:
            self.lost += 1
            return
        self.carried += 1
        for _ in range(2 if self._dice.random() < self.twice else 1):
            self._sockets[1 - side].sendto(frame, end)


class Node:
    """A station with what it has delivered and what was confirmed."""

    def __init__(self, folder, address: int, is_gateway: bool, wires, modem=None,
                 ways=None, key: bytes = KEY) -> None:
        self.address, self.delivered, self.done, self.crash = address, [], [], None
        self.other: list[tuple[object, ...]] = []
        folder.mkdir(exist_ok=True)
        store = MeshStore(folder, int(time.time()), is_new=True)
        guard = Guard(Seal(key), 7, 1, address, store.counter, store.windows)
        setting = Setting(address, is_gateway, ways or WAYS, 10_000)
        relay = Relay(setting, guard, time.monotonic_ns() // 1000, address, store.spent_us)
        udp = UdpPort(LOCAL, [wire.addresses[side] for wire, side in wires])
        for wire, side in wires:
            wire.attach(side, udp.address)
        self.station = Station(relay, store, self._tell, self._crashed, udp=udp, modem=modem)

    def _tell(self, action) -> None:
        if action[0] == "deliver":
            self.delivered.append((action[1], action[3]))
        elif action[0] == "done":
            self.done.append(action[1])
        else:
            self.other.append(action)

    def _crashed(self, error) -> None:
        self.crash = error

    def submit(self, content: bytes) -> int | None:
        return self.station.with_relay(lambda relay, t_us: relay.submit(t_us, content, 2))

    def hurry(self) -> None:
        """A beacon within a second: tests do not wait for those that come by themselves."""
        self.station.with_relay(lambda relay, t_us: relay.trickle.hurry(t_us, relay.chance()))

    def parent(self) -> int | None:
        return self.station.with_relay(lambda relay, _: relay.gradient.parent)


def wait_for_way(nodes: list[Node], last: Node, parent: int) -> bool:
    """Whether the last one finds this parent."""
    def found() -> bool:
        for node in nodes:
            node.hurry()
        return wait_for(lambda: last.parent() == parent, 1.0)

    return wait_for(found)


def wait_for(what, seconds: float = 20.0) -> bool:
    """Whether `what()` becomes true in time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if what():
            return True
        time.sleep(0.02)
    return bool(what())
