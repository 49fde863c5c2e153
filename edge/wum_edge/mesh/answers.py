"""The child's side: ask a parent, answer its poll with a burst, keep everything until it is told.

Left out: which parents there are (gradient.py), when the channel is free (relay.py).
"""

from wum_edge.mesh import frames
from wum_edge.mesh.frames import DATA, UNREACHABLE, Item
from wum_edge.mesh.gradient import RANK_MAX
from wum_edge.mesh.neighbours import Neighbour
from wum_edge.mesh.timing import (
    ANSWERING,
    IDLE,
    LEAD_GRANT,
    TUNE_US,
    is_short,
    saving_us,
)

WAIT_ACK_US = 1_500_000      # A parent tells at once; if it did not reach us we ask.
WAIT_POLL_US = 2_500_000     # First patience for a poll; it doubles.
_DEAR = 4                    # So many times as long where the law leaves a hundredth of the time.
PATIENCE_US = 30_000_000     # With a parent that knows of us and is busy.
AWAY_US = 60_000_000         # A parent that does not answer is left alone for so long.
_DOUBLINGS = 5               # Of the patience for a poll: to more than a minute.
_SILENT_MAX = 3              # Asks without any sign of the parent.
_BUSY_MAX = 9                # Asks without a poll of a parent that is heard.
_HEARD_US = 15_000_000
_THINNED_MAX = 3             # One in eight, at least, of those that an invitation finds waiting.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from wum_edge.mesh.relay import Relay


