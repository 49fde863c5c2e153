"""Runs the chaos simulation: one run for each seed, and what broke is printed with its seed.

    .venv/bin/python -m tests.system.chaos.run --seeds 1000 [--first 1] [--verbose]

`make chaos` runs 100,000 on every core, and goes on where it was stopped. A seed replays exactly,
whatever ran before it.
"""

import argparse
import hashlib
import logging
import multiprocessing
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.system.chaos.headend import (
    START_S,
    ChaosHeadEnd,
    Draw,
    MakeGaps,
    MakeStore,
    MakeWorker,
)
from tests.system.chaos.judge import Judge
from tests.system.chaos.memory_gaps import MemoryGaps
from tests.system.chaos.memory_store import MemoryStore
from tests.system.chaos.progress import Line, Progress
from wum_cloud.ingest.worker import Worker
from wum_cloud.registry.cipher import SodiumCipher
from wum_edge.uplink.delivery import Delivery
from wum_edge.uplink.keys import Keys
from wum_shared.messages import DirectionKey
from wum_simulator.chaos.faults import Faults
from wum_simulator.chaos.gateway import Gateway, Make, Violation
from wum_simulator.chaos.network import Broker, Network
from wum_simulator.world import VirtualWorld

FAULTY_S = 480                  # Faults are over after so long; the longest is as long.
DRAIN_S = 600                   # And so long after, all must be stored.
FILL_S = 1500                   # What a head-end lost is there again: requests wait and repeat.
LOOK_S = 5                      # How often safety is judged while it runs.
GATEWAYS_MAX = 3


