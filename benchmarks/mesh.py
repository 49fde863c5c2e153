"""The mesh: what arrives in time, how much the gateway hears, and what becomes of it in trouble.

On the simulated air of wum_simulator/radio, whose duty law fails a run that breaks it; hosts are up
to 20 ms late. Run under captures of 6 dB and 1 dB, the worse of both is told. S4/... with every
queue full counts bytes of objects that came to the gateway. The limit beside it is its receiver's:
3600 s over a full frame and 4 ms, times 235 bytes, less 5 %. Losses stand with the bound that so
few objects prove (95 %).

Peers (kit/mesh_peers.py) stand for families of protocols, on the same seeds. All of it takes
days of a processor: with --results a run may be stopped and goes on, seed after seed of all
scenarios, and --report tells what has been run by then; what RESULTS.md tells of was kept in
mesh-pieces.jsonl.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from kit import (
    mesh_fields,
    mesh_goodput,
    mesh_hourly,
    mesh_least,
    mesh_orders,
    mesh_trouble,
    ota_runs,
)
from kit import mesh_trouble_figures as trouble_figures
from kit.figures import Figure, report
from kit.mesh_families import FAMILIES, maker_of
from kit.mesh_fields import LOW_BAND, MILD
from kit.mesh_pieces import OURS, Pieces, Scenario, Values, commit_of
from wum_simulator.radio import picture
from wum_simulator.radio.network import SF5, SF7, Network, Plan

PEER_SEEDS = 5
PEERS = (OURS, *FAMILIES)
PlanOf = Callable[[int], Plan]


def scenarios(is_quick: bool, hours: int) -> list[Scenario]:
    """All of docs/mesh-protocol.md, 13, in the order of what is worth most first. S10 is an update;
    more of that is in ota.py.
    """
    size, small, minutes = (30, 24, 1) if is_quick else (300, 100, 8)
    hours = 1 if is_quick else hours
    lively = 250 * size // 300

    def mild(seed: int) -> Plan:
        return mesh_fields.district(seed, small, MILD)

    def harsh(seed: int) -> Plan:
        return mesh_fields.district(seed, small)

    def harsh_at_two_rates(seed: int) -> Plan:
        return replace(harsh(seed), ways=(SF7, SF5))

    def many(seed: int) -> Plan:
        return mesh_fields.district(seed, size)

    found = [
        full("S4", mild, minutes, "value >= 0.75", PEERS),
        full("S4_harsh", harsh, minutes, "value >= 0.75"),
        full("S4_harsh_two_rates", harsh_at_two_rates, minutes, None),
        objects("S1", mesh_fields.courtyard, hours, 0.9999, families=PEERS),
        objects("S2", mesh_fields.street, hours, 0.999),
        objects("S4", many, 1, 0.9999, name="S4_hourly"),
        Scenario("S5", duty(lambda seed: mesh_fields.sparse(seed, small), hours),
                 mesh_goodput.duty_figures, PEERS),
        single("S2_ripple", mesh_fields.street, mesh_orders.ripples,
               mesh_orders.ripple_figures("S2", 6, 12)),
        single("S3_ripple", lambda seed: mesh_fields.district(seed, lively), mesh_orders.ripples,
               mesh_orders.ripple_figures("S3", 3, 6)),
        single("S3_433", lambda seed: mesh_fields.district(seed, lively, LOW_BAND),
               mesh_orders.ripples, mesh_orders.ripple_figures("S3_433", 3, 6)),
        single("S3_cold", many, mesh_trouble.cold_start, trouble_figures.cold_start),
        single("S6_relay", harsh, mesh_trouble.relay_dies, trouble_figures.relay_dies),
        single("S7", lambda seed: mesh_fields.two_gateways(seed, small),
               mesh_trouble.gateway_dies, trouble_figures.gateway_dies),
        single("S7_standby", harsh, mesh_trouble.standby, trouble_figures.standby),
        single("S8_two", lambda seed: mesh_fields.district(seed, min(small, 40), MILD),
               lambda plan: mesh_trouble.two_networks(plan, minutes),
               trouble_figures.two_networks),
        objects("S8", mesh_fields.courtyard, hours, 0.995, mesh_hourly.bursts),
        objects("S6", harsh, hours, 0.999, mesh_hourly.churn),
        single("S9", harsh, mesh_trouble.partition, trouble_figures.partition)]
    found += [single(f"S11_{name}", mesh_fields.courtyard,
                     lambda plan, name=name: mesh_trouble.attack(     # type: ignore[misc]
                         plan, name, 1), trouble_figures.attack(name))
              for name in mesh_trouble.ATTACKS]
    kib = 16 if is_quick else 64
    return found + [
        single("S10", lambda seed: mesh_fields.district(seed, lively),
               lambda plan: ota_runs.update(plan, kib * 1024), ota_runs.s10_figures),
        objects("S12", lambda seed: mesh_fields.islands(seed, small), hours, 0.9999),
        objects("S3", lambda seed: mesh_fields.district(seed, lively), 1, 0.9999, families=PEERS),
        single("S1_least", mesh_fields.courtyard, mesh_least.least_time,
               mesh_least.least_figures("S1")),
        single("S3_least", lambda seed: mesh_fields.district(seed, lively),
               mesh_least.least_time, mesh_least.least_figures("S3")),
        objects("S3_433", lambda seed: mesh_fields.district(seed, lively, LOW_BAND), 1, 0.9999,
                name="S3_433_hourly"),
        objects("S4_corner", lambda seed: mesh_fields.cornered(seed, size), 1, 0.9999),
        objects("S4_thirty", many, 1, 0.9999, size=mesh_hourly.THIRTY_BYTES),
        single("S2_orders", mesh_fields.street, lambda plan: mesh_orders.orders(plan, 120),
               mesh_orders.order_figures("S2"))]


def single(name: str, plan_of: PlanOf, run: Callable[[Plan], Values],
           figures: Callable[[list[Values], dict[str, list[Values]]], list[Figure]]) -> Scenario:
    """Ours alone."""
    return Scenario(name, lambda seed, capture_db, _: run(
        replace(plan_of(seed), capture_db=capture_db)), figures)


def objects(label: str, plan_of: PlanOf, hours: int, goal: float,
            upset: mesh_hourly.Upset | None = None, families: tuple[str, ...] = (OURS,),
            size: int = mesh_hourly.OBJECT_BYTES, name: str | None = None) -> Scenario:
    """Hourly objects."""
    def run(seed: int, capture_db: float, family: str) -> Values:
        plan = replace(plan_of(seed), capture_db=capture_db)
        return mesh_hourly.hourly(Network(plan, maker_of(plan, family)), hours, upset, size)
    return Scenario(name or label, run,
                    mesh_hourly.hourly_figures(label, goal, upset is None), families)


def full(name: str, plan_of: PlanOf, minutes: int, goal: str | None,
         families: tuple[str, ...] = (OURS,)) -> Scenario:
    """Every queue full."""
    def run(seed: int, capture_db: float, family: str) -> Values:
        plan = replace(plan_of(seed), capture_db=capture_db)
        return mesh_goodput.goodput(plan, maker_of(plan, family), minutes)
    return Scenario(name + "_full", run, mesh_goodput.goodput_figures(name, goal), families)


def duty(plan_of: PlanOf, hours: int) -> Callable[[int, float, str], Values]:
    """Every queue full where the law binds."""
    def run(seed: int, capture_db: float, family: str) -> Values:
        plan = replace(plan_of(seed), capture_db=capture_db)
        return mesh_goodput.duty_bound(plan, maker_of(plan, family), hours)
    return run


def run_pieces(chosen: list[Scenario], pieces: Pieces, options: argparse.Namespace) -> None:
    """Seed after seed of all scenarios, ours before others, so that a run that is stopped has
    something of each.
    """
    begun_s = time.monotonic()
    for seed in range(1, 1 + options.seeds):
        for family in PEERS if seed <= PEER_SEEDS and not options.quick else (OURS,):
            for capture_db in options.capture if family == OURS else options.capture[:1]:
                for scenario in chosen:
                    if family not in scenario.families or (
                            pieces.has(scenario.name, seed, capture_db, family)):
                        continue
                    if time.monotonic() - begun_s > options.minutes * 60:
                        return
                    pieces.keep(scenario.name, seed, capture_db, family,
                                scenario.run(seed, capture_db, family))


def main() -> None:
    parser = argparse.ArgumentParser(description="The mesh on the simulated air.")
    parser.add_argument("--quick", action="store_true", help="small networks, less than 60 s")
    parser.add_argument("--seeds", type=int, default=20, help="seeds of every scenario (20)")
    parser.add_argument("--hours", type=int, default=2, help="of hourly objects in a run (2)")
    parser.add_argument("--only", metavar="NAME", nargs="+",
                        help="S1, S4_full, S5...; an unknown name tells all of them")
    parser.add_argument("--capture", type=float, default=[6.0, 1.0], metavar="DB", nargs="+",
                        help="by which a frame must be stronger than others (6 and FLoRa's 1)")
    parser.add_argument("--results", metavar="FILE", type=Path,
                        help="each piece is added here, and none that stands there is run again")
    parser.add_argument("--minutes", type=float, default=1e9,
                        help="begin no new piece after so long")
    parser.add_argument("--report", action="store_true", help="run nothing, tell of --results")
    parser.add_argument("--picture", metavar="FILE", type=Path,
                        help="of an hour in a courtyard, as an HTML page; nothing else is run")
    options = parser.parse_args()
    if options.picture:
        network = Network(mesh_fields.courtyard(1))
        mesh_hourly.hours(network, 1)
        options.picture.write_text(picture.page(network, "A courtyard of 48, an hour"))
        return
    if options.quick:
        options.seeds, options.capture = 1, [6.0]
    pieces = Pieces(options.results, commit_of(Path(__file__).parent))
    pieces.read()
    everything = scenarios(options.quick, options.hours)
    known = [scenario.name for scenario in everything]
    if set(options.only or ()) - set(known):
        parser.error(f"--only: wanted some of {', '.join(known)}")
    chosen = [scenario for scenario in everything
              if not options.only or scenario.name in options.only]
    if options.quick and not options.only:
        chosen = [scenario for scenario in chosen if scenario.name in QUICK]
    if not options.report:
        run_pieces(chosen, pieces, options)
    report("mesh", [figure for scenario in chosen for figure in pieces.figures(scenario)])


QUICK = ("S4_full", "S1", "S2_ripple", "S3_cold", "S6_relay", "S7_standby", "S8_two",
         "S11_replay", "S12")


if __name__ == "__main__":
    main()
