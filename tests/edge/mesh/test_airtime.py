"""Airtime against Semtech's calculator and the sheet of AN1200.13."""

from wum_edge.mesh.airtime import Modulation, airtime_us, is_slow, modulation, quarter_symbols

# (modulation) -> (preamble, bytes, header, CRC) -> symbols, microseconds: what Semtech's SX1261
# calculator shows, as recorded in micropython-lib's tests (MIT), 8 symbols added that it leaves
# out of its count of symbols but not of its time.
SEMTECH = (
    ((12, 500_000, 5), (
        ((8, 1, True, True), 25.25, 206_848), ((12, 64, True, True), 79.25, 649_216),
        ((8, 1, True, False), 20.25, 165_888), ((8, 192, True, True), 180.25, 1_476_608),
        ((12, 16, False, False), 34.25, 280_576))),
    ((8, 125_000, 6), (
        ((8, 1, True, True), 26.25, 53_760), ((8, 2, True, True), 26.25, 53_760),
        ((8, 2, True, False), 26.25, 53_760), ((8, 3, True, True), 32.25, 66_048),
        ((8, 3, True, False), 26.25, 53_760), ((8, 4, True, True), 32.25, 66_048),
        ((8, 4, True, False), 26.25, 53_760), ((8, 5, True, True), 32.25, 66_048),
        ((8, 5, True, False), 32.25, 66_048), ((8, 253, True, True), 404.25, 827_904),
        ((8, 253, True, False), 404.25, 827_904), ((12, 5, False, True), 30.25, 61_952),
        ((12, 5, False, False), 30.25, 61_952), ((12, 10, False, True), 42.25, 86_528),
        ((12, 253, False, True), 402.25, 823_808))),
    ((5, 500_000, 5), (
        ((2, 1, True, False), 21.25, 1_360), ((2, 1, True, True), 26.25, 1_680),
        ((12, 1, False, False), 26.25, 1_680), ((12, 253, False, True), 531.25, 34_000))),
    ((5, 125_000, 8), (((12, 253, False, True), 834.25, 213_568),)),
)
SLOWEST = (  # The calculator rounds the symbol to a nanosecond: equal to one in 100,000.
    ((12, 7_810, 8), (
        ((128, 253, True, True), 548.25, 287_532_907),
        ((1000, 253, True, True), 1420.25, 744_858_387))),
    ((11, 10_420, 7), (
        ((25, 16, True, True), 65.25, 12_824_568), ((25, 16, False, False), 58.25, 11_448_752))),
)
FROZEN = (  # The sheet of AN1200.13, and mesh figures that the limits of docs/mesh.md rest on.
    (9, 125_000, 8, 13, 164_864), (7, 125_000, 8, 51, 102_656), (12, 125_000, 8, 51, 2_465_792),
    (7, 250_000, 8, 255, 199_808), (5, 250_000, 12, 255, 69_280),
)


def way_of(modem, packet):
    spreading_factor, bandwidth_hz, coding_rate = modem
    preamble, _, has_header, has_crc = packet
    return modulation(spreading_factor, bandwidth_hz, coding_rate, preamble, has_header, has_crc)


def test_every_case_of_semtechs_calculator_is_met_exactly():
    tried = 0
    for modem, packets in SEMTECH:
        for packet, symbols, shown_us in packets:
            way = way_of(modem, packet)
            assert quarter_symbols(way, packet[1]) == int(symbols * 4), (modem, packet)
            assert airtime_us(way, packet[1]) == shown_us, (modem, packet)
            tried += 1
    assert tried == 25


def test_the_slowest_frames_are_met_to_the_calculators_rounding():
    for modem, packets in SLOWEST:
        for packet, symbols, shown_us in packets:
            way = way_of(modem, packet)
            assert is_slow(way)
            assert quarter_symbols(way, packet[1]) == int(symbols * 4), (modem, packet)
            assert abs(airtime_us(way, packet[1]) - shown_us) * 100_000 <= shown_us


def test_the_frozen_cases_are_met_exactly():
    for spreading_factor, bandwidth_hz, preamble, size, expected_us in FROZEN:
        way = modulation(spreading_factor, bandwidth_hz, preamble=preamble)
        assert airtime_us(way, size) == expected_us, (spreading_factor, bandwidth_hz, size)


def test_the_low_data_rate_optimisation_is_on_where_a_symbol_is_long():
    assert [is_slow(modulation(factor, 125_000)) for factor in (10, 11, 12)] == [False, True, True]
    assert [is_slow(modulation(factor, 250_000)) for factor in (11, 12)] == [False, True]


def test_more_bytes_are_never_less_time():
    for factor in (5, 6, 7, 9, 12):
        way = modulation(factor, 250_000)
        times = [airtime_us(way, size) for size in range(256)]
        assert times == sorted(times) and times[255] > times[0]


def refusal(*settings):
    """What the refusal of such a modulation says; empty when it is taken."""
    try:
        modulation(*settings)
    except ValueError as error:
        return str(error)
    return ""


def test_a_modulation_that_no_modem_has_is_refused_by_name():
    assert "spreading factor 4" in refusal(4, 125_000)
    assert "bandwidth 126000" in refusal(7, 126_000)
    assert "coding rate 4/ 9" in refusal(7, 125_000, 9)
    assert "preamble 1" in refusal(7, 125_000, 5, 1)
    assert refusal(7, 125_000) == ""


def test_a_modulation_is_a_plain_record():
    assert modulation(7, 125_000) == Modulation(7, 125_000, 5, 8, True, True)
