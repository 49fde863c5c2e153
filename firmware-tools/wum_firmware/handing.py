"""Handing a signed release to a head-end, by its API and with a token; and who is to be trusted.

`release-trust.json` is what concentrators and head-ends hold signatures against. Left out: what the
head-end checks itself (it checks everything again).
"""

import ipaddress
import json
import os
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from wum_firmware import rotation
from wum_firmware.release import BILL, ENVELOPE, Opened, ReleaseRefused
from wum_firmware.release_keys import PublicKey
from wum_firmware.sources import class_of
from wum_shared import cbor, release_trust, suit

ADDRESS = "/api/v1/releases"
TRUST_ADDRESS = "/api/v1/release-trust"
WAIT_S = 120
_ANSWER_MAX = 64 * 1024


def write_trust(path: Path, target: str, threshold: int, keys: list[PublicKey],
                roots: list[PublicKey], root_threshold: int) -> None:
    """Write the file, where there is none. Raises ReleaseRefused, KeyRefused, Malformed, OSError.
    """
    if not 1 <= threshold <= min(len({key.key for key in keys}), suit.SIGNERS_MAX):
        raise ReleaseRefused(f"threshold: wanted 1..{suit.SIGNERS_MAX} that so many different keys "
                             f"can meet, got {threshold} of {len({key.key for key in keys})}")
    if len({key.name for key in keys}) != len(keys):
        raise ReleaseRefused("two of these keys have one name; names are told in the console")
    if roots:
        rotation.check_apart(roots, keys)
    write_table(path, target, release_trust.ReleaseTrust(
        1, class_of(target).bytes, root_threshold if roots else 0, rotation.named(roots),
        threshold, rotation.named(keys)))


def write_table(path: Path, target: str, trust: release_trust.ReleaseTrust) -> None:
    """Write what a new machine comes with. Raises ReleaseRefused, Malformed, OSError."""
    table: dict[str, object] = {
        "number": trust.number, "target": target, "threshold": trust.threshold,
        "signers": {name: key.hex() for name, key in trust.signers}}
    if trust.roots:
        table["root"] = {"threshold": trust.root_threshold,
                         "keys": {name: key.hex() for name, key in trust.roots}}
    release_trust.of_table(table, class_of(target).bytes)
    text = json.dumps(table, indent=1) + "\n"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError as there:
        raise ReleaseRefused(f"{path} is there already: who is trusted is never written over; "
                             "write another file and put it in its place") from there
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)


def hand_in(opened: Opened, where: str, token: str) -> tuple[int, bool]:
    """(number of the release at the head-end, whether it is new). Raises ReleaseRefused."""
    found = send(where, ADDRESS, token, cbor.encode([
        (opened.folder / ENVELOPE).read_bytes(), opened.content,
        (opened.folder / BILL).read_bytes()]))
    try:
        return int(found["id"]), bool(found["is_new"])
    except (ValueError, KeyError, TypeError) as error:
        raise ReleaseRefused(f"{where} does not answer as a head-end does: {error}") from error


def hand_rotation_in(document: bytes, where: str, token: str) -> bool:
    """Whether the rotation was new there. Raises ReleaseRefused."""
    return bool(send(where, TRUST_ADDRESS, token, document).get("is_new"))


def send(where: str, path: str, token: str, body: bytes) -> dict[str, Any]:
    """What the head-end answers. Raises ReleaseRefused with its own words where it refuses."""
    address = _address(where) + path
    request = urllib.request.Request(address, body, {   # noqa: S310 - _address has looked at it.
        "Authorization": "Bearer " + token, "Content-Type": "application/octet-stream",
        "Accept": "application/json"}, method="POST")
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=WAIT_S) as answer:
            found = json.loads(answer.read(_ANSWER_MAX))
            if not isinstance(found, dict):
                raise ValueError("it is no object")
            return found
    except urllib.error.HTTPError as error:
        raise ReleaseRefused(f"{where}: {_detail(error)}") from error
    except (OSError, ValueError) as error:
        raise ReleaseRefused(f"{where} does not answer as a head-end does: {error}") from error


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A token goes to whom it was meant for, and to nobody else."""

    def redirect_request(self, *_: object, **__: object) -> None:
        return None


def _address(where: str) -> str:
    parts = urlsplit(where)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ReleaseRefused(f"--to: wanted https://HOST[:PORT], got {where}")
    if parts.scheme == "http" and not _is_this_machine(parts.hostname):
        raise ReleaseRefused(f"{where}: a token never travels in the clear; use https")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _detail(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.loads(error.read(_ANSWER_MAX))["detail"])
    except (OSError, ValueError, KeyError, TypeError):
        return f"{error.code} {error.reason}"
