"""The relay: takes others' pieces into custody and hands them on towards a gateway.

Without I/O: no clock, no dice, no socket. What happens comes in by `on_...` and `submit`, with the
time of a clock that runs forward; what is to be done is taken out with `actions`:

  ("tx", token, frame, rate, word, has_cad)
                                        send; with has_cad only if the channel seems free
  ("listen", rate, word)                hear this rate and sync word from now on
  ("deliver", origin, number, content)  an object has reached this gateway
  ("done", number)                      a gateway has this object of ours
  ("again", number)                     none has told so in time: submit it anew
  ("want", number, here)                a gateway has only the fragments of the bit map `here`:
                                        `resubmit` the object, from the archive
  ("receive", gateway, number, content) an object has come down to us
  ("confirmed", station, number)        ... or to whom this gateway sent it
  ("undelivered", station, number)      ... or it was given up
  ("ripple", gateway, number, content)  a command of a group that we are in
  ("execute", gateway, number)          it is to be carried out now
  ("echo", gateway, number, stations)   a bit for each station that has it, as far as known
  ("reserve", counter, spent_us)        keep both in the store before anything else is sent: what
                                        `Guard` and `Relay` are to begin with after a restart

docs/mesh-protocol.md is the specification. Left out: airtime's law (duty.py), keys (guard.py).
"""

from wum_edge.mesh import frames
from wum_edge.mesh.airtime import airtime_us
from wum_edge.mesh.answers import Answers
from wum_edge.mesh.channel import Channel
from wum_edge.mesh.children import Children
from wum_edge.mesh.clock import Clock
from wum_edge.mesh.custody import Custody
from wum_edge.mesh.downward import Downward
from wum_edge.mesh.duty import Ledger
from wum_edge.mesh.echoes import Echoes
from wum_edge.mesh.frames import (
    ALL,
    ASK,
    BEACON,
    DATA,
    DOWN,
    ECHO,
    GOT,
    NOTE,
    POLL,
    RIPPLE,
    Header,
    Item,
    Malformed,
    Stamp,
)
from wum_edge.mesh.gradient import RANK_MAX, Gradient
from wum_edge.mesh.guard import Guard, NotOurs
from wum_edge.mesh.neighbours import NEIGHBOURS_MAX, Neighbour, Neighbours
from wum_edge.mesh.objects import Gathering, Unreceipted, cut
from wum_edge.mesh.orders import Orders
from wum_edge.mesh.polls import Polls
from wum_edge.mesh.ripple import Ripples
from wum_edge.mesh.setting import Setting
from wum_edge.mesh.timing import HOST_US, IDLE, POLLING, THRESHOLD_Q4, word_of
from wum_edge.mesh.trickle import Trickle

RESEND_US = 1_500_000_000
HEARTBEAT_US = 600_000_000
_WIDTH_GATEWAY, _WIDTH_POLL, _WIDTH_ASK, _WIDTH_BEACON = 3, 12, 14, 32
_WIDTH_RIPPLE, _WIDTH_ECHO, _WIDTH_DOWN = 1, 8, 6
_NOTES_MAX = 8               # Words of ours that are on their way up.
_NEAR_Q4 = 20                # Who hears a receiver so well is heard there too, and holds.
_BOUND_STEPS = 16            # Of the duty limit: so much more than is used the store is told.
_REFUSED_US = 5_000_000      # After the law has said no.
_STALE_US = 30_000_000
_MINUTE_US = 60_000_000


_HEEDED = (ASK, POLL, DOWN, RIPPLE)      # What others send each other and concerns us too.

_STAMPED = (1 + BEACON, 1 + POLL, 1 + RIPPLE)


