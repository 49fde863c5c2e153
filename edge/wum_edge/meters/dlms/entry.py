"""What DLMS adds to a catalogue entry and to a meter of the configuration.

Left out: what all protocols have in common (meters/catalog.py). The form is
catalog/dlms.schema.json. Keys and passwords stand in files or in the configuration's access, never
in the catalogue.
"""

from collections import namedtuple

from wum_edge.document import secret_hex, shown
from wum_edge.meters.dlms import acse
from wum_edge.meters.dlms.moment import DEVIATIONS
from wum_edge.meters.dlms.objects import REGISTER
from wum_edge.meters.orders import (
    READ_NOW,
    SET_CLOCK,
    SET_LIMIT,
    SWITCH,
    SWITCH_SECONDARY,
    TRANSPARENT,
)
from wum_edge.meters.turn import DELAY_US, Pace
from wum_shared.errors import Malformed
from wum_shared.obis import obis_from_text

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from wum_edge.document import Table
    from wum_edge.meters.catalog import Model, Register

ADDRESS_MAX = 16383
HEAD_BYTES = 6               # Flag, format and length, client, server (two bytes, or one and UA).
MECHANISMS = {"none": acse.LOWEST, "lls": acse.LLS, "hls-md5": acse.HLS_MD5,
              "hls-sha1": acse.HLS_SHA1, "hls-gmac": acse.HLS_GMAC}
REFUSED_MECHANISMS = ("hls", "hls-sha256", "hls-ecdsa")
PROTECTIONS = {"none": 0, "authenticated": 0x10, "encrypted": 0x20, "both": 0x30}
DIRECT, MODE_E = "direct", "mode-e"  # HDLC at once, or behind a sign-on of IEC 62056-21.
SIGN_ONS = (DIRECT, MODE_E)
PROFILE_COLUMNS_MAX = 32


class Source(namedtuple("Source", ("class_id", "obis", "attribute", "scaler"))):
    """Where one register is: an attribute of an object. `scaler` is None where the meter says it
    itself (scaler_unit); else what it counts in is 10^`scaler` of the register's unit.
    """

    __slots__ = ()
    class_id: int
    obis: bytes
    attribute: int
    scaler: int | None


class Quirks(namedtuple("Quirks", (
        "deviation", "range_refused", "columns_ignored", "list_refused", "late_ms"))):
    """What a model does otherwise than the books: how its deviation is meant (moment.DEVIATIONS);
    reading a profile by range is refused; the columns that were asked for are ignored; lists are
    refused; how much longer than others it takes to answer.
    """

    __slots__ = ()
    deviation: str
    range_refused: bool
    columns_ignored: bool
    list_refused: bool
    late_ms: int


class Profile(namedtuple("Profile", ("obis", "period_s", "registers"))):
    """A load profile: `registers` are names of the model's registers, or OBIS codes as texts for
    the order in which rows are given on.
    """

    __slots__ = ()
    obis: bytes
    period_s: int
    registers: tuple[str, ...]


class Manner(namedtuple("Manner", (
        "information_bytes", "window", "list_max", "profile", "events", "clock", "switch",
        "quirks", "counter", "sign_on"))):
    """How the model wants to be asked. `information_bytes` and `window` are offered when the link
    is opened; `profile` and `events` (an OBIS code) are None where it has none. `counter` is the
    object in which it keeps our invocation counter for the public client, or None; `sign_on` is one
    of SIGN_ONS.
    """

    __slots__ = ()
    information_bytes: int
    window: int
    list_max: int
    profile: Profile | None
    events: bytes | None
    clock: bool
    switch: bool
    quirks: Quirks
    counter: bytes | None
    sign_on: str


