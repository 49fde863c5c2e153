"""A disk that turns read-only under a running process, and takes writes again, as a test says.

The kernel turns a disk so by itself when it finds it damaged; nobody may ask it for that while a
file is open for writing. Here every call that would write below the folder that is named in the
file WUM_TEST_READ_ONLY names is refused as the kernel refuses it, and needs no rights for it. The
file may come and go any time.
"""

import builtins
import errno
import io
import os
from collections.abc import Callable
from typing import Any

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_BY_HANDLE = ("write", "pwrite", "writev", "fsync", "fdatasync", "ftruncate")
_BY_PATH = ("unlink", "remove", "rmdir", "truncate", "chmod", "utime")
_BY_PATHS = ("rename", "replace", "link", "symlink")


class _Disk:
    """The folder that is read-only now, if one is."""

    def __init__(self, note: str) -> None:
        self._note = note

    def refuse(self, path: Any) -> None:
        """Raise OSError where this path lies on the disk."""
        try:
            with _open(self._note) as file:
                folder = os.path.realpath(file.read())
        except FileNotFoundError:
            return
        place = os.readlink("/proc/self/fd/%d" % path) if isinstance(path, int) else (
            os.path.realpath(os.fspath(path)))
        if (str(place) + "/").startswith(folder + "/"):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(place))


_open = builtins.open


def _guarded(call: Callable[..., Any], disk: _Disk, places: int) -> Callable[..., Any]:
    def guarded(*arguments: Any, **named: Any) -> Any:
        for place in arguments[:places]:
            disk.refuse(place)
        return call(*arguments, **named)
    return guarded


def _guard(disk: _Disk) -> None:
    opened = os.open

    def open_low(path: Any, flags: int, *more: Any, **named: Any) -> int:
        if flags & _WRITES:
            disk.refuse(path)
        return opened(path, flags, *more, **named)

    def open_high(file: Any, mode: str = "r", *more: Any, **named: Any) -> Any:
        if set(mode) & set("wax+"):
            disk.refuse(file)
        return _open(file, mode, *more, **named)

    os.open = open_low
    builtins.open = io.open = open_high  # type: ignore[assignment]
    for names, places in ((_BY_HANDLE, 1), (_BY_PATH, 1), (_BY_PATHS, 2)):
        for name in names:
            setattr(os, name, _guarded(getattr(os, name), disk, places))


if "WUM_TEST_READ_ONLY" in os.environ:
    _guard(_Disk(os.environ["WUM_TEST_READ_ONLY"]))
