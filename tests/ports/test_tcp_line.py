"""A line behind Ethernet: turns on a real connection, and what is said when there is none."""

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tests.ports.test_line import Until
from wum_edge import config
from wum_edge.errors import LineGone
from wum_edge.meters.turn import Setting
from wum_edge.ports.linux.tcp_line import TcpLine, UdpLine, address_of, line_of


class Listener:
    """Accepts connections, one after the other, and answers by `reply`."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.heard: list[bytes] = []
        self.reply: Callable[[bytes], bytes] = lambda data: b"yes"
        self.hang_up = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection:
                while data := connection.recv(4096):
                    self.heard.append(data)
                    connection.sendall(self.reply(data))
                    if self.hang_up.is_set():
                        self.hang_up.clear()
                        break


@pytest.fixture
def listener() -> Iterator[Listener]:
    one = Listener()
    yield one
    one.socket.close()


def tcp(listener: Listener) -> TcpLine:
    return TcpLine(settings(f"tcp://127.0.0.1:{listener.port}"))


def settings(port: str) -> config.Line:
    return config.Line("net", port, 9600, "N", 1, 8)


def test_a_turn_goes_over_the_connection_and_the_next_over_the_same(listener: Listener) -> None:
    line = tcp(listener)
    assert line.turn(b"one", Until(3), 2000) == b"yes"
    line.set(Setting(300, 7, "E", 1, 0))        # The other side has its own setting.
    assert line.turn(b"two", Until(3), 2000) == b"yes"
    assert listener.heard == [b"one", b"two"]
    line.close()


def test_what_came_unasked_over_the_network_is_thrown_away(listener: Listener) -> None:
    line = tcp(listener)
    listener.reply = lambda data: b"yes and more"
    assert line.turn(b"one", Until(12), 2000) == b"yes and more"
    listener.reply = lambda data: b"yes, and late"
    assert line.turn(b"two", Until(99), 100) == b"yes, and late"
    listener.reply = lambda data: b"three"
    assert line.turn(b"two", Until(5), 2000) == b"three"
    line.close()


def test_a_connection_that_ended_is_made_again_and_costs_no_turn(listener: Listener) -> None:
    line = tcp(listener)
    listener.hang_up.set()
    assert line.turn(b"one", Until(3), 2000) == b"yes"
    time.sleep(0.05)
    assert line.turn(b"two", Until(3), 2000) == b"yes"
    assert listener.heard[-1] == b"two"
    line.close()


def test_nobody_there_is_said_in_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    line = TcpLine(settings(f"tcp://127.0.0.1:{port}"))
    with pytest.raises(LineGone, match=r"line net \(tcp://.*\): nothing listens there: is it the"):
        line.turn(b"hello", Until(1), 30)
    began = time.monotonic()
    with pytest.raises(LineGone, match="nothing listens"):       # Not tried again at once.
        line.turn(b"hello", Until(1), 30)
    assert time.monotonic() - began < 5


def test_the_port_of_a_line_says_which_kind_it_is() -> None:
    assert address_of("tcp://[::1]:4059") == ("::1", 4059)
    assert address_of("tcp://serial-server.example:502") == ("serial-server.example", 502)
    assert type(line_of(settings("tcp://h:1"))) is TcpLine
    assert type(line_of(settings("/dev/ttyUSB0"))).__name__ == "SerialLine"
    assert type(line_of(settings("udp://h:1"))) is UdpLine
    assert address_of("udp://192.0.2.7:4059") == ("192.0.2.7", 4059)
