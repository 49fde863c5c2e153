"""What a concentrator needs to be one of a mesh: network, epoch, its address, the network's key.

One file of the keys folder, mesh.key, that `wum-firmware provision --mesh` wrote. Left out: keys of
a link and their change.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from wum_edge.ports.linux.keys import BadKeys, secret_text
from wum_shared.errors import Malformed
from wum_shared.fields import number
from wum_shared.ids import id_from_text

NAME = "mesh.key"
ADDRESS_MAX = 0xFDFF         # Above are groups and everybody.


@dataclass(frozen=True, slots=True, repr=False)
class MeshKeys:
    """Its repr is the default one: it shows no key."""

    network: int
    epoch: int
    address: int
    key: bytes


def read_mesh_keys(folder: Path) -> MeshKeys:
    """Those of the concentrator whose keys folder this is. Raises BadKeys."""
    path = folder / NAME
    if not path.exists():
        raise BadKeys(f"{path} is missing, and the configuration has a [mesh]: "
                      f"`wum-firmware provision --mesh NETWORK.mesh --out {folder}` writes it")
    text = secret_text(path)
    try:
        document = tomllib.loads(text)
        return MeshKeys(
            number(document.get("network"), 1, 0xFFFF, "network"),
            number(document.get("epoch"), 0, 0xFFFFFFFF, "epoch"),
            number(document.get("address"), 1, ADDRESS_MAX, "address"),
            id_from_text(str(document.get("key")), 16))
    except (Malformed, tomllib.TOMLDecodeError):
        # Not chained and not quoted: the text would hold the key.
        raise BadKeys(f"{path}: wanted network, epoch, address and 32 hexadecimal digits of a "
                      "key, as `wum-firmware provision --mesh` writes them") from None
