"""Telegrams of the P1 port and of mode D: recorded ones, damaged ones, and the one that comes."""

import json

from tests.edge.bus import VirtualClock
from tests.portable import raises
from wum_edge.config import Meter
from wum_edge.errors import BadCheck, ForeignAnswer, LineSilent, MeterError, Refused
from wum_edge.meters.catalog import check_model
from wum_edge.meters.p1.entry import Access
from wum_edge.meters.p1.reader import P1Reader
from wum_edge.meters.p1.telegram import (
    crc16,
    decode_telegram,
    find_telegram,
    octets,
    power_failures,
    sub_meters,
    version,
)
from wum_edge.meters.reader import MeterTime, Take
from wum_edge.meters.turn import Line, converse

VECTORS = __file__.rsplit("/edge/", 1)[0] + "/vectors/iec62056_21/readouts.json"


def recorded(part):
    with open(VECTORS) as file:
        for record in json.load(file):
            if part in record["id"]:
                return bytes.fromhex(record["hex"]), record["lines"]
    raise AssertionError(part)


def decoded(part):
    data = recorded(part)[0]
    start, end = find_telegram(data)
    return decode_telegram(data[start:end])


def as_lines(sets):
    return [[one.address, [value.text + ("*" + value.unit if value.unit else "")
                           for value in one.values]] for one in sets]


def with_crc(text):
    data = text.encode()
    return data + ("%04X\r\n" % crc16(data)).encode()


def test_every_recorded_telegram_decodes_to_its_lines():
    for part, checked in (
            ("V4_2", True), ("V5", True), ("TWO_MBUS", True), ("UNPADDED", True),
            ("FLUVIUS", True), ("FastSend.js#22", False),
            ("FastSend.js#23", False), ("ESY5Q3DB1024", False)):
        telegram = decoded(part)
        assert as_lines(telegram.sets) == recorded(part)[1], part
        assert telegram.checked == checked, part


def test_a_value_on_the_line_after_its_header_belongs_to_it():
    lines = recorded("V3")[1]
    for line in lines:
        line[1] += ["00001.001"] if line[0] == "0-1:24.3.0" else []   # Which the split passed over.
    assert as_lines(decoded("V3").sets) == lines
    telegram = decoded("V2_2")
    gas = sub_meters(telegram)
    assert [(one.channel, one.kind, one.value, one.unit) for one in gas] == [
        (1, 3, (1001, -3), "m3")]
    assert tuple(gas[0].captured_at)[1:] == (2016, 11, 7, 19, 0, 0)


def test_sub_meters_failures_and_versions_are_read():
    two = sub_meters(decoded("TWO_MBUS"))
    assert [(one.channel, one.kind, one.value, one.unit) for one in two] == [
        (1, 3, None, ""), (2, 3, (246138, -3), "m3")]
    assert two[1].identity == "G0039001936990619"
    assert tuple(two[1].captured_at) == ("1", 2020, 4, 26, 22, 30, 1)
    belgian = sub_meters(decoded("FLUVIUS"))
    assert [(one.kind, one.identity, one.value) for one in belgian] == [
        (3, "7FLO2119033733", (112384, -3)), (7, "8SAG1234567890", (872234, -3))]
    heat = sub_meters(decoded("UNPADDED"))
    assert heat[0].value == (240860, -3) and heat[0].unit == "GJ" and heat[0].kind == 4
    failures = power_failures(decoded("V4_2"))
    assert [lasted for _, lasted in failures] == [237126, 2147583646, 2317482647]
    assert tuple(failures[0][0]) == ("0", 2000, 1, 4, 18, 3, 20)
    assert [version(decoded(part)) for part in ("V4_2", "V5", "FLUVIUS", "V3")] == [
        "42", "50", "50217", ""]
    assert octets("4B384547303034303436333935353037") == "K8EG004046395507"
    assert octets("00FF") == "00FF" and octets("") == "" and octets("1") == "1"


def test_every_single_flipped_bit_of_a_checked_telegram_is_noticed():
    data = recorded("UNPADDED")[0]
    assert decode_telegram(data).checked
    for place in range(len(data)):
        for bit in range(8):
            damaged = bytearray(data)
            damaged[place] ^= 1 << bit
            try:
                decode_telegram(bytes(damaged))
            except BadCheck:
                continue
            raise AssertionError("bit %d of byte %d" % (bit, place))


def test_a_telegram_without_its_check_or_its_end_is_refused():
    good = with_crc("/ISK5X\r\n\r\n1-3:0.2.8(50)\r\n!")
    assert decode_telegram(good).checked
    no_crc = good[:good.find(b"!") + 1] + b"\r\n"
    assert "must have a CRC" in raises(BadCheck, lambda: decode_telegram(no_crc))
    assert "CRC wanted" in raises(
        BadCheck, lambda: decode_telegram(good.replace(b"(50)", b"(51)")))
    for data in (b"", b"/", good[:-2], good[1:], good + b"x", b"/\r\n!\r\n"):
        raises(BadCheck, lambda data=data: decode_telegram(data))
    headless = recorded("D0DSMR")[0]    # Recorded without its identification: no CRC can hold.
    raises(BadCheck, lambda: decode_telegram(headless))


def test_a_telegram_of_seven_bits_is_read_on_a_line_of_eight():
    data = recorded("FastSend.js#22")[0]
    with_parity = bytes([byte | 0x80 if bin(byte).count("1") % 2 else byte for byte in data])
    assert with_parity != data
    assert decode_telegram(with_parity) == decode_telegram(data)


