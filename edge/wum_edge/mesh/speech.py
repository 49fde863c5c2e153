"""What a relay says next, and whether the law lets it: one attempt at the channel at a time.

Left out: when the channel is free (channel.py), the account (duty.py), what is in a frame.
"""

from wum_edge.mesh import frames
from wum_edge.mesh.airtime import airtime_us
from wum_edge.mesh.channel import SLOT_US
from wum_edge.mesh.frames import (
    ALL,
    ASK,
    BEACON,
    DATA,
    DOWN,
    ECHO,
    LACK,
    POLL,
    RIPPLE,
    SYMBOL,
    WANTS_TIME,
    WANTS_WAY,
    WELCOME,
)
from wum_edge.mesh.gradient import RANK_MAX
from wum_edge.mesh.timing import GATEWAYS, IDLE, POLLING, RELAYS, word_of

_BOUND_STEPS = 16             # Of the duty limit: so much more than is used the store is told.
_WIDTH_GATEWAY, _WIDTH_POLL, _WIDTH_ASK, _WIDTH_BEACON = 3, 12, 14, 32
_WIDTH_RIPPLE, _WIDTH_ECHO, _WIDTH_DOWN = 1, 8, 6
_WIDTH_LACK, _WIDTH_SYMBOL = 32, 48
_REFUSED_US = 5_000_000      # After the law has said no.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from wum_edge.mesh.relay import Relay


