"""Telegrams of the town's meters with a P1 port or mode D, written from the standards' text alone.

Left out: when they are said (push.py), and all codecs of the gateway. DSMR 5.0.2 P1, 5.2 and 6.12;
e-MUCS P1 1.7.1; IEC 62056-21:2002, 6.4.4.

Those at 115200 baud are DSMR 4 and 5, with version, clock and CRC; the slower ones have none of
them: DSMR 2.2 and mode D.
"""

from wum_simulator.meters.edis_time import written_at
from wum_simulator.meters.iec62056_21_data import written
from wum_simulator.meters.iec62056_21_kept import CENTRAL_EUROPE_S
from wum_simulator.quantities import shown
from wum_simulator.town import Meter

FAST_BAUD = 115200


def telegram(meter: Meter, at_s: int) -> bytes:
    """What it says at UTC second `at_s`."""
    own = dict(meter.kind.own.get("telegram", {}))
    maker = str(own.get("makers", "WUM")).split()[0]
    checked = int(own.get("baud", FAST_BAUD)) == FAST_BAUD
    lines = [f"/{maker}5{meter.kind.name.upper()[:16]}", ""]
    if checked:
        lines += ["0-0:96.1.4(50217)" if maker == "FLU" else "1-3:0.2.8(50)",
                  f"0-0:1.0.0({written_at(meter.clock_at(at_s) + CENTRAL_EUROPE_S)}W)"]
    if own.get("identity"):
        lines.append(f"{own['identity']}({meter.serial.encode().hex().upper()})")
    instant = meter.instant_at(at_s)
    for register in meter.kind.registers:
        address = str(register.own.get("address") or register.obis)
        lines.append(f"{address}({written(register, shown(register.obis, instant))})")
    text = "\r\n".join(lines).encode() + b"\r\n!"
    return text + (b"%04X" % crc16(text) if checked else b"") + b"\r\n"


def crc16(data: bytes) -> int:
    """x^16 + x^15 + x^2 + 1, the least bit first, from 0."""
    rest = 0
    for byte in data:
        rest = rest >> 8 ^ _OF_BYTE[(rest ^ byte) & 0xFF]
    return rest


def _of_byte(byte: int) -> int:
    rest = byte
    for _ in range(8):
        rest = rest >> 1 ^ (0xA001 if rest & 1 else 0)
    return rest


_OF_BYTE = tuple(_of_byte(byte) for byte in range(256))
