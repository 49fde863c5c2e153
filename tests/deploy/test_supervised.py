"""What systemd is told by the gateway and by the head-end."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from wum_cloud import supervised as cloud
from wum_edge.ports.linux import supervised as edge


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The socket that it listens on."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "40000")
        yield listening


def _heard(systemd: socket.socket) -> list[str]:
    found = []
    while True:
        try:
            found.append(systemd.recv(100).decode())
        except BlockingIOError:
            return found


def test_the_gateway_says_that_it_is_ready_and_lives_twice_in_the_watchdogs_time(
        systemd: socket.socket) -> None:
    supervisor = edge.Supervisor()
    supervisor.tell(edge.READY)
    for now_ms in range(0, 100, 5):
        supervisor.tick(now_ms / 1000)
    assert _heard(systemd) == ["READY=1", *["WATCHDOG=1"] * 5]


async def test_the_head_end_says_so_for_as_long_as_its_loop_turns(systemd: socket.socket) -> None:
    cloud.tell(cloud.READY)
    task = asyncio.create_task(cloud.stay_alive())
    async with asyncio.timeout(5):
        heard: list[str] = []
        while heard.count("WATCHDOG=1") < 2:
            heard += _heard(systemd)
            await asyncio.sleep(0.005)
    task.cancel()
    assert heard[0] == "READY=1"


def test_nobody_is_told_where_nobody_listens_and_a_deaf_one_does_no_harm(
        systemd: socket.socket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    cloud.tell(cloud.READY)
    edge.Supervisor().tell(edge.READY)
    monkeypatch.delenv("NOTIFY_SOCKET")
    cloud.tell(cloud.READY)
    edge.Supervisor().tell(edge.READY)
    assert _heard(systemd) == []
