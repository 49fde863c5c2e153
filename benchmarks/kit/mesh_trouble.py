"""Meshes in trouble: cold start with keys to be had, dead relays and gateways, a day's partition,
attackers, and a second network on the channel. Each function measures one plan, that is one seed.

Left out: load and figures of networks that are well (mesh_hourly.py, mesh_goodput.py), and what the
numbers are compared with (mesh_trouble_figures.py).
"""

import math
from dataclasses import replace

from kit.mesh_hourly import HOUR_US, MINUTE_US, OBJECT_BYTES, give_an_hour, hours, run_for
from kit.mesh_pieces import Values
from wum_edge.mesh.frames import FRAGMENT_MAX
from wum_edge.mesh.gradient import RANK_MAX
from wum_edge.mesh.guard import Guard
from wum_edge.mesh.relay import Relay
from wum_edge.mesh.setting import Setting
from wum_simulator.radio import attackers
from wum_simulator.radio.network import Maker, Network, Plan, dice_of, relay_of
from wum_simulator.radio.seal import FastCcm
from wum_simulator.radio.station import Core
from wum_simulator.world import Dice

DAY = 24
FEED_US = 20_000_000
NEVER_S = 1e9


def is_ready(network: Network, number: int) -> bool:
    """Whether a station has joined, has a way, and knows the time."""
    relay = network.relay(number)
    return relay is not None and relay.gradient.rank < RANK_MAX and relay.clock.is_known


def cold_start(plan: Plan) -> Values:
    """From power, without any key, until everybody is joined, routed and knows the time."""
    network, size = Network(replace(plan, joins=True)), len(plan.sites)
    times: list[float] = []
    while len(times) < size and network.air.now_us < HOUR_US // 2:
        run_for(network, 1_000_000)
        ready = sum(is_ready(network, number) for number in range(size))
        times += [network.air.now_us / 1e6] * (ready - len(times))
    times += [1800.0] * (size - len(times))
    return {"most_s": [times[math.ceil(size * 0.95) - 1]], "all_s": [times[-1]]}


def relay_dies(plan: Plan) -> Values:
    """The relay with most children dies; each of these has something to send at once."""
    network = Network(plan)
    run_for(network, 5 * MINUTE_US)
    for number in range(len(plan.sites)):
        network.give(number, 200)
    run_for(network, 5 * MINUTE_US)
    behind: dict[int, list[int]] = {}
    for number in range(len(plan.sites)):
        relay = network.relay(number)
        if relay is not None and relay.gradient.parent is not None:
            behind.setdefault(relay.gradient.parent - 1, []).append(number)
    relays = {at: found for at, found in behind.items() if at not in plan.gateways}
    dead = max(relays, key=lambda at: len(relays[at]))
    network.stations[dead].stop()
    given = [network.give(number, 200) for number in relays[dead]]
    run_for(network, 30 * MINUTE_US)
    return {"waits_s": [(network.tally.came_us[at] - network.tally.born_us[at]) / 1e6
                        for at in given if at in network.tally.came_us],
            "lost": [len(network.undelivered())]}


