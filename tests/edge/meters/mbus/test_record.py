"""Records: every data type, DIF, VIF and VIFE of EN 13757-3 that a wired meter may send."""

from tests.portable import raises
from wum_edge.meters.mbus.errors import Broken
from wum_edge.meters.mbus.record import INSTANT, MAXIMUM, decode_records


def one(text, high_first=False):
    """The only record in hexadecimal `text`."""
    records, more = decode_records(bytes.fromhex(text), high_first)
    assert len(records) == 1 and not more, records
    return records[0]


def number(text):
    """(value, power, unit, fault) of the only record in `text`."""
    record = one(text)
    return record.value, record.power, record.unit, record.fault


def test_integers_of_every_size_have_their_sign():
    assert number("0103ff") == (-1, 0, 30, "")
    assert number("02033412") == (0x1234, 0, 30, "")
    assert number("0303563412") == (0x123456, 0, 30, "")
    assert number("040378563412") == (0x12345678, 0, 30, "")
    assert number("0603feffffffffff") == (-2, 0, 30, "")
    assert number("0703f0debc9a78563412") == (0x123456789ABCDEF0, 0, 30, "")


def test_the_lowest_integer_says_that_it_is_none():
    for text in ("010380", "02030080", "040300000080", "0603000000000080"):
        value, _, _, fault = number(text)
        assert value is None
        assert "80..00" in fault


def test_bcd_of_every_size_and_negative_bcd():
    assert number("090399") == (99, 0, 30, "")
    assert number("0a033412") == (1234, 0, 30, "")
    assert number("0b03563412") == (123456, 0, 30, "")
    assert number("0c0378563412") == (12345678, 0, 30, "")
    assert number("0e03907856341200") == (1234567890, 0, 30, "")
    assert number("0b035634f1") == (-13456, 0, 30, "")
    assert number("0a0301f0") == (-1, 0, 30, "")


def test_digits_that_are_none_are_shown_and_give_no_number():
    for text, shown in (("0c2bbdebdddd", "DDDDEBBD"), ("0a0312ff", "FF12"), ("0903a1", "A1"),
                        ("0c03eeeeeeee", "EEEEEEEE"), ("0a03f101", "01F1")):
        record = one(text)
        assert record.value is None
        assert record.text == shown
        assert shown in record.fault


def test_a_real_becomes_decimal_digits_and_loses_none():
    assert number("05030000c03f") == (15, -1, 30, "")
    assert number("0503000000bf") == (-5, -1, 30, "")
    assert number("0503cdcccc3d") == (100000001490116119384765625, -27, 30, "")
    assert number("050300008047") == (65536, 0, 30, "")
    assert number("050300000080") == (0, 0, 30, "")
    for text in ("05030000807f", "0503000080ff", "05030000c07f"):
        assert number(text)[0] is None
        assert "real" in number(text)[3]
    assert number("050301000000")[:2] == (5**149, -149)


def test_texts_come_last_character_first():
    record = one("0d7c0844492e20747375630a353537363730414c3930")
    assert record.quantity == "plain text"
    assert record.unit_text == "cust .ID"
    assert record.text == "09LA076755"
    assert one("0d7803620ae9").text == "\u00e9\\x0ab"


def test_variable_length_numbers():
    assert number("0d03c23412") == (1234, 0, 30, "")
    assert number("0d03d23412") == (-1234, 0, 30, "")
    assert number("0d03e3ffffff") == (-1, 0, 30, "")
    assert number("0d03f0" + "01" + 15 * "00")[0] == 1
    assert number("0d03e0")[3] == "no data"
    assert number("0d03c1fa")[0] is None
    raises(Broken, lambda: one("0d03f7"))
    raises(Broken, lambda: one("0d03cf"))
    raises(Broken, lambda: one("0d0305414243"))


def test_date_and_time_f_to_the_minute():
    record = one("046d0b0bcd13")
    assert record.text == "2014-03-13T11:11"
    assert record.moment.valid and not record.moment.summer
    assert record.value is None and record.fault == ""
    assert one("046d0b8bcd13").moment.summer
    doubtful = one("046d8b0bcd13")
    assert not doubtful.moment.valid
    assert doubtful.fault


def test_the_hundreds_of_a_year():
    assert one("046d000061c1").moment.year == 1999
    assert one("046d002061c1").moment.year == 2099
    assert one("046d00006121").moment.year == 2019


def test_dates_g_times_j_and_moments_i():
    assert one("426c1f1c").text == "2008-12-31"
    assert one("426cffff").moment[:2] == (None, None)
    assert one("426c0000").fault
    assert one("036d1e2d0c").text == "T12:45:30"
    moment = one("066d1e2d0c6d1300")
    assert moment.text == "2011-03-13T12:45:30"
    assert one("066d5e2d0c6d1300").moment.summer
    assert not one("066d1ead0c6d1300").moment.valid


def test_a_time_of_a_type_that_is_not_known_is_its_digits_and_never_a_number():
    for text in ("036c010203", "016d05", "0d6d026162", "076d" + 16 * "1"):
        record = one(text)
        assert record.value is None and record.moment is None and record.text
        assert "no known type" in record.fault


def test_types_k_l_and_m_are_told_by_name_and_never_as_a_number():
    for text, name in (("04fd7241a30382", "type K"), ("0dfd73eb" + 11 * "0b", "type L"),
                       ("0d6de40a0b0c0d", "type M"), ("0dfd70e80102030405060708", "type M"),
                       ("0dfd30e2aabb", "type M")):
        record = one(text)
        assert record.value is None and record.moment is None, text
        assert name in record.fault and record.text, text
    # In one byte the window is a count, as a wireless bridge sends it.
    assert one("01fd7305").value == 5 and not one("01fd7305").fault
    assert one("01fd73ff").value == 255
    raises(Broken, lambda: decode_records(bytes.fromhex("0dfd73eb0b0b")))


