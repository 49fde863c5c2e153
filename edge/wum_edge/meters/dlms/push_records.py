"""The values in the body of a meter's own telegram, whichever way its maker nests them.

Left out: the telegram around it (push.py). Green Book 9.5; Blue Book, class 40 (push setup).
"""

from collections import namedtuple

from wum_edge.meters.dlms import axdr
from wum_edge.meters.dlms.axdr import Data
from wum_edge.meters.dlms.errors import DlmsMalformed
from wum_edge.meters.dlms.known_lists import named
from wum_edge.meters.dlms.objects import scaler_unit
from wum_shared.units import NO_UNIT

RECORDS_MAX = 512
_PUSH_SETUP = 40             # Class whose attribute 2 is the list of what is pushed.


class Record(namedtuple("Record", ("obis", "data", "scaler", "unit"))):
    """One value. `obis` is empty where the telegram gives values by their place only; `scaler` and
    `unit` are None where it does not say them: they are not guessed.
    """

    __slots__ = ()
    obis: bytes
    data: Data
    scaler: int | None
    unit: int | None


def records(body: Data) -> list[Record]:
    """The values of a notification's body, whichever way its maker nests them.

    Known forms: (OBIS, value, (scaler, unit)) nested or all in one row; a descriptor of nine bytes
    instead of the OBIS code; a list of captured objects and then their values; values alone, whose
    meaning known_lists.py adds where the list says its name.
    """
    found: list[Record] = []
    if body.tag in (axdr.ARRAY, axdr.STRUCTURE, axdr.COMPACT):
        _collect(body.elements(), found)
    else:
        found.append(Record(b"", body, None, None))
    return named(found)


def _collect(items: tuple[Data, ...], found: list[Record]) -> None:
    defined = _definitions(items[0]) if items else []
    # The list of what is pushed may be pushed, too, as its own first value: it is left out.
    first = len(defined) + 1 - len(items)
    if defined and (first == 0 or first == 1 and defined[0][0] == _PUSH_SETUP):
        for place, (_, obis) in enumerate(defined[first:]):
            _pushed(Record(obis, items[place + 1], None, None), found)
        return
    at = 0
    while at < len(items):
        item = items[at]
        at += 1
        if item.tag in (axdr.ARRAY, axdr.STRUCTURE, axdr.COMPACT):
            _collect(item.elements(), found)
            continue
        obis = _obis(item)
        if not obis or at == len(items) or _is_nested(items[at]):
            _keep(Record(b"", item, None, None), found)
            continue
        value = items[at]
        at += 1
        scaler = unit = None
        if at < len(items) and _is_scaler_unit(items[at]):
            scaler, unit = scaler_unit(items[at])
            at += 1
        _keep(Record(obis, value, scaler, unit), found)


def _pushed(record: Record, found: list[Record]) -> None:
    """Keep a value; what is only scaler and unit is that of the value before it."""
    before = found[-1] if found and found[-1].obis == record.obis else None
    if before is not None and before.unit is None and _is_scaler_unit(record.data):
        scaler, unit = scaler_unit(record.data)
        found[-1:] = [Record(before.obis, before.data, scaler, unit)]
        return
    _keep(record, found)


def _keep(record: Record, found: list[Record]) -> None:
    if len(found) >= RECORDS_MAX:
        raise DlmsMalformed("push: more than %d values" % RECORDS_MAX)
    found.append(record)


def _obis(item: Data) -> bytes:
    """The OBIS code that an element is: six bytes, or class, code and attribute; empty for none.

    Six letters are six bytes, too; but group A is a medium, at most 15.
    """
    if item.tag != axdr.OCTETS or type(item.value) is not bytes:
        return b""
    if len(item.value) == 6 and item.value[0] < 16:
        return item.value
    if len(item.value) == 9 and item.value[0] == 0 and item.value[7] == 0xFF:
        return item.value[2:8]
    return b""


def _is_nested(item: Data) -> bool:
    return item.tag in (axdr.ARRAY, axdr.STRUCTURE, axdr.COMPACT)


def _is_scaler_unit(item: Data) -> bool:
    if item.tag != axdr.STRUCTURE:
        return False
    parts = item.elements()
    return len(parts) == 2 and parts[0].tag == axdr.INT8 and parts[1].tag in (
        axdr.ENUM, axdr.UINT8)


def _definitions(item: Data) -> list[tuple[int, bytes]]:
    """Class and OBIS code of each in an array of captured objects (class, code, attribute, index
    and more); empty for another array.
    """
    if item.tag != axdr.ARRAY:
        return []
    found = []
    for one in item.elements():
        parts = one.elements() if one.tag == axdr.STRUCTURE else ()
        if len(parts) < 4 or not _obis(parts[1]) or type(parts[0].value) is not int:
            return []
        found.append((int(parts[0].value), _obis(parts[1])))
    return found


def unit_of(record: Record) -> int:
    """The unit's code, NO_UNIT where the telegram says none."""
    return NO_UNIT if record.unit is None else record.unit
