"""`wum-cloud ripple` as it is typed."""

import argparse
from collections.abc import Callable
from pathlib import Path


def add_ripple(add: Callable[..., argparse.ArgumentParser], run: object) -> None:
    """The subcommand, by `add` (name, what runs it, help)."""
    ripple = add("ripple", run, "Give an order to a group of a mesh: a gateway floods it, all "
                 "carry it out at one moment. Waits, and says who has it; exit code 1 if some lack "
                 "it.")
    ripple.add_argument("mesh", metavar="MESH", help="as `register --mesh` named it")
    ripple.add_argument("file", type=Path, metavar="FILE", help="the order, as its members read "
                        "it: at most 213 bytes, passed on unopened")
    ripple.add_argument("--group", type=int, help="0 to 255 (default: everybody)")
    ripple.add_argument("--in", dest="after_s", type=int, default=30, metavar="SECONDS",
                        help="when it is carried out; 0: by each when it comes. Over thirty hops "
                        "the last one has it after some 12 s (default: 30)")
    ripple.add_argument("--wait", type=int, default=60, metavar="SECONDS",
                        help="for those who have it; 0: not at all (default: 60)")
    ripple.add_argument("--tenant", default="default")
