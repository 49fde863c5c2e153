"""The mesh: what arrives in time, how much the gateway hears, and what becomes of it in trouble.

On the simulated air of wum_simulator/radio, whose duty law fails a run that breaks it. Capture is
6 dB unless said; hosts are up to 20 ms late. S4/... with every queue full counts bytes of
objects that came to the gateway. The limit beside it is its receiver's: 3600 s over a full frame
and 4 ms, times 235 bytes, less 5 %. Losses stand with the bound that so few objects prove (95 %).

Peers (kit/mesh_peers.py) stand for families of protocols, on the same seeds.
"""

import argparse
import math
import statistics
from collections.abc import Callable
from pathlib import Path

from kit import mesh_goodput, mesh_orders, mesh_trouble
from kit.figures import Figure, report
from kit.mesh_families import Results, networks
from wum_edge.mesh.frames import DATA, POLL
from wum_simulator.radio import picture, places
from wum_simulator.radio.field import Terrain
from wum_simulator.radio.network import SF5, SF7, Network, Plan
from wum_simulator.radio.reception import CAPTURE_DB
from wum_simulator.world import Dice

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
OBJECT_BYTES = 534           # Ten registers of 64 meters for an hour, measured on the codec.
SPREAD_US = 5 * MINUTE_US    # Over which the hour's objects are handed in.
MILD = Terrain(27.0, 3.3, 20.0)
HARSH = Terrain(27.0, 3.8, 30.0)
YARD = Terrain(14.0, 3.8, 20.0)
# 10 mW at 433 MHz: 17 dB less, of which the first metre gives back 6.
LOW_BAND = Terrain(16.0, 3.8, 30.0)
# Neighbours of a street hear each other with 11 dB to spare, the next but one not at all.
STREET = Terrain(27.0, 4.5, 18.0, shadow_db=1.0, asymmetry_db=1.0)


capture_db = CAPTURE_DB      # A run is made with this and, by --capture 1, with FLoRa's.


def courtyard(seed: int) -> Plan:
    sites = places.courtyard(seed)
    return Plan(sites, YARD, (places.central(sites),), seed, capture_db=capture_db)


def street(seed: int, sites: int = 31) -> Plan:
    return Plan(places.street(sites), STREET, (0,), seed, capture_db=capture_db)


def district(seed: int, sites: int, terrain: Terrain = HARSH) -> Plan:
    found = places.district(sites, 1)
    return Plan(found, terrain, (places.central(found),), seed, capture_db=capture_db)


def sparse(seed: int, sites: int) -> Plan:
    """25 mW and 1 % at 868.3 MHz: what may be sent is what binds."""
    found = places.district(sites, 1)
    return Plan(found, Terrain(14.0, 3.8, 30.0), (places.central(found),), seed, ways=(SF7, SF5),
                duty_permyriad=100, capture_db=capture_db)


def run_for(network: Network, length_us: int) -> None:
    network.air.run(network.air.now_us + length_us)


def give_an_hour(network: Network, hour: int) -> None:
    """An object from every station but the gateway, within the first minutes."""
    dice = Dice(network.plan.seed).stream("load", hour)
    for number in range(len(network.stations)):
        if number not in network.plan.gateways:
            network.air.after(dice.randrange(SPREAD_US),
                              lambda at: network.give(at, OBJECT_BYTES), number)


def hours(network: Network, count: int, upset: Callable[[Network], None] | None = None) -> None:
    run_for(network, 5 * MINUTE_US)
    for hour in range(count):
        give_an_hour(network, hour)
        if upset is not None:
            upset(network)
        run_for(network, HOUR_US)


def in_time(network: Network) -> float:
    """Share of the objects that came within an hour of being handed in."""
    tally = network.tally
    came = sum(1 for identity, born_us in tally.born_us.items()
               if tally.came_us.get(identity, 1 << 62) - born_us <= HOUR_US)
    return came / len(tally.born_us)


def control_share(network: Network) -> float:
    """Share of the time on the air at all that was not data."""
    spent = network.air.airtime_us
    return sum(us for first, us in spent.items() if first >> 2 & 15 <= POLL) / sum(spent.values())


def control_of_channel(network: Network) -> float:
    """What is no data, of the time that there was: as if all of it were heard at one place."""
    spent = network.air.airtime_us
    return sum(us for first, us in spent.items() if first >> 2 & 15 != DATA) / network.air.now_us


def bound(share: float, objects: int) -> float:
    """Lower end of what the share may truly be, with 95 % confidence (Wilson; 3 in n for none)."""
    if share == 1.0:
        return 1 - 3 / objects
    z = 1.645
    middle = (share + z * z / 2 / objects) / (1 + z * z / objects)
    return middle - z / (1 + z * z / objects) * math.sqrt(
        share * (1 - share) / objects + z * z / 4 / objects ** 2)


