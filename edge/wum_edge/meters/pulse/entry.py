"""What pulse meters add to a catalogue entry and to a meter of the configuration.

Left out: what all protocols have in common (meters/catalog.py). The form is
catalog/pulse.schema.json; this file also checks what a schema cannot say.
"""

from collections import namedtuple

from wum_edge.document import shown
from wum_edge.meters.pulse.calendar import Calendar
from wum_edge.meters.pulse.calendar_form import check_calendar
from wum_edge.meters.pulse.journal import RATES_MAX
from wum_edge.meters.scaling import Scale, scale_from_text
from wum_edge.meters.turn import Pace
from wum_shared.columns import VALUE_MAX
from wum_shared.errors import Malformed
from wum_shared.units import UNITS, unit_from_text

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from wum_edge.document import Table
    from wum_edge.meters.catalog import Model, Register

INPUTS_MAX = 255
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


class Access(namedtuple("Access", ("start", "calendar"))):
    """`start` is the meter's index when its input began to count from 0, in its first register's
    unit and scaler; `calendar` is None where there is one rate.
    """

    __slots__ = ()
    start: int
    calendar: Calendar | None


def check_source(table: "Table") -> Source:
    """The pulse keys of one register."""
    return Source(table.number("rate", 0, RATES_MAX, 0))


def check_manner(table: "Table") -> Manner:
    """The pulse keys of the model."""
    debounce_ms = table.number("debounce_ms", 0, 10000, _DEBOUNCE_MS)
    fastest = 3600000 // max(1, 2 * debounce_ms)
    return Manner(
        Weight(table.number("pulses", 1, PULSES_MAX), _amount(table), _unit(table)), debounce_ms,
        table.number("most_per_hour", 1, 3600000, fastest),
        table.number("save_s", 10, 3600, _SAVE_S))


def _amount(table: "Table") -> Scale:
    text = table.text("amount")
    if text:
        try:
            found = scale_from_text(text)
            if found.factor > 0:
                return found
        except Malformed:
            pass                         # Complained of below, as for a negative one.
        table.complain("amount", "a decimal text like 1000 or 0.01, above zero", shown(text))
    return Scale(1, 0)


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
    """The `access` of a meter: its index at the start, and its calendar."""
    return Access(table.number("start", 0, VALUE_MAX, 0),
                  check_calendar(table.table("calendar")) if table.has("calendar") else None)
