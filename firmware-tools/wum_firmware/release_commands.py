"""The commands around a release: build, sign, verify, inspect, trust, release."""

import argparse
from collections.abc import Callable
from pathlib import Path

from wum_firmware import (
    describe,
    handing,
    key_commands,
    packages,
    release,
    release_keys,
    sources,
)
from wum_firmware.key_commands import add_passphrase, passphrase
from wum_shared import suit

_LICENCE = "LICENSE"

Command = Callable[[argparse.Namespace], None]


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands to the workbench's command line."""
    key_commands.add_to(commands)
    _add_build(commands)
    _add_sign(commands)
    _add_verify(commands)
    _add_inspect(commands)
    _add_trust(commands)
    _add_release(commands)


def run(options: argparse.Namespace) -> int:
    """Run the command that was chosen. Raises what it refuses."""
    command: Command = options.run
    command(options)
    return 0


def _add_build(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "build", help="make a release of a commit, not signed yet",
        description="Make a release of a commit: the same commit, target and sequence give the "
        "same bytes on every machine. What is not committed is not in it.",
        epilog="Example: wum-firmware build --target linux --sequence 12 --out releases/12-linux")
    parser.add_argument("--target", choices=sources.TARGETS, required=True,
                        help="what it runs on")
    parser.add_argument("--sequence", metavar="N", type=int, required=True,
                        help="counts the releases of a target; a concentrator installs higher "
                        "ones alone")
    parser.add_argument("--out", metavar="DIR", type=Path, required=True,
                        help="folder for the release: empty, or not there yet")
    parser.add_argument("--commit", metavar="REV", default="HEAD", help="of what (default: HEAD)")
    parser.add_argument("--repository", metavar="DIR", type=Path, default=Path(),
                        help="where the project is (default: here)")
    parser.set_defaults(run=_build)


def _add_sign(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "sign", help="add your signature to a release",
        description="Show what a release is, ask, and add a signature of your key. Needs no "
        "network. A release is signed by as many people as the fleet's trust document asks for.",
        epilog="Example: wum-firmware sign releases/12-linux --key /media/stick/ada.key")
    parser.add_argument("release", metavar="DIR", type=Path, help="the release's folder")
    parser.add_argument("--key", metavar="FILE", type=Path, required=True, help="your NAME.key")
    parser.add_argument("--yes", action="store_true", help="do not ask: for scripts")
    add_passphrase(parser)
    parser.set_defaults(run=_sign)


def _add_verify(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "verify", help="tell whether a release is whole and signed by whom you trust",
        description="Check every byte of a release and its signatures, and print what a person "
        "has to know. Exit code 1 where it must not be used.",
        epilog="Example: wum-firmware verify releases/12-linux --trust ada.pub grace.pub "
        "--threshold 2")
    parser.add_argument("release", metavar="DIR", type=Path, help="the release's folder")
    parser.add_argument("--trust", metavar="FILE", type=Path, nargs="+", required=True,
                        help="NAME.pub of whom you trust")
    parser.add_argument("--threshold", metavar="N", type=int, default=1,
                        help="how many of them must have signed (default: 1)")
    parser.set_defaults(run=_verify)


def _add_inspect(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "inspect", help="list what is in a release, and what of it has to travel",
        description="List the files of a release. With --against: what has to travel to a "
        "concentrator that runs another release. Trusts nobody: see verify.",
        epilog="Example: wum-firmware inspect releases/12-linux --against releases/11-linux")
    parser.add_argument("release", metavar="DIR", type=Path, help="the release's folder")
    parser.add_argument("--against", metavar="DIR", type=Path, help="the release that runs there")
    parser.set_defaults(run=_inspect)


def _add_trust(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "trust", help="write the file that says whose releases are taken",
        description="Write release-trust.json: for a concentrator, into the folder of its keys; "
        "for a head-end, what WUM_RELEASE_TRUST names. Compare the fingerprints by voice first.",
        epilog="Example: wum-firmware trust ada.pub grace.pub --target linux --threshold 2 --root "
        "root-ada.pub root-lin.pub root-kay.pub --root-threshold 2 --out release-trust.json")
    parser.add_argument("keys", metavar="FILE", type=Path, nargs="+", help="NAME.pub of each")
    parser.add_argument("--target", choices=sources.TARGETS, required=True)
    parser.add_argument("--threshold", metavar="N", type=int, required=True,
                        help="how many of them have to sign")
    parser.add_argument("--root", metavar="FILE", type=Path, nargs="+", default=[],
                        help="NAME.pub of those who may change these keys later (keys rotate); "
                        "without any they are changed by hand, at each machine")
    parser.add_argument("--root-threshold", metavar="N", type=int, default=2,
                        help="how many of those have to sign a change (default: 2)")
    parser.add_argument("--out", metavar="FILE", type=Path, default=Path("release-trust.json"))
    parser.set_defaults(run=_trust)


