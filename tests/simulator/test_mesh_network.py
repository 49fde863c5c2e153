"""Relays on the simulated air: small networks, whole way. The long runs are in benchmarks/mesh.py.
"""

from xml.etree import ElementTree

from wum_edge.mesh.airtime import WIRE
from wum_simulator.radio import places
from wum_simulator.radio.attackers import Replayer
from wum_simulator.radio.field import Terrain
from wum_simulator.radio.network import SF5, SF7, Network, Plan, relay_of
from wum_simulator.radio.picture import page
from wum_simulator.world import Dice

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
    run(network, 20)             # A receipt that is lost on the way is called for again.
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
    for _ in range(4000):                             # Until the fourth of six has some of it.
        network.air.run(network.air.now_us + 10_000)
        if network.relay(3).custody.waiting() >= 2:
            network.stations[3].stop()
            lost = True
            break
    assert lost
    run(network, 1)
    network.boot(3)
    run(network, 60)
    assert network.undelivered() == []


def test_what_a_full_store_refuses_is_offered_again():
    network = street(3)
    network.air.run(MINUTE_US)
    given = [network.give(2, 700) for _ in range(40)]
    assert network.has_backlog(2)
    run(network, 10)
    assert network.undelivered() == [] and len(network.tally.came_us) == len(given)


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


def test_a_station_whose_power_failed_amid_a_burst_hears_everybody_again():
    network = street()
    run(network, 1)
    network.stations[3].radio.listen(0, 7)
    network.stations[3].stop()
    network.boot(3)
    assert network.stations[3].radio.word == 0
    run(network, 2)
    assert network.relay(3).gradient.has_parents


def test_a_run_can_be_looked_at():
    network = street(4)
    run(network, 3)
    network.give(3, 700)
    run(network, 3)
    network.stations[3].stop()
    drawn = ElementTree.fromstring(
        "<x>" + page(network, "A street & more").split("</p>")[1].split("<h2>")[0] + "</x>")
    assert len(drawn.findall(".//line")) == 2
    kinds = [circle.get("class") for circle in drawn.findall(".//circle")]
    assert kinds.count("gateway") == 1 and kinds.count("station") == 2 and kinds.count("off") == 1
    assert "A street &amp; more" in page(network, "A street & more")


def test_stations_without_a_key_join_one_behind_the_other():
    network = street(6, joins=True)
    run(network, 6)
    assert all(network.relay(number) is not None for number in range(6))
    for number in range(1, 6):
        network.give(number, 100)
    run(network, 4)
    assert network.undelivered() == []


def test_objects_that_go_down_and_a_ripple_reach_a_street():
    network = street(8)
    run(network, 4)
    sent = []
    network.stations[0].act(lambda core, t_us: sent.append(core.send_down(t_us, 8, bytes(400))))
    run(network, 2)
    network.stations[0].act(lambda core, t_us: core.send_ripple(t_us, 0xFFFF, b"off"))
    run(network, 1)
    told = [(number, action[0]) for _, number, action in network.told]
    assert (7, "receive") in told and (0, "confirmed") in told
    assert sorted(number for number, what in told if what == "execute") == list(range(8))


def test_whoever_records_and_replays_every_frame_changes_nothing():
    sites = [*places.street(5), places.Site(150.0, 5.0, 3.0, 9)]
    network = Network(Plan(sites, STREET, (0,), 1, outlaws=(5,)), with_evil)
    run(network, 3)
    for _ in range(3):
        for number in range(1, 5):
            network.give(number, 300)
        run(network, 12)
    assert network.stations[5].core.sent > 500
    assert network.undelivered() == []


def with_evil(plan, number, t_us, stored):
    if number == 5:
        return Replayer(t_us, Dice(1).stream("evil"))
    return relay_of(plan, number, t_us, stored)


def test_stations_of_a_block_use_its_wi_fi_and_blocks_the_radio_between_them():
    sites = places.district(12, 1)
    network = Network(Plan(sites, Terrain(27.0, 3.8, 30.0), (0,), 1, ways=(SF7, WIRE)))
    run(network, 5)
    for number in range(1, 12):
        network.give(number, 500)
    run(network, 10)
    assert not network.undelivered() and network.tally.twice == 0
    relays = [network.relay(number) for number in range(12)]
    wired = [number for number, relay in enumerate(relays)
             if relay.neighbours.is_wired(relay.gradient.parent or 0)]
    assert [number for number in wired if number in (1, 2, 3)] == [1, 2, 3]
    assert len(wired) < 11                   # Another block's gateway is reached by radio.
    assert all(sites[relays[number].gradient.parent - 1].block == sites[number].block
               for number in wired)
