"""The duty account against every sliding hour, counted to the microsecond."""

from wum_edge.mesh.duty import HOUR_US, MINUTE_US, Ledger
from wum_edge.mesh.regions import REGIONS, sub_band

PERCENT = 100                # In 1/10,000.


def worst_hour_us(sent):
    """The most airtime that any hour saw: one that ends where a frame does."""
    worst = first = inside = 0
    for begin, airtime in sent:
        inside += airtime
        while sent[first][0] + sent[first][1] <= begin + airtime - HOUR_US:
            inside -= sent[first][1]
            first += 1
        outside = max(begin + airtime - HOUR_US - sent[first][0], 0)
        worst = max(worst, inside - outside)
    return worst


def greedy(ledger, airtime_us, step_us, until_us, is_urgent=False):
    """Every frame that the account lets through."""
    sent, t_us = [], 0
    while t_us < until_us:
        if ledger.take(t_us, airtime_us, is_urgent):
            sent.append((t_us, airtime_us))
            t_us += airtime_us
        t_us += step_us
    return sent


def test_no_sliding_hour_sees_more_than_the_limit():
    for airtime_us, step_us in ((400_000, 1_500_007), (2_465_792, 7_000_000), (9_019_000, 900_013)):
        ledger = Ledger(PERCENT, 0, was_silent=True)
        sent = greedy(ledger, airtime_us, step_us, 3 * HOUR_US, is_urgent=True)
        assert len(sent) > 3                         # The premise: it let frames through.
        assert worst_hour_us(sent) <= ledger.limit_us


def test_a_burst_at_the_end_of_a_clock_hour_is_remembered_in_the_next():
    ledger = Ledger(PERCENT, 0, was_silent=True)
    late_us = HOUR_US - 60_000_000
    while ledger.take(late_us, 1_000_000, is_urgent=True):
        late_us += 1_000_000
    assert ledger.spent_us(late_us) == 36_000_000
    assert not ledger.take(HOUR_US + 1, 1_000_000, is_urgent=True)


def test_most_of_the_limit_can_be_used():
    ledger = Ledger(PERCENT, 0, was_silent=True)
    sent = greedy(ledger, 400_000, 5_000_000, 10 * HOUR_US, is_urgent=True)
    used = sum([airtime for _, airtime in sent])
    assert used * 100 >= 97 * 10 * ledger.limit_us   # One minute in 61 is the price of the grain.


def test_the_reserve_is_for_what_is_urgent():
    ledger = Ledger(PERCENT, 0, was_silent=True)
    t_us = 0
    while ledger.take(t_us, 100_000):
        t_us += 100_000
    assert ledger.spent_us(t_us) == 36_000_000 * 85 // 100
    assert ledger.take(t_us, 100_000, is_urgent=True)


def test_a_refusal_books_nothing():
    ledger = Ledger(1, 0, was_silent=True)           # 360 ms an hour.
    assert not ledger.take(0, 400_000, is_urgent=True)
    assert ledger.spent_us(0) == 0


def test_after_a_restart_an_hour_passes_unless_it_was_silent():
    start_us = 5 * MINUTE_US + 17
    ledger = Ledger(PERCENT, start_us)
    assert not ledger.take(start_us, 1_000_000, is_urgent=True)
    assert not ledger.take(start_us + HOUR_US - 18, 1_000_000, is_urgent=True)
    assert ledger.take(start_us + HOUR_US + MINUTE_US, 1_000_000, is_urgent=True)


def test_the_wait_is_long_enough_and_not_longer():
    ledger = Ledger(PERCENT, 0, was_silent=True)
    t_us = 0
    for _ in range(100):
        t_us += 30_000_000
        ledger.take(t_us, 350_000, is_urgent=True)
    while ledger.take(t_us, 350_000, is_urgent=True):
        t_us += 350_000
    wait_us = ledger.wait_us(t_us, 350_000, is_urgent=True)
    assert 0 < wait_us <= HOUR_US + MINUTE_US
    assert not ledger.take(t_us + wait_us - 1, 350_000, is_urgent=True)
    assert ledger.take(t_us + wait_us, 350_000, is_urgent=True)
    assert ledger.wait_us(t_us + wait_us, 36_000_001, is_urgent=True) is None
    assert Ledger(PERCENT, 0, was_silent=True).wait_us(0, 1) == 0


def test_a_channel_lies_in_one_sub_band_of_its_region():
    assert sub_band("EU868", 869_525_000, 250_000).duty_permyriad == 1000
    assert sub_band("EU868", 868_100_000, 125_000).name == "868.0"
    assert sub_band("EU433", 433_500_000, 500_000).power_mw == 10
    assert sub_band("US915", 915_000_000, 500_000).duty_permyriad == 10_000


def refusal(region, centre_hz, bandwidth_hz):
    """What the refusal of such a channel says; empty when it is taken."""
    try:
        sub_band(region, centre_hz, bandwidth_hz)
    except ValueError as error:
        return str(error)
    return ""


def test_a_channel_that_sticks_out_of_its_sub_band_is_refused_with_those_there_are():
    assert "869400000..869650000" in refusal("EU868", 869_525_000, 500_000)
    assert "no sub-band" in refusal("EU868", 868_650_000, 125_000)
    assert "EU433, EU868" in refusal("MARS", 1, 1)


def test_a_channel_may_be_too_narrow_or_too_wide_for_its_sub_band():
    assert "(500000..26000000 wide)" in refusal("US915", 915_000_000, 250_000)
    assert "wanted one of EU433, EU868, US915" in refusal("IN865", 866_000_000, 125_000)


def test_no_two_sub_bands_of_a_region_overlap():
    for bands in REGIONS.values():
        edges = sorted([(band.low_hz, band.high_hz) for band in bands])
        for place in range(1, len(edges)):
            assert edges[place - 1][1] <= edges[place][0]


def test_what_was_not_sent_is_given_back():
    ledger = Ledger(PERCENT, 0, was_silent=True)
    before = ledger.free_us(MINUTE_US - 1)
    assert ledger.take(MINUTE_US - 1, 400_000)           # It would end in the next minute.
    ledger.give_back(MINUTE_US - 1, 400_000)
    assert ledger.free_us(2 * MINUTE_US) == before


def test_what_a_store_knows_of_the_time_before_counts():
    assert Ledger(PERCENT, 0).free_us(0) == 0
    assert Ledger(PERCENT, 0, spent_us=0).free_us(0, is_urgent=True) == 36_000_000
    assert Ledger(PERCENT, 0, spent_us=6_000_000).free_us(0, is_urgent=True) == 30_000_000
    assert Ledger(PERCENT, 0, spent_us=6_000_000).free_us(HOUR_US + MINUTE_US, True) == 36_000_000
