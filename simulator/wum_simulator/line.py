"""The pty of a line, and the link by which others find it.

The link is there when the line can be used, and gone when it cannot. Whoever holds the lock file
beside it is its owner; the kernel lets go of the lock however that process ends, so a link that a
killed run left behind is known as stale and replaced.
"""

import fcntl
import logging
import os
import termios
import tty
from pathlib import Path

_PIECE = 4096
_BAUD_OF = {getattr(termios, name): int(name[1:]) for name in dir(termios)
            if name[0] == "B" and name[1:].isdigit()}
_log = logging.getLogger(__name__)


class Busy(Exception):
    """The name is in use, by another run or for something else; the text says which."""


class Line:
    """One pty. Its far side stays open here too, so that a master may come and go."""

    def __init__(self, link: Path) -> None:
        """Raises Busy, OSError."""
        self.link = link
        self.lost_bytes = 0
        self._lock = _locked(link.with_name(link.name + ".lock"), link)
        try:
            _check_replaceable(link)
            self.master, self._slave = os.openpty()
        except BaseException:
            self._unlock()
            raise
        tty.setraw(self._slave)
        os.set_blocking(self.master, False)
        self.device = os.ttyname(self._slave)

    def publish(self) -> None:
        """Make the link, at once where it pointed elsewhere."""
        fresh = self.link.with_name(f"{self.link.name}.{os.getpid()}")
        os.symlink(self.device, fresh)
        os.replace(fresh, self.link)

    def read(self) -> bytes:
        """What the master wrote; empty when there is nothing."""
        try:
            return os.read(self.master, _PIECE)
        except BlockingIOError:
            return b""

    def baud(self) -> int:
        """What the master has set its end to."""
        return _BAUD_OF.get(termios.tcgetattr(self._slave)[5], 0)

    def write(self, data: bytes) -> None:
        """Say it. What does not fit because nobody reads is lost, as on a wire."""
        try:
            written = os.write(self.master, data)
        except BlockingIOError:
            written = 0
        if written < len(data):
            if not self.lost_bytes:
                _log.warning("%s: nobody reads; answers are lost from here on", self.link)
            self.lost_bytes += len(data) - written

    def close(self) -> None:
        """Remove the link and give the pty back."""
        if self.link.is_symlink() and os.readlink(self.link) == self.device:
            self.link.unlink()
        os.close(self.master)
        os.close(self._slave)
        self._unlock()

    def _unlock(self) -> None:
        # Removed while it is still held: see _locked for whoever waits for it.
        self.link.with_name(self.link.name + ".lock").unlink(missing_ok=True)
        os.close(self._lock)


def _locked(path: Path, link: Path) -> int:
    """A lock on `path`, which is made. Raises Busy."""
    while True:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise Busy(f"{link}: another wum-simulator serves this line; end it first, "
                       "or choose another --link") from None
        try:
            if os.stat(path).st_ino == os.fstat(lock).st_ino:
                return lock
        except FileNotFoundError:
            _log.debug("%s: its owner removed it in between", path)
        os.close(lock)           # A file that its owner has just removed guards nothing.


def _check_replaceable(link: Path) -> None:
    """Raises Busy unless nothing is there, or a link to a pty."""
    if link.is_symlink():
        target = os.readlink(link)
        if target.startswith("/dev/pts/"):
            return
        raise Busy(f"{link}: is a link to {target}, which is no simulated line")
    if link.exists():
        raise Busy(f"{link}: is there already, and is no link")
