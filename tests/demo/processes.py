"""Looking at processes, for tests that promise which of them end."""

import os
import time
from pathlib import Path

from demo.postgres_process import is_alive


def wait_until_gone(*pids: int, patience_s: float = 8) -> None:
    """Wait until none of `pids` runs."""
    deadline = time.monotonic() + patience_s
    while left := [pid for pid in pids if is_alive(pid)]:
        assert time.monotonic() < deadline, f"still there: {[describe(pid) for pid in left]}"
        time.sleep(0.02)


def describe(pid: int) -> str:
    """Number and command line of a process."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except (FileNotFoundError, ProcessLookupError):
        words = "gone"
    return f"{pid} {words}"


def descendants(pid: int) -> list[int]:
    """Everything that `pid` started, and what those started."""
    parents = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal() and is_alive(int(folder.name)):
            stat = (folder / "stat").read_text().rpartition(")")[2].split()
            parents[int(folder.name)] = int(stat[1])
    found = [pid]
    for parent in found:
        found += [child for child, its in parents.items() if its == parent]
    return found[1:]


def processes_below(folder: Path) -> list[int]:
    """Processes of ours whose command line or working folder names `folder`."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        try:
            words = (entry / "cmdline").read_bytes().decode(errors="replace")
            place = str((entry / "cwd").resolve())
        except OSError:
            continue
        if str(folder) in words or place.startswith(str(folder)):
            found.append(int(entry.name))
    return [pid for pid in found if is_alive(pid)]
