"""What IEC 62056-21 adds to a catalogue entry and to a meter of the configuration.

Left out: what all protocols have in common (meters/catalog.py). The form is
catalog/iec62056_21.schema.json; this file also checks what a schema cannot say.
"""

from collections import namedtuple

from wum_edge.document import shown
from wum_edge.meters.iec62056_21.frame import BLOCK_MAX
from wum_edge.meters.iec62056_21.programming import Password
from wum_edge.meters.iec62056_21.signon import ADDRESS_MAX, REACTION_US, is_address
from wum_edge.meters.iec62056_21.ways import (
    DAYS,
    READ_COMMANDS,
    ClockWay,
    Events,
    Profile,
    Switch,
    check_clock,
    check_events,
    check_profile,
    check_switch,
    check_unit,
)
from wum_edge.meters.orders import READ_NOW, SET_CLOCK, SWITCH, TRANSPARENT
from wum_edge.meters.turn import Pace, silence_us
from wum_shared.errors import Malformed
from wum_shared.obis import obis_from_text, obis_to_text
from wum_shared.units import NO_UNIT

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from wum_edge.document import Table
    from wum_edge.meters.catalog import Model, Register

BAUDS = (300, 600, 1200, 2400, 4800, 9600, 19200)
ANSWER_MS = 1500             # 6.4.2: the longest reaction time that the standard grants.
HEAD_BYTES = 5               # Slash, three letters of the maker, letter of the baud.
CHECKS = ("xor", "sum")      # How check characters are made.
_SIGN_ON_BYTES = 40          # Request with eight digits, identification of 22 characters, ACK.
_PASSWORD_BYTES = 42         # P0, P1, ACK, B0.
_REGISTER_BYTES = 36         # R5 and its answer.
_LOG_BYTES, _LOG_TURNS = 110, 5   # A range of a log, a row or none in it; P0, P1, R5, B0.
_LINE_BYTES = 21             # `1.8.0(0012345.678*kWh)` CR LF has 24, `32.7.0(231.5*V)` 17.


class Source(namedtuple("Source", ("address", "code", "place", "part", "unit"))):
    """Where one register is: by the address as the model writes it, or, where that is empty, by
    any address that means `code`. `place` counts the values in brackets from 0, `part` what stands
    between commas in one of them, -1 where it is no list; `unit` (code and power of ten) is what a
    number without a unit is in, None where the meter must write one.
    """

    __slots__ = ()
    address: str
    code: bytes
    place: int
    part: int
    unit: tuple[int, int] | None


