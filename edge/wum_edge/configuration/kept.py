"""The configuration in force, in two files that take turns.

Each is written whole beside the other, which stays what it was: whenever the power goes, one of
them is sound, and the one with the higher turn is in force. Layout: "WUMP", format (1 byte), turn
(8 bytes), the configuration as it was ordered, CRC-32. Portable.
"""

from binascii import crc32
from struct import pack, unpack, unpack_from

from wum_edge.archive.flash import Flash, read_whole
from wum_shared.configuration import Configuration, decode_configuration, encode_configuration
from wum_shared.errors import WireError
from wum_shared.orders import ARGUMENTS_MAX

NAMES = ("configuration-0", "configuration-1")
_MAGIC = b"WUMP"
_FORMAT = 0
_HEAD = "<4sBQ"
_HEAD_SIZE = 13
_FILE_MAX = _HEAD_SIZE + ARGUMENTS_MAX + 4


class Kept:
    """What is kept on `flash`. `current` is None before anything was ordered."""

    def __init__(self, flash: Flash) -> None:
        """Read both files. Raises OSError."""
        self._flash = flash
        found = [_read(flash, name) for name in NAMES]
        turns = [one[0] if one is not None else -1 for one in found]
        self._last = 0 if turns[0] >= turns[1] else 1        # The file that is in force.
        self._turn = max(turns[self._last], 0)
        newest, older = found[self._last], found[1 - self._last]
        self.current = newest[1] if newest is not None else None
        self.before = older[1] if older is not None else None

    def keep(self, configuration: Configuration) -> None:
        """Put it in force, durably on return; what was in force stays in the other file.

        Raises OSError: then what was in force still is.
        """
        raw = pack(_HEAD, _MAGIC, _FORMAT, self._turn + 1) + encode_configuration(configuration)
        self._flash.replace(NAMES[1 - self._last], raw + pack("<I", crc32(raw)))
        self._last = 1 - self._last
        self._turn += 1
        self.current, self.before = configuration, self.current

    def go_back(self) -> bool:
        """Forget what is in force; the one before is, or none. False where nothing was.

        Raises OSError.
        """
        if self.current is None:
            return False
        self._flash.remove(NAMES[self._last])
        self._last = 1 - self._last
        self.current, self.before = self.before, None
        return True


def _read(flash: Flash, name: str) -> tuple[int, Configuration] | None:
    """(turn, configuration) of a file; None for one that is missing or damaged."""
    data = read_whole(flash, name, _FILE_MAX)
    if data is None or len(data) < _HEAD_SIZE + 4:
        return None
    if unpack("<I", data[-4:])[0] != crc32(data[:-4]):
        return None
    magic, version, turn = unpack_from(_HEAD, data, 0)
    if magic != _MAGIC or version != _FORMAT:
        return None
    try:
        return turn, decode_configuration(data[_HEAD_SIZE:-4])
    except WireError:
        return None              # Of another version of the contract.
