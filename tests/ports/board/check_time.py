"""The board's clock and network time: 2000, drift, compression, and answers nobody asked for."""

import time

import machine
from change import change

from wum_edge import config
from wum_edge.ports.micropython import clock, sntp
from wum_shared import status

CLOCK = "wum_edge.ports.micropython.clock"
AT_S = 1795316400            # 2026-11-22 03:00:00.


class Crystal:
    """Stands for `time` in clock.py: ticks go round after 2**20 ms, and are moved by hand."""

    def __init__(self):
        self.ms = 2 ** 20 - 5

    def ticks_ms(self):
        return self.ms % 2 ** 20

    def ticks_diff(self, one, other):
        return ((one - other + 2 ** 19) % 2 ** 20) - 2 ** 19

    def time(self):
        return 0

    def gmtime(self, at_s):
        return time.gmtime(at_s)


def moved(settings=None):
    crystal = Crystal()
    change(CLOCK, time=crystal)
    return clock.BoardClock(settings), crystal


def run(one, crystal, ms):
    while ms > 0:
        crystal.ms += min(ms, 400000)
        ms -= 400000
        one.monotonic_ms()


def check_a_clock_that_was_never_set_says_so_and_network_time_sets_it_and_the_rtc():
    change(CLOCK, time=time)
    one = clock.BoardClock(None, machine.RTC())
    assert one.quality() == status.NEVER_SET and clock.epoch_s() == 946684800
    assert 946684800 <= one.now_s() < 946684900
    one.heard(AT_S * 1000 + 250)
    assert one.quality() == status.SYNCHRONISED and one.now_s() == AT_S
    assert 0 < one.real_ms_until(AT_S + 1) <= 750 and one.real_ms_until(AT_S - 5) == 0
    assert machine.RTC().datetime()[:5] == (2026, 11, 22, machine.RTC().datetime()[3], 3)
    again = clock.BoardClock(None, machine.RTC())        # As after a reset: the RTC goes on.
    assert again.quality() == status.FREE_RUNNING and abs(again.now_s() - AT_S) <= 1


def check_ticks_that_go_round_do_not_stop_time():
    one, crystal = moved()
    before_ms = one.monotonic_ms()
    run(one, crystal, 3 * 2 ** 20)
    assert one.monotonic_ms() - before_ms == 3 * 2 ** 20


def check_a_crystal_that_is_slow_is_learnt_and_a_step_is_not():
    one, crystal = moved()
    one.heard(AT_S * 1000)
    utc_ms = AT_S * 1000
    for _ in range(8):
        run(one, crystal, 36000000)                      # Ten hours by the crystal ...
        utc_ms += 36000000 + 3600                        # ... which loses 100 ppm.
        one.heard(utc_ms)
    assert 90 <= one.drift_ppm <= 110, one.drift_ppm
    learnt = one.drift_ppm
    run(one, crystal, 36000000)
    assert abs(one.utc_ms() - utc_ms - 36003600) < 400
    one.heard(utc_ms + 36003600 + 3600000)               # Somebody was wrong by an hour.
    assert one.drift_ppm == learnt
    run(one, crystal, 25 * 3600000)
    assert one.quality() == status.FREE_RUNNING


def check_compressed_time_runs_fast_and_never_past_the_wall():
    one, crystal = moved(config.Clock(AT_S - 7200, AT_S, 10))
    one.heard(AT_S * 1000)
    assert one.now_s() == AT_S - 7200
    run(one, crystal, 60000)
    assert one.now_s() == AT_S - 6600 and one.real_ms_until(AT_S - 6590) == 1000
    run(one, crystal, 7200000)
    assert one.now_s() == AT_S + 7260
    change(CLOCK, time=time)


def check_only_the_answer_to_our_own_question_is_believed():
    nonce = b"12345678"
    asked = sntp.question(nonce)
    good = sntp.served(asked, AT_S * 1000 + 500)
    assert len(asked) == 48 and sntp.answer(good, nonce) == AT_S * 1000 + 500
    later = sntp.served(asked, 2085978496 * 1000 + 7000)     # The next era, from 2036 on.
    assert sntp.answer(later, nonce) == 2085978496 * 1000 + 7000
    for wrong in (good[:47], b"\xe4" + good[1:], b"\x23" + good[1:], good[:1] + b"\x00" + good[2:],
                  good[:40] + bytes(8), b""):
        assert sntp.answer(wrong, nonce) is None, wrong
    assert sntp.answer(good, b"87654321") is None
