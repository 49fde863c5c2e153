"""Watching the running demo: what dies is started again and said, and the last line lives."""

import errno
import shutil
import time
from dataclasses import dataclass, field

from demo.embedded_postgres import EmbeddedPostgres
from demo.endings import Ended, Make
from demo.errors import PostgresFailed
from demo.parts import Part
from demo.place import Place
from demo.summary import Summary

_TICK_S = 0.25
_SUMMARY_S = 3.0
_LOW_BYTES = 100_000_000  # Below this the database may stop any moment.
_LOW_DISK_S = 60.0  # Between two warnings.


@dataclass(slots=True)
class Watch:
    """Looks after all parts until somebody ends the demo."""

    place: Place
    postgres: EmbeddedPostgres
    parts: list[Part]
    environment: dict[str, str]
    summary: Summary
    make: Make
    _next_summary: float = field(default=0.0)
    _next_warning: float = field(default=0.0)

    def run(self) -> None:
        """Watch until Ended is raised: by a signal, or by make that got one."""
        self.note_parts()
        while True:
            if self.make.is_ending():
                raise Ended("the signal that make got")
            try:
                self._revive()
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                self._warn("the disk is full: nothing can be started again until there is room")
            if shutil.disk_usage(self.place.root).free < _LOW_BYTES:
                self._warn("the disk is nearly full: the database may stop until there is room")
            if time.monotonic() >= self._next_summary:
                self.summary.refresh()
                self._next_summary = time.monotonic() + _SUMMARY_S
            time.sleep(_TICK_S)

    def note_parts(self) -> None:
        """Write down which process is which, for `make demo-kill`."""
        pids = {part.name: part.pid for part in self.parts}
        self.place.write_parts({"database": self.postgres.pid or 0, **pids})

    def _revive(self) -> None:
        if self.postgres.pid is None:
            self._revive_database()
        for part in self.parts:
            part.trim_log()
            happened = part.revived()
            if happened:
                self._tell(happened)
                self.summary.note_revival()
                self.note_parts()

    def _revive_database(self) -> None:
        try:
            url = self.postgres.restart()
        except PostgresFailed as error:
            self._tell(f"database: {error}; trying again")
            return
        self._tell(f"database ended; started again as {self.postgres.pid}")
        self.summary.note_revival()
        self.note_parts()
        if url != self.environment["WUM_DATABASE_URL"]:  # Somebody took its port meanwhile.
            self.environment["WUM_DATABASE_URL"] = self.summary.url = url
            for part in self.parts:
                if part.name in ("ingest", "web"):
                    part.ask_to_end()  # Started again with the new address.

    def _warn(self, line: str) -> None:
        if time.monotonic() >= self._next_warning:
            self._tell(line)
            self._next_warning = time.monotonic() + _LOW_DISK_S

    def _tell(self, line: str) -> None:
        """A line in between the summaries."""
        self.summary.give_way()
        print(time.strftime("%H:%M:%S ") + line, flush=True)
