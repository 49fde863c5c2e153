"""Data and APDUs: what is encoded comes back, and what is not the standard's is refused."""

from tests.portable import raises
from wum_edge.meters.dlms import acse, apdu, axdr, notices
from wum_edge.meters.dlms.apdu import Attribute, Block, BlockResult, Result, Selection
from wum_edge.meters.dlms.axdr import Data
from wum_edge.meters.dlms.errors import DlmsMalformed

CLOCK = Attribute(8, b"\x00\x00\x01\x00\x00\xff", 2)
NUMBER = Data(axdr.UINT32, 0xFFFFFFFE)
EVERY_TYPE = (
    Data(axdr.NULL, None), Data(axdr.BOOLEAN, True), Data(axdr.BITS, (3, b"\xa0")),
    Data(axdr.INT32, -5), NUMBER, axdr.octets(b"ab"), Data(axdr.VISIBLE, b"x" * 200),
    Data(axdr.UTF8, b"\xc3\xa4"), Data(axdr.BCD, -1), Data(axdr.INT8, -128),
    Data(axdr.INT16, -32768), Data(axdr.UINT8, 255), Data(axdr.UINT16, 65535),
    Data(axdr.INT64, -(1 << 63)), Data(axdr.UINT64, (1 << 64) - 1), Data(axdr.ENUM, 30),
    Data(axdr.FLOAT32, 0x3F800000), Data(axdr.FLOAT64, 1 << 62), Data(axdr.DATE_TIME, bytes(12)),
    Data(axdr.DATE, bytes(5)), Data(axdr.TIME, bytes(4)), Data(axdr.DELTA8, -1),
    Data(axdr.DELTA16, -2), Data(axdr.DELTA32, -3), Data(axdr.DELTA_U8, 1),
    Data(axdr.DELTA_U16, 2), Data(axdr.DELTA_U32, 3), Data(axdr.DONT_CARE, None))


def test_every_choice_of_data_comes_back():
    whole = axdr.array([axdr.structure(*EVERY_TYPE), axdr.structure()])
    raw = axdr.encode_data(whole)
    assert axdr.decode_data(raw) == whole
    for cut in range(len(raw)):
        raises(DlmsMalformed, lambda cut=cut: axdr.decode_data(raw[:cut]))
    raises(DlmsMalformed, lambda: axdr.decode_data(raw + b"\x00"))


def test_a_compact_array_is_read_by_its_description():
    # Structure of a long-unsigned and an array of two unsigned: two rows of four bytes.
    raw = bytes.fromhex("1302021201000211080001020300ff0405")
    found = axdr.decode_data(raw)
    rows = [[row.elements()[0].number()] + [one.number() for one in row.elements()[1].elements()]
            for row in found.elements()]
    assert rows == [[1, 2, 3], [255, 4, 5]]
    assert axdr.encode_data(found) == raw


def test_a_compact_array_cannot_ask_for_more_elements_than_its_bytes():
    for description in ("0142000200", "01420000", "0100220142000200"):   # Of nothing, nested.
        raw = bytes.fromhex("13" + description + "03010203")
        assert "elements in" in raises(DlmsMalformed, lambda raw=raw: axdr.decode_data(raw))
    filled = bytes.fromhex("130100020202001103010203")     # Nulls beside numbers stay.
    raises(DlmsMalformed, lambda: axdr.decode_data(filled))      # Three bytes are not two rows.
    found = axdr.decode_data(bytes.fromhex("1301000202020011020102"))
    assert [row.elements()[1].number() for row in found.elements()[0].elements()] == [1, 2]


def test_no_data_takes_unbounded_memory():
    for text in ("01ffff", "0184ffffffff00", "13000100", "1301ffff010002000103", "0984ffffffff",
                 "0201" * 13 + "00", "1301ffff01ffff110100", "2a", "1313", "0480"):
        raises(DlmsMalformed, lambda text=text: axdr.decode_data(bytes.fromhex(text)))