def hourly(name: str, plan_of: Callable[[int], Plan], seeds: list[int], count: int, goal: float,
           with_peers: bool, upset: Callable[[Network], None] | None = None) -> list[Figure]:
    """Hourly objects, and whether all of them came after some quiet hours."""
    shares: Results = {}
    control, channel, late_s, lost, objects, twice = [], [], [], 0, 0, 0
    for seed in seeds:
        for family, network in networks(plan_of(seed), with_peers):
            hours(network, count, upset)
            run_for(network, HOUR_US)
            shares.setdefault(family, []).append(in_time(network))
            if family == "ours":
                control.append(control_share(network))
                channel.append(control_of_channel(network))
                delays = sorted(network.tally.came_us[at] - network.tally.born_us[at]
                                for at in network.tally.came_us)
                late_s.append(delays[len(delays) * 99 // 100] / 1e6)
                if network.undelivered():
                    run_for(network, 2 * HOUR_US)
                lost += len(network.undelivered())
                objects += len(network.tally.born_us)
                twice += network.tally.twice
    ours = shares["ours"]
    mean = statistics.mean(ours)
    found = [
        Figure(f"{name}/within_the_hour", mean, "of objects",
               f"proven by {objects} objects", bound(mean, objects), f"value >= {goal}"),
        Figure(f"{name}/within_the_hour_worst", min(ours), "of objects", "median seed",
               statistics.median(ours)),
        Figure(f"{name}/eventually", 1 - lost / objects, "of objects", "all", 1.0, "value >= 1"),
        Figure(f"{name}/came_twice", twice / objects, "of objects, stored once", "none", 1.0),
        Figure(f"{name}/delay_p99", max(late_s), "s, worst seed", "median seed",
               statistics.median(late_s)),
        Figure(f"{name}/control_of_channel", max(channel), "of an hour, all stations together, "
               "worst seed", "median seed", statistics.median(channel),
               None if upset else "value <= 0.03"),
        Figure(f"{name}/control", max(control), "of airtime used, worst seed", "all of it", 1.0)]
    return found + [
        Figure(f"{name}/within_the_hour_{family}", statistics.mean(others), "of objects", "ours",
               mean) for family, others in shares.items() if family != "ours"]


def ripples(name: str, plan_of: Callable[[int], Plan], seeds: list[int], mean_s: float,
            p99_s: float, with_orders: bool) -> list[Figure]:
    """Commands to everybody while an hour's objects are handed in, and after that."""
    found, figures = [], []
    for seed in seeds:
        network = Network(plan_of(seed))
        run_for(network, 4 * MINUTE_US)
        give_an_hour(network, 0)
        for _ in range(3):
            run_for(network, 2 * MINUTE_US)
            found.append(mesh_orders.ripple(network))
        if with_orders and seed == seeds[0]:
            figures = mesh_orders.orders(name, network, 120, run_for)
    return mesh_orders.ripple_figures(name, found, mean_s, p99_s) + figures


def churn(network: Network) -> None:
    """An hour in which 5 % go off for a while, and a neighbour of the gateway every 10 minutes."""
    dice = Dice(network.plan.seed).stream("churn", network.air.now_us)
    gateway = network.plan.gateways[0]

    def stop(number: int) -> None:
        if network.stations[number].core is not None:
            network.stations[number].stop()
            network.air.after(dice.randrange(MINUTE_US, 10 * MINUTE_US), start, number)

    def start(number: int) -> None:
        if network.stations[number].core is None:
            network.boot(number)

    def kill(_: object) -> None:
        near = [number for number in range(len(network.stations))
                if (relay := network.relay(number)) and relay.gradient.parent == gateway + 1]
        if near:
            stop(dice.choice(near))

    for number in range(len(network.stations)):
        if number != gateway and dice.random() < 0.05:
            network.air.after(dice.randrange(HOUR_US), stop, number)
    for tenth in range(6):
        network.air.after(tenth * 10 * MINUTE_US + MINUTE_US, kill, None)


def bursts(network: Network) -> None:
    """An hour in which half of the area hears nothing for 10 s, three times in 100 s; and short
    noises everywhere for 5 % of the time."""
    dice = Dice(network.plan.seed).stream("noise", network.air.now_us)
    sites = network.plan.sites
    middle_m = statistics.median(site.x_m for site in sites)
    half = {number: 1e-6 for number, site in enumerate(sites) if site.x_m <= middle_m}
    everywhere = dict.fromkeys(range(len(sites)), 1e-09)
    for at_s in range(0, 3600, 33):
        network.air.after(at_s * 1_000_000 + dice.randrange(20_000_000),
                          lambda powers: network.air.jam(powers, 10_000_000), half)
    for _ in range(3600):
        network.air.after(dice.randrange(HOUR_US),
                          lambda powers: network.air.jam(powers, 50_000), everywhere)


def gateway_dies(seeds: list[int], sites: int) -> list[Figure]:
    """The central gateway dies for good under its hourly load; one in a corner goes on."""
    waits, lost = [], 0
    for seed in seeds:
        plan = district(seed, sites)
        first, second = plan.gateways[0], places.corner(plan.sites)
        plan = Plan(plan.sites, plan.terrain, (first, second), seed, capture_db=capture_db)
        network = Network(plan)
        hours(network, 1)
        give_an_hour(network, 1)
        died_us = network.air.now_us + 2 * MINUTE_US
        network.air.after(2 * MINUTE_US, lambda at, n=network: n.stations[at].stop(), first)
        run_for(network, 4 * HOUR_US)
        lost += len(network.undelivered())
        ways = [came_us - max(network.tally.born_us[at], died_us)
                for at, came_us in network.tally.came_us.items() if came_us > died_us]
        waits.append(sorted(ways)[len(ways) // 2] / 1e6)
    return [
        Figure("S7/fail_over_median", max(waits), "s, worst seed", "median seed",
               statistics.median(waits), "value <= 240"),
        Figure("S7/lost", lost, "objects", "one", 1.0, "value <= 0")]


def main() -> None:
    parser = argparse.ArgumentParser(description="The mesh on the simulated air.")
    parser.add_argument("--quick", action="store_true", help="small networks, less than 50 s")
    parser.add_argument("--seeds", type=int, default=5, help="seeds of every scenario (5)")
    parser.add_argument("--hours", type=int, default=6, help="of hourly objects in a run (6)")
    parser.add_argument("--only", metavar="NAME", help="S1, S2, S3, S4, S4_full, S5, S6...")
    parser.add_argument("--capture", type=float, default=CAPTURE_DB, metavar="DB",
                        help="by which a frame must be stronger than others (6; FLoRa's: 1)")
    parser.add_argument("--picture", metavar="FILE", type=Path,
                        help="of an hour in a courtyard, as an HTML page; nothing else is run")
    options = parser.parse_args()
    if options.picture:
        network = Network(courtyard(1))
        hours(network, 1)
        options.picture.write_text(picture.page(network, "A courtyard of 48, an hour"))
        return
    global capture_db
    capture_db = options.capture
    seeds = [1] if options.quick else list(range(1, 1 + options.seeds))
    size, small, count, minutes = (
        40, 30, 1, 2) if options.quick else (300, 100, options.hours, 10)
    with_peers = not options.quick
    scenarios: list[tuple[str, Callable[[], list[Figure]]]] = [
        ("S1", lambda: hourly("S1", courtyard, seeds, count, 0.9999, True)),
        ("S2", lambda: hourly("S2", street, seeds, count, 0.999, False)),
        ("S3", lambda: mesh_trouble.cold_start([district(seed, size) for seed in seeds])),
        ("S2_ripple", lambda: ripples("S2", street, seeds, 6, 12, True)),
        ("S3_ripple", lambda: ripples("S3", lambda seed: district(seed, 250 * size // 300),
                                      seeds, 3, 6, False)),
        ("S3_433", lambda: ripples("S3_433", lambda seed: district(
            seed, 250 * size // 300, LOW_BAND), seeds, 3, 6, False)),
        ("S4", lambda: hourly("S4", lambda seed: district(seed, size), seeds, 1, 0.9999, False)),
        ("S4_full", lambda: mesh_goodput.goodput(
            "S4", lambda seed: district(seed, small, MILD), seeds, minutes, with_peers,
            "value >= 0.75")),
        ("S4_harsh", lambda: mesh_goodput.goodput(
            "S4_harsh", lambda seed: district(seed, small), seeds, minutes, False, None)),
        ("S5", lambda: mesh_goodput.duty_bound(
            lambda seed: sparse(seed, size), seeds, min(count, 2), with_peers)),
        ("S6", lambda: hourly("S6", lambda seed: district(seed, small), seeds, count, 0.999,
                              False, churn)),
        ("S6_relay", lambda: mesh_trouble.relay_dies([district(seed, small) for seed in seeds])),
        ("S7", lambda: gateway_dies(seeds, small)),
        ("S7_standby", lambda: mesh_trouble.standby([district(seed, small) for seed in seeds])),
        ("S8_two", lambda: mesh_trouble.two_networks(
            [district(seed, small, MILD) for seed in seeds], minutes)),
        ("S9", lambda: mesh_trouble.partition([district(seed, small) for seed in seeds])),
        ("S11", lambda: mesh_trouble.attacks([courtyard(seed) for seed in seeds], count)),
        ("S8", lambda: hourly("S8", courtyard, seeds, count, 0.995, False, bursts))]
    figures = [figure for name, scenario in scenarios
               if options.only in (None, name) for figure in scenario()]
    report("mesh", figures)


if __name__ == "__main__":
    main()
