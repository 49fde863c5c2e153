"""SML: recorded files, damaged ones, escapes, every kind of message, and the file that comes."""

import json

from tests.portable import raises
from wum_edge.config import Meter
from wum_edge.errors import BadCheck, ForeignAnswer, LineSilent, Refused
from wum_edge.meters.catalog import check_model
from wum_edge.meters.reader import MeterTime, Take
from wum_edge.meters.sml.message import (
    ATTENTION,
    CLOSE,
    LIST,
    OPEN,
    PROFILE_LIST,
    PROFILE_PACK,
    decode_messages,
)
from wum_edge.meters.sml.reader import SmlReader
from wum_edge.meters.sml.request import request_file
from wum_edge.meters.sml.transport import crc_kermit, crc_x25, find_file, unwrap
from wum_edge.meters.turn import Line, converse

VECTORS = __file__.rsplit("/edge/", 1)[0] + "/vectors/sml/sml.json"
SERVER = bytes.fromhex("0901454d48000041f045")


def recorded(place):
    with open(VECTORS) as file:
        return bytes.fromhex(json.load(file)[place]["hex"])


def tlv(value):
    """A value by hand: an int is (type, size, number), a list its members."""
    if value is None:
        return b"\x01"
    if isinstance(value, list):
        head = [0x70 | len(value)] if len(value) < 16 else [0xF0 | len(value) >> 4, len(value) & 15]
        return bytes(head) + b"".join([tlv(one) for one in value])
    if isinstance(value, tuple):
        kind, size, number = value
        if number < 0:
            number += 1 << 8 * size
        return bytes([kind << 4 | size + 1]) + number.to_bytes(size, "big")
    assert len(value) < 15
    return bytes([len(value) + 1]) + value


def message(tag, members, crc=crc_x25):
    body = b"\x76" + tlv(b"\x01\x02") + tlv((6, 1, 0)) + tlv((6, 1, 0)) + (
        b"\x72" + tlv((6, 2, tag)) + tlv(members))
    check = crc(body)
    return body + bytes([0x63, check & 255, check >> 8, 0])


def wrapped(content, crc=crc_x25):
    escape = b"\x1b\x1b\x1b\x1b"
    fill = -len(content) % 4
    data = escape + b"\x01\x01\x01\x01" + (content + bytes(fill)).replace(
        escape, escape + escape) + escape + bytes([0x1A, fill])
    check = crc(data)
    return data + bytes([check & 255, check >> 8])


def entry(code, value, unit=30, scaler=-1, status=None, time=None):
    return [bytes.fromhex(code), status, time, (6, 1, unit), (5, 1, scaler), value, None]


def list_message(entries, time=None, server=SERVER):
    return message(LIST, [None, server, None, time, entries, None, None])


def test_the_recorded_file_decodes_to_its_values():
    messages = decode_messages(unwrap(recorded(0)))
    assert [one.kind for one in messages] == [OPEN, LIST, CLOSE]
    assert messages[0].body.server == SERVER
    values = messages[1].body
    assert values.server == SERVER and values.name == bytes.fromhex("0100620affff")
    assert values.time[:2] == (1, 0x063F2F35)
    assert [(one.code[2:5], one.unit, one.scaler) for one in values.entries] == [
        (b"\xc7\x82\x03", None, 0), (b"\x00\x00\x09", None, 0), (b"\x01\x08\x00", 30, -1),
        (b"\x01\x08\x01", 30, -1), (b"\x01\x08\x02", 30, -1), (b"\x10\x07\x00", 27, -1),
        (b"\xc7\x82\x05", None, 0)]
    assert [one.value for one in values.entries[2:6]] == [0x09247A55, 0x09247A55, 0, 0x1603]
    assert values.entries[2].status == 0x0182
    assert values.entries[0].value == b"EMH" and len(values.entries[6].value) == 48


def test_files_that_were_damaged_on_purpose_are_refused():
    for place in (1, 2):
        assert "CRC wanted" in raises(BadCheck, lambda place=place: unwrap(recorded(place)))


def test_every_single_flipped_bit_is_noticed():
    data = wrapped(list_message([entry("0100010800ff", (6, 4, 123456))]))
    for whole in (data, recorded(0)):
        assert decode_messages(unwrap(whole))
        for place in range(len(whole)):
            for bit in range(8):
                damaged = bytearray(whole)
                damaged[place] ^= 1 << bit
                try:
                    decode_messages(unwrap(bytes(damaged)))
                except BadCheck:
                    continue
                raise AssertionError("bit %d of byte %d" % (bit, place))


