"""xDLMS APDUs of LN referencing: GET, SET and ACTION with lists and blocks, both directions.

Left out: association (acse.py), ciphering (ciphering.py), what comes unasked or is wrong as a whole
(notices.py). Each APDU is a record and a row of LAYOUTS. Green Book 9.4 and 9.5.
"""

from collections import namedtuple
from struct import pack

from wum_edge.meters.dlms import axdr
from wum_edge.meters.dlms.axdr import Cursor, Data
from wum_edge.meters.dlms.errors import DlmsMalformed

LIST_MAX = 255               # Of one request or answer; a list of more would not fit a PDU anyway.
INVOKE = 0xC1                # Invoke-id 1, confirmed service, high priority.


class Attribute(namedtuple("Attribute", ("class_id", "obis", "number"))):
    """An attribute or method of one object: `obis` is six bytes, `number` its place in the class.
    """

    __slots__ = ()
    class_id: int
    obis: bytes
    number: int


class Selection(namedtuple("Selection", ("selector", "data"))):
    """Selective access: which part of an attribute."""

    __slots__ = ()
    selector: int
    data: Data


class Result(namedtuple("Result", ("code", "data"))):
    """Get-Data-Result: `code` 0 and the data, or a data-access-result and None."""

    __slots__ = ()
    code: int
    data: Data | None


class Block(namedtuple("Block", ("last", "number", "raw"))):
    """One block of a long APDU; `number` counts from 1."""

    __slots__ = ()
    last: bool
    number: int
    raw: bytes


class BlockResult(namedtuple("BlockResult", ("last", "number", "code", "raw"))):
    """One block of a long GET answer: `code` 0 and the bytes, or a data-access-result."""

    __slots__ = ()
    last: bool
    number: int
    code: int
    raw: bytes


class ActionResult(namedtuple("ActionResult", ("code", "result"))):
    """Action-Result, and what the method returned, if anything."""

    __slots__ = ()
    code: int
    result: Result | None


GetRequest = namedtuple("GetRequest", ("invoke", "attribute", "selection"))
GetNext = namedtuple("GetNext", ("invoke", "number"))
GetList = namedtuple("GetList", ("invoke", "wanted"))
GetResponse = namedtuple("GetResponse", ("invoke", "result"))
GetBlock = namedtuple("GetBlock", ("invoke", "block"))
GetListResponse = namedtuple("GetListResponse", ("invoke", "results"))
SetRequest = namedtuple("SetRequest", ("invoke", "attribute", "selection", "data"))
SetFirst = namedtuple("SetFirst", ("invoke", "attribute", "selection", "block"))
SetBlock = namedtuple("SetBlock", ("invoke", "block"))
SetList = namedtuple("SetList", ("invoke", "wanted", "data"))
SetListFirst = namedtuple("SetListFirst", ("invoke", "wanted", "block"))
SetResponse = namedtuple("SetResponse", ("invoke", "code"))
SetBlockTaken = namedtuple("SetBlockTaken", ("invoke", "number"))
SetLastTaken = namedtuple("SetLastTaken", ("invoke", "code", "number"))
SetLastListTaken = namedtuple("SetLastListTaken", ("invoke", "codes", "number"))
SetListResponse = namedtuple("SetListResponse", ("invoke", "codes"))
ActionRequest = namedtuple("ActionRequest", ("invoke", "method", "data"))
ActionNext = namedtuple("ActionNext", ("invoke", "number"))
ActionList = namedtuple("ActionList", ("invoke", "methods", "data"))
ActionFirst = namedtuple("ActionFirst", ("invoke", "method", "block"))
ActionListFirst = namedtuple("ActionListFirst", ("invoke", "methods", "block"))
ActionBlock = namedtuple("ActionBlock", ("invoke", "block"))
ActionResponse = namedtuple("ActionResponse", ("invoke", "answer"))
ActionResponseBlock = namedtuple("ActionResponseBlock", ("invoke", "block"))
ActionListResponse = namedtuple("ActionListResponse", ("invoke", "answers"))
ActionBlockTaken = namedtuple("ActionBlockTaken", ("invoke", "number"))

GET_REQUEST, SET_REQUEST, EVENT_NOTIFICATION, ACTION_REQUEST = 0xC0, 0xC1, 0xC2, 0xC3
GET_RESPONSE, SET_RESPONSE, ACTION_RESPONSE = 0xC4, 0xC5, 0xC7

