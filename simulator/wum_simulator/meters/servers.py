"""Which server answers for a meter type, by the protocol of its catalogue entry."""

from collections.abc import Callable

from wum_simulator.meters.dlms import DlmsServer
from wum_simulator.meters.iec62056_21 import Iec62056Server
from wum_simulator.meters.mbus import MbusServer
from wum_simulator.meters.modbus import ModbusServer, ModbusTcpServer
from wum_simulator.meters.push import P1Server, SmlServer
from wum_simulator.meters.server import Refusal, Said, Server
from wum_simulator.town import Meter

SERVERS: dict[str, type] = {
    "dlms-hdlc": DlmsServer,
    "iec62056-21": Iec62056Server,
    "mbus": MbusServer,
    "modbus-rtu": ModbusServer,
    "modbus-tcp": ModbusTcpServer,
    "p1": P1Server,
    "sml": SmlServer,
}


def servers(
        meters: list[Meter], now_s: Callable[[], int], refusal: Refusal, said: Said,
) -> list[Server]:
    """A server for each protocol that these meters of one line speak."""
    spoken = sorted({meter.kind.protocol for meter in meters})
    return [SERVERS[protocol](
        [meter for meter in meters if meter.kind.protocol == protocol], now_s, refusal, said)
        for protocol in spoken]