def test_every_service_comes_back():
    selection = Selection(1, axdr.structure(NUMBER))
    block = Block(True, 7, b"abc")
    wanted = ((CLOCK, None), (CLOCK, selection))
    good, bad = Result(0, NUMBER), Result(4, None)
    for one in (
            apdu.GetRequest(0xC1, CLOCK, None), apdu.GetRequest(0xC1, CLOCK, selection),
            apdu.GetNext(0xC1, 70000), apdu.GetList(0xC1, wanted),
            apdu.GetResponse(0xC1, good), apdu.GetResponse(0xC1, bad),
            apdu.GetBlock(0xC1, BlockResult(False, 1, 0, b"abc")),
            apdu.GetBlock(0xC1, BlockResult(True, 2, 19, b"")),
            apdu.GetListResponse(0xC1, (good, bad)), apdu.SetRequest(0xC1, CLOCK, None, NUMBER),
            apdu.SetFirst(0xC1, CLOCK, None, block), apdu.SetBlock(0xC1, block),
            apdu.SetList(0xC1, wanted, (NUMBER, NUMBER)), apdu.SetListFirst(0xC1, wanted, block),
            apdu.SetResponse(0xC1, 0), apdu.SetBlockTaken(0xC1, 1),
            apdu.SetLastTaken(0xC1, 3, 2), apdu.SetLastListTaken(0xC1, (0, 3), 2),
            apdu.SetListResponse(0xC1, (0, 250)), apdu.ActionRequest(0xC1, CLOCK, None),
            apdu.ActionRequest(0xC1, CLOCK, NUMBER), apdu.ActionNext(0xC1, 1),
            apdu.ActionList(0xC1, (CLOCK,), (NUMBER,)), apdu.ActionFirst(0xC1, CLOCK, block),
            apdu.ActionListFirst(0xC1, (CLOCK,), block), apdu.ActionBlock(0xC1, block),
            apdu.ActionResponse(0xC1, apdu.ActionResult(0, good)),
            apdu.ActionResponse(0xC1, apdu.ActionResult(3, None)),
            apdu.ActionResponseBlock(0xC1, block), apdu.ActionBlockTaken(0xC1, 9),
            apdu.ActionListResponse(0xC1, (apdu.ActionResult(0, bad),))):
        raw = apdu.encode_service(one)
        assert apdu.decode_service(raw) == one
        for cut in range(len(raw)):
            if type(one) is apdu.ActionResponse and cut == 4:
                code = apdu.decode_service(raw[:cut]).answer     # Some say no more than that.
                assert code == apdu.ActionResult(one.answer.code, None)
                continue
            raises(DlmsMalformed, lambda raw=raw, cut=cut: apdu.decode_service(raw[:cut]))
        raises(DlmsMalformed, lambda raw=raw: apdu.decode_service(raw + b"\x00"))


def test_associations_come_back():
    user = acse.Initiate(b"k" * 16, acse.conformance_of((acse.GET, acse.LISTS)), 1200).encode()
    initiate = acse.decode_initiate(user)
    assert initiate == acse.Initiate(b"k" * 16, 0x000210, 1200)
    for aarq in (acse.Aarq(acse.LN, b"", acse.LOWEST, b"", user),
                 acse.Aarq(acse.LN_CIPHERED, b"WUM\0\0\0\0\1", acse.HLS_GMAC, b"challenge", user)):
        assert acse.decode_aarq(aarq.encode()) == aarq
    initiated = acse.Initiated(0x501D, 500)
    assert acse.decode_initiated(initiated.encode()) == initiated
    assert initiated.offers(acse.GET) and not initiated.offers(acse.LISTS)
    for aare in (acse.Aare(1, 0, 1, 0, b"", 0, b"", initiated.encode()),
                 acse.Aare(3, 0, 1, 14, b"TITLE---", 5, b"12345678", initiated.encode()),
                 acse.Aare(1, 1, 2, 2, b"", 0, b"", b"")):
        assert acse.decode_aare(aare.encode()) == aare
    assert aare.reason() == "no common ACSE version"
    for release in (acse.Release(acse.RLRQ_TAG, 0, user), acse.Release(acse.RLRE_TAG, None, b"")):
        assert acse.decode_release(release.encode()) == release
    raw = acse.Aare(1, 0, 1, 0, b"", 0, b"", initiated.encode()).encode()
    for cut in range(len(raw)):
        raises(DlmsMalformed, lambda cut=cut: acse.decode_aare(raw[:cut]))


def test_what_comes_unasked_or_is_wrong_as_a_whole_comes_back():
    for one, decode in (
            (notices.DataNotification(1 << 30, bytes(12), NUMBER),
             notices.decode_data_notification),
            (notices.EventNotification(b"", CLOCK, NUMBER), notices.decode_event_notification),
            (notices.ExceptionResponse(1, 2, None), notices.decode_exception),
            (notices.ExceptionResponse(1, 6, 77), notices.decode_exception),
            (notices.ServiceError(1, 6, 1), notices.decode_service_error),
            (notices.GeneralBlock(True, False, 1, 2, 0, b"abc"), notices.decode_general_block)):
        assert decode(one.encode()) == one
    assert notices.ServiceError(1, 6, 1).reason() == "initiate: dlms-version-too-low"
    assert notices.ExceptionResponse(1, 6, 7).reason() == (
        "service-not-allowed, invocation-counter-error")


def test_kaifas_tag_before_the_date_time_is_passed_over():
    tagged = bytes.fromhex("0f40000000090c07e1090f05052128ff8000000601020304")
    assert notices.decode_data_notification(tagged).body.number() == 0x01020304
