"""Keys that releases are signed with: each made by one person, kept offline under a passphrase.

A key is two files: NAME.key holds the sealed secret (Argon2id, XSalsa20-Poly1305 by libsodium),
NAME.pub what everybody may know. Left out: which keys a fleet trusts (its trust document).
"""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nacl import pwhash, secret, utils
from nacl.exceptions import CryptoError

from wum_firmware.cipher import public_key
from wum_shared.fields import shown
from wum_shared.release_trust import key_id

PASSPHRASE_MIN = 12
_KIND, _PUBLIC_KIND = "WUM release key, sealed", "WUM release key, public"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_SEED_SIZE = 32


class KeyRefused(Exception):
    """A key cannot be made, read or opened: the text says why and what would help."""


@dataclass(frozen=True, slots=True)
class Strength:
    """What guessing a passphrase once costs: Argon2id's passes and bytes of memory."""

    passes: int = pwhash.argon2id.OPSLIMIT_MODERATE
    memory: int = pwhash.argon2id.MEMLIMIT_MODERATE


@dataclass(frozen=True, slots=True)
class PublicKey:
    """Who signs. `kid` (8 bytes) is made of the key, so that no name can stand for two."""

    name: str
    key: bytes

    @property
    def kid(self) -> bytes:
        """Its name in signatures."""
        return key_id(self.key)


@dataclass(frozen=True, slots=True)
class ReleaseKey(PublicKey):
    """An opened key."""

    seed: bytes


def make(folder: Path, name: str, passphrase: str, strength: Strength | None = None) -> PublicKey:
    """Make the key `name` in `folder`; its two files must not be there yet.

    Raises KeyRefused, OSError.
    """
    if not _NAME.fullmatch(name):
        raise KeyRefused(f"key name: wanted 1..40 of a-z, 0-9 and -, got {name!r}")
    if len(passphrase) < PASSPHRASE_MIN:
        raise KeyRefused(f"passphrase: wanted {PASSPHRASE_MIN} characters or more, "
                         f"got {len(passphrase)}; five words chosen by dice are a good one")
    strength = strength or Strength()
    seed, salt = utils.random(_SEED_SIZE), utils.random(pwhash.argon2id.SALTBYTES)
    public = PublicKey(name, public_key(seed))
    box = secret.SecretBox(_stretched(passphrase, salt, strength))
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / f"{name}.key", {
        "kind": _KIND, "name": name, "public": public.key.hex(), "salt": salt.hex(),
        "passes": strength.passes, "memory": strength.memory,
        "sealed": bytes(box.encrypt(seed)).hex()}, 0o600)
    _write(folder / f"{name}.pub", {
        "kind": _PUBLIC_KIND, "name": name, "public": public.key.hex()}, 0o644)
    return public


def unlock(path: Path, passphrase: str) -> ReleaseKey:
    """Open NAME.key. Raises KeyRefused, OSError."""
    found = _read(path, _KIND)
    try:
        strength = Strength(int(found["passes"]), int(found["memory"]))
        stretched = _stretched(passphrase, bytes.fromhex(found["salt"]), strength)
        seed = secret.SecretBox(stretched).decrypt(bytes.fromhex(found["sealed"]))
        key = ReleaseKey(str(found["name"]), bytes.fromhex(found["public"]), seed)
    except CryptoError as wrong:
        raise KeyRefused(f"{path}: the passphrase is not the one it was sealed with, or the "
                         "file was changed") from wrong
    except (KeyError, TypeError, ValueError) as wrong:
        raise KeyRefused(f"{path}: damaged: {wrong}") from wrong
    if public_key(seed) != key.key:
        raise KeyRefused(f"{path}: its public half is of another key; take the copy that you "
                         "keep of it")
    return key


def read_public(path: Path) -> PublicKey:
    """Read NAME.pub. Raises KeyRefused, OSError."""
    found = _read(path, _PUBLIC_KIND)
    try:
        key = bytes.fromhex(found["public"])
        name = found["name"]
    except (KeyError, TypeError, ValueError) as wrong:
        raise KeyRefused(f"{path}: damaged: {wrong}") from wrong
    if len(key) != _SEED_SIZE or type(name) is not str or not _NAME.fullmatch(name):
        raise KeyRefused(f"{path}: wanted a name and 32 bytes, got {shown(name)} and "
                         f"{len(key)} bytes")
    return PublicKey(name, key)


def _stretched(passphrase: str, salt: bytes, strength: Strength) -> bytes:
    key: bytes = pwhash.argon2id.kdf(
        secret.SecretBox.KEY_SIZE, passphrase.encode(), salt, opslimit=strength.passes,
        memlimit=strength.memory)
    return key


def _read(path: Path, kind: str) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, UnicodeDecodeError) as wrong:
        raise KeyRefused(f"{path} is no {kind!r}: {wrong}") from wrong
    if not isinstance(found, dict) or found.get("kind") != kind:
        raise KeyRefused(f"{path} is no {kind!r}")
    return found


def _write(path: Path, content: dict[str, Any], mode: int) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError as there:
        raise KeyRefused(f"{path} is there already; a key is never written over") from there
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(descriptor, mode)
        file.write(json.dumps(content, indent=1) + "\n")
        file.flush()
        os.fsync(descriptor)
