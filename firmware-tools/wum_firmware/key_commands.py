"""`wum-firmware keys`: making keys, and rotating those that a fleet trusts."""

import argparse
import getpass
import sys
from pathlib import Path

from wum_firmware import describe, handing, release_keys, rotation
from wum_firmware.release_keys import KeyRefused, PublicKey

_CHAIN = ("the release-trust.json that the fleet came with", "documents since then, in any order")


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `keys` to the workbench's command line."""
    parser = commands.add_parser(
        "keys", help="make the keys that releases are signed with, and rotate them",
        description="Make a key: NAME.key, sealed with a passphrase, and NAME.pub, which whoever "
        "verifies needs. Or rotate the keys that a fleet trusts, by a document that holders of "
        "root keys sign. Do all but `hand-in` on a machine without network. docs/releases.md "
        "describes both ceremonies.",
        epilog="Example: wum-firmware keys make ada --out /media/stick")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    _add_make(actions)
    _add_rotate(actions)
    _add_agree(actions)
    _add_show(actions)
    _add_hand_in(actions)


def add_passphrase(parser: argparse.ArgumentParser) -> None:
    """For scripts."""
    parser.add_argument("--passphrase-file", metavar="FILE", type=Path,
                        help="read the passphrase from there: for scripts; without it you are "
                        "asked")


def passphrase(options: argparse.Namespace, question: str, is_new: bool) -> str:
    """As it is given. Raises KeyRefused where nobody can be asked."""
    if options.passphrase_file is not None:
        return str(options.passphrase_file.read_text(encoding="utf-8").rstrip("\r\n"))
    if not sys.stdin.isatty():
        raise KeyRefused("nobody can be asked for the passphrase here; give --passphrase-file")
    given = getpass.getpass(question)
    if is_new and getpass.getpass("Once more: ") != given:
        raise KeyRefused("the two passphrases are not equal; nothing was made")
    return given


