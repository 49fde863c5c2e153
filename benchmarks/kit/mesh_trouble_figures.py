"""What meshes in trouble are compared with: the goals of the mesh's issue, over all seeds.

Left out: how it was measured (mesh_trouble.py).
"""

import statistics
from collections.abc import Callable

from kit.figures import Figure
from kit.mesh_hourly import bound
from kit.mesh_pieces import Values, joined

Others = dict[str, list[Values]]


def _middle(name: str, numbers: list[float], unit: str, goal: str | None) -> Figure:
    return Figure(name, statistics.median(numbers), f"{unit}, middle seed", "worst seed",
                  max(numbers), goal)


def _lost(name: str, found: list[Values]) -> Figure:
    return Figure(f"{name}_lost", sum(joined(found, "lost")), "objects", "one", 1.0, "value <= 0")


def cold_start(found: list[Values], _: Others) -> list[Figure]:
    return [_middle("S3/cold_start_95", joined(found, "most_s"), "s", "value <= 300"),
            _middle("S3/cold_start_all", joined(found, "all_s"), "s", "value <= 900")]


def relay_dies(found: list[Values], _: Others) -> list[Figure]:
    waits = joined(found, "waits_s")
    return [Figure("S6/relay_dies_median_s", statistics.median(waits), "s", "worst", max(waits),
                   "value <= 30"), _lost("S6/relay_dies", found)]


def gateway_dies(found: list[Values], _: Others) -> list[Figure]:
    return [_middle("S7/fail_over_median", joined(found, "median_s"), "s", "value <= 240"),
            _lost("S7/fail_over", found)]


def standby(found: list[Values], _: Others) -> list[Figure]:
    return [_middle("S7/standby_s", joined(found, "first_s"), "s until the first object",
                   "value <= 240"), _lost("S7/standby", found),
            _middle("S7/standby_gateways", joined(found, "serving"), "stations that became one",
                   None)]


def partition(found: list[Values], _: Others) -> list[Figure]:
    objects, live = sum(joined(found, "objects")), sum(joined(found, "live"))
    late = sum(joined(found, "late"))
    on_time = 1 - late / live
    return [_middle("S9/day_drained_h", joined(found, "drained_h"), "h", "value <= 2"),
            Figure("S9/live_within_the_hour", on_time, f"of live objects, {late:.0f} late",
                   f"proven by {live:.0f} objects, 95 %", bound(on_time, live),
                   "value >= 0.999"), _lost("S9/partition", found),
            Figure("S9/came_twice", sum(joined(found, "twice")) / objects,
                   "of objects, stored once", "all of them", 1.0)]


def two_networks(found: list[Values], _: Others) -> list[Figure]:
    kept = [min(values["kept"]) for values in found]
    return [Figure("S8/two_networks_keep", statistics.median(kept),
                   "of solo goodput, the one that keeps less", "worst seed", min(kept),
                   "value >= 0.45")]


def attack(name: str) -> Callable[[list[Values], Others], list[Figure]]:
    """Of one kind of attacker."""
    def figures(found: list[Values], _: Others) -> list[Figure]:
        objects, shares = sum(joined(found, "objects")), joined(found, "share")
        mean = statistics.mean(shares)
        return [
            Figure(f"S11/{name}_within_the_hour", min(shares), "of objects, worst seed",
                   f"proven by {objects:.0f} objects, 95 %", bound(mean, objects)),
            _lost(f"S11/{name}", found)]
    return figures
