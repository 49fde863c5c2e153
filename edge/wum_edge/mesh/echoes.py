"""Who has a ripple: bit maps that are OR-ed on their way to the gateway instead of one answer each.

Left out: the ripple (ripple.py). Whose bits a station nearer to the gateway was heard to tell, that
one answers for, as long as its way does not lead through us: ranks change, and of two that take
each other for the one above neither would tell. Until then they are told again.
"""

from wum_edge.mesh.downframes import ECHO_BYTES_MAX, Echo, decode_echo, encode_echo
from wum_edge.mesh.frames import ALL, ECHO, Header
from wum_edge.mesh.gradient import RANK_MAX

KEPT_MAX = 4
# While echoes are expected bursts are short and the channel is left alone after each: a receiver of
# a burst, on its own sync word, hears no echo.
EXPECTED_US, ROOM_US, GRANT_MAX = 30_000_000, 800_000, 4
_FIRST_US, _AGAIN_US = 1_500_000, 2_000_000
_TRIES_MAX = 8               # With doubled waits: some minutes.
_LIVES_US = 300_000_000      # Later nobody waits for them.
_CLAIMS_MAX = 4              # Stations above us that answer for some; more would not be missed.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from wum_edge.mesh.relay import Relay


class Claim:
    """Bits of stations that one with a lower rank has told."""

    __slots__ = ("address", "bits", "rank")

    def __init__(self, address: int, rank: int, bits: int) -> None:
        self.address, self.rank, self.bits = address, rank, bits


class Kept:
    """Of one ripple: stations that we answer for, and who above us answers for which."""

    __slots__ = ("at_us", "born_us", "claims", "gateway", "here", "number", "tries")

    def __init__(self, t_us: int, gateway: int, number: int) -> None:
        self.born_us, self.gateway, self.number = t_us, gateway, number
        self.here = 0
        self.claims: list[Claim] = []            # The one nearest to the gateway first.
        self.at_us: int | None = None
        self.tries = 0


