"""Other people's clients on the paced line, at the same work as the gateway: twelve registers of
each meter, one after the other, in the best plan that each can be given.
"""

import logging
import time

import minimalmodbus
import structlog
from dlms_cosem.client import DlmsClient
from dlms_cosem.cosem import CosemAttribute, CosemAttributeWithSelection, Obis
from dlms_cosem.enumerations import CosemInterface
from dlms_cosem.io import HdlcTransport, SerialIO
from dlms_cosem.security import NoSecurityAuthentication
from pymodbus.client import ModbusSerialClient

from kit.dlms_meters import CLIENT, dlms_entry
from kit.figures import Figure
from kit.paced_line import PacedLine, Wire, paced_line
from kit.street import QUANTITIES, modbus_entry

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
            _tell(name, took_s, line)
        figures.append(Figure(f"modbus_by_{name}", took_s, "s", "the same floor", floor_s))
    return figures


def _tell(name: str, took_s: float, line: PacedLine) -> None:
    heard = line.heard()
    print(f"{name}: {took_s:.2f} s, {heard.size} B, {heard.turns} turns, least silence "
          f"{1000 * heard.least_silence_s:.2f} ms, {heard.collisions} collisions", flush=True)


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


def dlms_peer(count: int) -> list[Figure]:
    """dlms-cosem, without security: open, twelve registers in one list, close. It selects no rows
    of a profile by what is missing, so it stands beside the plan without one: 404 B, 4 turns.
    """
    floor_s = 32.1 * count / 64
    # It writes every byte to standard output, which is no part of the work.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with paced_line(Wire(dlms_entry(), count)) as line:
        start = time.perf_counter()
        for number in range(1, count + 1):
            _dlms_cosem(line.path, number)
        took_s = time.perf_counter() - start
        _tell("dlms-cosem", took_s, line)
    return [Figure("dlms_by_dlms_cosem", took_s, "s", "floor without the profile row", floor_s)]


def _dlms_cosem(path: str, number: int) -> None:
    wanted = [CosemAttributeWithSelection(
        CosemAttribute(CosemInterface.REGISTER, Obis.from_string(obis), 2), None)
        for _, obis, _ in QUANTITIES]
    transport = HdlcTransport(CLIENT, number, SerialIO(path, 9600, 2))
    with DlmsClient(transport, NoSecurityAuthentication()).session() as client:
        client.get_many(wanted)
