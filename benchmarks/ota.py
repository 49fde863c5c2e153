"""An update of 250 stations over the mesh: airtime and time, next to sending it to each alone.

On the simulated air of wum_simulator/radio, beside the hourly load of every station: 200 KiB to the
250 stations of a harsh district at 869.5 MHz, from one gateway. The limit is the image sent once by
each of the least connected dominating set of stations (kit/ota_limit.py). Beside it what the same
hours are like without the update: not one reading may be late because of it.

With --results a run may be stopped and goes on with the next piece; --report tells what there is.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path

from kit import mesh_fields, ota_runs
from kit.figures import report
from kit.mesh_pieces import OURS, Pieces, commit_of
from wum_simulator.radio.network import Plan

SITES, KIB = 250, 200


def main() -> None:
    parser = argparse.ArgumentParser(description="An update over the simulated mesh.")
    parser.add_argument("--quick", action="store_true", help="40 stations, 16 KiB: a minute")
    parser.add_argument("--seeds", type=int, default=3, help="how many fields (3)")
    parser.add_argument("--sites", type=int, default=SITES, help=f"stations ({SITES})")
    parser.add_argument("--kib", type=int, default=KIB, help=f"size of the image ({KIB})")
    parser.add_argument("--capture", type=float, default=6.0, metavar="DB",
                        help="by which a frame must be stronger than others (6)")
    parser.add_argument("--solve", type=float, default=900.0, metavar="S",
                        help="for the integer program; then its bound counts (900)")
    parser.add_argument("--results", metavar="FILE", type=Path,
                        help="each piece is added here, and none that stands there is run again")
    parser.add_argument("--minutes", type=float, default=1e9,
                        help="begin no new piece after so long")
    parser.add_argument("--brief", action="store_true",
                        help="the hours without the update only where something was late")
    parser.add_argument("--report", action="store_true", help="run nothing, tell of --results")
    options = parser.parse_args()
    if options.quick:
        options.seeds, options.sites, options.kib = 1, 40, 16
    pieces = Pieces(options.results, commit_of(Path(__file__).parent))
    pieces.read()
    names = {part: f"ota_{part}_{options.sites}_{options.kib}"
             for part in ("limit", "losses", "update", "alone")}
    if not options.report:
        run(pieces, names, options)
    found = together(pieces, names, options.capture, options.seeds)
    report("ota", ota_runs.ota_figures(found["update"], found["limit"], found["losses"],
                                     found["alone"])
           if found["update"] else [])


def together(pieces: Pieces, names: dict[str, str], capture_db: float, seeds: int,
             ) -> dict[str, list[ota_runs.Values]]:
    """By part, of the seeds of which there is an update, each to be held against what is of its own
    seed; none of a part that lacks one.
    """
    there = [seed for seed in range(1, 1 + seeds)
             if pieces.has(names["update"], seed, capture_db, OURS)]
    return {part: [pieces.one(name, seed, capture_db, OURS) for seed in there]
            if all(pieces.has(name, seed, capture_db, OURS) for seed in there) else []
            for part, name in names.items()}


def run(pieces: Pieces, names: dict[str, str], options: argparse.Namespace) -> None:
    """Piece after piece, what is worth most first."""
    begun_s = time.monotonic()

    def plan(seed: int) -> Plan:
        return replace(mesh_fields.district(seed, options.sites), capture_db=options.capture)

    parts = {"update": lambda seed: ota_runs.update(plan(seed), options.kib * 1024,
                                                     not options.brief),
             "limit": lambda seed: ota_runs.limits(plan(seed), options.solve),
             "losses": lambda seed: ota_runs.losses(plan(seed)),
             "alone": lambda seed: ota_runs.alone(plan(seed))}
    for part, measure in parts.items():
        for seed in range(1, 1 + options.seeds):
            if pieces.has(names[part], seed, options.capture, OURS) or (
                    time.monotonic() - begun_s > options.minutes * 60):
                continue
            pieces.keep(names[part], seed, options.capture, OURS, measure(seed))


if __name__ == "__main__":
    main()
