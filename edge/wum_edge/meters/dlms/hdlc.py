"""HDLC frames of format type 3: addresses, control fields, check sequences, negotiated parameters.

Left out: which frame follows which (link.py) and what the information field says. IEC 62056-46
(Green Book 8.4); the check sequence is that of ISO/IEC 13239, CRC-16/X.25.
"""

from collections import namedtuple

from wum_edge.meters.dlms.errors import DlmsMalformed

FLAG = 0x7E
FRAME_BYTES_MAX = 0x7FF      # The format field has 11 bits for the length.
ADDRESS_SIZES = (1, 2, 4)
I, RR, RNR, REJ, SNRM, DISC, UA, DM, FRMR, UI = (  # noqa: E741 - the standard's letter.
    "I", "RR", "RNR", "REJ", "SNRM", "DISC", "UA", "DM", "FRMR", "UI")
UNNUMBERED = {SNRM: 0x83, DISC: 0x43, UA: 0x63, DM: 0x0F, FRMR: 0x87, UI: 0x03}
_UNNUMBERED_KINDS = {0x83: SNRM, 0x43: DISC, 0x63: UA, 0x0F: DM, 0x87: FRMR, 0x03: UI}
SUPERVISORY = {RR: 0x01, RNR: 0x05, REJ: 0x09}
_SUPERVISORY_KINDS = {0x01: RR, 0x05: RNR, 0x09: REJ}
FINAL = 0x10                 # Poll of the client, final of the meter: the other side's turn.
LLC_REQUEST, LLC_RESPONSE = b"\xe6\xe6\x00", b"\xe6\xe7\x00"   # Green Book 8.3.2.


class Frame(namedtuple("Frame", (
        "kind", "destination", "source", "final", "segmented", "send", "receive",
        "information"))):
    """One frame. `destination` and `source` are addresses as they stand on the wire; `send` and
    `receive` are N(S) and N(R), 0 where the kind has none.
    """

    __slots__ = ()
    kind: str
    destination: bytes
    source: bytes
    final: bool
    segmented: bool
    send: int
    receive: int
    information: bytes

    def encode(self) -> bytes:
        """The frame with its flags and check sequences."""
        head = self.destination + self.source + bytes([self._control()])
        length = 2 + len(head) + 2 + (len(self.information) + 2 if self.information else 0)
        assert length <= FRAME_BYTES_MAX, length
        head = bytes([0xA0 | self.segmented << 3 | length >> 8, length & 0xFF]) + head
        body = head + fcs(head)
        if self.information:
            body += self.information
            body += fcs(body)
        return bytes([FLAG]) + body + bytes([FLAG])

    def _control(self) -> int:
        if self.kind == I:
            return self.receive << 5 | self.final << 4 | self.send << 1
        if self.kind in SUPERVISORY:
            return self.receive << 5 | self.final << 4 | SUPERVISORY[self.kind]
        return UNNUMBERED[self.kind] | self.final << 4


def frame(kind: str, destination: bytes, source: bytes, information: bytes = b"",
          final: bool = True, segmented: bool = False, send: int = 0, receive: int = 0) -> Frame:
    """A frame; what is not said is as most frames have it."""
    return Frame(kind, destination, source, final, segmented, send, receive, information)


def _fcs_table() -> tuple[int, ...]:
    table = []
    for nibble in range(16):
        value = nibble
        for _ in range(4):
            value = value >> 1 ^ (0x8408 if value & 1 else 0)
        table.append(value)
    return tuple(table)


_FCS = _fcs_table()          # Of a nibble: 16 numbers are 240 fewer on a board's heap.


def fcs(data: bytes) -> bytes:
    """The check sequence of `data`, as it goes over the wire (ISO/IEC 13239, CRC-16/X.25)."""
    value = 0xFFFF
    for byte in data:
        value = value >> 4 ^ _FCS[(value ^ byte) & 0xF]
        value = value >> 4 ^ _FCS[(value ^ byte >> 4) & 0xF]
    value ^= 0xFFFF
    return bytes([value & 0xFF, value >> 8])


def client_address(client: int) -> bytes:
    """One byte for a client (1..127)."""
    assert 0 <= client < 128
    return bytes([client << 1 | 1])


