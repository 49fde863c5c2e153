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
from kit.mesh_families import static_parents
from kit.mesh_pieces import Values, joined
from wum_edge.mesh.frames import FRAGMENT_MAX
from wum_simulator.radio.network import Maker, Network, Plan

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
LIMIT_BYTES_H = 17_279 * 235 * 0.95
FEED_US = 4_000_000          # A burst takes 3.3 s, and a store holds three of an origin's own.


def goodput(plan: Plan, maker: Maker | None, minutes: int) -> Values:
    """Bytes that come to the gateway when every origin always has more, and the field's bounds.
    """
    network = Network(plan, maker)
    network.air.run(3 * MINUTE_US)
    before = fill(network, minutes * MINUTE_US)  # Until stores on the way are full.
    came_of = fill(network, minutes * MINUTE_US) - before
    found = {"share": [sum(came_of.values()) * 60 / minutes / LIMIT_BYTES_H],
             "silent": [len(network.stations) - 1.0 - len(came_of)]}
    if maker is None:
        parents = {child: parent for child, parent in static_parents(network).items()
                   if child != parent}
        found["flow"] = [mesh_bounds.most_flow(network) / LIMIT_BYTES_H]
        found["timetable"] = [mesh_bounds.timetable(network, parents)]
    return found


def goodput_figures(name: str, goal: str | None
                    ) -> Callable[[list[Values], dict[str, list[Values]]], list[Figure]]:
    """Figures of `goodput`: the middle seed, beside the worst."""
    def figures(found: list[Values], others: dict[str, list[Values]]) -> list[Figure]:
        shares = joined(found, "share")
        ours = statistics.median(shares)
        return [
            Figure(f"{name}/goodput_of_limit", ours, "of the gateway's limit", "worst seed",
                   min(shares), goal),
            Figure(f"{name}/origins_with_nothing", max(joined(found, "silent")),
                   "origins, worst seed", "middle one",
                   max(statistics.median(joined(found, "silent")), 1)),
            Figure(f"{name}/goodput_of_limit_most_flow", min(joined(found, "flow")),
                   "of the gateway's limit, in equal parts, worst seed", "ours", ours),
            Figure(f"{name}/goodput_of_limit_timetable", min(joined(found, "timetable")),
                   "of slots, on the tree of fewest hops, worst seed", "ours", ours)] + [
            _of_peer(f"{name}/goodput_of_limit_{family}", "share", "of the gateway's limit",
                     pieces, found) for family, pieces in others.items()]
    return figures


def duty_bound(plan: Plan, maker: Maker | None, hours: int) -> Values:
    """Bytes an hour where what stations may send is what binds: full queues, after one hour in
    which accounts fill, beside the linear program and the ideal tree of the same seed.
    """
    network = Network(plan, maker)
    most = mesh_bounds.most_flow(network)
    parents = {child: parent for child, parent in static_parents(network).items()
               if child != parent}
    tree = mesh_bounds.tree_flow(network, parents)
    before = fill(network, HOUR_US)
    came = fill(network, hours * HOUR_US) - before
    rate = sum(came.values()) / hours
    origins = sorted(came[number] for number in range(len(network.stations))
                     if number not in plan.gateways)
    return {"of_flow": [rate / most], "of_tree": [rate / max(tree, 1.0)],
            "silent": [origins.count(0)],
            "tenth": [origins[len(origins) // 10] / max(origins[len(origins) // 2], 1)]}


def duty_figures(found: list[Values], others: dict[str, list[Values]]) -> list[Figure]:
    """Figures of `duty_bound`: the middle seed, beside the worst."""
    of_flow, of_tree = joined(found, "of_flow"), joined(found, "of_tree")
    ours = statistics.median(of_flow)
    return [
        Figure("S5/of_max_flow", ours, "of the linear program's flow in equal parts", "worst seed",
               min(of_flow), "value >= 0.6"),
        Figure("S5/of_ideal_tree", statistics.median(of_tree), "of the ideal tree's flow",
               "worst seed", min(of_tree), "value >= 1.7"),
        Figure("S5/origins_with_nothing", max(joined(found, "silent")), "origins, worst seed",
               "middle one", max(statistics.median(joined(found, "silent")), 1)),
        Figure("S5/tenth_of_median", statistics.median(joined(found, "tenth")), "what the poorest "
               "tenth of origins has", "the middle origin", 1.0)] + [
        _of_peer(f"S5/of_max_flow_{family}", "of_flow", "of the same flow", pieces, found)
        for family, pieces in others.items()]


def _of_peer(name: str, key: str, unit: str, pieces: list[Values], ours: list[Values]) -> Figure:
    """The middle seed of another family, beside ours on the same seeds."""
    shares = joined(pieces, key)
    return Figure(name, statistics.median(shares), f"{unit}, worst seed {min(shares):.3g}", "ours",
                  statistics.median(joined(ours[:len(pieces)], key)))


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
