"""The simulated air: each effect is seen to matter, nothing appears from nowhere."""

import pytest

from tests.simulator.radio_bench import SF7, air_of, send
from wum_edge.mesh.airtime import airtime_us
from wum_simulator.radio import places, reception
from wum_simulator.radio.field import Field, Terrain
from wum_simulator.radio.law import HOUR_US, Breach, Law
from wum_simulator.world import Dice

SECOND_US = 1_000_000


def heard_of(air, hosts, number):
    air.run(air.now_us + 10 * SECOND_US)
    return [frame[1][0] for frame in hosts[number].frames]


def test_a_frame_arrives_when_its_airtime_is_over():
    air, hosts = air_of([0, 100])
    send(air, 0, size=50)
    assert heard_of(air, hosts, 1) == [0]
    ended_us, token, airtime = hosts[0].ends[0]
    assert airtime == airtime_us(SF7, 50) and token == 1
    assert hosts[1].frames[0][0] == ended_us
    assert hosts[0].frames == []                      # Nobody hears himself.


def test_far_away_nothing_arrives_and_further_out_it_takes_a_slower_rate():
    for distance_m, rate, arrives in ((3000, 0, True), (4600, 0, False), (4600, 1, True),
                                      (7000, 1, False)):
        air, hosts = air_of([0, distance_m])
        air.radios[1].listen(rate, 0)
        send(air, 0, rate=rate)
        assert (heard_of(air, hosts, 1) == [0]) == arrives, (distance_m, rate)


def test_the_curve_of_errors_has_no_step_and_long_frames_are_lost_first():
    chances = [reception.loss(margin / 10, 255) for margin in range(-60, 60)]
    assert chances == sorted(chances, reverse=True)
    assert max(one - other for one, other in zip(chances, chances[1:], strict=False)) < 0.1
    assert reception.loss(0, 20) < reception.loss(0, 255)
    assert reception.loss(0, 64) == pytest.approx(0.01, abs=0.005)


def test_the_stronger_of_two_is_captured_and_of_equals_none():
    for near_m, wanted in ((100, [0]), (390, [])):
        air, hosts = air_of([near_m, 0, -400])        # The receiver is at 0, in the middle.
        send(air, 0)
        send(air, 2, at_us=1000)
        assert heard_of(air, hosts, 1) == wanted


def test_capture_at_1_db_is_kinder_than_at_6():
    got = {}
    for capture_db in (1.0, 6.0):
        air, hosts = air_of([310, 0, -400], capture_db=capture_db)   # 3.3 dB apart.
        send(air, 0)
        send(air, 2, at_us=1000)
        got[capture_db] = heard_of(air, hosts, 1)
    assert got == {1.0: [0], 6.0: []}


def test_interference_adds_up():
    places_m = [210, 0, -420, 419, -421, 418, -422]   # Each other is 9 dB below; five are not.
    air, hosts = air_of(places_m)
    send(air, 0)
    send(air, 2, at_us=1000)
    assert heard_of(air, hosts, 1) == [0]
    air, hosts = air_of(places_m)
    send(air, 0)
    for other in range(2, len(places_m)):
        send(air, other, at_us=1000)
    assert heard_of(air, hosts, 1) == []


def test_another_spreading_factor_hurts_only_when_it_is_much_stronger():
    for near_m, wanted in ((500, [0]), (60, [])):
        air, hosts = air_of([800, 0, -near_m])
        send(air, 0, size=100)
        send(air, 2, at_us=1000, rate=1)
        assert heard_of(air, hosts, 1) == wanted


def test_what_ends_before_a_receiver_locks_does_no_harm():
    short_us = airtime_us(SF7, 0)
    for early_us, wanted in ((short_us + 600, [0, 2]), (short_us - 3_000, [0])):
        air, hosts = air_of([100, 0, -100])
        send(air, 0, size=1)
        send(air, 2, at_us=early_us)
        got = heard_of(air, hosts, 1)
        assert (got == wanted) == (wanted == [0, 2]), got


def test_who_sends_is_deaf():
    air, hosts = air_of([0, 100])
    send(air, 0)
    send(air, 1, at_us=500)
    air.run(SECOND_US)
    assert hosts[0].frames == [] and hosts[1].frames == []


def test_another_sync_word_is_not_heard_and_does_not_hold_a_receiver_up():
    air, hosts = air_of([300, 0, -100])
    air.radios[1].listen(0, 5)
    send(air, 0, word=3)
    send(air, 2, at_us=20_000, word=5)                # Locked on the first it would be lost.
    assert heard_of(air, hosts, 1) == [2]


