"""What DLMS security needs of Linux: AES-GCM, chance, and counters that outlast a power cut.

Left out: what they are for (meters/dlms/ciphering.py). The counters are one small JSON file,
written anew and renamed at each reservation: 256 messages to a meter cost one write.
"""

import json
import os
import threading
from pathlib import Path

from wum_edge.errors import MeterError
from wum_edge.meters.dlms import supply
from wum_edge.meters.dlms.ciphering import Counters
from wum_edge.ports.linux.aes_gcm import AesGcm
from wum_edge.ports.linux.flash import FolderInUse, lock_folder

FILE_NAME = "dlms-counters.json"
_HEARD_EVERY = 64            # Counters of a meter that may pass before they are written.


class CounterFile(Counters):
    """Counters of all meters of this concentrator. Lines are threads: one lock for all."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._next: dict[str, int] = {}
        self._heard: dict[str, int] = {}
        self._written: dict[str, int] = {}
        if path.exists():
            try:
                kept = json.loads(path.read_text())
                self._next = {str(name): int(value) for name, value in kept["next"].items()}
                self._heard = {str(name): int(value) for name, value in kept["heard"].items()}
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

    def _write(self) -> None:
        fresh = self._path.with_suffix(".new")
        with fresh.open("w") as file:
            json.dump({"next": self._next, "heard": self._heard}, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)             # The name, too.
        finally:
            os.close(folder)
        self._written = dict(self._heard)


def install(folder: Path) -> None:
    """Supply DLMS from now on; the counters are kept in `folder`. Raises OSError."""
    supply.install(supply.Supply(AesGcm(), CounterFile(folder / FILE_NAME), os.urandom))


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
