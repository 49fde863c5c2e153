"""The folder of updates of a board: boot records, slots with their folders, what is being fetched.

Names may have slashes; each is one of ours or of a table that was checked (wum_shared/bundle.py).
"""

import os

from wum_edge.ports.micropython.flash import BoardFlash, remove_unfinished

_FOLDER = 0x4000
_THERE = 17                  # errno EEXIST.
_UNFINISHED = ".new"


class SlotFlash(BoardFlash):
    """BoardFlash with folders: made as needed, and removed with the last that was in them."""

    def __init__(self, folder):
        super().__init__(folder)
        for name in self._below("", True):
            if name.endswith(_UNFINISHED):
                remove_unfinished(self._path(name))

    def names(self):
        """See Flash.names: relative to the folder."""
        return [name for name in self._below("", True) if not name.endswith(_UNFINISHED)]

    def replace(self, name, data):
        """See Flash.replace."""
        at = name.find("/")
        while at > 0:
            try:
                os.mkdir(self._path(name[:at]))
            except OSError as error:
                if error.args[0] != _THERE:
                    raise
            at = name.find("/", at + 1)
        super().replace(name, data)

    def remove(self, name):
        """See Flash.remove."""
        super().remove(name)
        at = name.rfind("/")
        while at > 0 and not self._below(name[:at + 1], False):
            name = name[:at]
            os.rmdir(self._path(name))
            at = name.rfind("/")

    def _below(self, prefix, is_deep):
        """Names of all files below; of folders as well where it does not look into them."""
        found = []
        for entry in os.ilistdir(self._path(prefix).rstrip("/")):
            if entry[1] == _FOLDER and is_deep:
                found += self._below(prefix + entry[0] + "/", True)
            else:
                found.append(prefix + entry[0])
        return found
