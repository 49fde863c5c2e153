"""What a concentrator needs to be one of a mesh: network, epoch, its address, the network's key;
and what it needs to get these, or to give them.

Files of the keys folder. mesh.key and join.key: `wum-firmware` wrote one of them; a station that
has joined writes mesh.key itself. door.key is a gateway's list of those whom it admits. Left out:
how one joins (mesh/joining.py), keys of a link.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wum_edge.mesh.keys import KEY_SIZE
from wum_edge.ports.linux.keys import BadKeys, secret_text
from wum_edge.ports.linux.mesh_store import write_durably
from wum_shared.errors import Malformed
from wum_shared.fields import number
from wum_shared.ids import CONCENTRATOR_SIZE, id_from_text, id_to_text

MESH, JOIN, DOOR = "mesh.key", "join.key", "door.key"
ADDRESS_MAX = 0xFDFF         # Above are groups and everybody.
EPOCH_MAX = 0xFFFFFFFF
GUESTS_MAX = 1000
_DOOR_BYTES_MAX = 1 << 18


@dataclass(frozen=True, slots=True, repr=False)
class MeshKeys:
    """Its repr is the default one: it shows no key."""

    network: int             # For people and the head-end; headers have one of each epoch.
    epoch: int
    address: int
    key: bytes               # Of the epoch; of the one after it, while both are in force:
    newer: tuple[int, bytes] | None = None
    shut_out: tuple[bytes, ...] = ()

    @property
    def newest(self) -> int:
        """The newest epoch of which there is a key."""
        return self.epoch if self.newer is None else self.newer[0]


@dataclass(frozen=True, slots=True, repr=False)
class JoinKey:
    """Of a station that was invited. Its repr is the default one: it shows no key."""

    network: int
    key: bytes


@dataclass(frozen=True, slots=True, repr=False)
class Guest:
    """Whom a gateway admits. Its repr is the default one: it shows no key."""

    concentrator: bytes
    address: int
    key: bytes


def read_mesh_keys(folder: Path) -> tuple[MeshKeys | None, JoinKey | None]:
    """What the concentrator whose keys folder this is has of both. Raises BadKeys."""
    keys, join = folder / MESH, folder / JOIN
    if not keys.exists() and not join.exists():
        raise BadKeys(f"{keys} is missing, and the configuration has a [mesh]: "
                      f"`wum-firmware provision --mesh NETWORK.mesh --out {folder}` writes it; or "
                      f"`wum-firmware mesh NETWORK.mesh --invite {folder}` lets it join")
    return (_read(keys, _mesh_keys) if keys.exists() else None,
            _read(join, _join_key) if join.exists() else None)


def read_guests(folder: Path) -> list[Guest]:
    """Those whom a gateway admits; none where it has no list. Raises BadKeys."""
    path = folder / DOOR
    return _read(path, _guests) if path.exists() else []


def write_mesh_keys(folder: Path, keys: MeshKeys) -> None:
    """What a station was given. Durable on return. Raises OSError."""
    text = (f"network = {keys.network}\nepoch = {keys.epoch}\naddress = {keys.address}\n"
            f'key = "{id_to_text(keys.key)}"\n')
    if keys.newer is not None:
        text += f'newer_epoch = {keys.newer[0]}\nnewer_key = "{id_to_text(keys.newer[1])}"\n'
    if keys.shut_out:
        text += "shut_out = [%s]\n" % ", ".join(f'"{id_to_text(one)}"' for one in keys.shut_out)
    write_durably(folder / MESH, text.encode())


def _read(path: Path, decode: Any) -> Any:
    text = secret_text(path, _DOOR_BYTES_MAX)
    try:
        return decode(tomllib.loads(text))
    except (Malformed, tomllib.TOMLDecodeError, AttributeError, TypeError):
        # Not chained and not quoted: the text would hold the key.
        raise BadKeys(f"{path}: it is not what `wum-firmware` wrote; write it again: wum-firmware "
                      "mesh --help") from None


def _mesh_keys(document: dict[str, Any]) -> MeshKeys:
    epoch = number(document.get("epoch"), 0, EPOCH_MAX, "epoch")
    newer = None
    if "newer_epoch" in document or "newer_key" in document:
        newer = (number(document.get("newer_epoch"), epoch + 1, EPOCH_MAX, "newer epoch"),
                 id_from_text(str(document.get("newer_key")), KEY_SIZE))
    shut_out = tuple(id_from_text(str(one)) for one in document.get("shut_out", []))
    return MeshKeys(_network(document), epoch, _address(document), _key(document), newer, shut_out)


def _join_key(document: dict[str, Any]) -> JoinKey:
    return JoinKey(_network(document), _key(document))


def _guests(document: dict[str, Any]) -> list[Guest]:
    found = document.get("guest", [])
    if len(found) > GUESTS_MAX:
        raise Malformed("more than %d guests" % GUESTS_MAX)
    return [Guest(id_from_text(str(one.get("concentrator")), CONCENTRATOR_SIZE), _address(one),
                  _key(one)) for one in found]


def _network(document: dict[str, Any]) -> int:
    return number(document.get("network"), 1, 0xFFFF, "network")


def _address(document: dict[str, Any]) -> int:
    return number(document.get("address"), 1, ADDRESS_MAX, "address")


def _key(document: dict[str, Any]) -> bytes:
    return id_from_text(str(document.get("key")), KEY_SIZE)
