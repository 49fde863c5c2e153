"""Three agents joined by UDP: a station without an uplink gets its update through the gateway."""

import sys
import time
from pathlib import Path

import pytest

from tests.ports.mesh_bench import LOCAL, wait_for
from tests.ports.test_mesh_part import OWN, Sentences, Wire, mesh_key
from tests.ports.test_update_part import DATA as SMALL
from tests.ports.test_update_part import SEED, assignment, trust
from wum_edge.carry.setting import GATEWAY, STATION, MeshModem, MeshSetting, MeshUdp
from wum_edge.mesh import holders, offers, spread, spreading
from wum_edge.mesh.airtime import modulation
from wum_edge.orders.trusted import Trusted
from wum_edge.ports.linux.cipher import Cipher, Signatures
from wum_edge.ports.linux.clock import SystemClock
from wum_edge.ports.linux.mesh_member import Membership
from wum_edge.ports.linux.mesh_part import MeshPart
from wum_edge.ports.linux.update_part import UpdatePart, flooded
from wum_edge.update import boot, slots
from wum_edge.update.act import UpdateAct
from wum_edge.uplink.keys import Keys
from wum_shared import orders, rolls, updates
from wum_shared.messages import DirectionKey
from wum_shared.ripple import RippleOrder, encode_ripple_order
from wum_shared.topics import STANDING, WANT

ORDER_SEED = b"o" * 32
QUICKER = 20                 # Times, than between houses: nobody else wants this wire.