def test_cad_keeps_out_of_the_way_mostly():
    busy = 0
    for seed in range(60):
        air, hosts = air_of([0, 100, 200], seed=seed)
        air.radios[1].listen(1, 0)                    # Not locked: it must sense.
        send(air, 0, size=200)
        air.after(60_000, lambda _, air=air: air.radios[1].listen(0, 0), None)
        send(air, 1, at_us=61_000, has_cad=True)
        air.run(SECOND_US)
        busy += hosts[1].ends[0][2] == 0
    assert 40 < busy < 60                             # It misses some, and not most.
    air, hosts = air_of([0, 100])
    send(air, 1, has_cad=True)
    air.run(SECOND_US)
    assert hosts[1].ends[0][2] > 0


def test_a_power_cut_takes_the_frame_with_it():
    air, hosts = air_of([0, 100])
    send(air, 0, size=200)
    air.after(50_000, lambda _: air.radios[0].power(False), None)
    assert heard_of(air, hosts, 1) == [] and hosts[0].ends == []


def test_fading_shadows_and_asymmetry_move_what_arrives():
    plain, _ = air_of([0, 100, 220, 330])
    for effect in ({"shadow_db": 8.0}, {"asymmetry_db": 3.0}):
        moved, _ = air_of([0, 100, 220, 330], **effect)
        assert moved.field.means != plain.field.means
    one, other = air_of([0, 100], asymmetry_db=3.0)[0].field.means
    assert one[0][1] != other[0][1]
    air, hosts = air_of([0, 100], rice_k=3.0)
    for at in range(40):
        send(air, 0, at_us=at * 200_000)
    air.run(10 * SECOND_US)
    levels = [frame[2] for frame in hosts[1].frames]
    assert max(levels) - min(levels) >= 6


def test_drift_is_slow_and_stays_within_bounds():
    field = Field(places.street(2), Terrain(14.0, drift_db=2.0), -200.0, Dice(1))
    before = field.paths[0][0].drift_db
    field.step()
    assert 0 < abs(field.paths[0][0].drift_db - before) < 2.5
    for _ in range(2000):
        field.step()
        assert abs(field.paths[0][0].drift_db) < 12


def test_every_lock_has_an_end_that_is_counted():
    air, hosts = air_of([at * 60 for at in range(12)], rice_k=1.0)
    dice = Dice(3).stream("traffic")
    for _ in range(400):
        send(air, dice.randrange(12), size=dice.randint(1, 255),
             at_us=dice.randrange(20 * SECOND_US), rate=0, has_cad=dice.random() < 0.5)
    air.run(60 * SECOND_US)
    counts = air.counts
    ended = ("heard", "faded", "collided", "abandoned", "cut")
    assert counts["collided"] and counts["abandoned"]
    assert counts["locked"] == sum(counts[end] for end in ended)
    assert counts["heard"] == sum(len(host.frames) for host in hosts)
    assert counts["sent"] == sum(1 for host in hosts for end in host.ends if end[2])


def test_the_law_is_the_air_s_own_and_holds_over_the_hour_s_edge():
    law = Law("station", 100)
    half_us = law.limit_us // 2
    law.sent(HOUR_US - half_us, HOUR_US)
    law.sent(HOUR_US, HOUR_US + half_us)
    assert law.worst_us == law.limit_us
    with pytest.raises(Breach, match="station"):
        law.sent(2 * HOUR_US - half_us - 2, 2 * HOUR_US - half_us)
    kind = Law("station", 100)
    kind.sent(0, half_us)
    kind.sent(half_us, 2 * half_us)
    kind.sent(HOUR_US + half_us, HOUR_US + 2 * half_us)      # An hour after the first has ended.


def test_of_a_frame_that_lies_across_an_hour_s_beginning_only_a_part_counts():
    law = Law("station", 100)
    law.sent(0, law.limit_us)
    law.sent(HOUR_US + 1_000, HOUR_US + 2_000)           # 2 ms of the first are an hour ago.
    other = Law("other", 100)
    other.sent(1_500, law.limit_us + 1_500)
    with pytest.raises(Breach):
        other.sent(HOUR_US + 1_000, HOUR_US + 2_000)     # Of this one only half a millisecond.


def test_a_breach_fails_the_run():
    air, _ = air_of([0, 100], duty=1)                 # 360 ms in an hour.
    for at in range(4):
        send(air, 0, size=200, at_us=at * SECOND_US)
    with pytest.raises(Breach, match="station 0"):
        air.run(10 * SECOND_US)
