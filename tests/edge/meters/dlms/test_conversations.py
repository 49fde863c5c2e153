"""Whole visits by every mechanism, replayed; the Green Book's vectors; dates; the link's table."""

from tests.edge.meters.dlms.replay import HOUR_S, NOW_S, WAYS, Replayed, reader_by, visit
from tests.edge.meters.dlms.slow_aes import SlowAesGcm
from tests.edge.meters.dlms.transcripts import TRANSCRIPTS
from tests.portable import raises
from wum_edge.meters.dlms import link, moment
from wum_edge.meters.dlms.ciphering import Keys, Security, seal, unseal
from wum_edge.meters.dlms.errors import DlmsMalformed, NotGenuine, NotSpoken

KEYS = Keys(bytes(range(16)), bytes(range(0xD0, 0xE0)))


def test_whole_visits_by_every_mechanism_are_what_they_were():
    for way in sorted(WAYS):
        line = Replayed(TRANSCRIPTS[way])
        take, rows, events = visit(reader_by(way, SlowAesGcm()), line)
        assert line.at == len(line.turns)
        assert take.values == {place: 1000 * place + 7 for place in range(12)}
        assert take.meter_time.utc_s == NOW_S + 3
        assert [row.captured_at_s for row in rows] == [NOW_S - 2 * HOUR_S, NOW_S - HOUR_S, NOW_S]
        assert rows[-1].values == (3012, 12) and rows[-1].status == 8
        assert [event.code for event in events] == [47, 48]


def test_the_green_books_vectors_hold():
    title = b"MMM\0\0\xbcaN"
    plain = bytes.fromhex("c0010000080000010000ff0200")
    sealed = seal(SlowAesGcm(), KEYS.encryption, KEYS.authentication, 0x30, title, 0x01234567,
                  plain)
    assert sealed.hex() == "3001234567411312ff935a47566827c467bc7d825c3be4a77c3fcc056b6b"
    assert unseal(SlowAesGcm(), KEYS.encryption, KEYS.authentication, title, sealed) == plain
    security = Security(SlowAesGcm(), None, KEYS, b"MMM\0\0\0\0\1", "test")
    assert security.gmac(security.system_title, 1, b"P6wRJ21F").hex() == (
        "10000000011a52fe7dd3e72748973c1e28")


def test_every_flipped_bit_of_a_sealed_apdu_is_noticed():
    title = b"MMM\0\0\xbcaN"
    for control in (0x10, 0x30):
        sealed = seal(SlowAesGcm(), KEYS.encryption, KEYS.authentication, control, title, 7, b"ab")
        for place in range(8, 8 * len(sealed)):
            spoilt = bytearray(sealed)
            spoilt[place // 8] ^= 1 << place % 8
            raises(NotGenuine, lambda spoilt=bytes(spoilt): unseal(
                SlowAesGcm(), KEYS.encryption, KEYS.authentication, title, spoilt))


def test_suites_1_and_2_are_refused_by_name():
    for suite in (1, 2):
        text = raises(NotSpoken, lambda suite=suite: unseal(
            SlowAesGcm(), KEYS.encryption, KEYS.authentication, bytes(8),
            bytes([0x30 | suite]) + bytes(20)))
        assert text == "security suite %d is not spoken here, only suite 0 (AES-GCM-128)" % suite


def test_every_state_of_the_link_knows_every_event():
    for state in link.STATES:
        assert sorted(link.NEXT[state]) == sorted(link.EVENTS)
        for event in link.EVENTS:
            after, action = link.NEXT[state][event]
            assert after in link.STATES
            assert action in (link.TAKE, link.GO_ON, link.WAIT, link.POLL, link.AGAIN, link.PASS,
                              link.DONE, link.LOST)


def test_dates_are_exact_over_centuries_and_unspecified_ones_are_no_moment():
    for utc_s in (86400, 951782400, 951868799, 1709164800, 1760000400, 4102444799, 7258118399):
        for deviation in (-840, -120, 0, 330):
            data = moment.encode_date_time(utc_s, deviation, deviation)
            found = moment.decode_date_time(data)
            assert found.utc_s() == utc_s and found.deviation_min == deviation
    assert moment.encode_date_time(1760000400, -120, -120).hex() == "07e90a09040b000000ff8800"
    whole = bytes.fromhex("07e90a09040b000000800000")
    assert moment.decode_date_time(whole).utc_s() is None
    assert moment.decode_date_time(whole).utc_s(moment.Zone("given", -60)) == 1760004000
    summer = moment.decode_date_time(whole[:-1] + b"\x80")
    assert summer.utc_s(moment.Zone("given", -60)) == 1760000400
    for place in range(8):
        if place not in (4, 7):          # Weekday and hundredths say nothing that is not known.
            none = bytearray(bytes.fromhex("07e90a09040b000000000000"))
            none[place] = 0xFF
            if place == 0:
                none[1] = 0xFF
            if place == 1:
                continue
            found = moment.decode_date_time(bytes(none))
            assert (found.utc_s() is None) == (place != 7)
    for wrong in ("07e90d09040b000000000000", "07e90a20040b000000000000",
                  "07e90a090418000000000000", "07e90a09040b000000034900", "07e9"):
        raises(DlmsMalformed, lambda wrong=wrong: moment.decode_date_time(bytes.fromhex(wrong)))
