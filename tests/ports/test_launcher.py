"""The real launcher, real processes: updates, versions that crash and hang, kill -9 at changes."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.ports import small_release
from wum_edge.ports.linux.slot_flash import SlotFlash
from wum_edge.update import boot

PATIENCE_S = 120.0     # It is not waited for, but where a machine is very busy.
PAGE = "factory/wum_edge/ports/linux/launcher.py"


class Cabinet:
    """A machine with a launcher: what runs is what it wrote into its log."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.launcher: subprocess.Popen[bytes] | None = None
        (place / "wanted").mkdir()
        small_release.write_factory(place / "factory")

    def offer(self, sequence: int, behaviour: str = "good") -> None:
        """What the gateway finds to be installed."""
        unfinished = self.place / "unfinished"
        unfinished.write_bytes(small_release.content(sequence, behaviour))
        unfinished.rename(self.place / "wanted" / f"{sequence:03}")

    def edit(self, old: str, new: str) -> None:
        """Change a number of the launcher, so that nobody waits for it."""
        page = self.place / PAGE
        assert page.read_text().count(old) == 1
        page.write_text(page.read_text().replace(old, new))

    def start(self, *options: str, kill: str = "", at: int = 0) -> None:
        self.launcher = subprocess.Popen(
            [sys.executable, "-P", "-m", "wum_edge.ports.linux.launcher", *options,
             str(self.place / "update"), "run"],
            env={**os.environ, "PYTHONPATH": str(self.place / "factory"),
                 f"KILL_{kill}_AT": str(at), "KILL_LOG": str(self.place / "killed")},
            stderr=subprocess.PIPE)

    def log(self) -> list[str]:
        log = self.place / "log"
        return log.read_text().splitlines() if log.exists() else []

    def record(self) -> boot.Boot:
        return boot.read_boot(SlotFlash(self.place / "update"))

    def wait(self, until: Callable[[], bool]) -> None:
        deadline_s = time.monotonic() + PATIENCE_S
        while not until():
            assert time.monotonic() < deadline_s, (self.log(), self.record())
            time.sleep(0.01)

    def is_at(self, sequence: int) -> bool:
        """Whether that release is home, or was given up."""
        return sequence <= max(self.record().sequence, self.record().failed)

    def is_dead(self) -> bool:
        """Whether the launcher was killed."""
        assert self.launcher is not None
        return self.launcher.poll() is not None

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.launcher is not None
        self.launcher.send_signal(number)
        self.said = self.launcher.communicate()[1].decode()
        code = self.launcher.returncode
        self.launcher = None
        return code


@pytest.fixture
def cabinet(tmp_path: Path) -> Iterator[Cabinet]:
    one = Cabinet(tmp_path)
    yield one
    if one.launcher is not None:
        one.stop(signal.SIGKILL)


def test_it_starts_the_factory_updates_comes_back_from_a_crash_and_goes_on(
        cabinet: Cabinet) -> None:
    cabinet.offer(1)
    cabinet.offer(2, "crash")
    cabinet.offer(3)
    cabinet.start()
    cabinet.wait(lambda: cabinet.record().sequence == 3)
    assert cabinet.log() == ["0 factory", "1 a", *["2 b"] * boot.TRIES, "1 a", "3 b"]
    assert cabinet.stop() == 128 + signal.SIGTERM


def test_a_version_that_hangs_is_ended_and_given_up(cabinet: Cabinet) -> None:
    cabinet.edit("END_S = 15.0", "END_S = 0.05")
    cabinet.offer(1, "hang")
    cabinet.start("--trial-s", "0.5")
    cabinet.wait(lambda: cabinet.record().failed == 1)
    kept = cabinet.record()
    assert (kept.home, kept.failed_why, kept.trial) == (boot.FACTORY, boot.HUNG, None)
    lines = len(cabinet.log())
    cabinet.wait(lambda: len(cabinet.log()) > lines or cabinet.log()[-1] == "0 factory")
    assert cabinet.log()[-1] == "0 factory"


def test_kill_9_of_the_launcher_at_any_moment_leaves_what_runs_and_is_updated(
        cabinet: Cabinet) -> None:
    dice = random.Random(8)
    for sequence, behaviour in ((1, "good"), (2, "crash"), (3, "good")):
        cabinet.offer(sequence, behaviour)
        for kill, at in (("GATEWAY", dice.randrange(1, 60)), ("LAUNCHER", dice.randrange(1, 4)),
                         ("", 0)):
            cabinet.start(kill=kill, at=at)
            cabinet.wait(lambda n=sequence: cabinet.is_dead() or cabinet.is_at(n))
            cabinet.stop(signal.SIGKILL)
            assert cabinet.record().floor <= cabinet.record().sequence
        assert cabinet.is_at(sequence)
    killed = (cabinet.place / "killed").read_text()
    assert killed.count("gateway") == 3 and killed.count("launcher") >= 2, killed
    assert cabinet.record().sequence == 3
    log = cabinet.log()
    assert log.count("2 a") + log.count("2 b") <= boot.TRIES
    ran = [int(line.split()[0]) for line in log if not line.startswith("2")]
    assert ran == sorted(ran) and ran[-1] == 3


def test_what_was_confirmed_and_ends_at_once_is_passed_over_and_all_of_it_is_tried_again(
        cabinet: Cabinet) -> None:
    cabinet.edit("QUICK_MAX = 5 ", "QUICK_MAX = 2 ")
    cabinet.edit("2.0 ** count / 10", "0.01")
    for path in (cabinet.place / "factory").rglob("__main__.py"):
        path.write_text(path.read_text().replace('"good"', '"quick"'))
    cabinet.offer(1, "quick")
    cabinet.offer(2, "quick")
    cabinet.start()
    cabinet.wait(lambda: cabinet.log()[-8:] == [
        "2 b", "2 b", "1 a", "1 a", "0 factory", "0 factory", "2 b", "2 b"])


def test_a_launcher_that_is_killed_takes_its_gateway_with_it(cabinet: Cabinet) -> None:
    cabinet.start()
    cabinet.wait(lambda: cabinet.log() == ["0 factory"])
    assert cabinet.launcher is not None
    children = Path(f"/proc/{cabinet.launcher.pid}/task/{cabinet.launcher.pid}/children")
    child = Path("/proc") / children.read_text().strip()
    assert child.exists()
    cabinet.stop(signal.SIGKILL)
    cabinet.wait(lambda: not (child / "cmdline").exists() or not (child / "cmdline").read_bytes())


def test_two_launchers_do_not_share_a_folder(cabinet: Cabinet) -> None:
    cabinet.start()
    cabinet.wait(lambda: cabinet.log() == ["0 factory"])
    first, cabinet.launcher = cabinet.launcher, None
    cabinet.start()
    second = cabinet.launcher
    cabinet.launcher = first
    assert second is not None
    assert b"in use" in second.communicate()[1] and second.returncode == 1


def test_the_launcher_is_short_and_imports_nothing_that_an_update_writes(cabinet: Cabinet) -> None:
    assert len((cabinet.place / PAGE).read_text().splitlines()) < 150
    cabinet.offer(1)
    cabinet.start()
    cabinet.wait(lambda: cabinet.record().sequence == 1)
    assert cabinet.launcher is not None
    mapped = Path(f"/proc/{cabinet.launcher.pid}/environ").read_bytes()
    assert str(cabinet.place / "update").encode() not in mapped.split(b"PYTHONPATH=")[1].split(
        b"\0")[0]
