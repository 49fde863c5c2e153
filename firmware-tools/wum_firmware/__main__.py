"""The command line of the workbench: provision, mesh, and those around a release."""

import argparse
import shlex
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

from wum_firmware import (
    board_files,
    consenting,
    key_folder,
    mesh_network,
    provision,
    release,
    release_commands,
    release_keys,
    sources,
    warehouse,
)
from wum_shared.errors import Malformed
from wum_shared.ids import id_from_text, id_to_text

_MEANINGS = {
    mesh_network.MESH_KEY: "its address in a mesh, and the network's key",
    mesh_network.JOIN_KEY: "with which it joins a mesh through a neighbour",
    mesh_network.DOOR_KEY: "whom it admits to its mesh, for a gateway",
    provision.IDENTITY: "who this concentrator is; never leaves it",
    provision.UPLINK: "seals what it sends",
    provision.DOWNLINK: "opens what the head-end answers",
    provision.PASSWORD: "its password at the broker",
    provision.CONCENTRATOR: "its id, name and tenant; no secret",
    provision.REGISTRATION: "what the head-end has to know; secret, holds the keys above",
}

_OF_KEYS = ("provision", "mesh")
_REFUSED = (board_files.BoardRefused, key_folder.FolderRefused, mesh_network.NetworkRefused,
            release.ReleaseRefused, release_keys.KeyRefused, sources.BuildRefused, Malformed)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 done, 1 refused with a sentence, 2 misused."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "board":
            return _board(options)
        if options.command in consenting.COMMANDS:
            return consenting.run(options)
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
        "provision", help="prepare a batch for a warehouse; or keys for a bench",
        description="With --batch: claim codes for new concentrators, which make their identities "
        "themselves. Without it, for benches, tests and stations of a mesh without an uplink: the "
        "identity and the keys of one concentrator, made here and not in it, which change on this "
        "workbench alone. Files that only you can read, in a folder that the gateway's "
        "configuration names; one of them, registration.cose, goes to the head-end. No secret is "
        "printed.",
        epilog="Example: wum-firmware provision --out batch --batch 200")
    command.add_argument(
        "--out", metavar="DIR", type=Path, required=True,
        help="folder for the files: made when it is not there, refused when it holds anything else")
    command.add_argument(
        "--name", metavar="NAME", help="what people call the concentrator (default: its id)")
    command.add_argument(
        "--tenant", metavar="TENANT", default="default",
        help="the utility that it belongs to (default: default)")
    command.add_argument(
        "--batch", metavar="N", type=int,
        help="N new concentrators for a warehouse: a claim code for each, a list of the codes and "
        "a sheet of labels to print (docs/enrolment.md)")
    command.add_argument(
        "--force", action="store_true",
        help="give a folder that holds an identity a new one; the old files are put aside")
    command.add_argument(
        "--mesh", metavar="NETWORK", type=Path,
        help="file of a mesh's network, which `wum-firmware mesh` made: the concentrator gets its "
        "key and the next address")
    mesh = commands.add_parser(
        "mesh", help="make a mesh's network, admit or invite a concentrator, change the key",
        description="Alone: make the file of a new network, with its key; it stays on the "
        "workbench. With --admit, --invite or --door: give a concentrator that is provisioned "
        "already what it needs, in its folder of keys. The head-end changes the key without a "
        "visit (`wum-cloud network-key`); --take what it exports, and who is admitted afterwards "
        "has it too. With --renew: another key where there is no head-end for that. Then --admit "
        "the gateways and --door them anew; guests join again by themselves, others need --admit, "
        "and who gets nothing is out.",
        epilog="Example: wum-firmware mesh street.mesh; wum-firmware mesh street.mesh --admit "
        "cabinet-1/keys")
    mesh.add_argument("network", metavar="NETWORK", type=Path, help="the network's file")
    what = mesh.add_mutually_exclusive_group()
    what.add_argument("--admit", metavar="DIR", type=Path, help="this folder of keys gets the "
                      "network's key and the next address (mesh.key)")
    what.add_argument("--invite", metavar="DIR", type=Path, help="this folder of keys gets a key "
                      "of its own, with which it joins through a neighbour (join.key)")
    what.add_argument("--door", metavar="DIR", type=Path, help="this gateway's folder of keys gets "
                      "the list of those who were invited, whom it admits (door.key)")
    what.add_argument("--renew", action="store_true", help="another key, in the next epoch")
    what.add_argument("--take", metavar="FILE", type=Path, help="the key that the head-end has "
                      "made, as `wum-cloud network-key export` wrote it; destroy it afterwards")
    _add_board(commands)
    consenting.add_to(commands)
    release_commands.add_to(commands)
    return parser


