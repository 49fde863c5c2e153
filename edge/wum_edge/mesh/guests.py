"""Other networks on the channel: their bursts are waited for, as long as ours get their half.

The header of a poll is not sealed: anybody's tells how long a burst is going to last. Two gateways
that hear each other so take turns instead of spoiling each other's frames: a gateway's poll has a
priority of its own, and gateways wait for gateways alone. A forged header could silence us for as
long, so what is waited for is paid from an account that fills at half of time's pace: whoever has
no key can take half of the channel in this way, and with a jammer all of it.
Left out: what the wait does (channel.py). docs/mesh-protocol.md, 5.
"""

from wum_edge.mesh import frames
from wum_edge.mesh.frames import ALL, POLL, Header
from wum_edge.mesh.timing import ASKS_US, GATEWAYS, HOST_US, NEAR_Q4

CREDIT_MAX_US = 26_000_000   # A chain of six bursts: what we may have saved up for others.
PRESENT_US = 300_000_000     # So long after its last poll another network counts as there: one that
                             # is hardly heard is kept from the channel, and must be thought of.
# Between two bursts of a chain: the poll itself, and hosts that are later than was reckoned.
_MARGIN_US = 200_000
TYPE_CHECKING = False
if TYPE_CHECKING:
    from wum_edge.mesh.relay import Relay


class Guests:
    """What is known of them: when one was heard last, and what we may still wait for them."""

    def __init__(self, relay: "Relay") -> None:
        self._relay = relay
        self._heard_us: int | None = None
        self._credit_us, self._credited_us = CREDIT_MAX_US, relay.now
        self._until_us, self._waited_for = relay.now, ALL

    def are_present(self) -> bool:
        """Whether the channel is to be shared."""
        return self._heard_us is not None and self._relay.now - self._heard_us < PRESENT_US

    def heard(self, header: Header, margin_q4: int) -> None:
        """A frame of another network, with so much margin. Nothing of it is known to be true."""
        relay = self._relay
        self._heard_us = relay.now   # An ask may be all that is heard between two chains of ours.
        if header.kind != POLL:
            return
        if relay.setting.is_gateway and header.priority != GATEWAYS:
            return                   # No more than for a relay of ours: our time is what is dear.
        grant, rate = frames.decode_poll_aux(header.aux)
        if rate >= len(relay.setting.ways):
            rate = 0
        if grant:
            wait_us = HOST_US + grant * (relay.frame_us[rate] + HOST_US // 2) + _MARGIN_US
        else:                        # A chain is over: its gateway may be hearing asks.
            wait_us = ASKS_US
        until_us = relay.now + min(wait_us, self._credit(relay.now))
        if until_us > self._until_us or header.source == self._waited_for:
            self._credit_us -= until_us - max(self._until_us, relay.now)
            self._until_us, self._waited_for = until_us, header.source
            relay.channel.give_way(until_us, is_near=margin_q4 >= NEAR_Q4)

    def _credit(self, t_us: int) -> int:
        """What may be waited for from now on, with what is paid already."""
        self._credit_us = min(
            self._credit_us + (t_us - self._credited_us) // 2, CREDIT_MAX_US)
        self._credited_us = t_us
        return self._credit_us + max(self._until_us - t_us, 0)
