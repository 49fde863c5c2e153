"""The ripple: a command that is flooded at once, repeated by few, and carried out at one moment.

Left out: who has told that it has it (echoes.py). Everybody who hears it draws a slot out of so
many as it has neighbours; who has heard it three times keeps silent.
"""

from wum_edge.mesh.downframes import (
    WANTS_ECHO,
    Ripple,
    confirm,
    decode_ripple,
    encode_ripple,
)
from wum_edge.mesh.downward import is_for
from wum_edge.mesh.frames import ALL, GROUP, RIPPLE, UNREACHABLE, Header, Item
from wum_edge.mesh.guard import NotOurs
from wum_edge.mesh.timing import POLLING

KEPT_MAX = 16                # Ripples that are remembered.
HOPS_MAX = 64
_SLOT_US = 12_000
_SLOTS_MIN, _SLOTS_MAX = 4, 40
ROUNDS_MAX = 15              # Repetitions of one, all told.
# So many others were heard to have it, and the neighbourhood has it: of those that are as far as
# we are or farther, and of all. In a street most of whom we hear had it before us.
_ENOUGH, _ENOUGH_ALL = 3, 6
_COPIES = 3                  # Of our own at most, and so often over again when asked; then ...
_REST_US = 30_000_000        # ... after so long, doubled each time: a neighbour may restart often,
_DOUBLED_MAX = 6             # or never hear us.
ECHO_PAUSE_US = 2_500_000    # Nobody polls while the ripple and its first echoes pass.
_STALE_US = 60_000_000       # So late a command is carried out no more.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from wum_edge.mesh.relay import Relay


class Kept:
    """One ripple that is here."""

    __slots__ = ("at_us", "behind", "copies", "destination", "frame", "is_done", "is_mine",
                 "rests_until_us", "sources")

    def __init__(self, destination: int, frame: Ripple, is_mine: bool) -> None:
        self.destination, self.frame, self.is_mine = destination, frame, is_mine
        self.sources: list[int] = []     # Others that were heard to have it.
        self.copies = self.behind = 0
        self.rests_until_us = 0          # Once it was given often.
        self.at_us: int | None = None
        self.is_done = not is_mine


