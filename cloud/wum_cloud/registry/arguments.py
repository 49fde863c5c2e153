"""`wum-cloud registry` as it is typed."""

import argparse
from collections.abc import Callable
from pathlib import Path


def add_registry(add: Callable[..., argparse.ArgumentParser], run: object) -> None:
    """The subcommand, by `add` (name, what runs it, help)."""
    registry = add("registry", run, "The whole registry as a CSV file: sites, schedules, "
                   "concentrators, buses, meters. docs/registry.md has the columns.")
    acts = registry.add_subparsers(dest="act", required=True, metavar="ACT")
    import_ = acts.add_parser("import", help="import a file, whole or not at all")
    import_.add_argument("file", type=Path, metavar="FILE")
    import_.add_argument("--dry-run", action="store_true", help="check the file, list every fault "
                         "by row, say what would change, and change nothing")
    export = acts.add_parser("export", help="write a file that can be imported again")
    export.add_argument("file", nargs="?", type=Path, metavar="FILE", help="(default: standard "
                        "output)")
    for command in (import_, export):
        command.add_argument("--tenant", default="default")
