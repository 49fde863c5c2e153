"""Three stations in three network namespaces: the ends have no link but through the middle one.

Without the right to make namespaces they run side by side on the loopback: the same processes, the
same loss. Loss is netem's where the kernel has it (CONFIG_NET_SCH_NETEM), else dropped by the port.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ports.mesh_bench import wait_for
from wum_edge.mesh.frames import FRAME_MAX

LOSS = 0.2
OBJECTS = 3
ROOT = Path(__file__).resolve().parents[2]


def do(*words):
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


class Place:
    """Three hosts: by namespaces that only neighbours share a wire in, or all on the loopback."""

    def __init__(self):
        self.names = ["wum%d-%d" % (os.getpid(), at) for at in range(3)]
        self.is_apart = all(do("ip", "netns", "add", name) for name in self.names)
        self.has_netem = False
        if self.is_apart:
            self._join(0, 1, "10.77.1")
            self._join(1, 2, "10.77.2")
        self.at = (["10.77.1.1", "10.77.1.2", "10.77.2.2"] if self.is_apart
                   else ["127.0.0.1"] * 3)
        self.ports = [str(20_000 + os.getpid() % 30_000 + at) for at in range(3)]

    def _join(self, one, other, net):
        link = "w%d" % other
        assert do("ip", "link", "add", link, "netns", self.names[one], "type", "veth", "peer",
                  "name", link, "netns", self.names[other])
        for end, at in ((one, 1), (other, 2)):
            inside = ("ip", "-n", self.names[end])
            assert do(*inside, "addr", "add", "%s.%d/24" % (net, at), "dev", link)
            assert do(*inside, "link", "set", link, "up")
            self.has_netem = do("tc", "-n", self.names[end], "qdisc", "add", "dev", link, "root",
                                "netem", "loss", "%d%%" % (100 * LOSS))

    def command(self, at, folder, role, submit, peers):
        inside = ["ip", "netns", "exec", self.names[at]] if self.is_apart else []
        host = "0.0.0.0" if self.is_apart else self.at[at]
        folder.mkdir()
        return [*inside, sys.executable, "-m", "tests.ports.mesh_namespaces", str(folder),
                str(at + 1), role, "%s:%s" % (host, self.ports[at]),
                "0" if self.has_netem else str(LOSS), str(submit), *peers]

    def close(self):
        for name in self.names if self.is_apart else []:
            do("ip", "netns", "del", name)


@pytest.fixture
def place():
    made = Place()
    yield made
    made.close()


def test_objects_reach_a_gateway_that_only_a_relay_can_reach(place, tmp_path):
    def peer(at, host):
        return "%s:%s" % (host, place.ports[at])

    beyond = "10.77.2.1" if place.is_apart else place.at[1]
    commands = [
        place.command(0, tmp_path / "0", "gateway", 0, [peer(1, place.at[1])]),
        place.command(1, tmp_path / "1", "station", 0,
                      [peer(0, place.at[0]), peer(2, place.at[2])]),
        place.command(2, tmp_path / "2", "station", OBJECTS, [peer(1, beyond)])]
    if place.is_apart:
        assert not do("ip", "netns", "exec", place.names[2], "ping", "-c1", "-W1", place.at[0])
    outs = [(tmp_path / ("out%d" % at)).open("w+b") for at in range(3)]
    running = [subprocess.Popen(command, stdout=out, stderr=out, cwd=ROOT)
               for command, out in zip(commands, outs, strict=True)]

    def heard(at):
        lines = (tmp_path / ("out%d" % at)).read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("[")]

    try:
        assert wait_for(lambda: len(heard(0)) >= OBJECTS, 60), [
            (tmp_path / ("out%d" % at)).read_text() for at in range(3)]
        assert heard(0) == [["deliver", 3, 700]] * OBJECTS
        assert [process.poll() for process in running] == [None] * 3
    finally:
        for process in running:
            process.kill()
            process.wait()
        for out in outs:
            out.close()
    assert FRAME_MAX < 576       # No datagram of ours is ever fragmented (RFC 1122, 3.3.3).