def server_address(logical: int, physical: int, size: int) -> bytes:
    """A server's address of `size` bytes: logical device, and physical device where size > 1."""
    assert size in ADDRESS_SIZES
    if size == 1:
        assert logical < 128
        return bytes([logical << 1 | 1])
    if size == 2:
        assert logical < 128 and physical < 128
        return bytes([logical << 1, physical << 1 | 1])
    assert logical < 16384 and physical < 16384
    return bytes([logical >> 7 << 1, (logical & 0x7F) << 1,
                  physical >> 7 << 1, (physical & 0x7F) << 1 | 1])


def address_numbers(address: bytes) -> tuple[int, int]:
    """(logical, physical) of an address on the wire; physical is 0 where it has one byte."""
    if len(address) == 1:
        return address[0] >> 1, 0
    if len(address) == 2:
        return address[0] >> 1, address[1] >> 1
    return ((address[0] >> 1) << 7 | address[1] >> 1, (address[2] >> 1) << 7 | address[3] >> 1)


def decode_frame(data: bytes) -> Frame:
    """The frame in `data`, from its opening flag to its closing flag. Raises DlmsMalformed."""
    if len(data) < 9 or data[0] != FLAG or data[-1] != FLAG:
        raise DlmsMalformed("HDLC: wanted a frame between two flags, got %d bytes" % len(data))
    body = data[1:-1]
    length = (body[0] & 0x07) << 8 | body[1]
    if body[0] & 0xF0 != 0xA0 or length != len(body):
        raise DlmsMalformed("HDLC: wanted format 3 and length %d, got %02x and %d" % (
            len(body), body[0], length))
    if fcs(body[:-2]) != body[-2:]:
        raise DlmsMalformed("HDLC: the frame check sequence does not hold")
    destination = _address(body, 2)
    source = _address(body, 2 + len(destination))
    at = 2 + len(destination) + len(source)
    if at + 3 > len(body):
        raise DlmsMalformed("HDLC: no room for a control field")
    information = b""
    if len(body) > at + 3:   # A frame without information has its FCS where others have the HCS.
        if len(body) < at + 5 or fcs(body[:at + 1]) != body[at + 1:at + 3]:
            raise DlmsMalformed("HDLC: the header check sequence does not hold")
        information = body[at + 3:-2]
    return _from_control(body[at], destination, source, bool(body[0] & 0x08), information)


def _address(body: bytes, at: int) -> bytes:
    for size in range(1, 5):
        if at + size <= len(body) and body[at + size - 1] & 1:
            if size not in ADDRESS_SIZES:
                break
            return body[at:at + size]
    raise DlmsMalformed("HDLC: wanted an address of 1, 2 or 4 bytes at %d" % at)


def _from_control(control: int, destination: bytes, source: bytes, segmented: bool,
                  information: bytes) -> Frame:
    final = bool(control & FINAL)
    receive = control >> 5
    if not control & 1:
        return Frame(I, destination, source, final, segmented, control >> 1 & 7, receive,
                     information)
    kind = _SUPERVISORY_KINDS.get(control & 0x0F)
    if kind is not None:
        return Frame(kind, destination, source, final, segmented, 0, receive, information)
    kind = _UNNUMBERED_KINDS.get(control & ~FINAL)
    if kind is None:
        raise DlmsMalformed("HDLC: no frame has control field %02x" % control)
    return Frame(kind, destination, source, final, segmented, 0, 0, information)


class Scanner:
    """Finds the frames in bytes that only ever grow, and passes over noise between them.

    A flag inside of a frame needs no escape: the length says where the frame ends. So a wrong
    length must not swallow what follows: a candidate whose header check or frame check fails gives
    up its first flag only, and the header is checked before the rest is waited for.
    """

    def __init__(self) -> None:
        self.at = 0              # What is before is done with.
        self.damaged = 0         # Candidates between flags whose check did not hold.
        self.skipped = 0         # Bytes that were of no frame, flags left out.

    def scan(self, heard: bytes | bytearray) -> list[Frame]:
        """The frames that have become whole since the last call."""
        found: list[Frame] = []
        frame = self.next(heard)
        while frame is not None:
            found.append(frame)
            frame = self.next(heard)
        return found

    def next(self, heard: bytes | bytearray) -> Frame | None:
        """The next frame that is whole; None where more must be heard."""
        while True:
            start = heard.find(b"\x7e", self.at)
            end = len(heard) if start < 0 else start
            self.skipped += end - self.at
            self.at = end
            if end + 3 > len(heard):
                return None
            if heard[start + 1] & 0xF0 != 0xA0:
                self.at = start + 1      # Also the closing flag before an opening one.
                continue
            end = start + 1 + ((heard[start + 1] & 0x07) << 8 | heard[start + 2])
            if end < len(heard):
                try:
                    frame = decode_frame(bytes(heard[start:end + 1]))
                    self.at = end        # The closing flag may open the next frame.
                    return frame
                except DlmsMalformed:
                    self.damaged += 1
            elif _may_be_header(heard, start + 1):
                return None
            else:
                self.damaged += 1
            self.at = start + 1


