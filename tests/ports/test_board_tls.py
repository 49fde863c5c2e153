"""MQTT over TLS on a virtual board, to a real mosquitto: who is trusted, and who is not, in words.

The virtual board's TLS is the machine's own, and says what mbedTLS would; docs/boards.md has what
that proves.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from demo.loopback import free_port
from tests.ports.authority import Authority, listener
from tests.ports.name_server import NameServer, address
from tests.ports.network_time import NetworkTime
from tests.ports.test_board_states import KEY, OF_FLASH, Tried
from tests.services.broker import Broker
from wum_simulator.board.supervisor import RESET

DAY_S = 86400
USER = "0a" * 8
PLACES = ("good", "other host", "not signed", "expired", "not yet")


class Place:
    """A broker with a port for each of PLACES, and what a board's flash needs to go there."""

    def __init__(self, folder: Path) -> None:
        own, other = Authority(), Authority("somebody else")
        self.authority = own.pem
        self.ports = {name: free_port() for name in (*PLACES, "no TLS")}
        certificates = {
            "good": own.certificate(folder / "good", "localhost"),
            "other host": own.certificate(folder / "other", "broker.example"),
            "not signed": other.certificate(folder / "not", "localhost"),
            "expired": own.certificate(folder / "expired", "localhost", -3, -2),
            "not yet": own.certificate(folder / "yet", "localhost", 2, 3)}
        self.broker = Broker(folder, self.ports["no TLS"], more="log_type all\n" + "".join(
            listener(self.ports[name], certificates[name]) for name in PLACES))
        self.password = self.broker.account(USER)
        self.broker.start()

    def log(self) -> str:
        return (self.broker.folder / "mosquitto.log").read_text()

    def flash(self, name: str, authority: str | None = None) -> dict[str, object]:
        return {
            "gateway.json": {"concentrator": {"name": "cellar", "keys": "k", "archive": "a"},
                             "broker": {"host": "localhost", "port": self.ports[name]}},
            "keys.json": {**OF_FLASH["keys.json"], "uplink": KEY, "broker_user": USER,
                          "broker_password": self.password},
            "ca.pem": authority or self.authority}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    one = Place(tmp_path_factory.mktemp("broker"))
    yield one
    one.broker.kill()


@pytest.fixture
def tried(place: Place, tmp_path: Path) -> Iterator[Callable[..., Tried]]:
    with NameServer(address("127.0.0.1")) as server, contextlib.ExitStack() as held:
        def begin(name: str, clock_s: float | None = None, **more: object) -> Tried:
            folder = tmp_path / str(len(list(tmp_path.iterdir())))
            folder.mkdir()
            return held.enter_context(Tried(
                folder, place.flash(name), clock_s=clock_s and int(clock_s), cause=RESET,
                dns=[["127.0.0.1", server.port]], **more))
        yield begin


def test_every_certificate_that_is_not_to_be_trusted_is_refused_with_why(
        place: Place, tried: Callable[..., Tried]) -> None:
    """By the clock of the board, whatever this machine's is; and nobody gets its password."""
    connected = place.log().count("New client connected")
    wanted = {"other host": "it names another host",
              "not signed": "ca.pem is not of who signed it",
              "expired": "it has expired, by this board's clock",
              "not yet": "it is not valid yet, by this board's clock"}
    boards = [(tried(name, time.time()), name, words) for name, words in wanted.items()]
    boards += [(tried("good", time.time() + 2 * DAY_S), "good", wanted["expired"])]
    for one, name, words in boards:
        said = (f"localhost:{place.ports[name]}: connection lost: its certificate is refused "
                f"({words}); check ca_file and the host, localhost")
        one.says("! " + said)
        one.shows("! no connection to the broker " + said)
    assert place.log().count("New client connected") == connected


def test_a_port_that_speaks_no_tls_is_said_to(place: Place, tried: Callable[..., Tried]) -> None:
    tried("no TLS", time.time()).says("before TLS stood: does that port speak it?")


def test_a_board_waits_for_network_time_then_trusts_its_broker_and_sends(
        place: Place, tried: Callable[..., Tried]) -> None:
    with NetworkTime() as server:
        one = tried("good", time={"host": "127.0.0.1", "port": server.port})
        one.says("! localhost:%d: certificates are judged by the clock, and it was never set: it "
                 "needs network time" % place.ports["good"])
        one.shows("certificates are judged by the clock, and it was never set")
        assert "refused" not in one.board.said()
        server.answers()
        one.says("connected to localhost:%d" % place.ports["good"])
        one._until(lambda: "Received PUBLISH from " + USER in place.log(), "what it sends")
        one._until(lambda: "no connection" not in one.page(), "a page without a trouble")


def test_an_authority_that_is_no_certificate_is_said_by_name(
        place: Place, tmp_path: Path) -> None:
    with Tried(tmp_path, place.flash("good", "-----BEGIN CERTIFICATE-----\n"),
               clock_s=int(time.time())) as one:
        one.says("! not set up: ca.pem is no certificate: ")