LAYOUTS = {                  # (tag, choice): record, and how its fields are written.
    (0xC0, 1): (GetRequest, ("byte", "attribute", "selection")),
    (0xC0, 2): (GetNext, ("byte", "number")),
    (0xC0, 3): (GetList, ("byte", "selected*")),
    (0xC1, 1): (SetRequest, ("byte", "attribute", "selection", "data")),
    (0xC1, 2): (SetFirst, ("byte", "attribute", "selection", "block")),
    (0xC1, 3): (SetBlock, ("byte", "block")),
    (0xC1, 4): (SetList, ("byte", "selected*", "data*")),
    (0xC1, 5): (SetListFirst, ("byte", "selected*", "block")),
    (0xC3, 1): (ActionRequest, ("byte", "attribute", "data?")),
    (0xC3, 2): (ActionNext, ("byte", "number")),
    (0xC3, 3): (ActionList, ("byte", "attribute*", "data*")),
    (0xC3, 4): (ActionFirst, ("byte", "attribute", "block")),
    (0xC3, 5): (ActionListFirst, ("byte", "attribute*", "block")),
    (0xC3, 6): (ActionBlock, ("byte", "block")),
    (0xC4, 1): (GetResponse, ("byte", "result")),
    (0xC4, 2): (GetBlock, ("byte", "get block")),
    (0xC4, 3): (GetListResponse, ("byte", "result*")),
    (0xC5, 1): (SetResponse, ("byte", "byte")),
    (0xC5, 2): (SetBlockTaken, ("byte", "number")),
    (0xC5, 3): (SetLastTaken, ("byte", "byte", "number")),
    (0xC5, 4): (SetLastListTaken, ("byte", "byte*", "number")),
    (0xC5, 5): (SetListResponse, ("byte", "byte*")),
    (0xC7, 1): (ActionResponse, ("byte", "action answer")),
    (0xC7, 2): (ActionResponseBlock, ("byte", "block")),
    (0xC7, 3): (ActionListResponse, ("byte", "action result*")),
    (0xC7, 4): (ActionBlockTaken, ("byte", "number")),
}
SERVICES = (0xC0, 0xC1, 0xC3, 0xC4, 0xC5, 0xC7)


def decode_service(data: bytes) -> object:
    """The record of LAYOUTS in `data`. Raises DlmsMalformed."""
    cursor = Cursor(data)
    tag, choice = cursor.byte(), cursor.byte()
    if (tag, choice) not in LAYOUTS:
        raise DlmsMalformed("APDU: none has tag %02x and choice %d" % (tag, choice))
    record, kinds = LAYOUTS[(tag, choice)]
    found = record(*[_read_field(cursor, kind) for kind in kinds])
    cursor.done()
    return found


def encode_service(apdu: object) -> bytes:
    """The bytes of a record of LAYOUTS."""
    for head in LAYOUTS:
        record, kinds = LAYOUTS[head]
        if type(apdu) is record:
            assert isinstance(apdu, tuple)
            return bytes(head) + b"".join(
                [_written_field(kind, apdu[place]) for place, kind in enumerate(kinds)])
    raise AssertionError(apdu)


def _read_field(cursor: Cursor, kind: str) -> object:
    if kind[-1] != "*":
        return _READ[kind](cursor)
    count = cursor.length()
    if count > LIST_MAX:
        raise DlmsMalformed("APDU: a list of %d, at most %d" % (count, LIST_MAX))
    read = _READ[kind[:-1]]
    return tuple([read(cursor) for _ in range(count)])


def _written_field(kind: str, value: object) -> bytes:
    if kind[-1] != "*":
        return _WRITTEN[kind](value)
    assert isinstance(value, tuple)
    written = _WRITTEN[kind[:-1]]
    return axdr.length_bytes(len(value)) + b"".join([written(item) for item in value])


def read_attribute(cursor: Cursor) -> Attribute:
    """Class, OBIS code and number."""
    return Attribute(cursor.unsigned(2), cursor.take(6), cursor.byte())


def written_attribute(value: object) -> bytes:
    """The nine bytes of an Attribute."""
    assert isinstance(value, Attribute)
    return pack(">H", value.class_id) + value.obis + bytes([value.number])


def _read_selection(cursor: Cursor) -> Selection | None:
    return Selection(cursor.byte(), axdr.read_data(cursor)) if cursor.flag() else None


def _written_selection(value: object) -> bytes:
    if value is None:
        return b"\x00"
    assert isinstance(value, Selection)
    return bytes([1, value.selector]) + axdr.encode_data(value.data)


