"""Rotation of release keys: a document that names the next ones, signed by root keys.

A draft is made of what holds now, goes from one holder of a root key to the next, and is done when
enough of those before and enough of its own have signed. Left out: what a document looks like and
who may lead to it (wum_shared/release_trust.py), handing it to a head-end (handing.py).
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from wum_firmware.cipher import Ed25519
from wum_firmware.describe import fingerprint
from wum_firmware.release_keys import KeyRefused, PublicKey, ReleaseKey
from wum_firmware.sources import TARGETS, class_of
from wum_shared import cose, release_trust
from wum_shared.errors import NotGenuine, WireError
from wum_shared.release_trust import Document, ReleaseTrust, key_id

_FILE_MAX = 8192


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be different; None: as before. `threshold` and `root_threshold` as well."""

    signers: list[PublicKey] | None
    threshold: int | None
    roots: list[PublicKey] | None
    root_threshold: int | None


def read_first(path: Path) -> ReleaseTrust:
    """What a fleet came with: its `release-trust.json`. Raises KeyRefused, OSError."""
    try:
        found = json.loads(path.read_text(encoding="utf-8")[:_FILE_MAX])
        target = found.get("target") if isinstance(found, dict) else None
        if target not in TARGETS:
            raise ValueError(f"its target is {target!r}, wanted one of {', '.join(TARGETS)}")
        return release_trust.of_table(found, class_of(target).bytes)
    except (ValueError, WireError) as wrong:
        raise KeyRefused(f"{path} is no release-trust.json: {wrong}") from wrong


def holds_after(first: Path, documents: list[Path]) -> ReleaseTrust:
    """What holds after these, in any order. Raises KeyRefused, OSError."""
    trust = read_first(first)
    if not trust.roots:
        raise KeyRefused(f"{first} names no root keys (`wum-firmware trust --root`): its release "
                         "keys are changed by hand, at each machine")
    read = sorted(documents, key=lambda path: read_document(path).trust.number)
    try:
        return release_trust.follow(Ed25519(), trust, [path.read_bytes() for path in read])
    except WireError as wrong:
        raise KeyRefused(f"{', '.join(map(str, documents))}: {wrong}") from wrong


def read_document(path: Path) -> Document:
    """A document or a draft. Raises KeyRefused, OSError."""
    try:
        return release_trust.decode(path.read_bytes())
    except WireError as wrong:
        raise KeyRefused(f"{path} is no rotation of release keys: {wrong}") from wrong


def next_document(path: Path, before: ReleaseTrust) -> Document:
    """A document or draft that comes next after `before`. Raises KeyRefused, OSError."""
    document = read_document(path)
    if document.trust.number != before.number + 1:
        raise KeyRefused(f"{path} is document {document.trust.number}; what holds is document "
                         f"{before.number}: name those since then with --after, and none else")
    if document.trust.device_class != before.device_class:
        raise KeyRefused(f"{path} is for another target")
    return document


def draft(path: Path, before: ReleaseTrust, change: Change) -> Document:
    """Write the next document, signed by nobody yet. Raises KeyRefused, OSError."""
    signers = before.signers if change.signers is None else named(change.signers)
    roots = before.roots if change.roots is None else named(change.roots)
    trust = ReleaseTrust(
        before.number + 1, before.device_class,
        before.root_threshold if change.root_threshold is None else change.root_threshold, roots,
        before.threshold if change.threshold is None else change.threshold, signers)
    if trust[2:] == before[2:]:
        raise KeyRefused("nothing would change: give --signers, --threshold, --root or "
                         "--root-threshold")
    check_apart([PublicKey(*one) for one in roots], [PublicKey(*one) for one in signers])
    try:
        encoded = release_trust.encode(release_trust.payload_of(trust))
        document = release_trust.decode(encoded)
    except WireError as wrong:
        raise KeyRefused(str(wrong)) from wrong
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError as there:
        raise KeyRefused(f"{path} is there already; a document is never written over") from there
    with os.fdopen(descriptor, "wb") as file:
        file.write(encoded)
        file.flush()
        os.fsync(descriptor)
    return document


def agree(path: Path, before: ReleaseTrust, key: ReleaseKey) -> Document:
    """Add a signature of a root key, of those before or of its own. Raises KeyRefused, OSError."""
    document = read_document(path)
    known = release_trust.keys_of((*before.roots, *document.trust.roots))
    if key.kid not in known:
        raise KeyRefused(f"{key.name} is none of the root keys, neither of document "
                         f"{before.number} nor of document {document.trust.number}")
    if key.kid in [cose.peek_detached(one) for one in document.signatures]:
        raise KeyRefused(f"{key.name} signed {path} already")
    signature = cose.sign_detached(Ed25519(), key.seed, key.kid, document.payload)
    half = path.with_name(path.name + ".new")
    encoded = release_trust.encode(document.payload, (*document.signatures, signature))
    with half.open("wb") as file:
        file.write(encoded)
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)
    return read_document(path)


def missing(before: ReleaseTrust, document: Document) -> str:
    """What it still lacks to be followed after `before`, as a sentence; "" where nothing."""
    try:
        release_trust.check_roots(Ed25519(), before, document)
        release_trust.check_roots(Ed25519(), document.trust, document)
    except NotGenuine as lacking:
        return str(lacking)
    return ""


def check_apart(roots: list[PublicKey], signers: list[PublicKey]) -> None:
    """A root key is used once in years, a release key every week: none is both. Raises KeyRefused.
    """
    for key in roots:
        if key.key in [one.key for one in signers]:
            raise KeyRefused(f"{key.name} would be a root key and sign releases: make another key, "
                             "which is locked away but for rotations")


def target_of(trust: ReleaseTrust) -> str:
    """The target that it is for."""
    return next((name for name in TARGETS if class_of(name).bytes == trust.device_class), "?")


def lines(document: Document, before: ReleaseTrust | None = None) -> list[str]:
    """What a person has to know of it."""
    trust = document.trust
    target = target_of(trust)
    signed = [key_id(key) for _, key in trust.roots if key_id(key) in [
        cose.peek_detached(one) for one in document.signatures]]
    shown = [f"release trust {trust.number} for {target}",
             f"  {trust.threshold} of these sign releases:", *_fingerprints(trust.signers)]
    if before is not None:
        kept = [key for _, key in trust.signers]
        gone = [one for one in before.signers if one[1] not in kept]
        if gone:
            shown += ["  and these no longer:", *_fingerprints(tuple(gone))]
    return [*shown, f"  {trust.root_threshold} of these sign the next rotation:",
            *_fingerprints(trust.roots),
            f"  signed by {len(document.signatures)}, of them {len(signed)} of its own root keys"]


def _fingerprints(named: tuple[tuple[str, bytes], ...]) -> list[str]:
    return [f"    {name:12} {fingerprint(PublicKey(name, key))}" for name, key in named]


def named(keys: list[PublicKey]) -> tuple[tuple[str, bytes], ...]:
    """As documents have them."""
    return tuple(sorted((key.name, key.key) for key in keys))
