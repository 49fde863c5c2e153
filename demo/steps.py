"""One step of the start: a command that runs to its end, with everything it started itself."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from demo.errors import StepFailed
from demo.tether import tethered

_PATIENCE_S = 300  # npm on a slow network is the longest; everything else takes seconds.


def run_step(title: str, command: list[str], environment: Mapping[str, str], cwd: Path) -> str:
    """Run `command`; return what it printed. Raises StepFailed with its own words.

    An exception in the meantime, a signal's Ended included, ends the whole process group: a
    command like npm's has children, and none may be left behind.
    """
    step = subprocess.Popen(
        tethered(command, signal.SIGKILL),
        env=dict(environment),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = step.communicate(timeout=_PATIENCE_S)
    except BaseException as error:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(step.pid, signal.SIGKILL)
        step.communicate()
        if isinstance(error, subprocess.TimeoutExpired):
            raise StepFailed(f"{title}: not done after {_PATIENCE_S} s, given up") from None
        raise
    if step.returncode != 0:
        raise StepFailed(f"{title}: {Path(command[0]).name} says: {said.strip()}")
    return said.strip()
