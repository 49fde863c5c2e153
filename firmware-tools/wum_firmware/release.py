"""A release: a folder with an envelope, the content it names, a bill of materials and licences.

Left out: what goes in (sources.py, sbom.py), keys (release_keys.py), and what people are told
(describe.py). The same commit, target and sequence give the same bytes on every machine.
"""

import json
import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from wum_firmware import sbom
from wum_firmware.cipher import Ed25519
from wum_firmware.packages import read as packages_of
from wum_firmware.release_keys import PublicKey, ReleaseKey
from wum_firmware.sources import VENDOR, Sources, class_of
from wum_shared import bundle, cose, suit
from wum_shared.errors import WireError

ENVELOPE, CONTENT = "envelope.suit", "content.bin"
BILL, LICENCES = "sbom.cdx.json", "licences.txt"


class ReleaseRefused(Exception):
    """This is no release that can be used so: the text says why and what would help."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A release folder that was read and holds together; nothing says yet who signed it."""

    folder: Path
    envelope: suit.Envelope
    files: list[bundle.File]
    about: dict[str, Any]
    content: bytes


def write(folder: Path, sources: Sources, sequence: int, *, packages: str, licence: str) -> None:
    """Make the folder, unsigned. Raises ReleaseRefused, Malformed, OSError."""
    if folder.exists() and any(folder.iterdir()):
        raise ReleaseRefused(f"{folder} is not empty; a release is never written over")
    content = bundle.content_of(sources.files)
    index = bundle.index_of(content)
    release = suit.Release(
        sequence, VENDOR.bytes, class_of(sources.target).bytes, sha256(content).digest(),
        len(content), sha256(index).digest(), len(index),
        index if len(index) <= suit.INTEGRATED_INDEX_MAX else None)
    envelope = suit.encode(release)
    suit.decode(envelope)
    try:
        needs = packages_of(packages) if sources.target == "linux" else []
    except ValueError as wrong:
        raise ReleaseRefused(f"{sources.commit[:12]}: {wrong}") from wrong
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in ((CONTENT, content), (BILL, sbom.document(sources, needs)),
                       (LICENCES, sbom.licences(sources, needs, licence)), (ENVELOPE, envelope)):
        _write(folder / name, data)


def read(folder: Path) -> Opened:
    """What is in the folder. Raises ReleaseRefused where the parts do not fit, OSError."""
    try:
        raw = (folder / ENVELOPE).read_bytes()
        content = (folder / CONTENT).read_bytes()
    except FileNotFoundError as missing:
        raise ReleaseRefused(f"{folder} is no release: {missing.filename} is missing") from missing
    try:
        envelope = suit.decode(raw)
        if not bundle.fits(envelope.release, content, bundle.index_of(content)):
            raise ReleaseRefused(f"{folder}: {CONTENT} is not the content that {ENVELOPE} names")
        files = bundle.open_table(content, len(content))
    except WireError as wrong:
        raise ReleaseRefused(f"{folder}: {wrong}") from wrong
    start = len(content)
    found: dict[str, bytes] = {}
    for file in reversed(files):
        start -= file.size
        found[file.path] = content[start:start + file.size]
        if sha256(found[file.path]).digest() != file.digest:
            raise ReleaseRefused(f"{folder}: {file.path} is not the file that the table names")
    return Opened(folder, envelope, files, _about(found.get("release.json")), content)


def sign(opened: Opened, key: ReleaseKey) -> int:
    """Add this key's signature to the envelope; returns how many it has now.

    Raises ReleaseRefused, OSError.
    """
    envelope = opened.envelope
    if len(envelope.signatures) == suit.SIGNERS_MAX:
        raise ReleaseRefused(f"{opened.folder} has {suit.SIGNERS_MAX} signatures already, "
                             "which is the most that an envelope takes")
    if key.kid in [cose.peek_detached(one) for one in envelope.signatures]:
        raise ReleaseRefused(f"{key.name} signed {opened.folder} already")
    signature = cose.sign_detached(Ed25519(), key.seed, key.kid, envelope.digest)
    signatures = (*envelope.signatures, signature)
    _write(opened.folder / ENVELOPE, suit.encode(envelope.release, signatures))
    return len(signatures)


def signers(opened: Opened, trusted: list[PublicKey], threshold: int) -> list[PublicKey]:
    """Who of the trusted signed. Raises ReleaseRefused where they are fewer than `threshold`."""
    by_kid = {key.kid: key for key in trusted}
    try:
        found = suit.check_signers(
            Ed25519(), {kid: key.key for kid, key in by_kid.items()}, threshold, opened.envelope)
    except WireError as wrong:
        raise ReleaseRefused(f"{opened.folder}: {wrong}") from wrong
    return [by_kid[kid] for kid in found]


def _about(encoded: bytes | None) -> dict[str, Any]:
    try:
        found = json.loads(encoded or b"")
    except ValueError as wrong:
        raise ReleaseRefused(f"release.json within the content: {wrong}") from wrong
    if not isinstance(found, dict):
        raise ReleaseRefused("release.json within the content is no object")
    return found


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all, also where a file of that name is there."""
    half = path.with_name(path.name + ".new")
    with half.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)
