"""Objects in pieces: cutting at the origin, putting together at a gateway, receipts for both.

Left out: the way between (custody.py, relay.py). Nothing is opened here.
"""

from wum_edge.mesh.frames import FRAGMENT_MAX, Item
from wum_edge.mesh.patience import Patience

FRAGMENTS_MAX = 128
OBJECT_MAX = FRAGMENTS_MAX * FRAGMENT_MAX
# Objects of which a gateway has a part; the oldest makes room. A hundred stations that hand over a
# day have pieces of 500 on their way. A port with less memory has fewer.
PARTIAL_MAX = 1024
# Without a piece for so long an object's origin is asked; longer where the pieces of one object lie
# farther apart, for queues are long.
_STANDS_US, _STANDS_MAX_US = 45_000_000, 1_200_000_000
_WANTS_MAX = 5               # So often, after doubled waits.
# An object so old is lost when a later one has arrived; older ones where receipts take as long.
_OVERTAKEN_US, _OVERTAKEN_MAX_US = 240_000_000, 3_600_000_000
_THROUGH_MAX = 4             # Parents of one object that are remembered.
# Without a receipt for so long an object is submitted anew; longer where receipts take as long.
RESEND_US, _RESEND_MAX_US = 1_500_000_000, 7_200_000_000
_TRIES_MAX = 3               # So often under its own number.
_BEFORE = 32                 # A receipt tells of so many numbers before its own: a day's worth.


def cut(origin: int, number: int, content: bytes) -> list[Item]:
    """The pieces of an object of 1..OBJECT_MAX bytes."""
    assert 0 < len(content) <= OBJECT_MAX
    starts = range(0, len(content), FRAGMENT_MAX)
    return [Item(origin, number, at, start + FRAGMENT_MAX >= len(content),
                 content[start:start + FRAGMENT_MAX], 0) for at, start in enumerate(starts)]


class Partial:
    """What has come of one object."""

    __slots__ = ("came_us", "due_us", "order", "pieces", "total", "wants")

    def __init__(self, order: int) -> None:
        self.order = order
        self.came_us = self.due_us = self.wants = 0
        self.total = 0
        self.pieces: dict[int, bytes] = {}

    def is_whole(self) -> bool:
        """A liar's pieces may be as many, and other ones."""
        return all(at in self.pieces for at in range(self.total))


class Gathering:
    """A gateway's side."""

    def __init__(self, partial_max: int = PARTIAL_MAX) -> None:
        self.partial_max = partial_max
        self._patience = Patience()
        self._partial: dict[int, Partial] = {}
        self._newest: dict[int, tuple[int, int]] = {}
        self._order = 0

    def add(self, item: Item, t_us: int = 0) -> bytes | None:
        """The whole object, when this was the last of its pieces; each is given out once."""
        if self.is_done(item.origin, item.number):
            return None
        key = item.origin << 16 | item.number
        partial = self._partial.get(key)
        if partial is None:
            if len(self._partial) >= self.partial_max:
                self._drop_oldest()
            self._order += 1
            partial = self._partial[key] = Partial(self._order)
        else:
            self._patience.learn(t_us - partial.came_us)
        partial.came_us = t_us
        partial.due_us = t_us + (self._wait_us() << partial.wants)
        partial.pieces[item.fragment] = item.content
        if item.is_last:
            partial.total = item.fragment + 1
        if not partial.total or not partial.is_whole():
            return None
        del self._partial[key]
        self._note(item.origin, item.number)
        return b"".join([partial.pieces[at] for at in range(partial.total)])

    def receipt(self, origin: int) -> tuple[int, int] | None:
        """(newest number, bit map of the 32 before it) of what is here whole."""
        newest = self._newest.get(origin)
        return (newest[0], newest[1] >> 1 & (1 << _BEFORE) - 1) if newest else None

    def standing(self, t_us: int) -> list[tuple[int, int, list[int]]]:
        """(origin, number, fragments that are here) of objects that wait for the rest in vain."""
        found = []
        for key in sorted(self._partial):
            partial = self._partial[key]
            if partial.due_us <= t_us and partial.wants < _WANTS_MAX:
                partial.wants += 1
                partial.due_us = t_us + (self._wait_us() << partial.wants)
                found.append((key >> 16, key & 0xFFFF, sorted(partial.pieces)))
        return found

    def give_up(self) -> list[Item]:
        """All pieces of objects that are not whole: another gateway may get the rest."""
        found = []
        for key in sorted(self._partial):
            partial = self._partial[key]
            for at in sorted(partial.pieces):
                found.append(Item(key >> 16, key & 0xFFFF, at, at + 1 == partial.total,
                                  partial.pieces[at], 0))
        self._partial.clear()
        return found

    def _drop_oldest(self) -> None:
        oldest = min([(partial.order, key) for key, partial in self._partial.items()])
        del self._partial[oldest[1]]

    def _wait_us(self) -> int:
        return self._patience.wait_us(_STANDS_US, _STANDS_MAX_US)

    def is_done(self, origin: int, number: int) -> bool:
        """Whether it has been given out."""
        newest = self._newest.get(origin)
        if newest is None:
            return False
        behind = newest[0] - number & 0xFFFF
        return behind <= 32 and bool(newest[1] >> behind & 1)

    def _note(self, origin: int, number: int) -> None:
        newest, seen = self._newest.get(origin, (number, 0))
        ahead = number - newest & 0xFFFF
        if ahead < 0x8000:
            self._newest[origin] = (number, (seen << min(ahead, 40) | 1) & (1 << 33) - 1)
        else:
            behind = 0x10000 - ahead
            if behind <= 32:
                self._newest[origin] = (newest, seen | 1 << behind)


