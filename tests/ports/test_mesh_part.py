"""The mesh's part of an agent, three of them joined by UDP: who joins, who stands by."""

import time
import tomllib
from pathlib import Path

import pytest

from tests.edge.order_bench import first
from tests.edge.test_group_orders import BOILERS, Street, to_group
from tests.ports.mesh_bench import LOCAL, wait_for
from wum_edge.carry.carriage import Uplink
from wum_edge.carry.envelope import UPWARD, unwrap
from wum_edge.carry.setting import GATEWAY, STANDBY, STATION, MeshSetting, MeshUdp
from wum_edge.log import Log
from wum_edge.mesh import joiner
from wum_edge.mesh.airtime import modulation
from wum_edge.orders.groups import Groups, JoinGroups
from wum_edge.orders.meter_acts import MeterAct
from wum_edge.ports.linux.keys import BadKeys
from wum_edge.ports.linux.mesh_member import ALONE_MS, TRY_MS, Membership
from wum_edge.ports.linux.mesh_part import MeshPart
from wum_edge.uplink.broker import Broker
from wum_shared import cbor, orders
from wum_shared import groups as ordered
from wum_shared.orders import SECONDARY
from wum_shared.ripple import (
    FLOODED,
    RippleOrder,
    RippleReport,
    bits_of,
    decode_ripple_report,
    encode_ripple_order,
)
from wum_shared.topics import BATCH, RIPPLE, UP, topic
from wum_simulator.flash import SimulatedFlash

NETWORK_KEY, NEXT_KEY, GUEST_KEY = "0f" * 16, "1e" * 16, "3c" * 16
OWN = {address: bytes((address,)) * 8 for address in (1, 2, 3)}


class Wire(Broker, Uplink):
    def __init__(self, is_open: bool = True) -> None:
        self.is_open, self.published = is_open, []

    def open(self) -> None:
        self.is_open = True

    def close(self) -> None:
        self.is_open = False

    def session(self) -> int:
        return int(self.is_open)

    def publish(self, topic: str, payload: bytes) -> bool:
        self.published.append((topic, payload))
        return True

    def also_hear(self, concentrator: bytes, is_wanted: bool) -> None:
        """The broker lets it."""

    def hears(self, concentrator: bytes) -> bool:
        return True


class Sentences(Log):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    warn = say


class Agent:
    """As much of one as the mesh needs: keys in a folder, an uplink, and a log."""

    def __init__(self, folder: Path, address: int, role: str, files: dict[str, str]) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text)
            (folder / name).chmod(0o600)
        setting = MeshSetting(role, "EU868", 869_525_000, 14, modulation(7, 250_000), 1000, None,
                              MeshUdp(LOCAL, (), None, ""), 900, 5, (7,))
        self.log, self.wire, self.crash = Sentences(), Wire(role == GATEWAY), None
        self.member = Membership(folder, folder, OWN[address], setting, self.log, is_new=True)
        self.part = MeshPart(setting, self.member, self.log, lambda *_: None, self._crashed)
        if role != STATION:
            self.part.carry_for_others(OWN[address], self.wire)     # type: ignore[arg-type]

    def _crashed(self, error: BaseException) -> None:
        self.crash = error

    @property
    def udp(self):
        return self.part.station.udp


@pytest.fixture
def street(tmp_path, monkeypatch):
    """Starts agents, each joined to the one before."""
    monkeypatch.setattr(joiner, "_LISTEN_US", 300_000)
    monkeypatch.setattr(joiner, "_AGAIN_US", 1_000_000)
    agents: list[Agent] = []

    def add(address: int, role: str, files: dict[str, str]) -> Agent:
        made = Agent(tmp_path / str(address), address, role, files)
        for other in agents[-1:]:
            made.udp.peers.append(other.udp.address)
            other.udp.peers.append(made.udp.address)
        agents.append(made)
        made.part.start()
        return made

    def until(holds, seconds=60.0) -> bool:
        def look() -> bool:
            for agent in agents:
                agent.part.tick(True)
                agent.part.station.with_relay(
                    lambda relay, t_us: relay.trickle.hurry(t_us, relay.chance()))
            return bool(holds())
        return wait_for(look, seconds)

    yield add, until
    for agent in agents:
        agent.part.stop()
        assert agent.crash is None


def mesh_key(address: int, epoch: int = 0, key: str = NETWORK_KEY) -> dict[str, str]:
    return {"mesh.key": f'network = 9\nepoch = {epoch}\naddress = {address}\nkey = "{key}"\n'}


def door(*addresses: int) -> dict[str, str]:
    return {"door.key": "network = 9\n" + "".join(
        f'\n[[guest]]\nconcentrator = "{OWN[address].hex()}"\naddress = {address}\n'
        f'key = "{GUEST_KEY}"\n' for address in addresses)}


