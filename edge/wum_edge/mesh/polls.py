"""The parent's side: poll a child, take custody of its burst, tell it at once what has arrived.

Left out: whose turn it is (children.py), when the channel is free (relay.py).
"""

from wum_edge.mesh import frames
from wum_edge.mesh.downframes import WANTED
from wum_edge.mesh.echoes import GRANT_MAX, ROOM_US
from wum_edge.mesh.frames import BURST_MAX, NOTE, POLL, Header, Item
from wum_edge.mesh.gradient import RANK_MAX
from wum_edge.mesh.timing import (
    ASKS_MAX_US,
    ASKS_US,
    GATEWAYS,
    HOST_US,
    IDLE,
    LEAD_GRANT,
    POLLING,
    RELAYS,
    THRESHOLD_Q4,
    TUNE_US,
    is_short,
    saving_us,
    word_of,
)

# Bursts in a row before others are let at the channel: only a gateway is never in anyone's way. It
# stops when everybody that it knows of had a turn, so that those of whom it does not know can ask.
_CHAIN_GATEWAY, _CHAIN_RELAY = 12, 1
_CHAIN_SHARED = 6            # Where another network waits for its turn, ...
_TURN_US = 1_500_000         # ... and so long it has to take it.
_GRANT_LEAST = BURST_MAX // 2
# A gateway for which less waits than five full bursts lets the bursts end that it hears of: its
# poll would spoil them, and be spoilt. With more its time is what there is least of.
_CALM_FRAMES = 5 * BURST_MAX
_ACKS_FEW = 2                # Where little waits, whoever misses it is not long in asking.
# Where the law leaves a hundredth of the time, polls are what a gateway has least of: they tell
# less, a burst whose first frames may be lost is heard for four more, who is silent is left longer.
_MORE_DEAR, _HOLD_DEAR = 4, 4
TELL_TIME_US = 10_000_000   # Clocks run well for longer than a station polls somebody else.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from wum_edge.mesh.relay import Relay


