"""The network's key changes at running stations: in their folders, in their frames, at the door."""

import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

from tests.edge.order_bench import first
from tests.edge.test_network_key import Street as Concentrator
from tests.edge.test_network_key import changing, to
from tests.ports.test_mesh_part import (
    GUEST,
    NETWORK_KEY,
    NEXT_KEY,
    OWN,
    Agent,
    door,
    mesh_key,
    sealed_of,
    street,
)
from tests.ports.test_mesh_store import DiskCalls
from wum_edge.carry.setting import GATEWAY, STATION
from wum_edge.mesh import joiner, porch
from wum_edge.orders.network_key import Held
from wum_edge.ports.linux import mesh_keys, mesh_store
from wum_edge.ports.linux.mesh_keyring import LinuxKeyring
from wum_edge.ports.linux.mesh_keys import MeshKeys
from wum_edge.ports.linux.mesh_member import ALONE_MS
from wum_shared.orders import DONE
from wum_shared.topics import BATCH, UP, topic
from wum_simulator.disk import Disk
from wum_simulator.flash import SimulatedFlash

assert street                    # A fixture.
FIRST, SECOND = (0, bytes.fromhex(NETWORK_KEY)), (7, bytes.fromhex(NEXT_KEY))
BOTH, ALONE = Held(9, (FIRST, SECOND), ()), Held(9, (SECOND,), ())


def keyring(agent: Agent) -> LinuxKeyring:
    return LinuxKeyring(agent.member, agent.part.station, agent.part.door, agent.log)


def epochs(agent: Agent) -> tuple[int, bool]:
    return agent.part.station.with_relay(
        lambda relay, _: (relay.guard.epoch, relay.guard.has_two))


def kept(agent: Agent) -> dict[str, object]:
    return tomllib.loads((agent.folder / "mesh.key").read_text())


def test_what_goes_through_three_stations_arrives_all_through_a_change(street):
    add, until = street
    gateway = add(1, GATEWAY, mesh_key(1))
    relay = add(2, STATION, mesh_key(2))
    far = add(3, STATION, mesh_key(3))
    sent: list[tuple[str, bytes]] = []

    def arrives() -> bool:
        message = sealed_of(OWN[3])[:-2] + len(sent).to_bytes(2, "big")
        sent.append((topic(OWN[3], UP, BATCH), message))
        assert far.part.through.publish(*sent[-1])
        return until(lambda: set(gateway.wire.published) == set(sent))

    assert until(far.part.has_way) and arrives()
    for agent in (far, gateway, relay):          # The far one first: it is understood all the same.
        keyring(agent).keep(BOTH)
        assert epochs(agent) == (7, True) and arrives()
    assert kept(relay) == {"network": 9, "epoch": 0, "address": 2, "key": NETWORK_KEY,
                           "newer_epoch": 7, "newer_key": NEXT_KEY}
    for agent in (relay, far, gateway):
        keyring(agent).keep(ALONE)
        assert epochs(agent) == (7, False) and arrives()
        assert kept(agent)["key"] == NEXT_KEY and NETWORK_KEY not in str(kept(agent))
    said = " ".join(far.log.said)
    assert "epoch 7 is in force, beside that of epoch 0" in said
    assert NEXT_KEY not in said and NETWORK_KEY not in said


def test_an_order_changes_the_keys_of_a_running_station_and_a_start_finds_them(tmp_path):
    agent = Agent(tmp_path / "2", 2, STATION, mesh_key(2))
    world = first(Concentrator(SimulatedFlash()).start())
    agent.part.take_orders(world.desk)
    assert world.tell(changing(4, to(SECOND))).state == DONE
    assert epochs(agent) == (7, True)
    agent.udp.close()
    again = Agent(agent.folder, 2, STATION, {})
    assert epochs(again) == (7, True) and again.member.keys == agent.member.keys
    again.part.take_orders(world.desk)
    assert world.tell(changing(5, to(SECOND, is_only=True, shut_out=(OWN[3],)))).state == DONE
    assert epochs(again) == (7, False) and kept(again)["shut_out"] == [OWN[3].hex()]
    again.udp.close()