class Speech:
    """The relay's mouth. `token`, `counter` and `booked` are of the frame that was sent last, in
    its turn; `bound_us` is what the store holds of airtime.
    """

    def __init__(self, relay: "Relay") -> None:
        self._relay = relay
        self.token = self.counter = 0
        self.booked = (relay.now, 0)
        self.bound_us = relay.ledger.spent_us(relay.now)
        self._is_update = False      # What we wait for the channel with.

    def plan(self) -> None:
        """Have an attempt at the channel in front of us, if there is anything to say."""
        relay = self._relay
        relay.handing.fill()
        if relay.mode != IDLE or relay.sending:
            return
        if relay.ripples.is_due(relay.now):        # Before anything else; it has drawn its slot.
            attempt_us = relay.channel.attempt_us
            if attempt_us is None or attempt_us > relay.now + SLOT_US:
                relay.channel.draw(relay.now, 1 + RIPPLE, _WIDTH_RIPPLE, relay.chance())
        elif relay.channel.attempt_us is None or self._is_update and self.has_better():
            kind, width = self._wish()
            self._is_update = kind in (1 + LACK, 1 + SYMBOL)
            if width:
                relay.channel.draw(relay.now, kind, width, relay.chance())

    def _wish(self) -> tuple[int, int]:
        """(kind of frame, plus one; width of the contention window); 0 for none."""
        relay = self._relay
        if relay.ripples.is_due(relay.now):
            return 1 + RIPPLE, _WIDTH_RIPPLE
        if relay.echoes.is_due(relay.now):
            return 1 + ECHO, _WIDTH_ECHO
        if relay.downward.is_due(relay.now):
            return 1 + DOWN, _WIDTH_DOWN
        if relay.porch.is_due():
            return 1 + WELCOME, _WIDTH_DOWN
        asks = relay.answers.may_ask(relay.now)
        if asks and relay.custody.is_crowded:
            return 1 + ASK, _WIDTH_ASK
        if relay.polls.has_work():
            return 1 + POLL, _WIDTH_GATEWAY if relay.setting.is_gateway else _WIDTH_POLL
        if asks:
            return 1 + ASK, _WIDTH_ASK
        if relay.trickle.is_due:
            return 1 + BEACON, _WIDTH_BEACON
        kind = relay.spread.wish()
        return kind, 0 if not kind else _WIDTH_LACK if kind == 1 + LACK else _WIDTH_SYMBOL

    def has_better(self) -> bool:
        """Whether there is anything to say that is none of an update."""
        return self._wish()[0] not in (0, 1 + LACK, 1 + SYMBOL)

    def attempt(self) -> None:
        """The wait is over: say what is most important now."""
        relay = self._relay
        kind = self._wish()[0]
        if relay.now < relay.channel.free_us(relay.now, kind):
            return
        if kind == 1 + RIPPLE:
            relay.ripples.send()
        elif kind == 1 + ECHO:
            relay.echoes.send()
        elif kind == 1 + DOWN:
            relay.downward.send()
        elif kind == 1 + WELCOME:
            self._welcome()
        elif kind == 1 + POLL:
            relay.polls.begin(has_cad=relay.channel.looks(relay.now))
        elif kind == 1 + ASK:
            parent, body = relay.answers.ask(relay.now)
            self.send(ASK, parent, 0, body, 0, has_cad=True)
        elif kind == 1 + LACK:
            relay.spread.send_lack()
        elif kind == 1 + SYMBOL:
            relay.spread.send_symbol(has_cad=True)
        elif kind == 1 + BEACON:
            relay.trickle.sent()
            gradient = relay.gradient
            gradient.told()
            free = relay.ledger.free_us(relay.now) * 100 // relay.ledger.limit_us
            self.send(BEACON, ALL, 0, frames.encode_beacon(frames.Beacon(
                gradient.gateway, gradient.heartbeat, gradient.rank, free,
                min(relay.custody.size, 255),
                (0 if gradient.rank < RANK_MAX else WANTS_WAY)
                | (0 if relay.clock.is_known else WANTS_TIME), relay.stamp())), 0, True,
                GATEWAYS if relay.setting.is_gateway else RELAYS)
            relay.changeover.told()

    def send(self, kind: int, destination: int, aux: int, body: bytes, rate: int,
             has_cad: bool, priority: int = 1) -> bool:
        """Put a frame on the air, if the law lets us."""
        relay = self._relay
        size = frames.HEADER_SIZE + len(body) + frames.TAG_SIZE
        if kind not in (RIPPLE, ECHO) and relay.neighbours.is_wired(destination):
            rate = relay.setting.wire
        cost_us = 0 if rate == relay.setting.wire else airtime_us(relay.setting.ways[rate], size)
        is_urgent = kind != DATA or len(body) <= frames.DATA_HEAD    # An empty one is no data.
        if cost_us and not relay.ledger.take(relay.now, cost_us, is_urgent):
            relay.count("no duty")
            relay.channel.refuse(relay.now + _REFUSED_US)
            return False
        self.booked = (relay.now, cost_us)
        self._reserve()
        self.token += 1
        relay.sending = 1 + kind
        relay.count("sent %d" % kind)
        word = word_of(destination) if kind == DATA else 0
        frame = relay.guard.seal(kind, priority, destination, aux, body,
                                 relay.changeover.is_old(kind, destination))
        self.counter = relay.guard.last
        relay.tell(("tx", self.token, frame, rate, word, has_cad))
        return True

    def hand(self, kind: int, destination: int, aux: int, body: bytes, priority: int) -> int:
        """Send by wire at once, whatever the radio is at; the frame's counter."""
        relay = self._relay
        self._reserve()
        relay.tell(("wire", relay.guard.seal(kind, priority, destination, aux, body,
                                             relay.changeover.is_old(kind, destination))))
        return relay.guard.last

    def _welcome(self) -> None:
        """The only frame that the network's key does not seal."""
        relay = self._relay
        cost_us = relay.porch.cost_us()
        if relay.ledger.take(relay.now, cost_us, is_urgent=True):
            self.booked = (relay.now, cost_us)
            self._reserve()
            self.token += 1
            relay.sending = 1 + WELCOME
            relay.tell(("tx", self.token, relay.porch.next_frame(), 0, 0, True))
        else:
            relay.channel.refuse(relay.now + _REFUSED_US)

    def _reserve(self) -> None:
        """Let the store know more than is used: counters, and airtime of any hour."""
        relay = self._relay
        step_us = relay.ledger.limit_us // _BOUND_STEPS
        is_over = relay.ledger.spent_us(relay.now) > self.bound_us
        if is_over:
            self.bound_us = relay.ledger.spent_us(relay.now) + step_us
        if is_over or relay.guard.must_reserve():
            counter = (relay.guard.reserve() if relay.guard.must_reserve()
                       else relay.guard.reserved_to)
            relay.tell(("reserve", counter, self.bound_us))

    def relax(self) -> None:
        """Less was sent of late than the store believes: the next frame tells it."""
        relay = self._relay
        step_us = relay.ledger.limit_us // _BOUND_STEPS
        if relay.ledger.spent_us(relay.now) + 2 * step_us < self.bound_us:
            self.bound_us = 0

    def busy(self, kind: int) -> None:
        """The channel was not free after all."""
        relay = self._relay
        if kind in (1 + LACK, 1 + SYMBOL):       # Nothing else waits longer for it.
            relay.spread.refused(kind == 1 + SYMBOL)
            return
        relay.channel.was_busy()
        if kind == 1 + RIPPLE:
            relay.ripples.refused()
        elif kind == 1 + ECHO:
            relay.echoes.refused()
        elif kind == 1 + DOWN:
            relay.downward.refused()
        elif kind == 1 + BEACON:
            relay.trickle.is_due = True
        elif kind == 1 + ASK:
            relay.answers.refused(relay.now)
        if relay.mode == POLLING:
            relay.mode = IDLE
