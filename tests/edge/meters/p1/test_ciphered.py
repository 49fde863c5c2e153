"""Telegrams without CR, and ciphered ones: opened with the key, and refused as what they are."""

from tests.edge.bus import VirtualClock
from tests.edge.meters.dlms.slow_aes import SlowAesGcm
from tests.edge.meters.p1.test_telegram import Talking, recorded
from tests.portable import raises
from wum_edge.config import Meter, check
from wum_edge.errors import BadCheck, ConfigError, MeterError, Refused
from wum_edge.meters.catalog import check_model
from wum_edge.meters.dlms import supply
from wum_edge.meters.dlms.ciphering import Keys, seal
from wum_edge.meters.dlms.errors import CounterDecreased, NotGenuine
from wum_edge.meters.p1.ciphered import PUBLISHED, AnyHearing, find_ciphered, open_ciphered
from wum_edge.meters.p1.entry import Access
from wum_edge.meters.p1.reader import P1Reader
from wum_edge.meters.p1.telegram import decode_telegram, find_telegram
from wum_edge.meters.reader import Take
from wum_edge.meters.turn import converse

KEYS = Keys(bytes(range(16)), PUBLISHED)
TITLE = b"SMSgp\t\xa1\xb2"
ENTRY = {
    "model": "smarty", "make": "Sagemcom", "label": "Smarty", "protocol": "p1",
    "source": "this test", "licence": "Apache-2.0", "telegram": {"period_ms": 10000},
    "registers": [{"name": "energy", "obis": "1-0:1.8.1", "unit": "Wh", "scaler": 0}],
}


def plain():
    data = recorded("V5")[0]
    start, end = find_telegram(data)
    return data[start:end]


def ciphered(counter, text=None, keys=KEYS, control=0x30, title=TITLE):
    content = seal(SlowAesGcm(), keys.encryption, keys.authentication, control, title, counter,
                   text or plain())
    size = len(content)
    return b"\xdb\x08" + title + b"\x82" + bytes((size >> 8, size & 255)) + content


class Kept:
    """What was heard of counters; it outlasts a reader."""

    def __init__(self):
        self.of = {}

    def heard(self, context):
        return self.of.get(context, -1)

    def note_heard(self, context, counter):
        self.of[context] = counter


def read(reader, data, kept=None):
    if kept is None:
        kept = getattr(reader, "test_kept", None) or Kept()
        reader.test_kept = kept
    supply.install(supply.Supply(SlowAesGcm(), kept, None))
    take = Take()
    converse(reader.read((0,), take), Talking(b"", data))
    return take


def reader(keys=KEYS):
    meter = Meter("m", "dp", "line", "", "smarty", 500, Access(60, keys))
    return P1Reader(check_model(ENTRY), meter, VirtualClock())


def test_a_telegram_whose_line_ends_lost_their_cr_is_whole_by_its_crc():
    data = plain()
    stripped = data.replace(b"\r", b"")
    assert decode_telegram(stripped).sets == decode_telegram(data).sets
    assert decode_telegram(stripped).checked
    assert read(reader(None), stripped).values == read(reader(None), data).values != {}
    damaged = stripped.replace(b"1-0:1.8.1", b"1-0:1.8.3")
    assert "CRC wanted" in str(raises(BadCheck, lambda: decode_telegram(damaged)))
    # One CR that is left: nothing says where the others were.
    raises(BadCheck, lambda: decode_telegram(stripped.replace(b"\n", b"\r\n", 1)))


def test_luxembourgs_authentication_key_is_the_published_one():
    assert PUBLISHED.hex() == "00112233445566778899aabbccddeeff"


def test_a_ciphered_telegram_is_read_with_its_key():
    one = reader()
    take = read(one, ciphered(7))
    assert take.values == read(reader(None), plain()).values != {}
    assert take.meter_time is not None and not take.errors
    assert read(one, ciphered(8)).values == take.values


def test_it_is_found_among_what_came_before_and_while_it_comes():
    data = ciphered(7)
    assert find_ciphered(b"\xdb\x08noise" + data) == (7, 7 + len(data))
    assert [at for at in range(len(data) + 1) if AnyHearing()(data[:at])] == [len(data)]
    supply.install(supply.Supply(SlowAesGcm(), Kept(), None))
    assert open_ciphered(data, KEYS)[0] == 7


def test_without_the_key_it_says_what_to_set():
    error = read(reader(None), ciphered(7)).errors[0]
    assert type(error) is Refused and "set encryption_key in its access" in str(error)


def test_another_key_a_flipped_bit_and_a_plain_one_are_not_genuine():
    other = Keys(bytes(16), PUBLISHED)
    for data in (ciphered(7, None, other), plain()):
        take = read(reader(), data)
        assert type(take.errors[0]) is NotGenuine and not take.values
    data = bytearray(ciphered(7))
    for at in (14, 40, len(data) - 1):
        data[at] ^= 4
        take = read(reader(), bytes(data))
        assert type(take.errors[0]) is NotGenuine and not take.values
        data[at] ^= 4
    # Ciphered without a tag, with another key: it is no telegram.
    raises(BadCheck, lambda: open_ciphered(ciphered(7, None, other, 0x20), KEYS))


def test_a_telegram_that_is_said_again_is_refused_after_a_restart_too():
    kept = Kept()
    assert read(reader(), ciphered(700), kept).values
    for counter in (700, 3, 4, 699):     # Old ones in their order are old ones.
        take = read(reader(), ciphered(counter), kept)
        assert type(take.errors[0]) is CounterDecreased and not take.values
    assert read(reader(), ciphered(701), kept).values
    # What is not genuine moves no counter.
    read(reader(), ciphered(900, None, Keys(bytes(16), PUBLISHED)), kept)
    assert list(kept.of.values()) == [701] and sorted(kept.of) == ["m/p1/" + TITLE.hex()]
    # Another meter in its place has counters of its own.
    assert read(reader(), ciphered(2, title=b"SMSgp\t\xa1\xb3"), kept).values


def test_a_counter_that_cannot_be_kept_is_not_believed():
    class Full(Kept):
        def note_heard(self, context, counter):
            raise MeterError("the meter's counter cannot be kept: no space")

    take = read(reader(), ciphered(7), Full())
    assert "no space" in str(take.errors[0]) and not take.values


def access_of(**fields):
    models = {"smarty": "p1"}
    document = {
        "concentrator": {"name": "c", "keys": "k", "archive": "a"},
        "broker": {"host": "127.0.0.1", "tls": False}, "line": [{"name": "a", "port": "/dev/null"}],
        "meter": [{"serial": "m", "line": "a", "model": "smarty", "address": "",
                   "access": fields}]}
    return check(document, models).meters[0].access


def test_keys_are_hexadecimal_digits_and_are_never_shown():
    assert access_of(encryption_key="00" * 16).keys == Keys(bytes(16), PUBLISHED)
    both = access_of(encryption_key="00" * 16, authentication_key="ff" * 16).keys
    assert both.authentication == b"\xff" * 16
    assert access_of().keys is None
    error = raises(ConfigError, lambda: access_of(encryption_key="5e" * 15))
    assert "32 hexadecimal digits" in str(error) and "5e5e" not in str(error)
