"""An update that goes through a simulated mesh beside its hourly load, and the same hours without:
the roll of all stations, flooded about and spread with the hashes of the release's chunks, the
chunks, and what is asked for.

Left out: what no protocol can undercut (ota_limit.py).
"""

import random
import statistics

from kit import ota_limit, ota_orders
from kit.figures import Figure
from kit.mesh_bounds import chances
from kit.mesh_hourly import HOUR_US, MINUTE_US, give_an_hour, run_for
from kit.mesh_pieces import Values, joined
from kit.ota_orders import Assigning
from wum_edge.mesh.airtime import airtime_us
from wum_edge.mesh.frames import (
    BODY_MAX,
    DOWN,
    FRAGMENT_MAX,
    FRAME_MAX,
    GOT,
    LACK,
    SYMBOL,
)
from wum_edge.mesh.relay import Relay
from wum_shared import bundle
from wum_simulator.radio.library import Library
from wum_simulator.radio.network import Network, Plan

SETTLE_US = 5 * MINUTE_US
HOURS_MAX = 6
DUTY_GOAL = 0.03             # Of the time, for updates (docs/mesh-protocol.md, 15).
SAMPLE_BYTES = 4_096         # Sent to each of a few stations alone, and scaled.
SAMPLED = 12


def airtime_s(network: Network, kinds: tuple[int, ...]) -> float:
    """What all stations together have sent of these kinds."""
    return sum(us for first, us in network.air.airtime_us.items()
               if first >> 2 & 15 in kinds) / 1e6


