"""The power-cut machine of updates: every cut between two steps, and every byte of every write.

`share` is what every test run has time for, of the records and slots alone: all cuts between two
steps, which is after every durable write, a part of those that tear bytes, and second cuts drawn by
a seed. `share_of_site` is the same with the whole updater, pieces and all. `whole` is what
`make bricks` runs.

usage: python -m tests.edge.cpython.update_cuts [--seed N] [--samples N]
"""

import argparse
import sys
import time

from tests.edge.power import between_steps, one_in
from tests.edge.update_power import survives_again, torture
from tests.edge.update_site_power import SiteModel
from wum_simulator.disk import NOTHING


def share(seed=0):
    """(cuts between steps, torn ones, first cuts of a pair) that every test run looks at."""
    return (torture(pick=between_steps).looked, torture(pick=one_in(41, seed)).looked,
            torture(survives_again(one_in(211, seed)), one_in(197, seed + 1)).looked)


def after_every_step(count, tear):
    """Cuts that leave what was durable, and nothing of the rest."""
    return tear == NOTHING


def share_of_site(seed=0):
    """(cuts after every step, torn ones, first cuts of a pair) of the whole updater."""
    return (torture(pick=after_every_step, model=SiteModel).looked,
            torture(pick=one_in(6007, seed), model=SiteModel).looked,
            torture(survives_again(one_in(40009, seed)), one_in(20011, seed + 1),
                    SiteModel).looked)


def whole(seed, samples):
    """Everything, with a line for each part."""
    start = time.monotonic()
    site = torture(pick=between_steps, model=SiteModel)
    print(f"whole updater: {site.steps} steps, all {site.looked} cuts between them survived, "
          f"{time.monotonic() - start:.0f} s", flush=True)
    site = torture(pick=one_in(20, seed), model=SiteModel)
    print(f"whole updater: {site.looked} of {site.cuts} cuts survived, "
          f"{time.monotonic() - start:.0f} s", flush=True)
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
