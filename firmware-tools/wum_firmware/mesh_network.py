"""A mesh's network on the workbench: its key, the addresses that were given out, and its guests.

The network's file stays on the workbench; each concentrator gets what it needs of it in its folder
of keys. A guest has no network's key there, but one of its own, with which it joins through a
neighbour; a gateway has the list of guests, and admits them. Left out: how (wum_edge/mesh/joining).

    NETWORK.mesh    network, epoch, next address, key, guests: TOML, for its owner alone
    mesh.key        network, epoch, address, key: TOML, for its owner alone
    join.key        network and a key of this concentrator alone, for a guest
    door.key        the guests: for a gateway
"""

import fcntl
import os
import secrets
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from wum_shared.errors import Malformed
from wum_shared.fields import number
from wum_shared.ids import id_from_text, id_to_text

MESH_KEY, JOIN_KEY, DOOR_KEY = "mesh.key", "join.key", "door.key"
ADDRESS_MAX = 0xFDFF           # Above are groups and everybody.
GUESTS_MAX = 1000              # 120 bytes each in the files.
_EPOCH_MAX = 0xFFFFFFFF
_KEY_SIZE = 16
_FILE_MODE = 0o600
_FILE_MAX = 1 << 18


class NetworkRefused(Exception):
    """The network's file cannot be used; the text says why and what would help."""


@dataclass(frozen=True, slots=True, repr=False)
class Guest:
    """Its repr is the default one: it shows no key."""

    concentrator: bytes
    address: int
    key: bytes


@dataclass(frozen=True, slots=True, repr=False)
class Network:
    """Its repr is the default one: it shows no key."""

    network: int
    epoch: int
    next_address: int
    key: bytes
    guests: tuple[Guest, ...] = ()


def make(path: Path) -> Network:
    """A new network in a new file. Raises NetworkRefused, OSError."""
    made = Network(1 + secrets.randbelow(0xFFFF), 0, 1, secrets.token_bytes(_KEY_SIZE))
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
    except FileExistsError:
        raise NetworkRefused(
            f"{path} is there already: a new key would part the network in two. Choose another "
            "name for another network, or say --renew for another key of this one.") from None
    with os.fdopen(handle, "wb") as file:
        file.write(_text(made))
        file.flush()
        os.fsync(file.fileno())
    return made


def renew(path: Path) -> Network:
    """Another key, in the next epoch. Raises NetworkRefused, OSError."""
    with _changing(path) as change:
        if change.found.epoch >= _EPOCH_MAX:
            raise NetworkRefused(f"{path}: its epochs are used up; make another network.")
        return change.to(replace(change.found, epoch=change.found.epoch + 1,
                                 key=secrets.token_bytes(_KEY_SIZE)))


def take(path: Path, file: Path) -> Network:
    """The key that the head-end has made, which `file` holds: for whoever is admitted from now on.
    Raises NetworkRefused, OSError.
    """
    given = _given(file)
    with _changing(path) as change:
        found = change.found
        if given.network != found.network:
            raise NetworkRefused(f"{file} is of network {given.network:04x}, and {path} is network "
                                 f"{found.network:04x}: take it with that one's file.")
        if given.epoch < found.epoch or (given.epoch == found.epoch and given.key != found.key):
            raise NetworkRefused(f"{file} has the key of epoch {given.epoch}, and {path} that of "
                                 f"{found.epoch}: export the newest one at the head-end "
                                 "(`wum-cloud network-key export`).")
        return change.to(replace(found, epoch=given.epoch, key=given.key))


def _given(file: Path) -> Network:
    try:
        document = tomllib.loads(file.read_text())
        return Network(
            number(document.get("network"), 1, 0xFFFF, "network"),
            number(document.get("epoch"), 1, _EPOCH_MAX, "epoch"), 1,
            id_from_text(str(document.get("key")), _KEY_SIZE))
    except (Malformed, tomllib.TOMLDecodeError, UnicodeDecodeError):
        # Not chained and not quoted: the text would hold the key.
        raise NetworkRefused(f"{file} is not what `wum-cloud network-key export` wrote.") from None


def admit(path: Path, folder: Path) -> int:
    """Give the concentrator of `folder` the network's key, and its address, which is returned: the
    one that it has, or the next. Raises NetworkRefused, OSError.
    """
    with _changing(path) as change:
        address = _address_in(folder / MESH_KEY, change.found.network)
        if address is None:
            address = _next(path, change)
    _write(folder / MESH_KEY, _lines(network=change.found.network, epoch=change.found.epoch,
                                     address=address, key=change.found.key))
    return address


