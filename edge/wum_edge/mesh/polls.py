"""The parent's side: poll a child, take custody of its burst, tell it at once what has arrived.

Left out: whose turn it is (children.py), when the channel is free (relay.py).
"""

from wum_edge.mesh import frames
from wum_edge.mesh.echoes import GRANT_MAX, ROOM_US
from wum_edge.mesh.frames import BURST_MAX, POLL, Header, Item
from wum_edge.mesh.gradient import RANK_MAX
from wum_edge.mesh.timing import (
    HOST_US,
    IDLE,
    LEAD_GRANT,
    POLLING,
    THRESHOLD_Q4,
    TUNE_US,
    word_of,
)

# Bursts in a row before others are let at the channel: only a gateway is never in anyone's way.
_CHAIN_GATEWAY, _CHAIN_RELAY = 6, 1
_STEP_UP_Q4 = 24             # Margin in quarter dB that a faster rate must have.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from wum_edge.mesh.relay import Relay


class Polls:
    """The poll that is out, if one is, and the answer to it."""

    def __init__(self, relay: "Relay") -> None:
        self._relay = relay
        self._child = self._number = self._rate = self._grant = 0
        self._arrived = self._missing = self._backlog = self._last = 0
        self._was_heard = self._has_items = False
        self._chained, self._acknowledge = 0, 0
        self.end_us = 0              # When the answer is over, as far as we know.

    def has_work(self) -> bool:
        """Whether somebody waits for us, and we could take something."""
        relay = self._relay
        return (relay.children.next(relay.now) is not None and self._grantable() > 0
                or relay.children.next_told(relay.now) is not None)

    def _grantable(self) -> int:
        """Frames that we can take custody of and may hand on within the law."""
        relay = self._relay
        if relay.setting.is_gateway:
            return BURST_MAX if relay.is_open else 0
        if relay.gradient.rank >= RANK_MAX:
            return 0
        if relay.neighbours.is_wired(relay.gradient.parent or 0):
            return max(min(BURST_MAX, relay.custody.free), 0)
        may_send = relay.ledger.free_us(relay.now) // relay.frame_us[0] - relay.custody.size
        return max(min(BURST_MAX, relay.custody.free, may_send), 0)

    def begin(self, has_cad: bool) -> None:
        """Poll whose turn it is, after a wait for the channel."""
        self._chained = 0
        self._poll(has_cad)

    def _poll(self, has_cad: bool) -> None:
        """Poll whose turn it is, and tell the one before what has come."""
        relay, children = self._relay, self._relay.children
        grant = self._grantable()
        chain_max = _CHAIN_GATEWAY if relay.setting.is_gateway else _CHAIN_RELAY
        if relay.ripples.is_due(relay.now):      # It has waited for a whole burst.
            chain_max = 0
        elif relay.echoes.are_expected(relay.now):
            chain_max, grant = 1, min(grant, GRANT_MAX)
            relay.channel.pause(relay.now + ROOM_US + grant * relay.frame_us[0])
        address = children.next(relay.now) if grant and self._chained < chain_max else None
        if address is None:
            grant = 0
            address = self._acknowledge or children.next_told(relay.now)
            if not address:
                return
        child, told = children.get(address), children.get(self._acknowledge or address)
        if child is None or told is None:        # It had to make room meanwhile.
            self._acknowledge = 0
            return
        rate = self._rate_for(child.snr_q4)
        receipts = children.receipts(address) if not child.fruitless or not grant else []
        if grant or receipts:    # Receipts must be answered, were it by an empty frame.
            grant = max(min(grant, child.frames), 1)
            child.number = child.number % 255 + 1
        gradient = relay.gradient
        gradient.told()
        body = frames.encode_poll(frames.Poll(
            gradient.gateway, gradient.heartbeat, gradient.rank, child.number,
            relay.heard(address), self._acknowledge or address, told.answered, told.arrived,
            children.waiting(), relay.stamp(), receipts))
        self._acknowledge = 0
        if relay.send(POLL, address, frames.poll_aux(grant, rate), body, 0, has_cad) and grant:
            relay.mode = POLLING
            self._child, self._number, self._rate = address, child.number, rate
            self._grant = grant
            self._arrived = self._missing = 0
            self._was_heard = self._has_items = False

    def _rate_for(self, snr_q4: int) -> int:
        """The fastest rate that what we hear of the child lets us expect."""
        best, relay = 0, self._relay
        for rate, way in enumerate(relay.setting.ways):
            margin_q4 = snr_q4 - THRESHOLD_Q4[way.spreading_factor]
            if margin_q4 >= _STEP_UP_Q4 and relay.frame_us[rate] < relay.frame_us[best]:
                best = rate
        return best

    def sent(self) -> None:
        """The poll is out: hear what it is answered with."""
        relay = self._relay
        relay.tune(self._rate, word_of(relay.setting.address))
        if self._grant >= LEAD_GRANT:
            wait_us = relay.short_us(self._rate)
        else:                # Two frames: when only the first is lost, the other is heard.
            wait_us = 2 * relay.frame_us[self._rate] + HOST_US
        self.end_us = relay.now + 2 * HOST_US + TUNE_US + wait_us

    def data(self, header: Header, body: bytes) -> None:
        """A frame of a burst. Raises Malformed."""
        relay = self._relay
        rank, number, items = frames.decode_data(body)
        if header.source != self._child or number != self._number or relay.sending or (
                relay.mode not in (IDLE, POLLING)):
            relay.count("data unasked")
            return
        relay.mode = POLLING
        left = header.aux >> 4
        if not self._was_heard:
            self._was_heard, self._missing = True, left + 1
        self._last = header.counter + left & 0xFFFF
        self._has_items |= bool(items)
        self._backlog = header.aux & 15
        if rank <= relay.gradient.rank:
            relay.count("loop")
            relay.trickle.hurry(relay.now, relay.chance())
        elif self._take_all(items, header):
            self._missing -= 0 if self._arrived >> left & 1 else 1
            self._arrived |= 1 << left
        self.end_us = relay.now + 2 * HOST_US + left * (
            relay.frame_us[self._rate] + HOST_US // 2)
        if not left:
            self.end()

    def _take_all(self, items: list[Item], header: Header) -> bool:
        """Custody of every piece of a frame; False when one has no room."""
        relay = self._relay
        for item in items:
            relay.children.learn(item.origin, header.source)
            if relay.setting.is_gateway:
                relay.arrive(item)
            elif not relay.custody.take(item, header.priority):
                return False
        if items and not relay.setting.is_gateway:
            relay.answers.wake(relay.now)
        return True

    def abort(self) -> None:
        """Something cannot wait for the rest of an answer: what has come of it is kept, and told
        with the next poll of that child.
        """
        relay = self._relay
        relay.mode = IDLE
        relay.tune(0, 0)
        if self._was_heard:
            relay.children.answered(relay.now, self._child, self._arrived,
                                    self._backlog + self._missing, self._last)

    def end(self) -> None:
        """The answer is over, or there was none."""
        relay = self._relay
        relay.mode = IDLE
        relay.tune(0, 0)
        if not self._was_heard:
            relay.children.unanswered(relay.now, self._child, relay.chance())
            return
        relay.children.answered(relay.now, self._child, self._arrived,
                                self._backlog + self._missing, self._last)
        self._acknowledge = self._child if self._has_items else 0
        self._chained += 1
        self._poll(has_cad=False)
