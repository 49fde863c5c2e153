"""The ripple and network time, on an air without loss or with some."""

from tests.edge.mesh.quiet_air import QuietAir
from wum_edge.mesh import frames
from wum_edge.mesh.clock import Clock
from wum_edge.mesh.downframes import RIPPLE_MAX
from wum_edge.mesh.ripple import KEPT_MAX
from wum_edge.mesh.timing import POLLING

MINUTE_US = 60_000_000
NOON_US = 1_700_000_000_000_000
CHAIN = [(1, 2), (2, 3), (3, 4)]
MESH = CHAIN + [(1, 3), (2, 4), (4, 5), (3, 5)]


def started(links, **more):
    air = QuietAir({1}, links, **more)
    air.do(1, "set_time", NOON_US)
    air.run(2 * MINUTE_US)
    return air


def test_everybody_has_it_within_seconds_and_the_gateway_knows_who():
    air = started(MESH)
    begin_us = air.now
    number = air.do(1, "send_ripple", frames.ALL, b"off")
    air.run(air.now + MINUTE_US)
    got = sorted([entry[1] for entry in air.told if entry[2] == "ripple"])
    assert got == [2, 3, 4, 5]
    assert max([entry[0] for entry in air.told if entry[2] == "ripple"]) < begin_us + 3_000_000
    assert air.of("echo")[-1] == (1, 1, number, 0b111100)


def test_it_is_carried_out_by_all_at_one_moment_by_clocks_that_differ():
    air = started(CHAIN)
    when_us = air.relays[1].clock.time_us(air.now) + 5_000_000
    air.do(1, "send_ripple", frames.ALL, b"off", when_us)
    air.run(air.now + MINUTE_US)
    moments = [entry[0] for entry in air.told if entry[2] == "execute"]
    assert len(moments) == 4
    assert max(moments) - min(moments) < 50_000
    assert abs(moments[0] + NOON_US - when_us) < 50_000


def test_a_copy_that_waits_for_the_channel_does_not_delay_the_command():
    air = started(CHAIN)
    when_us = air.relays[1].clock.time_us(air.now) + 1_000_000
    air.do(1, "send_ripple", frames.ALL, b"off", when_us)
    air.run(air.now + 400_000)
    relay = air.relays[4]
    relay.channel.refuse(air.now + 5_000_000)            # The law says no to it.
    for kept in relay.ripples._kept:
        kept.at_us = air.now
    air.run(air.now + 10_000_000)
    moments = [entry[0] for entry in air.told if entry[1:3] == (4, "execute")]
    assert abs(moments[0] + NOON_US - when_us) < 50_000


def test_only_its_group_heeds_it_and_all_pass_it_on():
    air = started(CHAIN)
    air.relays[4].groups.add(7)
    air.relays[2].groups.add(8)
    number = air.do(1, "send_ripple", frames.GROUP + 7, b"off")
    air.run(air.now + MINUTE_US)
    assert air.of("ripple") == [(4, 1, number, b"off")]
    assert air.of("execute") == [(4, 1, number)]
    assert air.of("echo")[-1] == (1, 1, number, 1 << 4)


def test_a_station_that_missed_it_is_given_it_when_it_speaks():
    air = started(CHAIN)
    air.loses = lambda frame: frames.decode_header(frame).kind == frames.RIPPLE and (
        frames.decode_header(frame).source == 3)
    number = air.do(1, "send_ripple", frames.ALL, b"off")
    air.run(air.now + MINUTE_US)
    assert sorted([entry[0] for entry in air.of("ripple")]) == [2, 3]
    air.loses = lambda frame: False
    air.submit(4, bytes(20))
    air.run(air.now + 40 * MINUTE_US)
    assert (4, 1, number, b"off") in air.of("ripple")


def test_who_has_none_at_all_is_given_it_whatever_its_number():
    for before in (99, 199, 254, 255):
        air = started(CHAIN)
        air.relays[1].orders._number = before
        air.loses = lambda frame: frames.decode_header(frame).kind == frames.RIPPLE and (
            frames.decode_header(frame).source == 3)
        number = air.do(1, "send_ripple", frames.ALL, b"off")
        air.run(air.now + MINUTE_US)
        assert number & 255 and sorted([entry[0] for entry in air.of("ripple")]) == [2, 3]
        air.loses = lambda frame: False
        air.submit(4, bytes(20))
        air.run(air.now + 40 * MINUTE_US)
        assert (4, 1, number, b"off") in air.of("ripple"), before


def test_who_restarts_again_and_again_is_given_it_each_time():
    air = started(CHAIN[:2])
    air.do(1, "send_ripple", frames.ALL, b"off")
    air.run(air.now + MINUTE_US)
    for times in range(2, 9):
        air.boot(2)
        air.run(air.now + 2 * MINUTE_US)
        air.submit(2, bytes(20))
        air.run(air.now + 40 * MINUTE_US)
        assert [entry[0] for entry in air.of("ripple")].count(2) == times


