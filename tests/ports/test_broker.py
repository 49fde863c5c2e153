"""The connection to a real mosquitto: what goes through, what is bounded, and who is refused."""

import logging
import queue
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from demo.loopback import free_port
from tests.services.broker import Broker, mosquitto_program
from wum_edge.ports.linux import broker as port
from wum_edge.ports.linux.broker import HANDED_OVER_MAX, HEARD_BYTES_MAX, Account, MqttBroker
from wum_edge.ports.linux.chance import SystemDice
from wum_edge.uplink.broker import Dice

ID = "00112233445566aa"
UP = f"wum/0/{ID}/up/batch"
DOWN = f"wum/0/{ID}/down/ack"
PATIENCE_S = 90


class NoWait(Dice):
    """Always the shortest wait."""

    def below(self, limit: int) -> int:
        return 0


class Ear:
    """The head-end's side: hears all that goes up and can speak down."""

    def __init__(self, broker: Broker) -> None:
        self.heard: queue.Queue[bytes] = queue.Queue()
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311)
        self.client.username_pw_set("head-end", broker.account("head-end"))
        subscribed = threading.Event()
        self.client.on_connect = lambda client, *_: client.subscribe("wum/0/+/up/+", qos=1)
        self.client.on_subscribe = lambda *_: subscribed.set()
        self.client.on_message = lambda _, __, message: self.heard.put(message.payload)
        self.client.connect(broker.host, broker.port)
        self.client.loop_start()
        assert subscribed.wait(PATIENCE_S)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def ear(broker: Broker) -> Iterator[Ear]:
    made = Ear(broker)
    yield made
    made.close()


def account(folder: Path, port_: int, password: str, **more: object) -> Account:
    file = folder / "broker.password"
    file.write_text(password + "\n")
    file.chmod(0o600)
    settings: dict[str, object] = {"host": "127.0.0.1", "tls": False, "ca_file": None, **more}
    return Account(port=port_, user=ID, password_file=file, **settings)  # type: ignore[arg-type]


def until(holds: Callable[[], object]) -> None:
    """Wait for another thread, at most PATIENCE_S."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline_s, "waited in vain"
        time.sleep(0.01)


@pytest.fixture
def connected(broker: Broker, tmp_path: Path) -> Iterator[tuple[MqttBroker, "queue.Queue[bytes]"]]:
    heard: queue.Queue[bytes] = queue.Queue()
    made = MqttBroker(account(tmp_path, broker.port, broker.account(ID)), DOWN,
                      lambda _, message: heard.put(message), NoWait())
    made.start()
    until(made.session)
    yield made, heard
    made.stop(PATIENCE_S)


def test_what_is_published_arrives_and_what_is_answered_is_heard(
        connected: tuple[MqttBroker, "queue.Queue[bytes]"], ear: Ear) -> None:
    client, heard = connected
    assert client.publish(UP, b"up") and ear.heard.get(timeout=PATIENCE_S) == b"up"
    ear.client.publish(DOWN, b"down", qos=1)
    assert heard.get(timeout=PATIENCE_S) == b"down"


def test_a_message_longer_than_any_answer_is_not_handed_on(
        connected: tuple[MqttBroker, "queue.Queue[bytes]"], ear: Ear) -> None:
    _, heard = connected
    ear.client.publish(DOWN, b"x" * (HEARD_BYTES_MAX + 1), qos=1)
    ear.client.publish(DOWN, b"next", qos=1)
    assert heard.get(timeout=PATIENCE_S) == b"next"


def test_a_broker_that_restarts_is_a_new_session_and_nothing_old_is_sent_by_paho(
        connected: tuple[MqttBroker, "queue.Queue[bytes]"], broker: Broker) -> None:
    client, _ = connected
    first = client.session()
    broker.kill()
    until(lambda: not client.session())
    assert not client.publish(UP, b"refused while there is no connection")
    broker.start()
    until(client.session)
    assert client.session() > first
    ear = Ear(broker)
    assert client.publish(UP, b"new") and ear.heard.get(timeout=PATIENCE_S) == b"new"
    assert ear.heard.empty()
    ear.close()


def test_one_that_is_closed_is_not_connected_until_it_is_opened(
        broker: Broker, tmp_path: Path) -> None:
    client = MqttBroker(account(tmp_path, broker.port, broker.account(ID)), DOWN,
                        lambda _, __: None, NoWait(), is_open=False)
    client.start()
    time.sleep(0.3)
    assert not client.session()
    for _ in range(2):
        client.open()
        until(client.session)
        client.close()
        until(lambda: not client.session())
    began_s = time.monotonic()
    client.stop(PATIENCE_S)
    assert time.monotonic() - began_s < PATIENCE_S / 2


def test_a_wrong_password_is_refused_with_a_sentence_and_no_password(
        broker: Broker, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    broker.account(ID)
    caplog.set_level(logging.INFO, "wum_edge.broker")
    client = MqttBroker(account(tmp_path, broker.port, "not-the-password"), DOWN, print, NoWait())
    client.start()
    until(lambda: "wum-cloud register" in caplog.text)
    assert not client.session() and not client.publish(UP, b"x")
    client.stop(PATIENCE_S)
    assert "not-the-password" not in caplog.text


def test_a_password_file_that_others_may_read_is_not_used(
        broker: Broker, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    settings = account(tmp_path, broker.port, broker.account(ID))
    settings.password_file.chmod(0o644)
    client = MqttBroker(settings, DOWN, print, NoWait())
    client.start()
    until(lambda: "chmod 600" in caplog.text)
    settings.password_file.chmod(0o600)   # Mended while it runs: the next try reads it again.
    until(client.session)
    client.stop(PATIENCE_S)


class DeafBroker:
    """Accepts a connection and its subscription and then answers nothing: a black hole."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"\x20\x02\x00\x00")             # CONNACK, accepted.
            heard = connection.recv(4096)
            connection.sendall(b"\x90\x03" + heard[2:4] + b"\x01")  # SUBACK of that packet.
            while connection.recv(65536):
                pass

    def close(self) -> None:
        self._listener.close()
        self._thread.join(PATIENCE_S)


