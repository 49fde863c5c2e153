"""The line at the end of the demo: what is stored, what waits, when it was last acknowledged."""

import contextlib
import re
import shutil
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from demo.clock import Clock
from demo.store import Stored, stored

_PLAIN_S = 30.0  # Where the output is no terminal, a line this often instead of one that changes.
_TAIL_BYTES = 4096  # Of a gateway's log: its last status line is in there.
_WAITING = re.compile(rb"(\d+) records wait for the head-end")
_SETTLED_S = 10.0  # After a part came back: by then every gateway has said how it stands.
_SHARE = 20  # A question that took long is asked more rarely: at most a twentieth of the time.


class Summary:
    """Shows one changing line on a terminal, or a line now and then elsewhere."""

    def __init__(self, url: str, clock: Clock, edge_logs: list[Path]) -> None:
        self.url = url
        self._clock = clock
        self._edge_logs = edge_logs
        self._is_terminal = sys.stdout.isatty()
        self._is_shown = False
        self._next_at = 0.0
        self._next_plain_at = 0.0
        self._revived_at: float | None = None

    def note_revival(self) -> None:
        """A part was started again: what waited meanwhile is to arrive."""
        self._revived_at = time.time()

    def arrived(self, found: Stored | None) -> str:
        """A sentence, once, when all that waited since the last revival is stored."""
        if self._revived_at is None or found is None or found.last_batch_at is None:
            return ""
        since_s = found.last_batch_at.timestamp() - self._revived_at
        if since_s < _SETTLED_S or backlog(self._edge_logs):
            return ""
        self._revived_at = None
        return (
            "all that waited in the archives has arrived: every reading is stored, and each "
            "gateway knows it"
        )

    def refresh(self) -> None:
        """Ask and show, when it is time."""
        now = time.monotonic()
        is_due = self._is_terminal or now >= self._next_plain_at
        if now < self._next_at or not (is_due or self._revived_at is not None):
            return
        found = stored(self.url)
        line = self._line(found)
        arrived = self.arrived(found)
        if arrived:
            self.give_way()
            print(time.strftime("%H:%M:%S ") + arrived, flush=True)
        self._next_at = now + _SHARE * (time.monotonic() - now)
        if not is_due:
            return
        if self._is_terminal:
            width = shutil.get_terminal_size().columns - 1
            sys.stdout.write("\r\x1b[K" + line[:width])
            self._is_shown = True
        else:
            sys.stdout.write(line + "\n")
            self._next_plain_at = now + _PLAIN_S
        sys.stdout.flush()

    def give_way(self) -> None:
        """Clear the changing line, so that another line may stand there."""
        if self._is_shown:
            sys.stdout.write("\r\x1b[K")
            self._is_shown = False

    def close(self) -> None:
        """Leave the last line standing."""
        if self._is_shown:
            sys.stdout.write("\n")
            self._is_shown = False

    def _line(self, found: Stored | None) -> str:
        shown = time.strftime("%H:%M:%S")
        if found is None:
            waiting = backlog(self._edge_logs)
            return f"{shown}  the database does not answer; {waiting} records wait in the archives"
        parts = [
            f"{shown}  {found.readings:,} readings of {found.meters} meters stored",
            f"newest {self._behind(found.newest_captured_at)}",
            f"{backlog(self._edge_logs)} wait in the archives",
            f"last acknowledged {_age(found.last_batch_at)}",
        ]
        if self._clock.has_met_the_present(time.time()):
            parts.append(f"the present is reached: a reading each {self._clock.period_s} s")
        if found.quarantined:
            parts.append(f"{found.quarantined} set aside")
        return " · ".join(parts)

    def _behind(self, newest: datetime | None) -> str:
        if newest is None:
            return "none yet"
        now_s = self._clock.now_s(time.time())
        return f"{max(0, now_s - int(newest.timestamp()))} s old"


def backlog(logs: list[Path]) -> int:
    """Records that wait in the archives, as each gateway last said."""
    waiting = 0
    for log in logs:
        with contextlib.suppress(FileNotFoundError), log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
            said = _WAITING.findall(file.read())
            waiting += int(said[-1]) if said else 0
    return waiting


def _age(at: datetime | None) -> str:
    if at is None:
        return "never yet"
    return f"{max(0, int((datetime.now(UTC) - at).total_seconds()))} s ago"
