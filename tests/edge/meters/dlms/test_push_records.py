"""Bodies of pushes that say what they hold in a list of their own: paired rightly, or not."""

from wum_edge.meters.dlms import axdr
from wum_edge.meters.dlms.axdr import Data, octets
from wum_edge.meters.dlms.push_records import records
from wum_shared.obis import obis_from_text, obis_to_text

SETUP = (40, "0-8:25.9.0", 2)


def definition(one, more=()):
    class_id, code, attribute = one
    return Data(axdr.STRUCTURE, (
        Data(axdr.UINT16, class_id), octets(obis_from_text(code)), Data(axdr.INT8, attribute),
        Data(axdr.UINT16, 0)) + more)


def push(listed, values, more=()):
    return Data(axdr.STRUCTURE, (
        Data(axdr.ARRAY, tuple(definition(one, more) for one in listed)),) + tuple(values))


def shown(found):
    return [(obis_to_text(one.obis) if one.obis else "", one.data.value, one.scaler, one.unit)
            for one in found]


def number(value):
    return Data(axdr.UINT32, value)


def test_the_list_is_its_own_first_value():
    name = octets(obis_from_text("0-8:25.9.0"))
    body = push([SETUP, (40, "0-8:25.9.0", 1), (1, "0-0:96.1.0", 2), (3, "1-0:1.7.0", 2)],
                [name, octets(b"12345678"), number(362)])
    assert shown(records(body)) == [
        ("0-8:25.9.0", obis_from_text("0-8:25.9.0"), None, None),
        ("0-0:96.1.0", b"12345678", None, None), ("1-0:1.7.0", 362, None, None)]


def test_a_list_with_restrictions_and_columns_is_one():
    restriction = (Data(axdr.STRUCTURE, (Data(axdr.ENUM, 0), Data(axdr.NULL, None))),
                   Data(axdr.ARRAY, ()))
    body = push([(40, "0-0:25.9.0", 2), (1, "0-0:96.5.134", 2)], [Data(axdr.ENUM, 1)], restriction)
    assert shown(records(body)) == [("0-0:96.5.134", 1, None, None)]


def test_a_list_that_is_no_value_of_its_own_names_all_that_follow():
    body = push([(8, "0-0:1.0.0", 2), (3, "1-0:1.8.0", 2)], [octets(bytes(12)), number(7)])
    assert shown(records(body)) == [
        ("0-0:1.0.0", bytes(12), None, None), ("1-0:1.8.0", 7, None, None)]


def test_a_scaler_and_unit_of_its_own_is_that_of_the_value_before():
    scale = Data(axdr.STRUCTURE, (Data(axdr.INT8, -1), Data(axdr.ENUM, 35)))
    listed = [(3, "1-0:32.7.0", 2), (3, "1-0:32.7.0", 3), (3, "1-0:1.8.0", 2)]
    body = push(listed, [number(2312), scale, number(5)])
    assert shown(records(body)) == [
        ("1-0:32.7.0", 2312, -1, 35), ("1-0:1.8.0", 5, None, None)]
    stray = shown(records(push(listed[1:], [scale, number(5)])))
    assert [row[0] for row in stray] == ["1-0:32.7.0", "1-0:1.8.0"] and stray[0][3] is None


def test_a_list_of_another_length_names_nothing():
    listed = [(3, "1-0:1.8.0", 2), (3, "1-0:2.8.0", 2)]
    for values in ([number(1)], [number(1)] * 3):
        names = [row[0] for row in shown(records(push(listed, values)))][-len(values):]
        assert names == [""] * len(values)
