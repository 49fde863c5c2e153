"""Conversations with one Modbus station: read and write bits, registers and files, and ask what
it is.

Left out: bytes (pdu.py) and how they travel (rtu.py, tcp.py). Each raises what Station.ask raises.
MODBUS Application Protocol V1.1b3, 6.
"""

from wum_edge.errors import BadCheck, Refused
from wum_edge.meters.modbus import pdu

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from wum_edge.meters.modbus.station import Station
    from wum_edge.meters.reader import Conversation

OBJECTS_TURNS_MAX = 32       # Turns of one identification; 256 objects come in far fewer.


def read_bits(
        station: "Station", function: int, first: int, count: int,
) -> "Conversation[tuple[bool, ...]]":
    """Conversation: coils (1) or discrete inputs (2), 1..2000 from `first`."""
    reply = yield from station.ask(pdu.read_bits(function, first, count))
    return pdu.bits_of(reply.pdu, count)


def read_words(
        station: "Station", function: int, first: int, count: int,
) -> "Conversation[tuple[int, ...]]":
    """Conversation: holding (3) or input registers (4), 1..125 from `first`."""
    reply = yield from station.ask(pdu.read_words(function, first, count))
    return pdu.words_of(reply.pdu)


def write_coil(station: "Station", address: int, on: bool) -> "Conversation[None]":
    """Conversation: switch one coil (5). Ends when the station said that it did."""
    yield from _learn_echo(station, pdu.read_bits(pdu.READ_COILS, address, 1))
    yield from station.ask(pdu.write_coil(address, on))


def write_register(station: "Station", address: int, word: int) -> "Conversation[None]":
    """Conversation: write one holding register (6). Ends when the station said that it did."""
    yield from _learn_echo(station, pdu.read_words(pdu.READ_HOLDING, address, 1))
    yield from station.ask(pdu.write_register(address, word))


def write_coils(
        station: "Station", first: int, bits: tuple[bool, ...]) -> "Conversation[None]":
    """Conversation: switch 1..1968 coils from `first` (15)."""
    yield from station.ask(pdu.write_coils(first, bits))


def write_registers(
        station: "Station", first: int, words: tuple[int, ...]) -> "Conversation[None]":
    """Conversation: write 1..123 holding registers from `first` (16)."""
    yield from station.ask(pdu.write_registers(first, words))


def exchange_words(
        station: "Station", first: int, count: int, write_first: int, words: tuple[int, ...],
) -> "Conversation[tuple[int, ...]]":
    """Conversation: write 1..121 registers, then read 1..125, in one turn (23)."""
    reply = yield from station.ask(pdu.exchange_words(first, count, write_first, words))
    return pdu.words_of(reply.pdu)


def read_file_record(
        station: "Station", file: int, record: int, count: int,
) -> "Conversation[tuple[int, ...]]":
    """Conversation: 1..124 words of a file (1..65535) from a record (0..9999) on (20)."""
    reply = yield from station.ask(pdu.read_file_record(file, record, count))
    return pdu.file_words_of(reply.pdu)


def identify(station: "Station", category: int = 1) -> "Conversation[dict[int, bytes]]":
    """Conversation: what the station says of itself (43/14), by object: 0 vendor, 1 product code,
    2 revision, 3.. as its maker has it. `category` is 1 basic, 2 regular, 3 extended.
    """
    found: dict[int, bytes] = {}
    following: int | None = 0
    for _ in range(OBJECTS_TURNS_MAX):
        assert following is not None
        reply = yield from station.ask(pdu.read_device_id(category, following))
        objects, following = pdu.identity_of(reply.pdu)
        found.update(objects)
        if following is None:
            return found
    raise BadCheck("function 43/14: it goes on after %d turns" % OBJECTS_TURNS_MAX)


def _learn_echo(station: "Station", harmless: pdu.Request) -> "Conversation[None]":
    """Whether the line echoes must be known before 5 and 6: their answer is the very request, so
    an echo would confirm what no station has heard. A refusal tells it as well.
    """
    if station.echoes is None:
        try:
            yield from station.ask(harmless)
        except Refused:
            return               # It is about the reading, which nobody wanted.