def test_a_repetition_goes_as_far_as_the_first():
    air = started(CHAIN)
    air.loses = lambda frame: frames.decode_header(frame).kind == frames.RIPPLE and (
        frames.decode_header(frame).source == 3)
    number = air.do(1, "send_ripple", frames.ALL, b"off")
    air.run(air.now + 10_000_000)
    assert sorted([entry[0] for entry in air.of("ripple")]) == [2, 3]
    air.loses = lambda frame: False
    air.do(1, "repeat_ripple", number)
    air.run(air.now + 10_000_000)
    assert sorted([entry[0] for entry in air.of("ripple")]) == [2, 3, 4]


def ripples_of(air, source, lost):
    """Lose the first `lost` copies of a station, wherever; the list grows by each copy of its."""
    copies = []

    def loses(frame):
        header = frames.decode_header(frame)
        if (header.kind, header.source) != (frames.RIPPLE, source):
            return False
        if header.counter not in copies:
            copies.append(header.counter)
        return copies.index(header.counter) < lost

    air.loses = loses
    return copies


def test_who_never_hears_us_is_given_it_ever_more_seldom():
    air = started(CHAIN)
    copies, after_hours = ripples_of(air, 3, 10_000), []
    number = air.do(1, "send_ripple", frames.ALL, b"off")
    for seconds in range(0, 4 * 3600, 5):
        if not seconds % 3600:
            after_hours.append(len(copies))
        air.relays[3].ripples.lacks(0, air.now)          # As 4 tells with all that it sends.
        air.run(air.now + 5_000_000)
    assert air.relays[3].ripples.newest == number & 255
    assert sorted([entry[0] for entry in air.of("ripple")]) == [2, 3]
    assert 6 < after_hours[1] <= 14 and 0 < len(copies) - after_hours[-1] <= 2


def test_who_shows_that_it_lacks_it_while_we_rest_is_given_it_after_the_rest():
    air = started(CHAIN[:2])
    number = air.do(1, "send_ripple", frames.ALL, b"off")
    air.run(air.now + MINUTE_US)
    given_us = []
    for address in (1, 3):                       # They do not hear each other.
        ripples = air.relays[address].ripples
        kept = ripples._find(1, number)
        kept.copies, kept.rests_until_us = 6, air.now + 40_000_000
        ripples.lacks(0, air.now)
        given_us.append(kept.at_us - air.now)
    assert min(given_us) >= 40_000_000 and max(given_us) < 72_000_000
    assert max(given_us) - min(given_us) > 400_000       # Longer than the frame.


def test_those_that_had_it_before_us_do_not_silence_us():
    links = [(1, near) for near in (2, 3, 4)] + [(near, 5) for near in (2, 3, 4)] + [(5, 6)]
    air = started(links)
    begin_us = air.now
    copies = ripples_of(air, 5, 2)
    air.do(1, "send_ripple", frames.ALL, b"off")
    air.run(air.now + 5_000_000)                 # Before 6 speaks, and shows that it lacks it.
    assert [entry[0] for entry in air.told if entry[1:3] == (6, "ripple")][0] > begin_us
    assert len(copies) == 3


def test_three_behind_us_or_six_before_us_silence_us():
    behind = started([(1, 2)] + [(2, other) for other in (3, 4, 5)])
    before = started([link for other in range(2, 8) for link in ((1, other), (other, 8))])
    for air, station in ((behind, 2), (before, 8)):
        copies = ripples_of(air, station, 0)
        air.do(1, "send_ripple", frames.ALL, b"off")
        air.run(air.now + 5_000_000)
        assert len(air.of("ripple")) == len(air.relays) - 1 and len(copies) < 3


def test_a_repetition_while_a_copy_finds_the_channel_busy_begins_anew():
    air = started(CHAIN)
    number = air.do(1, "send_ripple", frames.ALL, b"off")
    ripples = air.relays[1].ripples
    kept = ripples._find(1, number)
    ripples._sending, kept.copies = kept, 1
    ripples.repeat(number)
    ripples.refused()
    assert kept.copies == 0
    air.run(air.now + MINUTE_US)
    assert len(air.of("ripple")) == 3


def test_a_ripple_does_not_wait_for_the_end_of_a_burst_which_is_sent_again():
    air = started([(1, 2), (1, 3)])
    air.submit(2, bytes(12 * frames.FRAGMENT_MAX))
    relay = air.relays[1]
    for _ in range(3_000):
        air.run(air.now + 10_000)
        if relay.mode == POLLING and not relay.sending and relay.polls._arrived:
            break
    begin_us = air.now
    air.do(1, "send_ripple", frames.ALL, b"off")
    air.run(air.now + MINUTE_US)
    came_us = {entry[1]: entry[0] - begin_us for entry in air.told if entry[2] == "ripple"}
    assert came_us[3] < 300_000
    air.run(air.now + 5 * MINUTE_US)
    assert air.delivered == [(2, bytes(12 * frames.FRAGMENT_MAX))]


