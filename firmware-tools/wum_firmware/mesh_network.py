"""A mesh's network on the workbench: its key, made once, and the addresses that were given out.

The network's file stays on the workbench; each concentrator gets what it needs of it as mesh.key in
its folder of keys. Left out: keys of a link, and their change.

    NETWORK.mesh    network, epoch, next address, key: TOML, for its owner alone
    mesh.key        network, epoch, address, key: TOML, for its owner alone
"""

import fcntl
import os
import secrets
import tomllib
from dataclasses import dataclass
from pathlib import Path

from wum_shared.errors import Malformed
from wum_shared.fields import number
from wum_shared.ids import id_from_text

MESH_KEY = "mesh.key"
ADDRESS_MAX = 0xFDFF           # Above are groups and everybody.
_KEY_SIZE = 16
_FILE_MODE = 0o600
_FILE_MAX = 4096


class NetworkRefused(Exception):
    """The network's file cannot be used; the text says why and what would help."""


@dataclass(frozen=True, slots=True, repr=False)
class Network:
    """Its repr is the default one: it shows no key."""

    network: int
    epoch: int
    next_address: int
    key: bytes


def make(path: Path) -> Network:
    """A new network in a new file. Raises NetworkRefused, OSError."""
    made = Network(1 + secrets.randbelow(0xFFFF), 0, 1, secrets.token_bytes(_KEY_SIZE))
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
    except FileExistsError:
        raise NetworkRefused(
            f"{path} is there already: a new key would part the network in two. Choose another "
            "name for another network.") from None
    with os.fdopen(handle, "wb") as file:
        file.write(_text(made, "next_address", made.next_address))
        file.flush()
        os.fsync(file.fileno())
    return made


def admit(path: Path, folder: Path) -> int:
    """Give the concentrator of `folder` its mesh.key, with the next address, which is returned.

    One that has a key of this network keeps it, and its address. Raises NetworkRefused, OSError.
    """
    handle = os.open(path, os.O_RDWR)
    with os.fdopen(handle, "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)   # Two at a time must not give one address to two.
        found = _network(path, file.read(_FILE_MAX))
        before = _address_in(folder / MESH_KEY, found)
        if before is not None:
            return before
        if found.next_address > ADDRESS_MAX:
            raise NetworkRefused(f"{path}: all {ADDRESS_MAX} addresses are given out.")
        # Taken before it is given out: a run that is cut off leaves an address unused.
        taken = Network(found.network, found.epoch, found.next_address + 1, found.key)
        file.seek(0)
        file.write(_text(taken, "next_address", taken.next_address))
        file.truncate()
        file.flush()
        os.fsync(file.fileno())
    _write(folder / MESH_KEY, _text(found, "address", found.next_address))
    return found.next_address


def _network(path: Path, content: bytes) -> Network:
    if os.stat(path).st_mode & 0o077:
        raise NetworkRefused(f"{path} is open to others: run `chmod 600 {path}`.")
    try:
        document = tomllib.loads(content.decode())
        return Network(
            number(document.get("network"), 1, 0xFFFF, "network"),
            number(document.get("epoch"), 0, 0xFFFFFFFF, "epoch"),
            number(document.get("next_address"), 1, ADDRESS_MAX + 1, "next_address"),
            id_from_text(str(document.get("key")), _KEY_SIZE))
    except (Malformed, tomllib.TOMLDecodeError, UnicodeDecodeError):
        # Not chained and not quoted: the text would hold the key.
        raise NetworkRefused(
            f"{path} is no network's file: `wum-firmware mesh {path}` makes one.") from None


def _address_in(path: Path, network: Network) -> int | None:
    """The address of one that is of this network already."""
    if not path.exists():
        return None
    document = tomllib.loads(path.read_text())
    if (document.get("network"), document.get("key")) != (network.network, network.key.hex()):
        raise NetworkRefused(f"{path} is of another network: remove it first.")
    return int(document["address"])


def _text(network: Network, what: str, value: int) -> bytes:
    return (f"network = {network.network}\nepoch = {network.epoch}\n{what} = {value}\n"
            f'key = "{network.key.hex()}"\n').encode()


def _write(path: Path, content: bytes) -> None:
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
