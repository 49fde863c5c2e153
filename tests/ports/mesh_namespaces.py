"""One station in a process of its own, for a network namespace: prints JSON lines of what happens.

usage: python -m tests.ports.mesh_namespaces FOLDER ADDRESS ROLE LISTEN LOSS SUBMIT PEER...

ROLE: gateway or station.

LOSS: share of the datagrams received that are dropped, where the kernel cannot (tc netem).
SUBMIT: how many objects of 700 bytes it sends once it has a way.
"""

import json
import random
import sys
import time
from pathlib import Path

from tests.ports.mesh_bench import KEY, WAYS
from wum_edge.carry.setting import address_of
from wum_edge.mesh.guard import Guard
from wum_edge.mesh.relay import Relay
from wum_edge.mesh.setting import Setting
from wum_edge.ports.linux.mesh_seal import Seal
from wum_edge.ports.linux.mesh_station import Station
from wum_edge.ports.linux.mesh_store import MeshStore
from wum_edge.ports.linux.mesh_udp import UdpPort


class LossyPort(UdpPort):
    """Drops a share of what it receives."""

    def __init__(self, loss: float, listen, peers) -> None:
        super().__init__(listen, peers)
        self._loss, self._dice = loss, random.Random(listen[1])

    def receive(self):
        return [one for one in super().receive() if self._dice.random() >= self._loss]


def tell(action) -> None:
    if action[0] in ("deliver", "done"):
        print(json.dumps([action[0], action[1], len(action[3]) if len(action) > 3 else 0]),
              flush=True)


def main() -> None:
    folder, address, role, listen, loss, submit, *peers = sys.argv[1:]
    store = MeshStore(Path(folder), int(time.time()), is_new=True)
    relay = Relay(Setting(int(address), role == "gateway", WAYS, 10_000),
                  Guard(Seal(KEY), 7, 1, int(address), store.counter),
                  time.monotonic_ns() // 1000, int(address), store.spent_us)
    port = LossyPort(float(loss), address_of(listen), [address_of(peer) for peer in peers])
    station = Station(relay, store, tell, lambda error: sys.exit(str(error)), udp=port)
    station.start()
    left = int(submit)
    while True:
        station.with_relay(lambda relay, t_us: relay.gradient.has_parents or role == "gateway"
                           or relay.trickle.hurry(t_us, relay.chance()))
        if left and station.with_relay(lambda relay, _: relay.gradient.has_parents):
            content = bytes([left]) * 700
            left -= station.with_relay(
                lambda relay, t_us, content=content: relay.submit(t_us, content, 2)) is not None
        time.sleep(0.3)


if __name__ == "__main__":
    main()