@dataclass(frozen=True, slots=True)
class Parts:
    """What the simulation is made of; a test puts a broken part in."""

    delivery: Make = Delivery
    store: MakeStore = MemoryStore
    worker: MakeWorker = Worker
    gaps: MakeGaps = MemoryGaps
    draw: Draw | None = None         # None: chance of the seed.
    head_end: Callable[..., ChaosHeadEnd] = ChaosHeadEnd


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended. `drained_s` is how long after the faults the last backlog was empty;
    `filled_s` until all that a head-end had lost was there again, 0 where it lost nothing.
    `rebuilt`: deltas whose base it had not; `requests`: gap requests that were answered.
    """

    seed: int
    broken: str
    faults: tuple[str, ...]
    rows: int
    drained_s: float
    filled_s: float
    rebuilt: int
    requests: int
    digest: str


def run(seed: int, parts: Parts | None = None) -> Outcome:
    """One run. It depends on the seed alone."""
    parts = parts or Parts()
    world = VirtualWorld(seed, START_S)
    logging.disable()   # What is told of a database that is away would be most of the output.
    try:
        return _Run(seed, world, parts).outcome()
    finally:
        logging.disable(logging.NOTSET)
        world.close()


class _Run:
    """Everything of one run."""

    def __init__(self, seed: int, world: VirtualWorld, parts: Parts) -> None:
        self._seed = seed
        self._world = world
        chance = world.dice.stream("town")
        network = Network(world, world.dice.stream("network"))
        broker = Broker(network)
        keys = [keys_of(world, number) for number in range(chance.randint(1, GATEWAYS_MAX))]
        self._head_end = parts.head_end(
            world, broker, keys, parts.store, parts.worker, parts.gaps, parts.draw)
        self._gateways = [
            Gateway(number, world, broker, own, SodiumCipher(), parts.delivery,
                    meters=chance.randint(1, 4))
            for number, own in enumerate(keys)]
        self._judge = Judge(self._head_end.tables, self._gateways, self._head_end.forgiven,
                            self._head_end.lost_rows)
        self._faults = Faults(world, network, broker, self._gateways, self._head_end, FAULTY_S)

    def outcome(self) -> Outcome:
        """Run, judge, and say how it ended."""
        broken = ""
        drained_s = filled_s = 0.0
        try:
            self._head_end.start()
            for gateway in self._gateways:
                gateway.start()
            self._let_pass(FAULTY_S)
            self._faults.calm()
            drained_s = self._drain()
            if self._head_end.has_lost:
                filled_s = self._fill()
            self._judge.stored()
            self._judge.complete()
        except Violation as violation:
            broken = str(violation)
        counted = [gateway.counted() for gateway in self._gateways]
        return Outcome(self._seed, broken, tuple(self._faults.told),
                       len(self._head_end.tables.readings), drained_s, filled_s,
                       sum([rebuilt for rebuilt, _ in counted]),
                       sum([requests for _, requests in counted]), self._digest())

    def _let_pass(self, until_s: float) -> None:
        while self._world.elapsed_s() < until_s:
            self._world.let_pass(min(self._world.elapsed_s() + LOOK_S, until_s))
            self._judge.cursors()

    def _drain(self) -> float:
        """Until every backlog is empty; how long that took."""
        for gateway in self._gateways:
            gateway.mend()
        while self._world.elapsed_s() < FAULTY_S + DRAIN_S:
            self._let_pass(self._world.elapsed_s() + LOOK_S)
            if all(gateway.is_settled() for gateway in self._gateways):
                return self._world.elapsed_s() - FAULTY_S
        raise Violation("%d s after the last fault a backlog is left: %r" % (
            DRAIN_S, [gateway.agent and gateway.agent.summary() for gateway in self._gateways]))

    def _fill(self) -> float:
        """Until all that the head-end lost is there again; how long that took at most."""
        while self._world.elapsed_s() < FAULTY_S + FILL_S:
            if all(gateway.is_settled() for gateway in self._gateways) and self._is_complete():
                break
            self._let_pass(self._world.elapsed_s() + 6 * LOOK_S)
        return self._world.elapsed_s() - FAULTY_S

    def _is_complete(self) -> bool:
        """Whether nothing is missing now; what is will be asked for, and is judged at the end."""
        try:
            self._judge.complete()
        except Violation:
            return False
        return True

    def _digest(self) -> str:
        """Of all that is stored: two runs of one seed give the same."""
        tables = self._head_end.tables
        said = repr((sorted(tables.readings.items()), sorted(tables.events.items()),
                     sorted(tables.quarantine), sorted(tables.downlink.items())))
        return hashlib.sha256(said.encode()).hexdigest()


def keys_of(world: VirtualWorld, number: int) -> Keys:
    """Of the gateway with this number."""
    def key(what: str) -> DirectionKey:
        octets = world.dice.octets("key", what, number)
        return DirectionKey(octets[:32], octets[32:44])
    return Keys(b"gateway" + bytes([number]), "default", 0, key("up"), key("down"))


def main(words: list[str]) -> int:
    """The command line; the exit code is 1 when a seed broke a promise."""
    parser = argparse.ArgumentParser(prog="tests.system.chaos.run", description=__doc__)
    parser.add_argument("--seeds", type=int, default=500, help="how many (500)")
    parser.add_argument("--first", type=int, default=1, help="the first one (1)")
    parser.add_argument("--processes", type=int, default=1, help="side by side (1)")
    parser.add_argument("--progress", type=Path, metavar="FILE",
                        help="note there what is done, and go on from there")
    parser.add_argument("--verbose", action="store_true", help="say every fault of every run")
    asked = parser.parse_args(words)
    seeds = range(asked.first, asked.first + asked.seeds)
    progress = Progress(asked.progress)
    left = progress.left(seeds)
    if progress.is_anew:
        print("the code has changed since the last time: every seed is run again")
    elif len(left) < len(seeds):
        print("%d of %d seeds were done before, the others follow" % (
            len(seeds) - len(left), len(seeds)), flush=True)
    began_s = time.monotonic()
    try:
        _try(left, progress, asked.processes, asked.verbose)
    except KeyboardInterrupt:
        print("stopped" + (", and goes on where it was the next time" if asked.progress else ""))
    lines = [progress.lines[seed] for seed in seeds if seed in progress.lines]
    _sum_up(lines, time.monotonic() - began_s)
    return 1 if any(line[1] for line in lines) or len(lines) < len(seeds) else 0


def _try(seeds: list[int], progress: Progress, processes: int, verbose: bool) -> None:
    """Run these, and say of each that breaks something, at once, which it is."""
    with multiprocessing.Pool(processes, _leave_interrupts) as pool:
        for outcome in pool.imap_unordered(run, seeds, chunksize=10) if (
                processes > 1) else map(run, seeds):
            progress.done((
                outcome.seed, int(bool(outcome.broken)), outcome.rows, int(outcome.drained_s),
                int(outcome.filled_s), outcome.rebuilt, outcome.requests))
            if outcome.broken or verbose:
                print(told(outcome), flush=True)


def _leave_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)     # Ctrl-C is the parent's to answer.


def _sum_up(lines: list[Line], took_s: float) -> None:
    broken = [line[0] for line in lines if line[1]]
    if broken:
        print("broken by seeds: " + ", ".join([str(seed) for seed in sorted(broken)]))
    slowest, filled = [
        max([(line[place], line[0]) for line in lines], default=(0, 0)) for place in (3, 4)]
    print("%d seeds, %d broken, %d rows stored, drained at the latest after %d s (seed %d), "
          "what was lost there again after %d s (seed %d), %d deltas sent in full for want of a "
          "base, %d gap requests answered, %.0f s" % (
              len(lines), len(broken), sum([line[2] for line in lines]), *slowest, *filled,
              sum([line[5] for line in lines]), sum([line[6] for line in lines]), took_s))


def told(outcome: Outcome) -> str:
    """A run in words, with the command that repeats it."""
    return ("seed %d: %s\n  %s\n  again: .venv/bin/python -m tests.system.chaos.run "
            "--first %d --seeds 1 --verbose" % (
                outcome.seed, outcome.broken or "holds", "\n  ".join(outcome.faults),
                outcome.seed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
