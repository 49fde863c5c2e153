"""Other people's clients on the paced line, at the same work as the gateway: twelve registers of
each meter, one after the other, in the best plan that each can be given.
"""

import time

import minimalmodbus
from pymodbus.client import ModbusSerialClient

from kit.figures import Figure
from kit.paced_line import Wire, paced_line
from kit.street import modbus_entry

WORDS = 24


def peers(count: int, floor_s: float) -> list[Figure]:
    """Seconds of each over the same floor, and whether it kept the silence."""
    figures = []
    wire = Wire(modbus_entry(), count)
    for name, read in (("pymodbus", _pymodbus), ("minimalmodbus", _minimalmodbus)):
        with paced_line(wire) as line:
            start = time.perf_counter()
            read(line.path, count)
            took_s = time.perf_counter() - start
            heard = line.heard()
        print(f"{name}: {took_s:.2f} s, {heard.size} B, {heard.turns} turns, least silence "
              f"{1000 * heard.least_silence_s:.2f} ms, {heard.collisions} collisions", flush=True)
        figures.append(Figure(f"modbus_by_{name}", took_s, "s", "the same floor", floor_s))
    return figures


def _pymodbus(path: str, count: int) -> None:
    with ModbusSerialClient(path, baudrate=9600, timeout=1) as client:
        for address in range(1, count + 1):
            answer = client.read_input_registers(0, count=WORDS, device_id=address)
            if answer.isError():
                raise SystemExit(f"pymodbus: meter {address}: {answer}")


def _minimalmodbus(path: str, count: int) -> None:
    instrument = minimalmodbus.Instrument(path, 1)
    instrument.serial.baudrate = 9600
    instrument.serial.timeout = 1
    for address in range(1, count + 1):
        instrument.address = address
        instrument.read_registers(0, WORDS, functioncode=4)
