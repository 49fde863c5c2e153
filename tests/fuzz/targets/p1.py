"""Telegrams of the P1 port and of mode D: whatever bytes come, and the same with a good CRC."""

from wum_edge.errors import MeterError
from wum_edge.meters.p1.telegram import (
    TelegramHearing,
    crc16,
    decode_telegram,
    find_telegram,
    octets,
    power_failures,
    sub_meters,
    version,
)


def run(data: bytes) -> None:
    """Find it, decode it, and ask it everything."""
    TelegramHearing()(data)
    start, end = find_telegram(data)
    _decode(data)
    _decode(data[start:end])
    mark = data.rfind(b"!")
    if mark >= 0:
        body = data[start:mark + 1]
        _decode(body + b"%04X\r\n" % crc16(body))


def _decode(data: bytes) -> None:
    try:
        telegram = decode_telegram(data)
    except MeterError:
        return                   # The one way in which it may refuse.
    sub_meters(telegram)
    power_failures(telegram)
    octets(version(telegram))
