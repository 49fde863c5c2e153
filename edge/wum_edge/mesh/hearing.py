"""What the frames of others mean to us: those for us, and those that we only overhear.

Left out: what each kind is for, which is its own file's. docs/mesh-protocol.md, 4 to 6.
"""

from wum_edge.mesh import frames
from wum_edge.mesh.airtime import airtime_us
from wum_edge.mesh.frames import (
    ASK,
    BEACON,
    DATA,
    DOWN,
    ECHO,
    GOT,
    HAND,
    LACK,
    POLL,
    RIPPLE,
    SYMBOL,
    TAKEN,
    Header,
    Stamp,
)
from wum_edge.mesh.gradient import RANK_MAX
from wum_edge.mesh.guests import Guests
from wum_edge.mesh.neighbours import NEIGHBOURS_MAX, Neighbour
from wum_edge.mesh.timing import ASKS_US, HOST_US, IDLE, NEAR_Q4, THRESHOLD_Q4

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wum_edge.mesh.relay import Relay


def is_flooded(header: Header) -> bool:
    """Whether a frame is for everybody who hears it: it goes by radio and by every wire."""
    return header.destination >= frames.GROUP or header.kind in (RIPPLE, ECHO)


class Hearing:
    """The relay's ear. `receive` and `overhear` raise Malformed, NotOurs."""

    def __init__(self, relay: "Relay") -> None:
        self._relay = relay
        # By station: its counter, our time, and whether it came by wire alone so far.
        self._ends: dict[int, tuple[int, int, bool]] = {}
        self.guests = Guests(relay)

    def check(self, header: Header, snr_q4: int, rate: int) -> None:
        """Whether a frame may be ours. Raises Malformed, and NotOurs for a foreign network."""
        relay = self._relay
        if relay.guard.is_foreign(header.net):
            self.guests.heard(header, snr_q4 - THRESHOLD_Q4[
                relay.setting.ways[rate].spreading_factor])
        relay.guard.check(header)

    def receive(self, header: Header, body: bytes, snr_q4: int, rate: int) -> None:
        """A frame for us, or for everybody."""
        relay = self._relay
        margin_q4 = snr_q4 - THRESHOLD_Q4[relay.setting.ways[rate].spreading_factor]
        other = relay.neighbours.hear(relay.now, header.source, margin_q4)
        is_wire = rate == relay.setting.wire
        if other is not None:
            other.came(is_wire, is_flooded(header))
        if header.kind == DATA:
            relay.polls.data(header, body)
        elif header.kind == BEACON:
            self._beacon(header, other, frames.decode_beacon(body))
        elif header.kind == RIPPLE:
            relay.ripples.heard(header, body)
        elif header.kind == ECHO:
            relay.echoes.heard(header, body)
        elif header.kind == GOT:
            relay.downward.got(header)
        elif header.kind == HAND:
            relay.handing.heard(header, body)
        elif header.kind == TAKEN:
            relay.handing.taken(header, body)
        elif header.kind == LACK:
            relay.spread.heard_lack(header, body)
        elif header.kind == SYMBOL:
            relay.spread.heard_symbol(header, body)
        elif header.kind == DOWN and relay.mode == IDLE and not relay.sending:
            relay.downward.arrived(header, body)
        elif header.kind == ASK:
            ask = frames.decode_ask(body)
            if ask.rank <= relay.gradient.rank or relay.gradient.rank >= RANK_MAX:
                relay.trickle.hurry(relay.now, relay.chance())    # It is mistaken about us.
            else:
                relay.children.ask(relay.now, header.source, ask.frames, snr_q4)
                relay.polls.asked()
        elif header.kind == POLL:
            poll = frames.decode_poll(body)
            self._told(other, poll.gateway, poll.heartbeat, poll.rank)
            self.heed_stamp(header, poll.stamp, poll.rank)
            self._acknowledged(header, poll)
            grant, rate = frames.decode_poll_aux(header.aux)
            if not relay.guard.is_recent(poll.heard):
                relay.count("poll of another life")
            elif (grant and rate < len(relay.setting.ways) and relay.mode == IDLE
                    and not relay.sending
                    and (not poll.rank      # A gateway's time is what there is least of.
                         or relay.channel.may_answer(relay.now, header.source))):
                relay.answers.polled(relay.now, header.source, poll.number, grant, rate)
        counter, end_us, _ = self._ends.get(header.source, (-1, 0, False))
        if counter == header.counter & 255 and is_wire and is_flooded(header):
            # Its sender tells when it was over by radio, or when it would have been.
            size = frames.HEADER_SIZE + len(body) + frames.TAG_SIZE
            end_us += airtime_us(relay.setting.ways[0], size)
            self._ends[header.source] = (counter, end_us, True)

    def copied(self, header: Header, rate: int) -> None:
        """Something came that was heard before. What is flooded by both is over later by
        radio, and that is the time that its sender tells of. Not much later: what an outsider
        repeats tells no time.
        """
        relay = self._relay
        counter, end_us, is_wire = self._ends.get(header.source, (-1, 0, False))
        if rate != relay.setting.wire and is_wire and counter == header.counter & 255 and (
                relay.heard_us - end_us <= relay.frame_us[0] + HOST_US):
            self._ends[header.source] = (counter, relay.heard_us, False)

    def overhear(self, header: Header, body: bytes, snr_q4: int, rate: int) -> None:
        """Keep silent while others need the channel; learn what concerns us all the same."""
        relay, me = self._relay, self._relay.setting.address
        margin_q4 = snr_q4 - THRESHOLD_Q4[relay.setting.ways[rate].spreading_factor]
        if header.kind == POLL:
            poll = frames.decode_poll(body)
            grant, rate_to = frames.decode_poll_aux(header.aux)
            if rate_to < len(relay.setting.ways):
                until_us = relay.now + HOST_US + grant * (
                    relay.frame_us[rate_to] + HOST_US // 2)
                more_us = 0 if poll.rank or not grant else self._following_us(header, poll, grant)
                if grant and margin_q4 >= NEAR_Q4:
                    relay.channel.protect(until_us + more_us // 2, header.source)
                relay.hold(until_us + max(more_us, HOST_US), header.source)
                if grant:
                    relay.children.polled(header.destination, grant, until_us)
            if not grant:
                relay.channel.release(header.source)
            other = relay.neighbours.hear(relay.now, header.source, margin_q4)
            self._told(other, poll.gateway, poll.heartbeat, poll.rank)
            self.heed_stamp(header, poll.stamp, poll.rank)
            self._acknowledged(header, poll)
            if not grant and not poll.rank and header.source == relay.gradient.parent:
                relay.channel.invite(relay.now + ASKS_US, header.source)
        elif not relay.setting.is_gateway:
            relay.hold(relay.now + 2 * HOST_US + relay.middling_us, header.destination)
        if header.kind == ASK:
            ask = frames.decode_ask(body)
            relay.answers.overheard(
                relay.now, header.source,
                bool(ask.waiting >> frames.waiting_bit(me, header.counter) & 1), relay.now)

    def _following_us(self, header: Header, poll: frames.Poll, grant: int) -> int:
        """What may come after a burst to a gateway. Who misses its next poll, as many do, takes it
        that another burst follows; but where nobody else waits there, and the child has no more
        than was granted, that poll is the last.
        """
        relay = self._relay
        own = 1 << frames.waiting_bit(header.destination, header.counter)
        if grant < frames.BURST_MAX and not poll.waiting & ~own:
            return 2 * HOST_US + relay.middling_us
        return frames.BURST_MAX * relay.frame_us[0] + 8 * HOST_US

    def _beacon(self, header: Header, other: Neighbour | None, beacon: frames.Beacon) -> None:
        relay = self._relay
        if other is None:
            return
        self.heed_stamp(header, beacon.stamp, beacon.rank)
        self._told(other, beacon.gateway, beacon.heartbeat, beacon.rank)
        if beacon.wants & frames.WANTS_TIME and beacon.rank > relay.gradient.rank and (
                relay.clock.is_known):
            relay.trickle.reset(relay.now, relay.chance())
        if beacon.wants & frames.WANTS_WAY:
            if relay.gradient.rank < RANK_MAX:
                relay.wanting.heard()
        elif beacon.rank >= relay.gradient.rank // 2:
            relay.trickle.consistent()

    def heed_stamp(self, header: Header, stamp: Stamp, rank: int) -> None:
        """What time it is there, if that is nearer to a gateway; whether it lacks a ripple."""
        relay = self._relay
        before = self._ends.get(header.source)
        if header.kind != RIPPLE:
            relay.ripples.lacks(stamp.ripple, relay.channel.held_until_us(header.source))
        if stamp.time_us and rank < relay.gradient.rank and before is not None and (
                before[0] == stamp.about and not relay.gradient.is_gateway):
            if not relay.clock.is_known:         # Those behind us wait for it.
                relay.trickle.reset(relay.now, relay.chance())
            relay.clock.set(before[1], stamp.time_us)
        if before is None and len(self._ends) >= NEIGHBOURS_MAX:
            self._ends.clear()
        self._ends[header.source] = (header.counter & 255, relay.heard_us, False)

    def _told(self, other: Neighbour | None, gateway: int, heartbeat: int, rank: int) -> None:
        relay = self._relay
        if other is not None and other.tell(relay.now, gateway, heartbeat, rank) and (
                relay.gradient.concerns(other, relay.neighbours)):
            relay.settle()

    def farther(self, source: int, rank: int) -> None:
        """It tells its rank without the heartbeat: a greater one is true of any, a lesser is not
        known to be of one that is new.
        """
        other = self._relay.neighbours.get(source)
        if other is not None and rank > other.rank:
            self._told(other, other.gateway, other.heartbeat, rank)

    def _acknowledged(self, header: Header, poll: frames.Poll) -> None:
        relay = self._relay
        me = relay.setting.address
        for child, answered, arrived in poll.acks:
            if child == me:
                relay.answers.acknowledged(relay.now, header.source, answered, arrived)
        grant, rate = frames.decode_poll_aux(header.aux)
        burst_us = relay.frame_us[min(rate, len(relay.frame_us) - 1)] + HOST_US // 2
        is_known = bool(poll.waiting >> frames.waiting_bit(me, header.counter) & 1)
        relay.answers.overheard(
            relay.now, header.source, is_known, relay.now + grant * burst_us)
        if not grant and not poll.rank and not is_known:
            relay.answers.invited(relay.now, header.source)
        if header.destination == me:
            for origin, number, before in poll.receipts:
                if origin == me:
                    for done in relay.unreceipted.receipt(number, before, relay.now):
                        relay.answers.came(done)
                    for lost in relay.unreceipted.overtaken(number, before, relay.now):
                        relay.answers.lost(lost)
                else:
                    relay.children.receipt(
                        relay.now, origin, number, before, relay.gradient.price_q4)
