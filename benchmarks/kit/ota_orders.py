"""The orders that assign an update: one to every station of a mesh, as long as a real one is.

Left out: what it says up in return (receipts and standings), which is a campaign's with or without
a mesh.
"""

from hashlib import sha256

from kit.mesh_hourly import HOUR_US
from wum_cloud.registry.cipher import SodiumCipher, SodiumSigner
from wum_edge.carry.envelope import DOWNWARD, wrap
from wum_edge.mesh.frames import DOWN, GOT, RIPPLE
from wum_edge.mesh.relay import Relay
from wum_shared import bundle, cose, orders, suit, updates
from wum_shared.messages import DirectionKey
from wum_shared.orders import Order
from wum_shared.suit import Release
from wum_shared.topics import ORDER
from wum_shared.updates import Assignment
from wum_simulator.radio.network import Network

KINDS = (DOWN, GOT, RIPPLE)
SIGNERS = 2                  # docs/updates.md: a threshold of two.
LOOK_US = 5_000_000
_NOW_S = 1_790_000_000


def order_of(image: bytes) -> bytes:
    """The object that goes down to one station: a release without the hashes of its chunks,
    assigned, signed, sealed and wrapped.
    """
    index = bundle.index_of(image)
    release = Release(7, bytes(16), bytes(16), sha256(image).digest(), len(image),
                      sha256(index).digest(), len(index), None)
    signer = SodiumSigner()
    signatures = tuple(cose.sign_detached(signer, bytes([at]) * 32, bytes([at]) * 8,
                                          suit.digest_of(release)) for at in range(SIGNERS))
    demand = updates.encode_demand(Assignment(
        3, _NOW_S, _NOW_S + 86_400, False, suit.encode(release, signatures)))
    to, identity = bytes(8), (1 << 32).to_bytes(8, "big")
    order = Order(to, identity, 1 << 32, _NOW_S, _NOW_S, _NOW_S + 86_400, orders.UPDATE, demand,
                  None)
    signed = orders.sign_order(signer, bytes(32), SodiumSigner.public(bytes(32)), order)
    sealed = orders.seal_order(SodiumCipher(), DirectionKey(bytes(32), bytes(12)),
                               cose.key_id(to, 1), 1 << 20, "utility", signed)
    return wrap(DOWNWARD, to, ORDER, sealed)


class Assigning:
    """Gives an order to everybody but the gateway, as it has room, until each has confirmed it."""

    def __init__(self, network: Network, order: bytes) -> None:
        self._network, self._order, self._read = network, order, len(network.told)
        self.gateway = network.plan.gateways[0]
        self._begun_us = network.air.now_us
        self._waiting = [number for number in range(len(network.plan.sites))
                         if number != self.gateway]
        self.given = 0
        network.air.after(0, self._look, 0)

    def _look(self, _: int) -> None:
        network = self._network
        for _, number, action in network.told[self._read:]:
            if number == self.gateway and action[0] == "undelivered":
                assert isinstance(action[1], int)
                self._waiting.append(action[1] - 1)  # As the head-end does.
        self._read = len(network.told)
        while self._waiting and self._give(self._waiting[0]):
            self._waiting.pop(0)
        if network.air.now_us < self._begun_us + 6 * HOUR_US:
            network.air.after(LOOK_US, self._look, 0)

    def _give(self, number: int) -> bool:
        given: list[int] = []

        def give(core: object, t_us: int) -> None:
            assert isinstance(core, Relay)
            order = core.send_down(t_us, number + 1, self._order)
            if order is not None:
                given.append(order)

        self._network.stations[self.gateway].act(give)
        self.given += len(given)
        return bool(given)