def test_a_broker_that_answers_nothing_is_handed_no_more_than_the_window(tmp_path: Path) -> None:
    deaf = DeafBroker()
    client = MqttBroker(account(tmp_path, deaf.port, "password"), DOWN, print, NoWait())
    client.start()
    until(client.session)
    taken = [client.publish(UP, b"x") for _ in range(HANDED_OVER_MAX + 5)]
    assert taken == [True] * HANDED_OVER_MAX + [False] * 5
    client.stop(PATIENCE_S)
    deaf.close()


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A self-signed certificate for one host name, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed (apt install openssl)")
    certificate_, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-keyout", str(key), "-out", str(certificate_), "-subj",
         f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"], check=True, capture_output=True)
    return certificate_, key


class TlsListener:
    """Completes TLS handshakes with one certificate, and remembers the version."""

    def __init__(self, pair: tuple[Path, Path], newest: ssl.TLSVersion | None = None) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(*pair)
        if newest is not None:
            self._context.minimum_version = ssl.TLSVersion.TLSv1
            self._context.set_ciphers("ALL:@SECLEVEL=0")
            self._context.maximum_version = newest
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.accepted: queue.Queue[str] = queue.Queue()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        try:
            with self._context.wrap_socket(connection, server_side=True) as tls:
                self.accepted.put(f"{tls.version()} {tls.recv(1)!r}")
        except OSError as error:
            self.accepted.put(f"refused: {error}")

    def close(self) -> None:
        self._listener.close()
        self._thread.join(PATIENCE_S)


def tls_attempt(listener: TlsListener, tmp_path: Path, host: str, ca_file: Path | None) -> str:
    """What the listener saw of one attempt to connect."""
    settings = account(tmp_path, listener.port, "password", host=host, tls=True, ca_file=ca_file)
    client = MqttBroker(settings, DOWN, print, SystemDice())
    client.start()
    seen = listener.accepted.get(timeout=PATIENCE_S)
    client.stop(PATIENCE_S)
    listener.close()
    return seen


# paho leaves the socket of a refused handshake to the collector, which warns and closes it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_tls_trusts_the_ca_file_and_checks_the_host(tmp_path: Path) -> None:
    right, wrong = certificate(tmp_path, "localhost"), certificate(tmp_path, "elsewhere")
    seen = tls_attempt(TlsListener(right), tmp_path, "localhost", right[0])
    assert seen.startswith("TLSv1.3 b'\\x10'"), "a CONNECT goes through"
    assert "refused" in tls_attempt(TlsListener(wrong), tmp_path, "localhost", wrong[0])
    assert "refused" in tls_attempt(TlsListener(right), tmp_path, "localhost", wrong[0])
    assert "refused" in tls_attempt(TlsListener(right), tmp_path, "localhost", None)


def test_tls_below_1_2_is_refused(tmp_path: Path) -> None:
    context = port.tls_context(certificate(tmp_path, "localhost")[0])
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.check_hostname and context.verify_mode == ssl.CERT_REQUIRED


def test_a_real_broker_with_tls_is_reached(broker: Broker, tmp_path: Path) -> None:
    """Another mosquitto, with the same accounts, that speaks TLS only."""
    program = mosquitto_program()
    assert program is not None
    password = broker.account(ID)
    pair = certificate(tmp_path, "localhost")
    other = free_port()
    written = (broker.folder / "mosquitto.conf").read_text()
    (tmp_path / "tls.conf").write_text(
        written.replace(f"listener {broker.port} 127.0.0.1", f"listener {other} 127.0.0.1\n"
                        f"certfile {pair[0]}\nkeyfile {pair[1]}"))
    with subprocess.Popen([program, "-c", str(tmp_path / "tls.conf")],
                          stderr=subprocess.DEVNULL) as process:
        client = MqttBroker(
            account(tmp_path, other, password, host="localhost", tls=True, ca_file=pair[0]),
            DOWN, print, NoWait())
        client.start()
        until(client.session)
        assert client.publish(UP, b"sealed twice")
        client.stop(PATIENCE_S)
        process.terminate()
