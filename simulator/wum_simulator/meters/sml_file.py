"""SML files of the town's meters, written from the standard's text alone: bytes out.

Holds the binary encoding, the three messages of a file, and its transport with escapes and CRC.
Left out: when they are said (push.py), and all codecs of the gateway. SML 1.04 (BSI TR-03109-1,
annex IV), chapters 5, 6 and 8.
"""

from wum_shared.units import unit_from_text
from wum_simulator.catalog import Register
from wum_simulator.quantities import is_counter, shown
from wum_simulator.registers import at_resolution
from wum_simulator.town import Meter

ESCAPE = b"\x1b" * 4
OPEN, CLOSE, LIST = 0x0101, 0x0201, 0x0701
NOTHING = b"\x01"
STATUS = 0x00000182          # Of an EMH eHZ whose counter runs.
_WORDS = {"octets": 0x00, "signed": 0x50, "unsigned": 0x60, "list": 0x70}


def file_of(meter: Meter, at_s: int) -> bytes:
    """What it says at UTC second `at_s`: open, its list, close."""
    server = server_id(meter)
    at = octets((at_s & 0xFFFFFFFF).to_bytes(4, "big"))
    index = listed([unsigned(1, 1), unsigned(at_s & 0xFFFFFFFF, 4)])
    entries = [entry(register, meter, at_s) for register in meter.kind.registers]
    content = message(at, OPEN, [NOTHING, NOTHING, at, octets(server), index, NOTHING])
    content += message(at, LIST, [NOTHING, octets(server), octets(bytes.fromhex("0100620affff")),
                                  index, listed(entries), NOTHING, NOTHING])
    return transported(content + message(at, CLOSE, [NOTHING]))


def server_id(meter: Meter) -> bytes:
    """Ten bytes: 0a, electricity, the maker's letters, block 0, the serial number."""
    return b"\x0a\x01WUM\x00" + int(meter.serial).to_bytes(4, "big")


def entry(register: Register, meter: Meter, at_s: int) -> bytes:
    """One value of the list; counters have a status and 64 bits."""
    number = at_resolution(register, shown(register.obis, meter.instant_at(at_s)))
    counter = is_counter(register.obis)
    return listed([
        octets(_code(str(register.own.get("code") or register.obis))),
        unsigned(STATUS, 4) if counter else NOTHING, NOTHING,
        unsigned(unit_from_text(register.unit), 1), signed(register.scaler, 1),
        signed(number, 8 if counter else 4), NOTHING])


def message(transaction: bytes, tag: int, members: list[bytes]) -> bytes:
    """Transaction, group, what to do on errors, body, CRC, end."""
    body = b"\x76" + transaction + unsigned(0, 1) + unsigned(0, 1) + listed(
        [unsigned(tag, 2), listed(members)])
    return body + b"\x63" + crc(body) + b"\x00"


def transported(content: bytes) -> bytes:
    """Begin, the content with each escape said twice, filling, end, CRC."""
    fill = -len(content) % 4
    escaped = (content + bytes(fill)).replace(ESCAPE, ESCAPE + ESCAPE)
    said = ESCAPE + b"\x01\x01\x01\x01" + escaped + ESCAPE + bytes((0x1A, fill))
    return said + crc(said)


def octets(data: bytes) -> bytes:
    """An octet string."""
    return _headed("octets", len(data), counts_itself=True) + data


def unsigned(number: int, size: int) -> bytes:
    """An integer without sign of `size` bytes."""
    return _headed("unsigned", size, counts_itself=True) + number.to_bytes(size, "big")


def signed(number: int, size: int) -> bytes:
    """An integer with sign of `size` bytes."""
    return _headed("signed", size, counts_itself=True) + number.to_bytes(
        size, "big", signed=True)


def listed(members: list[bytes]) -> bytes:
    """A list of members that are encoded already."""
    return _headed("list", len(members), counts_itself=False) + b"".join(members)


def crc(data: bytes) -> bytes:
    """CRC-16/X-25, as two bytes in their order on the wire."""
    rest = 0xFFFF
    for byte in data:
        rest = rest >> 8 ^ _OF_BYTE[(rest ^ byte) & 0xFF]
    return (rest ^ 0xFFFF).to_bytes(2, "little")


def _of_byte(byte: int) -> int:
    rest = byte
    for _ in range(8):
        rest = rest >> 1 ^ (0x8408 if rest & 1 else 0)
    return rest


_OF_BYTE = tuple(_of_byte(byte) for byte in range(256))


def _headed(kind: str, length: int, *, counts_itself: bool) -> bytes:
    """Type and length, in as many bytes as the length needs: four bits of it in each."""
    size = 1
    while length + (size if counts_itself else 0) >= 16**size:
        size += 1
    length += size if counts_itself else 0
    fours = [length >> 4 * place & 15 for place in range(size - 1, -1, -1)]
    fours[0] |= _WORDS[kind]
    return bytes(four | (0x80 if place < size - 1 else 0) for place, four in enumerate(fours))


def _code(obis: str) -> bytes:
    """Six bytes of A-B:C.D.E or A-B:C.D.E*F."""
    front, _, f = obis.partition("*")
    numbers = front.replace("-", ".").replace(":", ".").split(".")
    return bytes([*(int(number) for number in numbers), int(f or 255)])