class Answers:
    """What is under way to a parent."""

    def __init__(self, relay: "Relay") -> None:
        self._relay = relay
        self._parent = 0             # To which the burst goes, or is waiting for word.
        self._number = self._rate = 0
        # What the parent may take for the counter of the last frame: it reckons from any of them,
        # and a frame that went by wire meanwhile had a counter too.
        self._lasts: list[int] = []
        self._frames: list[tuple[int, list[Item]]] = []
        self._at = 0
        self._is_open = False        # Sent, and no word of it yet.
        self._ask_us, self._tries = 0, 0
        self._wait_us = WAIT_POLL_US * (_DEAR if relay.setting.is_dear else 1)
        self._begin_us = self._seen_us = 0
        self._asked = 0
        self._granted = 0
        self._saves = False          # The law left nothing for what waits here.
        self._declines = False       # Polled by who is no parent: an empty frame ends that.

    def may_ask(self, t_us: int) -> bool:
        """Whether it is time to ask a parent for its poll."""
        return (self._relay.custody.size > 0 and t_us >= self._ask_us
                and not self._relay.gradient.is_gateway
                and self._relay.gradient.has_parents and not self._relay.handing.serves())

    def wake(self, t_us: int) -> None:
        """There is something to send."""
        if self._ask_us == 0:
            self._ask_us = t_us

    def deadline_us(self) -> int | None:
        """When `tick` wants to be called: a burst begins, or an ask is due."""
        if self._begin_us:
            return self._begin_us
        if self._relay.custody.size and self._relay.gradient.has_parents and self._ask_us:
            return self._ask_us if self._ask_us > self._seen_us else None
        return None

    def tick(self, t_us: int) -> None:
        """Time has passed."""
        if self._begin_us and t_us >= self._begin_us:
            self._begin_us = 0
            self._send_next()
        self._seen_us = t_us

    def ask(self, t_us: int) -> tuple[int, bytes]:
        """(parent, body) of the ask that is sent now."""
        relay = self._relay
        parent = self._choose(t_us)
        self._asked = parent
        self._tries += 1
        other = relay.neighbours.get(parent)
        if other is not None:
            other.vain += 1
        patience_us = self._wait_us << min(self._tries - 1, _DOUBLINGS)
        if other is not None and other.vain <= _SILENT_MAX and _is_silent(other, t_us):
            patience_us = self._wait_us          # It is busy with nobody: it may be dead.
        self._ask_us = t_us + patience_us + relay.chance() % patience_us
        unknown = self._number if self._is_open and self._parent == parent else 0
        waiting = relay.custody.frames()
        return parent, frames.encode_ask(frames.Ask(
            relay.gradient.rank, waiting, unknown,
            relay.children.waiting(relay.last_counter + 1)))

    def _choose(self, t_us: int) -> int:
        """The parent to ask: the first, or after asks in vain the next."""
        relay = self._relay
        first = relay.neighbours.get(relay.gradient.parent or 0)
        if first is not None and first.vain >= _SILENT_MAX and _is_silent(first, t_us):
            self._give_up(first, t_us)   # Though others answered what it was asked in between.
        elif self._tries and self._asked:
            other = relay.neighbours.get(self._asked)
            # What was asked of others tells nothing of this one.
            if other is not None and (
                    other.vain >= _SILENT_MAX if _is_silent(other, t_us)
                    else self._tries >= _BUSY_MAX):
                self._give_up(other, t_us)
        parents = relay.gradient.parents(t_us, relay.neighbours)
        if not parents:
            return self._asked
        if relay.gradient.parent is not None and self._tries % 3 != 2:
            return relay.gradient.parent
        return parents[min(self._tries // 3 + (1 if self._tries % 3 == 2 else 0),
                           len(parents) - 1)].address

    def _give_up(self, other: Neighbour, t_us: int) -> None:
        """Leave a parent alone for a while."""
        other.acknowledge(0, 2)
        other.away_until_us = t_us + AWAY_US
        other.wired = other.vain = 0
        if _is_silent(other, t_us):
            other.rank = UNREACHABLE     # Until it tells us anew that it lives.
        self._tries = 0
        self._relay.settle()

    def refused(self, t_us: int) -> None:
        """The channel was busy: an ask that was not sent does not count."""
        if self._tries and self._ask_us > t_us + self._wait_us // 2:
            self._tries -= 1
            self._ask_us = t_us + 1

    def awaits(self, address: int) -> bool:
        """Whether a poll of this station may tell what has arrived of ours."""
        return (self._is_open and self._parent == address
                or self._tries > 0 and self._asked == address)

    def overheard(self, t_us: int, parent: int, is_known: bool, until_us: int) -> None:
        """A poll of the parent that we asked, or that our last burst told what is left: does it
        know that we wait? It hears us again when the burst that it polled is over, at `until_us`.
        """
        if self._is_open or parent != (self._asked if self._tries else self._parent) or (
                not self._relay.custody.size):
            return
        chance = self._relay.chance()
        if is_known:
            self._tries = min(self._tries, 1)
            self._ask_us = t_us + PATIENCE_US + chance % PATIENCE_US
        else:
            self._ask_us = min(max(self._ask_us, until_us), until_us + chance % self._wait_us)

    def invited(self, t_us: int, parent: int) -> None:
        """A gateway hears asks now. Who asked in vain before is one of many: fewer of them try."""
        if (self._ask_us > t_us and parent == (self._asked if self._tries else self._parent)
                and not self._is_open and not self._relay.chance() % (
                    1 << min(self._tries, _THINNED_MAX))):
            self._ask_us = t_us

    def polled(self, t_us: int, parent: int, number: int, grant: int, rate: int) -> None:
        """Begin a burst."""
        relay = self._relay
        other = relay.neighbours.get(parent)
        self._declines = other is None or other.rank >= relay.gradient.rank or (
            relay.gradient.rank >= RANK_MAX)
        if self._is_open:            # Also if it is declined: else its pieces were out for ever.
            self._lose()
        if self._declines:
            relay.count("poll of no parent")
            self._begin(t_us, parent, number, rate, [(1, [])])
            return
        self._granted = grant
        left = grant if rate == relay.setting.wire else (
            relay.ledger.free_us(t_us) // relay.frame_us[rate])
        chosen: list[tuple[int, list[Item]]] = [(1, [])] if grant >= LEAD_GRANT else []
        while len(chosen) < min(grant, left):
            priority, items = relay.custody.next_frame(parent)
            if chosen and not items:
                break
            chosen.append((priority, items))     # An empty frame says that there is nothing.
            if not items:
                break
        # Who may send nothing says so by an empty frame: silent, it would be polled again in vain.
        chosen = chosen or [(1, [])]
        self._saves = not chosen[-1][1] and relay.custody.waiting() > 0
        self._begin(t_us, parent, number, rate, chosen)

    def _begin(self, t_us: int, parent: int, number: int, rate: int,
               chosen: list[tuple[int, list[Item]]]) -> None:
        self._frames, self._at, self._lasts = chosen, 0, []
        self._parent, self._number, self._rate = parent, number, rate
        self._relay.mode = ANSWERING
        self._begin_us = t_us + TUNE_US

    def _send_next(self) -> None:
        relay = self._relay
        left = len(self._frames) - 1 - self._at
        waiting = 0 if self._declines else relay.custody.waiting()
        priority, items = self._frames[self._at]
        body = frames.encode_data(relay.gradient.rank, self._number, items)
        self._at += 1
        self._lasts.append(relay.last_counter + 1 + left & 0xFFFF)
        if not relay.send(DATA, self._parent, frames.data_aux(left, waiting), body, self._rate,
                          False, priority):
            self._finish(relay.now)

    def sent(self, t_us: int) -> None:
        """A frame of the burst is out."""
        if self._at < len(self._frames):
            self._send_next()
        else:
            self._finish(t_us)

    def _finish(self, t_us: int) -> None:
        self._relay.mode = IDLE
        self._is_open = bool(self._frames[-1][1])
        self._tries = 0
        self._ask_us = t_us + WAIT_ACK_US + self._relay.chance() % WAIT_ACK_US
        if self._saves:
            self._ask_us += saving_us(
                self._relay.frame_us[self._rate], self._relay.setting.duty_permyriad)
            self._saves = False

    def acknowledged(self, t_us: int, parent: int, answered: int, arrived: int) -> None:
        """The parent's word of our burst whose last frame had the counter `answered`."""
        relay = self._relay
        if not self._is_open or parent != self._parent or answered not in self._lasts:
            return
        self._is_open = False
        got, total = 0, len(self._frames)
        for at, (_, items) in enumerate(self._frames):
            if arrived >> (total - 1 - at) & 1:
                relay.custody.release(items, parent)
                got += 1
                for item in items:
                    if item.origin == relay.setting.address:
                        relay.unreceipted.carried(item.number, parent)
            else:
                relay.custody.keep(items)
        other = relay.neighbours.get(parent)
        if other is not None:
            other.acknowledge(got, total)
        self._frames = []
        self._tries = 0
        if relay.custody.size:
            # It was told what is left here, and polls when it can.
            self._ask_us = t_us + PATIENCE_US + relay.chance() % PATIENCE_US
            if is_short(total, self._granted):
                self._ask_us += saving_us(relay.frame_us[self._rate], relay.setting.duty_permyriad)
        else:
            self._ask_us = 0

    def lost(self, number: int) -> None:
        """An object of ours has vanished: who had it of us is trusted less."""
        for other in self._carriers(number):
            other.vanished()
        if self._relay.unreceipted.sent_anew(number, self._relay.now):
            self._relay.tell(("want", number, 0))
        else:
            self._relay.tell(("again", number))

    def came(self, number: int) -> None:
        """A gateway has an object of ours."""
        for other in self._carriers(number):
            other.delivered()
        self._relay.tell(("done", number))

    def _carriers(self, number: int) -> list[Neighbour]:
        """The neighbours that had an object of ours and are still known."""
        relay = self._relay
        known = [relay.neighbours.get(address) for address in relay.unreceipted.through(number)]
        return [other for other in known if other is not None]

    def _lose(self) -> None:
        """No word of the last burst: what was in it is sent again."""
        self._is_open = False
        for _, items in self._frames:
            self._relay.custody.keep(items)
        self._frames = []


def _is_silent(other: Neighbour, t_us: int) -> bool:
    return t_us - other.heard_at_us > _HEARD_US
