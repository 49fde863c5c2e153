"""Telegrams of the P1 port (DSMR 2.2 to 5.0.2, e-MUCS) and of mode D: decoded, none sent.

Left out: when they come (reader.py) and data sets themselves (iec62056_21/dataset.py).
DSMR 5.0.2 P1 Companion Standard, 5.12 (CRC16) and 6.2 (telegram); IEC 62056-21:2002, 6.4.4.

From version 4 on a telegram carries a CRC16 (polynomial x^16+x^15+x^2+1, from 0) over all from `/`
to `!`. Before that, and in mode D, there is no check at all: what is damaged and still a telegram
cannot be noticed, and `checked` says so.
"""

from collections import namedtuple

from wum_edge.errors import BadCheck, Refused
from wum_edge.meters.iec62056_21.dataset import Decimal, decimal, parse_block
from wum_edge.meters.iec62056_21.frame import printable, without_parity
from wum_edge.meters.iec62056_21.short_form import obis_of
from wum_edge.meters.iec62056_21.signon import parse_identification
from wum_edge.meters.iec62056_21.stamp import stamp_from_text
from wum_edge.meters.turn import Hearing

TYPE_CHECKING = False        # True for type checkers only.
if TYPE_CHECKING:
    from wum_edge.meters.iec62056_21.dataset import DataSet, Value
    from wum_edge.meters.iec62056_21.signon import Identification
    from wum_edge.meters.iec62056_21.stamp import Stamp

TELEGRAM_MAX = 8192          # Two text messages of 2048 characters, and 2 kB of everything else.
CHANNELS = (1, 2, 3, 4)      # Of sub-meters on the meter's own M-Bus.
_END = b"\r\n!"
_CIPHERED = b"\xdb\x08"      # Tag and length of the system title.
CIPHERED = ("telegram: it is ciphered (general-glo-ciphering of DLMS, as in Luxembourg): set "
            "encryption_key in its access; the grid operator gives it")
_VERSION = bytes((1, 3, 0, 2, 8, 255))


class Telegram(namedtuple("Telegram", ("identification", "sets", "checked", "small_digits"))):
    """Who sent it, its data sets in their order, and whether a CRC vouches for them.
    `small_digits`: that CRC was certainly written in small letters.
    """

    __slots__ = ()
    identification: "Identification"
    sets: "list[DataSet]"
    checked: bool
    small_digits: bool


class SubMeter(namedtuple("SubMeter", ("channel", "kind", "identity", "captured_at", "value",
                                       "unit"))):
    """One meter on the M-Bus: device type (3 gas, 7 water, ...), its number, its latest value.

    `identity` is the text that its hexadecimal digits stand for; `captured_at` and `value` are
    None where there is none yet.
    """

    __slots__ = ()
    channel: int
    kind: int | None
    identity: str
    captured_at: "Stamp | None"
    value: Decimal | None
    unit: str


def decode_telegram(data: bytes, small_digits: bool = False) -> Telegram:
    """The telegram that `data` is, from `/` to the line end behind `!`. Raises BadCheck; Refused
    for an encrypted one.

    What follows that line end is refused, as is a wrong CRC; characters of seven bits with even
    parity are read as such. `small_digits`: this meter writes its CRC in small letters.
    """
    if data[:2] == _CIPHERED:
        raise Refused(CIPHERED, 0)
    data = with_line_ends(without_parity(data))
    start, end = find_telegram(data)
    if start != 0 or end != len(data):
        raise BadCheck("telegram: wanted / to the line end behind !, got %d bytes: %s" % (
            len(data), printable(data)))
    mark = data.find(_END)
    written = data[mark + len(_END):-2]
    if written:
        _check_crc(data[:mark + len(_END)], written, small_digits)
    head_end = data.find(b"\r\n") + 2
    identification = parse_identification(data[:head_end])
    sets = parse_block(data[head_end:mark + 2])
    if not written and any(obis_of(one.address) == _VERSION for one in sets):
        raise BadCheck("telegram: it says its version, and so must have a CRC (DSMR 4.0, 5.2)")
    return Telegram(identification, sets, bool(written), _small_letters(written) > 1)


def with_line_ends(data: bytes) -> bytes:
    """`data` as the meter said it: some adapters take every CR away, which the CRC counts."""
    return data if b"\r" in data else data.replace(b"\n", b"\r\n")


def find_telegram(data: bytes | bytearray) -> tuple[int, int]:
    """Start and end of the first thing in `data` that begins and ends as a telegram does; an end
    of 0 for none yet.
    """
    whole = bytes(data)
    mark = whole.find(_END)
    while mark >= 0:
        end = whole.find(b"\r\n", mark + len(_END))
        start = _start_before(whole, mark)
        if start >= 0 and end >= 0:
            return start, end + 2
        mark = whole.find(_END, mark + 1)
    return 0, 0


