"""Meter types as data: one entry of the catalogue checked into a record.

Left out: reading JSON files (the port does), the entries themselves (catalog/) and what a protocol
adds to an entry (its own entry.py). The form is catalog/schema.json; this file also checks what a
schema cannot say.
"""

from collections import namedtuple

from wum_edge.document import Table, nearest, shown
from wum_edge.errors import CatalogError
from wum_shared.errors import Malformed
from wum_shared.ids import checked_text
from wum_shared.messages import REGISTERS_MAX
from wum_shared.obis import obis_from_text, obis_to_text
from wum_shared.units import NO_UNIT, UNITS, unit_from_text

TYPE_CHECKING = False        # True for type checkers only: a board has neither.
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


class Register(namedtuple("Register", ("name", "obis", "unit", "scaler", "source"))):
    """One register: it is kept as an integer of 10^`scaler` in `unit` (code). `source` is a record
    of the protocol: where the meter has it, and as what.
    """

    __slots__ = ()
    name: str
    obis: bytes
    unit: int
    scaler: int
    source: "Any"


class Model(namedtuple("Model", (
        "model", "make", "label", "protocol", "source", "licence", "registers", "manner"))):
    """One meter type. Its registers, in their order, are one register set of the schema. `manner`
    is a record of the protocol: how the type wants to be asked.
    """

    __slots__ = ()
    model: str
    make: str
    label: str
    protocol: str
    source: str
    licence: str
    registers: tuple[Register, ...]
    manner: "Any"


def _modbus() -> "ModuleType":
    from wum_edge.meters.modbus import entry  # Late: only what is spoken is loaded.
    return entry


def _modbus_tcp() -> "ModuleType":
    from wum_edge.meters.modbus import tcp_entry  # Late: only what is spoken is loaded.
    return tcp_entry


def _iec62056_21() -> "ModuleType":
    from wum_edge.meters.iec62056_21 import entry  # Late: only what is spoken is loaded.
    return entry


def _mbus() -> "ModuleType":
    from wum_edge.meters.mbus import entry  # Late: only what is spoken is loaded.
    return entry


def _dlms() -> "ModuleType":
    from wum_edge.meters.dlms import entry  # Late: only what is spoken is loaded.
    return entry


def _sml() -> "ModuleType":
    from wum_edge.meters.sml import entry  # Late: only what is spoken is loaded.
    return entry


def _p1() -> "ModuleType":
    from wum_edge.meters.p1 import entry  # Late: only what is spoken is loaded.
    return entry


def _pulse() -> "ModuleType":
    from wum_edge.meters.pulse import entry  # Late: only what is spoken is loaded.
    return entry


# By protocol, what gives its entry module: check_source(table of a register), check_manner(table
# of the model), check_together(register), check_address and check_access (tables of a meter in the
# configuration); cost(model), for plans: (bytes, turns) of one reading; and, where a protocol is
# not paced like Modbus RTU, pace(model, baud, bits_per_character). Imported when first wanted: a
# board has no memory for all of them.
_ENTRIES = {
    "dlms-hdlc": _dlms,
    "dlms-wrapper": _dlms,
    "iec62056-21": _iec62056_21,
    "mbus": _mbus,
    "modbus-rtu": _modbus,
    "modbus-tcp": _modbus_tcp,
    "p1": _p1,
    "pulse": _pulse,
    "sml": _sml,
}
PROTOCOLS = tuple(sorted(_ENTRIES))


def entry_of(protocol: str) -> "ModuleType":
    """The module that says what a protocol adds to catalogue and configuration."""
    return _ENTRIES[protocol]()


def protocols(models: dict[str, Model]) -> dict[str, str]:
    """Protocol of each model, by name: what config.check wants to know of a catalogue."""
    return {name: models[name].protocol for name in sorted(models)}


def check_model(document: object, file_name: str = "") -> Model:
    """The model in `document`. Raises CatalogError; its paths name model, register and field.

    With `file_name` the entry must name its file: the catalogue is found by name.
    """
    mistakes: list[tuple[str, str, str]] = []
    table = Table(document, file_name, mistakes)
    name = _id_text(table, "model")
    table.path = name or file_name
    if file_name and name and name != file_name:
        table.complain("model", "the name of its file, %s" % shown(file_name), shown(name))
    protocol = _protocol(table)
    entry = entry_of(protocol) if protocol else None
    found = Model(
        name, table.text("make"), table.text("label"), protocol,
        table.text("source"), table.text("licence"),
        tuple([_register(t, entry) for t in table.tables("registers", 1, REGISTERS_MAX)]),
        entry.check_manner(table) if entry else None,
    )
    table.optional_text("comment", 2000)
    if entry:                    # Without its protocol nobody knows which keys it may have.
        table.done()
    _check_twice(found, entry, mistakes)
    if mistakes:
        raise CatalogError("catalogue", mistakes)
    return found


def _protocol(table: Table) -> str:
    """Its name; empty for one that we do not speak, unless what is meant is plain."""
    protocol = table.text("protocol")
    if not protocol or protocol in _ENTRIES:
        return protocol
    meant = nearest(protocol, list(PROTOCOLS))
    table.complain("protocol", "one of %s%s" % (
        ", ".join(PROTOCOLS), " (did you mean %s?)" % meant if meant else ""), shown(protocol))
    return meant


def _register(table: Table, entry: "ModuleType | None") -> Register:
    name = _id_text(table, "name")
    if name:
        table.path = table.path.split("[")[0] + "[%s]" % name
    found = Register(name, _obis(table), _unit(table), table.number("scaler", -9, 9),
                     entry.check_source(table) if entry else None)
    table.optional_text("comment", 2000)
    if entry:
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


def _obis(table: Table) -> bytes:
    text = table.text("obis")
    if text:
        try:
            return obis_from_text(text)
        except Malformed:
            table.complain("obis", "an OBIS code A-B:C.D.E or A-B:C.D.E*F", shown(text))
    return bytes(6)


def _unit(table: Table) -> int:
    """Code of a unit; an empty text stands for a quantity that has none, like a power factor."""
    text = table.text("unit", least=0)
    try:
        return unit_from_text(text)
    except Malformed:
        known = [UNITS[code] for code in sorted(UNITS) if UNITS[code]]
        raised = {"k": 3, "M": 6}.get(text[:1])
        hint = " (a %s is %s with a scaler higher by %d)" % (text, text[1:], raised) if (
            raised and text[1:] in known) else ""
        table.complain("unit", "one of %s, or an empty text%s" % (", ".join(known), hint),
                       shown(text))
        return NO_UNIT


def _check_twice(
        model: Model, entry: "ModuleType | None", mistakes: list[tuple[str, str, str]],
) -> None:
    """What only shows beside other registers or fields: doubles, and what a protocol adds."""
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
        fault = entry.check_together(register) if entry else None
        if fault is not None and path + fault[0] not in wrong:
            mistakes.append((path + fault[0], fault[1], fault[2]))
        names.append(register.name)
        codes.append(register.obis)
