"""What Modbus adds to a catalogue entry and to a meter of the configuration.

Left out: what all protocols have in common (meters/catalog.py). The form is
catalog/modbus.schema.json; this file also checks what a schema cannot say.
MODBUS over Serial Line V1.02, 2.2.
"""

from collections import namedtuple

from wum_edge.document import shown
from wum_edge.meters.modbus.acts import Acts, check_acts
from wum_edge.meters.orders import READ_NOW, TRANSPARENT
from wum_edge.meters.scaling import TYPES, WORD_ORDERS, Scale, scale_from_text
from wum_edge.meters.turn import DELAY_US, Pace, silence_us
from wum_shared.errors import Malformed

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from wum_edge.document import Table
    from wum_edge.meters.catalog import Model, Register

HEAD_BYTES = 3               # Unit, function, byte count.
ADDRESS_MAX = 247            # Serial Line V1.02, 2.2: 0 is broadcast, 248..255 reserved.
FRAMINGS = ("rtu", "tcp")
SILENCE_MS_MAX = 1000        # More would be a meter that cannot be read beside others.
DELAY_MS_MAX = 10000         # A timeout is no longer than that.
COUNT_MAX = 125              # V1.1b3, 6.3 and 6.4: 250 bytes of values in an answer.
GAP = 17                     # Words that are cheaper to read than to skip, at 9600 baud and 20 ms.


class Limits(namedtuple("Limits", ("registers_per_request", "gap"))):
    """Most registers in one request, and most unwanted words that a request may bridge."""

    __slots__ = ()
    registers_per_request: int
    gap: int


class Source(namedtuple("Source", (
        "function", "address", "count", "type", "word_order", "scale", "absent"))):
    """Where one register is: raw x `scale` is in the register's unit.

    `address` is the one on the wire, from 0. `absent` is the raw number by which this model says
    that it has no value, or None.
    """

    __slots__ = ()
    function: int
    address: int
    count: int
    type: str
    word_order: str
    scale: Scale
    absent: int | None


class Timing(namedtuple("Timing", ("silence_ms", "delay_ms"))):
    """What a model needs beyond the standard: silence before a request, where 3.5 characters are
    not enough for it (0 where they are), and what it usually takes before it answers.
    """

    __slots__ = ()
    silence_ms: int
    delay_ms: int


class Manner(namedtuple("Manner", ("limits", "timing", "acts"))):
    """How the model wants to be asked, and what it can be told to do."""

    __slots__ = ()
    limits: Limits
    timing: Timing
    acts: Acts


class Access(namedtuple("Access", ("framing",))):
    """How a meter is reached: `framing` is "rtu", also through a converter that passes every byte
    on; or "tcp" for a gateway that speaks Modbus TCP with us. There are no passwords.
    """

    __slots__ = ()
    framing: str


def check_source(table: "Table") -> Source:
    """The Modbus keys of one register."""
    type_name = str(table.choice("type", tuple(sorted(TYPES))))
    words = TYPES[type_name][0]
    return Source(
        _function(table), table.number("address", 0, 65536 - words),
        table.number("count", words, words), type_name,
        str(table.choice("word_order", WORD_ORDERS, "big")), _scale(table), _absent(table, words))


def check_manner(table: "Table") -> Manner:
    """The Modbus keys of the model."""
    limits = table.table("limits")
    found = Limits(limits.number("registers_per_request", 1, COUNT_MAX, COUNT_MAX),
                   limits.number("gap", 0, COUNT_MAX, GAP))
    limits.done()
    timing = table.table("timing")
    pauses = Timing(timing.number("silence_ms", 0, SILENCE_MS_MAX, 0),
                    timing.number("delay_ms", 1, DELAY_MS_MAX, DELAY_US // 1000))
    timing.done()
    return Manner(found, pauses, check_acts(table))


def acts(model: "Model") -> tuple[str, ...]:
    """What a line may be ordered to do with such a meter."""
    return (READ_NOW, TRANSPARENT) + tuple(model.manner.acts.names())


def check_together(register: "Register") -> tuple[str, str, str] | None:
    """What only shows beside the fields of all protocols: (key, wanted, got), or None."""
    exact = TYPES[register.source.type][1] == "float" or (
        register.scaler <= register.source.scale.power)
    if exact:
        return None
    return ("scaler", "at most %d, or digits are lost" % register.source.scale.power,
            shown(register.scaler))


def cost(model: "Model") -> tuple[int, int]:
    """(bytes both ways, turns) of reading all registers of a model once."""
    from wum_edge.meters.modbus import ranges  # Late: it needs our Limits.
    found = ranges.plan(model.registers, model.manner.limits)
    fixed = ranges.REQUEST_BYTES + ranges.ANSWER_BYTES
    return (sum([fixed + 2 * one.count for one in found]), len(found))


def pace(model: "Model", baud: int, bits_per_character: int) -> Pace:
    """3.5 characters of silence, or what the model wants; and how fast it answers."""
    timing = model.manner.timing
    return Pace(max(silence_us(baud, bits_per_character), 1000 * timing.silence_ms),
                1000 * timing.delay_ms)


def check_address(table: "Table") -> int:
    """The unit of a meter on its line."""
    return table.number("address", 1, ADDRESS_MAX)


def check_access(table: "Table", framing: str = "rtu") -> Access:
    """The `access` of a meter."""
    return Access(str(table.choice("framing", FRAMINGS, framing)))


def _function(table: "Table") -> int:
    function = table.choice("function", (3, 4))
    assert type(function) is int
    return function


def _scale(table: "Table") -> Scale:
    text = table.text("scale")
    if text:
        try:
            return scale_from_text(text)
        except Malformed:
            table.complain("scale", "a decimal text like 0.1 or 1000, not zero", shown(text))
    return Scale(1, 9)           # Its digits are never lost: one mistake is told, not two.


def _absent(table: "Table", words: int) -> int | None:
    text = table.optional_text("absent")
    if not text:
        return None
    if len(text) == 4 * words and all(c in "0123456789abcdef" for c in text):
        return int(text, 16)
    table.complain("absent", "%d lower-case hexadecimal digits" % (4 * words), shown(text))
    return None
