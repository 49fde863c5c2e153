"""Flash of a board: the files of one folder on LittleFS.

What was written to a file is there, whole, from its flush on, and not before; a rename over an
existing file replaces it in one commit. So `sync` is a flush, and `replace` writes beside. Only the
file that was appended to last is open: LittleFS keeps a buffer for each.
"""

import os

from wum_edge.archive.flash import IO_ERROR, Flash

_UNFINISHED = ".new"         # A replacement that was not renamed yet; a start removes it.
_BLOCKS_KEPT = 4             # LittleFS writes new blocks before it gives old ones back.
_CORRUPT = 84                # LittleFS's own errno for a block that is not what it was.
_AT_ONCE = 512               # What is longer is looked at first: how much there is.


class BoardFlash(Flash):
    """The folder is made where it is missing. `feed`, if any, feeds the watchdog at each read: a
    start may read much of an archive in one turn, and how much is bounded.
    """

    read_ahead = 1024            # In one piece: of a heap in use not much more is.

    def __init__(self, folder, feed=None):
        self._folder, self._feed = folder, feed
        self._tail = None            # (name, file) that was appended to last.
        self._is_pending = False     # It has what was not flushed.
        try:
            os.mkdir(folder)
        except OSError:
            os.stat(folder)          # It is there, or this raises.
        for name in os.listdir(folder):
            if name.endswith(_UNFINISHED):
                remove_unfinished(self._path(name))

    def names(self):
        """See Flash.names."""
        return [name for name in os.listdir(self._folder) if not name.endswith(_UNFINISHED)]

    def size(self, name):
        """See Flash.size."""
        self._settle(name)
        return os.stat(self._path(name))[6]

    def read(self, name, offset, size):
        """See Flash.read."""
        if self._feed is not None:
            self._feed()
        self._settle(name)
        if size > _AT_ONCE:          # MicroPython takes RAM for what is asked for, not what comes.
            size = min(size, max(0, os.stat(self._path(name))[6] - offset))
        try:
            with open(self._path(name), "rb") as file:
                file.seek(offset)
                return _read_all(file, size)
        except OSError as error:
            if error.args[0] == _CORRUPT:
                raise OSError(IO_ERROR)
            raise

    def append(self, name, data):
        """See Flash.append."""
        if self._tail is None or self._tail[0] != name:
            self._close()
            self._tail = (name, open(self._path(name), "ab"))  # noqa: SIM115
        self._is_pending = True
        self._guarded(_write_all, data)

    def sync(self, name):
        """See Flash.sync. A file that is not open was flushed when it was closed."""
        if self._tail is not None and self._tail[0] == name:
            self._guarded(_flush, None)
            self._is_pending = False

    def replace(self, name, data):
        """See Flash.replace."""
        if self._tail is not None and self._tail[0] == name:
            self._close()
        beside = self._path(name + _UNFINISHED)
        with open(beside, "wb") as file:
            _write_all(file, data)
        os.rename(beside, self._path(name))

    def remove(self, name):
        """See Flash.remove."""
        if self._tail is not None and self._tail[0] == name:
            self._close()
        os.remove(self._path(name))

    def space_left(self):
        """See Flash.space_left."""
        block_bytes, _, _, free = os.statvfs(self._folder)[:4]
        return max(0, free - _BLOCKS_KEPT) * block_bytes

    def close(self):
        """Flush what is open."""
        self._close()

    def _path(self, name):
        return self._folder + "/" + name

    def _settle(self, name):
        """Others see an open file as it was flushed last."""
        if self._is_pending and self._tail is not None and self._tail[0] == name:
            self.sync(name)

    def _guarded(self, act, data):
        """A file that failed once is not trusted with more: it is closed, and opened again."""
        try:
            act(self._tail[1], data)
        except OSError as error:
            tail, self._tail, self._is_pending = self._tail, None, False
            try:
                tail[1].close()
            finally:
                raise error          # The first failure is what the caller hears of.

    def _close(self):
        if self._tail is not None:
            tail, self._tail, self._is_pending = self._tail, None, False
            tail[1].close()


def remove_unfinished(path):
    """Nobody sees it: where flash refuses, it lies there until a start at which it does not."""
    try:
        os.remove(path)
    except OSError as error:
        print("! flash refuses to remove %s: %s" % (path, error))


def _flush(file, _):
    file.flush()


def _write_all(file, data):
    view = memoryview(data)
    while len(view):
        view = view[file.write(view):]


def _read_all(file, size):
    parts = []
    while size > 0:
        part = file.read(size)
        if not part:
            break
        parts.append(part)
        size -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)    # Most come in one: no copy.
