"""Start a command that dies with the process that started it. Linux's PR_SET_PDEATHSIG.

    python tether.py SIGNAL PARENT_PID UID:GID COMMAND...

Run as a file of its own, before the command: nothing of ours runs between fork and exec, so it
is safe in a parent with threads. The kernel watches the *thread* that starts this, and forgets
the wish when the account changes, so the account comes first. UID:GID is `-` to stay who we are.
"""

import ctypes
import os
import signal
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def tethered(command: list[str], death: signal.Signals, account: str = "-") -> list[str]:
    """The command line that runs `command` so that it gets `death` when this process ends."""
    script = str(Path(__file__).resolve())
    return [
        *(sys.executable, "-I", "-S", script),
        *(death.name, str(os.getpid()), account),
        *command,
    ]


def main(arguments: list[str]) -> None:
    """Become the account, tie ourselves to the parent, become the command."""
    death, parent, account, *command = arguments
    if account != "-":
        uid, gid = (int(number) for number in account.split(":"))
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)  # An inherited "ignore" would outlive the exec.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.Signals[death]), 0, 0, 0)
        if os.getppid() != int(parent):
            raise SystemExit("the process that started this is gone")
    os.execv(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
