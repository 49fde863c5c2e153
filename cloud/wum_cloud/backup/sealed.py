"""A sealed file: parts of bytes, readable with a passphrase alone, and never without its end.

    "WUMBAK1\n", salt (16), Argon2id operations (4) and memory (8), stream header (24), then
    each part: its length (4) and its ciphertext

XChaCha20/Poly1305 as libsodium's secretstream: parts cannot be changed, left out, repeated or put
elsewhere, and the last one says that it is the last. Left out: what the parts mean (commands.py).
"""

import os
from collections.abc import Iterator
from pathlib import Path
from struct import pack, unpack
from typing import BinaryIO

from nacl import bindings, pwhash
from nacl.exceptions import CryptoError

MAGIC = b"WUMBAK1\n"
PART_MAX = 1024 * 1024
PASSPHRASE_MIN = 16          # Characters: whoever has the file may try for ever.
_HEAD = ">16sIQ"
_HEAD_SIZE = 28
# What a file may ask of its reader at most: a forged one must not take all memory.
_OPERATIONS_MAX, _MEMORY_MAX = 16, 1024**3


class BackupError(Exception):
    """A backup cannot be made, or is not one that can be restored: a sentence that says why."""


def read_passphrase(path: Path) -> str:
    """The one line in `path`, which only its owner may read. Raises BackupError."""
    try:
        mode, text = path.stat().st_mode & 0o777, path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BackupError("The passphrase file %s cannot be read: %s." % (path, error)) from error
    if mode & 0o077:
        raise BackupError("The passphrase file %s may be read by others (mode %o): run chmod 600 "
                          "%s." % (path, mode, path))
    if len(text) < PASSPHRASE_MIN:
        raise BackupError("The passphrase in %s has fewer than %d characters." % (
            path, PASSPHRASE_MIN))
    return text


class Sealer:
    """Writes a new file; it is complete when `finish` has returned."""

    def __init__(self, file: BinaryIO, passphrase: str, *, operations: int | None = None,
                 memory: int | None = None) -> None:
        operations = operations or pwhash.argon2id.OPSLIMIT_MODERATE
        memory = memory or pwhash.argon2id.MEMLIMIT_MODERATE
        salt = os.urandom(16)
        self._file = file
        self._state = bindings.crypto_secretstream_xchacha20poly1305_state()
        head = MAGIC + pack(_HEAD, salt, operations, memory)
        stream = bindings.crypto_secretstream_xchacha20poly1305_init_push(
            self._state, _key(passphrase, salt, operations, memory))
        file.write(head + stream)

    def write(self, part: bytes) -> None:
        """Append a part of at most PART_MAX bytes."""
        self._push(part, bindings.crypto_secretstream_xchacha20poly1305_TAG_MESSAGE)

    def finish(self) -> None:
        """Say that this was all."""
        self._push(b"", bindings.crypto_secretstream_xchacha20poly1305_TAG_FINAL)

    def _push(self, part: bytes, tag: int) -> None:
        assert len(part) <= PART_MAX
        sealed = bindings.crypto_secretstream_xchacha20poly1305_push(
            self._state, part, tag=tag)
        self._file.write(pack(">I", len(sealed)) + sealed)


def parts(file: BinaryIO, passphrase: str) -> Iterator[bytes]:
    """The parts of a sealed file, in their order. Raises BackupError: then nothing of it, and
    nothing that came before, may be trusted to be whole."""
    head = file.read(len(MAGIC) + _HEAD_SIZE)
    if len(head) != len(MAGIC) + _HEAD_SIZE or not head.startswith(MAGIC):
        raise BackupError("This file is no backup of `wum-cloud backup`.")
    salt, operations, memory = unpack(_HEAD, head[len(MAGIC):])
    if not (1 <= operations <= _OPERATIONS_MAX and 8192 <= memory <= _MEMORY_MAX):
        raise BackupError("This backup asks for more memory or time than any of ours does.")
    state = bindings.crypto_secretstream_xchacha20poly1305_state()
    key = _key(passphrase, salt, operations, memory)
    tag = None
    try:
        bindings.crypto_secretstream_xchacha20poly1305_init_pull(
            state, file.read(bindings.crypto_secretstream_xchacha20poly1305_HEADERBYTES), key)
        while tag != bindings.crypto_secretstream_xchacha20poly1305_TAG_FINAL:
            part, tag = bindings.crypto_secretstream_xchacha20poly1305_pull(
                state, _sealed_part(file))
            if part:
                yield part
    except (CryptoError, RuntimeError, ValueError, TypeError) as error:
        raise BackupError("This backup does not open: another passphrase, or it was changed or "
                          "cut off.") from error
    if file.read(1):
        raise BackupError("Something follows the end of this backup.")


def _sealed_part(file: BinaryIO) -> bytes:
    length = file.read(4)
    size = unpack(">I", length)[0] if len(length) == 4 else 0
    most = PART_MAX + bindings.crypto_secretstream_xchacha20poly1305_ABYTES
    sealed = file.read(size) if size <= most else b""
    if not size or len(sealed) != size:
        raise BackupError("This backup is cut off.")
    return sealed


def _key(passphrase: str, salt: bytes, operations: int, memory: int) -> bytes:
    return bytes(pwhash.argon2id.kdf(
        bindings.crypto_secretstream_xchacha20poly1305_KEYBYTES, passphrase.encode(), salt,
        opslimit=operations, memlimit=memory))
