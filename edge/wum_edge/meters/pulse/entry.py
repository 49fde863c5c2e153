"""What pulse meters add to a catalogue entry and to a meter of the configuration.

Left out: what all protocols have in common (meters/catalog.py). The form is
catalog/pulse.schema.json; this file also checks what a schema cannot say.
"""

from collections import namedtuple

from wum_edge.document import shown
from wum_edge.meters.pulse.calendar import Calendar
from wum_edge.meters.pulse.calendar_form import check_calendar
from wum_edge.meters.pulse.codes import COVER_OPEN, MAGNET_ON
from wum_edge.meters.pulse.journal import RATES_MAX
from wum_edge.meters.scaling import Scale, scale_from_text
from wum_edge.meters.turn import Pace
from wum_shared.columns import VALUE_MAX
from wum_shared.errors import Malformed
from wum_shared.units import UNITS, unit_from_text

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from wum_edge import config
    from wum_edge.document import Table
    from wum_edge.meters.catalog import Model, Register

INPUTS_MAX = 255
BIASES = ("pull-up", "pull-down", "disabled", "as-is")  # Of an input's resistor.
CONTACTS = (("magnet", MAGNET_ON), ("cover", COVER_OPEN))
PULSES_MAX = 1000000         # For one amount; 3200 for one kWh is usual.
_DEBOUNCE_MS = 30            # IEC 62053-31: a pulse and a pause last 30 ms at least.
_SAVE_S = 300


class Weight(namedtuple("Weight", ("pulses", "amount", "unit"))):
    """So many pulses are `amount` of `unit` (code), exactly."""

    __slots__ = ()
    pulses: int
    amount: Scale
    unit: int


class Source(namedtuple("Source", ("rate",))):
    """0 for all pulses, else those of one rate of the calendar."""

    __slots__ = ()
    rate: int


class Manner(namedtuple("Manner", ("weight", "debounce_ms", "most_per_hour", "save_s"))):
    """What a pulse is worth, how long one lasts at least, how many there can be, and how often
    the counter is written at most.
    """

    __slots__ = ()
    weight: Weight
    debounce_ms: int
    most_per_hour: int
    save_s: int


class Wiring(namedtuple("Wiring", ("number", "active_low", "bias"))):
    """One input: its number, whether a low level is the closed contact, and its resistor."""

    __slots__ = ()
    number: int
    active_low: bool
    bias: str


class Access(namedtuple("Access", (
        "start", "calendar", "pulses", "amount", "debounce_ms", "most_per_hour", "active_low",
        "bias", "contacts"))):
    """`start` is the meter's index when its input began to count from 0, in its first register's
    unit and scaler; `calendar` is None where there is one rate. 0 and None from `pulses` to
    `most_per_hour` leave what the model says. `contacts` are (code of the event, Wiring).
    """

    __slots__ = ()
    start: int
    calendar: Calendar | None
    pulses: int
    amount: Scale | None
    debounce_ms: int | None
    most_per_hour: int
    active_low: bool
    bias: str
    contacts: tuple[tuple[int, Wiring], ...]


def check_source(table: "Table") -> Source:
    """The pulse keys of one register."""
    return Source(table.number("rate", 0, RATES_MAX, 0))


def check_manner(table: "Table") -> Manner:
    """The pulse keys of the model."""
    debounce_ms = table.number("debounce_ms", 0, 10000, _DEBOUNCE_MS)
    return Manner(
        Weight(table.number("pulses", 1, PULSES_MAX), _amount(table), _unit(table)), debounce_ms,
        table.number("most_per_hour", 1, 3600000, _fastest(debounce_ms)),
        table.number("save_s", 10, 3600, _SAVE_S))


def _fastest(debounce_ms: int) -> int:
    """Pulses in an hour that the debounce lets through, on and off in turn."""
    return 3600000 // max(1, 2 * debounce_ms)


def _amount(table: "Table") -> Scale:
    text = table.text("amount")
    found = _scale(text)
    if text and found is None:
        table.complain("amount", "a decimal text like 1000 or 0.01, above zero", shown(text))
    return found or Scale(1, 0)


def _scale(text: str) -> Scale | None:
    """The number in `text`; None where it is no number above zero."""
    try:
        found = scale_from_text(text)
    except Malformed:
        return None
    return found if found.factor > 0 else None


def _unit(table: "Table") -> int:
    text = table.text("amount_unit")
    if text:
        try:
            return unit_from_text(text)
        except Malformed:
            table.complain("amount_unit", "a unit such as %s" % ", ".join(
                [UNITS[code] for code in (30, 32, 13)]), shown(text))
    return 30


def check_together(register: "Register") -> tuple[str, str, str] | None:
    """What only shows beside the fields of all protocols: nothing here."""
    return None


def cost(model: "Model") -> tuple[int, int]:
    """(bytes, turns): there is no wire."""
    return 0, 1


def pace(model: "Model", baud: int, bits_per_character: int) -> Pace:
    """There is no wire."""
    return Pace(0, 0)


def check_address(table: "Table") -> int:
    """The number of the input."""
    return table.number("address", 0, INPUTS_MAX)


def check_access(table: "Table") -> Access:
    """The `access` of a meter: its index at the start, its calendar, its own weight, its wiring."""
    low, bias = _wiring(table)
    return Access(
        table.number("start", 0, VALUE_MAX, 0),
        check_calendar(table.table("calendar")) if table.has("calendar") else None,
        table.number("pulses", 0, PULSES_MAX, 0),
        _own_amount(table),
        table.number("debounce_ms", 0, 10000) if table.has("debounce_ms") else None,
        table.number("most_per_hour", 0, 3600000, 0), low, bias,
        tuple([_contact(table.table(key), code) for key, code in CONTACTS if table.has(key)]))


def _own_amount(table: "Table") -> Scale | None:
    if table.has("amount"):
        return _amount(table)
    table.given("amount")                # So that the key is known to who mistypes it.
    return None


def _contact(table: "Table", code: int) -> tuple[int, Wiring]:
    number = table.number("input", 0, INPUTS_MAX)
    low, bias = _wiring(table)
    table.done()
    return code, Wiring(number, low, bias)


def _wiring(table: "Table") -> tuple[bool, str]:
    # S0 is an open collector to ground: it needs a resistor upward, and low is closed.
    return table.truth("active_low", True), str(table.choice("bias", BIASES, BIASES[0]))


def inputs_of(meter: "config.Meter") -> list[tuple[str, int]]:
    """The inputs that a meter takes, each with the key that names it."""
    found = [("address", int(meter.address))]
    for code, wiring in meter.access.contacts if meter.access is not None else ():
        name = [key for key, own in CONTACTS if own == code][0]
        found.append(("access.%s.input" % name, wiring.number))
    return found


def weight_of(manner: Manner, access: Access | None) -> Weight:
    """What this meter's pulses are worth: what is printed on it goes before its model."""
    if access is None:
        return manner.weight
    return Weight(access.pulses or manner.weight.pulses, access.amount or manner.weight.amount,
                  manner.weight.unit)


def counting_of(manner: Manner, access: Access | None) -> tuple[int, int]:
    """(debounce in ms, most pulses in an hour) of this meter. One with a weight of its own gives
    as many as its debounce lets through, where nothing says how many: the model's are others.
    """
    if access is None:
        return manner.debounce_ms, manner.most_per_hour
    debounce_ms = manner.debounce_ms if access.debounce_ms is None else access.debounce_ms
    most = manner.most_per_hour
    if access.pulses or access.amount is not None or access.debounce_ms is not None:
        most = _fastest(debounce_ms)
    return debounce_ms, access.most_per_hour or most
