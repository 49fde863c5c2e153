"""What holds at every moment of a run, and not only at its end: a piece has a custodian, a loop of
parents does not live, tables stay within their limits. Small harsh districts; seeds of trouble.
"""

import pytest

from wum_edge.mesh.children import CHILDREN_MAX, ROUTES_MAX
from wum_edge.mesh.custody import ITEMS_MAX
from wum_edge.mesh.neighbours import NEIGHBOURS_MAX
from wum_edge.mesh.objects import cut
from wum_simulator.radio import places
from wum_simulator.radio.field import Terrain
from wum_simulator.radio.network import Network, Plan
from wum_simulator.radio.seal import FastCcm
from wum_simulator.world import Dice

MINUTE_US = 60_000_000
STEP_US = 2_000_000
LOOP_MAX_S = 30              # docs/mesh-protocol.md, 4.
SITES = 20
HARSH = Terrain(12.0, 3.8, 30.0)


def district(seed):
    sites = places.district(SITES, 1)
    return Network(Plan(sites, HARSH, (0,), seed))


def held(network):
    """(origin, number, fragment) of everything that some station answers for."""
    found = set()
    for number in range(SITES):
        relay = network.relay(number)
        if relay is not None:
            found |= {(item.origin, item.number, item.fragment)
                      for item in relay.custody.everything()}
            found |= {(key >> 16, key & 0xFFFF, at)
                      for key, partial in relay.gathering._partial.items()
                      for at in partial.pieces}
    return found


def orphans(network):
    """Pieces of objects that have not come, and that nobody has."""
    there = held(network)
    return [(number + 1, given, item.fragment)
            for number in range(SITES)
            for given, (_, content, _) in network._waiting[number].items()
            if int.from_bytes(content[:4], "big") not in network.tally.came_us
            for item in cut(number + 1, given, content)
            if (number + 1, given, item.fragment) not in there]


def in_loops(network):
    """Stations whose parents lead back to them."""
    parents = {number + 1: relay.gradient.parent for number in range(SITES)
               if (relay := network.relay(number)) is not None}
    found = set()
    for address in parents:
        at, steps = parents[address], 0
        while at is not None and at != address and steps <= SITES:
            at, steps = parents.get(at), steps + 1
        if at == address:
            found.add(address)
    return found


def within_limits(network):
    for number in range(SITES):
        relay = network.relay(number)
        if relay is not None:
            assert relay.custody.size <= ITEMS_MAX
            assert len(relay.neighbours.all()) <= NEIGHBOURS_MAX
            assert len(relay.children._children) <= CHILDREN_MAX
            assert len(relay.children._routes) <= ROUTES_MAX


@pytest.mark.parametrize("seed", [1, 2])
def test_every_piece_has_a_custodian_at_every_moment(seed):
    network = district(seed)
    network.air.run(3 * MINUTE_US)
    given = 0
    for step in range(240):
        if step < 60 and step % 3 == 0:
            network.give(1 + step % (SITES - 1), 700)
            given += 1
        network.air.run(network.air.now_us + STEP_US)
        assert orphans(network) == [], step
        within_limits(network)
    assert given == 20 and network.undelivered() == []


def test_no_object_is_lost_while_the_networks_key_changes_station_by_station():
    network, dice, given = district(1), Dice(1).stream("change"), 0
    order = list(range(SITES))
    network.air.run(3 * MINUTE_US)
    for is_end in (False, True):
        dice.shuffle(order)
        for place, number in enumerate(order):
            if place == SITES // 2:          # And half of them is far from all.
                network.air.run(network.air.now_us + 4 * MINUTE_US)
                assert network.undelivered() == []
            changeover = network.relay(number).changeover
            if is_end:
                changeover.forget()
            else:
                changeover.take_up(FastCcm(b"n" * 16), 0x1234, 2)
            network.give(1 + given % (SITES - 1), 300)
            given += 1
            network.air.run(network.air.now_us + 5 * STEP_US)
    network.air.run(network.air.now_us + 5 * MINUTE_US)
    assert given == 2 * SITES and network.undelivered() == []


def test_a_store_that_forgot_is_seen_as_an_orphan():
    network = district(1)
    network.air.run(3 * MINUTE_US)
    network.give(5, 700)
    assert orphans(network) == []
    network.relay(5).custody.release(network.relay(5).custody.everything())
    assert len(orphans(network)) == 4


@pytest.mark.parametrize("seed", [3, 4])
def test_no_loop_of_parents_lives_longer_than_its_bound(seed):
    network, dice = district(seed), Dice(seed).stream("trouble")
    network.air.run(3 * MINUTE_US)
    since, longest, off = {}, 0, []
    for step in range(450):
        if step % 15 == 7:           # Somebody goes, somebody comes back, all have news.
            off.append(dice.randrange(1, SITES))
            network.stations[off[-1]].stop()
            network.give(dice.randrange(1, SITES), 300)
        if step % 225 == 50:         # So long that all find out, and look for another way.
            network.stations[0].stop()
        if step % 225 == 180:
            network.boot(0)
        if len(off) > 3:
            network.boot(off.pop(0))
        network.air.run(network.air.now_us + STEP_US)
        looping = in_loops(network)
        since = {address: since.get(address, step) for address in looping}
        longest = max([longest, *(step - begun + 1 for begun in since.values())])
        within_limits(network)
    assert longest * STEP_US <= LOOP_MAX_S * 1_000_000, longest


def test_a_loop_would_be_seen():
    network = district(3)
    network.air.run(3 * MINUTE_US)
    assert in_loops(network) == set()
    for one, other in ((4, 5), (5, 4)):
        network.relay(one).gradient.parent = other + 1
    assert {5, 6} <= in_loops(network)
