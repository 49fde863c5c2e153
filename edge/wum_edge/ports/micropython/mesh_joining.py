"""A board that was invited into a mesh: it joins through a neighbour, and once more when it has had
no way to a gateway for long, for its key may be of an epoch that is over. And the door of a gateway
that lets such boards in.

As ports/linux/mesh_member.py. What it was given is on flash before it is used. Left out: how one
joins (mesh/joiner.py), who is admitted (carry/door.py).
"""

import os
from binascii import crc32

from wum_edge.archive.flash import read_whole
from wum_edge.mesh.joiner import Joiner
from wum_edge.mesh.timing import IDLE
from wum_edge.ports.micropython import mesh_keyring
from wum_edge.ports.micropython.mesh_keys import MeshKeys

NONCE = "mesh-nonce"
ALONE_MS = 1800000           # Without a way for so long one who was invited joins once more ...
TRY_MS = 600000              # ... for so long; then the key that it has is tried again.


class Nonces:
    """The last number under which this station asked to join: none is used twice. A file that is
    lost begins anywhere of 2**32.
    """

    def __init__(self, flash):
        self._flash = flash
        data = read_whole(flash, NONCE, 8) or b""
        is_whole = len(data) == 8 and crc32(data[:4]) == int.from_bytes(data[4:], "big")
        self.last = int.from_bytes(data[:4] if is_whole else os.urandom(4), "big")

    def keep(self, nonce):
        """Durable on return. Raises OSError."""
        data = nonce.to_bytes(4, "big")
        self._flash.replace(NONCE, data + crc32(data).to_bytes(4, "big"))
        self.last = nonce


class Joining:
    """Of a station with a key to join by. `eui`: its id; `flash` is the archive's, `keys` that of
    the board's own keys; `seal` makes a seal of a key.
    """

    def __init__(self, mesh, eui, flash, keys, seal, log):
        self._mesh, self._eui, self._keys, self._log = mesh, eui, keys, log
        self._nonces, self._seal = Nonces(flash), seal(mesh.own.join)
        self._alone_ms = None            # Since when there is no way.
        self._began_ms = 0
        self._given = None
        self._is_written = False         # ... and on flash, or never will be.
        self.may_ask = True              # Flash has taken the number of the next request.

    def tick(self, now_ms, has_way):
        """Ask, or leave off asking, when it is time to."""
        mesh, is_in = self._mesh, bool(self._mesh.own.keys)
        if self._alone_ms is None:
            self._alone_ms = now_ms
        if self._given is not None:
            self._take_up(now_ms)
        elif mesh.joiner is not None:
            if is_in and now_ms - self._began_ms >= TRY_MS and not mesh.joiner.is_busy:
                mesh.joiner = None
                self._alone_ms = now_ms
        elif is_in and has_way:
            self._alone_ms = now_ms
        elif not is_in or now_ms - self._alone_ms >= ALONE_MS:
            self._begin(now_ms)

    def keep_nonce(self, nonce):
        """Before anything is sent under it."""
        self.may_ask = False
        try:
            self._nonces.keep(nonce)
            self.may_ask = True
        except OSError as error:
            self._log.warn("flash does not take the number of a request to join: %s" % error)

    def joined(self, address, epoch, key):
        """It was admitted: now, or just before it left off asking."""
        own = self._mesh.own
        if self._given is not None:
            return
        if own.keys and epoch < own.keys[-1][0]:
            self._log.warn("the mesh: a gateway admits with the key of epoch %d, and that of %d is "
                           "in force: it has missed the change" % (epoch, own.keys[-1][0]))
        elif not own.keys or (epoch, key) != own.keys[-1] or address != own.address:
            self._given = MeshKeys(own.network, ((epoch, key),), address, own.join, own.guests, ())
            self._is_written = False

    def changed(self):
        """An order came first: what was given before is none of ours any more."""
        self._given = None

    def _begin(self, now_ms):
        mesh, relay = self._mesh, self._mesh.relay
        if relay.sending or relay.mode != IDLE:
            return
        joiner = Joiner(relay.setting, self._seal, self._eui, self._nonces.last, mesh.now_us(),
                        int.from_bytes(os.urandom(4), "big"))
        joiner.ledger = relay.ledger     # One account for both.
        mesh.joiner, self._began_ms = joiner, now_ms
        self._log.say("the mesh: asking a neighbour to be admitted" + (
            "" if not mesh.own.keys else ", for there was no way for %d s: is the key of an epoch "
            "that is over?" % (ALONE_MS // 1000)))

    def _take_up(self, now_ms):
        """Begin with what was given, once it is on flash."""
        mesh = self._mesh
        if mesh.joiner is not None and mesh.joiner.is_busy or mesh.joiner is None and (
                mesh.relay.sending or mesh.relay.mode != IDLE):
            return
        failure = None
        try:
            if not self._is_written:
                mesh_keyring.keep(self._keys, self._given)
        except OSError as error:
            failure = error
        self._is_written = True
        if failure is not None:
            self._log.warn("the mesh: admitted, and the key cannot be kept (%s): it is asked for "
                           "again after the next start" % failure)
        mesh.begin_anew(self._given)
        self._log.say("the mesh: admitted as station %d, epoch %d" % (
            self._given.address, self._given.keys[0][0]))
        self._given, self._alone_ms = None, now_ms   # The new key has its time to find a way.


def door_of(own, seal, log):
    """Of a gateway that has a list of guests; None where nobody was invited."""
    if not own.guests:
        return None
    from wum_edge.carry.door import Door
    guests = {}
    for concentrator in own.guests:
        key, address = own.guests[concentrator]
        guests[concentrator] = seal(key), address
    door = Door(guests, own.keys[0][0], own.keys[0][1], log)
    door.shut_out = own.shut_out
    return door
