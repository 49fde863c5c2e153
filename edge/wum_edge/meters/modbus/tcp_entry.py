"""What Modbus TCP has other than RTU: the unit may be 0..255, and there is no serial line.

Left out: all that is the same (entry.py). MODBUS Messaging on TCP/IP V1.0b, 4.4.2.1.
"""

from wum_edge.meters.modbus import entry
from wum_edge.meters.modbus.entry import acts, check_manner, check_source, check_together
from wum_edge.meters.turn import DELAY_US, Pace

TYPE_CHECKING = False        # True for type checkers only.
if TYPE_CHECKING:
    from wum_edge.document import Table
    from wum_edge.meters.catalog import Model

__all__ = ["acts", "check_access", "check_address", "check_manner", "check_source",
           "check_together"]


def check_address(table: "Table") -> int:
    """The unit; 255 or 0 where the meter has a connection of its own."""
    return table.number("address", 0, 255, 255)


def cost(model: "Model") -> tuple[int, int]:
    """(bytes both ways, turns) of reading all registers of a model once: each frame has a head of
    seven bytes and no CRC.
    """
    size, turns = entry.cost(model)
    return size + 8 * turns, turns


def pace(model: "Model", baud: int, bits_per_character: int) -> Pace:
    """No silence on a network, and none before it."""
    return Pace(0, DELAY_US)


def check_access(table: "Table") -> entry.Access:
    """The `access` of a meter."""
    return entry.check_access(table, "tcp")
