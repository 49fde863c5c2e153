"""How often beacons are sent, and how much seldomer where the law leaves little time for them."""

from tests.edge.mesh.quiet_air import WAYS, QuietAir
from wum_edge.mesh import frames
from wum_edge.mesh.airtime import airtime_us, modulation
from wum_edge.mesh.gradient import RANK_MAX
from wum_edge.mesh.trickle import stretch

MINUTE_US = 60_000_000
CHAIN = [(1, 2), (2, 3), (3, 4)]
STRICT = 10                  # A tenth of a percent, as 868.7 to 869.2 MHz in Europe.


def beacons_of(air, address):
    return [frame for sender, frame in air.sent
            if sender == address and frames.decode_header(frame).kind == frames.BEACON]


def test_a_beacons_size_is_what_is_sent():
    air = QuietAir({1}, CHAIN)
    air.run(2 * MINUTE_US)
    assert {len(frame) for frame in beacons_of(air, 1)} == {frames.BEACON_SIZE}


def test_intervals_are_longer_where_beacons_would_take_the_time_that_there_is():
    def of(factor, bandwidth_hz, duty_permyriad):
        way = modulation(factor, bandwidth_hz)
        return stretch(airtime_us(way, frames.BEACON_SIZE), duty_permyriad)

    assert [of(7, 250_000, duty) for duty in (10_000, 1000, 100, 45, 10)] == [1, 1, 1, 1, 5]
    assert [of(10, 125_000, duty) for duty in (1000, 100)] == [1, 6]


def test_under_a_strict_law_a_gateways_beacons_take_a_quarter_of_it_and_objects_the_rest():
    air = QuietAir({1}, CHAIN, duty=STRICT)
    air.run(60 * MINUTE_US)
    hour = len(beacons_of(air, 1))
    air.run(120 * MINUTE_US)
    spent_us = (len(beacons_of(air, 1)) - hour) * airtime_us(WAYS[0], frames.BEACON_SIZE)
    limit_us = air.relays[1].ledger.limit_us
    assert limit_us // 8 < spent_us <= limit_us * 3 // 8     # Half of an interval is by chance.
    for count in range(30):
        air.submit(4, bytes([count]) * 200)
    air.run(270 * MINUTE_US)
    assert {content for _, content in air.delivered} == {bytes([n]) * 200 for n in range(30)}


def test_under_a_strict_law_a_gateway_that_lives_is_not_taken_for_dead_and_a_dead_one_is():
    air = QuietAir({1}, CHAIN, duty=STRICT)
    for quarter in range(1, 17):
        air.run(quarter * 15 * MINUTE_US)
        assert max([air.relays[address].gradient.rank for address in (2, 3, 4)]) < RANK_MAX
    del air.relays[1]
    air.run(air.now + 25 * MINUTE_US)
    assert min([relay.gradient.rank for relay in air.relays.values()]) >= RANK_MAX


def test_under_a_strict_law_one_on_standby_waits_for_the_beacons_of_a_gateway_that_lives():
    air = QuietAir({1}, CHAIN, duty=STRICT)
    air.relays[4].role.is_standby = True
    air.run(120 * MINUTE_US)
    assert air.of("serving") == []
    del air.relays[1]
    air.run(air.now + 40 * MINUTE_US)
    assert air.of("serving") == [(4,)]


def test_under_a_stricter_law_one_on_standby_that_starts_asks_for_a_way_before_it_serves():
    air = QuietAir({1}, CHAIN, duty=2)
    air.run(120 * MINUTE_US)
    air.boot(4)
    air.relays[4].role.is_standby = True
    air.run(air.now + 60 * MINUTE_US)
    assert air.of("serving") == [] and air.relays[4].gradient.gateway == 1
