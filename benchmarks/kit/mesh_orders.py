"""What goes down in a mesh: how soon a ripple has reached everybody, how closely it is carried out
together, and when its gateway knows; objects to single stations.

Left out: what goes up (mesh.py).
"""

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field

from kit.figures import Figure
from kit.mesh_hourly import MINUTE_US, give_an_hour, run_for
from kit.mesh_pieces import Values, joined
from wum_edge.mesh.frames import ALL
from wum_edge.mesh.relay import Relay
from wum_simulator.radio.network import NOON_US, Network, Plan

COMMAND_BYTES = 24           # Switch, group and counter, sealed with a tag of eight bytes.
EXECUTE_AFTER_US = 30_000_000   # By then the gateway's repetitions have reached everybody.
WATCH_US = 75_000_000
WATCH_S = WATCH_US / 1e6     # Who does not know by then is told as this.
REPEATS_US = (5_000_000, 15_000_000, 35_000_000)   # As wum_edge.carry.flooding does.


@dataclass(slots=True)
class Ripple:
    """What became of one; seconds after the gateway was told of it."""

    stations: int
    reached_s: list[float] = field(default_factory=list)
    executed_ms: list[float] = field(default_factory=list)   # After the moment it named.
    echoed_s: float = 1e9    # Until the gateway knew of 99 %.

    @property
    def spread_ms(self) -> float:
        return max(self.executed_ms) - min(self.executed_ms)


def relays(network: Network) -> dict[int, Relay]:
    """By number of the station, of those that are on."""
    found = {number: network.relay(number) for number in range(len(network.stations))}
    return {number: relay for number, relay in found.items() if relay is not None}


def ripple(network: Network) -> Ripple:
    """Flood a command to everybody and watch for a while."""
    gateway, begin_us = network.plan.gateways[0], network.air.now_us
    others = set(relays(network)) - {gateway}
    found, first = Ripple(len(others)), len(network.told)
    execute_us = NOON_US + begin_us + EXECUTE_AFTER_US

    def start(core: object, t_us: int) -> None:
        assert isinstance(core, Relay)
        number = core.send_ripple(t_us, ALL, bytes(COMMAND_BYTES), execute_us)
        for wait_us in REPEATS_US:
            network.air.after(wait_us, lambda at: repeat(at), number)

    def repeat(number: int) -> None:
        network.stations[gateway].act(lambda core, t_us: again(core, t_us, number))

    def again(core: object, t_us: int, number: int) -> None:
        assert isinstance(core, Relay)
        if core.echoes.members(gateway + 1, number).bit_count() < len(others):
            core.repeat_ripple(t_us, number)

    network.stations[gateway].act(start)
    network.air.run(begin_us + WATCH_US)
    for at_us, number, action in network.told[first:]:
        if action[0] == "ripple":
            found.reached_s.append((at_us - begin_us) / 1e6)
        elif action[0] == "execute" and number != gateway:
            found.executed_ms.append((at_us - begin_us - EXECUTE_AFTER_US) / 1e3)
        elif (action[0] == "echo" and isinstance(action[3], int)
                and action[3].bit_count() >= 0.99 * len(others)):
            found.echoed_s = min(found.echoed_s, (at_us - begin_us) / 1e6)
    return found


def ripples(plan: Plan) -> Values:
    """Three commands to everybody while an hour's objects are handed in."""
    network = Network(plan)
    run_for(network, 4 * MINUTE_US)
    give_an_hour(network, 0)
    found = []
    for _ in range(3):
        run_for(network, 2 * MINUTE_US)
        found.append(ripple(network))
    return {"mean_s": [statistics.mean(one.reached_s) for one in found if one.reached_s],
            "reached_s": [second for one in found for second in one.reached_s],
            "stations": [sum(one.stations for one in found)],
            "spread_ms": [one.spread_ms for one in found if one.executed_ms],
            "known_s": [one.echoed_s for one in found]}


def ripple_figures(name: str, mean_s: float, p99_s: float
                   ) -> Callable[[list[Values], dict[str, list[Values]]], list[Figure]]:
    """Figures of `ripples`: the mean over all stations of all ripples, beside the worst ripple's;
    how far apart it is carried out is the worst ripple's, how soon a gateway knows the middle
    one's.
    """
    def figures(found: list[Values], _: dict[str, list[Values]]) -> list[Figure]:
        means, spreads = joined(found, "mean_s"), joined(found, "spread_ms")
        everyone = sorted(joined(found, "reached_s"))
        stations, known = sum(joined(found, "stations")), joined(found, "known_s")
        soon = sum(second <= 60 for second in known)
        return [
            Figure(f"{name}/ripple_mean_s", statistics.mean(everyone),
                   f"s, all stations, {len(means)} ripples", "mean of the worst ripple",
                   max(means), f"value <= {mean_s}"),
            Figure(f"{name}/ripple_p99_s", everyone[len(everyone) * 99 // 100], "s",
                   "last station", everyone[-1], f"value <= {p99_s}"),
            Figure(f"{name}/ripple_reached", len(everyone) / stations, "of stations",
                   f"in {len(means)} ripples, within 30 s",
                   sum(second <= 30 for second in everyone) / stations, "value >= 1"),
            Figure(f"{name}/ripple_spread_ms", max(spreads), "ms from first to last, worst ripple",
                   "middle one", statistics.median(spreads), "value <= 100"),
            Figure(f"{name}/ripple_known_99_s", statistics.median(known),
                   f"s, middle one; {soon} of {len(known)} within 60", "worst ripple",
                   min(max(known), WATCH_S), "value <= 60")]
    return figures


def orders(plan: Plan, size: int) -> Values:
    """An object to every station, ten in a minute, until it is confirmed."""
    network = Network(plan)
    run_for(network, 4 * MINUTE_US)
    give_an_hour(network, 0)
    gateway = plan.gateways[0]
    given_us: dict[int, int] = {}

    def give(core: object, t_us: int, number: int) -> None:
        assert isinstance(core, Relay)
        if core.send_down(t_us, number + 1, bytes(size)) is not None:
            given_us[number] = network.air.now_us

    for number in sorted(set(relays(network)) - {gateway}):
        network.stations[gateway].act(
            lambda core, t_us, number=number: give(core, t_us, number))    # type: ignore[misc]
        run_for(network, 6_000_000)
    run_for(network, 300_000_000)
    told = [(at_us, number) for at_us, number, action in network.told if action[0] == "receive"]
    return {"given": [len(given_us)],
            "waits_s": [(at_us - given_us[number]) / 1e6 for at_us, number in told
                        if number in given_us],
            "confirmed": [sum(action[0] == "confirmed" for _, _, action in network.told)]}


def order_figures(name: str) -> Callable[[list[Values], dict[str, list[Values]]], list[Figure]]:
    """Figures of `orders`."""
    def figures(found: list[Values], _: dict[str, list[Values]]) -> list[Figure]:
        waits, given = sorted(joined(found, "waits_s")), sum(joined(found, "given"))
        return [
            Figure(f"{name}/order_median_s", statistics.median(waits), "s", "99 %",
                   waits[len(waits) * 99 // 100]),
            Figure(f"{name}/orders_received", len(waits) / given, "of objects, each once",
                   "confirmed", sum(joined(found, "confirmed")) / given, "value >= 1")]
    return figures