def _start_before(whole: bytes, mark: int) -> int:
    """Where the telegram that ends at `mark` began: the last `/` that begins a line. A value may
    hold a `/` too; before the first telegram there may be noise, but not of letters.
    """
    at = whole.rfind(b"/", 0, mark)
    while at > 0 and 32 <= whole[at - 1] < 127:
        at = whole.rfind(b"/", 0, at)
    return at


def crc16(data: bytes) -> int:
    """CRC16 of DSMR: polynomial 0xA001 (reflected), from 0."""
    value = 0
    for byte in data:
        value = value >> 8 ^ _TABLE[(value ^ byte) & 0xFF]
    return value


def _crc_of_byte(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ 0xA001 if byte & 1 else byte >> 1
    return byte


_TABLE = tuple([_crc_of_byte(byte) for byte in range(256)])


def version(telegram: Telegram) -> str:
    """What it says of itself under 1-3:0.2.8 or (Belgium) 0-0:96.1.4; empty where it does not."""
    for one in telegram.sets:
        if one.address in ("1-3:0.2.8", "0-0:96.1.4"):
            return str(one.values[0].text)
    return ""


def octets(text: str) -> str:
    """The text that hexadecimal digits stand for, as in 0-0:96.1.1; `text` where it is none."""
    if not text or len(text) % 2 or not all(c in "0123456789ABCDEFabcdef" for c in text):
        return text
    data = bytes.fromhex(text)
    return data.decode() if all(32 <= byte < 127 for byte in data) else text


def sub_meters(telegram: Telegram) -> list[SubMeter]:
    """The meters on the M-Bus, by channel. A channel that only says that nobody is there is left
    out.
    """
    found = []
    for channel in CHANNELS:
        own: dict[tuple[int, ...], list[Value]] = {}
        for one in telegram.sets:
            code = obis_of(one.address)
            if code is not None and code[:2] == bytes((0, channel)):
                own[tuple(code[2:5])] = list(one.values)
        if own:
            found.append(_sub_meter(channel, own))
    return found


def power_failures(telegram: Telegram) -> "list[tuple[Stamp, int]]":
    """Ends and durations in s of long power failures (1-0:99.97.0), as the meter lists them."""
    found = []
    for one in telegram.sets:
        if obis_of(one.address) == bytes((1, 0, 99, 97, 0, 255)):
            cells = one.values[2:]           # Their number, and the code of what is listed.
            for at in range(0, len(cells) - 1, 2):
                ended = stamp_from_text(cells[at].text)
                lasted = decimal(cells[at + 1].text)
                if ended is not None and lasted is not None and cells[at + 1].unit == "s":
                    found.append((ended, lasted.mantissa))
    return found


def _sub_meter(channel: int, own: "dict[tuple[int, ...], list[Value]]") -> SubMeter:
    kind = own.get((24, 1, 0))
    identity = own.get((96, 1, 0)) or own.get((96, 1, 1))
    captured_at, value, unit = None, None, ""
    for place in (1, 2, 3):                  # Belgium: 24.2.3 is a gas meter without correction.
        cells = own.get((24, 2, place))
        if cells and len(cells) == 2 and (cells[1].unit or len(cells[0].text) == 13):
            captured_at = stamp_from_text(cells[0].text)
            value, unit = decimal(cells[1].text), cells[1].unit
    old = own.get((24, 3, 0))                # Versions 2 and 3: time, ..., code, unit, value.
    if old and len(old) == 7:
        captured_at = stamp_from_text(old[0].text)
        value, unit = decimal(old[6].text), old[5].text
    if not unit:
        captured_at, value = None, None      # 700101010000W: nothing was heard of it yet.
    number = decimal(kind[0].text) if kind else None
    return SubMeter(channel, number.mantissa if number else None,
                    octets(identity[0].text) if identity else "", captured_at, value, unit)


def _check_crc(data: bytes, written: bytes, small_digits: bool) -> None:
    """The CRC is written in up to four hexadecimal digits: capital ones, says DSMR 5.0.2, but some
    meters write small ones, and some leave out zeros in front.

    Capital and small letters are one bit apart. So a single small letter passes for a damaged one
    unless the meter is known to write them; two of them cannot be one flipped bit.
    """
    small, capital = _small_letters(written), any(65 <= byte <= 70 for byte in written)
    plain = len(written) <= 4 and all(byte in b"0123456789ABCDEFabcdef" for byte in written)
    wanted = crc16(data)
    if plain and (small == 1 or small_digits):
        plain = small_digits and not capital
    if not plain or small and capital or int(written, 16) != wanted:
        raise BadCheck("telegram of %d bytes: CRC wanted %04X, got %s" % (
            len(data), wanted, printable(written)))


def _small_letters(written: bytes) -> int:
    return sum([1 for byte in written if 97 <= byte <= 102])


class TelegramHearing(Hearing):
    """Hears until a whole telegram stands in what came, parity bits or not."""

    def __call__(self, heard: bytes | bytearray) -> bool:
        return find_telegram(with_line_ends(without_parity(bytes(heard))))[1] > 0
