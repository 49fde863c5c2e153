"""A line behind Ethernet: a meter with a network of its own, or a serial server.

Left out: turns (wire.py), and what is said. A serial server's baud is set on the server: here
it only says how long characters take, for deadlines.
"""

import errno
import os
import socket

from wum_edge import config
from wum_edge.meters.turn import Setting
from wum_edge.ports.linux.line import SerialLine
from wum_edge.ports.linux.wire import Wire, WireLine

CONNECT_S = 5.0
SCHEME, UDP_SCHEME = "tcp://", "udp://"
DATAGRAM_MAX = 65535
_SENTENCES = {
    errno.ECONNREFUSED: "nothing listens there: is it the right port, and is the device on?",
    errno.EHOSTUNREACH: "there is no way to this host: check cable, address and route",
    errno.ENETUNREACH: "there is no way to this host: check cable, address and route",
}


class TcpLine(WireLine):
    """One connection. Everybody behind it shares it, turn by turn, as on a wire."""

    def _open(self, setting: Setting) -> Wire:
        return _Connection(*address_of(self._settings.port))

    def _sentence(self, error: Exception) -> str:
        if isinstance(error, socket.gaierror):
            return "this host name is unknown: check it, and the name server"
        if isinstance(error, TimeoutError):
            return f"no answer for {CONNECT_S:.0f} s: check address, cable and firewall"
        return _SENTENCES.get(getattr(error, "errno", None) or 0, str(error))


class _Connection:
    """An open connection; each request leaves at once."""

    def __init__(self, host: str, port: int) -> None:
        self._socket = socket.create_connection((host, port), CONNECT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def fileno(self) -> int:
        return self._socket.fileno()

    def read(self, size: int) -> bytes:
        data = self._socket.recv(size)
        if not data:
            raise ConnectionResetError(errno.ECONNRESET, "the other side hung up")
        return data

    def write(self, data: bytes) -> None:
        self._socket.sendall(data)

    def set(self, setting: Setting) -> None:
        """Nothing: the other side has its own setting."""

    def close(self) -> None:
        self._socket.close()


class UdpLine(TcpLine):
    """Datagrams to and from one meter: what is lost is a silence, which its reader asks again."""

    def _open(self, setting: Setting) -> Wire:
        return _Datagrams(*address_of(self._settings.port))


class _Datagrams(_Connection):
    """A socket that hears one address only; each request is one datagram."""

    def __init__(self, host: str, port: int) -> None:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        self._socket = socket.socket(found[0], socket.SOCK_DGRAM)
        self._socket.connect(found[4])

    def read(self, size: int) -> bytes:
        """One datagram, whole: what is left of one is thrown away by the kernel."""
        return self._socket.recv(DATAGRAM_MAX)


def address_of(port: str) -> tuple[str, int]:
    """(host, port) of a checked line's tcp:// or udp://HOST:PORT; brackets around an IPv6 host."""
    host, _, number = port.removeprefix(SCHEME).removeprefix(UDP_SCHEME).rpartition(":")
    return host.strip("[]"), int(number)


def line_of(settings: config.Line) -> WireLine:
    """The line that a configuration asks for."""
    if settings.port.startswith(UDP_SCHEME):
        return UdpLine(settings)
    return TcpLine(settings) if settings.port.startswith(SCHEME) else SerialLine(settings)


def is_there(settings: config.Line) -> bool:
    """Whether the line's device exists at this moment; of a network only a turn can tell."""
    if settings.has_inputs():
        return os.path.exists(settings.port.partition(":")[2])
    return settings.port.startswith((SCHEME, UDP_SCHEME)) or os.path.exists(settings.port)
