"""What the stations of a network keep of an image that is spread: pages, over any power cut.

The hashes of its chunks may be an image of one page, which is spread first; a station may have to
be told by an order of the head-end before it gathers anything, or by a roll, which is flooded about
and spread as a page before the hashes. Left out: how it comes (the edge's mesh/spread.py).
"""

from hashlib import sha256

from wum_edge.mesh.page import PAGE_SIZE, pages_of
from wum_edge.mesh.relay import Relay
from wum_edge.mesh.spreadframes import NAME_SIZE
from wum_shared import bundle


class Library:
    """One image; `members` gather it, by number, and whoever is in `sources` has it. `is_apart`:
    its hashes are spread, too. `order`: what a member has to receive first, or `roll`, once
    `notice` was flooded to it; all others pass the roll on.
    """

    def __init__(self, image: bytes, members: set[int], sources: set[int], *,
                 is_apart: bool = False, order: bytes = b"", roll: bytes = b"",
                 notice: bytes = b"") -> None:
        self.image, self.members = image, members | sources
        self.name = sha256(image).digest()[:NAME_SIZE]
        self.index = bundle.index_of(image)
        self.whole = sha256(self.index).digest() if is_apart else b""
        self._order, self._notice, self._roll = order, notice, roll
        self._roll_digest = sha256(roll).digest()
        self.told = set(sources) if order else set(self.members)
        self.noticed = set(sources) if roll else set()
        self.rolled = set(self.noticed)
        self.told_us: dict[int, int] = {}
        self.indexed = set(sources) if is_apart else set(self.members)
        self.indexed_us: dict[int, int] = {}
        self.pages: dict[int, dict[int, bytes]] = {number: {} for number in self.members}
        self.done_us: dict[int, int] = {}
        self.spoilt: list[tuple[int, int]] = []          # Who told it, of whom.
        for number in sources:
            self.pages[number] = {page: self._page(page) for page in range(pages_of(len(image)))}

    def offer(self, relay: Relay, number: int) -> None:
        """Let a station that has begun know of it, as far as it may."""
        if number in self.noticed:
            relay.take_up(relay.now, self._roll_digest[:NAME_SIZE], len(self._roll), b"",
                          int(number in self.rolled), self._roll_digest)
        if number in self.told:
            self._offer_release(relay, number)

    def _offer_release(self, relay: Relay, number: int) -> None:
        if self.whole:
            relay.take_up(relay.now, self.whole[:NAME_SIZE], len(self.index), b"",
                          int(number in self.indexed), self.whole)
        self._offer_image(relay, number)

    def _offer_image(self, relay: Relay, number: int) -> None:
        if number in self.indexed:
            have = sum(1 << page for page in self.pages[number])
            relay.take_up(relay.now, self.name, len(self.image), self.index, have)

    def tell(self, relay: Relay, number: int, action: tuple[object, ...],
             now_us: int) -> bool:
        """Do what a relay says of pages; False: it is of something else."""
        if action[0] == "page":
            page, data = action[2], action[3]
            assert isinstance(page, int) and isinstance(data, bytes)
            if action[1] == self._roll_digest[:NAME_SIZE]:
                assert data == self._roll
                self.rolled.add(number)
                self._tell(relay, number, now_us)
            elif action[1] == self.whole[:NAME_SIZE]:
                self._take_index(relay, number, data, now_us)
            else:
                self._take(number, page, data, now_us)
        elif action[0] == "read page":
            page = action[2]
            assert isinstance(page, int) and isinstance(action[1], bytes)
            relay.give_page(relay.now, action[1], page, self._at_hand(number, action[1], page))
        elif action[0] == "receive" and self._order and action[3] == self._order:
            self._tell(relay, number, now_us)
        elif action[0] == "ripple" and self._notice and action[3] == self._notice:
            if number not in self.noticed:
                self.noticed.add(number)
                self.offer(relay, number)
        elif action[0] == "spoilt":
            assert isinstance(action[3], int)
            self.spoilt.append((number, action[3]))
        else:
            return False
        return True

    def _at_hand(self, number: int, name: bytes, page: int) -> bytes | None:
        if name == self._roll_digest[:NAME_SIZE]:
            return self._roll
        return self.index if name != self.name else self.pages[number].get(page)

    def _tell(self, relay: Relay, number: int, now_us: int) -> None:
        if number in self.members and number not in self.told:
            self.told.add(number)
            self.told_us[number] = now_us
            if number in self.rolled and number not in self.indexed:
                self.indexed.add(number)                 # The roll has them, too.
                self.indexed_us[number] = now_us
            self._offer_release(relay, number)

    def _take_index(self, relay: Relay, number: int, data: bytes, now_us: int) -> None:
        assert data == self.index                        # Whatever was sent, no other is kept.
        self.indexed.add(number)
        self.indexed_us.setdefault(number, now_us)
        self._offer_image(relay, number)

    def _take(self, number: int, page: int, data: bytes, now_us: int) -> None:
        assert data == self._page(page)
        self.pages[number][page] = data
        if len(self.pages[number]) == pages_of(len(self.image)):
            self.done_us.setdefault(number, now_us)

    def lacking(self) -> list[int]:
        """Who has not all of it."""
        return [number for number in sorted(self.members)
                if len(self.pages[number]) < pages_of(len(self.image))]

    def _page(self, page: int) -> bytes:
        return self.image[page * PAGE_SIZE:(page + 1) * PAGE_SIZE]
