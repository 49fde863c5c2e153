"""When a station may speak: how long others need the channel, and the wait that is drawn.

Left out: what is to be said (relay.py), what the law allows (duty.py).
"""

from wum_edge.mesh.frames import ALL, ASK, ECHO, LACK, POLL, RIPPLE, SYMBOL

SLOT_US = 12_000             # Of contention: a host's jitter and a look at the channel.
HOLD_MAX_US = 6_000_000      # Nobody is silenced for longer by one frame.
# How often a wait is doubled while the channel is busy: an ask's time is short, a gateway's dear.
_SHIFTS, _SHIFTS_ASK, _SHIFTS_GATEWAY = 4, 1, 1


class Channel:
    """`attempt_us`: when the wait is over that was drawn; None while there is none."""

    def __init__(self, t_us: int, is_gateway: bool) -> None:
        self.attempt_us: int | None = None
        self._is_gateway = is_gateway
        self._invited_us = t_us
        self._quiet_us = self._near_us = self._refused_us = self._pause_us = t_us
        self._guests_us = t_us
        self._near = self._held_for = ALL
        self._shift = 0
        self.is_calm = False         # At a gateway for which little waits: it holds like anybody.

    def serve(self, is_gateway: bool) -> None:
        self._is_gateway = is_gateway

    def hold(self, t_us: int, until_us: int, receiver: int) -> None:
        """A receiver is at it until then; whoever waits draws again. What the same receiver says
        later counts, also when it is done before its time.
        """
        if until_us > self._quiet_us or receiver == self._held_for:
            self._quiet_us = min(until_us, t_us + HOLD_MAX_US)
            self._held_for = receiver
            self.attempt_us = None

    def held_until_us(self, receiver: int) -> int:
        """Until when this one is at it, if it was the last that needed the channel; else 0."""
        return self._quiet_us if receiver == self._held_for else 0

    def protect(self, until_us: int, receiver: int) -> None:
        """A receiver that is close by is in a burst until then."""
        self._near_us, self._near = until_us, receiver

    def release(self, receiver: int) -> None:
        """A gateway's chain of bursts is over, as it tells itself."""
        if self._near == receiver:
            self._near_us = 0

    def give_way(self, until_us: int, is_near: bool) -> None:
        """Another network has the channel until then; a relay's poll troubles it only nearby."""
        self._guests_us = until_us
        if is_near and until_us > self._near_us:
            self.protect(until_us, ALL)
        self.attempt_us = None

    def is_burst_near(self, t_us: int) -> bool:
        return self._near_us > t_us

    def looks(self, t_us: int) -> bool:
        """Whether a poll looks at the channel first: not while a burst is known to be near, which
        is what it would see; and a gateway, whose time is what there is least of, only once.
        """
        return self._near_us <= t_us and not (self._is_gateway and self._shift)

    def may_answer(self, t_us: int, parent: int) -> bool:
        """Whether an answer to `parent` troubles no other receiver close by."""
        return self._near_us <= t_us or self._near == parent

    def invite(self, until_us: int, gateway: int) -> None:
        """A gateway hears asks until then: whoever asks waits for no other receiver, whoever polls
        waits.
        """
        self._invited_us = until_us
        self.protect(until_us, gateway)
        self.attempt_us = None

    def refuse(self, until_us: int) -> None:
        """The law says no until then."""
        self._refused_us = until_us
        self._quiet_us = max(self._quiet_us, until_us)

    def free_us(self, t_us: int, kind: int) -> int:
        """From when on we may speak; `kind` is that of the frame, plus one. The burst
        of a gateway for which much waits is worth more than the frame that its poll spoils; a
        ripple goes before everything; all else waits for everybody: what a relay's poll is answered
        with is heard much farther than the poll. It waits for who is in a burst nearby, too, as an
        update does.
        """
        if kind == 1 + RIPPLE:
            return self._refused_us
        if kind == 1 + ECHO:
            return max(self._quiet_us, self._guests_us)
        if kind in (1 + LACK, 1 + SYMBOL):
            return max(self._quiet_us, self._near_us, self._pause_us, self._guests_us,
                       self._invited_us)
        if kind == 1 + ASK and self._invited_us > t_us:
            return max(self._refused_us, self._pause_us)
        if kind != 1 + POLL:
            return max(self._quiet_us, self._pause_us, self._guests_us)
        if self._is_gateway:
            quiet_us = self._quiet_us if self.is_calm else 0
            return max(quiet_us, self._guests_us, self._refused_us, self._pause_us)
        return max(self._near_us, self._quiet_us, self._refused_us, self._pause_us)

    def pause(self, until_us: int) -> None:
        """A ripple or its echoes pass: whatever else there is to say waits until then."""
        self._pause_us = max(self._pause_us, until_us)

    def draw(self, t_us: int, kind: int, width: int, chance: int) -> None:
        """Begin to wait, for less than `width` slots after the channel is free."""
        shift = 0 if kind == 1 + RIPPLE else self._shift
        if kind == 1 + ASK:
            shift = min(shift, _SHIFTS_ASK)
        slots_us = chance % ((width << shift) * SLOT_US)
        self.attempt_us = max(t_us, self.free_us(t_us, kind)) + slots_us

    def was_busy(self) -> None:
        """... though nobody was known to send. A gateway hardly waits for it: where another network
        has its turn, that is what it waits for.
        """
        self._shift = min(self._shift + 1, _SHIFTS_GATEWAY if self._is_gateway else _SHIFTS)

    def was_free(self) -> None:
        self._shift = 0
