"""Answers of a Modbus station: the first byte chooses the question, the rest is what is heard."""

from typing import TYPE_CHECKING

from wum_edge.errors import MeterError
from wum_edge.meters.modbus import functions
from wum_edge.meters.modbus.rtu import RtuStation
from wum_edge.meters.modbus.station import Station
from wum_edge.meters.modbus.tcp import TcpStation
from wum_edge.meters.turn import Hearing, Line, converse

if TYPE_CHECKING:
    from wum_edge.meters.reader import Conversation

PIECE = 7                    # Bytes that come at a time.


class _Heard(Line):
    """Gives the same bytes to every question, in pieces."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def turn(self, say: bytes, is_whole: Hearing, timeout_ms: int) -> bytes:
        heard = bytearray()
        for at in range(0, len(self._data) if say else 0, PIECE):
            heard += self._data[at:at + PIECE]
            if is_whole(heard):
                break
        return bytes(heard)


def run(data: bytes) -> None:
    """Ask one of the questions, and hear the rest."""
    if not data:
        return
    station: Station = TcpStation(17, 100) if data[0] & 0x80 else RtuStation(17, 100)
    if data[0] & 0x40:
        station.echoes = False
    try:
        converse(_question(station, data[0] & 0x0F), _Heard(data[1:]))
    except MeterError:
        return


def _question(station: Station, number: int) -> "Conversation[object]":
    questions: list[Conversation[object]] = [
        functions.read_bits(station, 1, 19, 19),
        functions.read_words(station, 3, 107, 3),
        functions.write_coil(station, 172, True),
        functions.write_register(station, 1, 3),
        functions.write_coils(station, 19, (True,) * 10),
        functions.write_registers(station, 1, (10, 0x102)),
        functions.read_file_record(station, 4, 1, 2),
        functions.exchange_words(station, 3, 6, 14, (255, 255, 255)),
        functions.identify(station),
    ]
    return questions[number % len(questions)]
