"""The keys folder that wum-firmware provision wrote, read and checked.

Left out: the identity key, which nothing here signs with yet, and changing keys.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from wum_edge.uplink.keys import Keys
from wum_shared.errors import Malformed
from wum_shared.fields import number
from wum_shared.ids import checked_text, id_from_text, id_to_text
from wum_shared.messages import DirectionKey

_FILE_MAX = 4096          # Each holds a few lines.


class BadKeys(Exception):
    """A file of the keys folder is missing, wrong, or open to others; the text says what to do."""


@dataclass(frozen=True, slots=True)
class KeysFolder:
    """What the folder holds. `password_file` is read again at each connection, and beside it the
    password before that one (`password_before`): while it changes, either may be the one."""

    keys: Keys
    broker_user: str
    password_file: Path

    def __repr__(self) -> str:
        return f"KeysFolder({id_to_text(self.keys.concentrator)})"


def read_keys(folder: Path) -> KeysFolder:
    """Keys of the concentrator whose folder this is. Raises BadKeys."""
    path = folder / "concentrator.toml"
    try:
        document = tomllib.loads(_text(path))
        concentrator = id_from_text(str(document.get("id")))
        epoch = number(document.get("epoch"), 0, 0xFFFF, "epoch")
        keys = Keys(
            concentrator,
            checked_text(document.get("tenant"), "tenant"),
            epoch,
            _direction_key(key_file(folder, "uplink", epoch)),
            _direction_key(key_file(folder, "downlink", epoch)),
        )
        user = checked_text(document.get("broker_user"), "broker_user")
    except (Malformed, tomllib.TOMLDecodeError) as error:
        raise BadKeys(f"{path}: {error}. Provision the concentrator again: wum-firmware "
                      "provision") from error
    password_file = folder / "broker.password"
    read_password(password_file)
    return KeysFolder(keys, user, password_file)


def key_file(folder: Path, direction: str, epoch: int) -> Path:
    """Where the key of a direction stands: by its epoch where enrolment wrote it, so that a folder
    goes over from one epoch to the next by one file alone, which names the epoch."""
    own = folder / f"{direction}-{epoch}.key"
    return own if own.exists() else folder / f"{direction}.key"


def password_before(path: Path) -> Path:
    """Where the password stands that was in force before the one in `path`."""
    return path.with_name(path.name + ".before")


def read_password(path: Path) -> str:
    """The one line of a password file. Raises BadKeys."""
    lines = secret_text(path).splitlines()
    if len(lines) != 1 or not lines[0]:
        raise BadKeys(f"{path}: wanted one line, got {len(lines)}")
    return lines[0]


def _direction_key(path: Path) -> DirectionKey:
    lines = secret_text(path).split()
    if len(lines) != 2:
        raise BadKeys(f"{path}: wanted two lines, a key and a context IV, got {len(lines)}")
    try:
        return DirectionKey(id_from_text(lines[0], 32), id_from_text(lines[1], 12))
    except Malformed:
        # Not chained and not quoted: the text would hold the key.
        raise BadKeys(f"{path}: wanted 64 and 24 lower-case hexadecimal digits") from None


def secret_text(path: Path, most: int = _FILE_MAX) -> str:
    """A file that nobody but its owner can read."""
    text = _text(path, most)
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        raise BadKeys(f"{path} is open to others (mode {mode:04o}), and its secret may be known: "
                      f"run `chmod 600 {path}`, or provision the concentrator again")
    return text


def _text(path: Path, most: int = _FILE_MAX) -> str:
    try:
        if path.stat().st_size > most:
            raise BadKeys(f"{path}: wanted at most {most} bytes, got {path.stat().st_size}")
        return path.read_text(encoding="ascii")
    except FileNotFoundError as error:
        raise BadKeys(f"{path} is missing: `wum-firmware provision --out {path.parent}` "
                      "writes it") from error
    except (OSError, UnicodeDecodeError) as error:
        raise BadKeys(f"{path} cannot be read: {error}") from error
