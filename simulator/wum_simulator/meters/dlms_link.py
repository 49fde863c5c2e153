"""A meter's side of an HDLC link: what it hears as frames, what it says as frames.

Left out: what APDUs mean (dlms_cosem.py), and when bytes are on the wire (bus.py). The frames are
coded by the gateway's codec; that its coding is right is shown with other people's clients.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from wum_edge.meters.dlms import hdlc

Answer = Callable[[int, bytes], bytes]       # Client and APDU: the APDU that answers it.
LIMITS = hdlc.Parameters(512, 512, 1, 1)
HEARD_MAX = 32768


@dataclass(slots=True)
class Connection:
    """One client's connection."""

    parameters: hdlc.Parameters
    receive: int = 0             # V(R)
    send: int = 0                # V(S) of the first segment that is not acknowledged.
    heard: bytearray = field(default_factory=bytearray)
    left: list[bytes] = field(default_factory=list)      # Segments not acknowledged.


class ServerLink:
    """One server address and its clients' connections."""

    def __init__(self, address: bytes, answer: Answer, gone: Callable[[int], None],
                 limits: hdlc.Parameters = LIMITS) -> None:
        self.address = address
        self.limits = limits
        self.frames_heard = 0
        self._answer = answer
        self._gone = gone
        self._connections: dict[bytes, Connection] = {}

    def hear(self, frame: hdlc.Frame) -> bytes:
        """What is said to one frame for this server; empty where it is nobody's turn."""
        self.frames_heard += 1
        client = frame.source
        if frame.kind == hdlc.SNRM:
            return self._connect(client, frame)
        if client not in self._connections:
            return self._say(hdlc.DM, client) if frame.final else b""
        if frame.kind == hdlc.DISC:
            del self._connections[client]
            self._gone(hdlc.address_numbers(client)[0])
            return self._say(hdlc.UA, client)
        connection = self._connections[client]
        if frame.kind == hdlc.I:
            return self._information(client, connection, frame)
        if frame.kind in (hdlc.RR, hdlc.REJ):
            self._acknowledge(connection, frame.receive)
            return self._due(client, connection)
        return self._say(hdlc.FRMR, client) if frame.kind not in (hdlc.RNR, hdlc.UI) else b""

    def _connect(self, client: bytes, frame: hdlc.Frame) -> bytes:
        parameters = hdlc.agreed(self.limits, hdlc.decode_parameters(frame.information))
        self._connections[client] = Connection(parameters)
        self._gone(hdlc.address_numbers(client)[0])
        return hdlc.frame(hdlc.UA, client, self.address,
                          hdlc.encode_parameters(parameters)).encode()

    def _information(self, client: bytes, connection: Connection, frame: hdlc.Frame) -> bytes:
        if len(frame.information) > connection.parameters.receive_bytes:
            return self._say(hdlc.FRMR, client)
        self._acknowledge(connection, frame.receive)
        if frame.send == connection.receive:
            connection.receive = (connection.receive + 1) % 8
            connection.heard += frame.information[:HEARD_MAX - len(connection.heard)]
            if not frame.segmented:
                self._take(client, connection)
        return self._due(client, connection) if frame.final else b""

    def _take(self, client: bytes, connection: Connection) -> None:
        whole, connection.heard = bytes(connection.heard), bytearray()
        if whole[:3] != hdlc.LLC_REQUEST:
            return
        said = self._answer(hdlc.address_numbers(client)[0], whole[3:])
        if said:
            said = hdlc.LLC_RESPONSE + said
            size = connection.parameters.send_bytes
            connection.left = [said[at:at + size] for at in range(0, len(said), size)]

    def _acknowledge(self, connection: Connection, receive: int) -> None:
        more = (receive - connection.send) % 8
        if more <= min(len(connection.left), connection.parameters.send_window):
            connection.left = connection.left[more:]
            connection.send = receive

    def _due(self, client: bytes, connection: Connection) -> bytes:
        """The next window of the answer, or RR where there is none."""
        window = connection.left[:connection.parameters.send_window]
        if not window:
            return hdlc.frame(hdlc.RR, client, self.address, receive=connection.receive).encode()
        said = b""
        for place, segment in enumerate(window):
            said += hdlc.frame(
                hdlc.I, client, self.address, segment, final=place == len(window) - 1,
                segmented=place < len(connection.left) - 1,
                send=(connection.send + place) % 8, receive=connection.receive).encode()
        return said

    def _say(self, kind: str, client: bytes) -> bytes:
        return hdlc.frame(kind, client, self.address).encode()