def _add_make(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    make = actions.add_parser("make", help="make one key", epilog="Example: wum-firmware keys "
                              "make ada --out /media/stick")
    make.add_argument("name", metavar="NAME", help="whose key it is: 1..40 of a-z, 0-9 and -")
    make.add_argument("--out", metavar="DIR", type=Path, required=True,
                      help="folder for the two files")
    add_passphrase(make)
    make.set_defaults(run=_make)


def _add_rotate(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    rotate = actions.add_parser(
        "rotate", help="write the document that names the next keys, for root keys to sign",
        description="Write the next document of who signs releases. What is not given stays as it "
        "is. Then each holder of a root key gives `keys agree`: as many as the document before "
        "asks for, and as many as the new one does. Concentrators follow such documents one by "
        "one, in their order, however long they slept.",
        epilog="Example: wum-firmware keys rotate --from release-trust.json --signers grace.pub "
        "lin.pub --threshold 2 --out rotation-2")
    _add_chain(rotate)
    rotate.add_argument("--signers", metavar="FILE", type=Path, nargs="+",
                        help="NAME.pub of all who sign releases from now on")
    rotate.add_argument("--threshold", metavar="N", type=int, help="how many of them have to")
    rotate.add_argument("--root", metavar="FILE", type=Path, nargs="+",
                        help="NAME.pub of all who sign rotations after this one")
    rotate.add_argument("--root-threshold", metavar="N", type=int, help="how many of them have to")
    rotate.add_argument("--out", metavar="FILE", type=Path, required=True,
                        help="the document, which must not be there yet")
    rotate.set_defaults(run=_rotate)


def _add_agree(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    agree = actions.add_parser(
        "agree", help="sign a rotation with your root key",
        description="Show what a rotation changes, ask, and add a signature of your root key.",
        epilog="Example: wum-firmware keys agree rotation-2 --from release-trust.json --key "
        "/media/stick/root-ada.key")
    agree.add_argument("document", metavar="FILE", type=Path, help="the rotation")
    _add_chain(agree)
    agree.add_argument("--key", metavar="FILE", type=Path, required=True, help="your NAME.key")
    agree.add_argument("--yes", action="store_true", help="do not ask: for scripts")
    add_passphrase(agree)
    agree.set_defaults(run=_agree)


def _add_show(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    show = actions.add_parser(
        "show", help="tell what a rotation changes, and whether machines will follow it",
        description="Exit code 1 where they will not, with what it lacks.",
        epilog="Example: wum-firmware keys show rotation-3 --from release-trust.json --after "
        "rotation-2")
    show.add_argument("document", metavar="FILE", type=Path, help="the rotation")
    _add_chain(show)
    show.add_argument("--write", metavar="FILE", type=Path, help="write the release-trust.json "
                      "that machines come with from now on, so that they need not follow")
    show.set_defaults(run=_show)


def _add_hand_in(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    hand_in = actions.add_parser(
        "hand-in", help="hand a rotation to a head-end, which brings it to its concentrators",
        description="The head-end checks it against the release-trust.json that it was set up "
        "with, takes releases by the new keys from then on, and orders every concentrator to "
        "follow. The token may hand releases in.",
        epilog="Example: wum-firmware keys hand-in rotation-2 --to https://head-end.example "
        "--token-file token")
    hand_in.add_argument("document", metavar="FILE", type=Path, help="the rotation")
    hand_in.add_argument("--to", metavar="ADDRESS", required=True, help="of the head-end's console")
    hand_in.add_argument("--token-file", metavar="FILE", type=Path, required=True)
    hand_in.set_defaults(run=_hand_in)


def _add_chain(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--from", metavar="FILE", type=Path, required=True, dest="first",
                        help=_CHAIN[0])
    parser.add_argument("--after", metavar="FILE", type=Path, nargs="+", default=[],
                        help=_CHAIN[1])


def _make(options: argparse.Namespace) -> None:
    made = release_keys.make(
        options.out, options.name, passphrase(options, "Passphrase for the new key: ", True))
    print(f"Made {options.out / options.name}.key and .pub. Key id {made.kid.hex()}, fingerprint "
          f"{describe.fingerprint(made)}.")
    print("Next: copy the .key to a second medium, hand the .pub to whoever makes the trust "
          "document, and read them the fingerprint by voice.")


def _rotate(options: argparse.Namespace) -> None:
    before = rotation.holds_after(options.first, options.after)
    document = rotation.draft(options.out, before, rotation.Change(
        _public(options.signers), options.threshold, _public(options.root),
        options.root_threshold))
    print("\n".join(rotation.lines(document, before)))
    print(f"Next: holders of root keys give: wum-firmware keys agree {options.out} ...")


def _agree(options: argparse.Namespace) -> None:
    before = rotation.holds_after(options.first, options.after)
    print("\n".join(rotation.lines(rotation.next_document(options.document, before), before)))
    if not options.yes and input("Sign this? Type yes: ").strip() != "yes":
        raise KeyRefused(f"{options.document}: not signed")
    key = release_keys.unlock(options.key, passphrase(
        options, f"Passphrase of {options.key}: ", False))
    lacks = rotation.missing(before, rotation.agree(options.document, before, key))
    print(f"Signed by {key.name}. " + (
        f"Not enough yet: {lacks}." if lacks else "That is enough: machines will follow it."))


def _show(options: argparse.Namespace) -> None:
    before = rotation.holds_after(options.first, options.after)
    document = rotation.next_document(options.document, before)
    print("\n".join(rotation.lines(document, before)))
    lacks = rotation.missing(before, document)
    if lacks:
        raise KeyRefused(f"{options.document}: {lacks}")
    print("COMPLETE: machines that hold what comes before will follow it.")
    if options.write is not None:
        handing.write_table(options.write, rotation.target_of(document.trust), document.trust)
        print(f"{options.write}: what new machines come with.")


def _hand_in(options: argparse.Namespace) -> None:
    document = rotation.read_document(options.document)
    token = options.token_file.read_text(encoding="utf-8").strip()
    is_new = handing.hand_rotation_in(options.document.read_bytes(), options.to, token)
    print(f"{'Taken in' if is_new else 'It was there already'}: release trust "
          f"{document.trust.number}. Concentrators are told when they next say how they stand.")


def _public(paths: list[Path] | None) -> list[PublicKey] | None:
    return None if paths is None else [release_keys.read_public(path) for path in paths]
