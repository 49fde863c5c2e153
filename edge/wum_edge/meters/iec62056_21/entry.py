"""What IEC 62056-21 adds to a catalogue entry and to a meter of the configuration.

Left out: what all protocols have in common (meters/catalog.py). The form is
catalog/iec62056_21.schema.json; this file also checks what a schema cannot say.
"""

from collections import namedtuple

from wum_edge.document import shown
from wum_edge.meters.iec62056_21.frame import BLOCK_MAX
from wum_edge.meters.iec62056_21.programming import Password
from wum_edge.meters.iec62056_21.short_form import obis_of
from wum_edge.meters.iec62056_21.signon import ADDRESS_MAX, REACTION_US, is_address
from wum_edge.meters.turn import Pace, silence_us
from wum_shared.errors import Malformed
from wum_shared.obis import obis_from_text, obis_to_text
from wum_shared.units import NO_UNIT, unit_from_text

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from wum_edge.document import Table
    from wum_edge.meters.catalog import Model, Register

BAUDS = (300, 600, 1200, 2400, 4800, 9600, 19200)
ANSWER_MS = 1500             # 6.4.2: the longest reaction time that the standard grants.
COLUMNS_MAX = 32
READ_COMMANDS = ("R1", "R2", "R5", "R6")
HEAD_BYTES = 5               # Slash, three letters of the maker, letter of the baud.
CHECKS = ("xor", "sum")      # How check characters are made.
WRITE_COMMANDS = ("W1", "W2", "W5", "E2")
_SIGN_ON_BYTES = 40          # Request with eight digits, identification of 22 characters, ACK.
_PASSWORD_BYTES = 42         # P0, P1, ACK, B0.
_REGISTER_BYTES = 36         # R5 and its answer.
_LOG_BYTES, _LOG_TURNS = 110, 7   # A range of a log, a row or none in it; P0, P1, R5, B0.
_LINE_BYTES = 21             # `1.8.0(0012345.678*kWh)` CR LF has 24, `32.7.0(231.5*V)` 17.


class Source(namedtuple("Source", ("address", "code", "place", "unit"))):
    """Where one register is: by the address as the model writes it, or, where that is empty, by
    any address that means `code`. `place` counts the values in brackets from 0; `unit` (code and
    power of ten) is what a number without a unit is in, None where the meter must write one.
    """

    __slots__ = ()
    address: str
    code: bytes
    place: int
    unit: tuple[int, int] | None


class Column(namedtuple("Column", ("obis", "unit", "scaler"))):
    """One column of the load profile, kept as an integer of 10^`scaler` in `unit`."""

    __slots__ = ()
    obis: bytes
    unit: int
    scaler: int


class Profile(namedtuple("Profile", ("address", "command", "digits", "columns"))):
    """How the load profile is asked for: `digits` is the length of the times in the range."""

    __slots__ = ()
    address: str
    command: str
    digits: int
    columns: tuple[Column, ...]


class Events(namedtuple("Events", ("address", "command", "digits"))):
    """How the event log is asked for; as a profile."""

    __slots__ = ()
    address: str
    command: str
    digits: int


class ClockWay(namedtuple("ClockWay", ("date", "time", "write", "digits"))):
    """Addresses of date and time; an empty `date` says that `time` holds both, written in so many
    `digits`. `write` is the command that sets it, empty where the model lets nobody.
    """

    __slots__ = ()
    date: str
    time: str
    write: str
    digits: int

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


class Manner(namedtuple("Manner", (
        "baud", "fixed", "characters", "wake_up", "makers", "answer_ms", "added", "reads",
        "read_command", "channel", "identity", "readout_bytes", "profile", "events", "clock",
        "switch"))):
    """How the model wants to be greeted and asked; `profile`, `events`, `clock`, `switch` or None.

    `added`: its check characters are sums, see frame.py. `reads`: "readout", or "registers" one by
    one in programming mode. `identity` is the address of its own number, by which an answer is
    known to be this meter's; empty: not looked at. `readout_bytes` is how long its readout is, 0
    where the registers say it.
    """

    __slots__ = ()
    baud: int
    fixed: bool
    characters: str
    wake_up: bool
    makers: tuple[str, ...]
    answer_ms: int
    added: bool
    reads: str
    read_command: str
    channel: int
    identity: str
    readout_bytes: int
    profile: Profile | None
    events: Events | None
    clock: ClockWay | None
    switch: Switch | None


