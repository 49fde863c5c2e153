"""The relay: takes others' pieces into custody and hands them on towards a gateway.

Without I/O: no clock, no dice, no socket. What happens comes in by `on_...` and `submit`, with the
time of a clock that runs forward; what is to be done is taken out with `actions`:

  ("tx", token, frame, rate, word, has_cad)
                                        send; with has_cad only if the channel seems free
  ("wire", frame)                       send by wire, now; nobody waits for word of it
  ("listen", rate, word)                hear this rate and sync word from now on
  ("deliver", origin, number, content)  an object has reached this gateway
  ("done", number)                      a gateway has this object of ours
  ("want", number, here)                a gateway has only the fragments of the bit map `here`, 0:
                                        none told in time that it has any; `resubmit` the object,
                                        from the archive
  ("again", number)                     ... three times in vain: submit it anew
  ("receive", gateway, number, content) an object has come down to us
  ("confirmed", station, number)        ... or to whom this gateway sent it
  ("undelivered", station, number)      ... or it was given up
  ("ripple", gateway, number, content)  a command of a group that we are in
  ("execute", gateway, number)          it is to be carried out now
  ("late", gateway, number)             ... or it is not: its moment was a minute ago
  ("echo", gateway, number, stations)   a bit for each station that has it, as far as known
  ("serving",)                          as there is no gateway, this one has become one (role.py)
  ("resting",)                          ... and is none any more, as there is another
  ("join", proxy, request)              a station wants to be admitted (joining.py)
  ("keep", windows)                     for the store, now and then: what `Guard` begins with
  ("page", name, page, data)            a page of an image is here, as it was signed (spread.py)
  ("read page", name, page)             ... or is to be sent: `give_page`
  ("spoilt", name, page, station)       this one has sent what was never signed
  ("reserve", counter, spent_us)        keep both in the store before anything else is sent: what
                                        `Guard` and `Relay` are to begin with after a restart

docs/mesh-protocol.md is the specification. Left out: airtime's law (duty.py), keys (guard.py).
"""

from wum_edge.mesh import frames
from wum_edge.mesh.airtime import airtime_us
from wum_edge.mesh.answers import Answers
from wum_edge.mesh.changeover import Changeover
from wum_edge.mesh.channel import Channel
from wum_edge.mesh.children import Children
from wum_edge.mesh.clock import Clock
from wum_edge.mesh.custody import Custody
from wum_edge.mesh.downward import Downward
from wum_edge.mesh.duty import Ledger
from wum_edge.mesh.echoes import Echoes
from wum_edge.mesh.ends import Ends
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
    WELCOME,
    Malformed,
    Stamp,
)
from wum_edge.mesh.gradient import RANK_MAX, Gradient
from wum_edge.mesh.guard import Guard, NotOurs
from wum_edge.mesh.handing import Handing
from wum_edge.mesh.hearing import Hearing
from wum_edge.mesh.joining import NO_NETWORK
from wum_edge.mesh.neighbours import Neighbours
from wum_edge.mesh.objects import Gathering, Unreceipted
from wum_edge.mesh.orders import Orders
from wum_edge.mesh.polls import Polls
from wum_edge.mesh.porch import Porch
from wum_edge.mesh.ripple import Ripples
from wum_edge.mesh.role import Role
from wum_edge.mesh.setting import Setting
from wum_edge.mesh.speech import Speech
from wum_edge.mesh.spread import Spread
from wum_edge.mesh.timing import HOST_US, IDLE, POLLING
from wum_edge.mesh.trickle import Trickle, stretch
from wum_edge.mesh.upkeep import Upkeep
from wum_edge.mesh.wanting import Wanting

_HEEDED = (ASK, POLL, DOWN, RIPPLE)      # What others send each other and concerns us too.
_STAMPED = (1 + BEACON, 1 + POLL, 1 + RIPPLE, 1 + ECHO)


