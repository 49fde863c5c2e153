"""Hourly objects: how many come within their hour, when nothing is the matter and when much is.

Left out: full queues (mesh_goodput.py), what goes down (mesh_orders.py).
"""

import math
import statistics
from collections.abc import Callable

from kit.figures import Figure
from kit.mesh_pieces import Values, joined
from wum_edge.mesh.frames import DATA, POLL
from wum_simulator.radio.network import Network
from wum_simulator.world import Dice

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
OBJECT_BYTES = 534           # Ten registers of 64 meters for an hour, measured on the codec.
THIRTY_BYTES = 1_560         # ... and thirty (the batch benchmark's bytes a meter, 64 meters).
SPREAD_US = 5 * MINUTE_US    # Over which the hour's objects are handed in.
Upset = Callable[[Network], None]


def run_for(network: Network, length_us: int) -> None:
    network.air.run(network.air.now_us + length_us)


def give_an_hour(network: Network, hour: int, size: int = OBJECT_BYTES) -> None:
    """An object from every station but the gateways, within the first minutes."""
    dice = Dice(network.plan.seed).stream("load", hour)
    for number in range(len(network.stations)):
        if number not in network.plan.gateways:
            network.air.after(dice.randrange(SPREAD_US),
                              lambda at: network.give(at, size), number)


def hours(network: Network, count: int, upset: Upset | None = None,
          size: int = OBJECT_BYTES) -> None:
    """So many hours of load, after five minutes to find each other."""
    run_for(network, 5 * MINUTE_US)
    for hour in range(count):
        give_an_hour(network, hour, size)
        if upset is not None:
            upset(network)
        run_for(network, HOUR_US)


def busiest_us(network: Network) -> int:
    """What is no data, on the air of the place that hears most of it. Two stations of a street that
    do not hear each other have a channel each.
    """
    air = network.air
    own_us = [sum(us for first, us in spent.items() if first >> 2 & 15 != DATA)
              for spent in air.spent_us]
    return max(own_us[place] + sum(own_us[sender] for sender in senders)
               for place, senders in enumerate(air.audible()))


def hourly(network: Network, count: int, upset: Upset | None = None,
           size: int = OBJECT_BYTES) -> Values:
    """One network's hours, and up to three quiet ones for what is late."""
    hours(network, count, upset, size)
    run_for(network, HOUR_US)
    if network.undelivered():
        run_for(network, 2 * HOUR_US)
    tally, spent = network.tally, network.air.airtime_us
    delays_us = sorted(tally.came_us[at] - tally.born_us[at] for at in tally.came_us)
    stations = [radio.law.total_us / network.air.now_us for radio in network.air.radios]
    asked = sum(us for first, us in spent.items() if first >> 2 & 15 <= POLL)
    no_data = sum(us for first, us in spent.items() if first >> 2 & 15 != DATA)
    return {
        "objects": [len(tally.born_us)],
        "in_time": [sum(delay_us <= HOUR_US for delay_us in delays_us)],
        "lost": [len(network.undelivered())],
        "twice": [tally.twice],
        "p99_s": [delays_us[len(delays_us) * 99 // 100] / 1e6] if delays_us else [],
        "all_s": [delays_us[-1] / 1e6] if delays_us else [],
        "control": [asked / max(sum(spent.values()), 1)],
        "no_data": [no_data / network.air.now_us],
        "no_data_at": [busiest_us(network) / network.air.now_us],
        "duty_mean": [statistics.mean(stations)], "duty_max": [max(stations)]}


def bound(share: float, objects: float) -> float:
    """Lower end of what the share may truly be, with 95 % confidence (Wilson; 3 in n for none)."""
    if share == 1.0:
        return 1 - 3 / objects
    z = 1.645
    middle = (share + z * z / 2 / objects) / (1 + z * z / objects)
    return middle - z / (1 + z * z / objects) * math.sqrt(
        share * (1 - share) / objects + z * z / 4 / objects ** 2)


def hourly_figures(name: str, goal: float, is_quiet: bool
                   ) -> Callable[[list[Values], dict[str, list[Values]]], list[Figure]]:
    """Figures of `hourly`; `is_quiet`: nothing was the matter, so that control has its goal."""
    def figures(ours: list[Values], others: dict[str, list[Values]]) -> list[Figure]:
        objects, lost = sum(joined(ours, "objects")), sum(joined(ours, "lost"))
        shares = [values["in_time"][0] / values["objects"][0] for values in ours]
        mean = sum(joined(ours, "in_time")) / objects
        no_data, together = joined(ours, "no_data_at"), joined(ours, "no_data")
        return [
            Figure(f"{name}/within_the_hour", mean, "of objects",
                   f"proven by {objects:.0f} objects, 95 %", bound(mean, objects),
                   f"value >= {goal}"),
            Figure(f"{name}/within_the_hour_worst", min(shares), "of objects, worst seed",
                   "median seed", statistics.median(shares)),
            Figure(f"{name}/eventually", 1 - lost / objects, "of objects",
                   f"proven by {objects:.0f} objects, 95 %", bound(1 - lost / objects, objects),
                   "value >= 1"),
            Figure(f"{name}/came_twice", sum(joined(ours, "twice")) / objects,
                   "of objects, stored once", "all of them", 1.0),
            Figure(f"{name}/delay_p99", max(joined(ours, "p99_s")), "s, worst seed",
                   "median seed", statistics.median(joined(ours, "p99_s"))),
            Figure(f"{name}/all_in_s", max(joined(ours, "all_s")), "s, worst seed", "median seed",
                   statistics.median(joined(ours, "all_s"))),
            Figure(f"{name}/control_of_channel", statistics.median(no_data),
                   "of the time, at the place that hears most", "worst seed",
                   max(no_data), "value <= 0.03" if is_quiet else None),
            Figure(f"{name}/control_together", max(together),
                   "of the time, all stations added up, worst seed", "median seed",
                   statistics.median(together)),
            Figure(f"{name}/control", max(joined(ours, "control")), "of airtime used, worst seed",
                   "all of it", 1.0),
            Figure(f"{name}/duty_max", max(joined(ours, "duty_max")), "of the time, one station",
                   "mean of stations", statistics.mean(joined(ours, "duty_mean")))] + [
            figure for family, pieces in others.items()
            for figure in _of_peer(name, family, pieces, ours[:len(pieces)])]
    return figures


def _of_peer(name: str, family: str, pieces: list[Values], ours: list[Values]) -> list[Figure]:
    """Another family, beside ours on the same seeds."""
    objects, all_of_ours = sum(joined(pieces, "objects")), sum(joined(ours, "objects"))
    worst = min(values["in_time"][0] / values["objects"][0] for values in pieces)
    found = [
        Figure(f"{name}/within_the_hour_{family}", sum(joined(pieces, "in_time")) / objects,
               f"of objects, worst seed {worst:.3g}", "ours",
               sum(joined(ours, "in_time")) / all_of_ours),
        Figure(f"{name}/eventually_{family}", 1 - sum(joined(pieces, "lost")) / objects,
               "of objects", "ours", 1 - sum(joined(ours, "lost")) / all_of_ours)]
    if delays_s := joined(pieces, "p99_s"):
        found.append(Figure(f"{name}/delay_p99_{family}", max(delays_s),
                            "s, of what came, worst seed", "ours", max(joined(ours, "p99_s"))))
    return found


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
    noises everywhere for 5 % of the time.
    """
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