class Talking(Line):
    """Says these pieces one after the other, each in a turn of its own."""

    def __init__(self, kept, *pieces):
        self.kept = kept
        self.pieces = list(pieces)
        self.settings = []

    def set(self, setting):
        self.settings.append(setting)

    def turn(self, say, is_whole, timeout_ms):
        assert not say
        if timeout_ms < 100:
            kept, self.kept = self.kept, b""
            return kept
        heard = self.pieces.pop(0) if self.pieces else b""
        is_whole(heard)
        return heard


ENTRY = {
    "model": "dsmr", "make": "any", "label": "DSMR", "protocol": "p1", "source": "DSMR 5.0.2",
    "licence": "facts", "telegram": {"makers": "ISK", "identity": "0-0:96.1.1"},
    "registers": [
        {"name": "energy_import_rate1", "obis": "1-0:1.8.1", "unit": "Wh", "scaler": 0},
        {"name": "power", "obis": "1-0:1.7.0", "unit": "W", "scaler": 0},
        {"name": "gas", "obis": "0-2:24.2.1", "unit": "m³", "scaler": -3, "value": 1},
        {"name": "none", "obis": "1-0:9.7.0", "unit": "VA", "scaler": 0},
    ],
}


def reader(address=""):
    meter = Meter("m", "dp", "line", address, "dsmr", 500, Access(60, None))
    return P1Reader(check_model(ENTRY), meter, VirtualClock())


def read(line, address=""):
    take = Take()
    converse(reader(address).read((0, 1, 2, 3), take), line)
    return take


def test_the_next_whole_telegram_is_the_reading_and_what_came_before_is_thrown_away():
    data = recorded("TWO_MBUS")[0]
    old = data.replace(b"002130.115", b"000001.000")
    line = Talking(old, data[300:], data[:500], data[500:])
    take = read(line)
    assert take.values == {0: 2130115, 1: 111, 2: 246138}
    assert "has no 1-0:9.7.0" in str(take.refused[3])
    assert take.meter_time == MeterTime(1587933205, "", 0)      # 2020-04-26 20:33:25 UTC.
    assert line.settings == [(115200, 8, "N", 1, 0)]
    assert converse(reader().read_clock(), Talking(b"", data)) == take.meter_time


class Connection(Talking):
    """Keeps all that was said since it was read last, as a connection to a serial server does."""

    def turn(self, say, is_whole, timeout_ms):
        if not self.kept:
            return Talking.turn(self, say, is_whole, timeout_ms)
        size = 512
        while not is_whole(self.kept[:size]) and size < len(self.kept):
            size += 512
        piece, self.kept = self.kept[:size], self.kept[size:]
        return piece


def test_an_hour_of_old_telegrams_on_a_connection_is_thrown_away_too():
    data = recorded("TWO_MBUS")[0]
    old = data.replace(b"002130.115", b"000001.000")
    kept = old * 400
    assert len(kept) > 64 * 4096 + len(old)      # More than one turn for each of the flushes.
    line = Connection(kept, data)
    assert read(line).values[0] == 2130115 and not line.pieces


def test_a_line_that_brings_bytes_without_end_is_given_up():
    class Endless(Talking):
        def turn(self, say, is_whole, timeout_ms):
            self.kept += 1
            assert is_whole(piece) and not is_whole(piece[1:])
            return piece
    piece = bytes(4096)
    line = Endless(0)
    assert type(read(line).errors[0]) is BadCheck and line.kept < 5000


def test_whoever_else_talks_or_nobody_is_told_apart():
    data = recorded("TWO_MBUS")[0]
    assert not read(Talking(b"", data), "E0044007382246019").errors
    other = read(Talking(b"", data), "E0044007382246018")
    assert type(other.errors[0]) is ForeignAnswer
    assert type(read(Talking(b"", recorded("V4_2")[0])).errors[0]) is ForeignAnswer
    assert type(read(Talking(b"")).errors[0]) is LineSilent
    assert type(read(Talking(b"", data[:100])).errors[0]) is BadCheck
    assert isinstance(read(Talking(b"", data.replace(b"222.9", b"223.9"))).errors[0], MeterError)


def small(text):
    data = text.encode()
    return data + ("%04x\r\n" % crc16(data)).encode()


def test_a_crc_in_small_letters_is_known_once_it_cannot_be_a_flipped_bit():
    def telegram(watts):
        return "/KFM5KAIFA\r\n\r\n1-0:1.7.0(%06d*W)\r\n!" % watts
    by_letters = {}
    for watts in range(300):
        data = small(telegram(watts))
        by_letters[len([c for c in data[-6:-2] if 97 <= c <= 102])] = data
    assert decode_telegram(by_letters[2]).small_digits
    assert not decode_telegram(by_letters[0]).small_digits
    assert "CRC wanted" in raises(BadCheck, lambda: decode_telegram(by_letters[1]))
    assert decode_telegram(by_letters[1], True).checked
    # A meter that writes small letters writes no capital one.
    capital = by_letters[1][:-6] + by_letters[1][-6:].decode().upper().encode()
    assert decode_telegram(capital).checked
    raises(BadCheck, lambda: decode_telegram(capital, True))


def test_every_single_flipped_bit_of_a_small_crc_is_noticed():
    whole = small("/KFM5KAIFA\r\n\r\n1-0:1.7.0(000005*W)\r\n!")
    assert len([c for c in whole[-6:-2] if 97 <= c <= 102]) > 1
    decode_telegram(whole)
    for place in range(len(whole)):
        for bit in range(8):
            damaged = bytearray(whole)
            damaged[place] ^= 1 << bit
            raises(BadCheck, lambda damaged=damaged: decode_telegram(bytes(damaged)))


def test_an_encrypted_telegram_is_refused_by_name():
    ciphered = bytes.fromhex("db08534147677009a1b2820104300000000c")
    assert "it is ciphered" in raises(Refused, lambda: decode_telegram(ciphered))
