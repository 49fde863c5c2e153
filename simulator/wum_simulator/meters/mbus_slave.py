"""The slave's side of wired M-Bus, written from EN 13757-2, -3 and -7 alone: bytes in, bytes out.

Holds one slave's link (FCB, selection, primary and secondary address, telegrams), its frames, and
what a master hears when several answer at once. Left out: which records a meter sends
(mbus.py), and all codecs of the gateway.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

ACK = b"\xe5"
SELECTED, BENCH, BROADCAST = 0xFD, 0xFE, 0xFF
DATA_MAX = 240               # Bytes of records in one telegram: 255 less C, A, CI and the header.
MORE, NO_MORE = b"\x1f", b""


def long_frame(control: int, address: int, ci: int, data: bytes) -> bytes:
    """68 L L 68 C A CI data checksum 16."""
    body = bytes((control, address, ci)) + data
    return bytes((0x68, len(body), len(body), 0x68)) + body + bytes((sum(body) & 0xFF, 0x16))


def frames_in(heard: bytearray) -> list[bytes]:
    """The whole frames at the beginning of `heard`, taken out of it; what is none is dropped."""
    found = []
    while heard:
        size = {0x10: 5, 0x68: heard[1] + 6 if len(heard) > 1 else 6}.get(heard[0], 0)
        if not size:
            heard.pop(0)
            continue
        if len(heard) < size:
            break
        frame = bytes(heard[:size])
        first = 1 if frame[0] == 0x10 else 4
        whole = frame[-1] == 0x16 and sum(frame[first:-2]) & 0xFF == frame[-2]
        if frame[0] == 0x68:
            whole = whole and frame[1] == frame[2] and frame[3] == 0x68
        if whole:
            found.append(frame)
        del heard[:size if whole else 1]
    return found


def superposed(answers: Sequence[bytes]) -> bytes:
    """What the master hears of several at once: a slave draws current for a 0, so a 0 of one is
    a 0 of all. Equal acknowledgements look like one.
    """
    longest = max((len(answer) for answer in answers), default=0)
    heard = bytearray(b"\xff" * longest)
    for answer in answers:
        for place, byte in enumerate(answer):
            heard[place] &= byte
    return bytes(heard)


@dataclass(frozen=True, slots=True)
class Plate:
    """What stands on a slave: eight digits, three letters, version and medium."""

    number: str
    maker: str
    version: int
    medium: int

    def octets(self) -> bytes:
        """The secondary address, as it goes over the wire."""
        maker = 0
        for letter in self.maker:
            maker = maker * 32 + ord(letter) - 64
        return bytes.fromhex(self.number)[::-1] + maker.to_bytes(2, "little") + bytes(
            (self.version, self.medium))


class Slave:
    """One meter. `records` gives the records (bytes each) that it sends when asked now.

    `ordered` is told of user data (CI and data). `refusal` may name an application error.
    `mute` and `deaf_to_fcb` are its faults: it says nothing; it never repeats a telegram.
    """

    def __init__(
            self, address: int, plate: Plate, records: Callable[[], list[bytes]],
            ordered: Callable[[int, bytes], None] = lambda ci, data: None,
            refusal: Callable[[], int | None] = lambda: None) -> None:
        self.address = address
        self.plate = plate
        self.selected = False
        self.status = 0
        self.mute = False
        self.deaf_to_fcb = False
        self._records = records
        self._ordered = ordered
        self._refusal = refusal
        self._fcb: int | None = None
        self._access = 0
        self._left: list[bytes] = []     # Telegrams of this readout that are still to be sent.
        self._latest = b""

    def hear(self, frame: bytes) -> bytes:
        """Its answer to a whole frame, or nothing."""
        control, address = (frame[1], frame[2]) if frame[0] == 0x10 else (frame[4], frame[5])
        if frame[0] == 0x68 and address == SELECTED and frame[6] == 0x52:
            return self._select(frame[7:-2])
        mine = address in (self.address, BENCH) or address == SELECTED and self.selected
        if address == BROADCAST:
            self._listen(control, frame)
            return b""
        if not mine:
            return b""
        answer = self._listen(control, frame, address == SELECTED)
        return b"" if self.mute else answer

    def _listen(self, control: int, frame: bytes, by_selection: bool = False) -> bytes:
        if control == 0x40:
            self._begin()
            self.selected = self.selected and not by_selection
            return ACK
        if control & 0xCF == 0x4B and frame[0] == 0x10:
            return self._telegram(control & 0x20)
        if control & 0xCF == 0x4A and frame[0] == 0x10:
            return ACK           # No alarm.
        if control & 0xCF == 0x43 and frame[0] == 0x68:
            self._user_data(frame[6], frame[7:-2])
            return ACK
        return b""

    def _begin(self) -> None:
        self._fcb, self._left, self._latest = None, [], b""

    def _select(self, wanted: bytes) -> bytes:
        own = self.plate.octets()
        self.selected = len(wanted) >= 8 and all(
            _nibble_fits(wanted[place], own[place]) for place in range(4)) and all(
            wanted[first:last] in (b"\xff" * (last - first), own[first:last])
            for first, last in ((4, 6), (6, 7), (7, 8)))
        if not self.selected:
            return b""
        self._begin()
        return b"" if self.mute else ACK

    def _user_data(self, ci: int, data: bytes) -> None:
        if ci == 0x50:
            self._begin()
        elif ci == 0x51 and data[:2] == b"\x01\x7a" and len(data) == 3 and data[2] <= 250:
            self.address = data[2]
        else:
            self._ordered(ci, data)

    def _telegram(self, fcb: int) -> bytes:
        """The next telegram, or with the same FCB the latest again."""
        if fcb == self._fcb and self._latest and not self.deaf_to_fcb:
            return self._latest
        self._fcb = fcb
        code = self._refusal()
        if code is not None:
            self._latest = long_frame(0x08, self.address, 0x70, bytes((code,)))
            return self._latest
        if not self._left:
            self._left = _telegrams(self._records())
        self._access = (self._access + 1) & 0xFF
        header = self.plate.octets() + bytes((self._access, self.status, 0, 0))
        self._latest = long_frame(0x08, self.address, 0x72, header + self._left.pop(0))
        return self._latest


def _nibble_fits(wanted: int, own: int) -> bool:
    return all(wanted >> shift & 15 in (15, own >> shift & 15) for shift in (0, 4))


def _telegrams(records: list[bytes]) -> list[bytes]:
    """The records in as few telegrams as hold them; all but the last end with 1F."""
    found = [b""]
    for record in records:
        assert len(record) < DATA_MAX
        if len(found[-1]) + len(record) >= DATA_MAX:
            found.append(b"")
        found[-1] += record
    return [data + (MORE if place + 1 < len(found) else NO_MORE)
            for place, data in enumerate(found)]
