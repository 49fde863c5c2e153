"""`wum-cloud registry` and `wum-cloud meter` as they are typed."""

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


def add_meter(add: Callable[..., argparse.ArgumentParser], run: object) -> None:
    """The subcommand, by `add` (name, what runs it, help)."""
    meter = add("meter", run, "Add, replace, move or archive a meter: docs/meters.md.")
    acts = meter.add_subparsers(dest="act", required=True, metavar="ACT")
    for name, words in (
            ("add", "a meter at a delivery point that has none"),
            ("replace", "another meter in its place: the old one is archived"),
            ("move", "to another address, bus, concentrator or delivery point"),
            ("archive", "taken away, and none takes its place")):
        act = acts.add_parser(name, help=words)
        act.add_argument("serial", metavar="SERIAL")
        if name == "replace":
            act.add_argument("new", metavar="NEW", help="serial of the meter that comes")
        if name in ("add", "replace"):
            act.add_argument("--model", required=name == "add",
                             help="of the catalogue" + (
                                 "" if name == "add" else " (default: the old one's)"))
        if name in ("add", "move"):
            act.add_argument("--point", required=name == "add", metavar="DELIVERY_POINT")
        if name != "archive":
            act.add_argument("--concentrator", required=name == "add", metavar="NAME",
                             help="its name or its id" + (
                                 "" if name == "add" else " (default: where it is)"))
            act.add_argument("--bus")
            act.add_argument("--address")
        if name == "add":
            act.add_argument("--schedule", default="")
        else:
            act.add_argument("--final", action="append", default=[], metavar="CODE=VALUE",
                             help="what its display showed, as 1-0:1.8.0=1234.5; may be repeated")
            act.add_argument("--sure", action="store_true",
                             help="a final reading that is questioned is as it was written")
        if name == "replace":
            act.add_argument("--first", action="append", default=[], metavar="CODE=VALUE",
                             help="what the new one's display showed")
        act.add_argument("--at", metavar="TIME", help="when, like 2026-03-01T10:00+02:00 "
                         "(default: now)")
        act.add_argument("--reason", required=True, help="5..200 characters, kept")
        act.add_argument("--note", default="")
        act.add_argument("--tenant", default="default")