def quickened() -> list[tuple[str, list[tuple[str, int]]]]:
    """Modules, and what of them is to be less."""
    return [(module.__name__, [(name, getattr(module, name) // QUICKER) for name in names])
            for module, names in (
                (spreading, ("_SOON_US", "_STALL_US", "_BAD_US", "_LATER_US", "_REPAIR_US",
                             "_ANSWER_US", "_COLLECT_US", "_GROW_US", "_HOLD_US",
                             "_HELD_MAX_US", "_WAIT_US", "SECOND_US")),
                (spread, ("_REST",)),
                (holders, ("_AWAY_US",)),
                (offers, ("_GATHER_US", "_OFFER_US", "_SEEK_US", "SECOND_US")))]


class Agent:
    """As much of one as an update through the mesh needs; by UDP, or by a modem."""

    def __init__(self, folder: Path, address: int, role: str,
                 modem: MeshModem | None = None) -> None:
        keys_folder = folder / "keys"
        keys_folder.mkdir(parents=True)
        for name, text in {**mesh_key(address), "identity.key": SEED.hex()}.items():
            (keys_folder / name).write_text(text)
            (keys_folder / name).chmod(0o600)
        trust(keys_folder)
        self.keys_folder, self.said = keys_folder, []
        self.log, self.wire, self.crash = Sentences(), Wire(role == GATEWAY), None
        udp = MeshUdp(LOCAL, (), None, "") if modem is None else None
        way, duty = ((modulation(5, 500_000), 10_000) if modem is None
                     else (modulation(7, 250_000), 1_000))
        setting = MeshSetting(role, "EU868", 869_525_000, 14, way, duty, modem, udp, 900, 5, ())
        member = Membership(keys_folder, folder, OWN[address], setting, self.log, is_new=True)
        self.mesh = MeshPart(setting, member, self.log, lambda *_: None, self._crashed)
        if role == GATEWAY:
            self.mesh.carry_for_others(OWN[address], self.wire)      # type: ignore[arg-type]
        keys = Keys(OWN[address], "default", 1, DirectionKey(b"u" * 32, b"i" * 12),
                    DirectionKey(b"d" * 32, b"j" * 12))
        clock = SystemClock()
        self.update = UpdatePart(folder / "update", boot.FACTORY, keys_folder, keys, clock,
                                 self.log, has_meters=False)
        self.mesh.share(self.update.updater, self.update.flash, clock)

    def _crashed(self, error: BaseException) -> None:
        self.crash = error

    def say(self, stream: str, plaintext: bytes) -> bool:
        self.said.append((stream, plaintext))
        return True

    def tick(self) -> None:
        """What run.py does five times a second."""
        self.mesh.tick(True)
        self.update.tick(self.say, self.mesh.is_fed())

    def wanted(self) -> list[updates.Want]:
        return [updates.decode_want(said) for stream, said in self.said if stream == WANT]


@pytest.fixture
def street(tmp_path, monkeypatch):
    """Three agents, each joined to the one before."""
    for module, values in quickened():
        for name, value in values:
            monkeypatch.setattr(sys.modules[module], name, value)
    agents = [Agent(tmp_path / str(address), address, GATEWAY if address == 1 else STATION)
              for address in (1, 2, 3)]
    for one, other in zip(agents, agents[1:], strict=False):
        one.mesh.station.udp.peers.append(other.mesh.station.udp.address)
        other.mesh.station.udp.peers.append(one.mesh.station.udp.address)
    for agent in agents:
        agent.mesh.start()

    def until(holds, seconds=180.0) -> bool:
        def look() -> bool:
            for agent in agents:
                agent.tick()
            return bool(holds())
        return wait_for(look, seconds)

    def hurry() -> None:
        for agent in agents:
            agent.mesh.station.with_relay(
                lambda relay, t_us: relay.trickle.hurry(t_us, relay.chance()))

    yield agents, until, hurry
    for agent in agents:
        agent.mesh.stop()
        assert agent.crash is None


def test_a_station_without_an_uplink_updates_through_the_gateway(street):
    agents, until, hurry = street
    gateway, relay, station = agents

    def routed() -> bool:
        hurry()
        return station.mesh.station.with_relay(lambda core, _: core.gradient.parent) == 2

    assert until(routed)
    for agent in agents:
        agent.update.updater.assigned(3, assignment(agent.keys_folder))
    # The gateway has its pieces from the head-end, once; nobody asks for any of the others.
    assert until(gateway.wanted)
    while gateway.update.updater.want() is not None:
        want = gateway.update.updater.want()
        first, count = want.ranges[0]
        gateway.update.updater.heard(updates.Pieces(
            want.digest, want.part, first, SMALL[first * 1024:(first + count) * 1024]))
    assert until(lambda: {agent.update.updater.state for agent in agents} == {updates.STAGED})
    digest = gateway.update.updater.lying()[0][1]
    for agent in (relay, station):
        assert slots.is_whole(agent.update.flash, boot.A, digest)
        assert agent.wanted() == [] and agent.update.updater.wrong == 0
        assert [stream for stream, _ in agent.said].count(STANDING) >= 2
    # And it is armed as any other is, once the head-end says go on.
    updater = station.update.updater
    updater.confirmed(updates.Confirmation(digest, updater.standing().nonce))
    assert until(lambda: updater.restart)
    assert boot.read_boot(station.update.flash).trial == boot.A


def test_an_agent_that_starts_anew_goes_on_with_what_it_had(street):
    agents, until, _ = street
    gateway, relay, _ = agents
    for agent in (gateway, relay):
        agent.update.updater.assigned(3, assignment(agent.keys_folder))
    gateway.update.updater.heard(updates.Pieces(
        gateway.update.updater.want().digest, updates.CONTENT, 0, SMALL))
    assert until(lambda: relay.update.updater.state == updates.STAGED)
    # A relay of its own address after a new key or a restart: it knows no image, and is told.
    relay.mesh.station.with_relay(lambda core, _: core.spread.drop(
        core.spread.images[0].name))
    assert until(lambda: relay.mesh.station.with_relay(lambda core, _: len(core.spread.images)))


class Order:
    """What an update's part asks of a desk: who is believed, and what is handed to it."""

    def __init__(self, address: int) -> None:
        keys = Keys(OWN[address], "default", 1, DirectionKey(b"u" * 32, b"i" * 12),
                    DirectionKey(b"d" * 32, b"j" * 12))
        self.trusted = Trusted(Cipher(), Signatures(), keys, (Signatures.public(ORDER_SEED),))
        self.acts: dict[int, UpdateAct] = {}
        self.sealed: list[bytes] = []
        self.orders: list[orders.Order] = []

    def heard(self, sealed: bytes) -> None:
        self.sealed.append(sealed)

    def handed(self, signed: bytes) -> None:
        order = self.trusted.opened(signed)
        self.acts[order.kind].check(order)
        self.acts[order.kind].begin(order, lambda result: None)
        self.orders.append(order)


def test_one_flooded_order_assigns_to_who_is_on_its_roll_and_to_nobody_else(street):
    agents, until, hurry = street
    desks = [Order(address) for address in (1, 2, 3)]
    for agent, desk in zip(agents, desks, strict=True):
        agent.update.take_orders(desk)
        agent.mesh.pass_on(agent.update.rolls)
        agent.mesh.groups.carry_out = lambda _, payload, __, agent=agent, desk=desk: flooded(
            agent.update, desk, payload)
    gateway, relay, station = agents

    def routed() -> bool:
        hurry()
        return station.mesh.station.with_relay(
            lambda core, _: core.gradient.parent == 2 and core.clock.is_known)

    assert until(routed)
    now_s = int(time.time())
    given = assignment(station.keys_folder)
    body = rolls.encode_roll(rolls.Roll(updates.Assignment(
        given.floor, now_s, now_s + 9999, False, given.envelope), b"", (OWN[3],)))
    named = rolls.name_of(body)
    signed = orders.sign_order(
        Signatures(), ORDER_SEED, Signatures.public(ORDER_SEED), orders.Order(
            rolls.address_of(named), (7).to_bytes(8, "big"), 7, now_s, now_s, now_s + 9000,
            orders.UPDATE, updates.encode_demand(named), None))
    gateway.mesh.groups.ordered(encode_ripple_order(RippleOrder(
        17, 9, None, 0, now_s + 600, b"", signed)))
    # The gateway alone asks the head-end for the roll.
    assert until(gateway.wanted)
    assert gateway.wanted()[0][:2] == (named.digest, updates.ROLL)
    gateway.update.rolls.heard(updates.Pieces(named.digest, updates.ROLL, 0, body))
    assert until(lambda: desks[2].orders)
    assert station.update.updater.state == updates.FETCHING
    assert [len(desk.orders) for desk in desks] == [0, 0, 1] and relay.wanted() == []
    assert relay.update.rolls.of(named.digest) is not None
    assert [agent.update.updater.state for agent in (gateway, relay)] == [updates.IDLE] * 2
    flooded(station.update, desks[2], b"\xd0 sealed, to a group")
    assert desks[2].sealed == [b"\xd0 sealed, to a group"]
