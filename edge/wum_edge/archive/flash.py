"""What the archive, the cursor and the counters need from flash. A port supplies it.

Files are few, flat and named by us. Every method may raise OSError.
"""

NO_SPACE = 28      # errno ENOSPC, the same number on Linux and MicroPython.
IO_ERROR = 5       # errno EIO: the medium itself cannot give these bytes back.


class Flash:
    """One folder of files."""

    read_ahead = 4096            # So much is read at least of a segment, for what comes next.

    def names(self) -> list[str]:
        """Names of all files, in any order."""
        raise NotImplementedError

    def size(self, name: str) -> int:
        """Bytes in a file."""
        raise NotImplementedError

    def read(self, name: str, offset: int, size: int) -> bytes:
        """Up to `size` bytes from `offset`; fewer only at the end of the file."""
        raise NotImplementedError

    def append(self, name: str, data: bytes) -> None:
        """Add `data` at the end. Not durable before `sync`; a failure may leave a part of it."""
        raise NotImplementedError

    def sync(self, name: str) -> None:
        """Return when all that was appended survives a power cut."""
        raise NotImplementedError

    def replace(self, name: str, data: bytes) -> None:
        """Give a file a whole new content: the old or the new survives, and the new on return."""
        raise NotImplementedError

    def remove(self, name: str) -> None:
        """Take a file away, durably on return."""
        raise NotImplementedError

    def space_left(self) -> int:
        """Bytes that can still be written."""
        raise NotImplementedError


def read_whole(flash: Flash, name: str, most: int) -> bytes | None:
    """A small file of at most `most` bytes; None when it is missing, longer or unreadable."""
    if name not in flash.names():
        return None
    try:
        data = flash.read(name, 0, most + 1)
    except OSError as error:
        if error.args[0] != IO_ERROR:
            raise
        return None
    return data if len(data) <= most else None
