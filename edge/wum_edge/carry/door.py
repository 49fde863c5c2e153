"""A gateway's answer to those who want to join: admitted is who was invited, and nobody else.

Left out: the bytes (mesh/joining.py), the list (a port), how a request comes here (mesh/porch.py).
"""

from wum_edge.log import Log
from wum_edge.mesh import joining
from wum_edge.mesh.guard import Seal
from wum_edge.mesh.joining import Admission
from wum_shared.errors import Malformed
from wum_shared.ids import id_to_text


class Door:
    """`guests`: by concentrator, the seal of its own key and its address; `shut_out`: who has such
    a key and is not let in any more.
    """

    def __init__(self, guests: dict[bytes, tuple[Seal, int]], epoch: int, network_key: bytes,
                 log: Log) -> None:
        self.counts = {"admitted": 0, "unknown": 0, "shut out": 0, "not genuine": 0}
        self._guests, self._epoch, self._key, self._log = guests, epoch, network_key, log
        self.shut_out: tuple[bytes, ...] = ()

    def give(self, epoch: int, network_key: bytes) -> None:
        """From now on this key is given."""
        self._epoch, self._key = epoch, network_key

    def answer(self, content: bytes) -> tuple[int, bytes] | None:
        """(where to, sealed admission) for a request; None: it is answered by silence."""
        wanted = None
        try:
            wanted = joining.decode_request(content)
        except Malformed:
            self.counts["not genuine"] += 1
        if wanted is None:
            return None
        guest = self._guests.get(wanted.eui)
        if guest is None:
            self._refuse("unknown", "%s wants to join the mesh and was not invited: wum-firmware "
                         "mesh NETWORK.mesh --invite, and --door for the gateways" % (
                             id_to_text(wanted.eui)))
            return None
        seal, address = guest
        if wanted.eui in self.shut_out:
            self._refuse("shut out", "%s wants to join the mesh, and the head-end has shut it out"
                         % id_to_text(wanted.eui))
            return None
        if not joining.is_genuine(seal, wanted):
            self._refuse("not genuine", "somebody without its key wants to join the mesh as %s" % (
                id_to_text(wanted.eui)))
            return None
        self.counts["admitted"] += 1
        self._log.say("the mesh: %s is admitted as station %d" % (
            id_to_text(wanted.eui), address))
        return wanted.answer_to, joining.admission(
            seal, wanted, Admission(address, self._epoch, self._key))

    def _refuse(self, why: str, text: str) -> None:
        """Told once of each kind: anybody can ask as often as he likes."""
        self.counts[why] += 1
        if self.counts[why] == 1:
            self._log.warn(text)