class Access(namedtuple("Access", ("password", "utc_offset_min"))):
    """`password` for programming mode; minutes that the meter's normal time is east of UTC, or
    None where nobody knows.
    """

    __slots__ = ()
    password: Password
    utc_offset_min: int | None


def check_source(table: "Table") -> Source:
    """The keys of one register: address, value, unit_unsaid. All may be left out."""
    address = table.optional_text("address", 32)
    unit = None
    if table.has("unit_unsaid"):
        unit = _unit(table, "unit_unsaid")
    elif table.text("unit", "", 0) == "":
        unit = (NO_UNIT, 0)      # A quantity without a unit has none to write.
    return Source(address, _code(table.text("obis", "", 0)), table.number("value", 0, 31, 0),
                  unit)


def check_manner(table: "Table") -> Manner:
    """The keys of the model: sign_on, reads, profile, clock, switch."""
    sign_on = table.table("sign_on")
    baud = _baud(sign_on)
    found = Manner(
        baud, sign_on.truth("fixed", False),
        str(sign_on.choice("characters", ("7E1", "8N1"), "7E1")), sign_on.truth("wake_up", False),
        _makers(sign_on), sign_on.number("answer_ms", 20, 10000, ANSWER_MS),
        table.choice("check", CHECKS, CHECKS[0]) == CHECKS[1],
        str(table.choice("reads", ("readout", "registers"), "readout")),
        str(table.choice("read_command", READ_COMMANDS, "R5")),
        table.number("channel", 0, 255, 0), table.optional_text("identity", 32),
        table.number("readout_bytes", 0, BLOCK_MAX, 0), _profile(table), _events(table),
        _clock(table), _switch(table))
    sign_on.done()
    return found


def cost(model: "Model") -> tuple[int, int]:
    """(bytes both ways, reaction times) of one visit: all registers, and what load profile and
    event log have new, each in a programming mode of its own.
    """
    manner = model.manner
    logs = _logs(model)
    size = logs * (_SIGN_ON_BYTES + _PASSWORD_BYTES + _LOG_BYTES)
    turns = logs * _LOG_TURNS
    count = len(model.registers)
    if manner.reads == "registers":
        count = len({address_of(register) for register in model.registers})
        if manner.clock is not None:
            count += len(manner.clock.addresses())
        return (size + _SIGN_ON_BYTES + _PASSWORD_BYTES + count * _REGISTER_BYTES,
                turns + 5 + 2 * count)
    return size + _SIGN_ON_BYTES + (manner.readout_bytes or 8 + count * _LINE_BYTES), turns + 3


def address_of(register: "Register") -> str:
    """By which it is asked for alone."""
    source: Source = register.source
    return source.address or obis_to_text(register.obis)


def _logs(model: "Model") -> int:
    """How many of load profile and event log the model has."""
    return (model.manner.profile is not None) + (model.manner.events is not None)


