"""What a meter says by itself: DataNotification over HDLC, wired M-Bus, the wrapper or as it is.

Left out: the values in it (push_records.py), answering (a push is not acknowledged), and which
meter it is of (the system title or a record says it). Customer (HAN) ports of many makes; Green
Book 9.5, IEC 62056-46, EN 13757-2 and -4 (transport by CI 00..1F).
"""

from collections import namedtuple

from wum_edge.meters.dlms import hdlc
from wum_edge.meters.dlms.ciphering import AUTHENTICATED, AesGcm, Keys, decode_ciphered, unseal
from wum_edge.meters.dlms.errors import DlmsMalformed, NotGenuine
from wum_edge.meters.dlms.notices import (
    DATA_NOTIFICATION,
    GENERAL_BLOCK,
    DataNotification,
    decode_data_notification,
    decode_general_block,
)
from wum_edge.meters.dlms.wrapper import HEADER_BYTES, decode_wrapped

HEARD_MAX = 16384            # Bytes kept while no telegram is whole.
APDU_MAX = 16384             # The longest telegram that is put together.
_GENERAL = (0xDB, 0xDC)
# What a telegram may begin with where its LLC header is left out: Landis+Gyr says it before the
# first block only, and some makers never.
_STARTS = tuple([bytes([tag]) for tag in (DATA_NOTIFICATION, GENERAL_BLOCK) + _GENERAL])
_WRAPPER = b"\x00\x01"
_MBUS_HEAD = 6               # 68 L L 68 C A; then CI and the two application addresses.
_TURNED_ROUND = b"\x02\x03\x06\x09\x01\x00"       # A structure of 3: an OBIS code 1-0: ...
_TURNED_BACK = b"\x02\x03\x09\x06\x01\x00"
_MBUS_SHORTEST = 6           # C, A, CI, two addresses and one byte.


class Push(namedtuple("Push", ("system_title", "counter", "genuine", "notification"))):
    """One telegram. `system_title` is empty and `counter` None where it is not ciphered;
    `genuine` is whether its tag held: never where it has none, or we have no key to tell.
    """

    __slots__ = ()
    system_title: bytes
    counter: int | None
    genuine: bool
    notification: DataNotification


class HdlcTelegrams:
    """APDUs in HDLC frames, segments put together. Frames that do not hold are passed over."""

    def __init__(self) -> None:
        self.damaged = 0             # Telegrams given up.
        self._heard = bytearray()
        self._whole = bytearray()
        self._frames = 0             # Segments in `_whole`.

    def hear(self, data: bytes) -> list[bytes]:
        """The APDUs that have become whole with `data`."""
        self._heard.extend(data)
        scanner = hdlc.Scanner()
        found = []
        skipped = 0
        frame = scanner.next(self._heard)
        while frame is not None:
            if scanner.skipped > skipped and self._frames:
                self._give_up()      # What stood between may have been a segment of it.
            skipped = scanner.skipped
            apdu = self._frame(frame)
            if apdu:
                found.append(apdu)
            frame = scanner.next(self._heard)
        if scanner.skipped > skipped and self._frames:
            self._give_up()
        self._heard = self._heard[scanner.at:]
        if len(self._heard) > HEARD_MAX:
            self._heard = bytearray()
        return found

    def _frame(self, frame: hdlc.Frame) -> bytes:
        if frame.kind not in (hdlc.UI, hdlc.I):
            return b""
        information = frame.information
        head = information[:3] in (hdlc.LLC_REQUEST, hdlc.LLC_RESPONSE)
        if head and self._frames:
            self._give_up()          # Another begins: the last segment of this one was lost.
        if not head and not self._frames and information[:1] not in _STARTS:
            self.damaged += 1        # The rest of a telegram whose first segment was lost.
            return b""
        self._whole.extend(information[3:] if head else information)
        self._frames += 1
        if len(self._whole) > APDU_MAX:
            self._give_up()
            return b""
        if frame.segmented:
            return b""
        whole, self._whole, self._frames = bytes(self._whole), bytearray(), 0
        return whole

    def _give_up(self) -> None:
        self.damaged += 1
        self._whole, self._frames = bytearray(), 0


