"""One image on its way through the mesh, as one station has it: what is gathered, what is sent.

Pages come in their order. Who lacks symbols of one asks a station that has it, with how many it
lacks; who hears of others that lack as many is silent, so that one request speaks for all behind a
server, and one burst serves them. Left out: what the law leaves for it (spread.py), the bytes
(page.py).
"""

from wum_edge.mesh.frames import ALL
from wum_edge.mesh.holders import Holders
from wum_edge.mesh.offers import DOUBLINGS, SECOND_US, Offers, seek_us
from wum_edge.mesh.page import Page, chunks_of, pages_of, symbol_of
from wum_edge.mesh.spreadframes import SYMBOLS_OF_CHUNK, Lack

_SOON_US = 6 * SECOND_US     # Over which they ask who begin a page.
_STALL_US = 100 * SECOND_US  # A server that said that more comes rests, or is gone.
_BAD_US = 30 * SECOND_US
_LATER_US = 8 * SECOND_US    # Over which they ask who are ahead of others.
_REPAIR_US = 25 * SECOND_US   # Over which repairs are asked for, by those that lack most first.
_ANSWER_US = 36 * SECOND_US  # First patience for a server; it doubles.
_VAIN_MAX = 3
_HOLD_US = 60 * SECOND_US    # For others to hear of the image,
_HELD_MAX_US = 900 * SECOND_US   # and for so long at most.
_WAIT_US = 90 * SECOND_US    # For a server that has not got the page, to twice that,
_WAITS_MAX = 4               # so often.
_COLLECT_US = 1_500_000      # Before a server begins: who lacks more may still say so.
_NUMBERS_MAX = 8
_AHEAD_MAX = 3               # Pages behind the one that is asked for, of which some is here.
_GROW_US = 20 * SECOND_US    # Before one is asked that does not serve yet.
_SERVES_US = 1_200 * SECOND_US   # Whoever was asked within so long is a server.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from wum_edge.mesh.spread import Spread


