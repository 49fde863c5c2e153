"""Stations joined by UDP: a route of wires, loss, repetition, a wire that is cut, a liar."""

import errno
import os
import socket

import pytest

from tests.ports.mesh_bench import LOCAL, LossyWire, Node, wait_for, wait_for_way
from wum_edge.ports.linux.mesh_store import CounterLost, MeshStore
from wum_edge.ports.linux.mesh_udp import UdpPort


@pytest.fixture
def street(tmp_path):
    """A function that builds gateway 1 - 2 - 3 over wires with this loss."""
    made = []

    def build(loss=0.0, twice=0.0):
        wires = [LossyWire(seed, loss, twice) for seed in (1, 2)]
        nodes = [Node(tmp_path / "1", 1, True, [(wires[0], 0)]),
                 Node(tmp_path / "2", 2, False, [(wires[0], 1), (wires[1], 0)]),
                 Node(tmp_path / "3", 3, False, [(wires[1], 1)])]
        made.extend([*nodes, *wires])
        for node in nodes:
            node.station.start()
        return nodes, wires

    yield build
    for one in made:
        if isinstance(one, Node):
            one.station.stop()
            assert one.crash is None
        else:
            one.close()


def test_an_object_goes_over_two_wires_and_is_confirmed(street):
    nodes, _ = street()
    assert wait_for_way(nodes, nodes[2], 2)
    content = os.urandom(9_000)
    assert nodes[2].submit(content) is not None
    assert wait_for(lambda: nodes[0].delivered == [(3, content)])


def test_a_wire_that_loses_and_repeats_loses_and_repeats_no_object(street):
    nodes, wires = street(loss=0.2, twice=0.1)
    assert wait_for_way(nodes, nodes[2], 2)
    contents = [os.urandom(700) for _ in range(3)]
    for content in contents:
        assert nodes[2].submit(content) is not None
    assert wait_for(lambda: len(nodes[0].delivered) == 3, 40)
    assert sorted(content for _, content in nodes[0].delivered) == sorted(contents)
    assert wires[0].lost and wires[1].lost


def test_who_repeats_a_frame_from_elsewhere_is_not_believed(tmp_path):
    seen: list[bytes] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.bind(LOCAL)
        wire.settimeout(20)
        gateway = Node(tmp_path / "1", 1, True, [])
        other = Node(tmp_path / "2", 2, False, [])
        udp = other.station.udp
        udp.peers.append(wire.getsockname())
        other.station.start()
        other.hurry()
        seen.append(wire.recv(300))
        gateway.station.start()
        try:
            wire.sendto(seen[0], gateway.station.udp.address)
            assert wait_for(lambda: gateway.station.udp.place_of(2))
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as liar:
                liar.bind(LOCAL)
                liar.sendto(seen[0], gateway.station.udp.address)
                liar.sendto(b"x" * 400, gateway.station.udp.address)
                liar.sendto(b"x" * 40, gateway.station.udp.address)
                assert wait_for(lambda: gateway.station.udp.refused >= 1)
            assert gateway.station.udp.place_of(2) == "%s:%d" % wire.getsockname()
        finally:
            other.station.stop()
            gateway.station.stop()


def test_a_store_gives_no_counter_twice(tmp_path):
    with pytest.raises(CounterLost):
        MeshStore(tmp_path, 1000, is_new=True)
    first = MeshStore(tmp_path, 1_800_000_000, is_new=True)
    assert first.spent_us == 0
    first.keep(first.counter + 1024, 77)
    first.keep_windows(b"123456")
    again = MeshStore(tmp_path, 0, is_new=True)
    assert (again.counter, again.spent_us, again.windows) == (first.counter, 77, b"123456")
    path = tmp_path / "mesh-counter"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    damaged = MeshStore(tmp_path, 1_900_000_000, is_new=True)
    assert damaged.counter > again.counter and damaged.spent_us is None


def test_a_frame_that_cannot_be_sent_ends_nothing():
    port = UdpPort(LOCAL, [("203.0.113.1", 0)])
    try:
        assert port.send(0xFFFF, bytes(40)) > 0 and port.failed == 1
        assert port.send(9, bytes(40)) > 0           # A neighbour that was never heard.
    finally:
        port.close()


def test_neighbours_find_each_other_in_a_group():
    group = ("239.87.85.77", 20_000 + os.getpid() % 30_000)
    one, other = [UdpPort(LOCAL, [], group, "lo") for _ in range(2)]
    try:
        assert one.send(0xFFFF, b"x" * 40) > 0
        assert wait_for(lambda: (b"x" * 40 in [frame for frame, _ in other.receive()]), 5)
        place = ("127.0.0.1", group[1])
        other.learn(7, place)
        assert other.place_of(7) == "127.0.0.1:%d" % group[1]
        other.send(7, b"y" * 40)         # And to one of them alone.
        assert wait_for(lambda: any(b"y" * 40 in [frame for frame, _ in port.receive()]
                                    for port in (one, other)), 5)
    finally:
        one.close()
        other.close()


def test_nothing_is_sent_while_flash_takes_no_counters(street, monkeypatch, caplog):
    full = [True]
    keep = MeshStore.keep

    def refuses(self, counter, spent_us):
        if full[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        keep(self, counter, spent_us)

    monkeypatch.setattr(MeshStore, "keep", refuses)
    nodes, wires = street()
    for node in nodes:
        node.hurry()
    assert wait_for(lambda: any("flash does not take" in record.message
                                for record in caplog.records), 10)
    assert wires[0].carried == wires[1].carried == 0
    full[0] = False
    assert wait_for_way(nodes, nodes[2], 2)
