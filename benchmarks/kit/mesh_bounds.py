"""What no protocol can beat on the same field: the most that flows under duty and half duplex (a
linear program, solved by HiGHS), and an ideal timetable on our own parents.

Both are kind to whoever is compared with them: the flow ignores interference between relays, the
timetable ignores acknowledgements, fading and the law. Left out: our own figures (mesh.py).
"""

import highspy

from wum_edge.mesh.airtime import airtime_us
from wum_edge.mesh.frames import FRAME_MAX
from wum_simulator.radio import reception
from wum_simulator.radio.field import dbm
from wum_simulator.radio.network import Network

HOUR_S = 3600.0
GUARD_S = 0.004              # Between two frames, as in the gateway's limit.
FRAME_BYTES = 235 * 0.95
USABLE = 0.2                 # Links that get less through are in nobody's optimum.
FADE_MARGIN_DB = 10.0        # What a timetable asks of a link.
Link = tuple[int, int]


def chances(network: Network) -> dict[Link, float]:
    """By (sender, receiver): the chance that a full frame is received, over all fading."""
    plan = network.plan
    noise = reception.noise_mw(plan.ways[0].bandwidth_hz)
    threshold = reception.THRESHOLD_DB[plan.ways[0].spreading_factor]
    fades = network.field.fades[::64]
    found = {}
    for sender, paths in enumerate(network.field.means):
        for receiver, power in paths:
            through = sum(1 - reception.loss(dbm(power * fade / noise) - threshold, FRAME_MAX)
                          for fade in fades) / len(fades)
            if through >= USABLE:
                found[sender, receiver] = through
    return found


def most_flow(network: Network) -> float:
    """Bytes an hour to the gateway when every origin has the same share of it."""
    plan, gateway = network.plan, network.plan.gateways[0]
    frame_s = airtime_us(plan.ways[0], FRAME_MAX) / 1e6
    links = sorted(link for link in chances(network).items() if link[0][0] != gateway)
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    share = solver.addVariable(lb=0)
    sent = {link: solver.addVariable(lb=0) for link, _ in links}      # Frames an hour.
    for number in range(len(plan.sites)):
        out = [(link, chance) for link, chance in links if link[0] == number]
        into = [(link, chance) for link, chance in links if link[1] == number]
        # What arrives: a frame that is lost is sent again, and costs its time again.
        came = sum(sent[link] * chance for link, chance in into) if into else 0
        busy_in = sum(sent[link] * (frame_s + GUARD_S) for link, _ in into) if into else 0
        if number == gateway:
            solver.addConstr(busy_in <= HOUR_S)
            continue
        if not out:
            continue             # Nobody hears it: it is in no flow.
        gone = sum(sent[link] * chance for link, chance in out)
        spent = sum(sent[link] * frame_s for link, _ in out)
        solver.addConstr(gone - came - share == 0)
        solver.addConstr(spent <= HOUR_S * plan.duty_permyriad / 10_000)
        solver.addConstr(spent + busy_in <= HOUR_S)
    solver.maximize(share)
    origins = {sender for sender, _ in sent}
    return float(solver.val(share)) * len(origins) * FRAME_BYTES


def timetable(network: Network, parents: dict[int, int]) -> float:
    """Frames that reach the gateway in a slot, when everybody has one frame in each round and a
    slot is given to every link that can bear those that have it already.
    """
    plan, gateway = network.plan, network.plan.gateways[0]
    power = [dict(paths) for paths in network.field.means]
    noise = reception.noise_mw(plan.ways[0].bandwidth_hz)
    capture = 10 ** (plan.capture_db / 10)
    waiting = dict.fromkeys(parents, 1)
    total, slots = len(parents), 0
    while any(waiting.values()):
        slots += 1
        used: list[Link] = []
        for number in sorted(waiting, key=lambda at: (-waiting[at], at)):
            if waiting[number] and _bears([*used, (number, parents[number])], power, noise,
                                          capture):
                used.append((number, parents[number]))
        for number, parent in used:
            waiting[number] -= 1
            if parent != gateway:
                waiting[parent] = waiting.get(parent, 0) + 1
    return total / slots


def _bears(links: list[Link], power: list[dict[int, float]], noise: float,
           capture: float) -> bool:
    """Whether every receiver has its frame although the others send too."""
    senders = [sender for sender, _ in links]
    receivers = [receiver for _, receiver in links]
    if set(senders) & set(receivers) or len(set(receivers)) < len(receivers):
        return False
    for sender, receiver in links:
        harm = noise + sum(power[other].get(receiver, 0.0) for other in senders
                           if other != sender)
        if power[sender].get(receiver, 0.0) < capture * (harm - noise):
            return False
    return True
