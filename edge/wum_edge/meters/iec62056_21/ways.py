"""Where a model keeps what is no register, and in which form it writes it: load profile, event log,
clock, switch.

Left out: the rest of an entry (entry.py) and how each form is read (history.py, timing.py).
"""

from collections import namedtuple

from wum_edge.document import shown
from wum_edge.meters.iec62056_21.short_form import obis_of
from wum_shared.errors import Malformed
from wum_shared.units import NO_UNIT, unit_from_text

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from wum_edge.document import Table

COLUMNS_MAX = 32
LISTS_MAX = 16
CODES_MAX = 128
READ_COMMANDS = ("R1", "R2", "R5", "R6")
WRITE_COMMANDS = ("W1", "W2", "W5", "E2")
# Load profiles: P.01 with a header before each run of rows (IEC 62056-61); rows that begin with
# their own time, `(yy-mm-dd,hh:mm)(a,b,c)`; the values of a whole day one after the other.
HEADED, DATED, DAYS = "headed", "dated", "days"
# Event logs: lists of (begin;end), `address*1` the latest; lists of (number,dd.mm.yy,hh:mm:ss,
# code), the latest first.
SPANS, NUMBERED = "spans", "numbered"
# Clocks: digits, perhaps behind that of the season; yy-mm-dd and hh:mm:ss; w.dd.mm.yy and hh:mm:ss.
DIGITS, DASHED, DOTTED = "digits", "dashed", "dotted"


class Column(namedtuple("Column", ("obis", "unit", "scaler", "place", "unsaid", "address"))):
    """One column of the load profile, kept as an integer of 10^`scaler` in `unit`. Where rows have
    no header, `place` counts the values of a row from 0, `unsaid` is the unit of a number without
    one (code and power of ten), and `address` that of a day's values.
    """

    __slots__ = ()
    obis: bytes
    unit: int
    scaler: int
    place: int
    unsaid: tuple[int, int] | None
    address: str


class Profile(namedtuple("Profile", (
        "form", "address", "command", "digits", "period_s", "nothing", "parts", "setup_at",
        "setup", "columns"))):
    """How the load profile is asked for: `digits` is the length of the times in the range of a
    headed one. `period_s` is what its rows cover, 0 where it is set at the meter. `nothing` is the
    error message by which it says that it has none in that range. `parts`: of a day it gives so
    many values from one on. Where `setup_at` is an address, `setup` must stand there: how such a
    profile is set up.
    """

    __slots__ = ()
    form: str
    address: str
    command: str
    digits: int
    period_s: int
    nothing: str
    parts: bool
    setup_at: str
    setup: str
    columns: tuple[Column, ...]


class EventList(namedtuple("EventList", ("address", "entries", "note", "codes"))):
    """One list of an event log: `entries` of them at most, called by `note`; `codes` are words for
    the numbers that may stand in it.
    """

    __slots__ = ()
    address: str
    entries: int
    note: str
    codes: dict[int, str]


class Events(namedtuple("Events", (
        "form", "address", "command", "digits", "nothing", "code", "codes", "lists"))):
    """How the event log is asked for; as a profile. `code` is the column of a headed log in which
    the event's number stands, empty where that is its status word; `codes` are words for numbers.
    """

    __slots__ = ()
    form: str
    address: str
    command: str
    digits: int
    nothing: str
    code: str
    codes: dict[int, str]
    lists: tuple[EventList, ...]


class ClockWay(namedtuple("ClockWay", (
        "form", "date", "time", "write", "digits", "weekday", "correct", "most_s", "rest_s"))):
    """Addresses of date and time; an empty `date` says that `time` holds both, written in so many
    `digits`. `write` is the command that sets it, empty where the model lets nobody; `weekday` is
    set along with the date, 1 for Monday.

    Where `correct` is an address the clock is not set: so many seconds are written there, at most
    `most_s`, and nothing again before `rest_s` have passed.
    """

    __slots__ = ()
    form: str
    date: str
    time: str
    write: str
    digits: int
    weekday: str
    correct: str
    most_s: int
    rest_s: int

    def addresses(self) -> list[str]:
        """What is asked for, in the order in which it makes a moment."""
        return [address for address in (self.date, self.time) if address]


class Switch(namedtuple("Switch", ("command", "address", "open", "closed", "state", "is_open",
                                   "is_closed"))):
    """What is written to disconnect and connect, and what the state then reads."""

    __slots__ = ()
    command: str
    address: str
    open: str
    closed: str
    state: str
    is_open: str
    is_closed: str


def check_profile(table: "Table") -> Profile | None:
    """The keys under `profile`; None for a model that keeps none."""
    if not table.has("profile"):
        table.table("profile")
        return None
    below = table.table("profile")
    form = str(below.choice("form", (HEADED, DATED, DAYS), HEADED))
    found = Profile(
        form, below.text("address", "P.01", 1, 32),
        str(below.choice("command", READ_COMMANDS, "R5")), _digits(below, 11),
        60 * below.number("period_min", 0, 1440, 0), below.optional_text("nothing", 32),
        below.truth("parts", False), below.optional_text("setup_at", 32),
        below.optional_text("setup", 64),
        tuple([_column(one, form) for one in below.tables("columns", 1, COLUMNS_MAX)]))
    if form == DAYS and (not found.period_s or 86400 % found.period_s):
        below.complain("period_min", "the minutes of one value, of which a day has a whole number",
                       "none of them")
    below.done()
    return found


