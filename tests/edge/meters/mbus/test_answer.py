"""What a frame answers: headers, fixed data, error frames, alarms, encryption by name."""

from tests.portable import raises
from wum_edge.errors import BadCheck, ForeignAnswer, Refused
from wum_edge.meters.mbus.answer import decode_answer
from wum_edge.meters.mbus.errors import Broken, Encrypted, Unsupported
from wum_edge.meters.mbus.frame import Frame, decode_frame
from wum_edge.meters.mbus.identity import (
    Identity,
    identity_from_text,
    maker_from_number,
    maker_to_number,
    status_texts,
)

HEADER = "785634122423280755040000"     # HYD 40, water; power low.


def answer(ci, text, control=8):
    return decode_answer(Frame(control, 1, ci, bytes.fromhex(text)))


def test_a_long_header_says_who_the_meter_is():
    found = answer(0x72, HEADER + "0c1327048502")
    assert found.identity == Identity("12345678", "HYD", 40, 7)
    assert (found.access, found.status) == (0x55, 4)
    assert found.records[0].value == 2850427
    assert not found.more


def test_access_demand_and_flow_control_do_not_matter():
    for control in (0x08, 0x18, 0x28, 0x38):
        assert answer(0x72, HEADER, control).records == ()
    for control in (0x48, 0x53, 0x00, 0x88):
        raises(ForeignAnswer, lambda control=control: answer(0x72, HEADER, control))


def test_the_high_byte_first_is_understood():
    found = answer(0x76, "1234567823242807550000000400000003e8")
    assert found.identity == Identity("12345678", "HYD", 40, 7)
    assert found.records[0].value == 1000


def test_short_and_no_headers():
    found = answer(0x7A, "2a000000040301000000")
    assert (found.identity, found.access, found.records[0].value) == (None, 0x2A, 1)
    assert answer(0x78, "040301000000").records[0].value == 1


def test_fixed_data_has_two_counters():
    found = answer(0x73, "785634120a00e97e0100000035010000")
    assert found.identity.number == "12345678"
    assert found.identity.medium == 7
    current, older = found.records
    assert (current.quantity, current.unit, current.value, current.power) == ("volume", 13, 1, -3)
    assert (older.value, older.power, older.storage) == (135, -3, 1)
    binary = answer(0x73, "785634120a01055f00010000ffffffff").records
    assert [record.value for record in binary] == [256, -1]
    assert (binary[0].quantity, binary[0].power) == ("energy", 3)
    bad = answer(0x73, "785634120a00e97e0000000a35010000").records[0]
    assert bad.value is None and "0A000000" in bad.fault
    raises(Broken, lambda: answer(0x73, "78563412"))


def test_an_error_frame_is_a_refusal_by_name():
    for text, words in (("", "unspecified"), ("08", "too busy"), ("09", "too many readouts"),
                        ("77", "119")):
        assert words in raises(Refused, lambda text=text: answer(0x70, text))


def test_an_alarm_is_its_byte():
    assert answer(0x71, "05").alarm == 5


def test_errors_and_alarms_may_have_headers():
    assert "too busy" in raises(Refused, lambda: answer(0x6E, "2a00000008"))
    assert "too many readouts" in raises(Refused, lambda: answer(0x6F, HEADER + "09"))
    short = answer(0x74, "2a04000081")
    assert (short.alarm, short.access, short.status, short.identity) == (0x81, 0x2A, 4, None)
    assert answer(0x75, HEADER + "81").identity == Identity("12345678", "HYD", 40, 7)
    for ci, text in ((0x71, ""), (0x71, "0102"), (0x74, "2a040000"), (0x75, HEADER)):
        raises(Broken, lambda ci=ci, text=text: answer(ci, text))


def test_other_layers_are_refused_by_name():
    for ci, words in ((0x00, "DLMS"), (0x69, "format frame"), (0x79, "compact frame"),
                      (0x7B, "compact"), (0x7C, "DLMS"), (0x8C, "wireless"), (0x8D, "wireless"),
                      (0x90, "fragments"), (0xA1, "maker's own")):
        assert words in raises(Unsupported, lambda ci=ci: answer(ci, HEADER))


def test_a_radio_telegram_is_refused_by_name():
    telegram = bytes.fromhex("2e4493157856341233037a2a0020255923c95aaa26d1b2e7493b013ec4a6f6d3529"
                             "b520edff0ea6defc955b29d6d69")
    assert "wireless" in raises(BadCheck, lambda: decode_frame(telegram[:0x2F]))


def test_what_is_encrypted_is_refused_by_name():
    assert "mode 5" in raises(Encrypted, lambda: answer(0x72, HEADER[:-4] + "2005" + 32 * "aa"))
    raises(Encrypted, lambda: answer(0x7A, "2a001005" + 16 * "aa"))
    assert answer(0x72, HEADER[:-4] + "ffff").records == ()
    assert answer(0x72, HEADER[:-4] + "0005").records == ()


def test_other_ci_fields_and_short_headers_are_refused():
    raises(Broken, lambda: answer(0x72, "0011"))
    raises(Broken, lambda: answer(0x7A, "0011"))
    assert "CI field 51" in raises(Broken, lambda: answer(0x51, "00"))


def test_makers_are_three_letters_or_a_number():
    for letters in ("HYD", "KAM", "ZRM", "AAA", "ZZZ"):
        assert maker_from_number(maker_to_number(letters)) == letters
    for number in (0xFFFF, 0, 0x8421):
        assert maker_to_number(maker_from_number(number)) == number


def test_secondary_addresses_are_sixteen_digits():
    identity = identity_from_text("12345678HYD2807".replace("HYD", "2324"))
    assert identity == Identity("12345678", "HYD", 40, 7)
    assert identity.octets() == bytes.fromhex("7856341224232807")
    assert identity.text() == "1234567823242807"
    wide = identity_from_text("1FFFFFFFFFFFFFFF")
    assert wide.fits(identity)
    assert not identity_from_text("2FFFFFFFFFFFFFFF").fits(identity)
    assert not identity_from_text("12345678FFFFFF06").fits(identity)
    assert identity_from_text("1234") is None
    assert identity_from_text("123456789012345G") is None


def test_a_status_byte_in_words():
    assert status_texts(0) == ()
    assert status_texts(0x16) == ("application error", "power low", "temporary error")