def invite(path: Path, folder: Path, concentrator: bytes) -> int:
    """Give it a key with which it joins through a neighbour, and an address, which is returned.

    One that was invited keeps both. Raises NetworkRefused, OSError.
    """
    with _changing(path) as change:
        known = [one for one in change.found.guests if one.concentrator == concentrator]
        if not known:
            if len(change.found.guests) >= GUESTS_MAX:
                raise NetworkRefused(f"{path}: {GUESTS_MAX} guests are enough for one network.")
            # Taken before it is given out: a run that is cut off leaves an address unused.
            known = [Guest(concentrator, _next(path, change), secrets.token_bytes(_KEY_SIZE))]
            change.to(replace(change.found, guests=(*change.found.guests, *known)))
    _write(folder / JOIN_KEY, _lines(network=change.found.network, key=known[0].key))
    return known[0].address


def open_door(path: Path, folder: Path) -> int:
    """Give the gateway of `folder` the list of guests; how many. Raises NetworkRefused, OSError."""
    with _changing(path) as change:
        guests = change.found.guests
    _write(folder / DOOR_KEY, _lines(network=change.found.network) + _guests(guests))
    return len(guests)


class _Change:
    """A network's file, held by nobody else meanwhile."""

    def __init__(self, path: Path, file: int) -> None:
        self._file = file
        self.found = _network(path, os.pread(file, _FILE_MAX, 0))

    def to(self, wanted: Network) -> Network:
        """Durable on return."""
        text = _text(wanted)
        os.pwrite(self._file, text, 0)
        os.ftruncate(self._file, len(text))
        os.fsync(self._file)
        self.found = wanted
        return wanted


@contextmanager
def _changing(path: Path) -> Iterator[_Change]:
    handle = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)   # Two at a time must not give one address to two.
        yield _Change(path, handle)
    finally:
        os.close(handle)


def _next(path: Path, change: _Change) -> int:
    address = change.found.next_address
    if address > ADDRESS_MAX:
        raise NetworkRefused(f"{path}: all {ADDRESS_MAX} addresses are given out.")
    change.to(replace(change.found, next_address=address + 1))
    return address


def _network(path: Path, content: bytes) -> Network:
    if os.stat(path).st_mode & 0o077:
        raise NetworkRefused(f"{path} is open to others: run `chmod 600 {path}`.")
    try:
        document = tomllib.loads(content.decode())
        return Network(
            number(document.get("network"), 1, 0xFFFF, "network"),
            number(document.get("epoch"), 0, _EPOCH_MAX, "epoch"),
            number(document.get("next_address"), 1, ADDRESS_MAX + 1, "next_address"),
            id_from_text(str(document.get("key")), _KEY_SIZE),
            tuple(Guest(id_from_text(str(one.get("concentrator")), 8),
                        number(one.get("address"), 1, ADDRESS_MAX, "address"),
                        id_from_text(str(one.get("key")), _KEY_SIZE))
                  for one in document.get("guest", [])))
    except (Malformed, tomllib.TOMLDecodeError, UnicodeDecodeError, AttributeError, TypeError):
        # Not chained and not quoted: the text would hold the key.
        raise NetworkRefused(
            f"{path} is no network's file: `wum-firmware mesh {path}` makes one.") from None


def _address_in(path: Path, network: int) -> int | None:
    """The address of one that is of this network already."""
    if not path.exists():
        return None
    document = tomllib.loads(path.read_text())
    if document.get("network") != network:
        raise NetworkRefused(f"{path} is of another network: remove it first.")
    return int(document["address"])


def _text(network: Network) -> bytes:
    return _lines(network=network.network, epoch=network.epoch, next_address=network.next_address,
                  key=network.key) + _guests(network.guests)


def _guests(guests: tuple[Guest, ...]) -> bytes:
    return b"".join(b"\n[[guest]]\n" + _lines(
        concentrator=one.concentrator, address=one.address, key=one.key) for one in guests)


def _lines(**values: int | bytes) -> bytes:
    return "".join(
        f'{name} = "{id_to_text(value)}"\n' if isinstance(value, bytes) else f"{name} = {value}\n"
        for name, value in values.items()).encode()


def _write(path: Path, content: bytes) -> None:
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