def test_a_power_cut_anywhere_leaves_the_keys_of_before_or_the_new_ones(tmp_path, monkeypatch):
    steps = [MeshKeys(9, FIRST[0], 2, FIRST[1]),
             MeshKeys(9, FIRST[0], 2, FIRST[1], SECOND, (OWN[3],)),
             MeshKeys(9, SECOND[0], 2, SECOND[1], None, (OWN[3],))]
    disk, calls, promised, looked = Disk(), None, [steps[0]], []
    file = tmp_path / "mesh.key"

    def after_each_cut() -> None:
        for cut in disk.cuts():
            left = disk.after_cut(*cut)
            file.write_bytes(left.content("mesh.key"))
            file.chmod(0o600)
            keys, _ = mesh_keys.read_mesh_keys(tmp_path)
            assert keys in promised
            looked.append(keys)

    calls = DiskCalls(disk)
    with monkeypatch.context() as patch:
        patch.setattr(mesh_store, "os", calls)
        mesh_keys.write_mesh_keys(Path("/keys"), steps[0])
        disk.watch = after_each_cut
        for before, after in pairwise(steps):
            promised[:] = [before, after]
            mesh_keys.write_mesh_keys(Path("/keys"), after)
            promised[:] = [after]            # It was said to be durable.
            after_each_cut()
    assert len(looked) > 100 and {one.newest for one in looked} == {0, 7}


def test_flash_that_refuses_leaves_everything_as_it_is(tmp_path, monkeypatch):
    agent = Agent(tmp_path / "2", 2, STATION, mesh_key(2))
    monkeypatch.setattr(mesh_keys, "write_durably", _refuse)
    with pytest.raises(OSError, match="no space"):
        keyring(agent).keep(BOTH)
    assert epochs(agent) == (0, False) and agent.member.keys.newer is None
    agent.udp.close()


def _refuse(path: Path, data: bytes) -> None:
    raise OSError(28, "no space left on device")


def test_whoever_joins_meanwhile_is_understood_by_all_and_who_is_shut_out_does_not_join(
        street, monkeypatch):
    monkeypatch.setattr(joiner, "WAIT_MAX_S", 4)     # The thief asks again and again, ...
    monkeypatch.setattr(porch, "WAY_US", 1_000_000)  # ... and each time it is passed on.
    add, until = street
    gateway = add(1, GATEWAY, {**mesh_key(1), **door(2, 3)})
    keyring(gateway).keep(Held(9, (FIRST, SECOND), (OWN[3],)))
    guest = add(2, STATION, GUEST)
    assert until(lambda: guest.member.keys and guest.part.has_way())
    assert guest.member.keys.epoch == 0, "of two keys the one that everybody has"
    thief = add(3, STATION, GUEST)
    assert until(lambda: gateway.part.door.counts["shut out"] >= 1)
    keyring(guest).keep(BOTH)
    for agent in (gateway, guest):
        keyring(agent).keep(Held(9, (SECOND,), (OWN[3],)))
    asked = gateway.part.door.counts["shut out"]
    assert until(lambda: gateway.part.door.counts["shut out"] > asked)
    assert thief.member.keys is None and gateway.part.door.counts["admitted"] == 1
    assert [said for said in gateway.log.said if "the head-end has shut it out" in said]


def test_a_guest_that_missed_the_change_joins_again_and_none_goes_back_to_an_older_key(street):
    add, until = street
    gateway = add(1, GATEWAY, {**mesh_key(1), **door(2)})
    guest = add(2, STATION, {**mesh_key(2), **GUEST})
    assert until(guest.part.has_way)
    keyring(gateway).keep(ALONE)
    guest.member.alone_ms = 0                    # It has been without a way for long.
    guest.part.has_way = lambda: False
    assert until(lambda: guest.member.keys.epoch == 7)
    guest.member.alone_ms = ALONE_MS             # What it was given has its time to find one.
    del guest.part.has_way
    assert until(guest.part.has_way)
    guest.member.joined(2, *FIRST)               # Of a gateway that has missed it.
    assert until(lambda: [said for said in guest.log.said if "it has missed the change" in said])
    assert guest.member.keys.epoch == 7