class Unreceipted:
    """An origin's side: objects of which no gateway has told that it has them."""

    def __init__(self) -> None:
        self._sent_us: dict[int, int] = {}
        self._tries: dict[int, int] = {}             # Of those that were lost before.
        self._patience = Patience()
        self._through: dict[int, list[int]] = {}     # By object: parents that took some of it.

    def sent(self, number: int, t_us: int) -> None:
        self._sent_us[number] = t_us

    def sent_anew(self, number: int, t_us: int) -> bool:
        """Whether an object that is lost goes once more under its own number, so that what has come
        of it counts; not for ever: a gateway may take it for one that it had before.
        """
        tries = self._tries.get(number, 0)
        if tries >= _TRIES_MAX:
            del self._tries[number]
            return False
        self._tries[number] = tries + 1
        self._sent_us[number] = t_us
        return True

    def carried(self, number: int, parent: int) -> None:
        """A parent has taken a piece."""
        if number in self._sent_us:
            parents = self._through.setdefault(number, [])
            if parent not in parents and len(parents) < _THROUGH_MAX:
                parents.append(parent)

    def through(self, number: int) -> list[int]:
        """Who had it of us; asked once, when it is known what became of it."""
        return self._through.pop(number, [])

    def sent_again(self, number: int, t_us: int) -> bool:
        """Whether the object is still ours to send; patience begins anew."""
        if number not in self._sent_us:
            return False
        self._sent_us[number] = t_us
        return True

    def postpone(self, t_us: int) -> None:
        """No gateway can have told of anything: what was sent is still on its way."""
        for number in self._sent_us:     # Any order: all get the same.
            self._sent_us[number] = t_us

    def overtaken(self, number: int, before: int, t_us: int) -> list[int]:
        """Objects that a receipt passes over although they were sent long ago: they are lost."""
        found = [number - 1 - at & 0xFFFF for at in range(_BEFORE) if not before >> at & 1]
        wait_us = self._patience.wait_us(_OVERTAKEN_US, _OVERTAKEN_MAX_US)
        lost = [past for past in found if t_us - self._sent_us.get(past, t_us) >= wait_us]
        for past in lost:
            del self._sent_us[past]
        return lost

    @property
    def size(self) -> int:
        return len(self._sent_us)

    def receipt(self, number: int, before: int, t_us: int) -> list[int]:
        """Objects that are there now and were not known to be."""
        told = [number] + [number - 1 - at & 0xFFFF for at in range(_BEFORE) if before >> at & 1]
        known = [found for found in told if found in self._sent_us]
        for found in known:
            self._patience.learn(t_us - self._sent_us.pop(found))
            self._tries.pop(found, None)
        return known

    def forget(self, number: int) -> None:
        """It need not be told of any more."""
        self._sent_us.pop(number, None)
        self._tries.pop(number, None)
        self._through.pop(number, None)

    def overdue(self, t_us: int) -> list[int]:
        """Objects of which nothing was heard in time: they are lost."""
        wait_us = self._patience.wait_us(RESEND_US, _RESEND_MAX_US)
        found = sorted([number for number, sent_us in self._sent_us.items()
                        if t_us - sent_us >= wait_us])
        for number in found:
            del self._sent_us[number]
        return found
