"""The keys of the mesh at a board that takes orders, as an order changes them, or as it joined.

    keys/mesh       network, epochs and their keys, the address of one that joined, whom a gateway
                    lets in no more; JSON, and a CRC of it

One file, replaced in one commit: whenever the power goes, it is as it was or as it became. What the
board was set up with holds until there is one, and again where it is of a newer epoch. Left out:
what an order may change (orders/network_key.py), how frames go meanwhile (mesh/changeover.py).
"""

import json
from binascii import crc32, hexlify, unhexlify

from wum_edge.archive.flash import read_whole
from wum_edge.orders.network_key import Held, Keyring
from wum_edge.ports.micropython.mesh_keys import MeshKeys

NAME = "mesh"
_FILE_MAX = 32 * 1024        # SHUT_OUT_MAX of them, in hexadecimal digits.


class BoardKeyring(Keyring):
    """`flash` is that of the board's own keys."""

    def __init__(self, mesh, flash, log):
        self._mesh, self._flash, self._log = mesh, flash, log

    def held(self):
        """See Keyring.held."""
        own = self._mesh.own
        return Held(own.network, own.keys, own.shut_out) if own.keys else None

    def keep(self, held):
        """See Keyring.keep."""
        before = self._mesh.own
        own = MeshKeys(held.network, held.keys, before.address, before.join, before.guests,
                       held.shut_out if before.guests else ())
        keep(self._flash, own)
        self._mesh.change(own)
        epochs = [epoch for epoch, _ in held.keys]
        self._log.say("the mesh: the network's key of epoch %d is in force%s" % (
            epochs[-1], "" if len(epochs) < 2 else ", beside that of epoch %d" % epochs[0]))


def keep(flash, own):
    """Durable on return. Raises OSError: nothing has changed."""
    document = {"network": own.network,
                "keys": [[epoch, hexlify(key).decode()] for epoch, key in own.keys]}
    if own.join is not None:
        document["address"] = own.address
    if own.shut_out:
        document["shut_out"] = [hexlify(one).decode() for one in own.shut_out]
    raw = json.dumps(document).encode()
    flash.replace(NAME, raw + b"\n%08x" % crc32(raw))


def in_force(given, flash):
    """(what the board was set up with, or what came of it; what somebody should know)."""
    if NAME not in flash.names():
        return given, ""
    held = _read(flash)
    if held is None:
        return given, ("keys/mesh is damaged: " + (
            "it joins anew" if not given.keys else "the key that the board was set up with is "
            "used; order a new one, wum-cloud network-key begin"))
    if held["network"] != given.network or given.keys and (
            held["keys"][-1][0] < given.keys[0][0]):
        return given, ""                 # It was set up again since.
    return MeshKeys(
        given.network, tuple([(epoch, unhexlify(key)) for epoch, key in held["keys"]]),
        held.get("address", given.address), given.join, given.guests,
        tuple([unhexlify(one) for one in held.get("shut_out") or ()])), ""


def _read(flash):
    """None where it is damaged."""
    data = read_whole(flash, NAME, _FILE_MAX) or b""
    if len(data) < 10 or data[-8:] != b"%08x" % crc32(data[:-9]):
        return None
    return json.loads(data[:-9])
