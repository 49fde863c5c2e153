"""Data sets, their exact numbers, units, and the OBIS codes of their addresses."""

from tests.portable import raises
from wum_edge.errors import BadCheck
from wum_edge.meters.iec62056_21.dataset import DataSet, decimal, parse_block, unit_code
from wum_edge.meters.iec62056_21.short_form import obis_of


def test_a_data_set_has_address_values_and_units():
    assert parse_block(b"F.F(00)\r\n1.6.0(02.468*kW)(1703100930)\r\n\r\n!\r\n", True) == [
        DataSet("F.F", (("00", ""),)),
        DataSet("1.6.0", (("02.468", "kW"), ("1703100930", ""))),
    ]
    assert parse_block(b"6.8(1*MWh)6.26()9.4(088*C&082*C)\r\n(7)") == [
        DataSet("6.8", (("1", "MWh"),)), DataSet("6.26", (("", ""),)),
        DataSet("9.4", (("088", "C&082*C"), ("7", ""))),
    ]
    assert parse_block(b"(000123.4*kWh)") == [DataSet("", (("000123.4", "kWh"),))]

    assert parse_block(b" 1.8.0 (1*kWh)\r\n2.8.0(-2) (3)\r\n!", True) == [
        DataSet("1.8.0", (("1", "kWh"),)), DataSet("2.8.0", (("-2", ""), ("3", "")))]


def test_lines_within_brackets_are_values_and_no_data_sets_of_their_own():
    listed = (b"1-0:1.8.0(000456.7*kWh)\r\n0-0:98.1.0\r\n(\r\n0-0:1.0.0(260901000000S)\r\n"
              b"1-0:1.8.0(000123.4*kWh  )\r\n)\r\n0-0:17.0.0(90.000*kW)\r\n")
    assert parse_block(listed) == [
        DataSet("1-0:1.8.0", (("000456.7", "kWh"),)),
        DataSet("0-0:98.1.0", (("0-0:1.0.0", ""), ("260901000000S", ""), ("1-0:1.8.0", ""),
                               ("000123.4", "kWh"))),
        DataSet("0-0:17.0.0", (("90.000", "kW"),))]
    for body in (b"98.1.0\r\n(\r\n1.8.0(1)\r\n", b"98.1.0\r\n(\r\n1.8.0\r\n(\r\n2.8.0(1)\r\n)\r\n)",
                 b"98.1.0\r\n(1)", b"98.1.0(\r\n1.8.0\r\n)",
                 b"98.1.0\r\n(\r\n" * 9):
        raises(BadCheck, lambda body=body: parse_block(body))


def test_a_value_may_stand_in_brackets_of_its_own_and_a_time_behind_a_unit():
    assert parse_block(b"1-0:0.2.0((ER11))\r\n1.8.0(2)") == [
        DataSet("1-0:0.2.0", (("(ER11)", ""),)), DataSet("1.8.0", (("2", ""),))]
    assert decimal("(1)") is None
    assert parse_block(b"1.6.0*5(1.124*kW 1250625171500)") == [
        DataSet("1.6.0*5", (("1.124", "kW"), ("1250625171500", "")))]
    assert parse_block(b"0.9(1*a b)") == [DataSet("0.9", (("1", "a b"),))]


def test_what_is_no_data_set_is_refused():
    for body in (b"1.8.0", b"1.8.0(1", b"1.8.0(1)x", b"1.8.0((1)", b"1.8.0(1))",
                 b"1.8.0(((1)))", b"1.8.0(1(2))", b")", b"1.8.0(\r\n1)",
                 b"1.8.0(\xff)", b"1.8.0(\x001)", b"a" * 40 + b"(1)", b"1(" + b"9" * 3000 + b")",
                 b"1()" * 5000, b"1" + b"()" * 17000):
        raises(BadCheck, lambda body=body: parse_block(body))
    assert "! CR LF" in raises(BadCheck, lambda: parse_block(b"1.8.0(1)\r\n", True))


def test_a_decimal_is_exact():
    assert decimal("0008048.375") == (8048375, -3)
    assert decimal("-00.10") == (-10, -2)
    assert decimal("+000.8") == (8, -1)
    assert decimal("  80") == (80, 0)
    assert decimal("32942.0231000000001") == (329420231000000001, -13)
    for text in ("", "-", ".5", "5.", "1.2.3", "1e3", "0x1", "1_0", "--1", "1 2", "9" * 31):
        assert decimal(text) is None


def test_units_are_known_as_meters_write_them():
    assert unit_code("kWh") == (30, 3)
    assert unit_code("MWh") == (30, 6)
    assert unit_code("Wh") == (30, 0)
    assert unit_code("kvarh") == unit_code("kVArh") == unit_code("KVARH") == (32, 3)
    assert unit_code("kvar") == (29, 3)
    assert unit_code("mA") == (33, -3)
    assert unit_code("MVA") == (28, 6)
    assert unit_code("m3") == (13, 0)
    assert unit_code("GJ") == (25, 9)
    assert unit_code("") == (255, 0)
    # Heat meters: m3ph is how one maker writes m3/h, and C is no coulomb.
    assert unit_code("m3ph") == unit_code("m3/h") == (15, 0) and unit_code("l/h") == (15, -3)
    assert unit_code("C") == (9, 0) and unit_code("K") == (52, 0)
    for unit in ("c", "m3s", "kWhh", "xWh", "kk", "kh"):
        assert unit_code(unit) is None


def test_short_forms_are_six_bytes():
    for address, code in (
            ("1.8.0", (1, 0, 1, 8, 0, 255)), ("1-0:1.8.0*255", (1, 0, 1, 8, 0, 255)),
            ("1-1:1.8.1", (1, 1, 1, 8, 1, 255)), ("C.1.0", (0, 0, 96, 1, 0, 255)),
            ("0-0:C.1.6*255", (0, 0, 96, 1, 6, 255)), ("0.9.1", (1, 0, 0, 9, 1, 255)),
            ("F.F", (0, 0, 97, 97, 0, 255)), ("1.8.0*01", (1, 0, 1, 8, 0, 1)),
            ("1.8.0&12", (1, 0, 1, 8, 0, 12)), ("1.6.0*&02", (1, 0, 1, 6, 0, 2)),
            ("1.8.0.12", (1, 0, 1, 8, 0, 12)),
            ("C.90", (0, 0, 96, 90, 0, 255)), ("P.01", (0, 0, 99, 1, 0, 255)),
            ("0-1:24.2.1", (0, 1, 24, 2, 1, 255))):
        assert obis_of(address) == bytes(code), address
    assert obis_of("1.8.0", 1) == bytes((1, 1, 1, 8, 0, 255))
    for address in ("", "1", "1.8.0.1.2", "256.8.0", "1.8.x", "C003", "1.8.0*", "1-:1.8.0", ":1.8",
                    "-1.8.0", "1..0", "1.8.0*01*2", "1.8.0.1*2"):
        assert obis_of(address) is None, address