def _add_release(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "release", help="hand a signed release to a head-end",
        description="Hand a signed release to a head-end, which checks every byte and signature "
        "again before it keeps it. The token may hand releases in: `wum-cloud token create NAME "
        "--role operator` makes one.",
        epilog="Example: wum-firmware release releases/12-linux --to https://head-end.example "
        "--token-file token")
    parser.add_argument("release", metavar="DIR", type=Path, help="the release's folder")
    parser.add_argument("--to", metavar="ADDRESS", required=True, help="of the head-end's console")
    parser.add_argument("--token-file", metavar="FILE", type=Path, required=True)
    parser.set_defaults(run=_release)


def _build(options: argparse.Namespace) -> None:
    if not 1 <= options.sequence <= suit.SEQUENCE_MAX:
        raise release.ReleaseRefused(
            f"sequence: wanted 1..{suit.SEQUENCE_MAX}, got {options.sequence}")
    found = sources.collect(options.repository, options.commit, options.target)
    listed, licence = [sources.text_of(options.repository, found.commit, name)
                     for name in (packages.PATH, _LICENCE)]
    release.write(options.out, found, options.sequence, packages=listed, licence=licence)
    _say(*describe.summary(release.read(options.out)))
    print(f"Next: wum-firmware sign {options.out} --key NAME.key")


def _sign(options: argparse.Namespace) -> None:
    opened = release.read(options.release)
    _say(*describe.summary(opened), *describe.signatures(opened))
    if not options.yes and input("Sign this? Type yes: ").strip() != "yes":
        raise release.ReleaseRefused(f"{options.release}: not signed")
    key = release_keys.unlock(options.key, passphrase(
        options, f"Passphrase of {options.key}: ", False))
    count = release.sign(opened, key)
    print(f"Signed by {key.name}; {count} signature{'s' * (count != 1)} now.")


def _verify(options: argparse.Namespace) -> None:
    if not 1 <= options.threshold <= suit.SIGNERS_MAX:
        raise release.ReleaseRefused(
            f"threshold: wanted 1..{suit.SIGNERS_MAX}, got {options.threshold}")
    trusted = [release_keys.read_public(path) for path in options.trust]
    opened = release.read(options.release)
    _say(*describe.summary(opened), *describe.signatures(opened, trusted))
    found = release.signers(opened, trusted, options.threshold)
    print(f"GENUINE: signed by {', '.join([key.name for key in found])}, of whom "
          f"{options.threshold} had to be; every byte is the one that was signed.")


def _inspect(options: argparse.Namespace) -> None:
    opened = release.read(options.release)
    _say(*describe.summary(opened), *describe.signatures(opened))
    if options.against is None:
        _say(*describe.table(opened))
    else:
        _say(*describe.difference(release.read(options.against), opened))


def _trust(options: argparse.Namespace) -> None:
    keys = [release_keys.read_public(path) for path in options.keys]
    roots = [release_keys.read_public(path) for path in options.root]
    handing.write_trust(options.out, options.target, options.threshold, keys, roots,
                        options.root_threshold)
    _say(*[f"{key.name:12} {describe.fingerprint(key)}" for key in keys])
    print(f"{options.out}: {options.threshold} of these sign for {options.target}.")
    if roots:
        _say(*[f"{key.name:12} {describe.fingerprint(key)}" for key in roots])
        print(f"{options.root_threshold} of these sign a change of those (keys rotate).")


def _release(options: argparse.Namespace) -> None:
    opened = release.read(options.release)
    _say(*describe.summary(opened), *describe.signatures(opened))
    token = options.token_file.read_text(encoding="utf-8").strip()
    number, is_new = handing.hand_in(opened, options.to, token)
    print(f"{'Taken in' if is_new else 'It was there already'}: release {number} of {options.to}. "
          "Next: ask for a campaign under Updates; a second person approves it.")


def _say(*lines: str) -> None:
    print("\n".join(lines))
