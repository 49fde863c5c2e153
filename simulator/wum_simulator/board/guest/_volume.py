"""The flash of the board as a file system: what is written is there from flush or close on."""

import io
import json

import _board
import _memory

BLOCK_BYTES = 4096
_PIECE = bytearray(BLOCK_BYTES)          # One for all: garbage waits for the end of a turn.


def _checked(result):
    if result < 0:
        raise OSError(-result)
    return result


class Volume:
    """What vfs.mount wants."""

    def mount(self, readonly, mkfs):
        pass

    def umount(self):
        pass

    def chdir(self, path):
        self._folder = path

    def getcwd(self):
        return "/"

    def open(self, path, mode):
        return File(_checked(_board.flash_open(path, mode)), "b" not in mode)

    def ilistdir(self, path):
        found = _board.flash_names(path)
        names = json.loads(found)
        if names is None:
            raise OSError(2)
        return iter([(name, kind, 0, size) for name, kind, size in names])

    def stat(self, path):
        found = json.loads(_board.flash_stat(path))
        if found is None:
            raise OSError(2)
        return (found[0], 0, 0, 0, 0, 0, found[1], 0, 0, 0)

    def statvfs(self, path):
        free = _board.flash_free()
        return (BLOCK_BYTES, BLOCK_BYTES, _board.flash_blocks(), free, free, 0, 0, 0, 0, 255)

    def remove(self, path):
        _checked(_board.flash_act("remove", path, ""))

    rmdir = remove

    def rename(self, old, new):
        _checked(_board.flash_act("rename", old, new))

    def mkdir(self, path):
        _checked(_board.flash_act("mkdir", path, ""))


class File(io.IOBase):
    """An open file. Without flush or close nothing that was written is ever there."""

    def __init__(self, number, is_text):
        self._number = number
        self._is_text = is_text

    def readinto(self, buffer):
        if not len(buffer):
            return 0
        return _checked(_board.flash_read(self._number, _memory.address(buffer), len(buffer)))

    def read(self, size=-1):
        parts = []
        while size:
            count = self.readinto(_PIECE if not 0 < size < BLOCK_BYTES else
                                  memoryview(_PIECE)[:size])
            if not count:
                break
            parts.append(bytes(memoryview(_PIECE)[:count]))
            if size > 0:
                size -= count
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        return data.decode() if self._is_text else data

    def write(self, data):
        held, address, size = _memory.given(data)
        return _checked(_board.flash_write(self._number, address, size)) if size else 0

    def seek(self, offset, whence=0):
        return _checked(_board.flash_seek(self._number, offset, whence))

    def tell(self):
        return self.seek(0, 1)

    def flush(self):
        _checked(_board.flash_flush(self._number))

    def close(self):
        if self._number:
            _board.flash_close(self._number)
            self._number = 0

    def ioctl(self, request, argument):
        if request == 4:
            self.close()
        return 0

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()
