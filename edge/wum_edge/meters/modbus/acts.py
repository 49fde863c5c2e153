"""What a Modbus model can be told to do: its switches, its limit, its clock, as the catalogue says.

Each is written once and read back: a station that says yes and does nothing is told as what it is.
The protocol itself has none of these; without an entry there is nothing to write. Left out: bytes
(pdu.py). MODBUS Application Protocol V1.1b3, 6.1, 6.5, 6.6, 6.12.
"""

from collections import namedtuple

from wum_edge.errors import Refused
from wum_edge.meters.days import DAY_S, date_of
from wum_edge.meters.modbus import functions, pdu
from wum_edge.meters.orders import SET_CLOCK, SET_LIMIT, SWITCH, SWITCH_SECONDARY
from wum_edge.meters.scaling import TYPES, WORD_ORDERS, Scale, raw_number, scale_from_text
from wum_shared.errors import Malformed

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from wum_edge.document import Table
    from wum_edge.meters.modbus.station import Station
    from wum_edge.meters.reader import Conversation

CLOCK_FORMS = ("unix", "fields")
CLOCK_OFF_MAX_S = 5          # What it may read back beside what was written.
_LIMIT_TYPES = tuple(sorted([name for name in TYPES if TYPES[name][1] != "float"]))
_NO_CODE = 0


class Switch(namedtuple("Switch", ("is_coil", "address", "open", "closed"))):
    """A coil, or a holding register, and what stands in it when the load is off and on."""

    __slots__ = ()
    is_coil: bool
    address: int
    open: int
    closed: int


class Limit(namedtuple("Limit", ("address", "type", "word_order", "scale"))):
    """Holding registers of the threshold: raw x `scale` is in W, as the standard has limiters."""

    __slots__ = ()
    address: int
    type: str
    word_order: str
    scale: Scale


class Clock(namedtuple("Clock", ("address", "form", "word_order"))):
    """Holding registers of the clock, in UTC: "unix" seconds (2 words), or "fields": year, month,
    day, hour, minute, second, a word each.
    """

    __slots__ = ()
    address: int
    form: str
    word_order: str


class Acts(namedtuple("Acts", ("switch", "secondary", "limit", "clock"))):
    """What there is, each None where the model has it not."""

    __slots__ = ()
    switch: Switch | None
    secondary: Switch | None
    limit: Limit | None
    clock: Clock | None

    def names(self) -> tuple[str, ...]:
        """As a line calls them."""
        return tuple([name for name, one in (
            (SWITCH, self.switch), (SWITCH_SECONDARY, self.secondary), (SET_LIMIT, self.limit),
            (SET_CLOCK, self.clock)) if one is not None])


def check_acts(table: "Table") -> Acts:
    """The keys under `acts`; all may be left out."""
    below = table.table("acts")
    found = Acts(_switch(below, "switch"), _switch(below, "secondary"), _limit(below),
                 _clock(below))
    below.done()
    return found


def throw(station: "Station", way: Switch, closed: bool, asked: str) -> "Conversation[None]":
    """Conversation: switch, and read it back. Raises Refused where it did not move."""
    wanted = way.closed if closed else way.open
    if way.is_coil:
        yield from functions.write_coil(station, way.address, wanted == 1)
    else:
        yield from functions.write_register(station, way.address, wanted)
    found = yield from state(station, way)
    if found != wanted:
        raise Refused("%s: wanted %d, it reads %d" % (asked, wanted, found), _NO_CODE)


def state(station: "Station", way: Switch) -> "Conversation[int]":
    """Conversation: what stands in the switch now."""
    if way.is_coil:
        bits = yield from functions.read_bits(station, pdu.READ_COILS, way.address, 1)
        return 1 if bits[0] else 0
    words = yield from functions.read_words(station, pdu.READ_HOLDING, way.address, 1)
    return words[0]


