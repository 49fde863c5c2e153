"""DLMS in the wrapper over real sockets, TCP and UDP: what is lost, late or of others."""

import socket
import threading

import pytest

from tests.simulator.dlms_bench import CODES, Played, model_of, read_all, reader_of
from wum_edge import config
from wum_edge.errors import LineSilent
from wum_edge.meters.dlms.wrapper import Wrapped, decode_wrapped
from wum_edge.meters.turn import converse
from wum_edge.ports.linux.tcp_line import line_of

VALUES = {place: 1000 * place + 7 for place in range(len(CODES))}


class Meter:
    """A meter on a socket; `lose` are the numbers of answers that get lost."""

    def __init__(self, played, kind):
        self.played, self.lose, self.answers = played, set(), 0
        self.late = b""
        self.socket = socket.socket(socket.AF_INET, kind)
        self.socket.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            self.socket.listen()
        self.port = self.socket.getsockname()[1]
        run = self._datagrams if kind == socket.SOCK_DGRAM else self._connections
        threading.Thread(target=run, daemon=True).start()

    def answer(self, data):
        one = decode_wrapped(data)
        self.answers += 1
        said = self.late + Wrapped(one.destination, one.source, self.played.cosem.answer(
            one.source, one.apdu)).encode()
        return b"" if self.answers in self.lose else said

    def _datagrams(self):
        while True:
            try:
                data, sender = self.socket.recvfrom(65535)
                said = self.answer(data)
                if said:
                    self.socket.sendto(said, sender)
            except OSError:
                return

    def _connections(self):
        try:
            connection, _ = self.socket.accept()
            with connection:
                while data := connection.recv(65535):
                    said = self.answer(data)
                    for at in range(0, len(said), 100):
                        connection.sendall(said[at:at + 100])
        except OSError:
            return


@pytest.fixture(params=["tcp", "udp"])
def reached(request):
    played = Played("gmac", 0x30)
    meter = Meter(played, socket.SOCK_DGRAM if request.param == "udp" else socket.SOCK_STREAM)
    line = line_of(config.Line("net", f"{request.param}://127.0.0.1:{meter.port}", 9600, "N", 1, 8))
    yield meter, reader_of(played, model_of(played, "dlms-wrapper")), line
    line.close()
    meter.socket.close()


def test_a_meter_behind_ethernet_is_read_and_released(reached):
    meter, reader, line = reached
    for _ in range(2):
        assert read_all(reader, line).values == VALUES
        assert len(converse(reader.read_profile(0, 2_000_000_000), line)) == 25
        converse(reader.close(), line)
        assert not meter.played.cosem._open


def test_an_answer_that_is_lost_is_a_silence_and_the_next_visit_reads(reached):
    meter, reader, line = reached
    meter.lose = {1}
    take = read_all(reader, line)
    assert isinstance(take.errors[0], LineSilent) and not take.values
    assert read_all(reader, line).values == VALUES


def test_an_answer_to_another_client_in_front_of_ours_is_passed_over(reached):
    meter, reader, line = reached
    meter.late = Wrapped(17, 99, b"\xc4\x01\xc1\x00\x00").encode()
    assert read_all(reader, line).values == VALUES
