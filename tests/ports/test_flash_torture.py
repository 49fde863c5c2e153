"""The Linux port under torture: the archive on it, on a disk whose power goes after any step.

tests/edge tortures the archive on the simulator's flash; here the port's own order of write, fsync,
rename and fsync of the folder is what has to hold. And a real process on a real file system is
killed with SIGKILL, again and again.
"""

import contextlib
import itertools
import signal
import subprocess
import sys
import time
from binascii import crc32
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.ports.disk_os import FOLDER_HANDLE, DiskOs
from wum_edge.archive.reader import Limits
from wum_edge.archive.ring import Archive, Stamp
from wum_edge.ports.linux import flash as port
from wum_edge.ports.linux.flash import LinuxFlash
from wum_shared.batch import Event
from wum_simulator.disk import Disk

STAMP = Stamp(1760000000, 0)
LIMIT = 20_000
SEGMENT = 5_000
SCHEMAS = (b"schema-1", b"schema-2")
ONE_IN = 7            # Of the cuts at any byte; those between two steps are all looked at.
ROUNDS = 12


def event(number: int) -> Event:
    """A record that is known from its number."""
    return Event(0, 1760000000 + number, 0, 1, None, f"record {number}")


class Life:
    """Appends and acknowledgements, and what the archive has promised so far."""

    def __init__(self) -> None:
        self.accepted = self.acknowledged = self.offered = 0
        self.cursor_kept = 0

    def live(self, flash: LinuxFlash) -> None:
        archive = Archive(flash, LIMIT, b"incarnat", SEGMENT)
        for number in range(1, 57):
            self.offered = number
            archive.append([event(number)], SCHEMAS[number // 6 % 2], STAMP)
            self.accepted = number
            if number % 5 == 0:
                self.acknowledged = number - 2
                archive.acknowledge(number - 2)
                self.cursor_kept = number - 2

    def check(self, flash: LinuxFlash) -> None:
        """All that was promised holds, and the next append works."""
        archive = Archive(flash, LIMIT, b"made-new", SEGMENT)
        assert self.cursor_kept <= archive.cursor <= self.acknowledged
        got = numbers(archive)
        assert set(range(archive.cursor + 1, self.accepted + 1)) <= set(got), "a record is gone"
        assert max([*got, self.accepted]) <= max(self.offered, self.accepted)
        assert archive.next_sequence > self.accepted
        archive.append([event(archive.next_sequence)], SCHEMAS[0], STAMP)
        assert archive.next_sequence - 1 in numbers(archive)


def numbers(archive: Archive) -> list[int]:
    """Numbers of the records that are not acknowledged; each must be what was appended under it."""
    found: list[int] = []
    first = archive.cursor + 1
    while first < archive.next_sequence:
        span = archive.read(first, Limits(2**53, 1 << 20, 1 << 30))
        assert span is not None
        for record in span.events:
            assert record.note == f"record {record.sequence}"
            found.append(record.sequence)
        first = span.last_sequence + 1
    return found


@contextlib.contextmanager
def linux_flash_on(
        disk: Disk, folder: Path, monkeypatch: pytest.MonkeyPatch,
        fsync: "Callable[[DiskOs, int], None]" = DiskOs.fsync) -> Iterator[LinuxFlash]:
    """The real port over a simulated disk."""
    calls = DiskOs(folder, disk)
    monkeypatch.setattr(calls, "fsync", lambda handle: fsync(calls, handle), raising=False)
    with monkeypatch.context() as patch:
        patch.setattr(port, "os", calls)
        patch.setattr(port, "_locked", lambda folder: -1)
        yield LinuxFlash(folder)


def torture(
        folder: Path, monkeypatch: pytest.MonkeyPatch,
        fsync: "Callable[[DiskOs, int], None]" = DiskOs.fsync) -> int:
    """Cut one life everywhere; how many cuts were survived."""
    life, looked, seen = Life(), 0, itertools.count()
    disk = Disk()

    def look() -> None:
        nonlocal looked
        for names, tear, keep in disk.cuts():
            if keep and crc32(b"%d" % next(seen)) % ONE_IN:
                continue
            looked += 1
            with linux_flash_on(disk.after_cut(names, tear, keep), folder, monkeypatch) as found:
                life.check(found)

    with linux_flash_on(disk, folder, monkeypatch, fsync) as flash:
        disk.watch = look
        life.live(flash)
    assert disk.steps > 200
    return looked


def test_the_linux_port_survives_a_cut_after_every_step(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert torture(tmp_path, monkeypatch) > 1000


def no_folder_sync(calls: DiskOs, handle: int) -> None:
    """A rename whose new name is never made durable."""
    if handle != FOLDER_HANDLE:
        DiskOs.fsync(calls, handle)


def no_file_sync(calls: DiskOs, handle: int) -> None:
    """Accepted while the bytes are in the cache only."""
    if handle == FOLDER_HANDLE:
        DiskOs.fsync(calls, handle)


@pytest.mark.parametrize("mutant", [no_folder_sync, no_file_sync])
def test_a_port_that_forgets_a_sync_is_caught(
        mutant: Callable[[DiskOs, int], None], tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AssertionError):
        torture(tmp_path, monkeypatch, mutant)


WRITER = """
import sys
from pathlib import Path
from tests.ports.test_flash_torture import LIMIT, SCHEMAS, SEGMENT, STAMP, event
from wum_edge.archive.ring import Archive
from wum_edge.ports.linux.flash import LinuxFlash
archive = Archive(LinuxFlash(Path(sys.argv[1])), LIMIT, b"incarnat", SEGMENT)
print(archive.next_sequence - 1, archive.cursor, flush=True)
while True:
    number = archive.next_sequence
    archive.append([event(n) for n in range(number, number + 1 + number % 4)],
                   SCHEMAS[number // 50 % 2], STAMP)
    print(archive.next_sequence - 1, archive.cursor, flush=True)
    if number % 7 == 0:
        archive.acknowledge(number - 1)
"""


def test_a_process_that_is_killed_at_any_time_loses_nothing_it_had_accepted(
        tmp_path: Path) -> None:
    accepted = cursor = 0
    for turn in range(ROUNDS):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path / "archive")],
                              stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            first = writer.stdout.readline().split()
            assert first and int(first[0]) >= accepted and int(first[1]) >= cursor
            assert writer.stdout.readline(), "it has appended nothing"  # Else there is nothing yet.
            time.sleep(0.02 + turn * 0.013)
            writer.send_signal(signal.SIGKILL)
            said = [line.split() for line in writer.stdout if line.endswith("\n")]
        for told in [first, *said]:
            if len(told) == 2:      # The kill may have cut the last line.
                accepted, cursor = int(told[0]), int(told[1])
        flash = LinuxFlash(tmp_path / "archive")
        archive = Archive(flash, LIMIT, b"made-new", SEGMENT)
        assert archive.incarnation == b"incarnat" and archive.cursor >= cursor
        got = numbers(archive)
        assert got == list(range(archive.cursor + 1, archive.next_sequence))
        assert archive.next_sequence > accepted
        flash.close()
    assert accepted > ROUNDS