def pace(model: "Model", baud: int, bits_per_character: int) -> Pace:
    """3.5 characters before a request, for others on the line; 200 ms and more before an answer
    (6.4.2), and what bytes at the sign-on's baud take longer than at `baud`: for a model that
    stays there all of them.
    """
    size, turns = cost(model)
    slow = size if model.manner.fixed else _SIGN_ON_BYTES * (1 + _logs(model))
    longer_us = slow * bits_per_character * (1000000 // model.manner.baud - 1000000 // baud)
    return Pace(silence_us(baud, bits_per_character), max(0, REACTION_US + longer_us // turns))


def keeps_time(model: "Model") -> bool:
    """Whether the model says where its clock is; in a readout it comes with the registers."""
    return model.manner.clock is not None


def check_together(register: "Register") -> tuple[str, str, str] | None:
    """What only shows beside the fields of all protocols: (key, wanted, got), or None."""
    unit = register.source.unit
    if unit is not None and unit[0] != register.unit:
        return "unit_unsaid", "the unit of the register, with a prefix or none", "another unit"
    return None


def check_address(table: "Table") -> str:
    """The device address, 6.3.1: digits, letters, blanks; empty for the only meter of a line."""
    given = table.given("address")
    if type(given) is int and given >= 0:
        return "%d" % given
    text = table.text("address", "", 0, ADDRESS_MAX)
    if not is_address(text):
        table.complain("address", "digits, letters and blanks (write it as a text where zeros "
                       "lead it)", shown(text))
        return ""
    return text


def check_access(table: "Table") -> Access:
    """password, level, utc_offset_min. A password never stands in a text."""
    password = table.optional_text("password", 32)
    level = table.number("level", 1, 2, 1)
    if any(not 32 < ord(c) < 127 or c in "()/!*" for c in password):
        table.complain("password", "printable characters without ( ) / ! *", "others")
    offset = None
    if table.has("utc_offset_min"):
        offset = table.number("utc_offset_min", -720, 840)
    else:
        table.number("utc_offset_min", -720, 840, 0)
    return Access(Password(level if password else 0, password), offset)


def _baud(table: "Table") -> int:
    baud = table.choice("baud", BAUDS, 300)
    assert type(baud) is int
    return baud


def _makers(table: "Table") -> tuple[str, ...]:
    makers = tuple(table.optional_text("makers", 64).split())
    if any(len(maker) != 3 or maker.upper() != maker for maker in makers):
        table.complain("makers", "marks of three capital letters with blanks between",
                       shown(" ".join(makers)))
    return makers


def _unit(table: "Table", key: str) -> tuple[int, int]:
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


def _code(text: str) -> bytes:
    try:
        return obis_from_text(text)
    except Malformed:
        return bytes(6)          # Already complained of where it is no code.


def _profile(table: "Table") -> Profile | None:
    if not table.has("profile"):
        table.table("profile")
        return None
    below = table.table("profile")
    digits = below.choice("digits", (10, 11, 12, 13), 11)
    assert type(digits) is int
    found = Profile(
        below.text("address", "P.01", 1, 32),
        str(below.choice("command", READ_COMMANDS, "R5")), digits,
        tuple([_column(one) for one in below.tables("columns", 1, COLUMNS_MAX)]))
    below.done()
    return found


def _events(table: "Table") -> Events | None:
    if not table.has("events"):
        table.table("events")
        return None
    below = table.table("events")
    digits = below.choice("digits", (10, 11, 12, 13), 11)
    assert type(digits) is int
    found = Events(below.text("address", "P.98", 1, 32),
                   str(below.choice("command", READ_COMMANDS, "R5")), digits)
    below.done()
    return found


def _column(table: "Table") -> Column:
    obis = obis_of(table.text("obis"))
    if obis is None:
        table.complain("obis", "an OBIS code like 1.5.0 or 1-0:1.5.0", "none")
    try:
        unit = unit_from_text(table.text("unit", None, 0))
    except Malformed:
        table.complain("unit", "a unit of the catalogue, or an empty text", "none of them")
        unit = NO_UNIT
    found = Column(obis or bytes(6), unit, table.number("scaler", -9, 9))
    table.done()
    return found


def _clock(table: "Table") -> ClockWay | None:
    if not table.has("clock"):
        table.table("clock")
        return None
    below = table.table("clock")
    digits = below.choice("digits", (10, 11, 12, 13), 12)
    assert type(digits) is int
    found = ClockWay(below.optional_text("date", 32), below.text("time", "0.9.1", 1, 32),
                     str(below.choice("write", ("", "W1", "W2", "W5"), "")), digits)
    below.done()
    return found


def _switch(table: "Table") -> Switch | None:
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
