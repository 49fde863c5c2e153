"""Meter types as data: one entry of the catalogue checked into a record.

Left out: reading JSON files (the port does) and the entries themselves (catalog/). The form is
catalog/schema.json; this file also checks what a schema cannot say.
"""

from collections import namedtuple

from wum_edge.document import Table, shown
from wum_edge.errors import CatalogError
from wum_edge.meters.modbus_rtu import COUNT_MAX
from wum_edge.meters.scaling import TYPES, WORD_ORDERS, Scale, scale_from_text
from wum_shared.errors import Malformed
from wum_shared.ids import checked_text
from wum_shared.messages import REGISTERS_MAX
from wum_shared.obis import obis_from_text, obis_to_text
from wum_shared.units import NO_UNIT, UNITS, unit_from_text

PROTOCOLS = ("modbus-rtu",)
GAP = 17                     # Words that are cheaper to read than to skip, at 9600 baud and 20 ms.


class Limits(namedtuple("Limits", ("registers_per_request", "gap"))):
    """Most registers in one request, and most unwanted words that a request may bridge."""

    __slots__ = ()
    registers_per_request: int
    gap: int


class Register(namedtuple("Register", (
        "name", "obis", "function", "address", "count", "type", "word_order", "scale", "unit",
        "scaler", "absent"))):
    """One register: raw x `scale` is in `unit` (code); it is kept as an integer of 10^`scaler`.

    `address` is the one on the wire, from 0. `absent` is the raw number by which this model says
    that it has no value, or None.
    """

    __slots__ = ()
    name: str
    obis: bytes
    function: int
    address: int
    count: int
    type: str
    word_order: str
    scale: Scale
    unit: int
    scaler: int
    absent: int | None


class Model(namedtuple("Model", (
        "model", "make", "label", "protocol", "source", "licence", "registers", "limits"))):
    """One meter type. Its registers, in their order, are one register set of the schema."""

    __slots__ = ()
    model: str
    make: str
    label: str
    protocol: str
    source: str
    licence: str
    registers: tuple[Register, ...]
    limits: Limits


def check_model(entry: object, file_name: str = "") -> Model:
    """The model in `entry`. Raises CatalogError; its paths name model, register and field.

    With `file_name` the entry must name its file: the catalogue is found by name.
    """
    mistakes: list[tuple[str, str, str]] = []
    table = Table(entry, file_name, mistakes)
    name = _id_text(table, "model")
    table.path = name or file_name
    if file_name and name and name != file_name:
        table.complain("model", "the name of its file, %s" % shown(file_name), shown(name))
    found = Model(
        name, table.text("make"), table.text("label"),
        str(table.choice("protocol", PROTOCOLS)),
        table.text("source"), table.text("licence"),
        tuple([_register(t) for t in table.tables("registers", 1, REGISTERS_MAX)]),
        _limits(table.table("limits")),
    )
    table.optional_text("comment", 2000)
    table.done()
    _check_twice(found, mistakes)
    if mistakes:
        raise CatalogError("catalogue", mistakes)
    return found


def _limits(table: Table) -> Limits:
    found = Limits(table.number("registers_per_request", 1, COUNT_MAX, COUNT_MAX),
                   table.number("gap", 0, COUNT_MAX, GAP))
    table.done()
    return found


def _register(table: Table) -> Register:
    name = _id_text(table, "name")
    if name:
        table.path = table.path.split("[")[0] + "[%s]" % name
    type_name = str(table.choice("type", tuple(sorted(TYPES))))
    words = TYPES[type_name][0]
    found = Register(
        name, _obis(table), _function(table), table.number("address", 0, 65536 - words),
        table.number("count", words, words), type_name,
        str(table.choice("word_order", WORD_ORDERS, "big")),
        _scale(table), _unit(table), table.number("scaler", -9, 9), _absent(table, words),
    )
    table.optional_text("comment", 2000)
    table.done()
    return found


def _id_text(table: Table, key: str) -> str:
    text = table.text(key)
    if text:
        try:
            return checked_text(text, key)
        except Malformed:
            table.complain(key, "1..64 printable ASCII without space and / + #", shown(text))
    return ""


def _function(table: Table) -> int:
    function = table.choice("function", (3, 4))
    assert type(function) is int
    return function


def _obis(table: Table) -> bytes:
    text = table.text("obis")
    if text:
        try:
            return obis_from_text(text)
        except Malformed:
            table.complain("obis", "an OBIS code A-B:C.D.E or A-B:C.D.E*F", shown(text))
    return bytes(6)


def _scale(table: Table) -> Scale:
    text = table.text("scale")
    if text:
        try:
            return scale_from_text(text)
        except Malformed:
            table.complain("scale", "a decimal text like 0.1 or 1000, not zero", shown(text))
    return Scale(1, 0)


def _unit(table: Table) -> int:
    """Code of a unit; an empty text stands for a quantity that has none, like a power factor."""
    text = table.text("unit", least=0)
    try:
        return unit_from_text(text)
    except Malformed:
        known = ", ".join([UNITS[code] for code in sorted(UNITS) if UNITS[code]])
        table.complain("unit", "one of %s, or an empty text" % known, shown(text))
        return NO_UNIT


def _absent(table: Table, words: int) -> int | None:
    text = table.optional_text("absent")
    if not text:
        return None
    if len(text) == 4 * words and all(c in "0123456789abcdef" for c in text):
        return int(text, 16)
    table.complain("absent", "%d lower-case hexadecimal digits" % (4 * words), shown(text))
    return None


def _check_twice(model: Model, mistakes: list[tuple[str, str, str]]) -> None:
    """What only shows beside other registers or fields: doubles, and digits that would be lost."""
    wrong = [path for path, _, _ in mistakes]   # Their values are stand-ins: compare none of them.
    names: list[str] = []
    codes: list[bytes] = []
    for register in model.registers:
        path = "%s.registers[%s]." % (model.model, register.name)
        if register.name and register.name in names:
            mistakes.append((path + "name", "a name that no other register has",
                             shown(register.name)))
        if path + "obis" not in wrong and register.obis in codes:
            mistakes.append((path + "obis", "a code that no other register has",
                             shown(obis_to_text(register.obis))))
        exact = TYPES[register.type][1] == "float" or register.scaler <= register.scale.power
        if not exact and path + "scale" not in wrong:
            mistakes.append((path + "scaler", "at most %d, or digits are lost" %
                             register.scale.power, shown(register.scaler)))
        names.append(register.name)
        codes.append(register.obis)
