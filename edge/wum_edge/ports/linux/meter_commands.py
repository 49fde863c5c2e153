"""The command line that looks at one meter's settings and changes them: wum-edge meter.

Left out: what it does (meter_actions.py). Passwords and keys come from the configuration alone: an
argument stands in the list of processes and in the shell's history.
"""

import argparse
from decimal import Decimal, InvalidOperation
from pathlib import Path

_EPILOG = """A gateway that is running holds its lines: stop it first.
Nothing is written without --yes: the command then only says what it would do.

exit codes:
  0  done, and confirmed by reading it back
  1  the meter did not do it; the sentence says what it answered and what that means
  2  the command line, the configuration or the file is to be mended; nothing was written

examples:
  wum-edge meter switch E450-1 --config edge.toml
  wum-edge meter disconnect E450-1 --config edge.toml --yes
  wum-edge meter set-limit E450-1 --to 5.75kW --config edge.toml --yes
  wum-edge meter calendar E450-1 --config edge.toml > calendar.json
  wum-edge meter load-calendar E450-1 calendar.json --config edge.toml --yes
  wum-edge meter activate-calendar E450-1 --config edge.toml --yes
  wum-edge meter accept-counter E450-1 --config edge.toml --yes
"""
_READS = (
    ("clock", "read the clock, and how far it is off"),
    ("switch", "read whether the consumer is connected"),
    ("limiter", "read the power limit"),
    ("calendar", "print the activity calendar as JSON"),
)
_WRITES = (
    ("set-clock", "set the clock to this computer's time"),
    ("connect", "connect the consumer"),
    ("disconnect", "disconnect the consumer"),
    ("set-limit", "set the power limit"),
    ("load-calendar", "write the passive calendar from a JSON file; nothing is in force yet"),
    ("activate-calendar", "make the passive calendar the active one, now"),
    ("accept-counter", "believe a meter again whose invocation counter began again"),
)


def add_commands(meter: argparse.ArgumentParser) -> None:
    """The commands below `meter`."""
    meter.epilog = _EPILOG
    meter.formatter_class = argparse.RawDescriptionHelpFormatter
    what = meter.add_subparsers(dest="what", required=True, metavar="WHAT")
    for name, text in _READS + _WRITES:
        command = what.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        command.add_argument("meter", metavar="METER",
                             help="serial of the meter, as in the configuration")
        if name == "calendar":
            command.add_argument("--passive", action="store_true",
                                 help="the half that waits to be activated")
        if name == "set-limit":
            command.add_argument("--to", required=True, type=_power, metavar="POWER", dest="limit",
                                 help="for example 5.75kW or 300W; A and V where that is watched")
        if name == "load-calendar":
            command.add_argument("file", type=Path, metavar="FILE",
                                 help="as `meter calendar` prints it")
        if (name, text) in _WRITES:
            command.add_argument("--yes", action="store_true", help="do it: nobody is asked again")
        command.add_argument("--config", metavar="FILE", required=True, type=Path,
                             help="configuration file (TOML), which also holds passwords and keys")


def _power(text: str) -> tuple[Decimal, str]:
    """Number and unit, the unit without its prefix."""
    number = text.rstrip("kMWAVar")
    prefix = text[len(number):]
    unit = prefix.lstrip("kM")
    factor = {"": 0, "k": 3, "M": 6}.get(prefix[:len(prefix) - len(unit)])
    try:
        value = Decimal(number.strip())
    except InvalidOperation:
        value = Decimal("NaN")
    if factor is None or not value.is_finite() or value < 0 or unit not in (
            "W", "A", "V", "VA", "var"):
        raise argparse.ArgumentTypeError(f"wanted a power such as 5.75kW or 300W, got {text}")
    return value.scaleb(factor), unit
