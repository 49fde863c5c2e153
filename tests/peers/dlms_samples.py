"""One APDU of each kind that ours writes, by name, for other people's codecs to agree with."""

from wum_edge.meters.dlms import acse, axdr, notices
from wum_edge.meters.dlms.apdu import (
    ActionBlock,
    ActionBlockTaken,
    ActionFirst,
    ActionList,
    ActionListFirst,
    ActionListResponse,
    ActionNext,
    ActionRequest,
    ActionResponse,
    ActionResponseBlock,
    ActionResult,
    Attribute,
    Block,
    BlockResult,
    GetBlock,
    GetList,
    GetListResponse,
    GetNext,
    GetRequest,
    GetResponse,
    Result,
    SetBlock,
    SetBlockTaken,
    SetFirst,
    SetLastListTaken,
    SetLastTaken,
    SetList,
    SetListFirst,
    SetListResponse,
    SetRequest,
    SetResponse,
)
from wum_edge.meters.dlms.axdr import Data
from wum_edge.meters.dlms.objects import by_entry, by_range
from wum_shared.obis import obis_from_text

I = 0xC1                     # noqa: E741 - invoke-id and priority, as everybody writes it.
ENERGY = Attribute(3, obis_from_text("1-0:1.8.0"), 2)
CLOCK = Attribute(8, obis_from_text("0-0:1.0.0"), 2)
PROFILE = Attribute(7, obis_from_text("1-0:99.1.0"), 2)
SWITCH = Attribute(70, obis_from_text("0-0:96.3.10"), 1)
MOMENT = bytes.fromhex("07e90a09040b000000ffc400")
NUMBER = Data(axdr.UINT32, 12345)
FIRST, LAST = Block(False, 1, b"\1\2\3"), Block(True, 2, b"\4\5")
REQUEST = acse.Initiate(b"", 0x001E1F10, 4096).encode()
ANSWER = acse.Initiated(0x001E1D10, 1024).encode()
TITLE, CHALLENGE = b"WUM\0\0\0\0\1", b"0123456789abcdef"

APDUS = {
    "get": GetRequest(I, ENERGY, None),
    "get by entry": GetRequest(I, PROFILE, by_entry(1, 5)),
    "get by range": GetRequest(I, PROFILE, by_range(MOMENT, MOMENT)),
    "get next": GetNext(I, 3),
    "get list": GetList(I, ((ENERGY, None), (CLOCK, None))),
    "get refused": GetResponse(I, Result(4, None)),
    "get block": GetBlock(I, BlockResult(False, 1, 0, b"\1\2\3")),
    "get last block": GetBlock(I, BlockResult(True, 2, 0, b"\4\5")),
    "get list answer": GetListResponse(I, (Result(0, NUMBER), Result(3, None))),
    "set": SetRequest(I, CLOCK, None, axdr.octets(MOMENT)),
    "set first block": SetFirst(I, ENERGY, None, FIRST),
    "set last block": SetBlock(I, LAST),
    "set list": SetList(I, ((ENERGY, None), (CLOCK, None)), (NUMBER, NUMBER)),
    "set list first block": SetListFirst(I, ((ENERGY, None),), FIRST),
    "set done": SetResponse(I, 0),
    "set refused": SetResponse(I, 3),
    "set block taken": SetBlockTaken(I, 1),
    "set last block taken": SetLastTaken(I, 0, 2),
    "set list last block taken": SetLastListTaken(I, (0, 3), 2),
    "set list done": SetListResponse(I, (0, 3)),
    "action": ActionRequest(I, SWITCH, Data(axdr.INT8, 0)),
    "action without data": ActionRequest(I, SWITCH, None),
    "action next": ActionNext(I, 1),
    "action list": ActionList(I, (SWITCH, CLOCK), (NUMBER, NUMBER)),
    "action first block": ActionFirst(I, SWITCH, FIRST),
    "action list first block": ActionListFirst(I, (SWITCH,), FIRST),
    "action last block": ActionBlock(I, LAST),
    "action done": ActionResponse(I, ActionResult(0, None)),
    "action done with data": ActionResponse(I, ActionResult(0, Result(0, NUMBER))),
    "action refused": ActionResponse(I, ActionResult(3, None)),
    "action answer block": ActionResponseBlock(I, FIRST),
    "action list done": ActionListResponse(I, (ActionResult(0, None), ActionResult(1, None))),
    "action block taken": ActionBlockTaken(I, 1),
    "aarq": acse.Aarq(acse.LN, b"", acse.LOWEST, b"", REQUEST),
    "aarq lls": acse.Aarq(acse.LN, b"", acse.LLS, b"12345678", REQUEST),
    "aarq gmac": acse.Aarq(acse.LN_CIPHERED, TITLE, acse.HLS_GMAC, CHALLENGE, REQUEST),
    "aare": acse.Aare(acse.LN, 0, 1, 0, b"", 0, b"", ANSWER),
    "aare gmac": acse.Aare(acse.LN_CIPHERED, 0, 1, 14, TITLE, acse.HLS_GMAC, CHALLENGE, ANSWER),
    "aare refused": acse.Aare(acse.LN, 1, 1, 13, b"", 0, b"",
                              notices.ServiceError(1, 6, 0).encode()),
    "release": acse.Release(acse.RLRQ_TAG, 0, b""),
    "released": acse.Release(acse.RLRE_TAG, 0, b""),
    "exception": notices.ExceptionResponse(1, 2, None),
    "exception with counter": notices.ExceptionResponse(1, 6, 77),
    "service error": notices.ServiceError(1, 6, 1),
    "notification": notices.DataNotification(5, b"", axdr.structure(NUMBER)),
    "notification with time": notices.DataNotification(5, MOMENT, axdr.structure(NUMBER)),
    "event": notices.EventNotification(b"", ENERGY, NUMBER),
    "general block": notices.GeneralBlock(True, False, 1, 1, 0, b"\1\2"),
}
DATA = {
    "null": Data(axdr.NULL, None), "array": axdr.array([NUMBER, NUMBER]),
    "structure": axdr.structure(NUMBER, Data(axdr.ENUM, 3)), "boolean": Data(axdr.BOOLEAN, True),
    "bits": Data(axdr.BITS, (12, b"\xab\xc0")), "int32": Data(axdr.INT32, -7), "uint32": NUMBER,
    "octets": axdr.octets(b"\1\2"), "visible": Data(axdr.VISIBLE, b"abc"),
    "utf8": Data(axdr.UTF8, "ä".encode()), "bcd": Data(axdr.BCD, 0x12),
    "int8": Data(axdr.INT8, -3), "int16": Data(axdr.INT16, -300), "uint8": Data(axdr.UINT8, 200),
    "uint16": Data(axdr.UINT16, 60000), "int64": Data(axdr.INT64, -5),
    "uint64": Data(axdr.UINT64, 1 << 40), "enum": Data(axdr.ENUM, 7),
    "float32": Data(axdr.FLOAT32, 0x41200000), "float64": Data(axdr.FLOAT64, 0x4024000000000000),
    "date-time": Data(axdr.DATE_TIME, MOMENT), "date": Data(axdr.DATE, MOMENT[:5]),
    "time": Data(axdr.TIME, bytes(4)),
    "compact array": axdr.decode_data(bytes((19, 6, 8)) + bytes(range(8))),
    "compact array of structures": axdr.decode_data(
        bytes((19, 2, 2, 18, 6, 12)) + bytes(range(12))),
}
APDUS.update({f"answer {name}": GetResponse(I, Result(0, data)) for name, data in DATA.items()})
