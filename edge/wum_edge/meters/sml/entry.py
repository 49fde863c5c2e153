"""What SML adds to a catalogue entry and to a meter of the configuration.

Left out: what all protocols have in common (meters/catalog.py). The form is
catalog/sml.schema.json.
"""

from collections import namedtuple

from wum_edge.meters.turn import Pace
from wum_shared.errors import Malformed
from wum_shared.obis import obis_from_text

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from wum_edge.document import Table
    from wum_edge.meters.catalog import Model, Register

BAUDS = (300, 1200, 2400, 4800, 9600, 19200, 115200)
REQUESTS = ("", "sml", "sign-on")
_TELEGRAM_BYTES = 400


class Source(namedtuple("Source", ("code",))):
    """The code under which the meter lists the register."""

    __slots__ = ()
    code: bytes


class Manner(namedtuple("Manner", (
        "baud", "period_ms", "request", "narrow_unsigned", "clock"))):
    """How the model talks: a file each `period_ms`, 8N1; or one within `period_ms` of a `request`,
    which is "sml" (a file of SML) or "sign-on" (that of IEC 62056-21), else empty.
    `narrow_unsigned`: its integers of less than four bytes have no sign, whatever it says
    (makers.py). `clock`: whether files say the time of day; most count seconds, which is none.
    """

    __slots__ = ()
    baud: int
    period_ms: int
    request: str
    narrow_unsigned: bool
    clock: bool


def check_source(table: "Table") -> Source:
    """The key of one register: `code` where the meter lists it under another one."""
    text = table.optional_text("code") or table.text("obis", "", 0)
    try:
        return Source(obis_from_text(text))
    except Malformed:
        if table.has("code"):
            table.complain("code", "an OBIS code A-B:C.D.E*F", text)
        return Source(bytes(6))


def check_manner(table: "Table") -> Manner:
    """The key of the model: telegram."""
    below = table.table("telegram")
    baud = below.choice("baud", BAUDS, 9600)
    assert type(baud) is int
    found = Manner(baud, below.number("period_ms", 100, 60000, 4000),
                   str(below.choice("request", REQUESTS, "")),
                   below.truth("narrow_unsigned", False), below.truth("clock", False))
    below.done()
    return found


def cost(model: "Model") -> tuple[int, int]:
    """(bytes, turns) of one telegram, whose size no catalogue knows."""
    return _TELEGRAM_BYTES, 1


def pace(model: "Model", baud: int, bits_per_character: int) -> Pace:
    """Nothing is said; the next telegram is a period away, or half of one on average."""
    return Pace(0, 1000 * model.manner.period_ms)


def keeps_time(model: "Model") -> bool:
    """Whether its files say the time of day."""
    return bool(model.manner.clock)


def check_together(register: "Register") -> tuple[str, str, str] | None:
    """Nothing: number, unit and scaler are the meter's own."""
    return None


def check_address(table: "Table") -> str:
    """Nobody is called: the server id in hexadecimal, where it is to be compared; or empty."""
    text = table.text("address", "", 0, 64).lower()
    if len(text) % 2 or not all(c in "0123456789abcdef" for c in text):
        table.complain("address", "the server id in hexadecimal digits, or an empty text",
                       "other characters")
        return ""
    return text


def check_access(table: "Table") -> None:
    """SML that is pushed has no passwords and no keys."""