def _read_selected(cursor: Cursor) -> tuple[Attribute, Selection | None]:
    return read_attribute(cursor), _read_selection(cursor)


def _written_selected(value: object) -> bytes:
    assert isinstance(value, tuple)
    return written_attribute(value[0]) + _written_selection(value[1])


def _read_optional_data(cursor: Cursor) -> Data | None:
    return axdr.read_data(cursor) if cursor.flag() else None


def _written_data(value: object) -> bytes:
    assert isinstance(value, Data)
    return axdr.encode_data(value)


def _written_optional_data(value: object) -> bytes:
    return b"\x00" if value is None else b"\x01" + _written_data(value)


def _read_result(cursor: Cursor) -> Result:
    choice = cursor.byte()
    if choice == 0:
        return Result(0, axdr.read_data(cursor))
    if choice == 1:
        code = cursor.byte()
        if code == 0:
            raise DlmsMalformed("result: success stands where the error should")
        return Result(code, None)
    raise DlmsMalformed("result: wanted choice 0 or 1, got %d" % choice)


def _written_result(value: object) -> bytes:
    assert isinstance(value, Result)
    return bytes([1, value.code]) if value.data is None else b"\x00" + _written_data(value.data)


def _read_block(cursor: Cursor) -> Block:
    return Block(cursor.flag(), cursor.unsigned(4), cursor.octet_string())


def _written_block(value: object) -> bytes:
    assert isinstance(value, Block)
    return pack(">BI", value.last, value.number) + axdr.octet_string(value.raw)


def _read_get_block(cursor: Cursor) -> BlockResult:
    last, number, choice = cursor.flag(), cursor.unsigned(4), cursor.byte()
    if choice > 1:
        raise DlmsMalformed("block: wanted choice 0 or 1, got %d" % choice)
    if choice:
        return BlockResult(last, number, cursor.byte() or 250, b"")
    return BlockResult(last, number, 0, cursor.octet_string())


def _written_get_block(value: object) -> bytes:
    assert isinstance(value, BlockResult)
    head = pack(">BI", value.last, value.number)
    if value.code:
        return head + bytes([1, value.code])
    return head + b"\x00" + axdr.octet_string(value.raw)


def _read_action_result(cursor: Cursor) -> ActionResult:
    code = cursor.byte()
    return ActionResult(code, _read_result(cursor) if cursor.flag() else None)


def _read_action_answer(cursor: Cursor) -> ActionResult:
    """A single one: whoever returns nothing may leave out even the flag which says so."""
    if cursor.left() == 1:
        return ActionResult(cursor.byte(), None)
    return _read_action_result(cursor)


def _written_action_result(value: object) -> bytes:
    assert isinstance(value, ActionResult)
    if value.result is None:
        return bytes([value.code, 0])
    return bytes([value.code, 1]) + _written_result(value.result)


def _written_byte(value: object) -> bytes:
    assert type(value) is int
    return bytes([value])


def _written_number(value: object) -> bytes:
    return pack(">I", value)


def _read_byte(cursor: Cursor) -> int:
    return cursor.byte()


def _read_number(cursor: Cursor) -> int:
    return cursor.unsigned(4)


_READ = {
    "byte": _read_byte, "number": _read_number, "attribute": read_attribute,
    "selection": _read_selection, "selected": _read_selected, "data": axdr.read_data,
    "data?": _read_optional_data, "result": _read_result, "block": _read_block,
    "get block": _read_get_block, "action result": _read_action_result,
    "action answer": _read_action_answer,
}
_WRITTEN = {
    "byte": _written_byte, "number": _written_number, "attribute": written_attribute,
    "selection": _written_selection, "selected": _written_selected, "data": _written_data,
    "data?": _written_optional_data, "result": _written_result, "block": _written_block,
    "get block": _written_get_block, "action result": _written_action_result,
    "action answer": _written_action_result,
}


def decode_results(raw: bytes) -> tuple[Result, ...]:
    """The list of results that the blocks of a long GET-with-list carry. Raises DlmsMalformed."""
    cursor = Cursor(raw)
    found = _read_field(cursor, "result*")
    cursor.done()
    assert isinstance(found, tuple)
    return found


def encode_results(results: tuple[Result, ...]) -> bytes:
    """The same, written."""
    return _written_field("result*", results)


def decode_action_result(raw: bytes) -> ActionResult:
    """What the blocks of a long ACTION response carry. Raises DlmsMalformed."""
    cursor = Cursor(raw)
    found = _read_action_result(cursor)
    cursor.done()
    return found