class Echoes:
    """Those of the ripples that came last."""

    def __init__(self, relay: "Relay") -> None:
        self._relay = relay
        self._kept: list[Kept] = []
        self._expected_us = relay.now
        self._sending: Kept | None = None

    def expect(self, t_us: int) -> None:
        """A ripple has come through: whoever polls leaves room for a while."""
        self._expected_us = t_us + EXPECTED_US

    def are_expected(self, t_us: int) -> bool:
        return self._expected_us > t_us

    def has(self, gateway: int, number: int, address: int) -> None:
        """Who sends a copy of what is for everybody has it: a bit that needs no frame."""
        bit = 1 << address
        kept = self._get(gateway, number)
        if address < 8 * ECHO_BYTES_MAX and not kept.here & bit:
            kept.here |= bit
            if self._relay.gradient.is_gateway:
                self._relay.tell(("echo", gateway, number, kept.here))
            if kept.at_us is None:
                self._wake(kept, _FIRST_US)

    def begin(self, gateway: int, number: int) -> None:
        """We have this ripple, and are one of its group."""
        relay = self._relay
        address = relay.setting.address
        if address < 8 * ECHO_BYTES_MAX:
            kept = self._get(gateway, number)
            kept.here |= 1 << address
            if relay.gradient.is_gateway:        # Another one floods it, and hears no gateway.
                relay.tell(("echo", gateway, number, kept.here))
            self._wake(kept, _FIRST_US)

    def members(self, gateway: int, number: int) -> int:
        """Bit map of the stations that are known to have it."""
        return self._get(gateway, number).here

    def heard(self, header: Header, body: bytes) -> None:
        """Somebody tells whom it answers for. Raises Malformed."""
        relay = self._relay
        echo = decode_echo(body)
        relay.hearing.heed_stamp(header, echo.stamp, echo.rank)
        bits = int.from_bytes(echo.members, "little") << 8 * echo.first
        kept = self._get(echo.gateway, echo.number)
        relay.hearing.farther(header.source, echo.rank)
        kept.claims = [claim for claim in kept.claims if claim.address != header.source]
        if echo.rank < relay.gradient.rank:
            self._claimed(kept, Claim(header.source, echo.rank, bits))
        elif echo.rank > relay.gradient.rank:
            new = bits & ~kept.here
            kept.here |= bits
            if relay.gradient.is_gateway:
                if new:
                    relay.tell(("echo", echo.gateway, echo.number, kept.here))
                self._wake(kept, 300_000)    # What is told here goes on: it is known at last.
                return
            if new:
                kept.tries = 0
            self._wake(kept, _FIRST_US // 2)     # Even where it has not heard what we have told.

    def moved(self) -> None:
        """We have another parent, or a way at last."""
        for kept in self._kept:
            self._tell_again(kept)

    def _tell_again(self, kept: Kept) -> None:
        if self._open(kept):
            kept.tries = 0
            self._wake(kept, _FIRST_US)

    def _claimed(self, kept: Kept, claim: Claim) -> None:
        relay = self._relay
        claims = kept.claims + [claim]
        claims.sort(key=lambda one: (one.rank, one.address))     # No ties: addresses differ.
        kept.claims = claims[:_CLAIMS_MAX]
        if not self._is_above(claim):
            relay.trickle.hurry(relay.now, relay.chance())       # It may be mistaken about us.
        if not self._open(kept):
            kept.at_us, kept.tries = None, 0

    def _is_above(self, claim: Claim) -> bool:
        """Whether its way leads to a gateway, and not through us."""
        relay = self._relay
        other = relay.neighbours.get(claim.address)
        return claim.rank < relay.gradient.rank and (
            other is None or relay.gradient.is_feasible(other))

    def _open(self, kept: Kept) -> int:
        """Bit map of those that are here, and that nobody nearer to the gateway answers for."""
        relay = self._relay
        if relay.gradient.is_gateway or relay.now - kept.born_us > _LIVES_US:
            return 0
        known = 0
        for claim in kept.claims:
            if self._is_above(claim):
                known |= claim.bits
        return kept.here & ~known

    def _get(self, gateway: int, number: int) -> Kept:
        for kept in self._kept:
            if (kept.gateway, kept.number) == (gateway, number):
                return kept
        kept = Kept(self._relay.now, gateway, number)
        self._kept.append(kept)
        if len(self._kept) > KEPT_MAX:
            self._kept.pop(0)
        return kept

    def _wake(self, kept: Kept, within_us: int) -> None:
        at_us = self._relay.now + within_us // 4 + self._relay.chance() % within_us
        if kept.at_us is None or at_us < kept.at_us:
            kept.at_us = at_us

    # When one is sent.

    def is_due(self, t_us: int) -> bool:
        return any(kept.at_us is not None and kept.at_us <= t_us for kept in self._kept)

    def deadline_us(self) -> int | None:
        times = [kept.at_us for kept in self._kept if kept.at_us is not None]
        return min(times) if times else None

    def send(self) -> None:
        """The one that is due, as the channel is ours."""
        relay = self._relay
        kept = [kept for kept in self._kept
                if kept.at_us is not None and kept.at_us <= relay.now][0]
        kept.at_us = None
        if not kept.here:
            return
        if relay.gradient.rank >= RANK_MAX:      # Nobody would answer for them.
            self._later(kept)
            return
        first, members = _trimmed(kept.here)
        body = encode_echo(Echo(
            relay.stamp(), relay.gradient.rank, kept.gateway, kept.number, first, members))
        if relay.send(ECHO, ALL, 0, body, 0, has_cad=True):
            self._sending = kept
        self._later(kept)

    def _later(self, kept: Kept) -> None:
        """Again, if nobody was heard to answer for them by then."""
        if self._open(kept):
            kept.tries += 1
            if kept.tries < _TRIES_MAX:
                self._wake(kept, _AGAIN_US << min(kept.tries - 1, 5))

    def refused(self) -> None:
        """The channel was busy: again soon."""
        kept, self._sending = self._sending, None
        if kept is not None:
            kept.tries = max(kept.tries - 1, 0)
            self._wake(kept, _FIRST_US // 4)


def _trimmed(bits: int) -> tuple[int, bytes]:
    """(number of the first byte, bytes) of a bit map without what is empty at its ends."""
    first = 0
    while not bits & 255:
        bits >>= 8
        first += 1
    size = 1
    while bits >> 8 * size:
        size += 1
    return first, bits.to_bytes(size, "little")
