"""The folder of updates on Linux: boot records, slots with their folders, what is being fetched.

Names may have slashes; each is one of ours or of a table that was checked (wum_shared/bundle.py).
Every write is durable on return: file, name, and the folders that had to be made. Left out: the
lock, which whoever starts the gateway holds (launcher.py).
"""

import os
from pathlib import Path

from wum_edge.archive.flash import Flash

_UNFINISHED = ".new"
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC


class SlotFlash(Flash):
    """The files below one folder, which is made (0700) where it is missing."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder

    def names(self) -> list[str]:
        """Names of the files, relative to the folder."""
        found = []
        for where, _, files in os.walk(self._folder):
            inside = os.path.relpath(where, self._folder)
            found += [name if inside == "." else f"{inside}/{name}"
                      for name in files if not name.endswith(_UNFINISHED)]
        return found

    def size(self, name: str) -> int:
        """Bytes in a file."""
        return os.stat(self._folder / name).st_size

    def read(self, name: str, offset: int, size: int) -> bytes:
        """Up to `size` bytes from `offset`; of a file, never of what a link leads to."""
        handle = os.open(self._folder / name, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        with os.fdopen(handle, "rb") as file:
            file.seek(offset)
            return file.read(size)

    def append(self, name: str, data: bytes) -> None:
        """Add `data` at the end of a file; it is made where it is missing."""
        handle = os.open(self._folder / name, _WRITE | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "ab", buffering=0) as file:
            _write_all(file.fileno(), data)

    def sync(self, name: str) -> None:
        """Return when a file and its name survive a power cut."""
        _sync(self._folder / name)
        _sync((self._folder / name).parent)

    def replace(self, name: str, data: bytes) -> None:
        """Whole new content, atomic, durable on return; folders are made as needed."""
        path = self._folder / name
        self._make_folders(path.parent)
        unfinished = path.with_name(path.name + _UNFINISHED)
        handle = os.open(unfinished, _WRITE | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "wb", buffering=0) as file:
            _write_all(file.fileno(), data)
            os.fsync(file.fileno())
        os.rename(unfinished, path)
        _sync(path.parent)

    def remove(self, name: str) -> None:
        """Take a file away, and the folders that are empty then; durable on return."""
        path = self._folder / name
        os.unlink(path)
        _sync(path.parent)
        while path.parent != self._folder and not os.listdir(path.parent):
            path = path.parent
            os.rmdir(path)

    def space_left(self) -> int:
        """Bytes that this user can still write on the folder's disk."""
        disk = os.statvfs(self._folder)
        return disk.f_bavail * disk.f_frsize

    def _make_folders(self, folder: Path) -> None:
        if not folder.is_dir():
            self._make_folders(folder.parent)
            folder.mkdir(mode=0o700)
            _sync(folder.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write_all(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view):]
