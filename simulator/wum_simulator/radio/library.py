"""What the stations of a network keep of an image that is spread: pages, over any power cut.

Left out: how it comes (the edge's mesh/spread.py).
"""

from hashlib import sha256

from wum_edge.mesh.page import PAGE_SIZE, pages_of
from wum_edge.mesh.relay import Relay
from wum_edge.mesh.spreadframes import NAME_SIZE
from wum_shared import bundle


class Library:
    """One image; `members` gather it, by number, and whoever is in `sources` has it."""

    def __init__(self, image: bytes, members: set[int], sources: set[int]) -> None:
        self.image, self.members = image, members | sources
        self.name = sha256(image).digest()[:NAME_SIZE]
        self.index = bundle.index_of(image)
        self.pages: dict[int, dict[int, bytes]] = {number: {} for number in self.members}
        self.done_us: dict[int, int] = {}
        self.spoilt: list[tuple[int, int]] = []          # Who told it, of whom.
        for number in sources:
            self.pages[number] = {page: self._page(page) for page in range(pages_of(len(image)))}

    def offer(self, relay: Relay, number: int) -> None:
        """Let a station that has begun know of it."""
        if number in self.members:
            have = sum(1 << page for page in self.pages[number])
            relay.take_up(relay.now, self.name, len(self.image), self.index, have)

    def tell(self, relay: Relay, number: int, action: tuple[object, ...],
             now_us: int) -> bool:
        """Do what a relay says of pages; False: it is of something else."""
        if action[0] == "page":
            page, data = action[2], action[3]
            assert isinstance(page, int) and isinstance(data, bytes)
            assert data == self._page(page)              # Whatever was sent, no other is kept.
            self.pages[number][page] = data
            if len(self.pages[number]) == pages_of(len(self.image)):
                self.done_us.setdefault(number, now_us)
        elif action[0] == "read page":
            page = action[2]
            assert isinstance(page, int)
            relay.give_page(relay.now, self.name, page, self.pages[number].get(page))
        elif action[0] == "spoilt":
            assert isinstance(action[3], int)
            self.spoilt.append((number, action[3]))
        else:
            return False
        return True

    def lacking(self) -> list[int]:
        """Who has not all of it."""
        return [number for number in sorted(self.members)
                if len(self.pages[number]) < pages_of(len(self.image))]

    def _page(self, page: int) -> bytes:
        return self.image[page * PAGE_SIZE:(page + 1) * PAGE_SIZE]
