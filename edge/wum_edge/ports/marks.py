"""How far meters' own logs are archived, kept over a restart: a small file beside the archive.

For every port, CPython and MicroPython. Left out: what a mark means (meters/upkeep.py). The file
follows what is on flash, never leads: it is written now and then with the sequence number up to
which it holds, and what was archived after that is read again from the archive itself. So no entry
is archived twice, and none is lost. It is written though no mark has moved, too: a start would read
the archive from its beginning, for minutes on a board, where no meter has a log of its own.
"""

import json

from wum_edge.archive.flash import Flash, read_whole
from wum_edge.archive.reader import Limits
from wum_edge.archive.ring import Archive
from wum_edge.clock import Clock
from wum_edge.config import Config
from wum_edge.log import Log
from wum_edge.meters.catalog import Model
from wum_edge.meters.upkeep import Marks, marks_event
from wum_edge.schema import Sets
from wum_shared.batch import Event, Missed, Row
from wum_shared.messages import SEQUENCE_MAX
from wum_shared.status import EVENT_OF_METER

TYPE_CHECKING = False        # True for type checkers only: a board has neither.
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

NAME = "meter-marks.json"
FILE_BYTES_MAX = 4 * 1024 * 1024    # Marks of 1,024 meters with full logs take some hundred kB.
SAVE_MS = 60000
SAVE_RECORDS = 256           # Read again at a start, and those of SAVE_MS, at most.
PIECE = Limits(SEQUENCE_MAX, 32, 1 << 15)


class MarksFile:
    """The marks of every meter of a configuration, as far as they are archived."""

    def __init__(self, flash: Flash, clock: Clock, log: Log, config: Config,
                 models: dict[str, Model]) -> None:
        self._flash, self._clock, self._log = flash, clock, log
        self._serials = [meter.serial for meter in config.meters]
        sets = Sets(config, models)
        self._profiles = [sets.profile(meter.model) for meter in config.meters]
        self._sequence = self._saved_sequence = 0
        self._marks = {serial: Marks() for serial in self._serials}
        self._saved_ms = clock.monotonic_ms()
        self._changed = False
        self._load()

    def catch_up(self, archive: Archive) -> None:
        """Read what was archived after the file was written."""
        first = self._sequence + 1
        while first < archive.next_sequence and (span := archive.read(first, PIECE)) is not None:
            # A span has one schema, and its meters stand as here unless the configuration changed.
            self._note(span.rows)
            self._note(span.events)
            first = span.last_sequence + 1
        self._sequence = archive.next_sequence - 1
        if self._is_far():
            self.save()

    def of(self, meter: int) -> Marks:
        """A copy of one meter's marks, for the thread of its line."""
        return self._marks[self._serials[meter]].copy()

    def archived(self, records: "Sequence[Row | Missed | Event]", last_sequence: int) -> None:
        """These records are on flash now."""
        self._note(records)
        self._sequence = last_sequence
        if (self._changed or self._is_far()) and (
                self._clock.monotonic_ms() - self._saved_ms >= SAVE_MS):
            self.save()

    def save(self) -> None:
        """Write the file, at once or not at all."""
        self._saved_ms = self._clock.monotonic_ms()
        meters = {serial: _as_json(self._marks[serial]) for serial in self._serials}
        try:
            self._flash.replace(NAME, json.dumps(
                {"sequence": self._sequence, "meters": meters}).encode())
            self._changed = False
            self._saved_sequence = self._sequence
        except OSError as error:         # The archive itself tells what it lacks, if that is full.
            self._log.warn("%s cannot be written: %s" % (NAME, error))

    def _is_far(self) -> bool:
        """Whether a start would read much again."""
        return self._sequence - self._saved_sequence >= SAVE_RECORDS

    def _note(self, records: "Sequence[Row | Missed | Event]") -> None:
        for record in records:
            if type(record) is Event and record.kind == EVENT_OF_METER and (
                    record.meter is not None and record.meter < len(self._serials)):
                marks_event(self._marks[self._serials[record.meter]], record)
                self._changed = True
            elif type(record) is Row and record.register_set in self._profiles and (
                    record.meter < len(self._serials)):
                marks = self._marks[self._serials[record.meter]]
                marks.profile_s = max(marks.profile_s or 0, record.captured_at_s)
                self._changed = True

    def _load(self) -> None:
        try:
            data = read_whole(self._flash, NAME, FILE_BYTES_MAX)
            if data is None:             # Missing, or unreadable: made anew.
                return
            found = json.loads(data)
            self._sequence = self._saved_sequence = int(found["sequence"])
            for serial, own in found["meters"].items():     # Any order: each has its own place.
                if serial in self._marks:
                    self._marks[serial] = _from_json(own)
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            # Without it everything is read again from the archive, which takes a little longer.
            self._log.warn("%s cannot be used and is made anew: %s" % (NAME, error))
            self._sequence = self._saved_sequence = 0


def _as_json(marks: Marks) -> "dict[str, Any]":
    return {"events_s": marks.events_s, "seen": list(marks.seen),
            "timeless": list(marks.timeless), "profile_s": marks.profile_s}


def _from_json(own: "dict[str, Any]") -> Marks:
    marks = Marks()
    marks.events_s = int(own["events_s"])
    marks.seen = tuple([(int(code), str(note)) for code, note in own["seen"]])
    marks.timeless = tuple([(int(code), str(note)) for code, note in own["timeless"]])
    marks.profile_s = None if own["profile_s"] is None else int(own["profile_s"])
    return marks.copy()              # With nothing of its own that every other has.
