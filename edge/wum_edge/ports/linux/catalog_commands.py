"""The command line of the catalogue: wum-edge catalog list, show, check and try.

Left out: what they do (ask_catalog.py).
"""

import argparse
import sys
from pathlib import Path

from wum_edge.config import BAUDS, TIMEOUT_MS
from wum_edge.meters.catalog import PROTOCOLS

_TRY_EPILOG = """examples:
  wum-edge catalog try eastron-sdm630 --port /dev/ttyUSB0 --address 1
  wum-edge catalog try ./my-meter.json --port /dev/ttyUSB0 --address 5 --baud 19200 --parity E
  wum-edge catalog try eastron-sdm630 --port tcp://192.0.2.7:502 --address 1 --access gateway.toml
  wum-edge catalog try pulse-3200-per-kwh --port gpio:/dev/gpiochip0 --address 4

where gateway.toml says: framing = "tcp"
"""


def add_commands(catalog: argparse.ArgumentParser) -> None:
    """The commands below `catalog`."""
    what = catalog.add_subparsers(dest="what", required=True, metavar="WHAT")
    lists = what.add_parser(
        "list", help="print every model with its registers, turns and source",
        description="One line for each model; the name is what `model` wants in a configuration. "
                    "Turns are those on the line for all registers.")
    lists.add_argument("--protocol", choices=PROTOCOLS, default="", help="only this protocol")
    lists.add_argument("--make", default="", metavar="TEXT", help="only makes that contain it")
    show = what.add_parser(
        "show", help="print one model with every register",
        description="Prints a model's registers: OBIS code, unit, the power of ten by which a "
                    "value is kept, and where the meter has it.")
    check = what.add_parser(
        "check", help="look for mistakes in entries",
        description="Names every mistake with file and line, what is wanted and what is there. "
                    "Without a FILE the whole catalogue is checked. docs/catalog.md says how an "
                    "entry is written.")
    check.add_argument("files", nargs="*", type=Path, metavar="FILE", help="entry to check (JSON)")
    tries = what.add_parser(
        "try", help="read a meter once as some model and print a table",
        formatter_class=argparse.RawDescriptionHelpFormatter, epilog=_TRY_EPILOG,
        description="Reads every register of the model from one meter and prints them with "
                    "units, to compare\nwith its display. No configuration is needed; nothing is "
                    "archived or sent. A gateway that\nis running holds its lines: stop it first.")
    for command in (lists, show, check, tries):
        command.add_argument("--folder", type=Path, metavar="FOLDER",
                             help="a folder of your own entries beside the catalogue, as "
                                  "`catalog` names it in [concentrator]")
    for command in (show, tries):
        command.add_argument("model", metavar="MODEL",
                             help="name of a model, or a file of your own that ends in .json")
    _add_reach(tries)


def run(options: argparse.Namespace) -> int:
    """Carry out one of them; its exit code. Raises BadCatalogFiles, BadQuestion."""
    from wum_edge.ports.linux import ask_catalog  # Not with every start of the gateway.
    if options.what == "list":
        return ask_catalog.list_catalog(
            sys.stdout, options.protocol, options.make, options.folder)
    if options.what == "show":
        return ask_catalog.show_model(options.model, sys.stdout, options.folder)
    if options.what == "check":
        return ask_catalog.check_catalog(options.files, sys.stdout, options.folder)
    return ask_catalog.try_model(options.model, ask_catalog.Reached(
        port=options.port, address=options.address, baud=options.baud, parity=options.parity,
        stop_bits=options.stop_bits, data_bits=options.data_bits, timeout_ms=options.timeout_ms,
        access=options.access, seconds=options.seconds), sys.stdout, sys.stderr,
        options.folder)


def _add_reach(tries: argparse.ArgumentParser) -> None:
    add = tries.add_argument
    add("--port", required=True, metavar="PORT",
        help="device of the line, tcp://HOST:PORT or udp:// behind Ethernet, or gpio:CHIP of "
             "pulse inputs")
    add("--address", required=True, metavar="ADDRESS",
        help="the meter's address, as its protocol has it")
    add("--baud", type=int, default=9600, choices=BAUDS, help="(default: 9600)")
    add("--parity", choices=("N", "E", "O"), default="N", help="(default: N)")
    add("--stop-bits", type=int, choices=(1, 2), default=1, help="(default: 1)")
    add("--data-bits", type=int, choices=(7, 8), default=8, help="(default: 8)")
    add("--timeout-ms", type=int, default=TIMEOUT_MS, metavar="MS",
        help=f"how long to wait for an answer (default: {TIMEOUT_MS})")
    add("--seconds", type=float, default=20.0, metavar="S",
        help="how long to count a pulse input (default: 20)")
    add("--access", type=Path, metavar="FILE",
        help="TOML file with the keys that [meter.access] has in a configuration: passwords do "
             "not belong on a command line")
