"""A way that is longer than the lost one is taken in seconds, not when the heart beats anyway."""

from tests.edge.mesh.doubles import DigestSeal
from tests.edge.mesh.test_wire import MINUTE_US, WiredAir
from wum_edge.mesh import frames

SECOND_US = 1_000_000


def around(links, wires, dead, origin, changing=()):
    """How long it takes until an object of `origin` comes, after `dead` has died; `changing` have
    taken a new key up by then.
    """
    air = WiredAir({1}, links, wires)
    air.run(5 * MINUTE_US)
    assert air.relays[origin].gradient.parent == dead
    del air.relays[dead]
    for address in changing:
        air.relays[address].changeover.take_up(DigestSeal(b"next"), 0x0102, 2)
    begin_us = air.now
    assert air.submit(origin, bytes(300)) is not None
    while not air.delivered and air.now < begin_us + 20 * MINUTE_US:
        air.run(air.now + SECOND_US)
    assert air.delivered == [(origin, bytes(300))]
    return (air.now - begin_us) // SECOND_US


def test_around_a_dead_relay_by_two_hops_of_radio():
    assert around([(1, 2), (2, 4), (3, 4)], [(1, 3)], 3, 4) <= 45


def test_around_it_by_three_hops_of_radio():
    assert around([(1, 2), (2, 5), (5, 4), (3, 4)], [(1, 3)], 3, 4) <= 60


def test_a_beacon_that_is_waited_for_is_followed_by_one_under_the_other_key():
    for is_wanted in (True, False):
        air = WiredAir({1}, [(1, 2), (2, 4)], [])
        air.run(5 * MINUTE_US)
        relay = air.relays[2]
        relay.changeover.take_up(DigestSeal(b"next"), 0x0102, 2)
        air.run(air.now + 5 * MINUTE_US)
        begun = len(air.sent)
        if is_wanted:
            relay.wanting.heard()
        else:
            relay.trickle.hurry(air.now, 0)
        air.run(air.now + 3 * SECOND_US)
        nets = [header.net for header in [
            frames.decode_header(frame) for address, frame in air.sent[begun:] if address == 2]
            if header.kind == frames.BEACON]
        assert sorted(set(nets)) == ([7, 0x0102] if is_wanted else nets[:1]), (is_wanted, nets)


def test_around_it_while_the_networks_key_changes_and_who_lost_its_way_has_the_old_one_alone():
    assert around([(1, 2), (2, 4), (3, 4)], [(1, 3)], 3, 4, changing=(1, 2)) <= 60