def test_what_is_not_metric_never_passes_for_it():
    record = one("04933d01000000")
    assert (record.unit, record.unit_text, record.value) == (255, "non-metric", 1)
    assert record.modifiers == ("non-metric",)


def test_a_day_that_no_month_has_is_doubted():
    assert one("426c5e12").text == "2010-02-30"
    assert one("426c5e12").fault


def test_storage_tariff_and_subunit_grow_with_every_dife():
    record = one("c4ff310301000000")
    assert (record.storage, record.tariff, record.subunit) == (63, 15, 1)
    assert one("94100300000000").function == MAXIMUM
    assert one("441301000000").storage == 1
    raises(Broken, lambda: one("84" + 10 * "80" + "00" + "03" + "00000000"))
    assert one("84" + 9 * "80" + "0f" + "03" + "00000000").storage == 15 << 37


def test_plain_units_and_powers():
    for text, quantity, unit, power in (
            ("0400", "energy", 30, -3), ("0407", "energy", 30, 4), ("040f", "energy", 25, 7),
            ("0413", "volume", 13, -3), ("041b", "mass", 20, 0), ("0422", "on time", 5, 0),
            ("042b", "power", 27, 0), ("0433", "power", 26, 3), ("043b", "volume flow", 15, -3),
            ("0453", "mass flow", 255, 0), ("045a", "flow temperature", 9, -1),
            ("045e", "return temperature", 9, -1), ("0461", "temperature difference", 52, -2),
            ("0469", "pressure", 24, -2), ("04fb00", "energy", 30, 5), ("04fb09", "energy", 25, 9),
            ("04fb02", "reactive energy", 32, 3), ("04fb2e", "frequency", 44, -1),
            ("04fb14", "reactive power", 29, 0), ("04fb37", "apparent power", 28, 3),
            ("04fd48", "voltage", 35, -1), ("04fd59", "current", 33, -3),
            ("04fd27", "storage interval", 4, 0), ("04fd3a", "dimensionless", 255, 0),
            ("04fdfd02", "remaining battery life", 2, 0)):
        record = one(text + "07000000")
        assert (record.quantity, record.unit, record.power, record.value) == (
            quantity, unit, power, 7), text


def test_flow_by_minute_and_second_becomes_flow_by_hour_exactly():
    assert number("044707000000") == (420, 0, 15, "")
    assert number("044f01000000") == (3600, -2, 15, "")


def test_a_unit_without_a_code_is_written():
    assert one("0c5378563412").unit_text == "kg/h"
    assert one("04fb2001000000").unit_text == "ft\u00b3"


def test_a_reserved_vif_is_kept_as_what_it_is():
    record = one("046f07000000")
    assert record.quantity == "reserved 6f"
    assert record.value == 7


def test_vifes_change_power_and_add_words():
    assert number("04937507000000")[:2] == (7, -4)
    assert number("04937d07000000")[:2] == (7, 0)
    assert one("0493fc0107000000").modifiers == ("L1",)
    assert one("04833c07000000").modifiers == ("negative only",)
    assert one("04933a07000000").modifiers == ("uncorrected",)
    assert one("04937b07000000").modifiers == ("plus 1",)


def test_a_vife_may_turn_a_value_into_a_moment_a_count_or_a_duration():
    assert one("04ab6a0b0bcd13").text == "2014-03-13T11:11"
    assert one("01ab4105").modifiers == ("exceeds of lower limit",)
    duration = one("04ab5a05000000")
    assert (duration.unit, duration.power, duration.value) == (5, 0, 5)


def test_a_record_error_is_named_and_the_record_kept():
    record = one("04931507000000")
    assert record.fault == "no data available"
    assert one("00930f").fault == "unimplemented action"


def test_what_the_maker_means_stays_bytes():
    records, more = decode_records(bytes.fromhex("2f0403010000000f0102ff"))
    assert [record.quantity for record in records] == ["energy", "manufacturer specific"]
    assert records[1].data == b"\x01\x02\xff"
    assert not more
    record = one("04ff0107000000")
    assert (record.quantity, record.modifiers) == ("manufacturer specific", ("01",))


def test_more_records_in_the_next_telegram():
    records, more = decode_records(bytes.fromhex("0403010000001f"))
    assert len(records) == 1 and more
    assert decode_records(b"\x1f") == ((), True)


def test_the_high_byte_first():
    assert one("04030000000a", True).value == 10
    assert one("0a031234", True).value == 1234
    assert one("0d0303414243", True).text == "ABC"


def test_what_is_cut_short_is_refused_and_never_filled_up():
    whole = bytes.fromhex("841093fc0101000000")
    assert decode_records(whole)[0][0].value == 1
    for size in range(1, len(whole)):
        raises(Broken, lambda size=size: decode_records(whole[:size]))


def test_no_more_vifes_than_ten_and_no_reserved_dif():
    assert one("04" + "93" + 9 * "a0" + "20" + "01000000").value == 1
    raises(Broken, lambda: one("04" + "93" + 10 * "a0" + "20" + "01000000"))
    for dif in ("3f", "4f", "5f", "6f"):
        raises(Broken, lambda dif=dif: one(dif + "0301000000"))


def test_a_plain_text_unit_stands_before_the_vifes():
    record = one("02fc0348522574d411")
    assert (record.unit_text, record.value, record.power) == ("%RH", 0x11D4, -2)


def test_no_data_says_so():
    record = one("0003")
    assert (record.function, record.value, record.fault) == (INSTANT, None, "no data")
