"""Relays on the simulated air: small networks, whole way. The long runs are in benchmarks/mesh.py.
"""

from wum_simulator.radio import places
from wum_simulator.radio.field import Terrain
from wum_simulator.radio.network import SF5, SF7, Network, Plan

MINUTE_US = 60_000_000
# Neighbours hear each other well, the next but one not at all.
STREET = Terrain(27.0, 4.5, 18.0, shadow_db=1.0, asymmetry_db=1.0)


def street(sites=8, seed=1, gateways=(0,), **more):
    return Network(Plan(places.street(sites), STREET, gateways, seed, **more))


def run(network, minutes):
    network.air.run(network.air.now_us + minutes * MINUTE_US)


def test_a_street_delivers_everything_once_and_every_origin_is_told():
    network = street()
    run(network, 3)
    for number in range(1, 8):
        network.give(number, 700)
    run(network, 8)
    assert network.undelivered() == []
    assert all(network.relay(number).unreceipted.size == 0 for number in range(8))
    assert all(network.relay(number).custody.size == 0 for number in range(8))


def test_the_same_seed_gives_the_same_trace_and_another_does_not():
    traces = []
    for seed in (1, 1, 2):
        network = street(5, seed)
        network.give(4, 700)
        run(network, 4)
        traces.append((network.air.trace, dict(network.air.counts), network.tally.came_us))
    assert traces[0] == traces[1] and traces[0][0] != traces[2][0]


def test_a_custodian_that_forgets_loses_nothing_for_good():
    network = street(6)
    run(network, 3)
    network.give(5, 700)
    lost = False
    for _ in range(4000):                             # Until the third of six has some of it.
        network.air.run(network.air.now_us + 10_000)
        if network.relay(2).custody.waiting() >= 2:
            network.stations[2].stop()
            lost = True
            break
    assert lost
    run(network, 1)
    network.boot(2)
    run(network, 60)
    assert network.undelivered() == []


def test_a_dead_relay_is_gone_round():
    sites = [*places.street(4), places.Site(100.0, 20.0, 3.0, 9)]   # A second way round 1.
    network = Network(Plan(sites, STREET, (0,), 1))
    run(network, 3)
    parent = network.relay(2).gradient.parent
    assert parent in (2, 5)
    network.stations[parent - 1].stop()
    identity = network.give(3, 400)
    network.give(2, 400)
    run(network, 2)
    assert network.undelivered() == [] and network.tally.came_us[identity]


def test_a_dead_gateway_s_load_goes_to_another():
    network = street(7, gateways=(0, 6))
    run(network, 3)
    assert network.relay(1).gradient.gateway == 1
    network.stations[0].stop()
    network.give(1, 400)
    run(network, 6)
    assert network.undelivered() == []
    assert network.relay(1).gradient.gateway == 7


def test_without_any_gateway_everything_waits_where_it_is():
    network = street(4)
    run(network, 2)
    network.stations[0].stop()
    for number in (1, 2, 3):
        network.give(number, 400)
    run(network, 30)
    assert len(network.undelivered()) == 3
    network.boot(0)
    run(network, 40)
    assert network.undelivered() == []


def test_strong_links_take_the_faster_rate():
    near = places.street(2, 20.0)
    took = {}
    for ways in ((SF7,), (SF7, SF5)):
        network = Network(Plan(near, STREET, (0,), 1, ways=ways))
        run(network, 1)
        network.give(1, 5_000)
        run(network, 1)
        assert network.undelivered() == []
        took[len(ways)] = network.air.radios[1].law.total_us
    assert took[2] < took[1] / 2


def test_a_station_that_comes_back_may_send_at_once_and_keeps_the_law():
    network = street(3, duty_permyriad=100)
    run(network, 3)
    for _ in range(6):
        network.give(2, 400)
        run(network, 3)
        network.stations[1].stop()
        network.boot(1)
    run(network, 30)
    assert network.undelivered() == []
