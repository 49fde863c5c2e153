"""One part of the demo: a command line, started, watched, started again, ended."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from demo.tether import tethered

_LOG_LIMIT_BYTES = 8_000_000  # What was before is kept once, older is not.
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 15.0  # Before a part that ended is started again.
_STEADY_S = 20.0  # A part that ran this long starts again without delay.


@dataclass(slots=True)
class Part:
    """A process of the demo. `name` is what people call it: broker, ingest, edge-1."""

    name: str
    command: list[str]
    environment: Mapping[str, str]
    log: Path
    cwd: Path
    is_optional: bool = False
    _process: subprocess.Popen[bytes] | None = None
    _started_at: float = 0.0
    _pause_s: float = _FIRST_PAUSE_S
    _due_at: float = field(default=0.0)

    @property
    def pid(self) -> int:
        """The process id of the last start; 0 before the first."""
        return self._process.pid if self._process else 0

    def start(self) -> None:
        """Start the command; it dies with this process."""
        self.trim_log()
        descriptor = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.fchmod(descriptor, 0o600)
        with os.fdopen(descriptor, "ab") as out:
            self._process = subprocess.Popen(
                tethered(self.command, signal.SIGKILL),
                env=dict(self.environment),
                cwd=self.cwd,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,  # A terminal's Ctrl-C is ours to pass on, in order.
            )
        self._started_at = time.monotonic()

    def trim_log(self) -> None:
        """Keep the log within bounds while the part runs: what is there moves to LOG.1."""
        if self.log.exists() and self.log.stat().st_size > _LOG_LIMIT_BYTES:
            shutil.copy(self.log, self.log.with_suffix(".log.1"))
            os.truncate(self.log, 0)  # The part goes on at its new end: it only appends.

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def revived(self) -> str | None:
        """Start again what has ended, when its pause is over; a sentence if something happened."""
        if self._process is None or self.is_running():
            return None
        now = time.monotonic()
        if self._due_at == 0.0:
            steady = now - self._started_at > _STEADY_S
            self._pause_s = _FIRST_PAUSE_S if steady else min(self._pause_s * 2, _LONGEST_PAUSE_S)
            self._due_at = now + self._pause_s
        if now < self._due_at:
            return None
        how, self._due_at = self._manner(self._process.returncode), 0.0
        before = self._process.pid
        self.start()
        return f"{self.name} (process {before}) {how}; started again as {self.pid}"

    def _manner(self, code: int) -> str:
        if code < 0:
            return f"was ended by {signal.Signals(-code).name}"
        words = self.last_words(1).strip()
        return f"ended with code {code}" + (f" ({words})" if code and words else "")

    def ask_to_end(self) -> None:
        if self.is_running():
            assert self._process is not None
            self._process.terminate()

    def await_end(self, until: float) -> bool:
        """Wait until monotonic time `until`, then use force. True when it ended by itself."""
        if self._process is None:
            return True
        try:
            self._process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            return False
        return True

    def last_words(self, count: int = 6) -> str:
        """The end of its log, indented."""
        try:
            lines = self.log.read_text(errors="replace").splitlines()[-count:]
        except FileNotFoundError:
            return ""
        return "\n".join("    " + line for line in lines)
