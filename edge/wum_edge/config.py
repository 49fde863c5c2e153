"""The configuration of a concentrator: a plain dict checked into records.

Left out: reading TOML and its line numbers, and whether files exist (ports/linux/config_file.py).
Every mistake is found at once, each as (path, wanted, got).
"""

from collections import namedtuple

from wum_edge.config_clashes import check_lines, check_meters
from wum_edge.document import Table, nearest, shown
from wum_edge.errors import ConfigError
from wum_edge.meters.catalog import entry_of
from wum_edge.meters.turn import Setting, silence_us
from wum_edge.portions import OwnSet
from wum_edge.register_sets import check_sets, sets_of_meter
from wum_shared.errors import Malformed
from wum_shared.ids import checked_text
from wum_shared.messages import METERS_MAX, TIME_MAX_S, Schedule

TYPE_CHECKING = False        # True for type checkers only.
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from wum_edge.carry.setting import MeshSetting

_MODELS_NAMED = 8            # More are a list that nobody reads.
LINES_MAX = 16               # Ports of one concentrator; each has a thread of its own.
SCHEDULES_MAX = 8            # Different ones: a line may have a sweep of each under way at once.
BAUDS = (300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
TIMEOUT_MS = 500
CLOCK_TOLERANCE_S = 10       # Of a meter's clock; what less is, nobody needs to know.
TCP, UDP = "tcp://", "udp://"    # A line's port that is no device: tcp://HOST:PORT.
INPUTS = ("gpio:", "edges:")  # Pulse inputs: gpio:/dev/gpiochip0, edges:SOCKET (docs/pulse.md).
LOOPBACK = ("127.0.0.1", "::1", "localhost")  # The only hosts for which MQTT may be plain.


class Concentrator(namedtuple("Concentrator", (
        "name", "keys", "archive", "archive_limit_mb", "catalog", "disconnects_per_hour",
        "disconnect_delay_s"))):
    """Name for people, and the folders of keys and archive as the port resolves them. `catalog` is
    the folder of the user's own entries, or empty. The last two bound what orders may do here.
    """

    __slots__ = ()
    name: str
    keys: str
    archive: str
    archive_limit_mb: int
    catalog: str
    disconnects_per_hour: int
    disconnect_delay_s: int


class Broker(namedtuple("Broker", ("host", "port", "tls", "ca_file"))):
    """Where batches go. `ca_file` is empty for the system's authorities."""

    __slots__ = ()
    host: str
    port: int
    tls: bool
    ca_file: str


class Line(namedtuple("Line", ("name", "port", "baud", "parity", "stop_bits", "data_bits"))):
    """One line. `port` is a device path, tcp:// or udp://HOST:PORT, or pulse inputs; `parity` is N,
    E or O.
    """

    __slots__ = ()
    name: str
    port: str
    baud: int
    parity: str
    stop_bits: int
    data_bits: int

    def bits_per_character(self) -> int:
        """Bits that one byte takes on the wire, start bit included: 10 for 8N1."""
        return self.setting().bits_per_character()

    def has_inputs(self) -> bool:
        """Whether these are pulse inputs, and no wire."""
        return any(self.port.startswith(scheme) for scheme in INPUTS)

    def setting(self) -> Setting:
        """As it is where no meter says otherwise, silent for 3.5 characters before a request."""
        setting = Setting(self.baud, self.data_bits, self.parity, self.stop_bits, 0)
        return Setting(self.baud, self.data_bits, self.parity, self.stop_bits,
                       silence_us(self.baud, setting.bits_per_character()))


class Meter(namedtuple("Meter", (
        "serial", "delivery_point", "line", "address", "model", "timeout_ms", "access"))):
    """One meter. Its place in Config.meters is its index in the schema. `line` is a name.

    `address` and `access` are as the protocol of the model has them: a number or a text; a record
    of passwords and keys, or None where there are none.
    """

    __slots__ = ()
    serial: str
    delivery_point: str
    line: str
    address: int | str
    model: str
    timeout_ms: int
    access: "Any"


class Characters(namedtuple("Characters", ("baud", "parity", "stop_bits", "data_bits"))):
    """How bytes go to one meter of a line, where it is not the line's way."""

    __slots__ = ()
    baud: int
    parity: str
    stop_bits: int
    data_bits: int


class ClockPolicy(namedtuple("ClockPolicy", ("tolerance_s", "max_step_s"))):
    """What is done about meters' clocks: an error above `tolerance_s` is told; it is mended in
    steps of at most `max_step_s`, or left alone where that is 0.
    """

    __slots__ = ()
    tolerance_s: int
    max_step_s: int


class Clock(namedtuple("Clock", ("start_s", "wall_s", "speed"))):
    """Compressed time: `start_s` at wall time `wall_s`, then `speed` times as fast (1..3600)."""

    __slots__ = ()
    start_s: int
    wall_s: int
    speed: int


class Config(namedtuple("Config", (
        "concentrator", "broker", "schedule", "lines", "meters", "clock", "clock_policy",
        "characters", "mesh", "schedules", "register_sets"))):
    """A whole configuration that holds together. `clock` is None for the real one. `characters`
    are those of each meter, in their order; None for one that has its line's. `broker` is None
    where all goes through the mesh, `mesh` where there is none. `schedules` are those of each
    meter: its own, or `schedule`; `register_sets` those that each has beside it (portions.py).
    """

    __slots__ = ()
    concentrator: Concentrator
    broker: Broker | None
    schedule: Schedule
    lines: tuple[Line, ...]
    meters: tuple[Meter, ...]
    clock: Clock | None
    clock_policy: ClockPolicy
    characters: tuple[Characters | None, ...]
    mesh: "MeshSetting | None"
    schedules: tuple[Schedule, ...]
    register_sets: tuple[tuple[OwnSet, ...], ...]


def check(document: object, models: dict[str, str]) -> Config:
    """The configuration in `document`; `models` are those of the catalogue: protocols by name.

    Raises ConfigError with all mistakes. Paths count array tables from 0: meter[3].address.
    """
    mistakes: list[tuple[str, str, str]] = []
    top = Table(document, "", mistakes)
    mesh, needs_broker = _mesh(top) if top.has("mesh") else (None, True)
    if not needs_broker and top.has("broker"):
        top.complain("broker", 'no [broker] beside [mesh] with role = "station": this one has no '
                     "uplink of its own", "both")
    head = (_concentrator(top.table("concentrator")),
            _broker(top.table("broker")) if needs_broker or top.has("broker") else None,
            _schedule(top.table("schedule")))
    # Without both it waits for the head-end to say what there is (configuration/).
    least = 1 if top.has("line") or top.has("meter") else 0
    lines = tuple([_line(t) for t in top.tables("line", least, LINES_MAX)])
    sets = check_sets(top, mistakes)
    meters = [_meter(t, models, sets) for t in top.tables("meter", least, METERS_MAX)]
    config = Config(
        head[0], head[1], head[2], lines,
        tuple([meter for meter, _, _, _ in meters]),
        _clock(top.table("clock"), top.has("clock")),
        _clock_policy(top.table("clock_policy")),
        tuple([characters for _, characters, _, _ in meters]), mesh,
        tuple([own or head[2] for _, _, own, _ in meters]),
        tuple([own for _, _, _, own in meters]),
    )
    different = len(different_schedules(
        list(config.schedules) + [one.schedule for own in config.register_sets for one in own]))
    if different > SCHEDULES_MAX:
        mistakes.append(("meter", "at most %d different schedules" % SCHEDULES_MAX,
                         "%d" % different))
    top.done()
    check_lines(config, mistakes)
    check_meters(config, models, mistakes)
    if mistakes:
        raise ConfigError("configuration", mistakes)
    return config


def different_schedules(schedules: "Sequence[Schedule]") -> list[Schedule]:
    """Each of them once, the shortest period first."""
    found: list[Schedule] = []
    for schedule in schedules:
        if schedule not in found:
            found.append(schedule)
    return sorted(found, key=tuple)  # No ties: each stands once.


def _mesh(top: Table) -> "tuple[MeshSetting, bool]":
    """The mesh, and whether there has to be a broker beside it."""
    from wum_edge.carry.setting import STATION, check_mesh  # Late: most boards have no mesh.
    mesh = check_mesh(top.table("mesh"))
    return mesh, mesh.role != STATION


def _concentrator(table: Table) -> Concentrator:
    found = Concentrator(
        table.text("name", most=64), table.text("keys"), table.text("archive"),
        table.number("archive_limit_mb", 1, 65536, 64), table.optional_text("catalog"),
        table.number("disconnects_per_hour", 0, 1000, 10),
        table.number("disconnect_delay_s", 0, 3600, 60),
    )
    table.done()
    return found


def _broker(table: Table) -> Broker:
    tls = table.truth("tls", True)
    host = table.text("host")
    found = Broker(host, table.number("port", 1, 65535, 8883 if tls else 1883), tls,
                   table.optional_text("ca_file"))
    if host and not tls and host not in LOOPBACK:
        table.complain("tls", "true for a host that is not loopback (%s)" % ", ".join(LOOPBACK),
                       "plain MQTT to %s" % shown(host))
    if found.ca_file and not tls:
        table.complain("ca_file", "tls = true beside it", "tls = false")
    table.done()
    return found


def _schedule(table: Table) -> Schedule:
    period_s = table.number("period_s", 1, 86400, 3600)
    found = Schedule(period_s, table.number("offset_s", 0, period_s - 1, 0))
    table.done()
    return found


def _line(table: Table) -> Line:
    port = table.text("port")
    if is_network(port) and not _is_address(port[len(TCP):]):
        table.complain("port", "tcp://HOST:PORT, like tcp://192.0.2.7:502", shown(port))
    if port in INPUTS:
        table.complain("port", "gpio:/dev/gpiochip0 or edges:SOCKET", shown(port))
    characters = _characters(table)
    found = Line(_name(table, "name"), port, characters.baud, characters.parity,
                 characters.stop_bits, characters.data_bits)
    table.done()
    return found


def is_network(port: str) -> bool:
    """Whether a line's port is no device but an address."""
    return port.startswith(TCP) or port.startswith(UDP)


def _is_address(text: str) -> bool:
    host, _, port = text.rpartition(":")
    return bool(host) and port.isdigit() and 0 < int(port) < 65536


def _characters(table: Table) -> Characters:
    # 7 data bits are IEC 62056-21; RTU characters have 8 (Serial Line V1.02, 2.5.1).
    return Characters(
        _whole(table, "baud", BAUDS, 9600), str(table.choice("parity", ("N", "E", "O"), "N")),
        _whole(table, "stop_bits", (1, 2), 1), _whole(table, "data_bits", (8, 7), 8))


def _own_characters(table: Table) -> Characters | None:
    """A meter's own; it must then say all of them that are not 9600 8N1."""
    given = [key for key in ("baud", "parity", "stop_bits", "data_bits") if table.has(key)]
    found = _characters(table)       # In any case: so that the keys are known.
    return found if given else None


def _meter(
        table: Table, models: dict[str, str], sets: dict[str, OwnSet],
) -> tuple[Meter, Characters | None, Schedule | None, tuple[OwnSet, ...]]:
    serial = _name(table, "serial")
    delivery_point = _name(table, "delivery_point", "dp-" + serial if serial else "dp-unknown")
    line = _name(table, "line")
    model = _name(table, "model")
    if model and model not in models:
        near = nearest(model, sorted(models))
        known = "one of " + ", ".join(sorted(models)) if len(models) <= _MODELS_NAMED else (
            "a model that `wum-edge catalog list` has, or of your own folder (catalog in "
            "[concentrator])")
        table.complain("model", known + (" (did you mean %s?)" % near if near else ""),
                       shown(model))
    address, access = _reached(table, models.get(model, ""))
    found = Meter(serial, delivery_point, line, address, model,
                  table.number("timeout_ms", 20, 10000, TIMEOUT_MS), access)
    characters = _own_characters(table)
    schedule = _own_schedule(table)
    own = sets_of_meter(table, sets)
    table.done()
    return found, characters, schedule, own


def _own_schedule(table: Table) -> Schedule | None:
    """A meter's own; an offset alone would be of nobody knows which period."""
    if not table.has("period_s"):
        if table.has("offset_s"):
            table.complain("offset_s", "a period_s beside it", shown(table.given("offset_s")))
        table.given("period_s")
        table.given("offset_s")
        return None
    period_s = table.number("period_s", 1, 86400)
    return Schedule(period_s, table.number("offset_s", 0, period_s - 1, 0))


def _reached(table: Table, protocol: str) -> "tuple[Any, Any]":
    """(address, access), as the protocol has them; unchecked where the model is not known."""
    address = table.given("address")
    below = table.table("access", secret=True)
    if not protocol:
        return address if type(address) in (int, str) else None, None
    entry = entry_of(protocol)
    found = entry.check_address(table), entry.check_access(below)
    below.done()
    return found


def _clock(table: Table, given: bool) -> Clock | None:
    if not given:
        return None
    wall_s = table.number("wall_s", 0, TIME_MAX_S)
    found = Clock(table.number("start_s", 0, wall_s or TIME_MAX_S), wall_s,
                  table.number("speed", 1, 3600))
    table.done()
    return found


def _clock_policy(table: Table) -> ClockPolicy:
    found = ClockPolicy(table.number("tolerance_s", 1, 3600, CLOCK_TOLERANCE_S),
                        table.number("max_step_s", 0, 3600, 0))
    table.done()
    return found


def _name(table: Table, key: str, default: str | None = None) -> str:
    """A text that may stand in the contract's id-text fields; empty for one that may not."""
    value = table.text(key, default, most=64)
    if value:
        try:
            checked_text(value, key)
        except Malformed:
            table.complain(key, "printable ASCII without space and / + #", shown(value))
            return ""
    return value


def _whole(table: Table, key: str, allowed: tuple[int, ...], default: int) -> int:
    value = table.choice(key, allowed, default)
    assert type(value) is int
    return value
