"""Flash on Linux: files in one folder, made durable with fsync of file and folder.

One process at a time: the kernel releases the lock when its holder ends, however it ends.
"""

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from wum_edge.archive.flash import Flash

_LOCK = "lock"
_UNFINISHED = ".new"      # A replacement that was not renamed yet; a start removes it.


class FolderInUse(Exception):
    """Another process works in this folder."""


class LinuxFlash(Flash):
    """The files of one folder, held by one process until `close`."""

    def __init__(self, folder: Path) -> None:
        """Make the folder where it is missing (0700) and lock it. Raises FolderInUse, OSError."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._lock = _locked(folder)
        self._tail: tuple[str, int] | None = None     # Last appended file, kept open.
        self._tail_is_new = False                     # Its name is not durable yet.
        self._directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        with _read_only_is_fine():
            for name in os.listdir(folder):
                if name.endswith(_UNFINISHED):
                    os.unlink(folder / name)
            os.fsync(self._directory)  # A killed process may have renamed without it.

    def close(self) -> None:
        """Let another process have the folder."""
        self._close_tail()
        os.close(self._directory)
        os.close(self._lock)

    def names(self) -> list[str]:
        """Names of the files, the lock left out."""
        return [name for name in os.listdir(self._folder)
                if name != _LOCK and not name.endswith(_UNFINISHED)]

    def size(self, name: str) -> int:
        """Bytes in a file."""
        return os.stat(self._folder / name).st_size

    def read(self, name: str, offset: int, size: int) -> bytes:
        """Up to `size` bytes from `offset`."""
        handle = os.open(self._folder / name, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return _read_all(handle, offset, size)
        finally:
            os.close(handle)

    def append(self, name: str, data: bytes) -> None:
        """Add `data` at the end of a file; it is made where it is missing."""
        if self._tail is None or self._tail[0] != name:
            self._close_tail()
            # The same handle stays for the sync: the kernel tells a failed write to handles
            # that were open when it failed, and only once.
            self._tail_is_new = name not in os.listdir(self._folder)
            self._tail = (name, os.open(self._folder / name, _APPEND, 0o600))
        _write_all(self._tail[1], data)

    def sync(self, name: str) -> None:
        """Return when the file survives a power cut."""
        if self._tail is not None and self._tail[0] == name:
            try:
                os.fsync(self._tail[1])
                if self._tail_is_new:
                    os.fsync(self._directory)
                    self._tail_is_new = False
            except OSError:
                self._close_tail()
                raise
            return
        handle = os.open(self._folder / name, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def replace(self, name: str, data: bytes) -> None:
        """Whole new content, atomic, durable on return: file, rename, folder."""
        if self._tail is not None and self._tail[0] == name:
            self._close_tail()
        unfinished = self._folder / (name + _UNFINISHED)
        try:
            handle = os.open(unfinished, _CREATE, 0o600)
            try:
                _write_all(handle, data)
                os.fsync(handle)
            finally:
                os.close(handle)
            os.rename(unfinished, self._folder / name)
        except OSError:
            with contextlib.suppress(OSError):  # The failure itself is what the caller hears of.
                os.unlink(unfinished)
            raise
        os.fsync(self._directory)

    def remove(self, name: str) -> None:
        """Take a file away, durably on return."""
        if self._tail is not None and self._tail[0] == name:
            self._close_tail()
        os.unlink(self._folder / name)
        os.fsync(self._directory)

    def space_left(self) -> int:
        """Bytes that this user can still write on the folder's disk."""
        disk = os.statvfs(self._folder)
        return disk.f_bavail * disk.f_frsize

    def _close_tail(self) -> None:
        if self._tail is not None:
            os.close(self._tail[1])
            self._tail = None


_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC


def lock_folder(folder: Path) -> int:
    """A lock on a folder itself, without a file in it; held while the handle is open.

    Raises FolderInUse, OSError.
    """
    return _flocked(os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC), folder)


def _locked(folder: Path) -> int:
    try:
        handle = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if error.errno not in (errno.EROFS, errno.ENOSPC):
            raise
        return lock_folder(folder)  # Nothing can be written, but what is there can be delivered.
    return _flocked(handle, folder)


def _flocked(handle: int, folder: Path) -> int:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        if error.errno != errno.EWOULDBLOCK:
            raise
        raise FolderInUse(
            f"{folder} is in use by another process: is another wum-edge running? Two must not "
            "share an archive or keys") from error
    return handle


@contextlib.contextmanager
def _read_only_is_fine() -> Iterator[None]:
    """Leave the folder as it is when its file system is read-only: delivering still works."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.EROFS:
            raise


def _read_all(handle: int, offset: int, size: int) -> bytes:
    parts = []
    while size > 0:
        part = os.pread(handle, size, offset)
        if not part:
            break
        parts.append(part)
        offset += len(part)
        size -= len(part)
    return b"".join(parts)


def _write_all(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view):]