class Ripples:
    """Those that came lately, the newest last."""

    def __init__(self, relay: "Relay") -> None:
        self._relay = relay
        self._kept: list[Kept] = []
        self._is_first = False
        self._sending: Kept | None = None

    @property
    def newest(self) -> int:
        """Low byte of the number of the newest one, for others to see that they lack it; 0: there
        is none.
        """
        return self._kept[-1].frame.number & 255 if self._kept else 0

    def start(self, destination: int, content: bytes, execute_us: int, wants_echo: bool,
              number: int | None = None) -> int:
        """Begin one, as a gateway; its number."""
        relay = self._relay
        if number is None:
            number = relay.orders.next_number()
        me = relay.setting.address
        frame = Ripple(relay.stamp(), me, number, 0, WANTS_ECHO if wants_echo else 0,
                       execute_us, content)
        kept = self._find(me, number)
        if kept is None:
            kept = self._keep(Kept(destination, frame, is_for(destination, me, relay.groups)))
        if wants_echo:
            relay.channel.pause(relay.now + ECHO_PAUSE_US)
            relay.echoes.expect(relay.now)
        self._again(kept)
        return number

    def content_of(self, gateway: int, number: int) -> bytes | None:
        """Of one that is remembered, whoever it is for."""
        kept = self._find(gateway, number)
        return None if kept is None else kept.frame.content

    def repeat(self, number: int) -> None:
        """Flood one again, from its beginning."""
        kept = self._find(self._relay.setting.address, number)
        if kept is not None:
            self._again(kept)

    def _again(self, kept: Kept) -> None:
        frame = kept.frame
        if kept.copies:
            flags = frame.flags & 15 | min((frame.flags >> 4) + 1, ROUNDS_MAX) << 4
            kept.frame = Ripple(frame.stamp, frame.gateway, frame.number, 0, flags,
                                frame.execute_us, frame.content)
        kept.sources, kept.behind, kept.copies = [], 0, 0
        kept.at_us = self._relay.now
        if self._relay.mode == POLLING and not self._relay.sending:
            # A burst takes 3 s, and is sent again; those who hear us better than whoever is
            # answering hear this. A look at the channel would see the burst.
            self._relay.polls.abort()
            self._is_first = True

    def heard(self, header: Header, body: bytes) -> None:
        """A copy. Raises Malformed, NotOurs."""
        relay = self._relay
        ripple = decode_ripple(body)
        other = relay.neighbours.get(header.source)
        relay.hearing.heed_stamp(header, ripple.stamp, other.rank if other else UNREACHABLE)
        kept = self._find(ripple.gateway, ripple.number)
        if ripple.hops >= HOPS_MAX:
            raise NotOurs("ripple of %d hops" % ripple.hops)
        if kept is None:
            late_us = relay.clock.time_us(relay.now) - ripple.execute_us
            if ripple.execute_us and relay.clock.is_known and late_us > _STALE_US:
                raise NotOurs("ripple that is %d s late" % (late_us // 1_000_000))
            mine = is_for(header.destination, relay.setting.address, relay.groups)
            kept = self._keep(Kept(header.destination, ripple, mine))
            kept.at_us = relay.now + self._slots_us(1)
            self._arrived(kept)
        elif ripple.flags >> 4 > kept.frame.flags >> 4:      # A repetition goes as far again.
            kept.frame = ripple
            kept.sources, kept.behind, kept.copies = [], 0, 0
            kept.at_us = relay.now + self._slots_us(1)
        self._count(kept, header.source, ripple.hops)
        if header.destination == ALL and ripple.flags & WANTS_ECHO and (
                header.source != ripple.gateway):
            relay.echoes.has(ripple.gateway, ripple.number, header.source)
        if self._is_enough(kept) and kept.copies:
            kept.at_us = None

    def _count(self, kept: Kept, source: int, hops: int) -> None:
        """Another that has it. Who had it before us tells little of those behind us."""
        if source not in kept.sources and len(kept.sources) < _ENOUGH_ALL:
            kept.sources.append(source)
            kept.behind += hops > kept.frame.hops

    def _is_enough(self, kept: Kept) -> bool:
        return kept.behind >= _ENOUGH or len(kept.sources) >= _ENOUGH_ALL

    def _arrived(self, kept: Kept) -> None:
        relay, frame = self._relay, kept.frame
        if frame.flags & WANTS_ECHO:
            relay.channel.pause(relay.now + ECHO_PAUSE_US)
            relay.echoes.expect(relay.now)
        else:
            relay.channel.pause(relay.now + 3 * relay.frame_us[0])
        if not kept.is_mine:
            return
        if kept.destination == relay.setting.address and not frame.content:
            relay.note(confirm(frame.gateway, frame.number))     # We are only called.
            kept.is_done = True
            return
        if kept.destination == relay.setting.address:
            relay.orders.arrived(frame.gateway, Item(
                kept.destination, frame.number, 0, True, frame.content, 0))
            kept.is_done = True
            return
        relay.tell(("ripple", frame.gateway, frame.number, frame.content))
        if frame.flags & WANTS_ECHO:
            relay.echoes.begin(frame.gateway, frame.number)

    def _keep(self, kept: Kept) -> Kept:
        self._kept.append(kept)
        if len(self._kept) > KEPT_MAX:
            self._kept.remove(self._least())
        return kept

    def _least(self) -> Kept:
        """Who makes room: the oldest that was for one station, which every object downwards may
        be; else the oldest that was carried out; an order whose moment is to come only for others.
        """
        before = self._kept[:-1]
        for kept in before:
            if kept.is_done and kept.destination < GROUP:
                return kept
        for kept in before:
            if kept.is_done:
                return kept
        return before[0]

    def _find(self, gateway: int, number: int) -> Kept | None:
        for kept in self._kept:
            if kept.frame.gateway == gateway and kept.frame.number == number:
                return kept
        return None

    def lacks(self, newest: int, from_us: int) -> None:
        """A neighbour has told of the low byte of its newest: is it behind ours? Until `from_us` it
        is in a burst, and hears nothing else.
        """
        if self._kept and newest != self.newest:
            last = self._kept[-1]
            is_behind = not newest or (self.newest - newest & 255) < 128
            if is_behind and last.at_us is None:
                last.at_us = max(self._relay.now, from_us) + self._slots_us(4)
                if last.copies >= 2 * _COPIES:
                    # Two that do not hear each other would else give it at the same moment.
                    last.at_us = max(last.at_us, last.rests_until_us) + (
                        self._relay.chance() % _REST_US)

    # When a copy is sent.

    def is_due(self, t_us: int) -> bool:
        return any(kept.at_us is not None and kept.at_us <= t_us for kept in self._kept)

    def deadline_us(self, after_us: int) -> int | None:
        """When next, behind `after_us`, a copy is to be sent or a command carried out: a copy that
        waits for the channel must not hide the moment of a command.
        """
        times = [kept.at_us for kept in self._kept if kept.at_us is not None]
        for kept in self._kept:
            at_us = self._execute_at_us(kept)
            if not kept.is_done and at_us is not None:
                times.append(at_us)
        times = [time_us for time_us in times if time_us > after_us]
        return min(times) if times else None

    def tick(self, t_us: int) -> None:
        """Carry out what is due."""
        for kept in self._kept:
            at_us = self._execute_at_us(kept)
            if not kept.is_done and at_us is not None and at_us <= t_us:
                kept.is_done = True
                is_late = kept.frame.execute_us and t_us - at_us > _STALE_US
                self._relay.tell(("late" if is_late else "execute", kept.frame.gateway,
                                  kept.frame.number))

    def _execute_at_us(self, kept: Kept) -> int | None:
        """By our clock; None while we cannot know when."""
        clock = self._relay.clock
        if not kept.frame.execute_us:
            return 0
        if not clock.is_known:
            return None
        return clock.local_us(kept.frame.execute_us)

    def send(self) -> None:
        """A copy of the one that is due first, as the channel is ours."""
        relay = self._relay
        due = [kept for kept in self._kept if kept.at_us is not None and kept.at_us <= relay.now]
        kept = due[-1]
        frame = kept.frame
        body = encode_ripple(Ripple(relay.stamp(), frame.gateway, frame.number,
                                    min(frame.hops + 1, HOPS_MAX), frame.flags, frame.execute_us,
                                    frame.content))
        has_cad, self._is_first = not self._is_first, False
        if relay.send(RIPPLE, kept.destination, 0, body, 0, has_cad, priority=0):
            self._sending = kept
            kept.copies += 1
            kept.at_us = None
            doubled = min(max(kept.copies - 2 * _COPIES, 0), _DOUBLED_MAX)
            kept.rests_until_us = relay.now + (_REST_US << doubled)
            if kept.copies < _COPIES and not self._is_enough(kept):
                kept.at_us = relay.now + relay.frame_us[0] + self._slots_us(2 * kept.copies)

    def refused(self) -> None:
        """The channel was busy: once more, a little later."""
        kept, self._sending = self._sending, None
        if kept is not None:
            kept.copies = max(kept.copies - 1, 0)    # It may have begun anew meanwhile.
            kept.at_us = self._relay.now + self._slots_us(1)
            # A burst near a gateway goes on for seconds: everybody waits for this one's copy.
            self._is_first = self._relay.gradient.is_gateway

    def _slots_us(self, width: int) -> int:
        """A wait out of `width` times so many slots as there are neighbours."""
        relay = self._relay
        slots = max(min(len(relay.neighbours.all()), _SLOTS_MAX), _SLOTS_MIN) * width
        return relay.chance() % (slots * _SLOT_US)
