"""The server's process: found by the data it works on, and ended in bounded time."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from demo.errors import PostgresFailed

# A fast shutdown; then an immediate one, which the next start recovers from; then by force.
_ENDINGS = ((signal.SIGINT, 2.5), (signal.SIGQUIT, 1.0), (signal.SIGKILL, 0.5))
_LOOK_S = 0.02


def postmaster_lines(data: Path) -> list[str]:
    """The lines of postmaster.pid: process id, data, start time, port, ..., status (the 8th)."""
    try:
        return (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def running(data: Path) -> int | None:
    """The process id of the server over `data`. A stale or foreign pid file is removed."""
    lines = postmaster_lines(data)
    if not lines:
        return None
    pid = int(lines[0])
    # That process may be gone, or its number be somebody else's now.
    with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError):
        if Path(f"/proc/{pid}/cwd").resolve(strict=True) == data.resolve():
            return pid
    (data / "postmaster.pid").unlink(missing_ok=True)
    return None


def end_child(server: subprocess.Popen[bytes]) -> None:
    """End a server that we started, and reap it."""
    with contextlib.suppress(ProcessLookupError):
        end(server.pid, is_gone=lambda: server.poll() is not None)


def end(pid: int, is_gone: Callable[[], bool] | None = None) -> None:
    """End the server `pid`; back when it is gone. Raises PostgresFailed if it does not go."""
    for sign, patience_s in _ENDINGS:
        os.kill(pid, sign)
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            if is_gone() if is_gone else not is_alive(pid):
                return
            time.sleep(_LOOK_S)
    raise PostgresFailed(f"process {pid} does not end")


def end_orphans(data: Path) -> None:
    """End what a server that was killed left behind: its backends work on until their statement
    ends, and no server starts over data that somebody works on.

    For data over which no server runs. Raises PostgresFailed.
    """
    left = _working_on(data)
    for sign, patience_s in ((signal.SIGQUIT, 2.5), (signal.SIGKILL, 2.5)):
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, sign)
        deadline = time.monotonic() + patience_s
        while left and time.monotonic() < deadline:
            left = [pid for pid in left if is_alive(pid)]
            time.sleep(_LOOK_S)
        if not left:
            return
    raise PostgresFailed(f"processes {left} work on {data} and do not end")


def _working_on(data: Path) -> list[int]:
    """The processes whose folder that is: a server and its backends alone stand in its data."""
    wanted, found = data.resolve(), []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError):
            if (process / "cwd").resolve(strict=True) == wanted:
                found.append(int(process.name))
    return found


def is_alive(pid: int) -> bool:
    """Whether `pid` runs. A process that has ended and is not reaped does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"  # Where process 1 does not reap, that is all one will ever see.