def once_s(plan: Plan, size: int) -> float:
    """An image sent once, in full frames with nothing in them but the mesh's header and tag."""
    return -(-size // BODY_MAX) * airtime_us(plan.ways[0], FRAME_MAX) / 1e6


def update(plan: Plan, size: int, is_whole: bool = True) -> Values:
    """One network's update under its hourly load, until all have it and the hour is over. is_whole:
    with the same hours without it, also if nothing is late.
    """
    network = settled(plan)
    image = random.Random(plan.seed).randbytes(size)
    assignment = ota_orders.assignment_of(image)
    order = ota_orders.order_of(assignment)
    roll, notice = ota_orders.roll_of(
        assignment, bundle.index_of(image), len(plan.sites) - len(plan.gateways))
    library = Library(image, set(range(len(plan.sites))), set(plan.gateways), is_apart=True,
                      order=order, roll=roll, notice=notice)
    begun_us, before_s = network.air.now_us, airtime_s(network, ota_orders.FLOODED)
    network.spread(library)
    assigning = Assigning(network, library, notice, order)
    hours = 0
    while hours < HOURS_MAX and (library.lacking() or not hours):
        give_an_hour(network, hours)
        run_for(network, HOUR_US)
        hours += 1
    drain(network)
    stations = len(plan.sites) - len(plan.gateways)
    took_s = sorted((at_us - begun_us) / 1e6 for at_us in library.done_us.values())
    spent = [_spent_s(network.relay(number)) for number in range(len(plan.sites))]
    late, p99_s = lateness(network)
    # What is late in the same hours without it: nothing can be late because of it where none is.
    late_without, p99_without_s = lateness(load_alone(plan, hours)) if late or is_whole else (0, 0)
    return {
        "bytes": [size], "stations": [stations], "have_it": [len(took_s)],
        "took_s": [took_s[-1] if len(took_s) == stations else HOURS_MAX * 3600.0],
        "most_s": [took_s[len(took_s) * 95 // 100] if took_s else HOURS_MAX * 3600.0],
        "order_bytes": [len(order)], "orders": [assigning.given],
        "roll_bytes": [len(roll)], "notice_bytes": [len(notice)],
        "by_roll": [len(library.rolled) - len(plan.gateways)],
        "rolled_s": [(max(library.told_us.values(), default=begun_us) - begun_us) / 1e6],
        "ordered": [len(library.told) - len(plan.gateways)],
        "orders_s": [airtime_s(network, ota_orders.FLOODED if not assigning.given else
                               ota_orders.KINDS) - before_s],
        "airtime_s": [airtime_s(network, (LACK, SYMBOL))],
        "asking_s": [airtime_s(network, (LACK,))],
        "once_s": [once_s(plan, size)],
        "servers": [sum(1 for one in spent if one > 1)],
        "duty_max": [max(spent) / 3600],
        "objects": [len(network.tally.born_us)], "late": [late], "late_without": [late_without],
        "p99_s": [p99_s], "p99_without_s": [p99_without_s]}


def settled(plan: Plan) -> Network:
    """They have found each other, and a way down to each is known from what came up."""
    network = Network(plan)
    run_for(network, SETTLE_US)
    for number in range(len(plan.sites)):
        if number not in plan.gateways:
            network.give(number, 40)
    run_for(network, SETTLE_US)
    return network


def load_alone(plan: Plan, hours: int) -> Network:
    """The same load, and no update."""
    still = settled(plan)
    for hour in range(hours):
        give_an_hour(still, hour)
        run_for(still, HOUR_US)
    drain(still)
    return still


def drain(network: Network) -> None:
    """Another hour for what has not come."""
    if network.undelivered():
        run_for(network, HOUR_US)


def _spent_s(relay: Relay | None) -> float:
    """Seconds of the last two hours that went into updates, at a frame's length each."""
    if relay is None:
        return 0.0
    return relay.counts.get(f"sent {SYMBOL}", 0) * relay.spread.symbol_us / 1e6


def lateness(network: Network) -> tuple[int, float]:
    """(objects that did not come within an hour, what 99 of 100 took)."""
    tally = network.tally
    delays_us = sorted(tally.came_us[at] - tally.born_us[at] for at in tally.came_us)
    late = len(tally.born_us) - sum(delay_us <= HOUR_US for delay_us in delays_us)
    return late, delays_us[len(delays_us) * 99 // 100] / 1e6 if delays_us else 0.0


def limits(plan: Plan, seconds: float) -> Values:
    """What the field itself allows, in images that are sent."""
    network = Network(plan)
    found = chances(network)
    links = [link for link, chance in found.items() if chance >= ota_limit.RELIABLE]
    least, size = ota_limit.dominating(links, plan.gateways[0], seconds)
    return {"dominating": [least], "connected": [size],
            "fractional": [ota_limit.fractional(found, plan.gateways[0])]}


def losses(plan: Plan) -> Values:
    """What the set that was found would send if nothing but fading were the matter."""
    return {"images": [ota_limit.with_losses(chances(Network(plan)), plan.gateways[0])]}


def alone(plan: Plan) -> Values:
    """What an image costs that is sent to a few stations one after the other, as objects down."""
    network = settled(plan)
    order = random.Random(plan.seed).sample(
        [at for at in range(len(plan.sites)) if at not in plan.gateways],
        min(SAMPLED, len(plan.sites) - 1))
    before_s, gateway = airtime_s(network, tuple(range(16))), network.stations[plan.gateways[0]]
    for number in order:
        gateway.act(lambda core, t_us, number=number: core.send_down(  # type: ignore[misc, attr-defined]
            t_us, number + 1, bytes(SAMPLE_BYTES)))
        run_for(network, 2 * MINUTE_US)
    came = sum(1 for _, _, action in network.told if action[0] == "receive")
    used_s = airtime_s(network, tuple(range(16))) - before_s
    return {"came": [came], "down_s_per_byte": [used_s / max(came, 1) / SAMPLE_BYTES],
            "down_only_s": [airtime_s(network, (DOWN, GOT))], "fragment": [FRAGMENT_MAX]}


def ota_figures(ours: list[Values], bounds: list[Values], lossy: list[Values],
                singly: list[Values]) -> list[Figure]:
    """Seed by seed against the limit of the same seed; the worst seed counts."""
    vs_limit, vs_pieces, vs_found, vs_fractional, vs_single = [], [], [], [], []
    for at, values in enumerate(ours):
        once = values["once_s"][0]
        used_s = values["airtime_s"][0] + values["orders_s"][0]
        if at < len(bounds):
            vs_limit.append(used_s / once / bounds[at]["dominating"][0])
            vs_pieces.append(values["airtime_s"][0] / once / bounds[at]["dominating"][0])
            vs_found.append(used_s / once / bounds[at]["connected"][0])
            vs_fractional.append(used_s / once / bounds[at]["fractional"][0])
        if at < len(singly):
            each_s = singly[at]["down_s_per_byte"][0] * values["bytes"][0]
            vs_single.append(used_s / (each_s * values["stations"][0]))
    size = ours[0]["bytes"][0] / 1024
    seeds = f"{len(ours)} seed{'s' if len(ours) > 1 else ''}"
    stations = ours[0]["stations"][0]
    found = [
        Figure("ota/have_it", min(joined(ours, "have_it")) / stations,
               f"of {stations:.0f} stations have {size:.0f} KiB; {seeds}", "all of them", 1.0,
               "value >= 1"),
        Figure("ota/time_h", max(joined(ours, "took_s")) / 3600, f"h until all have it; {seeds}",
               "19 of 20", max(joined(ours, "most_s")) / 3600),
        Figure("ota/airtime_s", max(joined(ours, "airtime_s")), "s, all stations together: roll, "
               "hashes and chunks, and asking for them", "of it asking",
               max(joined(ours, "asking_s"))),
        *_told(ours, stations),
        Figure("ota/servers", max(joined(ours, "servers")), "stations that sent pages", "of",
               stations),
        Figure("ota/duty_max", _duty_max(ours), "of the time it took (an hour at least), who sent "
               "most", "share", DUTY_GOAL),
        Figure("ota/late_readings", max(a - b for a, b in zip(
            joined(ours, "late"), joined(ours, "late_without"), strict=True)),
            "objects come later than in an hour and would "
            f"not without it, when {sum(joined(ours, 'late_without')):.0f} do", "all of them",
            sum(joined(ours, "objects")), "value <= 0"),
        *_paces(ours)]
    if vs_limit:
        found += [
            Figure("ota/airtime_vs_limit", max(vs_limit), "times the image sent once by each of "
                   "the least connected dominating set (links of 9 in 10), orders included",
                   "stations in it, at least, where most", max(joined(bounds, "dominating")),
                   "value <= 1.5"),
            Figure("ota/pieces_vs_limit", max(vs_pieces), "times the same, without the orders",
                   "with them", max(vs_limit)),
            Figure("ota/airtime_vs_set_found", max(vs_found), "times the image sent once by each "
                   "of the least such set that was found", "stations in it, where most",
                   max(joined(bounds, "connected"))),
            Figure("ota/airtime_vs_perfect_code", max(vs_fractional), "times what a perfect code "
                   "without asking and collisions needs", "images", max(
                       joined(bounds, "fractional")))]
    if lossy:
        of_it = [values["airtime_s"][0] / values["once_s"][0] / least["images"][0]
                 for values, least in zip(ours, lossy, strict=False)]
        found.append(Figure(
            "ota/airtime_vs_losses", max(of_it), "times what that set sends with the links' own "
            "losses: each until all that hear it well have enough, no collisions, no asking",
            "images, where most", max(joined(lossy, "images"))))
    if vs_single:
        found.append(Figure(
            "ota/airtime_vs_unicast", max(vs_single), "of what it takes to send it to each alone",
            f"{SAMPLE_BYTES} bytes to each of {SAMPLED} measured, and scaled", 1.0))
    return found


def _paces(ours: list[Values]) -> list[Figure]:
    """With --brief nothing is known of the hours without it."""
    without_s = max(joined(ours, "p99_without_s"))
    return [Figure("ota/reading_p99_s", max(joined(ours, "p99_s")), "s, worst seed",
                   "without it" if without_s else "an hour", without_s or 3600.0)]


def _told(ours: list[Values], stations: float) -> list[Figure]:
    """How they are told of it."""
    return [
        Figure("ota/orders_s", max(joined(ours, "orders_s")), "s, all stations together: an order "
               f"of {ours[0]['notice_bytes'][0]:.0f} bytes, flooded, that names the roll of all, "
               "and to who has not got that in half an hour an order of its own", "have been told",
               min(joined(ours, "ordered"))),
        Figure("ota/orders_alone", max(joined(ours, "orders")), "orders of "
               f"{ours[0]['order_bytes'][0]:.0f} bytes, to stations alone", "stations", stations),
        Figure("ota/roll_h", max(joined(ours, "rolled_s")) / 3600, "h until all have the roll, "
               f"{ours[0]['roll_bytes'][0]:.0f} bytes with the hashes of the image's chunks",
               "all of it", max(joined(ours, "took_s")) / 3600)]


def _duty_max(ours: list[Values]) -> float:
    """`duty_max` is in hours of one hour, however long it took."""
    return max(values["duty_max"][0] / max(values["took_s"][0] / 3600, 1) for values in ours)


def s10_figures(ours: list[Values], _: dict[str, list[Values]]) -> list[Figure]:
    """mesh.md's figures of S10."""
    radio_s = [size / once for size, once in zip(
        joined(ours, "bytes"), joined(ours, "once_s"), strict=True)]
    speed = [size / took / radio for size, took, radio in zip(
        joined(ours, "bytes"), joined(ours, "took_s"), radio_s, strict=True)]
    return [
        Figure("S10/ota_verified", min(a / b for a, b in zip(
            joined(ours, "have_it"), joined(ours, "stations"), strict=True)),
            "of stations have all of it, checked by its hashes", "all", 1.0, "value >= 1"),
        Figure("S10/ota_h", max(joined(ours, "took_s")) / 3600, "h until all have it, worst seed",
               "median seed", statistics.median(joined(ours, "took_s")) / 3600, "value <= 2"),
        Figure("S10/ota_extra_duty", _duty_max(ours), "of the time it took (an hour at least), who "
               "sent most", "share", DUTY_GOAL, "value <= 0.03"),
        Figure("S10/ota_of_radio", min(speed), "of the radio's speed, end to end to the last "
               "station, worst seed", "Deluge's", 1 / 9),
        Figure("S10/late_readings", max(a - b for a, b in zip(
            joined(ours, "late"), joined(ours, "late_without"), strict=True)),
            "objects later than an hour that would not be without it", "all of them",
            sum(joined(ours, "objects")), "value <= 0")]


