"""An update through the simulated mesh: everybody gets it, the law holds, and no reading is late.

The air itself keeps the law of 10 % and ends a run that breaks it; the library compares every page
that a relay hands over with the image.
"""

import random

from wum_edge.mesh.frames import SYMBOL
from wum_edge.mesh.spread import SHARE_PERCENT
from wum_simulator.radio import places
from wum_simulator.radio.field import Terrain
from wum_simulator.radio.library import Library
from wum_simulator.radio.network import Network, Plan
from wum_simulator.world import Dice

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
STREET = Terrain(27.0, 4.5, 18.0, shadow_db=1.0, asymmetry_db=1.0)
HARSH = Terrain(27.0, 3.8, 30.0)


def district(seed, sites=24):
    found = places.district(sites, 1)
    return Network(Plan(found, HARSH, (places.central(found),), seed))


def spread(network, kib, members=None, **options):
    """Let it be spread from the gateways, after three minutes to find each other."""
    network.air.run(3 * MINUTE_US)
    library = Library(random.Random(network.plan.seed).randbytes(kib * 1024 - 300),
                      set(range(len(network.stations))) if members is None else members,
                      set(network.plan.gateways), **options)
    network.spread(library)
    return library


def until_all_have_it(network, library, minutes):
    for _ in range(minutes):
        network.air.run(network.air.now_us + MINUTE_US)
        if not library.lacking():
            return True
    return False


def symbols(network):
    return {station.number: relay.counts.get(f"sent {SYMBOL}", 0)
            for station in network.stations if (relay := network.relay(station.number))}


def test_a_district_gets_it_by_few_that_send_and_no_reading_is_late():
    network = district(1)
    library = spread(network, 24)
    dice = Dice(1).stream("load")
    begun_us = network.air.now_us
    for number in range(1, 24):
        network.air.after(dice.randrange(5 * MINUTE_US), lambda at: network.give(at, 534), number)
    assert until_all_have_it(network, library, 60)
    network.air.run(begun_us + HOUR_US)
    assert network.undelivered() == []
    sent = symbols(network)
    assert sum(count > 0 for count in sent.values()) <= 12 and not library.spoilt
    # To each alone it would be sent 23 times and more.
    assert sum(sent.values()) < 6 * 5 * 24


def test_what_stations_that_go_and_come_had_they_keep_and_all_get_it_in_the_end():
    network = district(2)
    library = spread(network, 40)
    dice = Dice(2).stream("churn")
    for _ in range(12):
        network.air.run(network.air.now_us + MINUTE_US)
        number = dice.randrange(24)
        had = len(library.pages[number])
        if network.stations[number].core is not None:
            network.stations[number].stop()
            network.air.after(dice.randrange(MINUTE_US), network.boot, number)
        assert len(library.pages[number]) == had
    assert until_all_have_it(network, library, 240)


def test_hashes_go_before_the_image_and_whoever_was_told_of_it_gets_both():
    network = district(5)
    library = spread(network, 24, is_apart=True, order=b"order")
    for number in range(0, 24, 2):
        network.stations[network.plan.gateways[0]].act(
            lambda core, t_us, number=number: core.send_down(t_us, number + 1, b"order"))
    network.air.run(network.air.now_us + 20 * MINUTE_US)
    assert library.told >= set(range(0, 24, 2)) and len(library.told) < 24
    for number in range(1, 24, 2):                   # A late wave finds both with its neighbours.
        network.stations[network.plan.gateways[0]].act(
            lambda core, t_us, number=number: core.send_down(t_us, number + 1, b"order"))
    assert until_all_have_it(network, library, 120) and not library.spoilt
    for number, at_us in library.done_us.items():
        assert library.indexed_us[number] < at_us


def test_stations_that_send_die_one_after_the_other_and_all_others_get_it():
    network = district(4, 40)
    library = spread(network, 32)
    dead = set()
    for _ in range(240):
        network.air.run(network.air.now_us + MINUTE_US)
        if not set(library.lacking()) - dead:
            break
        for number, count in sorted(symbols(network).items()):
            if count and number not in network.plan.gateways and len(dead) < 3:
                network.stations[number].stop()
                dead.add(number)
                break
    assert len(dead) == 3 and not set(library.lacking()) - dead


def test_a_street_hands_it_on_from_house_to_house():
    network = Network(Plan(places.street(6), STREET, (0,), 1))
    library = spread(network, 16)
    assert until_all_have_it(network, library, 120)
    assert symbols(network)[5] == 0


def test_half_of_a_district_gets_it_through_stations_of_its_own_half_alone():
    network = district(3)
    members = {number for number in range(24) if number % 3}
    library = spread(network, 8, members)
    assert until_all_have_it(network, library, 240)
    assert {number for number, count in symbols(network).items() if count} <= library.members


def test_nobody_spends_more_than_its_share_in_any_hour():
    network = Network(Plan(places.street(3), STREET, (0,), 1, duty_permyriad=100))
    library = spread(network, 40)
    sent = []
    for _ in range(150):
        network.air.run(network.air.now_us + MINUTE_US)
        sent.append(symbols(network))
    symbol_us = network.relay(0).spread.symbol_us
    most_us = HOUR_US * 100 // 10_000 * SHARE_PERCENT // 100
    hours = [(sent[at][number] - sent[at - 60][number]) * symbol_us
             for number in range(3) for at in range(60, 150)]
    assert most_us * 4 // 5 < max(hours) <= most_us
    assert all(library.pages[number] for number in (1, 2))
