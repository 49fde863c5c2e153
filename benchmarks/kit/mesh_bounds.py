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


def chances(network: Network, rate: int = 0) -> dict[Link, float]:
    """By (sender, receiver): the chance that a full frame is received, over all fading."""
    way = network.plan.ways[rate]
    noise = reception.noise_mw(way.bandwidth_hz)
    threshold = reception.THRESHOLD_DB[way.spreading_factor]
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
    """Bytes an hour to the gateway when every origin has the same share of it, at whatever of the
    plan's rates is best on each link.
    """
    plan, gateway = network.plan, network.plan.gateways[0]
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    share = solver.addVariable(lb=0)
    # By sender and by receiver: (variable, chance, seconds on the air).
    out: list[list[tuple[object, float, float]]] = [[] for _ in plan.sites]
    into: list[list[tuple[object, float, float]]] = [[] for _ in plan.sites]
    for rate, way in enumerate(plan.ways):
        frame_s = airtime_us(way, FRAME_MAX) / 1e6
        for (sender, receiver), chance in sorted(chances(network, rate).items()):
            if sender != gateway:
                entry = (solver.addVariable(lb=0), chance, frame_s)      # Frames an hour.
                out[sender].append(entry)
                into[receiver].append(entry)
    for number in range(len(plan.sites)):
        # What arrives: a frame that is lost is sent again, and costs its time again.
        came = sum(sent * chance for sent, chance, _ in into[number])    # type: ignore[operator]
        busy_in = sum(sent * (took_s + GUARD_S)                          # type: ignore[operator]
                      for sent, _, took_s in into[number])
        if number == gateway:
            solver.addConstr(busy_in <= HOUR_S)
        elif out[number]:            # Nobody hears the others: they are in no flow.
            gone = sum(sent * chance for sent, chance, _ in out[number])  # type: ignore[operator]
            spent = sum(sent * took_s for sent, _, took_s in out[number])  # type: ignore[operator]
            solver.addConstr(gone - came - share == 0)
            solver.addConstr(spent <= HOUR_S * plan.duty_permyriad / 10_000)
            solver.addConstr(spent + busy_in <= HOUR_S)
    solver.maximize(share)
    origins = sum(1 for number, ways in enumerate(out) if ways and number != gateway)
    return float(solver.val(share)) * origins * FRAME_BYTES


def tree_flow(network: Network, parents: dict[int, int]) -> float:
    """The same on one tree, by an ideal timetable at rate 0: as much as the duty of whoever has
    most behind it allows, or the gateway's time.
    """
    plan, gateway = network.plan, network.plan.gateways[0]
    frame_s = airtime_us(plan.ways[0], FRAME_MAX) / 1e6
    behind = dict.fromkeys([gateway, *parents], 0)
    for number in parents:
        at = number
        while at != gateway:
            behind[at] += 1
            at = parents[at]
    most = max(behind.values())
    allowed = HOUR_S * plan.duty_permyriad / 10_000 / frame_s / most
    share = min(allowed, HOUR_S / (frame_s + GUARD_S) / len(parents),
                HOUR_S / (frame_s + GUARD_S) / (2 * most - 1))
    return share * len(parents) * FRAME_BYTES


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
