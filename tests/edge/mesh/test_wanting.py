"""A way that is longer than the lost one is taken in seconds, not when the heart beats anyway."""

from tests.edge.mesh.test_wire import MINUTE_US, WiredAir

SECOND_US = 1_000_000


def around(links, wires, dead, origin):
    """How long it takes until an object of `origin` comes, after `dead` has died."""
    air = WiredAir({1}, links, wires)
    air.run(5 * MINUTE_US)
    assert air.relays[origin].gradient.parent == dead
    del air.relays[dead]
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