def test_both_variants_of_the_crc_are_known():
    assert crc_x25(b"123456789") == 0x906E and crc_kermit(b"123456789") == 0x2189
    kermit = wrapped(message(LIST, [None, SERVER, None, None, [], None, None], crc_kermit),
                     crc_kermit)
    assert decode_messages(unwrap(kermit))[0].kind == LIST


def test_escapes_inside_are_content_wherever_they_stand():
    for content in (b"\x1b" * 4, b"\x1b" * 5, b"ab" + b"\x1b" * 8 + b"c", b"\x1b\x1b\x1b",
                    b"abc\x1b", b"x" * 7 + b"\x1b" * 13, b"\x1b\x1b\x1b\x1b\x1a\x00\x01\x02"):
        data = wrapped(content)
        assert unwrap(data) == content
        assert find_file(b"noise" + data + b"more") == (5, 5 + len(data))
        assert find_file(data[:-1]) == (0, 0)
    cut = recorded(0)[:100] + recorded(0)
    assert find_file(cut) == (100, len(cut))


def test_profiles_and_attentions_are_read():
    column = [bytes.fromhex("0100010800ff"), (6, 1, 30), (5, 1, 0)]
    rows = [[[(6, 1, 2), (6, 4, 1000 + at)], (6, 1, 8), [[(6, 2, at), None]], None]
            for at in range(2)]
    pack = decode_messages(message(PROFILE_PACK, [
        SERVER, None, (6, 2, 900), [b"\x01"], [column], rows, None, None]))[0].body
    assert pack.header == ((column[0], 30, 0),) and pack.period_s == 900
    assert pack.rows == (((2, 1000, 0, 0), 8, (0,)), ((2, 1001, 0, 0), 8, (1,)))
    one = decode_messages(message(PROFILE_LIST, [
        SERVER, None, (6, 2, 900), [b"\x01"], [(6, 1, 2), (6, 4, 7)], (6, 1, 0),
        [column + [(6, 2, 5), None]], None, None]))[0].body
    assert one.rows == (((2, 7, 0, 0), 0, (5,)),)
    said = decode_messages(message(ATTENTION, [SERVER, b"\x81\x81\xc7\xc7\xfe\x01", b"no", None]))
    assert said[0].body.text == "no"


def test_what_is_no_message_is_refused():
    good = list_message([entry("0100010800ff", (6, 4, 1))])
    assert len(decode_messages(good + bytes(3) + good)) == 2
    for content in (b"\x01", b"\x76", good[:-1], good[:-2] + b"\x01\x00", b"\x76" * 40,
                    b"\xf0\x8f\xff" * 9, message(LIST, [None] * 6), message(LIST, b"x"),
                    list_message([[None] * 7]), list_message([entry("0100010800", (6, 4, 1))]),
                    list_message([entry("0100010800ff", (6, 4, 1), scaler=100)]),
                    list_message([], time=[(6, 1, 9), (6, 4, 1)])):
        raises(BadCheck, lambda content=content: decode_messages(content))
    for data in (b"", recorded(0)[1:], recorded(0)[:-1], recorded(0) + b"\x00"):
        raises(BadCheck, lambda data=data: unwrap(data))


class Talking(Line):
    """Says these pieces one after the other, each in a turn of its own."""

    def __init__(self, *pieces):
        self.pieces = list(pieces)
        self.settings = []

    def set(self, setting):
        self.settings.append(setting)

    def turn(self, say, is_whole, timeout_ms):
        if timeout_ms < 100 or not self.pieces:
            return b""
        heard = self.pieces.pop(0)
        is_whole(heard)
        return heard


def read(line, address="", **telegram):
    model = check_model({
        "model": "emh", "make": "EMH", "label": "eHZ", "protocol": "sml", "source": "a recording",
        "licence": "MIT", "telegram": telegram, "registers": [
            {"name": "energy_import", "obis": "1-0:1.8.0", "unit": "Wh", "scaler": 0},
            {"name": "power", "obis": "1-0:16.7.0", "unit": "W", "scaler": 0},
            {"name": "number", "obis": "0-0:96.1.0", "unit": "", "scaler": 0,
             "code": "129-129:199.130.3"},
            {"name": "export", "obis": "1-0:2.8.0", "unit": "Wh", "scaler": 0},
            {"name": "wrong", "obis": "1-0:1.8.1", "unit": "varh", "scaler": 0},
        ]})
    take = Take()
    meter = Meter("m", "dp", "line", address, "emh", 500, None)
    converse(SmlReader(model, meter, None).read((0, 1, 2, 3, 4), take), line)
    return take


