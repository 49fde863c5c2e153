"""Lists whose meaning a paper says: named by place or scaled by code, and nothing else touched."""

from wum_edge.meters.dlms import axdr
from wum_edge.meters.dlms.axdr import Data, octets
from wum_edge.meters.dlms.push_records import records
from wum_shared.obis import obis_to_text


def number(value):
    return Data(6, value)            # double-long-unsigned.


def body(items):
    return Data(axdr.STRUCTURE, tuple(items))


def shown(found):
    return [(obis_to_text(one.obis) if one.obis else "", one.data.value, one.scaler, one.unit)
            for one in found]


KAIFA_HEAD = [octets(b"KFM_001"), octets(b"6970631401753985"), octets(b"MA304H3E")]
CLOCK = octets(bytes((0x07, 0xE1, 9, 12, 2, 23, 18, 42, 0xFF, 0x80, 0, 0)))


def test_every_list_of_kaifa_is_named_by_its_length():
    for count, phases in ((9, 1), (13, 3), (14, 1), (18, 3)):
        rest = [number(n) for n in range(count - 3)]
        if count in (14, 18):
            rest[-5] = CLOCK
        found = shown(records(body(KAIFA_HEAD + rest)))
        assert len(found) == count
        assert found[0] == ("1-1:0.2.129", b"KFM_001", None, None)
        assert found[3] == ("1-0:1.7.0", 0, 0, 27)
        assert found[7] == ("1-0:31.7.0", 4, -3, 33)
        assert found[7 + phases] == ("1-0:32.7.0", 4 + phases, -1, 35)
        if count in (14, 18):
            assert found[-5][0] == "0-0:1.0.0"
            assert found[-4] == ("1-0:1.8.0", count - 7, 0, 30)
            assert found[-1] == ("1-0:4.8.0", count - 4, 0, 32)


def test_a_list_of_another_length_or_name_is_left_alone():
    other = [octets(b"KFM_002")] + KAIFA_HEAD[1:] + [number(1)] * 6
    for items in (KAIFA_HEAD + [number(1)], other, [number(1304)],
                  [octets(b"\x80\xff"), number(1)]):
        assert [one[0] for one in shown(records(body(items)))] == [""] * len(items)


def test_kamstrups_codes_get_their_scales_and_others_none():
    found = shown(records(body([
        octets(b"Kamstrup_V0001"), octets(bytes((1, 1, 1, 7, 0, 255))), number(1304),
        octets(bytes((1, 1, 31, 7, 0, 255))), number(512),
        octets(bytes((1, 1, 1, 8, 0, 255))), number(100), octets(bytes((1, 1, 99, 7, 0, 255))),
        number(3)])))
    assert found == [
        ("1-1:0.2.129", b"Kamstrup_V0001", None, None), ("1-1:1.7.0", 1304, 0, 27),
        ("1-1:31.7.0", 512, -2, 33), ("1-1:1.8.0", 100, 1, 30), ("1-1:99.7.0", 3, None, None)]


def test_without_the_lists_name_nothing_is_scaled():
    found = shown(records(body([octets(bytes((1, 1, 1, 7, 0, 255))), number(1304)])))
    assert found == [("1-1:1.7.0", 1304, None, None)]


def test_phases_that_a_meter_has_not_stay_unnamed():
    nothing = Data(axdr.NULL, None)
    found = shown(records(body([
        octets(b"Kamstrup_V0001"), octets(bytes((1, 1, 31, 7, 0, 255))), number(896),
        nothing, nothing, octets(bytes((1, 1, 32, 7, 0, 255))), number(225), nothing])))
    assert found == [
        ("1-1:0.2.129", b"Kamstrup_V0001", None, None), ("1-1:31.7.0", 896, -2, 33),
        ("", None, None, None), ("", None, None, None), ("1-1:32.7.0", 225, 0, 35),
        ("", None, None, None)]


def test_kaifas_list_with_codes_is_scaled_by_them():
    def pair(c, d, value):
        return [octets(bytes((1, 0, c, d, 0, 255))), number(value)]
    listed = [octets(bytes((1, 0, 0, 2, 129, 255))), octets(b"KFM_001")]
    found = shown(records(body(
        listed + pair(1, 7, 2816) + pair(31, 7, 6781) + pair(32, 7, 2322) + pair(1, 8, 4786979)
        + pair(99, 7, 1))))
    assert found == [
        ("1-0:0.2.129", b"KFM_001", None, None), ("1-0:1.7.0", 2816, 0, 27),
        ("1-0:31.7.0", 6781, -3, 33), ("1-0:32.7.0", 2322, -1, 35), ("1-0:1.8.0", 4786979, 0, 30),
        ("1-0:99.7.0", 1, None, None)]
    listed[1] = octets(b"KFM_002")
    assert shown(records(body(listed + pair(1, 7, 2816))))[1] == ("1-0:1.7.0", 2816, None, None)
