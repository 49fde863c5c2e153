"""Concentrators' keys at rest: sealed with the head-end's own key, which is a file, not a row.

Whoever copies the database has no key. The seal names the concentrator and the epoch, so that
a row that was copied over another one does not open. XSalsa20/Poly1305 of libsodium.
"""

import os
import secrets
from pathlib import Path

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from wum_shared.messages import DirectionKey

KEY_SIZE = 32
_NAME_SIZE = 10                       # Concentrator id (8 bytes) and epoch (2).
_PAIR_SIZE = 2 * (KEY_SIZE + 12)


class KeyFileError(Exception):
    """The head-end's key file cannot be used: a sentence that says what to do."""


class Vault:
    """Seals and opens pairs of direction keys."""

    def __init__(self, key: bytes) -> None:
        assert len(key) == KEY_SIZE
        self._box = SecretBox(key)

    def seal(
            self, device_id: bytes, epoch: int, uplink: DirectionKey, downlink: DirectionKey,
    ) -> bytes:
        """Both directions' keys of one epoch (0..65535), for the database."""
        return bytes(self._box.encrypt(
            _name(device_id, epoch) + uplink.key + uplink.context_iv
            + downlink.key + downlink.context_iv))

    def open(
            self, device_id: bytes, epoch: int, sealed: bytes,
    ) -> tuple[DirectionKey, DirectionKey]:
        """(uplink, downlink) keys. Raises KeyFileError when they were sealed with another key."""
        try:
            plain = self._box.decrypt(sealed)
        except CryptoError as error:
            raise KeyFileError(_another_key(device_id)) from error
        if len(plain) != _NAME_SIZE + _PAIR_SIZE or plain[:_NAME_SIZE] != _name(device_id, epoch):
            raise KeyFileError(
                "The database's keys of concentrator %s, epoch %d are those of another one: "
                "register it again from its registration file." % (device_id.hex(), epoch))
        up, down = plain[_NAME_SIZE:_NAME_SIZE + 44], plain[_NAME_SIZE + 44:]
        return (DirectionKey(up[:KEY_SIZE], up[KEY_SIZE:]),
                DirectionKey(down[:KEY_SIZE], down[KEY_SIZE:]))

    def is_own(self, sealed: bytes) -> bool:
        """Whether it was sealed with this key, whatever it is."""
        try:
            self._box.decrypt(sealed)
        except CryptoError:
            return False
        return True

    def resealed(self, sealed: bytes, other: "Vault") -> bytes:
        """The same, in the same place, under the key of `other`. Raises KeyFileError."""
        try:
            return bytes(other._box.encrypt(self._box.decrypt(sealed)))
        except CryptoError as error:
            raise KeyFileError("A secret in the database was sealed with another key than that of "
                               "WUM_KEY_FILE: nothing was changed.") from error

    def seal_text(self, place: str, text: str) -> bytes:
        """A secret text, bound to where it is kept: a row that is copied elsewhere opens not."""
        return bytes(self._box.encrypt(place.encode() + b"\0" + text.encode()))

    def open_text(self, place: str, sealed: bytes) -> str:
        """The text again. Raises KeyFileError for another key or another place."""
        try:
            found, _, text = self._box.decrypt(sealed).partition(b"\0")
        except CryptoError as error:
            raise KeyFileError(
                "A secret in the database (%s) was sealed with another key than that of "
                "WUM_KEY_FILE." % place) from error
        if found != place.encode():
            raise KeyFileError("A secret in the database is not of its place: %s." % place)
        return text.decode()


def open_vault(path: Path) -> Vault:
    """The vault whose key `path` holds: 64 hexadecimal digits, mode 0600. Raises KeyFileError."""
    try:
        mode = path.stat().st_mode & 0o777
        text = path.read_text(encoding="ascii").strip()
    except FileNotFoundError as error:
        raise KeyFileError(
            "The key file %s is missing: restore it from its backup, or, for a new database, "
            "let `wum-cloud migrate` make it." % path) from error
    except (OSError, UnicodeDecodeError) as error:
        raise KeyFileError("The key file %s cannot be read: %s." % (path, error)) from error
    if mode & 0o077:
        raise KeyFileError(
            "The key file %s may be read by others (mode %o): run chmod 600 %s."
            % (path, mode, path))
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != KEY_SIZE:
        raise KeyFileError("The key file %s: wanted 64 hexadecimal digits." % path)
    return Vault(key)


def make_key_file(path: Path) -> bool:
    """Make a new random key at `path`, 0600; False when there is a file already."""
    return write_secret(path, secrets.token_hex(KEY_SIZE) + "\n")


def write_secret(path: Path, text: str) -> bool:
    """Write a new file that only its owner reads; False when there is one already."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return True


def _name(device_id: bytes, epoch: int) -> bytes:
    return device_id + epoch.to_bytes(2, "big")


def _another_key(device_id: bytes) -> str:
    return ("The keys of concentrator %s in the database were sealed with another key than that "
            "of WUM_KEY_FILE: restore the key file that belongs to this database." %
            device_id.hex())
