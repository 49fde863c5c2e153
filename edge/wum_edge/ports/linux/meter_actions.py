"""What `wum-edge meter` does by each of its words.

Left out: the command line (meter_commands.py) and how it is done (ask_meter.py).
"""

import argparse
import sys
from collections.abc import Callable

from wum_edge.ports.linux import ask_meter
from wum_edge.ports.linux.accept_counter import accept_counter


def run(options: argparse.Namespace) -> int:
    """Carry out one of them; its exit code. Raises BadConfigFile, BadQuestion."""
    asked = ask_meter.asked(options.meter, options.config, sys.stdout, sys.stderr)
    return _ACTIONS[options.what](asked, options)


_ACTIONS: dict[str, Callable[[ask_meter.Asked, argparse.Namespace], int]] = {
    "clock": lambda asked, options: ask_meter.print_clock(asked),
    "switch": lambda asked, options: ask_meter.print_switch(asked),
    "limiter": lambda asked, options: ask_meter.print_limit(asked),
    "calendar": lambda asked, options: ask_meter.print_calendar(asked, options.passive),
    "set-clock": lambda asked, options: ask_meter.set_clock(asked, options.yes),
    "connect": lambda asked, options: ask_meter.switch(asked, True, options.yes),
    "disconnect": lambda asked, options: ask_meter.switch(asked, False, options.yes),
    "set-limit": lambda asked, options: ask_meter.set_limit(asked, options.limit, options.yes),
    "load-calendar": lambda asked, options: ask_meter.load_calendar(
        asked, options.file, options.yes),
    "accept-counter": lambda asked, options: accept_counter(asked, options.yes),
    "activate-calendar": lambda asked, options: ask_meter.activate_calendar(asked, options.yes),
}