class MbusTelegrams:
    """APDUs in long frames of wired M-Bus: CI counts the segments, its bit 4 marks the last.

    Sagemcom's T210-D fills a frame beyond the 255 bytes that its length can say: what is too short
    to be a length lacks its 256.
    """

    def __init__(self) -> None:
        self.damaged = 0
        self._heard = bytearray()
        self._whole = bytearray()
        self._next = 0

    def hear(self, data: bytes) -> list[bytes]:
        """The APDUs that have become whole with `data`."""
        self._heard.extend(data)
        found = []
        at = 0
        while at + _MBUS_HEAD <= len(self._heard):
            if not (self._heard[at] == self._heard[at + 3] == 0x68
                    and self._heard[at + 1] == self._heard[at + 2]):
                at += 1
                continue
            size = self._heard[at + 1]
            end = at + _MBUS_HEAD + (size if size >= _MBUS_SHORTEST else size + 256)
            if end > len(self._heard):
                break
            body = bytes(self._heard[at + 4:end - 2])
            if self._heard[end - 1] != 0x16 or sum(body) & 0xFF != self._heard[end - 2]:
                self.damaged += 1
                at += 1
                continue
            at = end
            apdu = self._segment(body)
            if apdu:
                found.append(apdu)
        self._heard = self._heard[at:]
        return found

    def _segment(self, body: bytes) -> bytes:
        control = body[2]
        if control > 0x1F:               # Not a transport for DLMS.
            return b""
        number = control & 0x0F
        if number == 0:
            self.damaged += bool(self._whole)
            self._whole, self._next = bytearray(), 0
        if number != self._next or (number and not self._whole):
            self.damaged += 1
            self._whole, self._next = bytearray(), 0
            return b""
        self._whole.extend(body[5:])     # Behind C, A, CI and two application addresses.
        self._next = (number + 1) & 0x0F
        if len(self._whole) > APDU_MAX:
            self.damaged += 1
            self._whole, self._next = bytearray(), 0
        if not control & 0x10:
            return b""
        whole, self._whole, self._next = bytes(self._whole), bytearray(), 0
        return whole


class Blocks:
    """General block transfer: APDUs in numbered blocks."""

    def __init__(self) -> None:
        self._whole = bytearray()
        self._next = 1

    def join(self, apdu: bytes) -> bytes:
        """The APDU that is whole now: `apdu` itself where it is no block; empty while one is
        missing. Raises DlmsMalformed.
        """
        if apdu[:1] != bytes([GENERAL_BLOCK]):
            return apdu
        block = decode_general_block(apdu)
        if block.number == 1:
            self._whole, self._next = bytearray(), 1
        if block.number != self._next:
            raise DlmsMalformed("block transfer: wanted block %d, got %d" % (
                self._next, block.number))
        self._whole.extend(block.raw)
        if len(self._whole) > APDU_MAX:
            raise DlmsMalformed("block transfer: more than %d bytes" % APDU_MAX)
        self._next += 1
        return bytes(self._whole) if block.last else b""


def telegrams(data: bytes) -> list[bytes]:
    """The APDUs in a recording, whose transport its first bytes tell: 7E HDLC, 68 M-Bus, 00 01 the
    wrapper of TCP, else one APDU as it is, with its LLC header or without; blocks of a general
    transfer are joined. Raises DlmsMalformed.
    """
    apdus = [data[3:] if data[:3] in (hdlc.LLC_REQUEST, hdlc.LLC_RESPONSE) else data]
    if data[:1] == b"\x7e":
        apdus = HdlcTelegrams().hear(data)
    elif data[:1] == b"\x68":
        apdus = MbusTelegrams().hear(data)
    elif data[:2] == _WRAPPER:
        apdus = _unwrapped(data)
    blocks = Blocks()
    return [whole for whole in [blocks.join(apdu) for apdu in apdus] if whole]


def _unwrapped(data: bytes) -> list[bytes]:
    found = []
    while data:
        end = HEADER_BYTES + int.from_bytes(data[6:HEADER_BYTES], "big")
        found.append(decode_wrapped(data[:end]).apdu)
        data = data[end:]
    return found


def decode_push(apdu: bytes, cipher: AesGcm | None = None, keys: Keys | None = None) -> Push:
    """A DataNotification, ciphered with general-glo or general-ded or not. Raises DlmsMalformed,
    NotGenuine, NotSpoken. Without an authentication key a tag cannot be told: `genuine` is False.
    """
    if apdu[:1] == bytes([DATA_NOTIFICATION]):
        return Push(b"", None, False, _notification(apdu))
    if not apdu or apdu[0] not in _GENERAL:
        raise DlmsMalformed("push: no notification has tag %s" % apdu[:1].hex())
    ciphered = decode_ciphered(apdu)
    content = ciphered.content
    if cipher is None or keys is None:
        raise NotGenuine("push: ciphered by %s, and there is no key for it" % (
            ciphered.system_title.hex()))
    tagged = bool(content[0] & AUTHENTICATED)
    if tagged and not keys.authentication:
        # Counter mode without its tag: what comes out is judged by its form alone.
        content = bytes([content[0] & ~AUTHENTICATED]) + content[1:-12]
    plain = unseal(cipher, keys.encryption, keys.authentication, ciphered.system_title, content)
    try:
        notification = _notification(plain)
    except DlmsMalformed:
        if tagged and keys.authentication:
            raise
        plain = b""
    if not plain:
        raise NotGenuine("push: what comes out is no notification: another key")
    return Push(ciphered.system_title, int.from_bytes(content[1:5], "big"),
                tagged and bool(keys.authentication), notification)


def _notification(apdu: bytes) -> DataNotification:
    """A DataNotification, also of Landis+Gyr's ZMF100, which says the tag and the length of three
    of its OBIS codes the wrong way round: no A-XDR, so that nothing right is read otherwise.
    """
    try:
        return decode_data_notification(apdu)
    except DlmsMalformed:
        mended = apdu.replace(_TURNED_ROUND, _TURNED_BACK)
        if mended == apdu:
            raise
    return decode_data_notification(mended)