class Relay:
    """One station. `seed` is any number: stations with the same one only collide more; `spent_us`
    is what the store holds of airtime, 0 when nothing was sent for an hour, None if unknown.
    """

    def __init__(self, setting: Setting, guard: Guard, t_us: int, seed: int,
                 spent_us: int | None = None) -> None:
        self.setting, self.guard, self.changeover = setting, guard, Changeover(self)
        self.now = t_us
        self._chance_state = seed * 2_654_435_761 + setting.address & 0x7FFFFFFF | 1
        self.airtimes = [[airtime_us(way, size) for size in (20, 64, frames.FRAME_MAX)]
                          for way in setting.ways]
        self.frame_us = [times[2] for times in self.airtimes]
        self.ledger = Ledger(setting.duty_permyriad, t_us, spent_us=spent_us)
        self.neighbours, self.children = Neighbours(), Children()
        self.custody = Custody(setting.address)
        self.gradient = Gradient(self.frame_us[0] + HOST_US // 2)
        self.gathering, self.unreceipted = Gathering(), Unreceipted()
        self.trickle = Trickle(t_us, self.chance(), stretch(
            airtime_us(setting.ways[0], frames.BEACON_SIZE), setting.duty_permyriad))
        self.ends = Ends(self)
        self.answers, self.polls, self.handing = Answers(self), Polls(self), Handing(self)
        self.clock = Clock()
        self.groups: set[int] = set()
        self.downward, self.orders = Downward(self), Orders(self, guard.reserved_to)
        self.porch = Porch(self)
        self.ripples, self.echoes = Ripples(self), Echoes(self)
        self._seen_us = self.heard_us = t_us - 1
        self.hearing, self.speech = Hearing(self), Speech(self)
        self.spread = Spread(self, spent_us)
        self.upkeep, self.role, self.wanting = Upkeep(self), Role(self), Wanting(self)
        self.counts: dict[str, int] = {}
        self._actions: list[tuple[object, ...]] = []
        self.mode = IDLE
        self.sending = 0             # The kind of the frame that is out, plus one.
        self.channel = Channel(t_us, setting.is_gateway)
        self.is_open = True          # At a gateway: False lets nothing more in.
        if setting.is_gateway:
            self.role.begin()

    # What comes in.

    def on_rx(self, t_us: int, frame: bytes, rssi_dbm: int, snr_q4: int, rate: int) -> None:
        """A whole frame, whose end was at `t_us`; signal to noise in quarters of a dB."""
        self._advance(t_us)
        self.heard_us = t_us
        try:
            header = frames.decode_header(frame)
            if header.net == NO_NETWORK:
                self.porch.heard(header, frame)
                self.speech.plan()
                return
            self.hearing.check(header, snr_q4, rate)
            is_ours = header.destination in (self.setting.address, ALL)
            if not is_ours and header.kind not in _HEEDED:
                return
            # What is for others is opened too: who could forge it, could silence us.
            body = self.guard.open(header, frame)
            if is_ours or header.kind == RIPPLE:
                self.hearing.receive(header, body, snr_q4, rate)
            else:
                self.hearing.overhear(header, body, snr_q4, rate)
        except Malformed:
            self.count("malformed")
        except NotOurs:
            self.count("not ours")
            self.hearing.copied(header, rate)
        self.speech.plan()

    def on_tx_done(self, t_us: int, token: int, airtime_us: int) -> None:
        """What was to be sent is over; airtime 0: it was not sent, the channel was busy."""
        self._advance(t_us)
        if token != self.speech.token:
            return
        kind, self.sending = self.sending, 0
        if not airtime_us:
            self.ledger.give_back(*self.speech.booked)
        if airtime_us and kind in _STAMPED:
            self.clock.sent(self.speech.counter, t_us)
        if kind == 1 + DATA:
            self.answers.sent(self.now)
        elif not airtime_us:
            self.speech.busy(kind)
        elif kind in (1 + LACK, 1 + SYMBOL):
            self.spread.sent(kind == 1 + SYMBOL)
        else:
            self.channel.was_free()
            if kind == 1 + POLL and self.mode == POLLING:
                self.polls.sent()
            elif kind == 1 + WELCOME:
                self.porch.sent()
            elif kind == 1 + ASK:
                self.hold(self.now + 2 * HOST_US + self.airtimes[0][1], self.setting.address)
        self.speech.plan()

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
        if now >= self.upkeep.at_us:
            self.upkeep.tick()
        self._tick_down()
        attempt_us = self.channel.attempt_us
        if attempt_us is not None and now >= attempt_us and self.mode == IDLE and not self.sending:
            self.channel.attempt_us = None
            self.speech.attempt()
        self.speech.plan()

    def next_deadline(self) -> int | None:
        """When `on_tick` wants to be called, by our clock."""
        times = [self.trickle.next_us(), self.upkeep.at_us]
        if self.mode == POLLING and not self.sending:
            times.append(self.polls.end_us)
        attempt_us = self.channel.attempt_us
        if attempt_us is not None and not self.sending and self.mode == IDLE:
            times.append(attempt_us)
        answers_us = self.answers.deadline_us()
        if answers_us is not None:
            times.append(answers_us)
        for time_us in (self.children.wake_us(self.now), self.ripples.deadline_us(self._seen_us),
                        self.echoes.deadline_us(), self.downward.deadline_us(),
                        self.orders.deadline_us(), self.handing.deadline_us(),
                        self.spread.deadline_us(self._seen_us)):
            if time_us is not None and (time_us > self._seen_us):
                times.append(time_us)
        return min(times)

    def submit(self, t_us: int, content: bytes, priority: int) -> int | None:
        """Take an object of ours into custody; its number, or None when there is no room now."""
        self._advance(t_us)
        return self.ends.submit(content, priority)

    def resubmit(self, t_us: int, number: int, content: bytes, here: int, priority: int) -> bool:
        """Take those pieces of an object of ours that a gateway does not have; False: no room."""
        self._advance(t_us)
        return self.ends.resubmit(number, content, here, priority)

    def withdraw(self, t_us: int, number: int) -> None:
        """An object of ours is there, as we know from elsewhere: nothing more of it is sent."""
        self._advance(t_us)
        self.ends.withdraw(number)

    def send_down(self, t_us: int, destination: int, content: bytes) -> int | None:
        """Send an object from this gateway to a station; its number, None: too many under way."""
        self._advance(t_us)
        number = self.orders.give(destination, content)
        self.speech.plan()
        return number

    def send_ripple(self, t_us: int, destination: int, content: bytes, execute_us: int = 0,
                    wants_echo: bool = True) -> int:
        """Flood a command to a group (GROUP + n, or ALL), to be carried out at a network time; its
        number. To be repeated with `repeat_ripple` while echoes are missing.
        """
        self._advance(t_us)
        number = self.ripples.start(destination, content, execute_us, wants_echo)
        self.speech.plan()
        return number

    def repeat_ripple(self, t_us: int, number: int) -> None:
        self._advance(t_us)
        self.ripples.repeat(number)
        self.speech.plan()

    def admit(self, t_us: int, proxy: int, answer_to: int, sealed: bytes) -> None:
        """Answer a request to join that came through `proxy` (joining.admission)."""
        self._advance(t_us)
        self.porch.admit(proxy, answer_to, sealed)
        self.speech.plan()

    def serve(self, t_us: int, is_gateway: bool) -> None:
        """There is an uplink from now on, or there is none any more."""
        self._advance(t_us)
        if is_gateway != self.gradient.is_gateway:
            if is_gateway:
                self.role.begin()
            else:
                self.role.end()
            self.speech.plan()

    def set_time(self, t_us: int, network_us: int) -> None:
        """Network time, as a gateway knows it at `t_us` of its clock."""
        self.clock.set(t_us, network_us)

    def take_up(self, t_us: int, name: bytes, size: int, index: bytes, have: int,
                whole: bytes = b"") -> None:
        """Gather an image, and give others what is here of it: a bit of `have` for each page. Its
        name is the first 4 bytes of its SHA-256, `index` has 16 of each chunk's, and is genuine; of
        one page alone `whole`, its SHA-256, may be known instead.
        """
        self._advance(t_us)
        self.spread.take_up(name, size, index, have, whole)
        self.speech.plan()

    def has_pages(self, t_us: int, name: bytes, have: int) -> None:
        """These pages of an image are here, too."""
        self._advance(t_us)
        self.spread.has(name, have)
        self.speech.plan()

    def give_page(self, t_us: int, name: bytes, page: int, data: bytes | None) -> None:
        """What was asked for by "read page"; None: it is not here after all."""
        self._advance(t_us)
        self.spread.give(name, page, data)
        self.speech.plan()

    def actions(self) -> list[tuple[object, ...]]:
        """What is to be done, in this order; it is told once."""
        taken, self._actions = self._actions, []
        return taken

    # What its parts ask of it.

    def stamp(self) -> Stamp:
        """What our next frame tells of the time."""
        about, time_us = self.clock.stamp()
        return Stamp(about, time_us, self.ripples.newest)

    def settle(self) -> None:
        """Choose parents anew, and let others know when it matters."""
        before, parent = self.gradient.heartbeat, self.gradient.parent
        is_news = self.gradient.settle(self.now, self.neighbours)
        if self.gradient.parent not in (parent, None):
            self.echoes.moved()
        if self.gradient.heartbeat != before:
            self.custody.heartbeat = self.gradient.heartbeat
            self.wanting.renewed()
        if is_news:
            self.trickle.reset(self.now, self.chance())
            if self.gradient.rank >= RANK_MAX:
                self.trickle.hurry(self.now, self.chance())

    def send(self, kind: int, destination: int, aux: int, body: bytes, rate: int,
             has_cad: bool, priority: int = 1) -> bool:
        """Put a frame on the air, if the law lets us."""
        return self.speech.send(kind, destination, aux, body, rate, has_cad, priority)

    def hold(self, until_us: int, receiver: int) -> None:
        """A receiver needs the channel until then."""
        self.channel.hold(self.now, until_us, receiver)

    def tune(self, rate: int, word: int) -> None:
        """Hear this rate and sync word from now on; a wire is always heard."""
        if rate != self.setting.wire:
            self._actions.append(("listen", rate, word))

    @property
    def middling_us(self) -> int:
        """Airtime of a frame of the mesh's own, of 64 bytes."""
        return self.airtimes[0][1]

    def short_us(self, rate: int) -> int:
        """Airtime of a frame with next to nothing in it."""
        return self.airtimes[rate][0]

    def note(self, word: bytes, priority: int = 1) -> None:
        """Send a word of the mesh up to any gateway."""
        self.ends.note(word, priority)

    def tell(self, action: tuple[object, ...]) -> None:
        """An action for whoever runs us."""
        self._actions.append(action)

    def heard(self, source: int) -> int:
        """Low 16 bits of the newest counter heard of a station."""
        return self.guard.heard(source)

    @property
    def last_counter(self) -> int:
        return self.guard.last

    # Time and chance.

    def _tick_down(self) -> None:
        """What goes down, and what is carried out."""
        self._seen_us = self.now
        self.ripples.tick(self.now)
        self.handing.tick(self.now)
        self.downward.expire()
        due_us = self.orders.deadline_us()
        if due_us is not None and due_us <= self.now:
            self.orders.tick()

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
