"""A tool that nobody here wrote talks to a meter that nobody here wrote, through a session.

pymodbus' client speaks RTU over TCP to a small door; from there on every byte goes in signed and
sealed pieces to the concentrator's desk, over a real tty to pymodbus' server, and back.
"""

import socket
import threading
from collections.abc import Callable

from pymodbus import FramerType
from pymodbus.client import ModbusTcpClient
from pymodbus.simulator import DataType, SimData, SimDevice

from tests.edge.order_bench import CIPHER, IDENTITY, ORDER_SEED, OWN, SIGNATURES
from tests.edge.test_session import ACT, Bench, first, order, sealed
from tests.ports.wire import Meters
from wum_edge.ports.linux.clock import SystemClock
from wum_edge.ports.linux.line import SerialLine
from wum_shared import cose, orders
from wum_shared.order_kinds import encode_arguments
from wum_shared.session import DATA_MAX, Piece, open_piece, sign_piece
from wum_simulator.flash import SimulatedFlash


class Door:
    """What `wum-cloud session` is to a tool: TCP on one side, pieces on the other."""

    def __init__(self, world: Bench) -> None:
        self._world, self._number, self.is_over = world, 0, False
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        connection, _ = self._listening.accept()
        connection.settimeout(0.02)
        while not self.is_over:
            try:
                data = connection.recv(DATA_MAX)
            except TimeoutError:
                data = None
            if data is not None:
                self._down(data)
            self._world.desk.tick(lambda stream, plain: self._up(connection, stream, plain))
        connection.close()
        self._listening.close()

    def _down(self, data: bytes) -> None:
        self._number += 1
        piece = Piece(OWN.concentrator, ACT, "down", self._number, data, not data)
        signed = sign_piece(SIGNATURES, ORDER_SEED, SIGNATURES.public(ORDER_SEED), piece)
        self._world.sessions.heard(cose.seal(
            CIPHER, OWN.downlink, OWN.key_id, self._number, signed, "down", OWN.tenant, "session"))

    def _up(self, connection: socket.socket, stream: str, plain: bytes) -> bool:
        if stream == "session":
            piece = open_piece(SIGNATURES, (SIGNATURES.public(IDENTITY),), plain)
            if piece.data:
                connection.sendall(piece.data)
        else:
            self._world.say(stream, plain)
        return True

    def join(self) -> None:
        self.is_over = True
        self._thread.join(5)


def test_pymodbus_reads_and_writes_a_meter_through_a_session(
        meters: Callable[[list[SimDevice]], Meters], line: SerialLine) -> None:
    meters([SimDevice(id=7, simdata=[
        SimData(100, values=[11, 22, 33], datatype=DataType.REGISTERS)])])
    world = first(Bench(SimulatedFlash()).start())
    world.tell(sealed(order(3, kind=orders.SESSION, arguments=encode_arguments(
        orders.SESSION, ["M-1", 60]))))
    lent = world.lent.pop()
    running = threading.Thread(
        target=lambda: list(lent.argument.turns(line, SystemClock())), daemon=True)
    door = Door(world)
    running.start()
    tool = ModbusTcpClient("127.0.0.1", port=door.port, framer=FramerType.RTU, timeout=5)
    assert tool.connect()
    assert tool.read_holding_registers(101, count=2, device_id=7).registers == [22, 33]
    assert not tool.write_register(102, 4711, device_id=7).isError()
    assert tool.read_holding_registers(100, count=3, device_id=7).registers == [11, 22, 4711]
    assert tool.read_holding_registers(500, count=1, device_id=7).isError()
    tool.close()
    running.join(60)
    assert not running.is_alive()
    lent.done(lent.argument.outcome())
    door.join()
    world.desk.tick(world.say)
    assert world.receipts[-1].state == orders.DONE
    assert "the head-end ended it" in world.receipts[-1].note
