"""Updates over the mesh: one broadcast of a page serves everybody who hears it.

Comes behind everything else that a relay says, and spends no more than its share of the law's
airtime. What is spread is public and checked chunk by chunk against an index that was signed, which
may have come as an image of one page itself, checked as a whole; the image is kept by whoever runs
the relay, page by page:

  ("page", name, page, data)     a page is here, and is what was signed: keep it
  ("read page", name, page)      answer with `give`
  ("spoilt", name, page, source) this station sent what was never signed; no more is taken of it

Left out: one image's turns (spreading.py), the code (erasure.py). docs/mesh-protocol.md, 15.
"""

from wum_edge.mesh.airtime import airtime_us
from wum_edge.mesh.duty import Ledger
from wum_edge.mesh.erasure import SYMBOL_SIZE
from wum_edge.mesh.frames import ALL, HEADER_SIZE, LACK, SYMBOL, TAG_SIZE, Header
from wum_edge.mesh.page import symbols_of
from wum_edge.mesh.spreadframes import (
    WAIT_UNIT_US,
    decode_lack,
    decode_symbol,
    encode_lack,
    encode_symbol,
)
from wum_edge.mesh.spreading import Spreading
from wum_edge.mesh.timing import HOST_US, IDLE

IMAGES_MAX = 2               # And pages that are images:
PAGES_MAX = 4                # hashes of either, and two rolls.
SHARE_PERCENT = 30           # Of the law's airtime, for updates.
USED_PERCENT = 50            # Above this of all airtime nothing is spread: readings need the rest.
BURST = 8
_REST = 60                   # Behind a burst others have their turn: so many times it, at most.
_SYMBOL_BYTES = HEADER_SIZE + 7 + SYMBOL_SIZE + TAG_SIZE
_LACK_BYTES = HEADER_SIZE + 11 + TAG_SIZE
_PRIORITY, _LEFT_MAX = 3, 31
TYPE_CHECKING = False
if TYPE_CHECKING:
    from wum_edge.mesh.relay import Relay


