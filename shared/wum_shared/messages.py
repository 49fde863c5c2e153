"""The messages of contract.cddl as records, but for the batch, which is in batch.py.

Reading is the one meaning of a reading anywhere in WUM. Encoding is deterministic CBOR;
decoding raises Malformed, or Unsupported for another version of the contract.
"""

from collections import namedtuple

from wum_shared import cbor, fields
from wum_shared.columns import VALUE_MAX, VALUE_MIN
from wum_shared.errors import Malformed, Unsupported
from wum_shared.ids import (
    CONCENTRATOR_SIZE,
    DIGEST_SIZE,
    INCARNATION_SIZE,
    checked_text,
    concentrator_id,
    id_to_text,
)

METERS_MAX = 1024            # 64 on the bus, and those of a big concentrator behind a mesh.
REGISTER_SETS_MAX = 256
REGISTERS_MAX = 128
SCHEDULES_MAX = 64
SCHEMA_OF_SETS = 1           # Version of a schema whose meters have several schedules.
SEQUENCE_MAX = 2**53 - 1     # A JSON number still holds it exactly.
TIME_MAX_S = 2**32 - 1
NOTE_MAX = 200
OBIS_SIZE = 6
PASSWORD_MIN = 16
PASSWORD_MAX = 128
READING_BYTES_MAX = 128        # The longest one takes 96.
ACKNOWLEDGEMENT_BYTES_MAX = 320
SCHEMA_BYTES_MAX = 128 * 1024
REGISTRATION_BYTES_MAX = 512


class Reading(namedtuple("Reading", (
        "meter", "obis", "captured_at_s", "time_quality", "value", "scaler", "unit", "status"))):
    """One register of one meter at one capture time.

    `value` x 10^`scaler` is in `unit` (IEC 62056-6-2 code); None is a value that is absent,
    and `status` says why (status.py). `captured_at_s` is UTC.
    """

    __slots__ = ()
    meter: str
    obis: bytes
    captured_at_s: int
    time_quality: int
    value: int | None
    scaler: int
    unit: int
    status: int


class Register(namedtuple("Register", ("obis", "scaler", "unit"))):
    """What one column of a register set is: OBIS code (6 bytes), power of ten, unit code."""

    __slots__ = ()
    obis: bytes
    scaler: int
    unit: int


class RegisterSet(namedtuple("RegisterSet", ("profile", "registers"))):
    """The registers that stand together in one row, in their order."""

    __slots__ = ()
    profile: int
    registers: tuple[Register, ...]


class Schedule(namedtuple("Schedule", ("period_s", "offset_s"))):
    """Due whenever (UTC seconds - offset_s) is a multiple of period_s."""

    __slots__ = ()
    period_s: int
    offset_s: int


class Meter(namedtuple("Meter", (
        "serial", "delivery_point", "model", "register_sets", "schedules"))):
    """A meter as a schema lists it; the last two are indices into the schema's lists: its register
    sets, and by which schedule each of them is read. No schedule speaks of a set whose profile is
    not 0; it has that of the first.
    """

    __slots__ = ()
    serial: str
    delivery_point: str
    model: str
    register_sets: tuple[int, ...]
    schedules: tuple[int, ...]


class Schema(namedtuple("Schema", (
        "tenant", "concentrator", "valid_from_s", "meters", "register_sets", "schedules"))):
    """What the numbers in a batch mean. Named by `ids.schema_id` of its encoding."""

    __slots__ = ()
    tenant: str
    concentrator: bytes
    valid_from_s: int
    meters: tuple[Meter, ...]
    register_sets: tuple[RegisterSet, ...]
    schedules: tuple[Schedule, ...]


class Acknowledgement(namedtuple("Acknowledgement", (
        "concentrator", "incarnation", "first_sequence", "last_sequence", "digest", "answer",
        "set_aside", "note"))):
    """The head-end's answer to one batch. `answer` is one of status.ANSWERS."""

    __slots__ = ()
    concentrator: bytes
    incarnation: bytes
    first_sequence: int
    last_sequence: int
    digest: bytes
    answer: int
    set_aside: int
    note: str


class DirectionKey(namedtuple("DirectionKey", ("key", "context_iv"))):
    """ChaCha20/Poly1305 key (32 bytes) and context IV (12 bytes) of one direction."""

    __slots__ = ()
    key: bytes
    context_iv: bytes

    def __repr__(self) -> str:
        return "DirectionKey(hidden)"  # Records are shown in logs and tracebacks; keys never.


class Registration(namedtuple("Registration", (
        "concentrator", "identity_key", "tenant", "epoch", "uplink", "downlink",
        "broker_password"))):
    """What provisioning hands to the head-end. Secret: it holds the keys of both directions."""

    __slots__ = ()
    concentrator: bytes
    identity_key: bytes
    tenant: str
    epoch: int
    uplink: DirectionKey
    downlink: DirectionKey
    broker_password: str

    def __repr__(self) -> str:
        return "Registration(%s, hidden)" % id_to_text(self.concentrator)