def check_events(table: "Table") -> Events | None:
    """The keys under `events`; None for a model that keeps no log."""
    if not table.has("events"):
        table.table("events")
        return None
    below = table.table("events")
    form = str(below.choice("form", (HEADED, SPANS, NUMBERED), HEADED))
    found = Events(
        form, below.text("address", "P.98", 1, 32),
        str(below.choice("command", READ_COMMANDS, "R5")), _digits(below, 11),
        below.optional_text("nothing", 32), below.optional_text("code", 32), _codes(below),
        tuple([_list(one) for one in below.tables("lists", 0, LISTS_MAX)]))
    if (form != HEADED) != bool(found.lists):
        below.complain("lists", "lists of events, for the forms spans and numbered and no other",
                       "%d of them" % len(found.lists))
    below.done()
    return found


def check_clock(table: "Table") -> ClockWay | None:
    """The keys under `clock`; None for a model whose time cannot be read."""
    if not table.has("clock"):
        table.table("clock")
        return None
    below = table.table("clock")
    found = ClockWay(
        str(below.choice("form", (DIGITS, DASHED, DOTTED), DIGITS)),
        below.optional_text("date", 32), below.text("time", "0.9.1", 1, 32),
        str(below.choice("write", ("", "W1", "W2", "W5"), "")), _digits(below, 12),
        below.optional_text("weekday", 32), below.optional_text("correct", 32),
        below.number("most_s", 1, 3600, 1), 3600 * below.number("rest_hours", 0, 168, 0))
    if found.form != DIGITS and not found.date:
        below.complain("date", "the address of the date, which this form has apart", "nothing")
    if found.correct and not (found.write and below.has("most_s")):
        below.complain("correct", "write and most_s beside it: the command that corrects the "
                       "clock, and by how many seconds at most", "not both")
    below.done()
    return found


def check_switch(table: "Table") -> Switch | None:
    """The keys under `switch`; None for a model that cannot disconnect."""
    if not table.has("switch"):
        table.table("switch")
        return None
    below = table.table("switch")
    found = Switch(
        str(below.choice("command", WRITE_COMMANDS, "W1")), below.text("address", None, 1, 32),
        below.text("open", None, 1, 32), below.text("closed", None, 1, 32),
        below.text("state", None, 1, 32), below.text("is_open", None, 1, 32),
        below.text("is_closed", None, 1, 32))
    below.done()
    return found


def check_unit(table: "Table", key: str) -> tuple[int, int]:
    """A unit as the catalogue writes it, with a prefix k or M in front where the meter has one."""
    text = table.text(key, "", 0)
    for size, power in ((0, 0), (1, 3), (1, 6)):
        if not size or text[:1] == ("k" if power == 3 else "M"):
            try:
                return unit_from_text(text[size:]), power
            except Malformed:
                continue
    table.complain(key, "a unit like Wh, kWh, MWh or an empty text", shown(text))
    return NO_UNIT, 0


def _digits(table: "Table", usual: int) -> int:
    digits = table.choice("digits", (10, 11, 12, 13), usual)
    assert type(digits) is int
    return digits


def _column(table: "Table", form: str) -> Column:
    obis = obis_of(table.text("obis"))
    if obis is None:
        table.complain("obis", "an OBIS code like 1.5.0 or 1-0:1.5.0", "none")
    try:
        unit = unit_from_text(table.text("unit", None, 0))
    except Malformed:
        table.complain("unit", "a unit of the catalogue, or an empty text", "none of them")
        unit = NO_UNIT
    unsaid = check_unit(table, "unit_unsaid") if table.has("unit_unsaid") else None
    if unsaid is not None and unsaid[0] != unit:
        table.complain("unit_unsaid", "the unit of the column, with a prefix or none",
                       "another unit")
    found = Column(obis or bytes(6), unit, table.number("scaler", -9, 9),
                   table.number("value", 0, COLUMNS_MAX - 1, 0), unsaid,
                   table.optional_text("address", 32))
    if form == DAYS and not found.address:
        table.complain("address", "where this column's values of a day are", "nothing")
    table.done()
    return found


def _list(table: "Table") -> EventList:
    found = EventList(table.text("address", None, 1, 32), table.number("entries", 1, 255, 1),
                      table.text("note", None, 1, 64), _codes(table))
    table.done()
    return found


def _codes(table: "Table") -> dict[int, str]:
    """Words for the numbers of events."""
    found: dict[int, str] = {}
    for one in table.tables("codes", 0, CODES_MAX):
        found[one.number("code", 0, 65535)] = one.text("note", None, 1, 64)
        one.done()
    return found
