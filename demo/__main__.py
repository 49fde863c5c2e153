"""The command line behind `make demo`: python -m demo run | kill | offer | update | forget."""

import argparse
import contextlib
import errno
import os
import shutil
import signal
import sys
from pathlib import Path

from demo.clock import SPEED_MAX
from demo.embedded_postgres import forget
from demo.endings import Ended, end_with_parent, raise_on_signals
from demo.errors import DemoRefused
from demo.place import Place

ROOT = Path(__file__).resolve().parent.parent
_NOBODY_LISTENS = (errno.EPIPE, errno.EIO)  # The terminal, or what read our output, is gone.


def main(arguments: list[str] | None = None) -> int:
    """Run one command; every foreseeable failure is a sentence and exit code 1."""
    chosen = _parser().parse_args(arguments)
    place = Place(chosen.folder.absolute())
    try:
        return int(chosen.act(place, chosen))
    except Ended as end:
        with contextlib.suppress(OSError):  # After a hang-up nobody may be left to read it.
            print(f"\nended by {end}; the data stay in {place.root}", flush=True)
        return 0
    except DemoRefused as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except OSError as error:
        if error.errno in _NOBODY_LISTENS:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        if error.errno != errno.ENOSPC:
            raise
        print(f"\nThe disk is full: {error}", file=sys.stderr)
        return 1


def _run(place: Place, chosen: argparse.Namespace) -> int:
    from demo.runner import Runner  # The other commands need no .venv.

    raise_on_signals()
    if chosen.ends_with_parent:
        end_with_parent()
    Runner(
        place,
        port=chosen.port,
        speed=chosen.speed,
        concentrators=chosen.concentrators,
        meters=chosen.meters,
        boards=chosen.boards,
        offers_updates=chosen.updates and chosen.speed in (None, 1),
    ).run()
    return 0


def _kill(place: Place, chosen: argparse.Namespace) -> int:
    parts = place.read_parts()
    if not parts:
        print("no demo runs here: `make demo` starts one", file=sys.stderr)
        return 1
    if chosen.what is None:
        print("make demo-kill WHAT=...   of:")
        print("\n".join(f"  {name:12} process {pid}" for name, pid in parts.items()))
        return 0
    if chosen.what not in parts:
        print(f"no part {chosen.what!r}: wanted one of {', '.join(parts)}", file=sys.stderr)
        return 1
    os.kill(parts[chosen.what], signal.SIGKILL)
    print(f"killed {chosen.what} (process {parts[chosen.what]}); watch it come back")
    return 0


def _update(place: Place, _: argparse.Namespace) -> int:
    from demo.update import Update

    raise_on_signals()
    Update(place).run()
    return 0


def _offer(place: Place, _: argparse.Namespace) -> int:
    from demo.update import Offer

    raise_on_signals()
    Offer(place).run()
    return 0


def _forget(place: Place, _: argparse.Namespace) -> int:
    if not place.root.is_dir():
        print("there is nothing to forget")
        return 0
    with place.claimed():
        forget(place.postgres)
        shutil.rmtree(place.root)
    print(f"forgot {place.root}: data, keys and passwords are gone")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m demo", description="A street, live.")
    parser.add_argument("--folder", type=Path, default=ROOT / ".demo", help="where it keeps all")
    acts = parser.add_subparsers(required=True, metavar="ACT")
    run = acts.add_parser("run", help="run the demo until INT, TERM or HUP")
    run.add_argument("--port", type=_port, help="the console's port; must be free")
    run.add_argument("--speed", type=_speed, help=f"compress time, 1..{SPEED_MAX}")
    run.add_argument("--concentrators", type=int, default=4)
    run.add_argument("--meters", type=int, default=16, help="at each concentrator")
    run.add_argument("--boards", type=int, default=0, choices=(0, 1, 2), help="so many on boards")
    run.add_argument("--ends-with-parent", action="store_true", help="end when make is killed")
    run.add_argument("--updates", action="store_true", help="with a cabinet that takes releases")
    run.set_defaults(act=_run)
    kill = acts.add_parser("kill", help="kill -9 a part; it comes back")
    kill.add_argument("what", nargs="?", help="broker, ingest, edge-1, ...")
    kill.set_defaults(act=_kill)
    offer = acts.add_parser("offer", help="a part of `run`: a cabinet, and releases for it")
    offer.set_defaults(act=_offer)
    update = acts.add_parser("update", help="a gateway goes to a better release, then a bad one")
    update.set_defaults(act=_update)
    forgets = acts.add_parser("forget", help="remove data, keys and passwords")
    forgets.set_defaults(act=_forget)
    return parser


def _port(text: str) -> int:
    return _number(text, 1, 65535)


def _speed(text: str) -> int:
    return _number(text, 1, SPEED_MAX)


def _number(text: str, least: int, most: int) -> int:
    if not text.isdecimal() or not least <= int(text) <= most:
        raise argparse.ArgumentTypeError(f"wanted {least}..{most}, got {text!r}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
