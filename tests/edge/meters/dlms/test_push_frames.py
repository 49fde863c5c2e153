"""What stands around a meter's own telegrams: frames longer than their length, bare headers."""

from tests.portable import raises
from wum_edge.meters.dlms import hdlc
from wum_edge.meters.dlms.errors import DlmsMalformed
from wum_edge.meters.dlms.push import HdlcTelegrams, MbusTelegrams, decode_push, telegrams
from wum_edge.meters.dlms.push_records import records
from wum_edge.meters.dlms.wrapper import Wrapped

HEAD = bytes((0x0F, 0, 0, 0, 1, 0))


def notification(size):
    """A DataNotification of one octet string, `size` bytes altogether (137 to 264)."""
    text = size - len(HEAD) - 3
    return HEAD + bytes((9, 0x81, text)) + bytes([at & 0x7F for at in range(text)])


def mbus(apdus):
    """M-Bus frames of an APDU's segments, the last one marked."""
    said = b""
    for place, part in enumerate(apdus):
        last = 0x10 if place == len(apdus) - 1 else 0
        body = bytes((0x53, 0xFF, place | last, 1, 0x67)) + part
        size = len(body) & 0xFF
        said += bytes((0x68, size, size, 0x68)) + body + bytes((sum(body) & 0xFF, 0x16))
    return said


def ui_frame(information):
    return hdlc.Frame(hdlc.UI, b"\x21", b"\x03", False, False, 0, 0, information).encode()


def test_a_frame_longer_than_its_length_can_say_is_heard():
    whole = notification(260)
    said = mbus([whole[:252], whole[252:]])
    assert said[1] == 1 and len(said) == 263 + 19     # 257 bytes: the length lacks its 256.
    assert telegrams(said) == [whole]
    assert len(records(decode_push(whole).notification.body)[0].data.value) == 251
    hearing = MbusTelegrams()                         # And as it comes, in pieces.
    found = []
    for at in range(0, len(said), 7):
        found += hearing.hear(said[at:at + 7])
    assert found == [whole] and hearing.damaged == 0


def test_every_length_about_the_overflow_is_heard_and_damage_noticed():
    for first in range(245, 256):                     # L of 250 to 255, then 0 to 4.
        whole = notification(264)
        said = mbus([whole[:first], whole[first:]])
        assert telegrams(said) == [whole], first
    for at in range(4, len(said)):
        damaged = bytearray(said)
        damaged[at] ^= 4
        assert whole not in MbusTelegrams().hear(bytes(damaged)), at


def test_a_frame_follows_one_that_never_ended():
    whole = notification(140)
    hearing = MbusTelegrams()
    assert hearing.hear(mbus([notification(260)[:252]])[:60]) == []
    found = []
    for _ in range(4):
        found += hearing.hear(mbus([whole]))
    assert found[:1] == [whole] and hearing.damaged


def test_an_apdu_behind_its_llc_header_is_one_as_it_is():
    whole = notification(140)
    assert telegrams(b"\xe6\xe7\x00" + whole) == telegrams(whole) == [whole]


def test_obis_codes_turned_round_are_read_and_nothing_else_is():
    code = bytes((1, 0, 31, 7, 0, 255))
    number = bytes((0x10, 0, 244, 2, 2, 0x0F, 0xFE, 0x16, 0x21))
    right = HEAD + bytes((1, 1, 2, 3, 9, 6)) + code + number
    turned = HEAD + bytes((1, 1, 2, 3, 6, 9)) + code + number
    for apdu in (right, turned):
        found = records(decode_push(apdu).notification.body)
        assert [(one.obis, one.data.value, one.scaler, one.unit) for one in found] == [
            (code, 244, -2, 33)]
    plain = HEAD + bytes((2, 3, 6, 9, 1, 0, 31, 0, 0))   # A number that begins 09 01 00: it stays.
    assert decode_push(plain).notification.body.elements()[0].value == 0x0901001F
    raises(DlmsMalformed, lambda: decode_push(turned[:-1]))


def test_telegrams_in_the_wrapper_of_tcp_are_read_one_after_the_other():
    first, second = notification(140), notification(150)
    said = b"".join([Wrapped(1, 102, apdu).encode() for apdu in (first, second)])
    assert telegrams(said) == [first, second]
    for cut in (3, 8, 100, len(said) - 1):
        raises(DlmsMalformed, lambda cut=cut: telegrams(said[:cut]))


def test_a_frame_without_llc_header_is_a_telegram_where_it_begins_as_one():
    whole = notification(140)
    for head in (hdlc.LLC_RESPONSE, b""):
        hearing = HdlcTelegrams()
        said = ui_frame(head + whole)
        assert hearing.hear(said) == [whole] and hearing.damaged == 0
    lost = ui_frame(whole[9:])
    assert hearing.hear(lost) == [] and hearing.damaged == 1