class Spreading:
    """`have`: a bit for each page that is here; `page`: the first that is not; `whole`: Page's."""

    def __init__(self, spread: "Spread", name: bytes, size: int, index: bytes, have: int,
                 whole: bytes) -> None:
        self._spread, self._relay = spread, spread.relay
        self.name, self.size, self._index, self._whole = name, size, index, whole
        self.pages, self.have, self.is_whole = pages_of(size), have, bool(whole)
        self.page = 0
        self.gathered: Page | None = None
        self.ahead: list[Page] = []  # Pages behind it, as far as they have come.
        self.holders = Holders(spread.relay)
        self.offers = Offers(spread.relay, self.holders)
        self.ask_us: int | None = None
        self._server: int | None = None
        self._vain = self._waits = self._held_us = 0
        self._asked_of: int | None = None
        self._unanswered = 0
        self._near_page = -1         # The last one that somebody near was heard to have.
        self._served_us = 0          # Until then more is expected, and nothing asked for.
        # Of the server: what is owed by page, when it goes on, the page that is at hand.
        self.owed: dict[int, int] = {}
        self._serve_us = self._asked_us = 0
        self._is_server = False
        self._numbers: dict[int, int] = {}   # What was sent of a page, of the last few.
        self.at_hand: tuple[int, list[int]] | None = None
        self._is_read = False
        self._advance()

    def follow(self, before: "Spreading") -> None:
        """Ways that another image has just found are this one's, too: nobody is sought anew."""
        self.holders.follow(before.holders)
        self._server = before._server
        self._is_server, self._asked_us = before._is_server, before._asked_us
        if before.is_whole and not self.is_whole:
            self._held_us = self._relay.now + _HELD_MAX_US
            self.hold()

    def hold(self) -> None:
        """Others near still gather what tells of this image: else they are sent all of it again."""
        now = self._relay.now
        if self.ask_us is not None and now < self._held_us and not self.page and (
                self.lacks == self._wanted):
            self.ask_us = max(self.ask_us, now + _HOLD_US + self._dice(_HOLD_US))

    # What others say.

    def lack(self, source: int, lack: Lack) -> None:
        """Another tells what it has and lacks."""
        now = self._relay.now
        self.holders.told(source, lack)
        if not lack.lacks:
            if source == self._server or self.ask_us is not None and lack.page > self.page:
                self._hasten(_SOON_US if self._vain else _GROW_US)
            self.offers.heard(lack.page, lack.reach)
            return
        if lack.server == self._relay.setting.address:
            self._asked(lack)
        elif lack.server == ALL and self.have >> lack.page & 1 and lack.page < self.pages:
            self.offers.sought(source, lack.page)
        if self.ask_us is None:
            return
        if lack.page < self.page and lack.server == self._server:
            self._follow()
        if lack.page == self.page and lack.lacks >= self.lacks:
            # It has asked for us, too: if it knows no server, or none of ours, we ask later.
            if lack.server != ALL and self.holders.is_near(lack.server):
                self._server = self._server or lack.server
            least_us, span_us = 8 * SECOND_US, _SOON_US
            if lack.server == ALL and self.holders.best(self.page, self._server, 2) is None:
                least_us, span_us = seek_us(self._vain) // 2, seek_us(self._vain)
            self.ask_us = max(self.ask_us, now + least_us + self._dice(span_us))
        elif lack.page > self.page:
            self._hasten(_SOON_US if source == self._server else _GROW_US)

    def symbol(self, source: int, page: int, number: int, symbol: int, left: int) -> None:
        """A symbol that another sends."""
        now = self._relay.now
        self.holders.sends(source, page, number)
        if source not in self.holders.liars:
            self._relieved(page)
        self.offers.is_sent(page)
        if self.gathered is None or source in self.holders.liars:
            return
        if page != self.page:
            if page > self.page:
                self._hasten(_GROW_US)
                self._behind(source, page, number, symbol)
            if source == self._server:
                self._wait_for(left)
            return
        if self.gathered.take(source, number, symbol):
            self._vain = 0
            if source == self._asked_of:
                self._unanswered = 0
            if not self.gathered.lacks:
                self._check(self.gathered)
                return
        if left:
            self._wait_for(left)
        else:
            share_us = _REPAIR_US * (self.gathered.wanted - self.lacks) // self.gathered.wanted
            self.ask_us = now + share_us + self._dice(SECOND_US)
            if not self.holders.is_good(source):     # Another may send it as well.
                self.ask_us += _BAD_US + self._dice(_BAD_US)
            self._served_us = self.ask_us

    def _relieved(self, page: int) -> None:
        """Another sends symbols of a page: those behind us hear them too, or ask again."""
        owed = self.owed.get(page, 0)
        if owed > 1 and self._is_begun(page):
            self.owed[page] = owed - 1
        elif owed:
            del self.owed[page]

    def _wait_for(self, left: int) -> None:
        """The server is at work; it goes on with ours, or comes to it."""
        if self.ask_us is not None:
            self._served_us = self._relay.now + (_STALL_US if left else _LATER_US)
            self.ask_us = max(self.ask_us, self._served_us + self._dice(_SOON_US))

    def _behind(self, source: int, page: int, number: int, symbol: int) -> None:
        """A symbol of a page behind ours: of the next ones they are kept."""
        if page >= self.pages or self.have >> page & 1:
            return
        for later in self.ahead:
            if later.number == page:
                if later.take(source, number, symbol) and not later.lacks:
                    self._check_ahead(later)
                return
        if len(self.ahead) >= _AHEAD_MAX:        # Those that come first are worth most.
            last = max([later.number for later in self.ahead])
            if page > last:
                return
            self.ahead = [later for later in self.ahead if later.number < last]
        later = self._new_page(page)
        later.take(source, number, symbol)
        self.ahead.append(later)

    def _check_ahead(self, page: Page) -> None:
        """If it is not what is signed, its turn will come, and then who lied is found."""
        data = page.open()
        if data is not None:
            self.have |= 1 << page.number
            self.ahead.remove(page)
            self._relay.tell(("page", self.name, page.number, data))

    def _follow(self) -> None:
        """Others behind our server are not as far as we are: they come first."""
        if self.ask_us is not None and self.lacks == self._wanted:
            self.ask_us = max(self.ask_us, self._relay.now + _LATER_US + self._dice(_LATER_US))

    def _hasten(self, within_us: int) -> None:
        """Somebody near has what we lack."""
        server = self._server
        if server is not None and not self._vain and self.holders.is_near(server) and (
                not self.holders.has(server, self.page)):
            return                   # It will have it, and tell.
        if self.ask_us is not None and self._relay.now >= self._served_us:
            if self._near_page != self.page:     # So far it was sought in vain: that tells nothing.
                self._near_page, self._vain = self.page, 0
            self.ask_us = min(self.ask_us, self._relay.now + self._dice(within_us))

    # Gathering.

    @property
    def lacks(self) -> int:
        return self.gathered.lacks if self.gathered is not None else 0

    @property
    def _wanted(self) -> int:
        return self.gathered.wanted if self.gathered is not None else 0

    def _advance(self) -> None:
        """On to the first page that is lacking."""
        while self.page < self.pages and self.have >> self.page & 1:
            self.page += 1
        if self.page < self.pages:
            if self.gathered is None or self.gathered.number != self.page:
                here = [later for later in self.ahead if later.number == self.page]
                self.gathered = here[0] if here else self._new_page(self.page)
            self.ahead = [later for later in self.ahead
                          if later.number > self.page and not self.have >> later.number & 1]
            self._served_us = self._waits = 0
            self.ask_us = self._relay.now + SECOND_US + self._dice(_LATER_US)
            if not self.gathered.lacks:
                self._check(self.gathered)
        else:
            self.gathered = self.ask_us = None

    def _new_page(self, number: int) -> Page:
        return Page(self.size, self._index, number, self._whole)

    def _check(self, page: Page) -> None:
        """Nothing is lacking: is it what is signed?"""
        relay = self._relay
        data = page.open()
        if data is None:
            relay.count("page spoilt")
            liar = page.spoilt(self.holders.best(self.page, self._server, 0) or ALL)
            if liar is not None:
                self._lies(liar)
                page.only = None
            self.ask_us = relay.now + self._dice(_SOON_US)
            return
        for liar in page.liars(data):
            self._lies(liar)
        self.have |= 1 << page.number
        relay.tell(("page", self.name, page.number, data))
        self._advance()
        server = self._server
        if self._is_server and relay.now - self._asked_us < _SERVES_US:
            if self.ask_us is None or self.holders.best(self.page, server, 2) is None:
                self.offers.soon(self.pages)
            else:
                self.ask_us = relay.now + self._dice(2 * SECOND_US)
        elif self.ask_us is not None and server is not None and (
                not self.holders.has(server, self.page)):
            self.ask_us = relay.now + 2 * _GROW_US + self._dice(2 * _GROW_US)

    def _lies(self, source: int) -> None:
        self.holders.lies(source)
        self._relay.count("page of a liar")
        self._relay.tell(("spoilt", self.name, self.page, source))
        if self._server == source:
            self._server = None

    def has(self, have: int) -> None:
        """These pages have come another way, or were here already."""
        self.have |= have
        self._advance()

    def _is_patient(self) -> bool:
        """Whether our server has not got the page either: it is not sought, that one will tell."""
        least = 1 if self._waits else 2          # Then somebody else who has it will do.
        if self._waits >= _WAITS_MAX or not self.holders.await_it(self.page, self._server, least):
            return False
        self._waits += 1
        self.ask_us = self._relay.now + _WAIT_US + self._dice(_WAIT_US)
        return True

    def is_asking(self) -> bool:
        is_due = self.ask_us is not None and self.ask_us <= self._relay.now
        if is_due and self._is_patient():
            return False
        return is_due or self.offers.is_due()

    def lack_frame(self) -> Lack:
        """What is said now: what we lack, and of whom it is wanted; or only what we have."""
        relay, now = self._relay, self._relay.now
        wait = self._spread.wait_units() if self._is_server else 0
        if self.ask_us is None or self.ask_us > now:
            return Lack(self.name, self.page, 0, ALL, self.offers.made(), wait)
        server = self._choose()
        if server is None:
            self._vain, self._waits = self._vain + 1, 0
            patience_us = seek_us(self._vain - 1)
        else:
            self._unanswered = 1 if server != self._asked_of else self._unanswered + 1
            patience_us = _ANSWER_US << min(self._unanswered - 1, DOUBLINGS)
            if self.holders.is_guess(server):        # Asked, it tells when it has it.
                self._unanswered, patience_us = 0, 2 * _GROW_US
        self._asked_of = server
        self.ask_us = now + patience_us + self._dice(patience_us)
        if server is not None:
            wait_us = self.holders.wait_us(server)
            if wait_us:
                self.ask_us = max(self.ask_us, now + wait_us + self._dice(_SOON_US))
            if self._unanswered > _VAIN_MAX:
                self.holders.away(server)
                self._server = None
            elif self.gathered is not None and self.gathered.only is not None:
                self.gathered.listen_to(server)
        assert relay.setting.address != server
        return Lack(self.name, self.page, self.lacks, ALL if server is None else server, 0,
                    wait)

    def _choose(self) -> int | None:
        """Whom to ask: who serves already and is heard well, before who would have to begin, and of
        those the best placed, once it is known who there is; who is heard badly only in the end.
        """
        least = 2 if not self._vain + self._waits else 1 if self._vain < _VAIN_MAX else 0
        self._server = self.holders.best(self.page, self._server, least)
        return self._server

    # Serving.

    def _asked(self, lack: Lack) -> None:
        relay = self._relay
        self._asked_us, self._is_server = relay.now, True
        if lack.page >= self.pages or not self.have >> lack.page & 1:
            return
        if self._spread.wait_units():
            self.offers.soon(self.pages)
        wanted = min(lack.lacks, SYMBOLS_OF_CHUNK * chunks_of(self.size, lack.page))
        if lack.page not in self.owed:
            self._serve_us = max(self._serve_us, relay.now + _COLLECT_US)
        self.owed[lack.page] = max(self.owed.get(lack.page, 0), wanted)

    def _is_begun(self, page: int) -> bool:
        return self.at_hand is not None and self.at_hand[0] == page

    def is_serving(self) -> bool:
        """Whether a symbol may be sent now; it has the page read if it is not at hand."""
        if not self.owed or self._relay.now < self._serve_us:
            return False
        page = min(self.owed)
        if self._is_begun(page):
            return True
        if not self._is_read:
            self._is_read = True
            self._relay.tell(("read page", self.name, page))
        return False

    def give(self, page: int, symbols: "list[int] | None") -> None:
        """A page that was asked for; None: it is not here after all."""
        self._is_read = False
        if symbols is None:
            self.have &= ~(1 << page)
            self.owed.pop(page, None)
            self.page = min(self.page, page)
            self._advance()
        else:
            self.at_hand = (page, symbols)
            if page not in self._numbers and len(self._numbers) >= _NUMBERS_MAX:
                del self._numbers[min(self._numbers)]

    def next_symbol(self, is_first: bool) -> tuple[int, int, int, int]:
        """(page, number, symbol, how many follow it) of what is sent now; see symbol_of."""
        assert self.at_hand is not None
        page, symbols = self.at_hand
        left = self.owed[page] - 1
        if left:
            self.owed[page] = left
        else:
            del self.owed[page]
        sent = self._numbers.get(page, 0)
        self._numbers[page] = sent + 1
        return (page,) + symbol_of(symbols, sent, self._relay.setting.address, is_first) + (left,)

    def refused(self, is_symbol: bool) -> None:
        """The channel was not free: what was to be sent was not."""
        if not is_symbol:
            self.ask_us = None if self.ask_us is None else self._relay.now + self._dice(SECOND_US)
            if self._asked_of is None:
                self._vain = max(self._vain - 1, 0)
            else:
                self._unanswered = max(self._unanswered - 1, 0)
        elif self.at_hand is not None:
            page = self.at_hand[0]
            self.owed[page] = self.owed.get(page, 0) + 1
            self._numbers[page] -= 1
            self.rest(self._relay.now + self._dice(SECOND_US))

    def rest(self, until_us: int) -> None:
        """Others have their turn until then."""
        self._serve_us = until_us

    def deadlines(self) -> list[int]:
        found = [time_us for time_us in (self.ask_us, self.offers.at_us) if time_us is not None]
        return found + [self._serve_us] if self.owed else found

    def _dice(self, span_us: int) -> int:
        return self._relay.chance() % span_us
