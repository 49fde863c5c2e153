"""The calls of `os` that LinuxFlash makes, on a simulated disk: so the port itself is tortured.

Left out: everything that another process could do. One folder, absolute names below it.
"""

import errno
import os
import types

from wum_simulator.disk import Disk

FOLDER_HANDLE = 1_000_000


class DiskOs(types.SimpleNamespace):
    """Stands in for the module `os` of wum_edge.ports.linux.flash; `folder` is the disk's."""

    O_RDONLY, O_WRONLY, O_RDWR = os.O_RDONLY, os.O_WRONLY, os.O_RDWR
    O_CREAT, O_APPEND, O_TRUNC = os.O_CREAT, os.O_APPEND, os.O_TRUNC
    O_CLOEXEC, O_DIRECTORY = os.O_CLOEXEC, os.O_DIRECTORY

    def __init__(self, folder, disk):
        self.folder, self.disk = folder, disk
        self.handles = {}
        self.room = 1 << 30
        self.broken = None        # errno of the next change.

    def open(self, path, flags, mode=0o777):
        """A handle; the folder has one of its own."""
        name = self._name(path)
        if name is None:
            return FOLDER_HANDLE
        if name not in self.disk.names:
            if not flags & os.O_CREAT:
                raise FileNotFoundError(errno.ENOENT, "no such file", str(path))
            self._change()
            self.disk.create(name)
        assert not flags & os.O_TRUNC or not self.disk.content(name)
        handle = len(self.handles) + 3
        self.handles[handle] = name
        return handle

    def close(self, handle):
        """Handles are not counted."""

    def write(self, handle, data):
        """All of it, or what there is room for."""
        self._change()
        fits = bytes(data)[:max(0, self.room - self.disk.used_bytes())]
        if not fits:
            raise OSError(errno.ENOSPC, "no space left")
        self.disk.write(self.handles[handle], fits)
        return len(fits)

    def fsync(self, handle):
        """Of a file or the folder."""
        self._change()
        if handle == FOLDER_HANDLE:
            self.disk.sync_names()
        else:
            self.disk.sync(self.handles[handle])

    def rename(self, old, new):
        """Over another file, if there is one."""
        self._change()
        self.disk.rename(self._name(old), self._name(new))

    def unlink(self, path):
        """The name goes."""
        self._change()
        self.disk.unlink(self._name(path))

    def listdir(self, folder):
        """Names of all files."""
        return list(self.disk.names)

    def stat(self, path):
        """Its size."""
        return types.SimpleNamespace(st_size=len(self._content(path)))

    def pread(self, handle, size, offset):
        """Bytes of a file."""
        return self.disk.content(self.handles[handle])[offset:offset + size]

    def statvfs(self, folder):
        """Room left."""
        return types.SimpleNamespace(f_bavail=self.room - self.disk.used_bytes(), f_frsize=1)

    def exists(self, path):
        """Whether there is such a file."""
        return self._name(path) in self.disk.names

    def _name(self, path):
        name = str(path)[len(str(self.folder)):].strip("/")
        return name or None

    def _content(self, path):
        if not self.exists(path):
            raise FileNotFoundError(errno.ENOENT, "no such file", str(path))
        return self.disk.content(self._name(path))

    def _change(self):
        if self.broken is not None:
            raise OSError(self.broken, os.strerror(self.broken))


def new_disk_os(folder):
    """An empty disk and the calls on it."""
    return DiskOs(folder, Disk())