GUEST = {"join.key": f'network = 9\nkey = "{GUEST_KEY}"\n'}


def sealed_of(concentrator: bytes) -> bytes:
    protected = cbor.encode({1: 24, 4: concentrator + b"\x00\x00", 6: b"\x05"})
    return cbor.encode(cbor.Tag(16, [protected, {}, b"nobody opens this" + bytes(16)]))


def test_who_was_invited_joins_through_a_neighbour_and_its_messages_arrive(street):
    add, until = street
    gateway = add(1, GATEWAY, {**mesh_key(1), **door(3)})
    relay = add(2, STATION, mesh_key(2))
    assert until(relay.part.has_way)
    guest = add(3, STATION, GUEST)
    assert not guest.part.mesh.has_room(1) and "has to join" in guest.part.introduction()
    assert until(lambda: guest.member.keys and guest.part.has_way())
    assert guest.part.station.relay.gradient.parent == 2
    assert tomllib.loads((guest.folder / "mesh.key").read_text()) == {
        "network": 9, "epoch": 0, "address": 3, "key": NETWORK_KEY}
    assert guest.part.through.publish(topic(OWN[3], UP, BATCH), sealed_of(OWN[3]))
    assert until(lambda: gateway.wire.published == [(topic(OWN[3], UP, BATCH), sealed_of(OWN[3]))])
    assert gateway.part.door.counts == {
        "admitted": 1, "unknown": 0, "shut out": 0, "not genuine": 0}


def test_who_was_not_invited_or_has_another_key_stays_outside_and_it_is_told_once(street):
    add, until = street
    gateway = add(1, GATEWAY, {**mesh_key(1), **door(2)})
    guest = add(2, STATION, {"join.key": f'network = 9\nkey = "{NEXT_KEY}"\n'})
    assert until(lambda: gateway.part.door.counts["not genuine"] >= 2)
    assert guest.member.keys is None and gateway.part.door.counts["admitted"] == 0
    assert len([said for said in gateway.log.said if "without its key" in said]) == 1


def test_a_guest_whose_key_is_of_an_epoch_that_is_over_joins_again(street):
    add, until = street
    add(1, GATEWAY, {**mesh_key(1, 1, NEXT_KEY), **door(2)})
    guest = add(2, STATION, {**mesh_key(2), **GUEST})
    guest.member.alone_ms = 500
    assert until(lambda: guest.member.keys.epoch == 1)
    guest.member.alone_ms = ALONE_MS             # On a busy machine, too, it finds a way in time.
    assert until(guest.part.has_way)
    assert tomllib.loads((guest.folder / "mesh.key").read_text())["key"] == NEXT_KEY


@pytest.mark.parametrize("files", [GUEST, {**mesh_key(2), **GUEST}], ids=["first", "again"])
def test_who_was_admitted_late_has_its_full_time_to_find_a_way_before_it_asks_anew(
        tmp_path, files):
    guest = Agent(tmp_path / "2", 2, STATION, files)     # Its thread does not run.
    station, member = guest.part.station, guest.member
    begun_ms = 0 if member.keys is None else ALONE_MS
    member.tick(station, 0, False)
    member.tick(station, begun_ms, False)
    assert station.joiner is not None
    given_ms = begun_ms + ALONE_MS + 1
    member.joined(2, 1, bytes.fromhex(NEXT_KEY))
    member.tick(station, given_ms, False)
    assert station.joiner is None and member.keys.epoch == 1
    member.tick(station, given_ms + ALONE_MS - 1, False)
    assert station.joiner is None
    member.tick(station, given_ms + ALONE_MS, False)
    assert station.joiner is not None
    guest.udp.close()


def test_a_key_that_comes_as_it_leaves_off_asking_is_taken_up_and_written_once(tmp_path):
    guest = Agent(tmp_path / "2", 2, STATION, {**mesh_key(2), **GUEST})
    station, member, file = guest.part.station, guest.member, guest.folder / "mesh.key"
    member.tick(station, 0, False)
    member.tick(station, ALONE_MS, False)
    member.tick(station, ALONE_MS + TRY_MS, False)
    assert station.joiner is None                # The key that it has is tried again ...
    member.joined(2, 1, bytes.fromhex(NEXT_KEY))         # ... and this was on its way.
    station.relay.sending = 1
    member.tick(station, ALONE_MS + TRY_MS + 1, False)
    assert member.keys.epoch == 0 and NEXT_KEY in file.read_text()
    file.unlink()
    member.tick(station, ALONE_MS + TRY_MS + 2, False)
    station.relay.sending = 0
    member.tick(station, ALONE_MS + TRY_MS + 3, False)
    assert member.keys.epoch == 1 and station.relay.guard.epoch == 1
    member.joined(2, 1, bytes.fromhex(NEXT_KEY))         # Nothing new.
    member.tick(station, ALONE_MS + TRY_MS + 4, False)
    assert not file.exists()
    guest.udp.close()


