"""One meter's server as APDUs reach it: over HDLC with the LLC header, or in the wrapper.

Left out: frames (link.py, hdlc.py), and what APDUs say (association.py). Green Book 7 and 8.
"""

from wum_edge.errors import BadCheck, ForeignAnswer, LineSilent
from wum_edge.meters.dlms.errors import DlmsMalformed
from wum_edge.meters.dlms.hdlc import LLC_REQUEST, LLC_RESPONSE, Parameters
from wum_edge.meters.dlms.link import OPEN, Link
from wum_edge.meters.dlms.wrapper import Wrapped, find_wrapped
from wum_edge.meters.turn import Hearing, Turn

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from wum_edge.meters.reader import Conversation

APDU_BYTES_MAX = 65535
_STALE_MAX = 16384           # Late answers that a wrapper's turn passes over.


class Station:
    """Where APDUs go. `turns` and `foreign` count what was heard since it was made."""

    turns = 0
    foreign = 0
    has_link = False         # Whether closing it ends the association, too.

    def open(self) -> "Conversation[None]":
        """Conversation: connect. Raises MeterError."""
        raise NotImplementedError

    def ask(self, apdu: bytes) -> "Conversation[bytes]":
        """Conversation: the APDU that answers `apdu`. Raises MeterError; then it is not open."""
        raise NotImplementedError

    def close(self) -> "Conversation[None]":
        """Conversation: disconnect. Raises MeterError."""
        raise NotImplementedError

    def resume(self) -> "Conversation[None]":
        """Conversation: before the first of a new one, if it is open still."""
        return
        yield

    def is_open(self) -> bool:
        """Whether it is connected, as far as we know."""
        raise NotImplementedError


class HdlcStation(Station):
    """A meter on a serial line. `server` and `client` are addresses as on the wire."""

    has_link = True

    def __init__(self, server: bytes, client: bytes, wanted: Parameters, timeout_ms: int) -> None:
        self.link = Link(server, client, wanted, timeout_ms)

    def open(self) -> "Conversation[None]":
        """See Station.open."""
        yield from self.link.open()

    def ask(self, apdu: bytes) -> "Conversation[bytes]":
        """See Station.ask."""
        heard = yield from self.link.ask(LLC_REQUEST + apdu)
        self.turns, self.foreign = self.link.turns, self.link.foreign
        if heard[:3] != LLC_RESPONSE:
            raise DlmsMalformed("LLC: wanted e6e700, got %s" % heard[:3].hex())
        return heard[3:]

    def close(self) -> "Conversation[None]":
        """See Station.close."""
        yield from self.link.close()

    def is_open(self) -> bool:
        """See Station.is_open."""
        return self.link.state == OPEN


class WrapperStation(Station):
    """A meter behind Ethernet: `server` and `client` are wrapper ports."""

    def __init__(self, server: int, client: int, timeout_ms: int) -> None:
        self._server = server
        self._client = client
        self._timeout_ms = timeout_ms
        self._open = False

    def open(self) -> "Conversation[None]":
        """See Station.open. The connection is the line's: nothing is said."""
        self._open = True
        return
        yield

    def ask(self, apdu: bytes) -> "Conversation[bytes]":
        """See Station.ask."""
        assert len(apdu) <= APDU_BYTES_MAX
        hearing = _Whole(self._server, self._client)
        heard = yield Turn(Wrapped(self._client, self._server, apdu).encode(), hearing,
                           self._timeout_ms)
        hearing(heard)
        if hearing.found is not None:
            self.turns += 1
            return hearing.found.apdu
        self._open = False
        name = "wrapper port %d" % self._server
        if not heard:
            raise LineSilent("%s: silent for %d ms" % (name, self._timeout_ms))
        if hearing.others:
            self.foreign += 1
            raise ForeignAnswer("%s: heard %d bytes for others" % (name, len(heard)))
        raise BadCheck("%s: no whole answer in %d bytes" % (name, len(heard)))

    def close(self) -> "Conversation[None]":
        """See Station.close."""
        self._open = False
        return
        yield

    def is_open(self) -> bool:
        """See Station.is_open."""
        return self._open


class _Whole(Hearing):
    def __init__(self, server: int, client: int) -> None:
        self.found: Wrapped | None = None
        self.others = False
        self._server = server
        self._client = client

    def __call__(self, heard: bytes | bytearray) -> bool:
        if self.found is None:
            self.found = find_wrapped(heard, self._server, self._client)
        self.others = len(heard) >= 8 and self.found is None and heard[:2] == b"\x00\x01" and (
            heard[2] << 8 | heard[3]) != self._server
        return self.found is not None or len(heard) > APDU_BYTES_MAX + _STALE_MAX
