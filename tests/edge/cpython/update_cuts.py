"""The power-cut machine of updates: every cut between two steps, and every byte of every write.

`share` is what every test run has time for: all cuts between two steps, which is after every
durable write, a part of those that tear bytes, and second cuts drawn by a seed. `whole` is what
`make bricks` runs.

usage: python -m tests.edge.cpython.update_cuts [--seed N] [--samples N]
"""

import argparse
import sys
import time

from tests.edge.power import between_steps, one_in
from tests.edge.update_power import survives_again, torture


def share(seed=0):
    """(cuts between steps, torn ones, first cuts of a pair) that every test run looks at."""
    return (torture(pick=between_steps).looked, torture(pick=one_in(41, seed)).looked,
            torture(survives_again(one_in(211, seed)), one_in(197, seed + 1)).looked)


def whole(seed, samples):
    """Everything, with a line for each part."""
    start = time.monotonic()
    seen = torture()
    print(f"{seen.steps} steps, all {seen.looked} cuts survived, {time.monotonic() - start:.0f} s",
          flush=True)
    pairs = 0

    def counted(found, model):
        nonlocal pairs
        pairs += 1
        survives_again(one_in(31, seed + pairs))(found, model)

    while pairs < samples:
        torture(counted, one_in(20, seed + pairs))
    print(f"seed {seed}: after {pairs} first cuts, one in 31 of all second ones survived, "
          f"{time.monotonic() - start:.0f} s", flush=True)


def main():
    """The whole of it, by the seed that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1, help="of the second cuts")
    parser.add_argument("--samples", type=int, default=400, help="first cuts of pairs")
    options = parser.parse_args()
    whole(options.seed, options.samples)


if __name__ == "__main__":
    sys.exit(main())
