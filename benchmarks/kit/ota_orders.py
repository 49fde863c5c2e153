"""What assigns an update to the stations of a mesh, as long as it really is: a roll of all of them,
spread as a page, the order that names it, flooded, and an order to each that has not heard in time.

Left out: what it says up in return (receipts and standings), which is a campaign's with or without
a mesh.
"""

from hashlib import sha256

from kit.mesh_hourly import HOUR_US
from wum_cloud.registry.cipher import SodiumCipher, SodiumSigner
from wum_edge.carry.envelope import DOWNWARD, wrap
from wum_edge.mesh.frames import ALL, DOWN, ECHO, GOT, RIPPLE
from wum_edge.mesh.relay import Relay
from wum_shared import bundle, cose, orders, rolls, suit, updates
from wum_shared.messages import DirectionKey
from wum_shared.orders import Order
from wum_shared.ripple import ORDER_SIZE
from wum_shared.rolls import Roll
from wum_shared.suit import Release
from wum_shared.topics import ORDER
from wum_shared.updates import Assignment
from wum_simulator.radio.library import Library
from wum_simulator.radio.network import Network

FLOODED = (RIPPLE, ECHO)
KINDS = (DOWN, GOT, RIPPLE, ECHO)    # Where orders are given, all that goes down counts as theirs.
SIGNERS = 2                  # docs/updates.md: a threshold of two.
LOOK_US = 5_000_000
AFTER_US = 1_800_000_000     # docs/campaigns.md
_NOW_S = 1_790_000_000


def assignment_of(image: bytes) -> Assignment:
    """A release without the hashes of its chunks, assigned."""
    index = bundle.index_of(image)
    release = Release(7, bytes(16), bytes(16), sha256(image).digest(), len(image),
                      sha256(index).digest(), len(index), None)
    signer = SodiumSigner()
    signatures = tuple(cose.sign_detached(signer, bytes([at]) * 32, bytes([at]) * 8,
                                          suit.digest_of(release)) for at in range(SIGNERS))
    return Assignment(3, _NOW_S, _NOW_S + 86_400, False, suit.encode(release, signatures))


def order_of(assignment: Assignment) -> bytes:
    """The object that goes down to one station: assigned, signed, sealed and wrapped."""
    to = bytes(8)
    sealed = orders.seal_order(
        SodiumCipher(), DirectionKey(bytes(32), bytes(12)), cose.key_id(to, 1), 1 << 20, "utility",
        _signed(to, updates.encode_demand(assignment)))
    return wrap(DOWNWARD, to, ORDER, sealed)


def roll_of(assignment: Assignment, index: bytes, stations: int) -> tuple[bytes, bytes]:
    """(the roll of so many stations; what is flooded about it)."""
    roll = rolls.encode_roll(Roll(assignment, index, tuple(sorted(
        sha256(b"%d" % number).digest()[:8] for number in range(stations)))))
    named = rolls.name_of(roll)
    return roll, bytes(ORDER_SIZE) + _signed(
        rolls.address_of(named), updates.encode_demand(named))


def _signed(to: bytes, demand: bytes) -> bytes:
    """Numbers of orders are milliseconds of their time, or more."""
    sequence = _NOW_S * 1000
    return orders.sign_order(SodiumSigner(), bytes(32), SodiumSigner.public(bytes(32)), Order(
        to, sequence.to_bytes(8, "big"), sequence, _NOW_S, _NOW_S, _NOW_S + 86_400, orders.UPDATE,
        demand, None))


class Assigning:
    """Has the gateway flood `notice`; whoever has not been told by the roll `AFTER_US` later is
    given an order, as there is room, until it has confirmed it.
    """

    def __init__(self, network: Network, library: Library, notice: bytes, order: bytes) -> None:
        self._network, self._order, self._read = network, order, len(network.told)
        self._library = library
        self.gateway = network.plan.gateways[0]
        self._begun_us = network.air.now_us
        self._waiting: list[int] = []
        self.given = 0
        network.stations[self.gateway].act(lambda core, t_us: core.send_ripple(  # type: ignore[attr-defined]
            t_us, ALL, notice, wants_echo=False))
        network.air.after(AFTER_US, self._begin, 0)

    def _begin(self, _: int) -> None:
        self._waiting = [number for number in sorted(self._library.members)
                         if number not in self._library.told]
        self._look(0)

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