def encode_reading(reading: Reading) -> bytes:
    """CBOR of one reading."""
    return cbor.encode(list(reading))


def decode_reading(data: bytes) -> Reading:
    """The reading in `data`. Raises Malformed."""
    parts = fields.record(cbor.decode(data, most_bytes=READING_BYTES_MAX), 8, "reading")
    value = parts[4]
    return Reading(
        checked_text(parts[0], "reading meter"),
        fields.octets(parts[1], OBIS_SIZE, "reading OBIS code"),
        time_field(parts[2], "reading captured-at"),
        fields.number(parts[3], 0, 2, "reading time-quality"),
        None if value is None else fields.number(value, VALUE_MIN, VALUE_MAX, "reading value"),
        fields.number(parts[5], -9, 9, "reading scaler"),
        fields.number(parts[6], 1, 255, "reading unit"),
        fields.number(parts[7], 0, 65535, "reading status"),
    )


def encode_schema(schema: Schema) -> bytes:
    """CBOR of a schema; `ids.schema_id` of it is the schema's name. In version 0 where each meter
    has one schedule, so that such a schema keeps its name.
    """
    version = SCHEMA_OF_SETS if any(_is_mixed(m) for m in schema.meters) else fields.VERSION
    return cbor.encode([
        version, schema.tenant, schema.concentrator, schema.valid_from_s,
        [[m.serial, m.delivery_point, m.model, list(m.register_sets),
          list(m.schedules) if version else m.schedules[0]] for m in schema.meters],
        [[s.profile, [list(r) for r in s.registers]] for s in schema.register_sets],
        [list(s) for s in schema.schedules],
    ])


def decode_schema(data: bytes) -> Schema:
    """The schema in `data`. Raises Malformed, Unsupported."""
    parts = _of_version(data)
    sets = tuple([_register_set(s) for s in fields.items(
        parts[5], REGISTER_SETS_MAX, "schema register-sets")])
    schedules = tuple([_schedule(s) for s in fields.items(
        parts[6], SCHEDULES_MAX, "schema schedules")])
    meters = tuple([_meter(m, len(sets), len(schedules), parts[0]) for m in fields.items(
        parts[4], METERS_MAX, "schema meters")])
    if parts[0] and not any(_is_mixed(m) for m in meters):
        raise Malformed("schema: version 1, wanted version 0, where each meter has one schedule")
    fields.unlike([m.serial for m in meters], "schema serials")
    return Schema(
        checked_text(parts[1], "schema tenant"),
        fields.octets(parts[2], CONCENTRATOR_SIZE, "schema concentrator"),
        time_field(parts[3], "schema valid-from"),
        meters, sets, schedules,
    )


def _is_mixed(meter: Meter) -> bool:
    """Whether its register sets are read by different schedules."""
    return any(schedule != meter.schedules[0] for schedule in meter.schedules)


def _of_version(data: bytes) -> list[object]:
    """Fields of a schema of either version."""
    try:
        return versioned(data, 7, "schema", SCHEMA_BYTES_MAX)
    except Unsupported:
        return versioned(data, 7, "schema", SCHEMA_BYTES_MAX, version=SCHEMA_OF_SETS)


def _register_set(value: object) -> RegisterSet:
    parts = fields.record(value, 2, "register-set")
    registers = tuple([_register(r) for r in fields.items(
        parts[1], REGISTERS_MAX, "register-set registers", least=1)])
    fields.unlike([r.obis for r in registers], "register-set OBIS codes")
    return RegisterSet(fields.number(parts[0], 0, 255, "register-set profile"), registers)


def _register(value: object) -> Register:
    parts = fields.record(value, 3, "register")
    return Register(
        fields.octets(parts[0], OBIS_SIZE, "register OBIS code"),
        fields.number(parts[1], -9, 9, "register scaler"),
        fields.number(parts[2], 1, 255, "register unit"),
    )


def _schedule(value: object) -> Schedule:
    parts = fields.record(value, 2, "schedule")
    return Schedule(
        fields.number(parts[0], 1, 86400, "schedule period"),
        fields.number(parts[1], 0, 86399, "schedule offset"),
    )


def _meter(value: object, sets: int, schedules: int, version: object) -> Meter:
    parts = fields.record(value, 5, "meter")
    indices = tuple([fields.number(i, 0, sets - 1, "meter register-set") for i in fields.items(
        parts[3], REGISTER_SETS_MAX, "meter register-sets", least=1)])
    fields.unlike(list(indices), "meter register-sets")
    return Meter(
        checked_text(parts[0], "meter serial"),
        checked_text(parts[1], "meter delivery-point"),
        checked_text(parts[2], "meter model"),
        indices, _schedules(parts[4], len(indices), schedules, version),
    )


