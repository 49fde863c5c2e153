"""From an empty folder to a gateway that delivers, over TLS, by a person's commands; and away.

The broker runs with the files that the head-end writes, mosquitto.conf included.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from demo.broker import mosquitto_program
from demo.loopback import free_port
from demo.tether import tethered
from tests.services.broker import is_accepted

_BIN = Path(sys.executable).parent
PATIENCE_S = 60.0


class Place:
    """A head-end and its broker, with TLS and nobody in them."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.port, self.plain_port = free_port(), free_port()
        self.broker = folder / "broker"
        self.certificate, self.key = folder / "localhost.pem", folder / "localhost.key"
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("WUM_", "PG"))},
            "WUM_DATABASE_URL": url, "WUM_BROKER_HOST": "localhost",
            "WUM_BROKER_PORT": str(self.port), "WUM_BROKER_TLS": "true",
            "WUM_BROKER_CA_FILE": str(self.certificate),
            "WUM_BROKER_PASSWORD_FILE": str(folder / "broker.password"),
            "WUM_BROKER_FOLDER": str(self.broker),
            "WUM_BROKER_PID_FILE": str(self.broker / "mosquitto.pid"),
            "WUM_KEY_FILE": str(folder / "head-end.key"), "PYTHONUNBUFFERED": "1"}

    def run(self, program: str, *words: str, code: int = 0) -> str:
        """What a command says that ends with `code`."""
        done = subprocess.run([str(_BIN / program), *words], env=self.environment, text=True,
                              capture_output=True, check=False, timeout=PATIENCE_S * 3)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    @contextmanager
    def started(self, name: str, command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
        """A program that runs until the block ends."""
        with (self.folder / (name + ".log")).open("ab") as log:
            process = subprocess.Popen(tethered(command, signal.SIGKILL), env=self.environment,
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def ask(self, question: str) -> list[tuple[object, ...]]:
        """Rows of the database."""
        with psycopg.connect(self.url) as connection:
            return connection.execute(question.encode()).fetchall()

    def wait_for(self, what: str, look: Callable[[], object]) -> None:
        """Until `look` finds something."""
        until = time.monotonic() + PATIENCE_S
        while not look():
            logs = [log.read_text(errors="replace")[-1500:] for log in self.folder.glob("*.log")]
            assert time.monotonic() < until, "no %s\n%s" % (what, "\n--\n".join(logs))
            time.sleep(0.2)


@pytest.fixture
def place(tmp_path: Path, empty_database_url: str) -> Iterator[Place]:
    """The head-end's ingest and the broker, running."""
    program = mosquitto_program()
    if program is None or shutil.which("openssl") is None:
        pytest.skip("mosquitto or openssl is not installed (apt install mosquitto openssl)")
    place = Place(tmp_path, empty_database_url)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-keyout", str(place.key), "-out", str(place.certificate),
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        check=True, capture_output=True)
    place.run("wum-cloud", "migrate")
    place.run("wum-cloud", "trust", str(tmp_path / "root.key"))
    place.run("wum-cloud", "broker-files", str(place.broker), "--certificate",
              str(place.certificate), "--key", str(place.key), "--port", str(place.port),
              "--plain-port", str(place.plain_port))
    configuration = place.broker / "mosquitto.conf"
    if os.geteuid() == 0:   # So that it may read its files again on SIGHUP.
        configuration.write_text("user root\n" + configuration.read_text())
    with (place.started("mosquitto", [program, "-c", str(configuration)]),
          place.started("ingest", [str(_BIN / "wum-cloud"), "ingest"])):
        place.wait_for("broker", lambda: _listens(place.port))
        yield place


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("localhost", port)) == 0


def configuration_of(place: Place, keys: Path) -> Path:
    """A gateway with one meter that is not there: what it says of itself is enough."""
    file = place.folder / "edge.toml"
    file.write_text(
        f'[concentrator]\nname = "cabinet"\nkeys = "{keys}"\n'
        f'archive = "{place.folder / "archive"}"\narchive_limit_mb = 16\n'
        f'[broker]\nhost = "localhost"\nport = {place.port}\nca_file = "{place.certificate}"\n'
        '[schedule]\nperiod_s = 3600\n'
        f'[[line]]\nname = "a"\nport = "{place.folder / "no-such-port"}"\nbaud = 9600\n'
        '[[meter]]\nserial = "SDM-0001"\nline = "a"\naddress = 1\nmodel = "eastron-sdm630"\n')
    return file


def test_a_concentrator_comes_out_of_its_box_delivers_changes_its_keys_and_is_sent_away(
        place: Place) -> None:
    keys = place.folder / "keys"
    begun = time.monotonic()
    code = re.findall(r"Claim code: (\S+)", place.run("wum-edge", "claim", "--keys", str(keys)))[0]
    assert code in place.run("wum-edge", "claim", "--keys", str(keys)), "until it is used"
    place.run("wum-cloud", "claim", code, "--name", "cabinet 12")
    enrol = ("wum-edge", "enrol", "--keys", str(keys), "--broker", "localhost", "--port",
             str(place.port), "--ca-file", str(place.certificate), "--wait-s", "60")
    assert "has the keys of epoch 1" in place.run(*enrol)
    assert not (keys / "claim.code").exists()
    file = configuration_of(place, keys)
    run = [str(_BIN / "wum-edge"), "run", "--config", str(file)]
    with place.started("edge", run):
        place.wait_for("first event", lambda: place.ask("select from event"))
        assert time.monotonic() - begun < 120, "from its box to its first record"
    first = len(place.ask("select from event"))

    assert "trust document 2" in place.run(
        "wum-cloud", "trust", str(place.folder / "root.key")).lower()
    assert "has the keys of epoch 2" in place.run(*enrol)
    assert "has the keys of epoch 3" in place.run(*enrol), "under the head-end's new key"
    with place.started("edge", run) as process:
        place.wait_for("event of the new epoch", lambda: len(
            place.ask("select from event")) > first)
        assert place.ask("select sum(upper(r) - lower(r)) = max(upper(r)) - 1"
                         " from archive, unnest(received) r") == [(True,)], "no number is missing"

        device_id = place.ask("select encode(device_id, 'hex') from concentrator")[0][0]
        password = (keys / "broker.password").read_text().strip()
        assert is_accepted(place.plain_port, str(device_id), password)
        revoked = time.monotonic()
        place.run("wum-cloud", "revoke", str(device_id))
        place.wait_for("refusal", lambda: not is_accepted(
            place.plain_port, str(device_id), password))
        place.wait_for("end of its session", lambda: "refused" in (
            place.folder / "edge.log").read_text() or "connection lost" in (
            place.folder / "edge.log").read_text())
        assert time.monotonic() - revoked < 60
        assert process.poll() is None, "it goes on archiving"
    assert "not let this concentrator in" in place.run(
        *enrol[:-1], "3", code=1), "nor does it get new keys"
    assert "audit" not in place.run("wum-cloud", "audit", "verify")


def test_without_a_claim_nobody_comes_in_and_nobody_is_anonymous(place: Place) -> None:
    keys = place.folder / "keys"
    place.run("wum-edge", "claim", "--keys", str(keys))
    assert "not let this concentrator in" in place.run(
        "wum-edge", "enrol", "--keys", str(keys), "--broker", "localhost", "--port",
        str(place.port), "--ca-file", str(place.certificate), "--wait-s", "4", code=1)
    assert not is_accepted(place.plain_port, "", "")
    assert "never travels in the clear" in place.run(
        "wum-edge", "enrol", "--keys", str(keys), "--broker", "broker.example", "--plain", code=2)