def _add_board(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    board = commands.add_parser(
        "board", help="make the files that a MicroPython board finds on its flash",
        description="Make gateway.json, keys.json, board.json and the catalogue entries in use, of "
        "a folder of keys and a gateway's configuration. Its lines have ports like uart:1. Copy "
        "all of it to the root of the board's flash (docs/boards.md), and delete it here: it holds "
        "the keys.",
        epilog="Example: wum-firmware board --keys cabinet-1/keys --config edge.toml --catalog "
        "edge/wum_edge/catalog --time pool.ntp.org --out cabinet-1/flash")
    board.add_argument("--keys", metavar="DIR", type=Path,
                       help="the folder that `wum-firmware provision` wrote, of a warehouse too; "
                       "none: the board makes its identity and its claim code itself")
    board.add_argument("--model", metavar="NAME", action="append", default=[],
                       help="a catalogue entry to take besides those in the configuration, for "
                       "meters that the head-end will name")
    board.add_argument("--config", metavar="FILE", type=Path, required=True,
                       help="the gateway's configuration, as on Linux")
    board.add_argument("--catalog", metavar="DIR", type=Path, required=True,
                       help="the catalogue's folder of entries")
    board.add_argument("--out", metavar="DIR", type=Path, required=True,
                       help="folder for the files, made when it is not there")
    board.add_argument("--release-trust", metavar="FILE", type=Path,
                       help="whose releases it takes, as `wum-firmware trust` wrote it for "
                       "boards; none: it takes none, and is updated by hand")
    board.add_argument("--wifi", metavar="SSID", help="the network to join; none: it is wired")
    board.add_argument("--wifi-key-file", metavar="FILE", type=Path,
                       help="one line: the key of that network")
    board.add_argument("--time", metavar="HOST[:PORT]", help="whom to ask for network time")
    board.add_argument("--lte", metavar="N,tx=PIN,rx=PIN,baud=N",
                       help="an LTE modem at UART N, in the place of Wi-Fi")
    board.add_argument("--apn", metavar="NAME", help="the access point of its SIM's contract")
    board.add_argument("--sim-pin-file", metavar="FILE", type=Path,
                       help="one line: the PIN of that SIM")
    board.add_argument("--apn-user", metavar="USER", help="where the contract has one")
    board.add_argument("--apn-key-file", metavar="FILE", type=Path, help="one line: their key")
    board.add_argument("--dns", metavar="ADDRESS", action="append", default=[],
                       help="a name server; none: those that its network names")
    board.add_argument("--uart", metavar="N,tx=PIN,rx=PIN,direction=PIN", action="append",
                       default=[], help="the pins of a UART; direction: high while it talks")
    board.add_argument("--status-s", metavar="SECONDS", type=int, default=60,
                       help="how often it says on its console how it stands (default 60)")
    board.add_argument("--console", metavar="N", type=int,
                       help="the UART where it is set up by typing; none: where MicroPython's "
                       "own console is")
    board.add_argument("--page-port", metavar="PORT", type=int, default=80,
                       help="of its status page (default 80); 0: none")
    board.add_argument("--radio", metavar="N,cs=PIN,busy=PIN,...", action="append", default=[],
                       help="an SX126x at SPI N: sck, mosi, miso, cs, busy, reset, and "
                            "tcxo_millivolts where it has such an oscillator")


def _board(options: argparse.Namespace) -> int:
    models = board_files.write(
        options.out, options.keys, options.config, options.catalog,
        board_files.surroundings(options.wifi, options.wifi_key_file, options.time, options.uart,
                                 options.radio, options.status_s, options.page_port,
                                 options.console, options.dns, board_files.modem(
                                     options.lte, options.apn, options.sim_pin_file,
                                     options.apn_user, options.apn_key_file)),
        options.model, options.release_trust)
    print(f"Written to {options.out}, for your eyes only: configuration, keys, and the entries of "
          f"{len(models)} models. Next: copy all of it to the root of the board's flash.")
    return 0


def _mesh(options: argparse.Namespace) -> int:
    path: Path = options.network
    if options.renew:
        made = mesh_network.renew(path)
        print(f"Network {made.network:04x}: key epoch {made.epoch}. Next: --admit and --door for "
              "each gateway; who was invited joins again by itself, others need --admit.")
    elif options.take:
        made = mesh_network.take(path, options.take)
        print(f"Network {made.network:04x}: key epoch {made.epoch}, of the head-end. Who is "
              f"admitted from now on has it. Destroy {options.take}.")
    elif options.admit:
        address = mesh_network.admit(path, _provisioned(options.admit))
        print(f"Station {address}: {options.admit / mesh_network.MESH_KEY}")
    elif options.invite:
        folder = _provisioned(options.invite)
        concentrator = tomllib.loads((folder / provision.CONCENTRATOR).read_text()).get("id")
        address = mesh_network.invite(path, folder, id_from_text(str(concentrator)))
        print(f"Station {address}: {folder / mesh_network.JOIN_KEY}. Next: --door for each "
              "gateway, which then admits it.")
    elif options.door:
        count = mesh_network.open_door(path, _provisioned(options.door))
        print(f"{count} guests: {options.door / mesh_network.DOOR_KEY}")
    else:
        made = mesh_network.make(path)
        print(f"Network {made.network:04x}, key epoch {made.epoch}, in {path}: for your "
              "eyes only. Next: wum-firmware provision --mesh, or mesh --admit.")
    return 0


def _provisioned(folder: Path) -> Path:
    if not (folder / provision.IDENTITY).exists():
        raise key_folder.FolderRefused(f"{folder} holds no identity: `wum-firmware "
                                       f"provision --out {folder}` makes one.")
    return folder


def _batch(folder: Path, count: int) -> int:
    if not 1 <= count <= warehouse.BATCH_MAX:
        raise key_folder.FolderRefused(
            f"--batch is {count}: wanted 1..{warehouse.BATCH_MAX} concentrators.")
    warehouse.write_batch(folder, warehouse.make_batch(count))
    print(f"{count} concentrators in {folder}: a folder for each, {warehouse.LIST} and "
          f"{warehouse.SHEET}, which hold the claim codes: for your eyes only. Each makes its "
          "identity at its first start.")
    print("Next: copy each folder onto its concentrator as the folder of its keys, stick the label "
          "on, and delete the folder here. It is claimed where it is mounted: wum-edge enrol.")
    return 0


def _provision(options: argparse.Namespace) -> int:
    folder: Path = options.out
    if options.batch is not None:
        return _batch(folder, options.batch)
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
    print("This identity was made here and not in the concentrator: it is for a bench. For a "
          "cabinet use `wum-edge claim` there, or --batch here.")
    print(f"Written to {folder}, for your eyes only:")
    for name, meaning in _MEANINGS.items():
        if name in (mesh_network.MESH_KEY, mesh_network.JOIN_KEY, mesh_network.DOOR_KEY):
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