def test_an_order_to_a_group_is_carried_out_by_all_at_one_moment_and_told(street):
    add, until = street
    gateway = add(1, GATEWAY, mesh_key(1))
    station = add(2, STATION, mesh_key(2))
    done: list[tuple[int, int, bytes, bool, int]] = []
    for agent, address in ((gateway, 1), (station, 2)):
        agent.part.groups.carry_out = lambda order, payload, is_late, address=address: (
            done.append((address, order, payload, is_late, time.time_ns() // 1_000_000)))
    assert until(lambda: station.part.has_way() and station.part.station.relay.clock.is_known)
    when_ms = time.time_ns() // 1_000_000 + 3000
    gateway.part.groups.ordered(encode_ripple_order(RippleOrder(
        17, 9, 7, when_ms, when_ms // 1000 + 60, bits_of([2]), b"switch off")))
    gateway.part.groups.ordered(b"junk")
    gateway.part.groups.ordered(None)
    told: list[RippleReport] = []

    def say(stream: str, plain: bytes) -> bool:
        if stream == RIPPLE:
            told.append(decode_ripple_report(plain))
        return True

    def is_known() -> bool:
        gateway.part.tell(say, 1_760_000_000)
        return bool(told) and told[-1].members == bits_of([1, 2])

    assert until(is_known)
    assert told[0][:4] == (17, 9, 1, FLOODED) and len(done) <= 2
    assert until(lambda: len(done) == 2)
    assert sorted([one[:4] for one in done]) == [
        (1, 17, b"switch off", False), (2, 17, b"switch off", False)]
    # A busy machine delays a frame after its time was taken, so that the station's clock is some
    # milliseconds off. How exact it is: the simulator judges it.
    assert all(one[4] > when_ms - 500 for one in done)
    assert any("refused" in said for said in gateway.log.said)


def test_a_station_that_an_order_put_in_a_group_does_what_is_flooded_to_it_and_signs_it(street):
    add, until = street
    gateway = add(1, GATEWAY, mesh_key(1))
    station = add(2, STATION, mesh_key(2))
    assert until(lambda: station.part.has_way() and station.part.station.relay.clock.is_known)
    world = first(Street(SimulatedFlash()).start())
    world.groups = Groups(world.flash, world.desk.trusted, station.part.groups.join)
    world.desk.acts[orders.GROUP] = JoinGroups(world.groups)
    world.join(3, ordered.Membership(
        BOILERS.group, BOILERS.version, 9, BOILERS.key, BOILERS.meters))
    assert 9 in station.part.station.relay.groups
    station.part.groups.carry_out = lambda _, payload, __: world.desk.heard(payload)
    world.desk.acts[SECONDARY] = MeterAct(
        SECONDARY, {"M-1": 0, "M-2": 1}, world._put, lambda take: take(), world.groups.meters_of)
    when_ms = time.time_ns() // 1_000_000 + 500
    gateway.part.groups.ordered(encode_ripple_order(RippleOrder(
        18, 9, 9, when_ms, when_ms // 1000 + 60, bits_of([2]), to_group(4, SECONDARY))))
    assert until(lambda: world.desk.tick(world.say) or world.switched)
    receipt = world.receipts[-1]
    assert receipt.state == orders.DONE and world.switched == [0, 1]
    assert [one.state for one in ordered.decode_results(receipt.content)] == [orders.DONE] * 2


def test_a_standby_opens_its_uplink_when_there_is_no_gateway_and_carries(street):
    add, until = street
    standby = add(1, STANDBY, mesh_key(1))
    station = add(2, STATION, mesh_key(2))
    assert not standby.wire.is_open and standby.part.broker.session() == 1
    standby.part.station.relay.role.patience_us = 1

    def is_open() -> bool:
        standby.part.station.relay.upkeep.at_us = 0      # The third of a minute is over.
        return standby.wire.is_open

    assert until(is_open)
    assert until(station.part.has_way)
    assert station.part.through.publish(topic(OWN[2], UP, BATCH), sealed_of(OWN[2]))
    assert until(lambda: standby.wire.published)
    assert standby.part.broker.session() == 2


def test_a_gateway_without_the_networks_key_is_refused_and_so_is_no_key_at_all(tmp_path):
    for role, files, told in ((GATEWAY, GUEST, "--admit"), (STANDBY, GUEST, "--admit"),
                              (STATION, {}, "--invite"),
                              (STATION, {"join.key": "key = 3\n"}, "write it again")):
        folder = tmp_path / (role + str(len(list(tmp_path.iterdir()))))
        with pytest.raises(BadKeys, match=told):
            Agent(folder, 1, role, files)


def test_the_envelope_names_its_owner():
    assert unwrap(UPWARD, b"\x40" + sealed_of(OWN[2]))[0] == OWN[2]
