"""The keys of the mesh at a board that takes orders, as an order changes them.

    keys/mesh       network, epochs and their keys; JSON, and a CRC of it

One file, replaced in one commit: whenever the power goes, it is as it was or as it became. What the
board was set up with holds until there is one, and again where it is of a newer epoch. Whom the
head-end has shut out is not kept: a board lets nobody in. Left out: what an order may change
(orders/network_key.py), how frames go meanwhile (mesh/changeover.py).
"""

import json
from binascii import crc32, hexlify, unhexlify

from wum_edge.archive.flash import read_whole
from wum_edge.orders.network_key import Held, Keyring

NAME = "mesh"
_FILE_MAX = 512


class BoardKeyring(Keyring):
    """`flash` is that of the board's own keys, `keys` what `in_force` gave."""

    def __init__(self, mesh, flash, keys, log):
        self._mesh, self._flash, self._log = mesh, flash, log
        network, epoch, _, key, newer = keys
        self._held = Held(network, ((epoch, key),) if newer is None else ((epoch, key), newer), ())

    def held(self):
        """See Keyring.held."""
        return self._held

    def keep(self, held):
        """See Keyring.keep."""
        keep(self._flash, held)
        self._held = Held(held.network, held.keys, ())
        self._mesh.change(held.keys)
        epochs = [epoch for epoch, _ in held.keys]
        self._log.say("the mesh: the network's key of epoch %d is in force%s" % (
            epochs[-1], "" if len(epochs) < 2 else ", beside that of epoch %d" % epochs[0]))


def keep(flash, held):
    """Durable on return. Raises OSError: nothing has changed."""
    raw = json.dumps({
        "network": held.network,
        "keys": [[epoch, hexlify(key).decode()] for epoch, key in held.keys]}).encode()
    flash.replace(NAME, raw + b"\n%08x" % crc32(raw))


def in_force(given, flash):
    """(what mesh.keys_of gave, or what an order made of it; what somebody should know)."""
    if NAME not in flash.names():
        return given, ""
    held = _read(flash)
    if held is None:
        return given, ("keys/mesh is damaged: the key that the board was set up with is used; "
                       "order a new one, wum-cloud network-key begin")
    network, epoch, address = given[:3]
    if held.network != network or held.keys[-1][0] < epoch:
        return given, ""                 # It was set up again since.
    keys = list(held.keys)
    return (network, keys[0][0], address, keys[0][1], keys[1] if len(keys) > 1 else None), ""


def _read(flash):
    """None where it is damaged."""
    data = read_whole(flash, NAME, _FILE_MAX) or b""
    if len(data) < 10 or data[-8:] != b"%08x" % crc32(data[:-9]):
        return None
    found = json.loads(data[:-9])
    return Held(found["network"],
                tuple([(epoch, unhexlify(key)) for epoch, key in found["keys"]]), ())