class Relay:
    """One station. `seed` is any number: stations with the same one only collide more; `spent_us`
    is what the store holds of airtime, 0 when nothing was sent for an hour, None if unknown.
    """

    def __init__(self, setting: Setting, guard: Guard, t_us: int, seed: int,
                 spent_us: int | None = None) -> None:
        self.setting, self._guard = setting, guard
        self.now = t_us
        self._chance_state = seed * 2_654_435_761 + setting.address & 0x7FFFFFFF | 1
        self._airtimes = [[airtime_us(way, size) for size in (20, 64, frames.FRAME_MAX)]
                          for way in setting.ways]
        self.frame_us = [times[2] for times in self._airtimes]
        self.ledger = Ledger(setting.duty_permyriad, t_us, spent_us=spent_us)
        self._bound_us = self.ledger.spent_us(t_us)
        self.neighbours, self.children, self.custody = Neighbours(), Children(), Custody()
        self.gradient = Gradient(self.frame_us[0] + HOST_US // 2)
        self.gathering, self.unreceipted = Gathering(), Unreceipted()
        self.trickle = Trickle(t_us, self.chance())
        self.answers, self.polls = Answers(self), Polls(self)
        self.clock = Clock()
        self.groups: set[int] = set()
        self.downward, self.orders = Downward(self), Orders(self, guard.reserved_to)
        self.ripples, self.echoes = Ripples(self, guard.reserved_to), Echoes(self)
        self._note = guard.reserved_to & 0xFFFF
        self._seen_us = self._heard_us = t_us - 1
        self._ends: dict[int, tuple[int, int]] = {}  # By station: its last counter, our time.
        self.counts: dict[str, int] = {}
        self._actions: list[tuple[object, ...]] = []
        self.mode, self._token, self.sending = IDLE, 0, 0
        self._channel = Channel(t_us, setting.is_gateway)
        self._booked = (t_us, 0)
        self._minute_us = t_us + _MINUTE_US
        self._heartbeat_us = t_us + HEARTBEAT_US
        self._object = guard.reserved_to & 0xFFFF
        if setting.is_gateway:
            self.gradient.become_gateway(setting.address, self.chance() & 255)
            self.trickle.hurry(t_us, self.chance())

    # What comes in.

    def on_rx(self, t_us: int, frame: bytes, rssi_dbm: int, snr_q4: int, rate: int) -> None:
        """A whole frame, whose end was at `t_us`; signal to noise in quarters of a dB."""
        self._advance(t_us)
        self._heard_us = t_us
        try:
            header = self._guard.peek(frame)
            is_ours = header.destination in (self.setting.address, ALL)
            if not is_ours and header.kind not in _HEEDED:
                return
            # What is for others is opened too: who could forge it, could silence us.
            body = self._guard.open(header, frame)
            if is_ours or header.kind == RIPPLE:
                self._receive(header, body, snr_q4, rate)
            else:
                self._overhear(header, body, snr_q4, rate)
        except Malformed:
            self.count("malformed")
        except NotOurs:
            self.count("not ours")
        self._plan()

    def on_tx_done(self, t_us: int, token: int, airtime_us: int) -> None:
        """What was to be sent is over; airtime 0: it was not sent, the channel was busy."""
        self._advance(t_us)
        if token != self._token:
            return
        kind, self.sending = self.sending, 0
        if not airtime_us:
            self.ledger.give_back(*self._booked)
        if airtime_us and kind in _STAMPED:
            self.clock.sent(self._guard.last, t_us)
        if kind == 1 + DATA:
            self.answers.sent(self.now)
        elif not airtime_us:
            self._busy(kind)
        else:
            self._channel.was_free()
            if kind == 1 + POLL and self.mode == POLLING:
                self.polls.sent()
            elif kind == 1 + ASK:
                self._hold(self.now + 2 * HOST_US + self._airtimes[0][1], self.setting.address)
        self._plan()

    def on_tick(self, t_us: int) -> None:
        """Time has passed; to be called at `next_deadline` or soon after it."""
        self._advance(t_us)
        now = self.now
        if self.mode == POLLING and not self.sending and now >= self.polls.end_us:
            self.polls.end()
        if now >= self.trickle.next_us():
            self.trickle.tick(now, self.chance())
        if self.answers.deadline_us() is not None:
            self.answers.tick(now)
        if now >= self._minute_us:
            self._every_minute()
        self._tick_down()
        attempt_us = self._channel.attempt_us
        if attempt_us is not None and now >= attempt_us and self.mode == IDLE and not self.sending:
            self._channel.attempt_us = None
            self._attempt()
        self._plan()

    def next_deadline(self) -> int | None:
        """When `on_tick` wants to be called, by our clock."""
        times = [self.trickle.next_us(), self._minute_us]
        if self.mode == POLLING and not self.sending:
            times.append(self.polls.end_us)
        attempt_us = self._channel.attempt_us
        if attempt_us is not None and not self.sending and self.mode == IDLE:
            times.append(attempt_us)
        answers_us = self.answers.deadline_us()
        if answers_us is not None:
            times.append(answers_us)
        for time_us in (self.children.wake_us(self.now), self.ripples.deadline_us(),
                        self.echoes.deadline_us(), self.downward.deadline_us(),
                        self.orders.deadline_us()):
            if time_us is not None and (time_us > self._seen_us):
                times.append(time_us)
        return min(times)

    def submit(self, t_us: int, content: bytes, priority: int) -> int | None:
        """Take an object of ours into custody; its number, or None when there is no room now."""
        self._advance(t_us)
        number = self._object
        if self.setting.is_gateway:
            self._object = number + 1 & 0xFFFF
            self._actions.append(("deliver", self.setting.address, number, content))
            self._actions.append(("done", number))
            return number
        pieces = cut(self.setting.address, number, content)
        if not self.custody.has_room(len(pieces)):
            return None
        self._object = number + 1 & 0xFFFF
        for piece in pieces:
            self.custody.take(piece, priority)
        self.unreceipted.sent(number, self.now)
        self.answers.wake(self.now)
        self._plan()
        return number

    def resubmit(self, t_us: int, number: int, content: bytes, here: int, priority: int) -> bool:
        """Take those pieces of an object of ours that a gateway does not have; False: no room."""
        self._advance(t_us)
        mark = 1 + self.chance() % (NOTE - 1)
        pieces = [Item(item.origin, number, item.fragment, item.is_last, item.content, mark)
                  for item in cut(self.setting.address, number, content)
                  if not here >> item.fragment & 1]
        if not self.custody.has_room(len(pieces)):
            return False
        for piece in pieces:
            self.custody.take(piece, priority)
        self.answers.wake(self.now)
        self._plan()
        return True

    def send_down(self, t_us: int, destination: int, content: bytes) -> int | None:
        """Send an object from this gateway to a station; its number, None: too many under way."""
        self._advance(t_us)
        number = self.orders.give(destination, content)
        self._plan()
        return number

    def send_ripple(self, t_us: int, destination: int, content: bytes, execute_us: int = 0,
                    wants_echo: bool = True) -> int:
        """Flood a command to a group (GROUP + n, or ALL), to be carried out at a network time; its
        number. To be repeated with `repeat_ripple` while echoes are missing.
        """
        self._advance(t_us)
        number = self.ripples.start(destination, content, execute_us, wants_echo)
        self._plan()
        return number

    def repeat_ripple(self, t_us: int, number: int) -> None:
        self._advance(t_us)
        self.ripples.repeat(number)
        self._plan()

    def set_time(self, t_us: int, network_us: int) -> None:
        """Network time, as a gateway knows it at `t_us` of its clock."""
        self.clock.set(t_us, network_us)

    def actions(self) -> list[tuple[object, ...]]:
        """What is to be done, in this order; it is told once."""
        taken, self._actions = self._actions, []
        return taken

    # Frames for us, and frames for others.

    def _receive(self, header: Header, body: bytes, snr_q4: int, rate: int) -> None:
        margin_q4 = snr_q4 - THRESHOLD_Q4[self.setting.ways[rate].spreading_factor]
        other = self.neighbours.hear(self.now, header.source, margin_q4)
        if header.kind == DATA:
            self.polls.data(header, body)
        elif header.kind == BEACON:
            self._beacon(header, other, frames.decode_beacon(body))
        elif header.kind == RIPPLE:
            self.ripples.heard(header, body)
        elif header.kind == ECHO:
            self.echoes.heard(header, body)
        elif header.kind == GOT:
            self.downward.got(header)
        elif header.kind == DOWN and self.mode == IDLE and not self.sending:
            self.downward.arrived(header, body)
        elif header.kind == ASK:
            ask = frames.decode_ask(body)
            if ask.rank <= self.gradient.rank or self.gradient.rank >= RANK_MAX:
                self.trickle.hurry(self.now, self.chance())    # It is mistaken about us.
            else:
                self.children.ask(self.now, header.source, ask.frames, snr_q4)
        elif header.kind == POLL:
            poll = frames.decode_poll(body)
            self._told(other, poll.gateway, poll.heartbeat, poll.rank)
            self.heed_stamp(header, poll.stamp, poll.rank)
            self._acknowledged(header, poll)
            grant, rate = frames.decode_poll_aux(header.aux)
            if not self._guard.is_recent(poll.heard):
                self.count("poll of another life")
            elif (grant and rate < len(self.setting.ways) and self.mode == IDLE
                    and not self.sending
                    and self._channel.may_answer(self.now, header.source)):
                self.answers.polled(self.now, header.source, poll.number, grant, rate)

    def _overhear(self, header: Header, body: bytes, snr_q4: int, rate: int) -> None:
        """Keep silent while others need the channel; learn what concerns us all the same."""
        margin_q4 = snr_q4 - THRESHOLD_Q4[self.setting.ways[rate].spreading_factor]
        if header.kind == POLL:
            poll = frames.decode_poll(body)
            grant, rate_to = frames.decode_poll_aux(header.aux)
            if rate_to < len(self.setting.ways):
                until_us = self.now + HOST_US + grant * (
                    self.frame_us[rate_to] + HOST_US // 2)
                if grant and margin_q4 >= _NEAR_Q4:
                    self._channel.protect(until_us, header.source)
                if not self.setting.is_gateway:
                    self._hold(until_us + HOST_US, header.source)
            other = self.neighbours.hear(self.now, header.source, margin_q4)
            self._told(other, poll.gateway, poll.heartbeat, poll.rank)
            self.heed_stamp(header, poll.stamp, poll.rank)
            self._acknowledged(header, poll)
        elif not self.setting.is_gateway:
            self._hold(self.now + 2 * HOST_US + self._airtimes[0][1], header.destination)

    def _beacon(self, header: Header, other: Neighbour | None, beacon: frames.Beacon) -> None:
        if other is None:
            return
        self.heed_stamp(header, beacon.stamp, beacon.rank)
        self._told(other, beacon.gateway, beacon.heartbeat, beacon.rank)
        if beacon.is_starving:
            if self.gradient.rank < RANK_MAX:
                self.trickle.hurry(self.now, self.chance())
                if self.gradient.is_gateway:
                    self._beat()
        elif beacon.rank >= self.gradient.rank // 2:
            self.trickle.consistent()

    def heed_stamp(self, header: Header, stamp: Stamp, rank: int) -> None:
        """What time it is there, if that is nearer to a gateway; whether it lacks a ripple."""
        before = self._ends.get(header.source)
        if header.kind != RIPPLE:
            self.ripples.lacks(stamp.ripple)
            if rank >= self.gradient.rank:
                stamp = Stamp(0, 0, 0)
        if stamp.time_us and before is not None and before[0] == stamp.about and (
                not self.gradient.is_gateway):
            self.clock.set(before[1], stamp.time_us)
        if before is None and len(self._ends) >= NEIGHBOURS_MAX:
            self._ends.clear()
        self._ends[header.source] = (header.counter & 255, self._heard_us)

    def stamp(self) -> Stamp:
        """What our next frame tells of the time."""
        about, time_us = self.clock.stamp()
        return Stamp(about, time_us, self.ripples.newest)

    def _told(self, other: Neighbour | None, gateway: int, heartbeat: int, rank: int) -> None:
        if other is not None and other.tell(self.now, gateway, heartbeat, rank):
            self.settle()

    def settle(self) -> None:
        """Choose parents anew, and let others know when it matters."""
        if self.gradient.settle(self.now, self.neighbours):
            self.trickle.reset(self.now, self.chance())
            if self.gradient.rank >= RANK_MAX:
                self.trickle.hurry(self.now, self.chance())

    def _acknowledged(self, header: Header, poll: frames.Poll) -> None:
        me = self.setting.address
        if poll.child == me:
            self.answers.acknowledged(self.now, header.source, poll.answered, poll.arrived)
        grant, rate = frames.decode_poll_aux(header.aux)
        burst_us = self.frame_us[min(rate, len(self.frame_us) - 1)] + HOST_US // 2
        self.answers.overheard(self.now, header.source, bool(poll.waiting >> (me & 31) & 1),
                               self.now + grant * burst_us)
        if header.destination == me:
            for origin, number, before in poll.receipts:
                if origin == me:
                    for done in self.unreceipted.receipt(number, before):
                        self._actions.append(("done", done))
                    for lost in self.unreceipted.overtaken(number, before, self.now):
                        self._actions.append(("again", lost))
                else:
                    self.children.receipt(self.now, origin, number, before)

    # The channel.

    def _hold(self, until_us: int, receiver: int) -> None:
        self._channel.hold(self.now, until_us, receiver)

    def _plan(self) -> None:
        """Have an attempt at the channel in front of us, if there is anything to say."""
        if self.mode != IDLE or self.sending:
            return
        if self.ripples.is_due(self.now):        # Before anything else; it has drawn its slot.
            self._channel.draw(self.now, 1 + RIPPLE, _WIDTH_RIPPLE, self.chance())
        elif self._channel.attempt_us is None:
            kind, width = self._wish()
            if width:
                self._channel.draw(self.now, kind, width, self.chance())

    def _wish(self) -> tuple[int, int]:
        """(kind of frame, plus one; width of the contention window); 0 for none."""
        if self.ripples.is_due(self.now):
            return 1 + RIPPLE, _WIDTH_RIPPLE
        if self.echoes.is_due(self.now):
            return 1 + ECHO, _WIDTH_ECHO
        if self.downward.is_due(self.now):
            return 1 + DOWN, _WIDTH_DOWN
        asks = self.answers.may_ask(self.now)
        if asks and self.custody.is_crowded:
            return 1 + ASK, _WIDTH_ASK
        if self.polls.has_work():
            return 1 + POLL, _WIDTH_GATEWAY if self.setting.is_gateway else _WIDTH_POLL
        if asks:
            return 1 + ASK, _WIDTH_ASK
        if self.trickle.is_due:
            return 1 + BEACON, _WIDTH_BEACON
        return 0, 0

    def _attempt(self) -> None:
        kind = self._wish()[0]
        if self.now < self._channel.free_us(kind):
            return
        if kind == 1 + RIPPLE:
            self.ripples.send()
        elif kind == 1 + ECHO:
            self.echoes.send()
        elif kind == 1 + DOWN:
            self.downward.send()
        elif kind == 1 + POLL:
            self.polls.begin(has_cad=not self._channel.is_burst_near(self.now))
        elif kind == 1 + ASK:
            parent, body = self.answers.ask(self.now)
            self.send(ASK, parent, 0, body, 0, has_cad=True)
        elif kind == 1 + BEACON:
            self.trickle.sent()
            gradient = self.gradient
            gradient.told()
            free = self.ledger.free_us(self.now) * 100 // self.ledger.limit_us
            self.send(BEACON, ALL, 0, frames.encode_beacon(frames.Beacon(
                gradient.gateway, gradient.heartbeat, gradient.rank, free,
                min(self.custody.size, 255), 0 if gradient.rank < RANK_MAX else 1,
                self.stamp())), 0, True)

    def send(self, kind: int, destination: int, aux: int, body: bytes, rate: int,
             has_cad: bool, priority: int = 1) -> bool:
        """Put a frame on the air, if the law lets us."""
        size = frames.HEADER_SIZE + len(body) + frames.TAG_SIZE
        cost_us = airtime_us(self.setting.ways[rate], size)
        if not self.ledger.take(self.now, cost_us, is_urgent=kind != DATA):
            self.count("no duty")
            self._channel.refuse(self.now + _REFUSED_US)
            return False
        self._booked = (self.now, cost_us)
        self._reserve()
        self._token += 1
        self.sending = 1 + kind
        self.count("sent %d" % kind)
        word = word_of(destination) if kind == DATA else 0
        self._actions.append(
            ("tx", self._token, self._guard.seal(kind, priority, destination, aux, body), rate,
             word, has_cad))
        return True

    def _reserve(self) -> None:
        """Let the store know more than is used: counters, and airtime of any hour."""
        step_us = self.ledger.limit_us // _BOUND_STEPS
        is_over = self.ledger.spent_us(self.now) > self._bound_us
        if is_over:
            self._bound_us = self.ledger.spent_us(self.now) + step_us
        if is_over or self._guard.must_reserve():
            counter = (self._guard.reserve() if self._guard.must_reserve()
                       else self._guard.reserved_to)
            self._actions.append(("reserve", counter, self._bound_us))

    def _busy(self, kind: int) -> None:
        """The channel was not free after all."""
        self._channel.was_busy()
        if kind == 1 + RIPPLE:
            self.ripples.refused()
        elif kind == 1 + ECHO:
            self.echoes.refused()
        elif kind == 1 + DOWN:
            self.downward.refused()
        elif kind == 1 + BEACON:
            self.trickle.is_due = True
        elif kind == 1 + ASK:
            self.answers.refused(self.now)
        if self.mode == POLLING:
            self.mode = IDLE

    def tune(self, rate: int, word: int) -> None:
        """Hear this rate and sync word from now on."""
        self._actions.append(("listen", rate, word))

    def short_us(self, rate: int) -> int:
        """Airtime of a frame with next to nothing in it."""
        return self._airtimes[rate][0]

    def arrive(self, item: frames.Item) -> None:
        """A piece has reached us, a gateway."""
        if item.mark == NOTE:
            self.orders.heard(item.origin, item.content)
            return
        content = self.gathering.add(item, self.now)
        if content is not None:
            self._actions.append(("deliver", item.origin, item.number, content))
        receipt = self.gathering.receipt(item.origin)
        if receipt is not None:
            self.children.receipt(self.now, item.origin, receipt[0], receipt[1])

    def note(self, word: bytes, priority: int = 1) -> None:
        """Send a word of the mesh up to any gateway."""
        if self.gradient.is_gateway:
            self.orders.heard(self.setting.address, word)
            return
        self._note = self._note + 1 & 0xFFFF
        if self.custody.free > 1:
            self.custody.take(Item(self.setting.address, self._note, 0, True, word, NOTE),
                              priority)
            self.answers.wake(self.now)

    def tell(self, action: tuple[object, ...]) -> None:
        """An action for whoever runs us."""
        self._actions.append(action)

    def heard(self, source: int) -> int:
        """Low 16 bits of the newest counter heard of a station."""
        return self._guard.heard(source)

    @property
    def last_counter(self) -> int:
        return self._guard.last

    def quiet(self, length_us: int) -> None:
        """A ripple is passing: whatever else there is to say can wait."""
        self._channel.hold(self.now, self.now + length_us, ALL)

    # Time and chance.

    def _tick_down(self) -> None:
        """What goes down, and what is carried out."""
        self._seen_us = self.now
        self.ripples.tick(self.now)
        self.downward.expire()
        due_us = self.orders.deadline_us()
        if due_us is not None and due_us <= self.now:
            self.orders.tick()

    def _every_minute(self) -> None:
        self._minute_us = self.now + _MINUTE_US
        for number in self.unreceipted.overdue(self.now - RESEND_US):
            self._actions.append(("again", number))
        if self.ledger.spent_us(self.now) + 2 * self.ledger.limit_us // _BOUND_STEPS < (
                self._bound_us):
            self._bound_us = 0           # The next frame tells the store of less.
        used = self.ledger.spent_us(self.now) * 100 // self.ledger.limit_us
        self.gradient.price_q4 = 16 << max(min((used - 45) // 10, 5), 0)
        if self.gradient.is_gateway:
            self.orders.ask_for_missing()
            if self.now >= self._heartbeat_us:
                self._beat()
        self.settle()

    def _beat(self) -> None:
        self._heartbeat_us = self.now + HEARTBEAT_US
        self.gradient.heartbeat = self.gradient.heartbeat + 1 & 255

    def _advance(self, t_us: int) -> None:
        if t_us > self.now:
            self.now = t_us

    def chance(self) -> int:
        """A number below 2**31 (xorshift, Marsaglia 2003)."""
        state = self._chance_state
        state ^= state << 13 & 0x7FFFFFFF
        state ^= state >> 17
        state ^= state << 5 & 0x7FFFFFFF
        self._chance_state = state
        return state

    def count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1
