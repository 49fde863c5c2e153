"""Who has how much of an image that is spread, and which of them is best asked for more.

Left out: when to ask (spreading.py).
"""

from wum_edge.mesh.spreadframes import WAIT_UNIT_US, Lack

HOLDERS_MAX = 24
NEAR_Q4 = 32                 # 8 dB over the threshold: nine frames in ten arrive.
ALL_OF_IT = 64
_NEAR_RATE = 46              # Of ALL_OF_IT symbols that were sent, so many came.
_GOOD_RATE = 54
_MEASURED = 12               # Symbols, before what came tells more than how loud it was.
_ACTIVE_US = 1_800_000_000   # Who sent a symbol within so long is a server.
_AWAY_US = 600_000_000
_NEVER = -(1 << 40)
TYPE_CHECKING = False
if TYPE_CHECKING:
    from wum_edge.mesh.relay import Relay


class Holder:
    """`have`: its first page that is lacking, at least; `is_guess`: which it has not told yet;
    `rate`: what comes of what it sends.
    """

    __slots__ = ("away_us", "came", "have", "is_guess", "number", "page", "rate", "reach",
                 "sent_us", "wait_us")

    def __init__(self) -> None:
        self.have = self.reach = 0
        self.is_guess = False
        self.came = self.page = self.number = 0
        self.rate = ALL_OF_IT
        self.sent_us, self.wait_us, self.away_us = _NEVER, _NEVER, _NEVER


class Holders:
    """A bounded table; `liars` are asked for nothing, and nothing is taken of them."""

    def __init__(self, relay: "Relay") -> None:
        self._relay = relay
        self._known: dict[int, Holder] = {}
        self.liars: list[int] = []

    def __len__(self) -> int:
        return len(self._known)

    def follow(self, before: "Holders") -> None:
        """Who served another image has the first page of this one, too, or soon will."""
        self.liars = list(before.liars)
        for source in sorted(before._known):
            old, new = before._known[source], Holder()
            new.came, new.rate, new.reach = old.came, old.rate, old.reach
            new.sent_us, new.wait_us, new.away_us = old.sent_us, old.wait_us, old.away_us
            new.is_guess = self._relay.now - old.sent_us < _ACTIVE_US
            new.have = int(new.is_guess)
            self._known[source] = new

    def is_guess(self, source: int) -> bool:
        """Whether it was only guessed that it has anything: from now on that is not."""
        holder = self._known.get(source)
        if holder is None or not holder.is_guess:
            return False
        holder.is_guess, holder.have = False, 0
        return True

    def told(self, source: int, lack: Lack) -> None:
        """What it says of itself."""
        holder = self._get(source)
        if holder is None:
            return
        holder.have, holder.is_guess = lack.page, False
        if not lack.lacks:           # An offer.
            holder.reach = lack.reach
        holder.wait_us = self._relay.now + lack.wait * WAIT_UNIT_US if lack.wait else _NEVER

    def sends(self, source: int, page: int, number: int) -> None:
        """It has sent this symbol; what its number leaves out was lost."""
        holder = self._get(source)
        if holder is not None:
            lost = number - holder.number - 1
            if page == holder.page and 0 <= lost < _MEASURED:
                for _ in range(lost):
                    holder.rate -= holder.rate // 16
                holder.rate += (ALL_OF_IT - holder.rate + 15) // 16
                holder.came += 1
            holder.page, holder.number = page, number
            holder.have, holder.is_guess = max(holder.have, page + 1), False
            holder.sent_us = self._relay.now

    def has(self, source: int, page: int) -> bool:
        holder = self._known.get(source)
        return holder is not None and holder.have > page

    def wait_us(self, source: int) -> int:
        """How long it may send nothing, as it told."""
        holder = self._known.get(source)
        return 0 if holder is None else max(holder.wait_us - self._relay.now, 0)

    def away(self, source: int) -> None:
        """It did not answer."""
        holder = self._known.get(source)
        if holder is not None:
            holder.away_us = self._relay.now + _AWAY_US

    def lies(self, source: int) -> None:
        """What it sent is not what is signed."""
        if source not in self.liars and len(self.liars) < HOLDERS_MAX:
            self.liars.append(source)

    def is_near(self, source: int) -> bool:
        """Whether it is heard well."""
        holder = self._known.get(source)
        if holder is not None and holder.came >= _MEASURED:
            return holder.rate >= _NEAR_RATE
        return self._margin(source) >= NEAR_Q4

    def is_good(self, source: int) -> bool:
        """Whether next to nothing of what it sends is lost."""
        holder = self._known.get(source)
        return holder is None or holder.came < _MEASURED or holder.rate >= _GOOD_RATE

    def best(self, page: int, before: int | None, least: int) -> int | None:
        """Whom to ask for a page; who was asked before is as good as 3 dB more. least: 2, only one
        that is heard well and serves; 1, one that is heard well; 0, anybody.
        """
        found = None
        best = (least, -200, 0)
        for source in sorted(self._known):
            holder = self._known[source]
            if holder.have <= page or holder.away_us > self._relay.now or source in self.liars:
                continue
            margin = min(self._margin(source) + (12 if source == before else 0), 48)
            is_active = self._relay.now - holder.sent_us < _ACTIVE_US
            is_near = self.is_near(source)
            if is_near and is_active:
                rating = (2, holder.came, margin)
            elif is_near and holder.reach:
                rating = (1, holder.reach, margin)
            else:
                rating = (0, margin, 0)
            if rating > best:
                found, best = source, rating
        return found

    def await_it(self, page: int, before: int | None, least: int) -> bool:
        """Whether somebody serves us, and nobody that `best` would name has this page."""
        return self.best(-1, before, 2) is not None and self.best(page, before, least) is None

    def _margin(self, source: int) -> int:
        other = self._relay.neighbours.get(source)
        return -200 if other is None else other.margin_q4

    def _get(self, source: int) -> Holder | None:
        """The table's entry; who has least makes room."""
        holder = self._known.get(source)
        if holder is None:
            if len(self._known) >= HOLDERS_MAX:
                least = min([(self._margin(other), other) for other in sorted(self._known)])
                if least[0] >= self._margin(source):
                    return None
                del self._known[least[1]]
            holder = self._known[source] = Holder()
        return holder
