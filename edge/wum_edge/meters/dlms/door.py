"""HDLC behind the sign-on of IEC 62056-21: mode E is the door, and the line's baud changes in it.

Left out: the sign-on itself (meters/iec62056_21/). IEC 62056-21:2002, annex E; Green Book 10.2.
"""

from wum_edge.errors import LineSilent
from wum_edge.meters.dlms.hdlc import Parameters
from wum_edge.meters.dlms.link import OPEN
from wum_edge.meters.dlms.station import HdlcStation
from wum_edge.meters.iec62056_21.hdlc_door import enter_hdlc
from wum_edge.meters.iec62056_21.signon import Opening, baud_after
from wum_edge.meters.turn import Setting, silence_us

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from wum_edge.meters.reader import Conversation

SIGN_ON_BAUD = 300           # 6.3.1: whoever listens for a sign-on listens at this.
SIGN_ON_MS = 1500            # 6.4.3: so long a meter may take before it answers.


class DoorStation(HdlcStation):
    """A meter that speaks HDLC only to who has signed on. `address` is empty for whoever is there.
    """

    def __init__(self, server: bytes, client: bytes, wanted: Parameters, timeout_ms: int,
                 address: str) -> None:
        super().__init__(server, client, wanted, timeout_ms)
        self._opening = Opening(address, SIGN_ON_BAUD, False, "7E1", False, (), False)
        self._asked = "mode E of meter %s" % (address or "without address")
        self._sign_on_ms = max(timeout_ms, SIGN_ON_MS)
        self._behind: Setting | None = None      # Of the line, while it may be in HDLC.

    def open(self) -> "Conversation[None]":
        """See Station.open: sign on, then connect at the baud that the meter offered.

        A meter whose link was lost is behind the door still, for as long as its inactivity timeout,
        and hears no sign-on: it is disconnected first.
        """
        if self._behind is not None:
            yield from self._leave()
        found = yield from enter_hdlc(self._opening, self._sign_on_ms, self._asked)
        baud = baud_after(self._opening, found)
        self._behind = Setting(baud, 8, "N", 1, silence_us(baud, 10))
        yield self._behind
        yield from super().open()

    def resume(self) -> "Conversation[None]":
        """See Station.resume: whoever talked in between did so at another baud."""
        if self._behind is not None:
            yield self._behind

    def close(self) -> "Conversation[None]":
        """See Station.close. The meter listens for a sign-on again."""
        yield from self.resume()
        yield from super().close()
        self._behind = None

    def _leave(self) -> "Conversation[None]":
        self.link.state = OPEN
        try:
            yield from self.close()
        except LineSilent:
            self._behind = None