def test_the_next_whole_file_is_the_reading():
    data = recorded(0)
    take = read(Talking(data[200:], data[:150], data[150:]), "0901454d48000041f045")
    assert take.values == {0: 15338556, 1: 564, 2: None}      # 15338555.7 and 563.5, half to even.
    assert "has no 1-0:2.8.0" in str(take.refused[3])
    assert "wanted varh, the meter gives unit Wh" in str(take.refused[4])
    assert take.meter_time is None                             # It counts seconds, no more.
    stamped = wrapped(list_message([], time=[(6, 1, 2), (6, 4, 1767225600)]))
    assert read(Talking(stamped)).meter_time == MeterTime(1767225600, "", 0)


def test_whoever_else_talks_or_nobody_is_told_apart():
    assert type(read(Talking(recorded(0)), "0a01").errors[0]) is ForeignAnswer
    assert type(read(Talking()).errors[0]) is LineSilent
    assert type(read(Talking(recorded(0)[:90])).errors[0]) is BadCheck
    assert type(read(Talking(recorded(1))).errors[0]) is BadCheck
    attention = wrapped(message(ATTENTION, [SERVER, None, None, None]))
    assert type(read(Talking(attention)).errors[0]) is Refused


DVS74 = bytes.fromhex("0a01445a470002820000")


def powers(server, narrow_unsigned=False):
    values = [(5, 1, -3), (5, 2, -32731), (5, 3, -1), (5, 4, -126061)]
    content = list_message([entry("0100100700ff", value, unit=27, scaler=-2) for value in values],
                           server=server)
    found = decode_messages(content, narrow_unsigned)[0].body.entries
    assert [one.scaler for one in found] == [-2] * 4
    return [one.value for one in found]


def test_a_maker_whose_narrow_powers_have_no_sign_is_known_by_its_numbers():
    assert powers(SERVER) == [-3, -32731, -1, -126061]
    assert powers(DVS74) == [253, 32805, 0xFFFFFF, -126061]
    for number in (41999999, 49000000, 54999999, 59000000):
        server = DVS74[:5] + number.to_bytes(5, "big")
        assert powers(server) == powers(SERVER)
        assert powers(server, True) == powers(DVS74)


def test_a_file_is_found_behind_any_number_that_were_cut_off():
    whole = wrapped(list_message([entry("0100010800ff", (6, 4, 1))]))
    cut = whole[:20]
    for count in range(4):
        assert find_file(cut * count + whole) == (20 * count, 20 * count + len(whole))


# What EasyMeter's Q3C wants to be asked with, as wiki.volkszaehler.org publishes it.
PUBLISHED = (
    "1b1b1b1b010101017603303062006200726500000100770101093131333131383632010101016303360076033031"
    "620062007265000007007501010101016314cb007603303262006200726500000200710163756d0000001b1b1b1b"
    "1a027241")


def test_a_request_is_the_published_one_to_the_byte():
    assert request_file(b"11311862") == bytes.fromhex(PUBLISHED)
    assert [one.kind for one in decode_messages(unwrap(request_file(b"wum-edge")))] == [
        0x0100, 0x0700, 0x0200]


class Asked(Line):
    """Says its file when it is asked as it wants, after what came back of the question."""

    def __init__(self, wants, file, echo):
        self.wants = wants
        self.coming = b"old" + file
        self.file = file
        self.echo = echo

    def set(self, setting):
        pass

    def turn(self, say, is_whole, timeout_ms):
        if say:
            self.coming = (say if self.echo else b"") + (self.file if say == self.wants else b"")
        heard = b""
        while self.coming and not (heard and is_whole(heard)):
            heard, self.coming = heard + self.coming[:1], self.coming[1:]
        return heard


def test_a_meter_that_waits_to_be_asked_is_asked_as_it_wants():
    file = wrapped(list_message([entry("0100010800ff", (6, 4, 123456))]))
    for request, wants in (("sml", request_file(b"wum-edge")), ("sign-on", b"/?!\r\n")):
        for echo in (False, True):
            for wrong in (False, True):
                take = read(Asked(b"?" if wrong else wants, file, echo), period_ms=500,
                            request=request)
                if not wrong:
                    assert take.values == {0: 12346} and not take.errors
                else:
                    assert [type(error) for error in take.errors] == [LineSilent]
