"""How much comes to a gateway when every origin's queue is kept full: where its channel is what
binds, and where the law is.

Beside it stand what no protocol can beat on the same field (mesh_bounds.py) and other families.
The limit of a channel is its receiver's: 3600 s over a full frame and 4 ms, times 235 bytes, less
5 %.
"""

import statistics
from collections import Counter
from collections.abc import Callable

from kit import mesh_bounds
from kit.figures import Figure
from kit.mesh_families import Results, networks, static_parents
from wum_edge.mesh.frames import FRAGMENT_MAX
from wum_simulator.radio.network import Network, Plan

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
LIMIT_BYTES_H = 17_279 * 235 * 0.95
FEED_US = 4_000_000          # A burst takes 3.3 s, and a store holds three of an origin's own.


def goodput(name: str, plan_of: Callable[[int], Plan], seeds: list[int], minutes: int,
            with_peers: bool, goal: str | None) -> list[Figure]:
    """Bytes that come to the gateway when every origin always has more."""
    shares: Results = {}
    silent: list[int] = []
    for seed in seeds:
        for family, network in networks(plan_of(seed), with_peers):
            network.air.run(3 * MINUTE_US)
            before = fill(network, minutes * MINUTE_US)  # Until stores on the way are full.
            came_of = fill(network, minutes * MINUTE_US) - before
            came = sum(came_of.values())
            if family == "ours":
                silent.append(len(network.stations) - 1 - len(came_of))
            shares.setdefault(family, []).append(came * 60 / minutes / LIMIT_BYTES_H)
    ours = statistics.median(shares["ours"])
    field = Network(plan_of(seeds[0]))
    parents = {child: parent for child, parent in static_parents(field).items()
               if child != parent}
    found = [
        Figure(f"{name}/goodput_of_limit", ours, "of the gateway's limit", "worst seed",
               min(shares["ours"]), goal),
        Figure(f"{name}/origins_with_nothing", max(silent), "origins, worst seed", "middle one",
               max(statistics.median(silent), 1)),
        Figure(f"{name}/goodput_of_limit_most_flow", mesh_bounds.most_flow(field) / LIMIT_BYTES_H,
               "of the gateway's limit, in equal parts, first seed", "ours", ours),
        Figure(f"{name}/goodput_of_limit_timetable", mesh_bounds.timetable(field, parents),
               "of slots, on the tree of fewest hops", "ours", ours)]
    return found + [
        Figure(f"{name}/goodput_of_limit_{family}", statistics.median(others),
               "of the gateway's limit", "ours", ours)
        for family, others in shares.items() if family != "ours"]


def duty_bound(plan_of: Callable[[int], Plan], seeds: list[int], count: int,
               with_peers: bool) -> list[Figure]:
    """Bytes an hour where what stations may send is what binds: full queues, after one hour in
    which accounts fill, beside the linear program and the ideal tree of the same seed.
    """
    of_bound, of_tree, silent, spread = [], [], [], []
    others: Results = {}
    for seed in seeds:
        for family, network in networks(plan_of(seed), with_peers):
            before = fill(network, HOUR_US)
            came = fill(network, count * HOUR_US) - before
            rate = sum(came.values()) / count
            field = Network(plan_of(seed))
            most = mesh_bounds.most_flow(field)
            if family != "ours":
                others.setdefault(family, []).append(rate / most)
                continue
            origins = sorted(came[number] for number in range(len(network.stations))
                             if number not in network.plan.gateways)
            parents = {child: parent for child, parent in static_parents(field).items()
                       if child != parent}
            of_bound.append(rate / most)
            of_tree.append(rate / max(mesh_bounds.tree_flow(field, parents), 1.0))
            silent.append(sum(1 for size in origins if not size))
            spread.append(origins[len(origins) // 10] / max(origins[len(origins) // 2], 1))
    ours = statistics.median(of_bound)
    return [
        Figure("S5/of_max_flow", ours, "of the linear program's flow in equal parts", "worst seed",
               min(of_bound), "value >= 0.6"),
        Figure("S5/of_ideal_tree", statistics.median(of_tree), "of the ideal tree's flow",
               "worst seed", min(of_tree), "value >= 1.7"),
        Figure("S5/origins_with_nothing", max(silent), "origins, worst seed", "middle one",
               max(statistics.median(silent), 1)),
        Figure("S5/tenth_of_median", min(spread), "what the poorest tenth of origins has, of the "
               "median", "middle seed", statistics.median(spread))] + [
        Figure(f"S5/of_max_flow_{family}", statistics.median(shares), "of the same flow", "ours",
               ours) for family, shares in others.items()]


def fill(network: Network, length_us: int) -> "Counter[int]":
    """Keep every origin's queue full for so long; bytes that came of each since the beginning."""
    for _ in range(length_us // FEED_US):
        for number, station in enumerate(network.stations):
            if number not in network.plan.gateways and station.core is not None:
                network.feed(number)
                while not network.has_backlog(number):
                    network.give(number, FRAGMENT_MAX)
        network.air.run(network.air.now_us + FEED_US)
    return Counter(network.tally.bytes_by_site)
