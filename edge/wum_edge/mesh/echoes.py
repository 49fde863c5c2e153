"""Who has a ripple: bit maps that are OR-ed on their way to the gateway instead of one answer each.

Left out: the ripple (ripple.py). Whose bits a station nearer to the gateway was heard to tell, that
one answers for; until then they are told again.
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
TYPE_CHECKING = False
if TYPE_CHECKING:
    from wum_edge.mesh.relay import Relay


class Kept:
    """Of one ripple: stations that we answer for, and those that somebody above us does."""

    __slots__ = ("above", "at_us", "gateway", "here", "number", "told", "tries")

    def __init__(self, gateway: int, number: int) -> None:
        self.gateway, self.number = gateway, number
        self.here = self.above = self.told = 0
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
        if echo.rank < relay.gradient.rank:
            kept.above |= bits
            if not kept.here & ~kept.above:
                kept.at_us, kept.tries = None, 0
        elif echo.rank > relay.gradient.rank:
            new = bits & ~kept.here
            kept.here |= bits
            if relay.gradient.is_gateway:
                if new:
                    relay.tell(("echo", echo.gateway, echo.number, kept.here))
                self._wake(kept, 300_000)    # What is told here goes on: it is known at last.
            elif kept.here & ~kept.above:
                if new:
                    kept.tries = 0
                self._wake(kept, _FIRST_US // 2)
            else:
                self._wake(kept, _FIRST_US // 2)     # It has not heard that they are known.

    def _get(self, gateway: int, number: int) -> Kept:
        for kept in self._kept:
            if (kept.gateway, kept.number) == (gateway, number):
                return kept
        kept = Kept(gateway, number)
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
        is_gateway = relay.gradient.is_gateway
        kept.at_us = None
        if not kept.here or relay.gradient.rank >= RANK_MAX:
            return
        first, members = _trimmed(kept.here)
        body = encode_echo(Echo(
            relay.stamp(), relay.gradient.rank, kept.gateway, kept.number, first, members))
        if relay.send(ECHO, ALL, 0, body, 0, has_cad=True):
            self._sending = kept
            if not is_gateway and kept.here & ~kept.above:
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