def _may_be_header(heard: bytes | bytearray, start: int) -> bool:
    """Whether what came of a header is whole with its check, or may become so."""
    head = bytes(heard[start:start + 13])    # Format, two addresses of four bytes, control, HCS.
    at = 2
    for _ in range(2):
        size = 1
        while at + size <= len(head) and not head[at + size - 1] & 1:
            size += 1
        if size > 4:
            return False
        at += size
        if at > len(head):
            return True
    return len(head) < at + 3 or fcs(head[:at + 1]) == head[at + 1:at + 3]


class Parameters(namedtuple("Parameters", (
        "send_bytes", "receive_bytes", "send_window", "receive_window"))):
    """What was negotiated, seen from whoever holds it: longest information fields and windows."""

    __slots__ = ()
    send_bytes: int
    receive_bytes: int
    send_window: int
    receive_window: int


DEFAULTS = Parameters(128, 128, 1, 1)    # Where one side says nothing (Green Book 8.4.5.3.2).
INFORMATION_MAX = 2030                   # Leaves room for the longest header in 2047 bytes.


def encode_parameters(wanted: Parameters) -> bytes:
    """The information field of SNRM or UA: what differs from the defaults, which hold for what is
    not said; empty where nothing does.
    """
    parts = b""
    for tag, value, default in ((5, wanted.send_bytes, DEFAULTS.send_bytes),
                                (6, wanted.receive_bytes, DEFAULTS.receive_bytes)):
        if value != default:
            size = 1 if value < 256 else 2
            parts += bytes([tag, size]) + value.to_bytes(size, "big")
    for tag, value in ((7, wanted.send_window), (8, wanted.receive_window)):
        if value != 1:
            parts += bytes([tag, 4]) + value.to_bytes(4, "big")
    return b"\x81\x80" + bytes([len(parts)]) + parts if parts else b""


def decode_parameters(information: bytes) -> Parameters:
    """What the other side sends and receives at most. Raises DlmsMalformed."""
    if not information:
        return DEFAULTS
    if information[:2] != b"\x81\x80" or len(information) < 3:
        raise DlmsMalformed("HDLC: wanted parameters 81 80, got %s" % information[:2].hex())
    end = 3 + information[2]
    if end > len(information):
        raise DlmsMalformed("HDLC: parameters are cut")
    values = {5: 128, 6: 128, 7: 1, 8: 1}
    at = 3
    while at + 2 <= end:
        tag, size = information[at], information[at + 1]
        if at + 2 + size > end:
            raise DlmsMalformed("HDLC: parameter %d is cut" % tag)
        if tag in values:
            values[tag] = int.from_bytes(information[at + 2:at + 2 + size], "big")
        at += 2 + size
    if not (values[5] >= 16 and values[6] >= 16 and 1 <= values[7] <= 7 and 1 <= values[8] <= 7):
        raise DlmsMalformed("HDLC: parameters %s are out of range" % (tuple(sorted(
            values.items())),))
    return Parameters(values[5], values[6], values[7], values[8])


def agreed(ours: Parameters, theirs: Parameters) -> Parameters:
    """What holds for us, from what both sides said: of each the smaller."""
    return Parameters(min(ours.send_bytes, theirs.receive_bytes, INFORMATION_MAX),
                      min(ours.receive_bytes, theirs.send_bytes),
                      min(ours.send_window, theirs.receive_window),
                      min(ours.receive_window, theirs.send_window))
