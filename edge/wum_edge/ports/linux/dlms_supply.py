"""What DLMS security needs of Linux: AES-GCM, chance, and counters that outlast a power cut.

Left out: what they are for (meters/dlms/ciphering.py). The counters are one small JSON file,
written anew and renamed at each reservation: 256 messages to a meter cost one write.
"""

import json
import logging
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from wum_edge.errors import MeterError
from wum_edge.meters.dlms import supply
from wum_edge.meters.dlms.ciphering import Counters
from wum_edge.ports.linux.aes_gcm import AesGcm
from wum_edge.ports.linux.flash import FolderInUse, lock_folder
from wum_shared.batch import Event
from wum_shared.status import EVENT_COUNTER_ACCEPTED

FILE_NAME = "dlms-counters.json"
ACCEPTED_MAX = 64            # More between two starts of the gateway are no accident.
_HEARD_EVERY = 64            # Counters of a meter that may pass before they are written.

_log = logging.getLogger(__name__)


class Accepted(NamedTuple):
    """A meter's counter that somebody has accepted, for the archive to tell of."""

    serial: str
    at_s: int
    note: str


class CounterFile(Counters):
    """Counters of all meters of this concentrator. Lines are threads: one lock for all."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._next: dict[str, int] = {}
        self._heard: dict[str, int] = {}
        self._written: dict[str, int] = {}
        self.accepted: list[Accepted] = []   # What no gateway has archived yet.
        if path.exists():
            try:
                kept = json.loads(path.read_text())
                self._next = {str(name): int(value) for name, value in kept["next"].items()}
                self._heard = {str(name): int(value) for name, value in kept["heard"].items()}
                self.accepted = [Accepted(str(serial), int(at_s), str(note))
                                 for serial, at_s, note in kept.get("accepted", [])]
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                # Beginning again would repeat counters under the same key: better to stop.
                raise OSError(f"{path}: the invocation counters cannot be read: {error}") from error

    def reserve(self, context: str, count: int, least: int) -> int:
        """See Counters.reserve."""
        with self._lock:
            first = max(self._next.get(context, 0), least)
            self._next[context] = first + count
            try:
                self._write()
            except OSError as error:
                raise MeterError(f"the invocation counters cannot be kept: {error}") from error
            return first

    def heard(self, context: str) -> int:
        """See Counters.heard."""
        with self._lock:
            return self._heard.get(context, -1)

    def note_heard(self, context: str, counter: int) -> None:
        """See Counters.note_heard."""
        with self._lock:
            self._heard[context] = counter
            if counter - self._written.get(context, -_HEARD_EVERY) >= _HEARD_EVERY:
                try:
                    self._write()
                except OSError as error:
                    raise MeterError(f"the meter's counter cannot be kept: {error}") from error

    def heard_of(self, context: str) -> dict[str, int]:
        """What was heard of a context, and of how far it has heard us, by the name it has here."""
        with self._lock:
            return {name: self._heard[name] for name in sorted(self._heard)
                    if name.startswith(context + "/")}

    def accept(self, context: str, accepted: "Accepted") -> None:
        """Forget what was heard of a context: its meter may begin again. Ours go on: under one key
        none is ever used twice. Raises OSError; then nothing is forgotten.
        """
        with self._lock:
            before = dict(self._heard)
            self._heard = {name: self._heard[name] for name in self._heard
                           if not name.startswith(context + "/")}
            self.accepted = [*self.accepted, accepted][-ACCEPTED_MAX:]
            try:
                self._write()
            except OSError:
                self._heard, self.accepted = before, self.accepted[:-1]
                raise

    def archived(self, records: Sequence[object]) -> None:
        """These are on flash now; what was accepted need not be told again."""
        if self.accepted and any(
                type(record) is Event and record.kind == EVENT_COUNTER_ACCEPTED
                for record in records):
            with self._lock:
                self.accepted = []
                try:
                    self._write()
                except OSError as error:
                    _log.warning("%s cannot be written, an event will stand in the archive twice: "
                                 "%s", self._path, error)

    def _write(self) -> None:
        fresh = self._path.with_suffix(".new")
        with fresh.open("w") as file:
            json.dump({"next": self._next, "heard": self._heard,
                       "accepted": [list(one) for one in self.accepted]}, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)             # The name, too.
        finally:
            os.close(folder)
        self._written = dict(self._heard)


def install(folder: Path) -> CounterFile:
    """Supply DLMS from now on; the counters, which are kept in `folder`. Raises OSError."""
    counters = CounterFile(folder / FILE_NAME)
    supply.install(supply.Supply(AesGcm(), counters, os.urandom))
    return counters


def install_alone(folder: Path) -> None:
    """The same for a command beside the gateway: only while no gateway uses these keys, since two
    would repeat counters. Where it cannot be, ciphered meters say that there is no cipher.
    """
    if not folder.is_dir():
        return
    try:
        _held.append(lock_folder(folder))    # Held until the process ends.
        install(folder)
    except (FolderInUse, OSError):
        return


_held: list[int] = []
