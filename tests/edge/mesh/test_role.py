"""Gateways that come and go: told so, dead, or made because there is none."""

from tests.edge.mesh.quiet_air import QuietAir
from wum_edge.mesh.gradient import RANK_MAX
from wum_edge.mesh.objects import cut

MINUTE_US = 60_000_000
CHAIN = [(1, 2), (2, 3), (3, 4)]
RING = CHAIN + [(1, 4)]


def chain():
    air = QuietAir({1}, CHAIN)
    air.run(2 * MINUTE_US)
    return air


def test_a_dead_gateway_is_noticed_though_nobody_has_anything_to_send():
    air = chain()
    air.run(30 * MINUTE_US)
    assert max([air.relays[address].gradient.rank for address in (2, 3, 4)]) < RANK_MAX
    del air.relays[1]
    air.run(air.now + 5 * MINUTE_US)
    assert min([relay.gradient.rank for relay in air.relays.values()]) >= RANK_MAX


def test_a_station_on_standby_serves_when_there_is_no_gateway_and_not_before():
    air = chain()
    air.relays[4].role.is_standby = True
    air.run(30 * MINUTE_US)
    assert air.of("serving") == []
    del air.relays[1]
    dead_us = air.now
    air.submit(2, bytes(300))
    air.run(dead_us + 4 * MINUTE_US)
    assert air.of("serving") == [(4,)]
    assert air.delivered == [(2, bytes(300))] and air.relays[2].gradient.gateway == 4


def test_of_two_on_standby_the_second_finds_the_first():
    air = chain()
    for address in (2, 4):
        air.relays[address].role.is_standby = True
    del air.relays[1]
    air.run(air.now + 20 * MINUTE_US)
    assert len(air.of("serving")) == 1


def comes_back(links, back_us):
    """4 serves for the dead 1, which is back; then there is some traffic."""
    air = QuietAir({1}, links)
    air.run(2 * MINUTE_US)
    air.relays[4].role.is_standby, air.relays[4].role.serves_us = True, 60 * MINUTE_US
    dead = air.relays.pop(1)
    air.run(air.now + 10 * MINUTE_US)
    assert air.of("serving") == [(4,)] and air.relays[2].gradient.gateway == 4
    air.relays[1] = dead
    air.run(air.now + back_us)
    assert air.of("resting") == []               # It must be there for a while.
    sent = [(3, bytes((number,)) * 300) for number in range(40)]
    for origin, content in sent:
        air.submit(origin, content)
        air.run(air.now + MINUTE_US // 2)
    assert air.of("resting") == [(4,)] and air.relays[4].gradient.gateway == 1
    assert sorted(set(air.delivered)) == sent


def test_a_station_on_standby_rests_again_beside_another_gateway_and_nothing_is_lost():
    comes_back(RING, 8 * MINUTE_US)


def test_one_that_cannot_hear_of_another_gateway_rests_for_once_and_finds_it():
    comes_back(CHAIN, 48 * MINUTE_US)


def test_one_that_is_the_only_gateway_serves_on():
    air = QuietAir(set(), CHAIN)
    air.relays[4].role.is_standby, air.relays[4].role.serves_us = True, 60 * MINUTE_US
    air.run(120 * MINUTE_US)
    assert len(air.of("resting")) == 1 and air.relays[4].gradient.is_gateway


def test_of_two_that_serve_beside_each_other_one_rests():
    air = QuietAir(set(), RING)
    air.run(MINUTE_US)
    for address in (1, 4):
        air.relays[address].role.is_standby = True
        air.do(address, "serve", True)
    air.run(air.now + 60 * MINUTE_US)
    assert len(air.of("resting")) == 1
    serving = [address for address in (1, 4) if air.relays[address].gradient.is_gateway]
    assert len(serving) == 1


def test_a_relay_that_gets_an_uplink_delivers_what_it_held():
    air = chain()
    del air.relays[1]
    air.submit(4, bytes(700))
    air.run(air.now + MINUTE_US)
    held = [address for address in (2, 3) if air.relays[address].custody.size]
    assert held
    air.do(held[0], "serve", True)
    air.run(air.now + 30 * MINUTE_US)
    assert air.delivered == [(4, bytes(700))]
    assert air.relays[4].gradient.gateway == held[0]


def test_a_gateway_without_its_uplink_hands_on_what_is_not_whole():
    air = QuietAir({1, 4}, CHAIN)
    air.run(2 * MINUTE_US)
    relay = air.relays[1]
    air.submit(3, bytes(20))
    air.run(air.now + MINUTE_US)
    for piece in cut(9, 7, bytes(600))[:2]:  # Of three.
        relay.ends.arrive(piece)
    air.do(1, "serve", False)
    assert relay.custody.size == 2 and not relay.gradient.is_gateway
    air.run(air.now + 10 * MINUTE_US)
    assert relay.gradient.gateway == 4 and relay.custody.size == 0
    last = cut(9, 7, bytes(600))[2]
    air.relays[4].ends.arrive(last)
    air._act(4)
    assert (9, bytes(600)) in air.delivered
    assert air.submit(1, bytes(30)) is not None
    air.run(air.now + 2 * MINUTE_US)
    assert (1, bytes(30)) in air.delivered