def set_limit(
        station: "Station", way: Limit, value: int, exponent: int, asked: str,
) -> "Conversation[None]":
    """Conversation: the threshold becomes `value` x 10^`exponent` W. What its registers cannot hold
    exactly is refused before anything is written. Raises Refused.
    """
    raw = _raw(way, value, exponent)
    if raw is None:
        raise Refused("%s: its registers cannot hold %d x 10^%d W exactly" % (
            asked, value, exponent), _NO_CODE)
    words = words_of(raw, TYPES[way.type][0], way.word_order)
    yield from functions.write_registers(station, way.address, words)
    found = yield from functions.read_words(station, pdu.READ_HOLDING, way.address, len(words))
    if found != words:
        raise Refused("%s: wanted %d in its registers, it reads %d" % (
            asked, raw, raw_number(found, way.word_order)), _NO_CODE)


def set_clock(station: "Station", way: Clock, utc_s: int, asked: str) -> "Conversation[None]":
    """Conversation: set it, and read it back. Raises Refused."""
    if way.form == "unix":
        words = words_of(utc_s, 2, way.word_order)
    else:
        second = utc_s % DAY_S
        words = date_of(utc_s // DAY_S) + (second // 3600, second // 60 % 60, second % 60)
    yield from functions.write_registers(station, way.address, words)
    found = yield from functions.read_words(station, pdu.READ_HOLDING, way.address, len(words))
    if way.form == "unix":
        is_near = 0 <= raw_number(found, way.word_order) - utc_s <= CLOCK_OFF_MAX_S
    else:
        is_near = found[:5] == words[:5] or found[5] <= CLOCK_OFF_MAX_S     # A minute went by.
    if not is_near:
        raise Refused("%s: it was set, and reads something else" % asked, _NO_CODE)


def words_of(raw: int, count: int, word_order: str) -> tuple[int, ...]:
    """An unsigned number as `count` words; what `raw_number` reads."""
    words = [raw >> 16 * place & 0xFFFF for place in range(count)]
    if word_order in ("little-byte", "little"):
        words = [word >> 8 | (word & 0xFF) << 8 for word in words]
    return tuple(words if word_order in ("little-word", "little") else reversed(words))


def _raw(way: Limit, value: int, exponent: int) -> int | None:
    """What to write for it; None where that does not fit exactly."""
    power = exponent - way.scale.power
    above, below = value * 10 ** max(0, power), way.scale.factor * 10 ** max(0, -power)
    if above % below:
        return None
    raw = above // below
    words, kind = TYPES[way.type]
    bits = 16 * words - (1 if kind == "signed" else 0)
    return raw if 0 <= raw < 1 << bits else None


def _switch(table: "Table", key: str) -> Switch | None:
    if not table.has(key):
        table.table(key)
        return None
    below = table.table(key)
    is_coil = below.has("coil")
    address = below.number("coil", 0, 65535) if is_coil else below.number("register", 0, 65535)
    if is_coil and below.has("register"):
        below.complain("register", "a coil or a register", "both")
    most = 1 if is_coil else 65535
    below.given("register")
    below.given("coil")
    found = Switch(is_coil, address, below.number("open", 0, most, 0),
                   below.number("closed", 0, most, 1))
    if found.open == found.closed:
        below.complain("closed", "another value than open", "%d" % found.closed)
    below.done()
    return found


def _limit(table: "Table") -> Limit | None:
    if not table.has("limit"):
        table.table("limit")
        return None
    below = table.table("limit")
    text, scale = below.text("scale", "1"), Scale(1, 0)
    try:
        scale = scale_from_text(text)
    except Malformed:
        below.complain("scale", "a decimal text like 0.1 or 1000", text)
    if scale.factor < 0:
        below.complain("scale", "a decimal above zero", text)
        scale = Scale(1, 0)
    found = Limit(below.number("register", 0, 65532),
                  str(below.choice("type", _LIMIT_TYPES, "uint16")),
                  str(below.choice("word_order", WORD_ORDERS, "big")), scale)
    below.done()
    return found


def _clock(table: "Table") -> Clock | None:
    if not table.has("clock"):
        table.table("clock")
        return None
    below = table.table("clock")
    found = Clock(below.number("register", 0, 65530),
                  str(below.choice("form", CLOCK_FORMS, CLOCK_FORMS[0])),
                  str(below.choice("word_order", WORD_ORDERS, "big")))
    below.done()
    return found
