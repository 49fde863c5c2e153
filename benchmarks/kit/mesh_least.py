"""The least time that an hour's objects need on a field, whatever the protocol: beside what ours
and other families take (mesh_hourly.py). Left out: the bounds themselves (mesh_bounds.py).
"""

import math
import statistics
from collections.abc import Callable

from kit import mesh_bounds
from kit.figures import Figure
from kit.mesh_families import static_parents
from kit.mesh_hourly import OBJECT_BYTES
from kit.mesh_pieces import Values, joined
from wum_edge.mesh.airtime import airtime_us
from wum_edge.mesh.frames import FRAGMENT_MAX, FRAME_MAX
from wum_simulator.radio.network import Network, Plan


def least_time(plan: Plan) -> Values:
    """Seconds until all objects of an hour can have come, if they are there at its beginning: by
    the linear program, and by an ideal timetable on the tree of fewest hops.
    """
    network = Network(plan)
    parents = {child: parent for child, parent in static_parents(network).items()
               if child != parent}
    origins = len(plan.sites) - len(plan.gateways)
    slot_s = airtime_us(plan.ways[0], FRAME_MAX) / 1e6 + mesh_bounds.GUARD_S
    frames = math.ceil(OBJECT_BYTES / FRAGMENT_MAX) * len(parents)
    return {"flow_s": [origins * OBJECT_BYTES / mesh_bounds.most_flow(network)
                       * mesh_bounds.HOUR_S],
            "timetable_s": [frames / mesh_bounds.timetable(network, parents) * slot_s],
            "in_tree": [len(parents) / origins]}


def least_figures(name: str) -> Callable[[list[Values], dict[str, list[Values]]], list[Figure]]:
    """Figures of `least_time`: the middle seed, beside the worst."""
    def figures(found: list[Values], _: dict[str, list[Values]]) -> list[Figure]:
        flow, table = joined(found, "flow_s"), joined(found, "timetable_s")
        share = min(joined(found, "in_tree"))
        return [
            Figure(f"{name}/all_in_s_most_flow", statistics.median(flow),
                   "s for all objects at once, linear program", "worst seed", max(flow)),
            Figure(f"{name}/all_in_s_timetable", statistics.median(table),
                   f"s for those in the tree of fewest hops ({share:.0%} at least), ideal "
                   "timetable", "worst seed", max(table))]
    return figures
