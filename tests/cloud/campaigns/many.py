"""`make fleets`: many fleets of 2,000, each with another draw of what fails; not for every day.

Of each failing fleet: in which wave it stopped, and how many were touched. One good release at the
end. A lost concentrator, or a campaign that went on, ends it with exit code 1.
"""

import asyncio
import sys
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import psycopg

from demo.embedded_postgres import EmbeddedPostgres, forget
from tests.cloud.campaigns import fleet
from tests.cloud.campaigns.bench import FleetBench
from tests.services.postgres import migrate
from wum_cloud.campaigns.plan import Plan

COUNT = 2000
PLAN = Plan(spread_s=900, at_once=500)


@contextmanager
def _database(url: str, name: str) -> Any:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"create database {name} template fleets".encode())
    try:
        yield url.rsplit("/", 1)[0] + "/" + name
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"drop database {name} with (force)".encode())


def _run(url: str, seed: int, bad: int, offline: int) -> tuple[str, int, int, int, Counter[str]]:
    """(state, wave from 1, touched, lost, who runs the new one by what is wrong with them)."""
    devices = fleet.draw(seed, COUNT, bad_percent=bad, offline_percent=offline)
    bench = FleetBench(url, devices, PLAN)
    bench.prepare(seed)
    state = asyncio.run(bench.run(most_hours=120))
    wave = bench.ask("select wave from campaign")[0][0]
    return (state, wave + 1, len([d for d in devices if d.assignment]),
            len([d for d in devices if d.is_lost]),
            Counter(d.fault for d in devices if d.sequence == fleet.NEW[0]))


def main(seeds: int) -> int:
    """Print a line for each fleet; 1 where a promise did not hold."""
    folder = Path(mkdtemp(prefix="wum-fleets-"))
    waves: Counter[int] = Counter()
    broken = 0
    with EmbeddedPostgres(folder, is_durable=False) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("create database fleets")
        migrate(url.rsplit("/", 1)[0] + "/fleets", folder / "key")
        for seed in range(1, seeds + 1):
            with _database(url, "fleet_%d" % seed) as one:
                state, wave, touched, lost, runs = _run(one, seed, 5, 0)
            waves[wave] += 1
            broken += state != "stopped" or lost > 0
            print("fleet %3d: %s in wave %d, %d of %d touched, %d lost, new release on %s" % (
                seed, state, wave, touched, COUNT, lost, dict(runs)), flush=True)
        with _database(url, "fleet_good") as one:
            state, wave, touched, lost, runs = _run(one, 0, 0, 3)
        good = COUNT - COUNT * 3 // 100
        broken += state != "done" or lost > 0 or runs[fleet.FINE] != good
        print("good release, 3 %% offline: %s in wave %d, on %d of %d that can be reached" % (
            state, wave, runs[fleet.FINE], good))
    forget(folder)
    print("stopped in wave: %s; promises broken: %d" % (dict(sorted(waves.items())), broken))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20))
