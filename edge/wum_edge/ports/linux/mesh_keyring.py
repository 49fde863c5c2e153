"""The keys of the mesh at a running station, as an order changes them.

Left out: what an order may change (orders/network_key.py), their file (mesh_keys.py), how frames go
while there are two (mesh/changeover.py).
"""

from wum_edge.carry.door import Door
from wum_edge.log import Log
from wum_edge.orders.network_key import Held, Keyring
from wum_edge.ports.linux.mesh_keys import MeshKeys
from wum_edge.ports.linux.mesh_member import Membership
from wum_edge.ports.linux.mesh_station import Station


class LinuxKeyring(Keyring):
    """In the agent's thread. `door` is that of a gateway with guests."""

    def __init__(self, member: Membership, station: Station, door: Door | None, log: Log) -> None:
        self._member, self._station, self._door, self._log = member, station, door, log

    def held(self) -> Held | None:
        """See Keyring.held."""
        keys = self._member.keys
        if keys is None:
            return None
        own = (keys.epoch, keys.key)
        return Held(keys.network, (own,) if keys.newer is None else (own, keys.newer),
                    keys.shut_out)

    def keep(self, held: Held) -> None:
        """See Keyring.keep."""
        before = self._member.keys
        assert before is not None        # As `held` has told.
        epoch, key = held.keys[0]
        newer = held.keys[1] if len(held.keys) > 1 else None
        self._member.change(self._station, MeshKeys(
            held.network, epoch, before.address, key, newer, held.shut_out))
        if self._door is not None:       # The older of two: whoever is let in is understood by all.
            self._door.give(epoch, key)
            self._door.shut_out = held.shut_out
        self._log.say("the mesh: the network's key of epoch %d is in force%s" % (
            held.keys[-1][0], "" if newer is None else ", beside that of epoch %d" % epoch))