class Access(namedtuple("Access", (
        "client", "logical", "address_bytes", "mechanism", "secret", "protection", "system_title",
        "encryption_key", "authentication_key", "dedicated", "invocation_counter",
        "deviation_min", "sign_on_address"))):
    """How one meter is reached. Keys are empty where there are none; `invocation_counter` is the
    least that may be used, for a meter that another head-end has read before; `deviation_min`
    (minutes to UTC) holds where the meter says none, or is None; `sign_on_address` is the device
    address of a sign-on in mode E, empty for whoever is there.
    """

    __slots__ = ()
    client: int
    logical: int
    address_bytes: int
    mechanism: int
    secret: bytes
    protection: int
    system_title: bytes
    encryption_key: bytes
    authentication_key: bytes
    dedicated: bool
    invocation_counter: int
    deviation_min: int | None
    sign_on_address: str

    def __repr__(self) -> str:
        """No keys: they are not for logs."""
        return "Access(client %d, mechanism %d)" % (self.client, self.mechanism)


def check_source(table: "Table") -> Source:
    """The DLMS keys of one register."""
    obis = b""
    if table.has("logical_name"):
        obis = _obis(table, "logical_name")
    else:
        table.optional_text("logical_name")
        text = table.given("obis")
        if type(text) is str:
            try:
                obis = obis_from_text(text)
            except Malformed:
                obis = b""           # Its own complaint is made where all protocols check it.
    scaler = table.number("raw_scaler", -30, 30) if table.has("raw_scaler") else None
    if scaler is None:
        table.given("raw_scaler")
    return Source(table.number("class", 1, 65535, REGISTER), obis,
                  table.number("attribute", 1, 127, 2), scaler)


def check_manner(table: "Table") -> Manner:
    """The DLMS keys of the model."""
    link = table.table("link")
    information, window = (link.number("information_bytes", 16, 2030, 2030),
                           link.number("window", 1, 7, 7))
    link.done()
    list_max = table.number("list_max", 1, 255, 64)
    return Manner(information, window, list_max, _profile(table), _object(table, "events"),
                  table.truth("clock", True), table.truth("switch", False),
                  _quirks(table.table("quirks")), _object(table, "counter"),
                  _sign_on(table))


def check_together(register: "Register") -> tuple[str, str, str] | None:
    """What only shows beside the fields of all protocols: (key, wanted, got), or None."""
    source = register.source
    if source.class_id == 1 and source.scaler is None:
        return ("raw_scaler", "a scaler: objects of class 1 say none", "nothing")
    if source.scaler is not None and register.scaler > source.scaler:
        return ("scaler", "at most %d, or digits are lost" % source.scaler,
                shown(register.scaler))
    return None


def cost(model: "Model", access: Access | None = None, period_s: int = 0) -> tuple[int, int]:
    """(bytes both ways, turns) of one visit; without an access, without security."""
    from wum_edge.meters.dlms.cost import visit_cost  # Late: only a plan asks.
    return visit_cost(model, access, period_s)


def pace(model: "Model", baud: int, bits_per_character: int) -> Pace:
    """HDLC's flags say where a frame ends: no silence is needed. One character is left, in which
    the one who spoke before lets go of the pair. A Modbus meter beside takes none of our frames
    for its own, their check is another one; before its own request it has its 3.5 characters.
    """
    return Pace(bits_per_character * 1000000 // baud + 1,
                DELAY_US + 1000 * model.manner.quirks.late_ms)


def acts(model: "Model") -> tuple[str, ...]:
    """What a line may be ordered to do with such a meter: whether it has a limiter and a relay for
    a secondary load only its object list says.
    """
    able = [READ_NOW, TRANSPARENT, SET_LIMIT, SWITCH_SECONDARY]
    if model.manner.clock:
        able.append(SET_CLOCK)
    if model.manner.switch:
        able.append(SWITCH)
    return tuple(able)


def keeps_time(model: "Model") -> bool:
    """Whether the clock comes with the registers."""
    return bool(model.manner.clock)


def check_address(table: "Table") -> int:
    """The physical device of a meter on its line (its server address where it has one byte)."""
    return table.number("address", 0, ADDRESS_MAX)


