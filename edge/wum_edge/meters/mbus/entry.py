"""What M-Bus adds to a catalogue entry and to a meter of the configuration.

Left out: what all protocols have in common (meters/catalog.py). The form is
catalog/mbus.schema.json; this file also checks what a schema cannot say. EN 13757-3; EN 13757-7.
"""

from collections import namedtuple

from wum_edge.document import secret_hex, shown
from wum_edge.meters.mbus.frame import ACK, EVERYBODY, PRIMARY_MAX
from wum_edge.meters.mbus.identity import identity_from_text
from wum_edge.meters.mbus.record import FUNCTIONS, INSTANT
from wum_edge.meters.mbus.talk import TELEGRAMS_MAX
from wum_edge.meters.mbus.vif import MANUFACTURER
from wum_edge.meters.mbus.vif_tables import FB, FC, FD, FDFD, FIRST, ORTHOGONAL
from wum_edge.meters.turn import Pace

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from wum_edge.document import Table
    from wum_edge.meters.catalog import Model, Register

STORAGE_MAX = (1 << 41) - 1  # One bit of the DIF and four of each of ten DIFEs.
TARIFF_MAX = (1 << 20) - 1
SUBUNIT_MAX = (1 << 10) - 1
NTH_MAX = 255
RESPONSE_BITS, RESPONSE_US = 330, 50000    # By when an answer has begun.
_TELEGRAMS = 16              # Where the entry does not say: until no more follow.
HEAD_BYTES = 6               # 68 L L 68 C A.
_FRAME_BYTES, _REQUEST_BYTES, _SELECTION_BYTES = 261, 5, 17
_OFFSET_MAX_MIN = 14 * 60


class Source(namedtuple("Source", (
        "quantity", "function", "storage", "tariff", "subunit", "modifiers", "nth"))):
    """Which record a register is: the `nth` (from 0) whose quantity (words of vif_tables.py),
    function, numbers and modifiers (in their order) are these.
    """

    __slots__ = ()
    quantity: str
    function: str
    storage: int
    tariff: int
    subunit: int
    modifiers: tuple[str, ...]
    nth: int


class Manner(namedtuple("Manner", (
        "reset", "telegrams", "answer_bytes", "offset_min", "alarms"))):
    """How the model wants to be asked: whether the link is reset (SND_NKE) before each readout,
    and after how many telegrams it ends; `answer_bytes` are those of a readout's telegrams
    together, as far as they are asked for. `offset_min` is by how much its clock is ahead of UTC
    outside of summer time, or None where nobody knows. `alarms`: it answers a request for class 1
    data with its alarm byte, and is asked for it after each readout.
    """

    __slots__ = ()
    reset: bool
    telegrams: int
    answer_bytes: int
    offset_min: int | None
    alarms: bool


class Access(namedtuple("Access", ("key",))):
    """The key of a meter that encrypts its records, in mode 5; empty where it does not."""

    __slots__ = ()
    key: bytes


def quantities() -> tuple[str, ...]:
    """The words that name a quantity, sorted."""
    return tuple(sorted({entry[2] for table in (FIRST, FB, FD, FDFD) for entry in table}))


def check_source(table: "Table") -> Source:
    """The M-Bus keys of one register."""
    return Source(
        str(table.choice("quantity", quantities())),
        str(table.choice("function", FUNCTIONS, INSTANT)),
        table.number("storage", 0, STORAGE_MAX, 0), table.number("tariff", 0, TARIFF_MAX, 0),
        table.number("subunit", 0, SUBUNIT_MAX, 0), _modifiers(table),
        table.number("nth", 0, NTH_MAX, 0))


def _modifiers(table: "Table") -> tuple[str, ...]:
    text = table.optional_text("modifiers")
    if not text:
        return ()
    found = tuple([part.strip() for part in text.split(",")])
    known = sorted(set(ORTHOGONAL.values()) | set(FC.values()) | {MANUFACTURER})
    own = False
    for part in found:
        own_code = own and len(part) == 2 and all(c in "0123456789abcdef" for c in part)
        own = own or part == MANUFACTURER
        if part not in known and not own_code:
            table.complain("modifiers", "words of the tables, with commas between: "
                           + ", ".join(known) + " and its two hexadecimal digits each",
                           shown(part))
    return found


def check_manner(table: "Table") -> Manner:
    """The M-Bus keys of the model."""
    offset = (table.number("clock_offset_min", -_OFFSET_MAX_MIN, _OFFSET_MAX_MIN)
              if table.has("clock_offset_min") else None)
    return Manner(table.truth("reset", True),
                  table.number("telegrams", 1, TELEGRAMS_MAX, _TELEGRAMS),
                  table.number("answer_bytes", 12, _FRAME_BYTES * TELEGRAMS_MAX, _FRAME_BYTES),
                  offset, table.truth("alarms", False))


def cost(model: "Model") -> tuple[int, int]:
    """(bytes both ways, turns) of reading all registers of a model once: a reset or a selection,
    and a request for each telegram.
    """
    telegrams = -(-model.manner.answer_bytes // _FRAME_BYTES)
    begin = len(ACK) + _SELECTION_BYTES
    alarm = 1 if model.manner.alarms else 0
    size = begin + (telegrams + alarm) * _REQUEST_BYTES + alarm * len(ACK)
    return size + model.manner.answer_bytes, 1 + telegrams + alarm


def pace(model: "Model", baud: int, bits_per_character: int) -> Pace:
    """The line is idle for 33 bits before a request; an answer begins within 330 bits and 50 ms
    (EN 13757-2:2018, 5.5.3).
    """
    return Pace(33 * 1000000 // baud, RESPONSE_BITS * 1000000 // baud + RESPONSE_US)


def keeps_time(model: "Model") -> bool:
    """Whether its clock means something: where its zone is known."""
    return model.manner.offset_min is not None


def check_together(register: "Register") -> tuple[str, str, str] | None:
    """What only shows beside the fields of all protocols: nothing here."""
    return None


def check_address(table: "Table") -> int | str:
    """A primary address, or a secondary one: 16 hexadecimal digits (number, maker, version,
    medium), F as a wildcard.
    """
    value = table.given("address")
    if type(value) is int and (0 <= value <= PRIMARY_MAX or value == EVERYBODY):
        return value
    if type(value) is str and identity_from_text(value) is not None:
        return value.upper()
    if value is not None:
        table.complain("address", "0..%d, or 16 hexadecimal digits of a secondary address"
                       % PRIMARY_MAX, shown(value))
    return 0


def check_access(table: "Table") -> Access:
    """The `access` of a meter: key, 32 hexadecimal digits."""
    return Access(secret_hex(table, "key", 16))
