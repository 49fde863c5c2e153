"""An approver's key, and what is signed with it: acts that go above the cap of a concentrator.

What is signed is shown from the very bytes that are signed, not from what the head-end says beside
them. Left out: fetching and handing in (the API's /command-requests/{id}/consent).
"""

import argparse
import json
import os
import secrets
from datetime import UTC, datetime
from pathlib import Path

from wum_firmware.cipher import Ed25519, public_key
from wum_firmware.release_keys import KeyRefused
from wum_shared.consent import Consent, decode_consent, sign_consent
from wum_shared.errors import WireError
from wum_shared.groups import is_reference
from wum_shared.ids import id_to_text
from wum_shared.order_kinds import decode_arguments
from wum_shared.orders import KINDS

_SHOWN_MAX = 20
COMMANDS = ("approver", "consent")


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Both commands."""
    make = commands.add_parser(
        "approver", help="make the key of one who signs what goes above a concentrator's cap",
        description="Make a key and print its public half, which a trust document names "
        "(`wum-cloud trust ROOT.KEY --approver KEY`). The file stays with the approver, away from "
        "the head-end. Of a file that is there already the public half is printed.")
    make.add_argument("key", metavar="FILE", type=Path)
    sign = commands.add_parser(
        "consent", help="sign, as an approver, what goes above a concentrator's cap",
        description="Show what a request comes to, and with --yes sign it. REQUEST is the answer "
        "to GET /api/v1/command-requests/NUMBER/consent; what is written is the body of a POST "
        "there.")
    sign.add_argument("request", metavar="REQUEST", type=Path)
    sign.add_argument("--key", metavar="FILE", type=Path, required=True)
    sign.add_argument("--out", metavar="FILE", type=Path, required=True)
    sign.add_argument("--yes", action="store_true", help="sign it")


def run(options: argparse.Namespace) -> int:
    """One of them. Raises KeyRefused, OSError."""
    if options.command == "approver":
        if not options.key.exists():
            descriptor = os.open(options.key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_hex(32) + "\n")
        print(public_key(_seed(options.key)).hex())
        return 0
    wanted = _wanted(options.request)
    for _, consent in wanted[:_SHOWN_MAX]:
        print(shown(consent))
    if len(wanted) > _SHOWN_MAX:
        print(f"... and {len(wanted) - _SHOWN_MAX} more")
    if not options.yes:
        print(f"{len(wanted)} acts. Nothing is signed yet: with --yes it is.")
        return 1
    seed = _seed(options.key)
    options.out.write_text(json.dumps({"consents": [
        {"command": command, "signed": sign_consent(
            Ed25519(), seed, public_key(seed), consent).hex()} for command, consent in wanted]}))
    print(f"{len(wanted)} acts are signed, in {options.out}.")
    return 0


def shown(consent: Consent) -> str:
    """What is signed, for a person. Raises KeyRefused for what is no act on meters."""
    try:
        parts = decode_arguments(consent.kind, consent.arguments)
    except (WireError, KeyError) as error:
        raise KeyRefused(f"this is no act on a meter: {error}") from error
    whom = parts[0]
    target = "group" if is_reference(whom) else f"meter {whom} at concentrator"
    more = f" ({', '.join(str(part) for part in parts[1:])})" if parts[1:] else ""
    return (f"{KINDS[consent.kind]}{more}: {target} {id_to_text(consent.to)}, "
            f"{_moment(consent.begins_s)} to {_moment(consent.expires_s)}")


def _wanted(file: Path) -> list[tuple[int, Consent]]:
    try:
        found = json.loads(file.read_text())
        if type(found) is not list or not found:
            raise ValueError("no list")
        return [(int(one["command"]), decode_consent(bytes.fromhex(one["to_sign"])))
                for one in found]
    except (WireError, ValueError, KeyError, TypeError) as error:
        raise KeyRefused(f"{file}: wanted what is to be signed of a request, got something else "
                         f"({error})") from error


def _seed(file: Path) -> bytes:
    if file.stat().st_mode & 0o077:
        raise KeyRefused(f"{file} may be read by others: run chmod 600 {file}")
    try:
        seed = bytes.fromhex(file.read_text(encoding="ascii").strip())
    except ValueError:
        seed = b""
    if len(seed) != 32:
        raise KeyRefused(f"{file}: wanted an approver's key of 64 hexadecimal digits")
    return seed


def _moment(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