def _schedules(value: object, sets: int, schedules: int, version: object) -> tuple[int, ...]:
    """Of each register set its schedule; version 0 has one for all."""
    if not version:
        return (fields.number(value, 0, schedules - 1, "meter schedule"),) * sets
    found = tuple([fields.number(i, 0, schedules - 1, "meter schedule") for i in fields.items(
        value, REGISTER_SETS_MAX, "meter schedules", least=1)])
    if len(found) != sets:
        raise Malformed("meter schedules: wanted %d, one for each register set, got %d" % (
            sets, len(found)))
    return found


def encode_acknowledgement(ack: Acknowledgement) -> bytes:
    """CBOR of an acknowledgement, to be sealed with the downlink key."""
    return cbor.encode([fields.VERSION] + list(ack))


def decode_acknowledgement(data: bytes) -> Acknowledgement:
    """The acknowledgement in `data`. Raises Malformed, Unsupported."""
    parts = versioned(data, 9, "acknowledgement", ACKNOWLEDGEMENT_BYTES_MAX)
    first = sequence_field(parts[3], "acknowledgement first-sequence")
    return Acknowledgement(
        fields.octets(parts[1], CONCENTRATOR_SIZE, "acknowledgement concentrator"),
        fields.octets(parts[2], INCARNATION_SIZE, "acknowledgement incarnation"),
        first,
        fields.number(parts[4], first, SEQUENCE_MAX, "acknowledgement last-sequence"),
        fields.octets(parts[5], DIGEST_SIZE, "acknowledgement digest"),
        fields.number(parts[6], 0, 4, "acknowledgement answer"),
        fields.number(parts[7], 0, SEQUENCE_MAX, "acknowledgement set-aside"),
        note_field(parts[8], "acknowledgement note"),
    )


def encode_registration(registration: Registration) -> bytes:
    """CBOR of a registration, to be signed by the identity."""
    r = registration
    return cbor.encode([
        fields.VERSION, r.concentrator, r.identity_key, r.tenant, r.epoch,
        list(r.uplink), list(r.downlink), r.broker_password,
    ])


def decode_registration(data: bytes) -> Registration:
    """The registration in `data`. Raises Malformed, Unsupported."""
    parts = versioned(data, 8, "registration", REGISTRATION_BYTES_MAX)
    concentrator = fields.octets(parts[1], CONCENTRATOR_SIZE, "registration concentrator")
    identity_key = fields.octets(parts[2], 32, "registration identity-key")
    if concentrator_id(identity_key) != concentrator:
        raise Malformed("registration: %s is not the id of this identity-key" % id_to_text(
            concentrator))
    return Registration(
        concentrator,
        identity_key,
        checked_text(parts[3], "registration tenant"),
        fields.number(parts[4], 0, 65535, "registration epoch"),
        _direction_key(parts[5], "registration uplink"),
        _direction_key(parts[6], "registration downlink"),
        _password(parts[7]),
    )


def _direction_key(value: object, what: str) -> DirectionKey:
    parts = fields.record(value, 2, what)
    return DirectionKey(
        fields.octets(parts[0], 32, what + " key"),
        fields.octets(parts[1], 12, what + " context-iv"),
    )


def _password(value: object) -> str:
    """Printable ASCII; the text of the error does not show it."""
    if type(value) is not str or not PASSWORD_MIN <= len(value) <= PASSWORD_MAX or any(
            not "!" <= c <= "~" for c in value):
        raise Malformed("registration broker-password: wanted %d..%d printable characters" % (
            PASSWORD_MIN, PASSWORD_MAX))
    return value


def versioned(
        data: bytes, size: int, what: str, most_bytes: int, *, version: int = fields.VERSION,
) -> list[object]:
    """Fields of a message whose first is its version.

    The version is looked at before the number of fields: another version may have more.
    Raises Malformed, Unsupported.
    """
    value = cbor.decode(data, most_bytes=most_bytes)
    if type(value) is list and value:
        fields.version(value[0], what, version)
    return fields.record(value, size, what)


def sequence_field(value: object, what: str) -> int:
    """A sequence number, 1..2**53-1."""
    return fields.number(value, 1, SEQUENCE_MAX, what)


def note_field(value: object, what: str) -> str:
    """A note: up to 200 bytes of UTF-8 without control characters."""
    return fields.text(value, NOTE_MAX, what)


def time_field(value: object, what: str) -> int:
    """UTC seconds since 1970, in 32 bits (until 2106)."""
    return fields.number(value, 0, TIME_MAX_S, what)