def check_access(table: "Table") -> Access:
    """The `access` of a meter. What is secret is never shown in a complaint."""
    mechanism = _mechanism(table)
    protection = PROTECTIONS[str(table.choice("protection", tuple(sorted(PROTECTIONS)), "none"))]
    keys = [secret_hex(table, key, size) for key, size in (
        ("system_title", 8), ("encryption_key", 16), ("authentication_key", 16))]
    if mechanism == acse.HLS_GMAC or protection:
        for place, key in ((0, "system_title"), (1, "encryption_key")):
            if not keys[place] and not table.has(key):
                table.complain(key, "hexadecimal digits, for GMAC and for protection", "nothing")
    password = _password(table, mechanism)
    deviation = table.number("deviation_min", -840, 840) if table.has("deviation_min") else None
    if deviation is None:
        table.given("deviation_min")
    size = table.choice("address_bytes", (1, 2, 4), 2)
    assert type(size) is int
    return Access(table.number("client", 1, 127, 16), table.number("logical", 0, ADDRESS_MAX, 1),
                  size, mechanism, password, protection, keys[0], keys[1], keys[2],
                  table.truth("dedicated", False),
                  table.number("invocation_counter", 0, 0xFFFFFFFF, 0), deviation,
                  _sign_on_address(table))


def _sign_on_address(table: "Table") -> str:
    text = table.optional_text("sign_on_address", 32)
    if not text:
        return text
    from wum_edge.meters.iec62056_21.signon import is_address  # Late: few meters have one.
    if not is_address(text):
        table.complain("sign_on_address", "digits, letters and spaces", shown(text))
    return text


def _mechanism(table: "Table") -> int:
    text = table.given("authentication")
    if text in REFUSED_MECHANISMS:
        table.complain("authentication", "one of %s; %s is not spoken" % (
            ", ".join(sorted(MECHANISMS)), text), shown(text))
        return acse.LOWEST
    return MECHANISMS[str(table.choice("authentication", tuple(sorted(MECHANISMS)), "none"))]


def _password(table: "Table", mechanism: int) -> bytes:
    """`password` as a text, or as hexadecimal digits in `password_hex`."""
    if table.has("password_hex"):
        table.optional_text("password")
        return secret_hex(table, "password_hex", 0)
    table.optional_text("password_hex")
    text = table.optional_text("password", 64)
    if mechanism in (acse.LLS, acse.HLS_MD5, acse.HLS_SHA1) and not text:
        table.complain("password", "a text of 1..64 characters", "nothing")
    return text.encode()


def _obis(table: "Table", key: str) -> bytes:
    text = table.text(key)
    try:
        return obis_from_text(text)
    except Malformed:
        if text:
            table.complain(key, "an OBIS code A-B:C.D.E or A-B:C.D.E*F", shown(text))
    return bytes(6)


def _sign_on(table: "Table") -> str:
    found = str(table.choice("sign_on", SIGN_ONS, DIRECT))
    if found == MODE_E and table.given("protocol") != "dlms-hdlc":
        table.complain("sign_on", "direct: only HDLC on a serial line has a door", shown(found))
    return found


def _object(table: "Table", key: str) -> bytes | None:
    if table.has(key):
        return _obis(table, key)
    table.optional_text(key)
    return None


def _profile(table: "Table") -> Profile | None:
    if not table.has("profile"):
        table.optional_text("profile")
        return None
    below = table.table("profile")
    names = []
    for item in below.tables("columns", 1, PROFILE_COLUMNS_MAX):
        names.append(item.text("register"))
        item.done()
    found = Profile(_obis(below, "obis"), below.number("period_s", 0, 86400, 3600), tuple(names))
    below.done()
    return found


def _quirks(table: "Table") -> Quirks:
    found = Quirks(
        str(table.choice("deviation", DEVIATIONS, DEVIATIONS[0])),
        table.truth("range_refused", False), table.truth("columns_ignored", False),
        table.truth("list_refused", False), table.number("late_ms", 0, 10000, 0))
    table.done()
    return found
