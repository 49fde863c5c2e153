"""`wum-cloud session` as it is typed."""

import argparse
from collections.abc import Callable


def add_session(add: Callable[..., argparse.ArgumentParser], run: object) -> None:
    """The subcommand, by `add` (name, what runs it, help)."""
    session = add("session", run, "Lend a session with a meter, which was asked for and "
                  "approved, to a tool that connects by TCP; every byte is recorded.")
    session.add_argument("number", type=int, metavar="NUMBER", help="of the command")
    session.add_argument("--listen", default="127.0.0.1:4059", metavar="HOST:PORT",
                         help="where the tool connects (default: %(default)s); anybody who reaches "
                         "it speaks to the meter")
