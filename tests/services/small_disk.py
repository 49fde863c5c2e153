"""A filesystem that is really full when it is filled: a small tmpfs, mounted for a test.

Needs the right to mount, which root has; elsewhere the test that asks for it is skipped.
"""

import errno
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_PIECE = 1 << 20


class SmallDisk:
    """A mounted folder, and a ballast file in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        """Leave not a byte."""
        with self._ballast.open("ab", buffering=0) as file:
            for size in (_PIECE, 4096, 1):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
        assert os.statvfs(self.folder).f_bavail == 0

    def make_room(self) -> None:
        """Take the ballast out."""
        self._ballast.unlink()


@contextmanager
def small_disk(size_mb: int) -> Iterator[SmallDisk]:
    """Mounted where every account may enter; gone at the end."""
    with tempfile.TemporaryDirectory(prefix="wum-small-disk-", dir="/var/tmp") as name:
        os.chmod(name, 0o711)
        made = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=%dm,mode=711" % size_mb, "tmpfs", name],
            capture_output=True, text=True, check=False)
        if made.returncode:
            pytest.skip("a small filesystem cannot be mounted here: " + made.stderr.strip())
        try:
            yield SmallDisk(Path(name))
        finally:
            subprocess.run(["umount", "--lazy", name], check=True)
