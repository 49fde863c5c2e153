"""Run every room's tests, each in its own environment: what `make test` starts.

    python tests/run_rooms.py [--room NAME ...] [--install-nothing] [--nothing-skipped]

Installs what a machine lacks by apt, as root on a Debian-like system or in CI; elsewhere it says
which command would. At the end it counts what was skipped and says why. tox.ini says what each
room may import.
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / ".tox" / "results"
AT_ONCE = "5"  # On two cores: more than half of them wait for something at any time.
# A room whose tests are spread over environments that run side by side.
IN_PARTS = {"cloud": ["cloud", "cloud-web"], "ports": ["ports", "ports-boards"],
            "system": ["system", "system-managed", "system-boards", "system-mesh",
                       "system-mesh-boards", "system-chaos"]}
# What tests need that no Python package brings: the Debian package, and a program of it.
NEEDED = {"mosquitto": ("mosquitto",), "chromium": ("chromium", "chromium-browser"),
          "systemd": ("systemd-analyze",)}
_SYSTEM_PATHS = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"
# The only reasons to skip that count as "nothing skipped": what a machine may lack for good.
EXCUSED = ("TimescaleDB", "network namespace", "small filesystem")
_PLAIN_COUNTS = re.compile(r"^(\d+) passed, (\d+) failed$", re.M)  # tests/run_micropython.py.


@dataclass(slots=True)
class Room:
    """What came out of one environment."""

    name: str
    succeeded: bool
    seconds: float
    passed: int = 0
    failed: int = 0
    skipped: Counter[str] = field(default_factory=Counter)


def main(arguments: list[str] | None = None) -> int:
    """Install what is missing, run the rooms, add up. Returns the exit code."""
    chosen = _parser().parse_args(arguments)
    if not chosen.install_nothing:
        install_what_is_missing()
    if not fetch_console_files():
        return 1
    began = time.monotonic()
    code = run_tox(chosen.room)
    rooms = read_rooms()
    show(rooms, time.monotonic() - began)
    unexcused = [reason for reason in skips(rooms) if not is_excused(reason)]
    if chosen.nothing_skipped and unexcused:
        print("Nothing may be skipped here, and something was.")
        code = code or 1
    show_total(rooms)
    return code or int(not rooms)


def missing() -> list[str]:
    """The Debian packages whose programs are not on this machine."""
    return [
        package
        for package, programs in NEEDED.items()
        if not any(shutil.which(p) or shutil.which(p, path=_SYSTEM_PATHS) for p in programs)
    ]


def install_what_is_missing() -> None:
    """By apt where we may; otherwise say what would."""
    packages = missing()
    if not packages:
        return
    is_debian = shutil.which("apt-get") is not None
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *packages]
    if not is_debian or (os.geteuid() != 0 and not os.environ.get("CI")):
        by_hand = " ".join(["sudo apt-get install", *packages])
        print(f"Not on this machine: {', '.join(packages)}; tests that need them are skipped.")
        print(f"This brings them: {by_hand}" if is_debian else "Your package manager has them.")
        return
    sudo = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    print(f"Installing {', '.join(packages)} by apt (`make test INSTALL=no` leaves that out).")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    update = ["apt-get", "update", "--quiet=2"]
    for command in (update, [*install, "--quiet=2"]):
        if subprocess.run([*sudo, *command], env=environment, check=False).returncode != 0:
            print(f"{' '.join(command)} failed; tests that need {packages} are skipped.")
            return


def fetch_console_files() -> bool:
    """Others' JavaScript and fonts, which the rooms' working copy of the console serves."""
    command = [sys.executable, "-m", "wum_cloud.web.vendor"]
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def run_tox(rooms: list[str]) -> int:
    """Run the environments side by side; their output is shown when one fails."""
    shutil.rmtree(RESULTS, ignore_errors=True)
    RESULTS.mkdir(parents=True)
    command = [str(Path(sys.executable).parent / "tox"), "run-parallel", "--parallel", AT_ONCE]
    command += ["--parallel-no-spinner", "--result-json", str(RESULTS / "tox.json")]
    if is_outdated():
        command.append("--recreate")
    if rooms:
        parts = [part for room in rooms for part in IN_PARTS.get(room, [room])]
        command += ["-e", ",".join(parts)]
    print("Running each room's tests in its own environment:", flush=True)
    code = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, check=False).returncode
    shutil.copyfile(ROOT / ".venv" / "made-from", ROOT / ".tox" / "made-from")
    return code


def is_outdated() -> bool:
    """Whether the environments were made from another lock or other metadata than .venv."""
    with contextlib.suppress(FileNotFoundError):
        made_from = (ROOT / ".tox" / "made-from").read_text()
        return made_from != (ROOT / ".venv" / "made-from").read_text()
    return True


def read_rooms() -> list[Room]:
    """What every environment that ran says, from its own file or from its closing line."""
    try:
        ran = json.loads((RESULTS / "tox.json").read_text())["testenvs"]
    except FileNotFoundError:
        return []
    rooms = []
    for name, said in ran.items():
        if "result" not in said:
            continue
        room = Room(name, said["result"]["success"], said["result"]["duration"])
        if (RESULTS / f"{name}.xml").exists():
            count_cases(room, RESULTS / f"{name}.xml")
        else:
            for step in said.get("test", []):
                for passed, failed in _PLAIN_COUNTS.findall(step["output"]):
                    room.passed += int(passed)
                    room.failed += int(failed)
        rooms.append(room)
    return sorted(rooms, key=lambda room: room.name)


def count_cases(room: Room, results: Path) -> None:
    """Add up pytest's file of results (JUnit's XML)."""
    for case in ElementTree.parse(results).iter("testcase"):
        skip = case.find("skipped")
        if skip is not None:
            room.skipped[skip.get("message") or "no reason given"] += 1
        elif case.find("failure") is not None or case.find("error") is not None:
            room.failed += 1
        else:
            room.passed += 1


def skips(rooms: Iterable[Room]) -> Counter[str]:
    """How often each reason to skip was given."""
    return sum((room.skipped for room in rooms), Counter())


def is_excused(reason: str) -> bool:
    return any(word in reason for word in EXCUSED)


def show(rooms: list[Room], seconds: float) -> None:
    """A line for each room, then the reasons for what was skipped."""
    print(f"\n{'room':18} {'passed':>7} {'failed':>7} {'skipped':>7}   seconds")
    for room in rooms:
        state = "" if room.succeeded else "   FAILED"
        counts = f"{room.passed:7} {room.failed:7} {room.skipped.total():7}"
        print(f"{room.name:18} {counts} {room.seconds:9.1f}{state}")
    print(f"{'all':18} {'':23} {seconds:9.1f}")
    for reason, count in skips(rooms).most_common():
        print(f"skipped {count}: {reason}")


def show_total(rooms: list[Room]) -> None:
    """The last line: the sum over all rooms. A room that failed without a case counts as one."""
    passed = sum(room.passed for room in rooms)
    failed = sum(max(room.failed, int(not room.succeeded)) for room in rooms)
    print(f"{passed} passed, {failed} failed, {skips(rooms).total()} skipped", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Every room's tests, each walled off.")
    parser.add_argument("--room", action="append", default=[], help="only this environment")
    parser.add_argument("--install-nothing", action="store_true", help="leave apt alone")
    parser.add_argument("--nothing-skipped", action="store_true", help="a skip is a failure")
    return parser


if __name__ == "__main__":
    sys.exit(main())
