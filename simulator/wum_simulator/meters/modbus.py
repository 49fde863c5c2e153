"""Modbus meters, RTU and TCP, answered by pymodbus' server: its framing, its PDUs, its checks.

One server stands for all meters of a line, as its unit ids. It hears bytes and says bytes;
which wire they come from and what happens to them there is bus.py's.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from pymodbus.constants import ExcCodes
from pymodbus.framer import FramerType
from pymodbus.server import ModbusSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice

from wum_simulator.catalog import Model, Register
from wum_simulator.meters.server import Refusal, Request, Said, Server
from wum_simulator.town import Meter

HOLDING, INPUT = 3, 4


class ModbusServer(Server):
    """The meters of one line. `said` is called with each whole answer and its request.

    `refusal` may make a meter answer with an exception instead.
    """

    protocols = ("modbus-rtu",)
    framer = FramerType.RTU
    unit_at = 0                  # Place of the unit id in a frame.

    def __init__(
            self, meters: list[Meter], now_s: Callable[[], int], refusal: Refusal,
            said: Said) -> None:
        self._now_s = now_s
        self._refusal = refusal
        self._said = said
        self._latest: Request | None = None
        devices = [_device(meter.address, meter.kind, self._reader(meter)) for meter in meters]
        self._addresses = {meter.address for meter in meters}
        server: Any = ModbusSerialServer(
            context=devices, framer=self.framer, trace_pdu=self._for_us)
        self._handler = server.callback_new_connection()
        self._handler.connection_made(_Mouth(self._say))

    def hear(self, data: bytes) -> None:
        """Bytes from the wire, in any pieces. An answer comes through `said`, soon or never."""
        self._handler.data_received(data)

    def forget(self) -> None:
        """Silence on the wire: what was heard so far is no part of what comes next."""
        self._handler.recv_buffer = b""

    def _for_us(self, saying: bool, pdu: Any) -> Any:
        """pymodbus would refuse in the name of a meter that is not there; None is no request."""
        return pdu if saying or pdu.dev_id in self._addresses else None

    def _say(self, data: bytes) -> None:
        request, self._latest = self._latest, None
        unit = data[self.unit_at]
        if unit in self._addresses:      # What pymodbus cannot decode it refuses for everybody.
            self._said(data, unit, request)

    def _reader(self, meter: Meter) -> Any:
        async def read(
                function: int, start: int, address: int, count: int, words: list[int],
                written: object) -> ExcCodes | None:
            request = Request(meter.address, function, address, count, self._now_s())
            self._latest = request
            if written is not None or function not in (HOLDING, INPUT):
                return ExcCodes.ILLEGAL_FUNCTION
            if count > meter.kind.registers_per_request:
                return ExcCodes.ILLEGAL_VALUE
            code = self._refusal(request)
            if code is not None:
                return ExcCodes(code)
            asked = tuple(r for r in meter.kind.registers if r.function == function
                          and r.address < address + count and address < r.address + r.count)
            for register, shown in meter.words_at(request.at_s, asked):
                offset = register.address - start
                words[offset:offset + register.count] = shown
            return None
        return read


class ModbusTcpServer(ModbusServer):
    """The same behind the header of TCP. What a pause separates on a wire is separate here by its
    length, so that nothing is forgotten.
    """

    protocols = ("modbus-tcp",)
    framer = FramerType.SOCKET
    unit_at = 6

    def forget(self) -> None:
        """A frame knows its length."""

    def heard_through(self, answer: bytes, noisy: bytes) -> bytes:
        """A connection carries no noise: what is behind the converter is damaged, which sees it by
        its CRC and says that the meter did not answer (exception 11).
        """
        if noisy == answer or len(answer) < 8:
            return answer
        return answer[:4] + bytes((0, 3, answer[6], answer[7] | 0x80, 11))

    def spoilt(self, answer: bytes) -> bytes:
        """It has no check: of another transaction, which is an answer to nothing that was asked."""
        return bytes((answer[0] ^ 0x55,)) + answer[1:] if answer else answer


def _device(address: int, kind: Model, read: Any) -> SimDevice:
    """Coils and inputs there are none of, but pymodbus wants a list of each."""
    bits = [SimData(0, values=[False] * 16, datatype=DataType.BITS)]
    return SimDevice(
        address, simdata=(bits, bits, _block(kind, HOLDING), _block(kind, INPUT)), action=read)


def _block(kind: Model, function: int) -> list[SimData]:
    """Every word that can be read with `function`: registers, and holes up to the model's gap.

    A hole reads as 0; a wider one answers exception 2, as does what is before and after.
    """
    words: set[int] = set()
    end = None
    for register in _in_order(kind, function):
        if end is not None and register.address - end <= kind.gap:
            words.update(range(end, register.address))
        end = register.address + register.count
        words.update(range(register.address, end))
    if not words:
        return [SimData(0, count=1, datatype=DataType.INVALID)]
    return [SimData(first, count=count, values=0, datatype=DataType.REGISTERS)
            for first, count in _runs(sorted(words))]


def _in_order(kind: Model, function: int) -> list[Register]:
    return sorted((r for r in kind.registers if r.function == function),
                  key=lambda register: register.address)


def _runs(words: list[int]) -> list[tuple[int, int]]:
    """(first, count) of each unbroken run."""
    runs: list[tuple[int, int]] = []
    for word in words:
        if runs and word == sum(runs[-1]):
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((word, 1))
    return runs


class _Mouth(asyncio.Transport):
    """Where pymodbus writes its answers."""

    def __init__(self, say: Callable[[bytes], None]) -> None:
        super().__init__()
        self._say = say

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """One whole frame."""
        self._say(bytes(data))

    def is_closing(self) -> bool:
        """It never closes: the wire is the line's."""
        return False

    def close(self) -> None:
        """Nothing to give back."""
