"""Objects in pieces: cutting at the origin, putting together at a gateway, receipts for both.

Left out: the way between (custody.py, relay.py). Nothing is opened here.
"""

from wum_edge.mesh.frames import FRAGMENT_MAX, Item

FRAGMENTS_MAX = 128
OBJECT_MAX = FRAGMENTS_MAX * FRAGMENT_MAX
PARTIAL_MAX = 256            # Objects of which a gateway has a part; the oldest makes room.
_BEFORE = 8                  # A receipt tells of so many numbers before its own.


def cut(origin: int, number: int, content: bytes) -> list[Item]:
    """The pieces of an object of 1..OBJECT_MAX bytes."""
    assert 0 < len(content) <= OBJECT_MAX
    starts = range(0, len(content), FRAGMENT_MAX)
    return [Item(origin, number, at, start + FRAGMENT_MAX >= len(content),
                 content[start:start + FRAGMENT_MAX]) for at, start in enumerate(starts)]


class Partial:
    """What has come of one object."""

    __slots__ = ("order", "pieces", "total")

    def __init__(self, order: int) -> None:
        self.order = order
        self.total = 0
        self.pieces: dict[int, bytes] = {}

    def is_whole(self) -> bool:
        """A liar's pieces may be as many, and other ones."""
        return all(at in self.pieces for at in range(self.total))


class Gathering:
    """A gateway's side."""

    def __init__(self) -> None:
        self._partial: dict[int, Partial] = {}
        self._newest: dict[int, tuple[int, int]] = {}
        self._order = 0

    def add(self, item: Item) -> bytes | None:
        """The whole object, when this was the last of its pieces; each is given out once."""
        if self._is_done(item.origin, item.number):
            return None
        key = item.origin << 16 | item.number
        partial = self._partial.get(key)
        if partial is None:
            if len(self._partial) >= PARTIAL_MAX:
                self._drop_oldest()
            self._order += 1
            partial = self._partial[key] = Partial(self._order)
        partial.pieces[item.fragment] = item.content
        if item.is_last:
            partial.total = item.fragment + 1
        if not partial.total or not partial.is_whole():
            return None
        del self._partial[key]
        self._note(item.origin, item.number)
        return b"".join([partial.pieces[at] for at in range(partial.total)])

    def receipt(self, origin: int) -> tuple[int, int] | None:
        """(newest number, bit map of the eight before it) of what is here whole."""
        newest = self._newest.get(origin)
        return (newest[0], newest[1] >> 1 & 255) if newest else None

    def _drop_oldest(self) -> None:
        oldest = min([(partial.order, key) for key, partial in self._partial.items()])
        del self._partial[oldest[1]]

    def _is_done(self, origin: int, number: int) -> bool:
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

    def sent(self, number: int, t_us: int) -> None:
        self._sent_us[number] = t_us

    @property
    def size(self) -> int:
        return len(self._sent_us)

    def receipt(self, number: int, before: int) -> list[int]:
        """Objects that are there now and were not known to be."""
        told = [number] + [number - 1 - at & 0xFFFF for at in range(_BEFORE) if before >> at & 1]
        return [found for found in told if self._sent_us.pop(found, None) is not None]

    def overdue(self, until_us: int) -> list[int]:
        """Objects sent before `until_us`: they are forgotten here and must be sent anew."""
        found = sorted([number for number, sent_us in self._sent_us.items()
                        if sent_us <= until_us])
        for number in found:
            del self._sent_us[number]
        return found
