"""Meshes in trouble: cold start with keys to be had, dead relays and gateways, a day's partition,
attackers, and a second network on the channel.

Left out: load and figures of networks that are well (mesh.py). Every scenario takes plans, one for
each seed, so that the seeds are chosen in one place.
"""

import math
import statistics
from dataclasses import replace

from kit.figures import Figure
from wum_edge.mesh.frames import FRAGMENT_MAX
from wum_edge.mesh.gradient import RANK_MAX
from wum_edge.mesh.guard import Guard
from wum_edge.mesh.relay import Relay
from wum_edge.mesh.setting import Setting
from wum_simulator.radio import attackers
from wum_simulator.radio.network import Maker, Network, Plan, relay_of
from wum_simulator.radio.seal import FastCcm
from wum_simulator.radio.station import Core
from wum_simulator.world import Dice

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
OBJECT_BYTES = 534
DAY = 24
FEED_US = 20_000_000


def run_for(network: Network, length_us: int) -> None:
    network.air.run(network.air.now_us + length_us)


def is_ready(network: Network, number: int) -> bool:
    """Whether a station has joined, has a way, and knows the time."""
    relay = network.relay(number)
    return relay is not None and relay.gradient.rank < RANK_MAX and relay.clock.is_known


def cold_start(plans: list[Plan]) -> list[Figure]:
    """From power, without any key, until everybody is joined, routed and knows the time."""
    most, everyone = [], []
    for plan in plans:
        network, size = Network(replace(plan, joins=True)), len(plan.sites)
        times: list[float] = []
        while len(times) < size and network.air.now_us < HOUR_US // 2:
            run_for(network, 1_000_000)
            ready = sum(is_ready(network, number) for number in range(size))
            times += [network.air.now_us / 1e6] * (ready - len(times))
        times += [1800.0] * (size - len(times))
        most.append(times[math.ceil(size * 0.95) - 1])
        everyone.append(times[-1])
    return [
        Figure("S3/cold_start_95", max(most), "s, worst seed", "median seed",
               statistics.median(most), "value <= 300"),
        Figure("S3/cold_start_all", max(everyone), "s, worst seed", "median seed",
               statistics.median(everyone), "value <= 900")]


def relay_dies(plans: list[Plan]) -> list[Figure]:
    """The relay with most children dies; each of these has something to send at once."""
    waits, lost = [], 0
    for plan in plans:
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
        waits += [(network.tally.came_us[at] - network.tally.born_us[at]) / 1e6
                  for at in given if at in network.tally.came_us]
        lost += len(network.undelivered())
    return [
        Figure("S6/relay_dies_median_s", statistics.median(waits), "s", "worst", max(waits),
               "value <= 30"),
        Figure("S6/relay_dies_lost", lost, "objects", "one", 1.0, "value <= 0")]


def standby(plans: list[Plan]) -> list[Figure]:
    """The only gateway dies; three in a hundred could be one."""
    waits, lost, serving = [], 0, []
    for plan in plans:
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
        came = sorted(came_us - died_us for came_us in network.tally.came_us.values())
        waits.append(came[0] / 1e6 if came else 1e9)
        lost += len(network.undelivered())
        serving.append(sum(1 for _, _, action in network.told if action[0] == "serving"))
    return [
        Figure("S7/standby_s", max(waits), "s until the first object, worst seed", "median seed",
               statistics.median(waits), "value <= 240"),
        Figure("S7/standby_lost", lost, "objects", "one", 1.0, "value <= 0"),
        Figure("S7/standby_gateways", max(serving), "stations that became one", "middle seed",
               statistics.median(serving))]


