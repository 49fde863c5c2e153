"""A ciphered telegram: general-glo-ciphering of DLMS around one in plain text.

Left out: the telegram itself (telegram.py) and the security of DLMS (dlms/ciphering.py). DB, the
system title, a length, security control and counter, ciphertext, a tag of 12 bytes. Luxembourg's
P1 port specification (Smarty); Green Book 9.2.7.
"""

from wum_edge.errors import BadCheck
from wum_edge.meters.dlms.ciphering import ENCRYPTED, Keys, decode_ciphered, unseal
from wum_edge.meters.dlms.supply import installed
from wum_edge.meters.p1.telegram import TELEGRAM_MAX, TelegramHearing
from wum_edge.meters.turn import Hearing

TITLE_BYTES = 8
# Luxembourg's authentication key is the same for all, and in its specification.
PUBLISHED = bytes([17 * digit for digit in range(16)])
_BEGIN = b"\xdb\x08"
_LEAST = 5 + 12              # Security control, counter and tag.


def find_ciphered(data: bytes | bytearray) -> tuple[int, int]:
    """Start and end of the first ciphered telegram in `data`; an end of 0 for none yet."""
    whole = bytes(data)
    start = whole.find(_BEGIN)
    while start >= 0:
        end = _end_of(whole, start)
        if end:
            return (start, end) if end <= len(whole) else (0, 0)
        start = whole.find(_BEGIN, start + 1)
    return 0, 0


def _end_of(whole: bytes, start: int) -> int:
    """Where the one ends that begins at `start`, come or not; 0 where none can begin."""
    at = start + len(_BEGIN) + TITLE_BYTES
    if at >= len(whole):
        return len(whole) + 1
    more = whole[at] - 0x80 if whole[at] >= 0x80 else 0
    if more > 2 or whole[at] == 0x80:
        return 0
    if at + 1 + more >= len(whole):
        return len(whole) + 1
    size = int.from_bytes(whole[at + 1:at + 1 + more], "big") if more else whole[at]
    control = whole[at + 1 + more]
    if not _LEAST <= size <= TELEGRAM_MAX or control & 0x0F or not control & ENCRYPTED:
        return 0
    return at + 1 + more + size


def context_name(serial: str) -> str:
    """The security context of one meter, for what was heard of its counter."""
    return serial + "/p1"


def open_ciphered(data: bytes, keys: Keys) -> tuple[int, bytes, bytes]:
    """Counter, plain text and system title. Raises NotGenuine, NotSpoken, BadCheck; MeterError
    without a cipher.
    """
    found = decode_ciphered(data)
    plain = unseal(installed().cipher, keys.encryption, keys.authentication, found.system_title,
                   found.content)
    if plain[:1] != b"/":
        raise BadCheck("telegram: opened with this key it is none: is the key right?")
    return int.from_bytes(found.content[1:5], "big"), plain, found.system_title


class AnyHearing(Hearing):
    """Hears until a whole telegram stands in what came, ciphered or not."""

    def __init__(self) -> None:
        self._plain = TelegramHearing()

    def __call__(self, heard: bytes | bytearray) -> bool:
        return find_ciphered(heard)[1] > 0 or self._plain(heard)
