"""While the network's key changes: under which of two keys a frame goes.

A station that holds both opens both. It speaks to a neighbour under the newest that it has heard
that one use, so nobody is spoken to under a key that he may lack; what is for everybody goes under
the new key and the old one by turns, until everybody who was heard of late has used the new one.
So a station that has not got it yet stays a full member, until its neighbours forget the old key.
Left out: how the keys come here (a port, by an order), sealing (guard.py). docs/mesh-protocol.md,
section 2.
"""

from wum_edge.mesh.frames import ECHO, GROUP, RIPPLE
from wum_edge.mesh.guard import Seal

RECENT_US = 3_600_000_000    # Who was heard since then counts: beacons come every 34 minutes.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from wum_edge.mesh.relay import Relay


class Changeover:
    """The relay's keys, as they change."""

    def __init__(self, relay: "Relay") -> None:
        self._relay = relay
        self._turns = 0              # A bit for each kind: whose turn it is.
        self._is_waited_for = False  # The next beacon is.

    def take_up(self, seal: Seal, net: int, epoch: int) -> None:
        """A newer key, beside the one so far. Who hears us is to know soon that we have it."""
        relay = self._relay
        relay.guard.take_up(seal, net, epoch)
        relay.trickle.reset(relay.now, relay.chance())

    def forget(self) -> None:
        """The old key is over, with whoever has no other."""
        relay = self._relay
        relay.guard.forget()
        relay.trickle.reset(relay.now, relay.chance())

    def is_old(self, kind: int, destination: int) -> bool:
        """Whether the next frame, of this kind and for this one, goes under the old key."""
        guard = self._relay.guard
        if not guard.has_two:
            return False
        if destination < GROUP and kind not in (RIPPLE, ECHO):
            return not guard.has_newest(destination)
        self._turns ^= 1 << kind
        return bool(self._turns >> kind & 1) and self.waits_for() is not None

    def waited_for(self) -> None:
        """A neighbour cannot do without our next beacon, and may lack either key: both follow each
        other. By turns alone the one that matters may go under the wrong key each time.
        """
        self._is_waited_for = self._relay.guard.has_two

    def told(self) -> None:
        """A beacon is out."""
        if self._is_waited_for:
            self._is_waited_for = False
            self._relay.trickle.hurry(self._relay.now, self._relay.chance())

    def waits_for(self) -> int | None:
        """A neighbour that was heard of late, and not under the new key; 0 when nobody was heard
        at all, None when there is no such neighbour.
        """
        relay = self._relay
        found: int | None = 0
        for other in relay.neighbours.all():
            if relay.now - other.heard_at_us < RECENT_US:
                if not relay.guard.has_newest(other.address):
                    return other.address
                found = None
        return found