def partition(plans: list[Plan]) -> list[Figure]:
    """A gateway comes back to stations that hold a day, and goes on with each hour's objects."""
    drained, late, lost, twice, objects = [], [], 0, 0, 0
    for plan in plans:
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
        drained.append((max(came.get(at, 1 << 62) for at in held) - back_us) / HOUR_US)
        late.append(sum(came.get(at, 1 << 62) - network.tally.born_us[at] > HOUR_US
                        for at in live))
        lost += len(network.undelivered())
        twice += network.tally.twice
        objects += len(network.tally.born_us)
    return [
        Figure("S9/day_drained_h", max(drained), "h, worst seed", "median seed",
               statistics.median(drained), "value <= 2"),
        Figure("S9/live_late", sum(late), "objects", "of", objects, "value <= 0"),
        Figure("S9/lost", lost, "objects", "one", 1.0, "value <= 0"),
        Figure("S9/came_twice", twice / objects, "of objects, stored once", "none", 1.0)]


ATTACKS: dict[str, type[attackers.Outsider] | None] = {
    "replay": attackers.Replayer, "forged_rank": attackers.Forger, "join_storm": attackers.Storm,
    "slot_jamming": attackers.Jammer, "lying_member": None}


def attacks(plans: list[Plan], hours: int) -> list[Figure]:
    """Somebody in the middle means harm; everybody else has an object an hour."""
    found = []
    for name, attack in ATTACKS.items():
        shares, lost = [], 0
        for plan in plans:
            middle = plan.gateways[0]
            evil = len(plan.sites)
            where = replace(plan.sites[middle], x_m=plan.sites[middle].x_m + 25)
            network = Network(
                replace(plan, sites=[*plan.sites, where], outlaws=(evil,)), with_evil(evil, attack))
            run_for(network, 5 * MINUTE_US)
            for _ in range(hours):
                for number in range(evil):
                    if number != middle:
                        network.give(number, OBJECT_BYTES)
                run_for(network, HOUR_US)
            if network.undelivered():
                run_for(network, 2 * HOUR_US)
            tally = network.tally
            shares.append(sum(
                tally.came_us.get(at, 1 << 62) - born_us <= HOUR_US
                for at, born_us in tally.born_us.items()) / len(tally.born_us))
            lost += len(network.undelivered())
        found += [
            Figure(f"S11/{name}_within_the_hour", min(shares), "of objects, worst seed",
                   "median seed", statistics.median(shares)),
            Figure(f"S11/{name}_lost", lost, "objects", "one", 1.0, "value <= 0")]
    return found


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
        return attackers.Liar(setting, honest.guard, t_us, plan.seed, stored[1])
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


def two_networks(plans: list[Plan], minutes: int) -> list[Figure]:
    """Two networks with other keys on the same channel and roofs: what each keeps of its goodput,
    with every queue full.
    """
    kept = []
    for plan in plans:
        own = [[number for number in range(len(plan.sites)) if number % 2 == part]
               for part in (0, 1)]
        gateways = tuple(min(numbers, key=lambda at: abs(at - plan.gateways[0]))
                         for numbers in own)
        alone, together = [], []
        for present in ((0,), (1,), (0, 1)):
            both = replace(plan, gateways=gateways)
            network = Network(both, maker_of(present))
            run_for(network, 3 * MINUTE_US)
            rates = saturate(network, [own[part] for part in present], minutes)
            if len(present) == 1:
                alone += rates
            else:
                together = rates
        kept += [rate / solo for rate, solo in zip(together, alone, strict=True)]
    return [Figure("S8/two_networks_keep", min(kept), "of solo goodput, worst", "median",
                   statistics.median(kept), "value >= 0.45")]


def maker_of(present: tuple[int, ...]) -> Maker:
    """Relays of two networks by turns; those of a network that is not present are silent."""
    def make(plan: Plan, number: int, t_us: int, stored: tuple[int, int]) -> Core:
        part = number % 2
        if part not in present:
            return Silent()
        guard = Guard(FastCcm(bytes((part,)) * 16), 0x1000 + part, 1, number + 1, stored[0])
        setting = Setting(
            number + 1, number in plan.gateways, list(plan.ways), plan.duty_permyriad)
        return Relay(setting, guard, t_us, plan.seed, stored[1])
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
