"""Stations with serial LoRa modems: the simulated module, its pty, the simulated air, in real time.

No real module was at hand. What is true of a pty need not be of a USB adapter.
"""

import logging
import os
import subprocess
import sys
import time

import pytest

from tests.ports.mesh_bench import LossyWire, Node, wait_for, wait_for_way
from wum_edge.mesh.airtime import WIRE, modulation
from wum_edge.mesh.frames import ALL
from wum_edge.modem.rui3 import Radio
from wum_edge.ports.linux.mesh_modem import SerialModem
from wum_simulator.request import ask

WAY = modulation(7, 250_000)
RADIO = Radio(869_525_000, 14, [WAY], 0x1424, True)


@pytest.fixture
def air(tmp_path):
    """A function that starts the air with these links, and gives control and device paths."""
    running = []

    def start(modems, *hears):
        links = [tmp_path / f"lora{at}" for at in range(1, modems + 1)]
        control = tmp_path / "air"
        words = [sys.executable, "-m", "wum_simulator", "air", "--control", str(control)]
        for link in links:
            words += ["--link", str(link)]
        for one in hears:
            words += ["--hears", one]
        running.append(subprocess.Popen(words, stderr=subprocess.PIPE))
        assert wait_for(lambda: all(link.exists() for link in links))
        return control, [str(link) for link in links]

    yield start
    for process in running:
        process.terminate()
        told = process.communicate(timeout=60)[1].decode()
        assert process.returncode == 0 and "Traceback" not in told, told


@pytest.fixture
def station(tmp_path):
    """A function that starts a station with a modem at this device."""
    made = []

    def start(address, is_gateway, device, wires=()):
        modem = None if device is None else SerialModem(device, RADIO)
        node = Node(tmp_path / f"at{address}", address, is_gateway, wires, modem, [WAY, WIRE])
        made.append(node)
        node.station.start()
        return node

    yield start
    for node in made:
        node.station.stop()
        assert node.crash is None


def test_an_object_goes_over_two_hops_of_radio(air, station):
    _, devices = air(3, "1-2=12", "2-3=10")
    nodes = [station(at + 1, at == 0, devices[at]) for at in range(3)]
    assert wait_for(lambda: all(node.station.modem.is_ready for node in nodes))
    assert wait_for_way(nodes, nodes[2], 2)
    content = os.urandom(1500)
    assert nodes[2].submit(content) is not None
    assert wait_for(lambda: nodes[0].delivered == [(3, content)], 30)


@pytest.fixture
def wires():
    """A function that makes a wire with this loss."""
    made = []

    def make(loss, twice):
        made.append(LossyWire(loss=loss, twice=twice))
        return made[-1]

    yield make
    for wire in made:
        wire.close()


def test_one_route_leads_over_radio_wi_fi_and_a_wire_up_and_down(air, station, wires):
    _, devices = air(2, "1-2=12")
    wi_fi, wire = wires(loss=0.2, twice=0.1), wires(loss=0, twice=0)
    nodes = [station(1, True, devices[0]), station(2, False, devices[1], [(wi_fi, 0)]),
             station(3, False, None, [(wi_fi, 1), (wire, 0)]), station(4, False, None, [(wire, 1)])]
    nodes[0].station.with_relay(
        lambda relay, t_us: relay.set_time(t_us, time.time_ns() // 1000))
    assert wait_for_way(nodes, nodes[3], 3)
    assert [node.parent() for node in nodes[1:]] == [1, 2, 3]
    up, down = os.urandom(1500), os.urandom(600)
    assert nodes[3].submit(up) is not None
    assert wait_for(lambda: nodes[0].delivered == [(4, up)], 30)
    nodes[0].station.with_relay(lambda relay, t_us: relay.send_down(t_us, 4, down))
    assert wait_for(lambda: [one[3] for one in nodes[3].other if one[0] == "receive"] == [down])
    assert wi_fi.lost and wire.carried

    def know_the_time():
        for node in nodes:
            node.hurry()
        return wait_for(lambda: all(node.station.with_relay(
            lambda relay, _: relay.clock.is_known) for node in nodes), 1.0)

    assert wait_for(know_the_time, 30)
    when_us = time.time_ns() // 1000 + 2_000_000
    nodes[0].station.with_relay(
        lambda relay, t_us: relay.send_ripple(t_us, ALL, b"off", when_us))
    done = {}

    def is_done():
        for node in nodes:
            if node.address not in done and [one for one in node.other if one[0] == "execute"]:
                done[node.address] = time.time_ns() // 1000 - when_us
        return len(done) == len(nodes)

    assert wait_for(is_done)
    assert all(-100_000 < late_us < 500_000 for late_us in done.values()), done


def test_what_goes_wrong_with_a_modem_is_told_and_ends(air, station, caplog):
    caplog.set_level(logging.INFO)
    control, devices = air(2, "1-2=15")
    nodes = [station(at + 1, at == 0, devices[at]) for at in range(2)]
    modem = nodes[1].station.modem
    assert wait_for_way(nodes, nodes[1], 1)

    def happen(**what):
        ask(control, {"do": "modem", "modem": 2, **what})

    def has_said(words):
        return wait_for(lambda: any(words in record.message for record in caplog.records), 15)

    happen(happens="reboot")
    assert has_said("has started anew by itself")
    assert wait_for(lambda: modem.is_ready)
    happen(happens="unplug")
    assert has_said("gone: ") and modem.state == "absent"
    happen(happens="plug")
    assert wait_for(lambda: modem.is_ready)
    happen(fault="garbage")
    nodes[1].submit(os.urandom(100))
    assert has_said("no line of its manual")
    happen(fault="none")
    content = os.urandom(400)
    assert nodes[1].submit(content) is not None
    assert wait_for(lambda: (2, content) in nodes[0].delivered, 30)


def test_the_flash_of_a_modem_is_written_at_its_first_set_up_alone(air, station):
    control, devices = air(1)
    node = station(1, True, devices[0])
    assert wait_for(lambda: node.station.modem.is_ready)

    def flashed():
        return ask(control, {"do": "status"})["modems"][0]["counts"]["flash"]

    first = flashed()
    assert first >= 2            # The mode, and channel activity detection.
    ask(control, {"do": "modem", "modem": 1, "happens": "reboot"})
    assert wait_for(lambda: not node.station.modem.is_ready)
    assert wait_for(lambda: node.station.modem.is_ready)
    assert flashed() == first


def test_a_device_that_is_not_there_is_looked_for(tmp_path, caplog):
    modem = SerialModem(str(tmp_path / "nothing"), RADIO)
    for _ in range(3):
        assert modem.step(time.monotonic_ns() // 1000) == []
    told = [record.message for record in caplog.records]
    assert len(told) == 1 and "no such device" in told[0]
    modem.send(b"frame", 0, 0, 5, False)
    assert modem.step(time.monotonic_ns() // 1000) == [("sent", 5, 0)]