class Spread:
    """The images that a station knows of."""

    def __init__(self, relay: "Relay", spent_us: int | None) -> None:
        self.relay = relay
        setting = relay.setting
        self.ledger = Ledger(max(setting.duty_permyriad * SHARE_PERCENT // 100, 1), relay.now,
                             spent_us=spent_us)
        self.symbol_us = airtime_us(setting.ways[0], _SYMBOL_BYTES)
        self._lack_us = airtime_us(setting.ways[0], _LACK_BYTES)
        self.images: list[Spreading] = []
        self.sought_us: int | None = None    # When anybody was heard to gather anything.
        self._burst = 0              # Symbols that are still sent in a row.
        self._sent = 0               # ... and were.
        self._booked = (relay.now, 0)
        self._speaking: Spreading | None = None

    def take_up(self, name: bytes, size: int, index: bytes, have: int, whole: bytes) -> None:
        """Gather this image, and give others what is here of it; `have`: a bit for each page;
        `whole`: SHA-256 of an image of one page without an index.
        """
        self.drop(name)
        pages = [image for image in self.images if image.is_whole]
        images = [image for image in self.images if not image.is_whole]
        kind = pages if whole else images
        image = Spreading(self, name, size, index, have, whole)
        if self.images:
            image.follow(self.images[-1] if images else self.images[0])
        kind[:] = kind[1 - (PAGES_MAX if whole else IMAGES_MAX):] + [image]
        self.images = pages + images     # Without such a page nothing else is gathered.

    def drop(self, name: bytes) -> None:
        """No more of that one."""
        self.images = [image for image in self.images if image.name != name]

    def has(self, name: bytes, have: int) -> None:
        """These pages are here, too."""
        for image in self.images:
            if image.name == name:
                image.has(have)

    def give(self, name: bytes, page: int, data: bytes | None) -> None:
        """A page that was to be read; None: it cannot be."""
        for image in self.images:
            if image.name == name:
                image.give(page, None if data is None else symbols_of(data))
            else:
                image.at_hand = None     # One page is held of all of them.

    # What comes in.

    def heard_lack(self, header: Header, body: bytes) -> None:
        """Raises Malformed."""
        lack = decode_lack(body)
        if lack.lacks:
            self.sought_us = self.relay.now
        for image in self.images:
            if image.name == lack.name:
                image.lack(header.source, lack)
                if image.is_whole and lack.lacks:
                    self._hold()

    def heard_symbol(self, header: Header, body: bytes) -> None:
        """Raises Malformed."""
        name, page, number, symbol = decode_symbol(body)
        relay = self.relay
        follow = header.aux % BURST      # In this burst; there may be more of them.
        relay.channel.pause(relay.now + HOST_US + follow * (self.symbol_us + HOST_US // 2))
        for image in self.images:
            if image.name == name:
                image.symbol(header.source, page, number, symbol, header.aux // BURST)

    def _hold(self) -> None:
        for image in self.images:
            if not image.is_whole:
                image.hold()

    # What goes out.

    def wish(self) -> int:
        """Kind of the frame that is to be sent, plus one; 0 for none."""
        if not self.images:
            return 0
        for image in self.images:
            if image.is_asking() and self._may(self._lack_us):
                return 1 + LACK
        for image in self.images:
            if image.is_serving() and self._may(self.symbol_us):
                return 1 + SYMBOL
        return 0

    def send_lack(self) -> None:
        relay = self.relay
        for image in self.images:
            if image.is_asking():
                self._speaking = image
                if relay.send(LACK, ALL, 0, encode_lack(image.lack_frame()), 0, True, _PRIORITY):
                    self._book(self._lack_us)
                return

    def send_symbol(self, has_cad: bool) -> None:
        relay = self.relay
        for image in self.images:
            if image.is_serving():
                self._speaking = image
                if not self._burst:
                    self._burst, self._sent = BURST, 0
                page, number, symbol, left = image.next_symbol(relay.gradient.is_gateway)
                self._burst = min(self._burst - 1, left)
                self._sent += 1
                aux = min(left, _LEFT_MAX) * BURST + self._burst
                if relay.send(SYMBOL, ALL, aux, encode_symbol(image.name, page, number, symbol),
                              0, has_cad, _PRIORITY):
                    self._book(self.symbol_us)
                return

    def sent(self, is_symbol: bool) -> None:
        """What was said is out: a burst goes on, unless there is something better to say."""
        relay = self.relay
        if not is_symbol:
            return
        if (self._burst and relay.mode == IDLE and not relay.speech.has_better()
                and self.wish() == 1 + SYMBOL):
            self.send_symbol(has_cad=False)
            return
        self._burst = 0
        rest_us = self._sent * self.symbol_us
        for image in self.images:
            image.rest(relay.now + rest_us + relay.chance() % (_REST * rest_us + HOST_US))

    def refused(self, is_symbol: bool) -> None:
        """The channel was not free."""
        self.ledger.give_back(*self._booked)
        self._burst = 0
        if self._speaking is not None:
            self._speaking.refused(is_symbol)

    # What its parts ask.

    def wait_units(self) -> int:
        """How long until we may send half a page, in units of 16 s."""
        relay = self.relay
        wait_us = self.ledger.wait_us(relay.now, BURST * self.symbol_us, is_urgent=True)
        return 0 if not wait_us else min(wait_us // WAIT_UNIT_US + 1, 255)

    def deadline_us(self, after_us: int) -> int | None:
        """When `wish` may be another."""
        if not self.images:
            return None
        times = [time_us for image in self.images for time_us in image.deadlines()
                 if time_us > after_us]
        return min(times) if times else None

    def _book(self, cost_us: int) -> None:
        self._booked = (self.relay.now, cost_us)
        self.ledger.take(self.relay.now, cost_us, is_urgent=True)

    def _may(self, cost_us: int) -> bool:
        """Whether our share, and what all else has used, leaves room."""
        relay = self.relay
        return (self.ledger.free_us(relay.now, is_urgent=True) >= cost_us and (
            relay.ledger.spent_us(relay.now) + cost_us
            <= relay.ledger.limit_us * USED_PERCENT // 100))
