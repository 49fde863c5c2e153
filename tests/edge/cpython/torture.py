"""The archive under torture: every life of tests/edge/scenarios.py, cut everywhere, then again.

`whole` is what `make torture` runs: depth one at every byte and tear; depth two between all steps,
and 20,000 seeded samples at any byte. `share` is what every test run has time for.

usage: python -m tests.edge.cpython.torture [--seed N]
"""

import argparse
import sys
import time

from tests.edge import scenarios
from tests.edge.power import (
    all_of_them,
    between_steps,
    one_in,
    survives,
    survives_again,
    survives_full,
    torture,
)

SAMPLES = 20_000
_SHARE = 20          # A share looks at one in so many cuts of depth one.


def look_of(fills):
    """What a cut of a life has to survive."""
    return survives_full if fills else survives


def depth_one(every=1, seed=0):
    """Yield (life, watcher) for each life of 200 steps and more."""
    for life, fills in scenarios.LIVES:
        pick = all_of_them if every == 1 else one_in(every, seed)
        yield life.__name__, torture(life, look_of(fills), pick)


def depth_two(first, second):
    """(first cuts, second cuts) of all lives; `first` and `second` pick them."""
    counted = [0, 0]
    for life, fills in scenarios.LIVES:
        def count(found, model, fills=fills):
            counted[1] += 1
            look_of(fills)(found, model)

        again = survives_again(count, second, fills)
        counted[0] += torture(life, again, first).looked
    return tuple(counted)


def samples(wanted, seed, first=80):
    """At least `wanted` second cuts at any byte, drawn by `seed`; one in `first` first cuts."""
    drawn = 0
    while drawn < wanted:
        drawn += depth_two(one_in(first, seed), one_in(150, seed + 1))[1]
        seed += 2
    return drawn


def share(seed=0):
    """(cuts of depth one, second cuts) that every test run looks at."""
    ones = sum(seen.looked for _, seen in depth_one(_SHARE, seed))
    boundaries = depth_two(
        lambda count, tear: between_steps(count, tear) and count % 9 == 0, between_steps)[1]
    return ones, boundaries + samples(500, seed, 500)


def whole(seed):
    """Everything, with a line for each part."""
    start = time.monotonic()
    for name, seen in depth_one():
        print(f"{name}: {seen.steps} steps, {seen.looked} cuts survived, "
              f"{time.monotonic() - start:.0f} s", flush=True)
    first, second = depth_two(between_steps, between_steps)
    print(f"between steps: {first} cuts, {second} second cuts survived, "
          f"{time.monotonic() - start:.0f} s", flush=True)
    print(f"seed {seed}: {samples(SAMPLES, seed)} second cuts at any byte survived, "
          f"{time.monotonic() - start:.0f} s", flush=True)


def main():
    """The whole of it, by the seed that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1, help="of the samples; a failure replays")
    whole(parser.parse_args().seed)


if __name__ == "__main__":
    sys.exit(main())
