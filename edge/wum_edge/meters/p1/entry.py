"""What a pushed telegram adds to a catalogue entry and to a meter of the configuration.

Left out: what all protocols have in common (meters/catalog.py); what a register says of its
address is that of IEC 62056-21. The form is catalog/p1.schema.json.
"""

from collections import namedtuple

from wum_edge.document import secret_hex, shown
from wum_edge.meters.iec62056_21 import entry as iec62056_21_entry
from wum_edge.meters.turn import Pace

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from wum_edge.document import Table
    from wum_edge.meters.catalog import Model, Register
    from wum_edge.meters.dlms.ciphering import Keys
    from wum_edge.meters.iec62056_21.entry import Source

BAUDS = (300, 600, 1200, 2400, 4800, 9600, 19200, 115200)
_TELEGRAM_BYTES = 1000
CENTRAL_EUROPE_MIN = 60      # All countries with a P1 port have that normal time.


class Manner(namedtuple("Manner", (
        "baud", "characters", "period_ms", "makers", "identity", "clock"))):
    """How the model talks: a telegram each `period_ms` at `baud`, as "8N1" or "7E1". `makers`
    are marks that its telegrams may begin with, none for any; `identity` as in IEC 62056-21;
    `clock`: whether they say the time.
    """

    __slots__ = ()
    baud: int
    characters: str
    period_ms: int
    makers: tuple[str, ...]
    identity: str
    clock: bool


class Access(namedtuple("Access", ("utc_offset_min", "keys"))):
    """Minutes that the meter's normal time is east of UTC; what its telegrams are ciphered with,
    None where they come in plain.
    """

    __slots__ = ()
    utc_offset_min: int
    keys: "Keys | None"


def check_source(table: "Table") -> "Source":
    """The keys of one register: address, value, unit_unsaid."""
    return iec62056_21_entry.check_source(table)


def check_manner(table: "Table") -> Manner:
    """The key of the model: telegram."""
    below = table.table("telegram")
    baud = below.choice("baud", BAUDS, 115200)
    assert type(baud) is int
    makers = tuple(below.optional_text("makers", 64).split())
    if any(len(maker) != 3 or maker.upper() != maker for maker in makers):
        below.complain("makers", "marks of three capital letters with blanks between",
                       shown(" ".join(makers)))
    found = Manner(baud, str(below.choice("characters", ("8N1", "7E1"), "8N1")),
                   below.number("period_ms", 100, 60000, 10000), makers,
                   below.optional_text("identity", 32), below.truth("clock", True))
    below.done()
    return found


def cost(model: "Model") -> tuple[int, int]:
    """(bytes, turns) of one telegram, whose size no catalogue knows."""
    return _TELEGRAM_BYTES, 1


def pace(model: "Model", baud: int, bits_per_character: int) -> Pace:
    """Nothing is said; the next telegram is a period away, or half of one on average."""
    return Pace(0, 1000 * model.manner.period_ms)


def keeps_time(model: "Model") -> bool:
    """Whether its telegrams say the time."""
    return bool(model.manner.clock)


def check_together(register: "Register") -> tuple[str, str, str] | None:
    """What only shows beside the fields of all protocols: (key, wanted, got), or None."""
    return iec62056_21_entry.check_together(register)


def check_address(table: "Table") -> str:
    """Nobody is called: the meter's own number, where it is to be compared; empty for any."""
    given = table.given("address")
    if type(given) is int and given >= 0:
        return "%d" % given
    return table.text("address", "", 0, 64)


def check_access(table: "Table") -> Access:
    """utc_offset_min: that of Central Europe unless said otherwise; encryption_key, and with it
    authentication_key: that of Luxembourg unless said otherwise.
    """
    keys = None
    offset_min = table.number("utc_offset_min", -720, 840, CENTRAL_EUROPE_MIN)
    encryption = secret_hex(table, "encryption_key", 16)
    authentication = secret_hex(table, "authentication_key", 16)
    if encryption:
        from wum_edge.meters.dlms.ciphering import Keys  # Late: most telegrams come in plain.
        from wum_edge.meters.p1.ciphered import PUBLISHED  # Late: the same.
        keys = Keys(encryption, authentication or PUBLISHED)
    return Access(offset_min, keys)
