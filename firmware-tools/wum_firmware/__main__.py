"""The command line of the workbench: provision, mesh, and those around a release."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from wum_firmware import (
    key_folder,
    mesh_network,
    provision,
    release,
    release_commands,
    release_keys,
    sources,
)
from wum_shared.errors import Malformed
from wum_shared.ids import id_to_text

_MEANINGS = {
    mesh_network.MESH_KEY: "its address in a mesh, and the network's key",
    provision.IDENTITY: "who this concentrator is; never leaves it",
    provision.UPLINK: "seals what it sends",
    provision.DOWNLINK: "opens what the head-end answers",
    provision.PASSWORD: "its password at the broker",
    provision.CONCENTRATOR: "its id, name and tenant; no secret",
    provision.REGISTRATION: "what the head-end has to know; secret, holds the keys above",
}

_OF_KEYS = ("provision", "mesh")
_REFUSED = (key_folder.FolderRefused, mesh_network.NetworkRefused, release.ReleaseRefused,
            release_keys.KeyRefused, sources.BuildRefused, Malformed)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 done, 1 refused with a sentence, 2 misused."""
    options = _parser().parse_args(arguments)
    try:
        if options.command in _OF_KEYS:
            return _mesh(options) if options.command == "mesh" else _provision(options)
        return release_commands.run(options)
    except _REFUSED as refused:
        print(f"wum-firmware: {refused}", file=sys.stderr)
    except OSError as failed:
        what = "cannot write the keys: " if options.command in _OF_KEYS else ""
        print(f"wum-firmware: {what}{failed}", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wum-firmware", description="The WUM workbench: what is done before a concentrator "
        "goes to its cabinet, and what is made for those that are there.")
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
    command.add_argument(
        "--mesh", metavar="NETWORK", type=Path,
        help="file of a mesh's network, which `wum-firmware mesh` made: the concentrator gets its "
        "key and the next address")
    mesh = commands.add_parser(
        "mesh", help="make a mesh's network, or admit a concentrator to it",
        description="Without --admit: make the file of a new network, with its key. It stays on "
        "the workbench. With --admit: give a concentrator that is provisioned already the key and "
        "the next address, in a file mesh.key of its folder.",
        epilog="Example: wum-firmware mesh street.mesh; wum-firmware mesh street.mesh --admit "
        "cabinet-1/keys")
    mesh.add_argument("network", metavar="NETWORK", type=Path, help="the network's file")
    mesh.add_argument("--admit", metavar="DIR", type=Path, help="a concentrator's folder of keys")
    release_commands.add_to(commands)
    return parser


def _mesh(options: argparse.Namespace) -> int:
    if options.admit is None:
        made = mesh_network.make(options.network)
        print(f"Network {made.network:04x}, key epoch {made.epoch}, in {options.network}: for your "
              "eyes only. Next: wum-firmware provision --mesh, or mesh --admit.")
        return 0
    if not (options.admit / provision.IDENTITY).exists():
        raise key_folder.FolderRefused(f"{options.admit} holds no identity: `wum-firmware "
                                       f"provision --out {options.admit}` makes one.")
    address = mesh_network.admit(options.network, options.admit)
    print(f"Station {address}: {options.admit / mesh_network.MESH_KEY}")
    return 0


def _provision(options: argparse.Namespace) -> int:
    folder: Path = options.out
    key_folder.check(folder, frozenset(_MEANINGS), force=options.force)
    provisioned = provision.make(name=options.name, tenant=options.tenant)
    aside = key_folder.write(folder, provision.files(provisioned))
    _report(provisioned, folder, aside)
    if options.mesh is not None:
        print(f"  3. It is station {mesh_network.admit(options.mesh, folder)} of the mesh of "
              f"{options.mesh}: say [mesh] in its configuration.")
    return 0


def _report(provisioned: provision.Provisioned, folder: Path, aside: Path | None) -> None:
    registration = provisioned.registration
    print(f"Concentrator {id_to_text(registration.concentrator)}, named {provisioned.name}, "
          f"tenant {registration.tenant}, key epoch {registration.epoch}.")
    print(f"Written to {folder}, for your eyes only:")
    for name, meaning in _MEANINGS.items():
        if name == mesh_network.MESH_KEY:
            continue
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
