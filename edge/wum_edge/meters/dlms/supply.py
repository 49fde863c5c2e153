"""What a port supplies to DLMS once, at start: the cipher, the invocation counters, chance.

Left out: how (ports/). One for the process: keys and counters are of meters, not of lines, and a
reader that is made for its first visit must find them.
"""

from wum_edge.errors import MeterError
from wum_edge.meters.dlms.ciphering import AesGcm, Counters

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from collections.abc import Callable


class Supply:
    """`chance(count)` gives that many bytes that nobody can foresee."""

    def __init__(self, cipher: AesGcm, counters: Counters,
                 chance: "Callable[[int], bytes]") -> None:
        self.cipher = cipher
        self.counters = counters
        self.chance = chance


_installed: list[Supply] = []


def install(supply: Supply) -> None:
    """From now on; meters without ciphering never need it."""
    _installed[:] = [supply]


def installed() -> Supply:
    """What was installed. Raises MeterError when nothing was."""
    if not _installed:
        raise MeterError("DLMS security: this port supplies no cipher and no counters")
    return _installed[0]