class Polls:
    """The poll that is out, if one is, and the answer to it."""

    def __init__(self, relay: "Relay") -> None:
        self._relay = relay
        self._child = self._number = self._rate = self._grant = self._announced = 0
        self._arrived = self._missing = self._backlog = self._last = 0
        self._was_heard = self._has_items = False
        self._origins: set[int] = set()  # Of the pieces of this burst.
        self._chained, self._acknowledge = 0, 0
        self._answered: list[int] = []   # Whose bursts were the last ones, the latest first.
        self._asks_end_us = 0
        self._is_dear = relay.setting.is_dear
        self._time_us = relay.now    # When a poll is to tell the time again.
        self.end_us = 0              # When the answer is over, as far as we know.

    def has_work(self) -> bool:
        """Whether somebody waits for us, and we could take something."""
        relay = self._relay
        child = relay.children.next(relay.now)
        return (child is not None and self._is_worth(child)
                or relay.children.next_told(relay.now) is not None)

    def _is_worth(self, address: int) -> bool:
        """Whether there is room for all that a child has, or for half a burst: a poll for a frame
        or two costs the channel as much as one for sixteen. And who has a burst of others' pieces
        that nobody has called for, or one piece of theirs beside its own, needs no second burst: it
        would only trouble receivers nearby. (What came by wire came without a poll, and keeps none
        from being made.)
        """
        relay = self._relay
        child, custody = relay.children.get(address), relay.custody
        others_max = BURST_MAX if custody.size == custody.others else 0
        return child is not None and self.grantable() > 0 and (
            relay.setting.is_gateway
            or (custody.others <= others_max or relay.neighbours.has_wired())
            and custody.free >= min(child.frames, _GRANT_LEAST))

    def grantable(self) -> int:
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
        if not self._relay.setting.is_gateway:
            self._chained = 0
        self._poll(has_cad or self._relay.hearing.guests.are_present())

    def asked(self) -> None:
        """A child has asked: others may be about to."""
        relay = self._relay
        if relay.now < self._asks_end_us:
            relay.channel.pause(min(relay.now + ASKS_US, self._asks_end_us))

    def _poll(self, has_cad: bool) -> None:
        """Poll whose turn it is, and tell the one before what has come."""
        relay, children = self._relay, self._relay.children
        grant = self.grantable()
        chain_max = self._chain_max()
        if relay.ripples.is_due(relay.now):      # It has waited for a whole burst.
            chain_max = 0
        elif relay.echoes.are_expected(relay.now):
            chain_max, grant = 1, min(grant, GRANT_MAX)
            relay.channel.pause(relay.now + ROOM_US + grant * relay.frame_us[0])
        following = children.next(relay.now) if grant and not self._is_held_up() else None
        is_over = following is not None and self._chained >= chain_max
        address = None if is_over else following
        if address is None:
            grant = 0
            address = self._acknowledge or (0 if is_over else children.next_told(relay.now))
            if is_over:
                self._chained = 0
                if relay.setting.is_gateway:
                    self._asks_end_us = relay.now + ASKS_MAX_US
                    relay.channel.pause(relay.now + (
                        _TURN_US if relay.hearing.guests.are_present() else ASKS_US))
            if not address:
                return
        child, self._acknowledge = children.get(address), 0
        if child is None:                        # It had to make room meanwhile.
            return
        rate = self._rate_for(child.snr_q4)
        # A word that only ends a chain tells of no receipts: it would have to be answered.
        receipts = [] if is_over or child.fruitless and grant else children.receipts(
            relay.now, address, is_dear=relay.gradient.price_q4 > 16)
        number = 0
        if grant or receipts:    # Receipts must be answered, were it by an empty frame.
            lead = 1 if child.frames + 1 >= LEAD_GRANT else 0
            grant = max(min(grant, child.frames + lead), 1)
            number = child.number = child.number % 255 + 1
        gradient = relay.gradient
        gradient.told()
        body = frames.encode_poll(frames.Poll(
            gradient.gateway, gradient.heartbeat, gradient.rank, number,
            relay.heard(address), children.waiting(relay.last_counter + 1), self._stamp(grant),
            self._acks(address), receipts))
        if relay.send(POLL, address, frames.poll_aux(grant, rate), body, 0, has_cad,
                      GATEWAYS if relay.setting.is_gateway else RELAYS) and grant:
            relay.mode = POLLING
            self._child, self._number, self._rate = address, child.number, rate
            self._grant = grant
            self._arrived = self._missing = 0
            self._was_heard = self._has_items = False
            self._origins = set()

    def _stamp(self, grant: int) -> frames.Stamp:
        """The time, now and then: a clock runs well for longer than it takes to poll somebody."""
        relay = self._relay
        if not grant or relay.now < self._time_us:
            return frames.Stamp(0, 0, relay.ripples.newest)
        self._time_us = relay.now + TELL_TIME_US
        return relay.stamp()

    def _is_held_up(self) -> bool:
        """Whether a gateway lets others end their bursts before it polls again."""
        relay = self._relay
        if not relay.setting.is_gateway:
            return False
        relay.channel.is_calm = relay.children.load() < _CALM_FRAMES
        return relay.channel.is_calm and relay.channel.free_us(relay.now, 1 + POLL) > relay.now

    def _acks(self, address: int) -> list[tuple[int, int, int]]:
        """What is told of bursts: of that of whom we poll, and of the last ones again. A child that
        does not learn what has arrived sends all of it once more.
        """
        relay = self._relay
        few = relay.children.load() < (_CALM_FRAMES if relay.setting.is_gateway else BURST_MAX)
        most = _ACKS_FEW if few or self._is_dear else frames.ACKS_MAX
        found: list[tuple[int, int, int]] = []
        for other in [address] + self._answered:
            child = relay.children.get(other)
            if child is not None and child.answered >= 0 and (
                    len(found) < most and other not in [ack[0] for ack in found]):
                found.append((other, child.answered, child.arrived))
        return found

    def _chain_max(self) -> int:
        """How many bursts there may be in a row."""
        if not self._relay.setting.is_gateway:
            return _CHAIN_RELAY
        if self._relay.hearing.guests.are_present():
            return _CHAIN_SHARED
        return min(max(self._relay.children.count_waiting(), 2), _CHAIN_GATEWAY)

    def _rate_for(self, snr_q4: int) -> int:
        """The fastest rate for which the child is heard above the threshold on average: half of its
        frames may be lost there, but take a third of the time.
        """
        best, relay = 0, self._relay
        for rate, way in enumerate(relay.setting.ways):
            margin_q4 = snr_q4 - THRESHOLD_Q4[way.spreading_factor]
            if margin_q4 >= 0 and relay.frame_us[rate] < relay.frame_us[best]:
                best = rate
        return best

    def sent(self) -> None:
        """The poll is out: hear what it is answered with."""
        relay = self._relay
        relay.tune(self._rate, word_of(relay.setting.address))
        if self._grant >= LEAD_GRANT and not relay.hearing.guests.are_present():
            wait_us = relay.short_us(self._rate)
            if self._is_dear:
                wait_us += _MORE_DEAR * (relay.frame_us[self._rate] + HOST_US)
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
            self._was_heard, self._missing, self._announced = True, left + 1, left + 1
        self._last = header.counter + left & 0xFFFF
        self._has_items |= bool(items)
        self._backlog = header.aux & 15
        self._origins.update([item.origin for item in items])
        if items and rank <= relay.gradient.rank:
            relay.count("loop")
            relay.trickle.hurry(relay.now, relay.chance())
        elif self.take_all(items, header):
            self._missing -= 0 if self._arrived >> left & 1 else 1
            self._arrived |= 1 << left
        self.end_us = relay.now + 2 * HOST_US + left * (
            relay.frame_us[self._rate] + HOST_US // 2)
        if not left:
            self.end()

    def take_all(self, items: list[Item], header: Header) -> bool:
        """Custody of every piece of a frame; False when one has no room."""
        relay = self._relay
        for item in items:
            relay.children.learn(item.origin, header.source)
            if item.mark == NOTE and item.content[:1] == bytes((WANTED,)):
                relay.wanting.carries()
            if relay.setting.is_gateway:
                relay.ends.arrive(item)
            elif not relay.custody.take(item, header.priority, header.source):
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
            self._count()

    def end(self) -> None:
        """The answer is over, or there was none."""
        relay = self._relay
        relay.mode = IDLE
        relay.tune(0, 0)
        self._chained += 1
        if not self._was_heard:
            relay.children.unanswered(relay.now, self._child, relay.chance(),
                                      _HOLD_DEAR if self._is_dear else 1)
            if relay.setting.is_gateway:
                self._poll(has_cad=relay.hearing.guests.are_present())
            return
        self._count()
        if self._has_items:
            self._acknowledge = self._child
            others = [other for other in self._answered if other != self._child]
            self._answered = [self._child] + others[:frames.ACKS_MAX - 2]
        self._poll(has_cad=relay.hearing.guests.are_present())

    def _count(self) -> None:
        """What has come of the burst."""
        relay, children = self._relay, self._relay.children
        children.answered(
            relay.now, self._child, self._arrived, self._backlog + self._missing,
            self._last, max(len(self._origins), 1))
        if self._backlog and self._rate != relay.setting.wire and (
                is_short(self._announced, self._grant)):
            children.spare(self._child, relay.now + saving_us(
                relay.frame_us[self._rate], relay.setting.duty_permyriad))