def gateway_dies(plan: Plan) -> Values:
    """The first gateway dies for good under its hourly load; the second goes on."""
    network = Network(plan)
    hours(network, 1)
    give_an_hour(network, 1)
    died_us = network.air.now_us + 2 * MINUTE_US
    network.air.after(2 * MINUTE_US, lambda at: network.stations[at].stop(), plan.gateways[0])
    run_for(network, 4 * HOUR_US)
    waits_us = sorted(came_us - max(network.tally.born_us[at], died_us)
                      for at, came_us in network.tally.came_us.items() if came_us > died_us)
    return {"median_s": [waits_us[len(waits_us) // 2] / 1e6 if waits_us else NEVER_S],
            "lost": [len(network.undelivered())]}


def standby(plan: Plan) -> Values:
    """The only gateway dies; three in a hundred could be one."""
    network, size = Network(plan), len(plan.sites)
    run_for(network, 5 * MINUTE_US)
    for number in range(1, size, 33):
        relay = network.relay(number)
        if relay is not None and number not in plan.gateways:
            relay.role.is_standby = True
    network.stations[plan.gateways[0]].stop()
    died_us = network.air.now_us
    for number in range(size):
        if number not in plan.gateways:
            network.give(number, 200)
    run_for(network, 40 * MINUTE_US)
    came_us = sorted(network.tally.came_us.values())
    return {"first_s": [(came_us[0] - died_us) / 1e6 if came_us else NEVER_S],
            "lost": [len(network.undelivered())],
            "serving": [sum(action[0] == "serving" for _, _, action in network.told)]}


def partition(plan: Plan) -> Values:
    """A gateway comes back to stations that hold a day, and goes on with each hour's objects."""
    network, gateway = Network(plan), plan.gateways[0]
    run_for(network, 5 * MINUTE_US)
    network.stations[gateway].stop()
    others = [number for number in range(len(plan.sites)) if number != gateway]
    held = [network.give(number, OBJECT_BYTES) for _ in range(DAY) for number in others]
    run_for(network, 40 * MINUTE_US)
    network.boot(gateway)
    back_us, live = network.air.now_us, []
    for _ in range(4):
        live += [network.give(number, OBJECT_BYTES, 1) for number in others]
        for _ in range(HOUR_US // FEED_US):
            run_for(network, FEED_US)
            for number in others:            # As an agent does when its relay has room.
                network.feed(number)
    came = network.tally.came_us
    return {"drained_h": [(max(came.get(at, 1 << 62) for at in held) - back_us) / HOUR_US],
            "late": [sum(came.get(at, 1 << 62) - network.tally.born_us[at] > HOUR_US
                         for at in live)],
            "live": [len(live)], "lost": [len(network.undelivered())],
            "twice": [network.tally.twice], "objects": [len(network.tally.born_us)]}


ATTACKS: dict[str, type[attackers.Outsider] | None] = {
    "replay": attackers.Replayer, "forged_rank": attackers.Forger, "join_storm": attackers.Storm,
    "slot_jamming": attackers.Jammer, "lying_member": None}


def attack(plan: Plan, name: str, count: int) -> Values:
    """Somebody in the middle means harm; everybody else has an object an hour."""
    middle, evil = plan.gateways[0], len(plan.sites)
    where = replace(plan.sites[middle], x_m=plan.sites[middle].x_m + 25)
    network = Network(replace(plan, sites=[*plan.sites, where], outlaws=(evil,)),
                      with_evil(evil, ATTACKS[name]))
    run_for(network, 5 * MINUTE_US)
    for _ in range(count):
        for number in range(evil):
            if number != middle:
                network.give(number, OBJECT_BYTES)
        run_for(network, HOUR_US)
    if network.undelivered():
        run_for(network, 2 * HOUR_US)
    tally = network.tally
    in_time = sum(tally.came_us.get(at, 1 << 62) - born_us <= HOUR_US
                  for at, born_us in tally.born_us.items())
    return {"share": [in_time / len(tally.born_us)], "lost": [len(network.undelivered())],
            "objects": [len(tally.born_us)]}


def with_evil(evil: int, attack: type[attackers.Outsider] | None) -> Maker:
    """Relays, and one station that means harm; None is a member that lies."""
    def make(plan: Plan, number: int, t_us: int, stored: tuple[int, int]) -> Core:
        if number != evil:
            return relay_of(plan, number, t_us, stored)
        if attack is not None:
            return attack(t_us, Dice(plan.seed).stream("evil"))
        honest = relay_of(plan, number, t_us, stored)
        assert isinstance(honest, Relay)
        setting = Setting(number + 1, True, list(plan.ways), plan.duty_permyriad)
        return attackers.Liar(setting, honest.guard, t_us, dice_of(plan, number), stored[1])
    return make


class Silent:
    """A station that is not there."""

    def on_rx(self, *_: object) -> None:
        pass

    on_tx_done = on_tick = on_rx

    def next_deadline(self) -> int | None:
        return None

    def submit(self, t_us: int, content: bytes, priority: int) -> int | None:
        return None

    def actions(self) -> list[tuple[object, ...]]:
        return []


def two_networks(plan: Plan, minutes: int) -> Values:
    """Two networks with other keys on the same channel and roofs: what each keeps of its goodput,
    with every queue full.
    """
    own = [[number for number in range(len(plan.sites)) if number % 2 == part] for part in (0, 1)]
    gateways = tuple(min(numbers, key=lambda at: abs(at - plan.gateways[0])) for numbers in own)
    alone, together = [], []
    for present in ((0,), (1,), (0, 1)):
        network = Network(replace(plan, gateways=gateways), maker_of(present))
        run_for(network, 3 * MINUTE_US)
        rates = saturate(network, [own[part] for part in present], minutes)
        if len(present) == 1:
            alone += rates
        else:
            together = rates
    return {"kept": [rate / solo for rate, solo in zip(together, alone, strict=True)]}


def maker_of(present: tuple[int, ...]) -> Maker:
    """Relays of two networks by turns; those of a network that is not present are silent."""
    def make(plan: Plan, number: int, t_us: int, stored: tuple[int, int]) -> Core:
        part = number % 2
        if part not in present:
            return Silent()
        guard = Guard(FastCcm(bytes((part,)) * 16), 0x1000 + part, 1, number + 1, stored[0])
        setting = Setting(
            number + 1, number in plan.gateways, list(plan.ways), plan.duty_permyriad)
        return Relay(setting, guard, t_us, dice_of(plan, number), stored[1])
    return make


def saturate(network: Network, parts: list[list[int]], minutes: int) -> list[float]:
    """Bytes a minute of each part's origins, whose queues are kept full, after two minutes."""
    before = [0] * len(parts)
    for step in range(30 * (2 + minutes)):
        if step == 60:
            before = [_bytes_of(network, part) for part in parts]
        for part in parts:
            for number in part:
                if number not in network.plan.gateways:
                    network.feed(number)
                    while not network.has_backlog(number):
                        network.give(number, FRAGMENT_MAX)
        run_for(network, 2_000_000)
    return [(_bytes_of(network, part) - start) / minutes
            for part, start in zip(parts, before, strict=True)]


def _bytes_of(network: Network, part: list[int]) -> int:
    return sum(network.tally.bytes_by_site[number] for number in part)
