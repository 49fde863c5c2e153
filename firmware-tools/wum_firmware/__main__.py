"""The command line of the workbench: `wum-firmware provision`."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from wum_firmware import key_folder, provision
from wum_shared.errors import Malformed
from wum_shared.ids import id_to_text

_MEANINGS = {
    provision.IDENTITY: "who this concentrator is; never leaves it",
    provision.UPLINK: "seals what it sends",
    provision.DOWNLINK: "opens what the head-end answers",
    provision.PASSWORD: "its password at the broker",
    provision.CONCENTRATOR: "its id, name and tenant; no secret",
    provision.REGISTRATION: "what the head-end has to know; secret, holds the keys above",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 done, 1 refused with a sentence, 2 misused."""
    options = _parser().parse_args(arguments)
    try:
        return _provision(options)
    except (key_folder.FolderRefused, Malformed) as refused:
        print(f"wum-firmware: {refused}", file=sys.stderr)
    except OSError as failed:
        print(f"wum-firmware: cannot write the keys: {failed}", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wum-firmware", description="The WUM workbench: what is done before a concentrator "
        "goes to its cabinet.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    command = commands.add_parser(
        "provision", help="make the identity and the keys of one concentrator",
        description="Make the identity and the keys of one concentrator: files that only you "
        "can read, in a folder that the gateway's configuration names. One of them, "
        "registration.cose, goes to the head-end. No secret is printed.",
        epilog="Example: wum-firmware provision --out cabinet-1/keys --name cabinet-1")
    command.add_argument(
        "--out", metavar="DIR", type=Path, required=True,
        help="folder for the files: made when it is not there, refused when it holds anything else")
    command.add_argument(
        "--name", metavar="NAME", help="what people call the concentrator (default: its id)")
    command.add_argument(
        "--tenant", metavar="TENANT", default="default",
        help="the utility that it belongs to (default: default)")
    command.add_argument(
        "--force", action="store_true",
        help="give a folder that holds an identity a new one; the old files are put aside")
    return parser


def _provision(options: argparse.Namespace) -> int:
    folder: Path = options.out
    key_folder.check(folder, frozenset(_MEANINGS), force=options.force)
    provisioned = provision.make(name=options.name, tenant=options.tenant)
    aside = key_folder.write(folder, provision.files(provisioned))
    _report(provisioned, folder, aside)
    return 0


def _report(provisioned: provision.Provisioned, folder: Path, aside: Path | None) -> None:
    registration = provisioned.registration
    print(f"Concentrator {id_to_text(registration.concentrator)}, named {provisioned.name}, "
          f"tenant {registration.tenant}, key epoch {registration.epoch}.")
    print(f"Written to {folder}, for your eyes only:")
    for name, meaning in _MEANINGS.items():
        print(f"  {name:18} {meaning}")
    if aside is not None:
        print(f"The files of the identity before are in {aside}.")
    words = ["wum-cloud", "register", str(folder / provision.REGISTRATION)]
    if provisioned.name != id_to_text(registration.concentrator):
        words += ["--name", provisioned.name]
    print("Next:")
    print(f"  1. On the head-end: {shlex.join(words)}")
    print(f"     Take {provision.REGISTRATION} there on a safe way and delete it afterwards.")
    print(f'  2. In the gateway\'s configuration, under [concentrator]: keys = "{folder}"')


if __name__ == "__main__":
    sys.exit(main())