def test_a_lost_echo_is_told_again():
    air = started(CHAIN)
    left = [3]

    def loses(frame):
        header = frames.decode_header(frame)
        if header.kind == frames.ECHO and header.source in (2, 3) and left[0]:
            left[0] -= 1
            return True
        return False

    air.loses = loses
    number = air.do(1, "send_ripple", frames.ALL, b"off")
    air.run(air.now + 2 * MINUTE_US)
    assert left == [0]
    assert air.of("echo")[-1] == (1, 1, number, 0b11100)


def test_a_gateway_tells_itself_that_it_has_what_another_one_floods():
    air = QuietAir({1, 2}, [(1, 2)])
    air.do(1, "set_time", NOON_US)
    air.run(MINUTE_US)
    number = air.do(1, "send_ripple", frames.ALL, b"off")
    air.run(air.now + MINUTE_US)
    assert sorted(air.of("echo")) == [(1, 1, number, 0b100), (2, 1, number, 0b100)]


def test_what_is_remembered_of_ripples_has_a_limit():
    air = started(CHAIN)
    for count in range(KEPT_MAX + 4):
        air.do(1, "send_ripple", frames.ALL, bytes([count]) * RIPPLE_MAX)
        air.run(air.now + 20_000_000)
    for relay in air.relays.values():
        assert len(relay.ripples._kept) == KEPT_MAX
    assert [entry[3][0] for entry in air.of("ripple") if entry[0] == 4] == list(
        range(KEPT_MAX + 4))


def test_an_order_is_carried_out_at_its_moment_however_much_is_flooded_before_it():
    air = started(CHAIN)
    when_us = air.relays[1].clock.time_us(air.now) + 12 * MINUTE_US
    number = air.do(1, "send_ripple", frames.ALL, b"off", when_us)
    for count in range(KEPT_MAX + 4):            # As what is said to one and not confirmed is.
        air.run(air.now + 20_000_000)
        air.do(1, "send_ripple", 3, bytes([count]), 0, False)
    assert not air.of("execute")
    assert air.relays[1].ripples.content_of(1, number) == b"off", "and can be flooded again"
    air.do(1, "repeat_ripple", number)
    air.run(air.now + 8 * MINUTE_US)
    assert sorted(air.of("execute")) == [(one, 1, number) for one in (1, 2, 3, 4)]
    for relay in air.relays.values():
        assert len(relay.ripples._kept) == KEPT_MAX


def test_of_orders_that_wait_for_their_moments_the_oldest_makes_room():
    air = started([(1, 2)])
    when_us = air.relays[1].clock.time_us(air.now) + 60 * MINUTE_US
    for count in range(KEPT_MAX + 1):
        air.do(1, "send_ripple", frames.ALL, bytes([count]), when_us + count)
        air.run(air.now + 20_000_000)
    air.do(1, "send_ripple", 2, b"said to one", 0, False)
    air.run(air.now + 60 * MINUTE_US)
    for one in (1, 2):
        assert len([entry for entry in air.of("execute") if entry[0] == one]) == KEPT_MAX - 1
    assert ("said to one" in str(air.told))


def test_a_clock_learns_its_pace_and_forgets_what_cannot_be():
    clock = Clock()
    assert clock.time_us(5) == 0 and clock.stamp() == (0, 0)
    clock.set(1_000_000, NOON_US)
    later_us = 1_000_000 + 600_000_000
    clock.set(later_us, NOON_US + 600_012_000)           # 20 ppm slow.
    assert 19_000 < clock.drift_ppb < 21_000
    far_us = later_us + 3_600_000_000
    assert abs(clock.time_us(far_us) - (NOON_US + 600_012_000 + 3_600_072_000)) < 100
    assert abs(clock.local_us(clock.time_us(far_us)) - far_us) < 5
    clock.set(far_us, NOON_US)                           # Set by hand: no pace follows from it.
    assert clock.drift_ppb == 0 and clock.time_us(far_us) == NOON_US


def test_a_gateway_that_found_the_channel_busy_sends_its_copy_without_another_look():
    air = started(CHAIN)
    relay = air.relays[1]
    relay.send_ripple(air.now, frames.ALL, b"off")
    looks = []
    for _ in range(400):
        air.now += 5_000
        relay.on_tick(air.now)
        for action in relay.actions():
            if action[0] == "tx":
                looks.append(action[5])
                relay.on_tx_done(air.now, relay.speech.token, 0)     # It was busy.
        if len(looks) == 2:
            break
    assert looks == [True, False]


def test_who_lacks_it_and_is_in_a_burst_is_given_it_when_the_burst_is_over():
    air = started(CHAIN)
    number = air.do(1, "send_ripple", frames.ALL, b"off")
    air.run(air.now + MINUTE_US)
    relay = air.relays[3]
    kept = relay.ripples._find(1, number)
    assert kept.at_us is None and kept.copies
    relay.hold(air.now + 2_000_000, 4)
    relay.ripples.lacks(number - 1 & 255, relay.channel.held_until_us(2))
    assert kept.at_us < air.now + 1_000_000      # Of 2 nothing is known.
    kept.at_us = None
    relay.ripples.lacks(number - 1 & 255, relay.channel.held_until_us(4))
    assert air.now + 2_000_000 <= kept.at_us < air.now + 3_000_000
