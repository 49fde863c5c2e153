"""A configuration as the head-end orders it: the parts of a concentrator's that come from afar.

    [version, number, {part: tables}]    deterministic CBOR, the arguments of an order "configure"

Parts are those of the configuration file (docs/gateway.md): `schedule`, `line`, `meter`,
`clock_policy`, `register_set` (then it is version 1), and `role` of [mesh]. Left out, and refused:
folders, broker and its certificates, which a wrong order could cut the concentrator off by;
passwords and keys of meters, which stay in its own file. What the values must be whoever applies it
checks (wum_edge/config.py).
"""

from collections import namedtuple
from hashlib import sha256

from wum_shared import cbor, fields
from wum_shared.errors import Malformed, Unsupported
from wum_shared.messages import METERS_MAX, SEQUENCE_MAX, versioned
from wum_shared.orders import ARGUMENTS_MAX

PARTS = ("schedule", "line", "meter", "clock_policy", "role")
SETS = "register_set"
WITH_SETS = 1                # The version in which there may be, and are, register sets.
LINES_MAX = 16
SETS_MAX = 64
TABLES = {"line": LINES_MAX, "meter": METERS_MAX, SETS: SETS_MAX}
FIELDS_MAX = 24
TEXT_MAX = 255
DIGEST_SIZE = 16


class Configuration(namedtuple("Configuration", ("number", "parts"))):
    """`number` rises with each that a concentrator is sent; `parts` are plain dicts, by name."""

    __slots__ = ()
    number: int
    parts: dict[str, object]

    @property
    def digest(self) -> bytes:
        """What it says: the same parts have the same digest under any number (16 bytes)."""
        return sha256(cbor.encode(self.parts)).digest()[:DIGEST_SIZE]


def encode_configuration(configuration: Configuration) -> bytes:
    """CBOR. Raises Malformed for what `decode_configuration` refuses, its size included."""
    version = WITH_SETS if SETS in configuration.parts else fields.VERSION
    encoded = cbor.encode([version, configuration.number, configuration.parts])
    decode_configuration(encoded)
    return encoded


def decode_configuration(data: bytes) -> Configuration:
    """The configuration in `data`. Raises Malformed, Unsupported."""
    known: tuple[str, ...] = PARTS
    try:
        top = versioned(data, 3, "configuration", ARGUMENTS_MAX)
    except Unsupported:
        top = versioned(data, 3, "configuration", ARGUMENTS_MAX, version=WITH_SETS)
        known = PARTS + (SETS,)
    number = fields.number(top[1], 1, SEQUENCE_MAX, "configuration number")
    parts = top[2]
    if type(parts) is not dict:
        raise Malformed("configuration: wanted a map of parts, got %s" % fields.shown(parts))
    if len(known) > len(PARTS) and SETS not in parts:
        raise Malformed("configuration: version 1, wanted version 0, where no part is " + SETS)
    for name in parts:
        if name not in known:
            raise Malformed("configuration: no part %s comes from afar" % fields.shown(name))
        value = parts[name]
        if name in TABLES:
            for table in fields.items(value, TABLES[name], "configuration " + name, least=1):
                _table(table, name)
        elif name == "role":
            if type(value) is not str:
                raise Malformed("configuration role: wanted a text, got %s" % fields.shown(value))
            _scalar(value, name)
        else:
            _table(value, name)
    return Configuration(number, parts)


def _table(value: object, name: str) -> None:
    if type(value) is not dict or len(value) > FIELDS_MAX:
        raise Malformed("configuration %s: wanted a table of at most %d fields, got %s" % (
            name, FIELDS_MAX, fields.shown(value)))
    for key in value:
        if type(key) is not str or key == "access":
            raise Malformed("configuration %s: no field %s comes from afar" % (
                name, fields.shown(key)))
        _scalar(value[key], "%s.%s" % (name, key))


def _scalar(value: object, name: str) -> None:
    if type(value) is str and len(value) <= TEXT_MAX:
        return
    if type(value) is not int and type(value) is not bool:
        raise Malformed("configuration %s: wanted a number, a truth value or a text of at most %d"
                        " characters, got %s" % (name, TEXT_MAX, fields.shown(value)))
