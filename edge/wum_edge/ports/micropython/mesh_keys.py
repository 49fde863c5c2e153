"""What a board's station of the mesh holds of keys, and has from the workbench.

Left out: what an order makes of it (mesh_keyring.py), how one joins (mesh_joining.py).
"""

from binascii import unhexlify
from collections import namedtuple

_KEY_SIZE = 16


class MeshKeys(namedtuple("MeshKeys", (
        "network", "keys", "address", "join", "guests", "shut_out"))):
    """`keys`: (epoch, key) of one epoch or of two, the older first; none before it has joined, by
    the key `join`. `guests`, of a gateway: {concentrator: (key, address)}, and of whom it lets in
    no more.
    """

    __slots__ = ()

    def __repr__(self):
        return "MeshKeys of network %04x" % self.network


def keys_of(given):
    """MeshKeys of what the workbench wrote. Raises KeyError, ValueError, TypeError."""
    join = _key(given["join"]) if "join" in given else None
    guests = {}
    for one in given.get("guests") or ():
        guests[unhexlify(one["concentrator"])] = _key(one["key"]), one["address"]
    if join is not None and "key" not in given:
        return MeshKeys(given["network"], (), 0, join, guests, ())
    return MeshKeys(given["network"], ((given["epoch"], _key(given["key"])),), given["address"],
                    join, guests, ())


def _key(text):
    key = unhexlify(text)
    if len(key) != _KEY_SIZE:
        raise ValueError("a mesh key of %d bytes" % len(key))
    return key