class Manner(namedtuple("Manner", (
        "baud", "fixed", "characters", "wake_up", "makers", "answer_ms", "added", "reads",
        "read_command", "open_reads", "ends_answered", "channel", "identity", "readout_bytes",
        "profile", "events", "clock", "switch"))):
    """How the model wants to be greeted and asked; `profile`, `events`, `clock`, `switch` or None.

    `added`: its check characters are sums, see frame.py. `reads`: "readout", or "registers" one by
    one in programming mode. `open_reads`: those want no password, only what is written does.
    `ends_answered`: it answers the break, which is waited for. `identity` is the address of its
    own number, by which an answer is known to be this meter's; empty: not looked at.
    `readout_bytes` is how long its readout is, 0 where the registers say it.
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
    open_reads: bool
    ends_answered: bool
    channel: int
    identity: str
    readout_bytes: int
    profile: Profile | None
    events: Events | None
    clock: ClockWay | None
    switch: Switch | None


class Access(namedtuple("Access", ("password", "utc_offset_min", "one_time"))):
    """`password` for programming mode; minutes that the meter's normal time is east of UTC, or
    None where nobody knows. `one_time`: it keeps normal time in summer too, so that a time without
    a season is not doubted.
    """

    __slots__ = ()
    password: Password
    utc_offset_min: int | None
    one_time: bool


def check_source(table: "Table") -> Source:
    """The keys of one register: address, value, part, unit_unsaid. All may be left out."""
    address = table.optional_text("address", 32)
    unit = None
    if table.has("unit_unsaid"):
        unit = check_unit(table, "unit_unsaid")
    elif table.text("unit", "", 0) == "":
        unit = (NO_UNIT, 0)      # A quantity without a unit has none to write.
    part = table.number("part", 0, 31, 0) if table.has("part") else table.number("part", -1, 0, -1)
    return Source(address, _code(table.text("obis", "", 0)), table.number("value", 0, 31, 0), part,
                  unit)


def check_manner(table: "Table") -> Manner:
    """The keys of the model: sign_on, reads, profile, events, clock, switch."""
    sign_on = table.table("sign_on")
    baud = _baud(sign_on)
    found = Manner(
        baud, sign_on.truth("fixed", False),
        str(sign_on.choice("characters", ("7E1", "8N1"), "7E1")), sign_on.truth("wake_up", False),
        _makers(sign_on), sign_on.number("answer_ms", 20, 10000, ANSWER_MS),
        table.choice("check", CHECKS, CHECKS[0]) == CHECKS[1],
        str(table.choice("reads", ("readout", "registers"), "readout")),
        str(table.choice("read_command", READ_COMMANDS, "R5")),
        table.choice("password", ("all", "writes"), "all") == "writes",
        sign_on.truth("ends_answered", False),
        table.number("channel", 0, 255, 0), table.optional_text("identity", 32),
        table.number("readout_bytes", 0, BLOCK_MAX, 0), check_profile(table),
        check_events(table), check_clock(table), check_switch(table))
    sign_on.done()
    return found


def cost(model: "Model") -> tuple[int, int]:
    """(bytes both ways, reaction times) of one visit: all registers, and what load profile and
    event log have new, each in a programming mode of its own.
    """
    manner = model.manner
    logs = _logs(model)
    asked = sum(_asked_of_logs(model))
    size = logs * (_SIGN_ON_BYTES + _PASSWORD_BYTES) + asked * _LOG_BYTES
    turns = logs * _LOG_TURNS + asked * 2
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


def _asked_of_logs(model: "Model") -> list[int]:
    """How many commands they take where they have nothing new: one, or one for each list."""
    profile, events = model.manner.profile, model.manner.events
    found = []
    if profile is not None:
        found.append(len(profile.columns) if profile.form == DAYS else 1)
    if events is not None:
        found.append(len(events.lists) or 1)
    return found


def pace(model: "Model", baud: int, bits_per_character: int) -> Pace:
    """3.5 characters before a request, for others on the line; 200 ms and more before an answer
    (6.4.2), and what bytes at the sign-on's baud take longer than at `baud`: for a model that
    stays there all of them.
    """
    size, turns = cost(model)
    slow = size if model.manner.fixed else _SIGN_ON_BYTES * (1 + _logs(model))
    longer_us = slow * bits_per_character * (1000000 // model.manner.baud - 1000000 // baud)
    return Pace(silence_us(baud, bits_per_character), max(0, REACTION_US + longer_us // turns))


def acts(model: "Model") -> tuple[str, ...]:
    """What a line may be ordered to do with such a meter."""
    manner = model.manner
    able = [READ_NOW, TRANSPARENT]
    if manner.clock is not None and manner.clock.write:
        able.append(SET_CLOCK)
    if manner.switch is not None:
        able.append(SWITCH)
    return tuple(able)


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


def same_address(address: str) -> str:
    """What a meter compares: zeros that lead it count for nothing (6.3.1)."""
    return address.lstrip("0")


def check_access(table: "Table") -> Access:
    """password, level, utc_offset_min, summer_time. A password never stands in a text."""
    password = table.optional_text("password", 32)
    level = table.number("level", 1, 2, 1)
    if any(not 32 < ord(c) < 127 or c in "()/!*" for c in password):
        table.complain("password", "printable characters without ( ) / ! *", "others")
    offset = None
    if table.has("utc_offset_min"):
        offset = table.number("utc_offset_min", -720, 840)
    else:
        table.number("utc_offset_min", -720, 840, 0)
    return Access(Password(level if password else 0, password), offset,
                  not table.truth("summer_time", True))


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


def _code(text: str) -> bytes:
    try:
        return obis_from_text(text)
    except Malformed:
        return bytes(6)          # Already complained of where it is no code.
