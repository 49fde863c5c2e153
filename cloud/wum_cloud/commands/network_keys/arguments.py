"""`wum-cloud network-key` as it is typed."""

import argparse
from collections.abc import Callable
from pathlib import Path

ACTS = ("show", "begin", "finish", "export")


def add_network_key(add: Callable[..., argparse.ArgumentParser], run: object) -> None:
    """The subcommand, by `add` (name, what runs it, help)."""
    command = add("network-key", run, "Change the key of a mesh's network, without a visit: begin, "
                  "show until every station has it, finish. Revoke first who is not to have it.")
    command.add_argument("act", choices=ACTS, metavar="ACT", help="begin: a new key beside the "
                         "one so far; show: who has it, exit code 1 while somebody lacks it; "
                         "finish: the new one alone; export: for the workbench, which admits "
                         "further stations with it (`wum-firmware mesh NETWORK.mesh --take FILE`)")
    command.add_argument("mesh", metavar="MESH", help="as `register --mesh` named it")
    command.add_argument("file", nargs="?", type=Path, metavar="FILE", help="of an export: a new "
                         "one, for its owner alone")
    command.add_argument("--anyway", action="store_true", help="finish though somebody lacks it: "
                         "he is out")
    command.add_argument("--tenant", default="default")
