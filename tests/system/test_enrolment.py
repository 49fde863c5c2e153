"""From an empty folder to a gateway that delivers, over TLS, by a person's commands; every key
changes while it runs; and away.

The broker runs with the files that the head-end writes, mosquitto.conf included.
"""

import asyncio
import base64
import json
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
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from demo.broker import mosquitto_program
from demo.loopback import free_port
from demo.tether import tethered
from tests.services.broker import is_accepted
from wum_cloud.audit.acts import Actor
from wum_cloud.commands.kinds import WORDS
from wum_cloud.commands.requesting import Wanted, request
from wum_cloud.database import connect
from wum_cloud.registry.reach import Reach

_BIN = Path(sys.executable).parent
PATIENCE_S = 60.0


class Place:
    """A head-end and its broker, with TLS and nobody in them."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.port, self.head_end_port, self.plain_port = free_port(), free_port(), free_port()
        self.broker = folder / "broker"
        self.certificate, self.key = folder / "localhost.pem", folder / "localhost.key"
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("WUM_", "PG"))},
            "WUM_DATABASE_URL": url, "WUM_BROKER_HOST": "localhost",
            "WUM_BROKER_PORT": str(self.head_end_port), "WUM_BROKER_TLS": "true",
            "WUM_BROKER_CA_FILE": str(self.certificate),
            "WUM_BROKER_PASSWORD_FILE": str(folder / "broker.password"),
            "WUM_BROKER_FOLDER": str(self.broker),
            "WUM_BROKER_PID_FILE": str(self.broker / "mosquitto.pid"),
            "WUM_KEY_FILE": str(folder / "head-end.key"), "PYTHONUNBUFFERED": "1",
            "WUM_LOG": "json"}

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

    def wait_for(self, what: str, look: Callable[[], object],
                 patience_s: float = PATIENCE_S) -> None:
        """Until `look` finds something."""
        until = time.monotonic() + patience_s
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
              "--head-end-port", str(place.head_end_port), "--plain-port", str(place.plain_port))
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


def configuration_of(place: Place, keys: Path, bus: Path) -> Path:
    """A gateway that reads one meter every second."""
    file = place.folder / "edge.toml"
    file.write_text(
        f'[concentrator]\nname = "cabinet"\nkeys = "{keys}"\n'
        f'archive = "{place.folder / "archive"}"\narchive_limit_mb = 16\n'
        f'[broker]\nhost = "localhost"\nport = {place.port}\nca_file = "{place.certificate}"\n'
        '[schedule]\nperiod_s = 1\n'
        f'[[line]]\nname = "a"\nport = "{bus}"\nbaud = 9600\n'
        '[[meter]]\nserial = "SDM-0001"\nline = "a"\naddress = 1\nmodel = "eastron-sdm630"\n')
    return file


class Listener:
    """Somebody who hears all that goes through the broker."""

    def __init__(self, place: Place) -> None:
        self.heard = b""
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.username_pw_set("head-end", read(place.folder / "broker.password"))
        self._client.tls_set(str(place.certificate))
        self._client.on_connect = lambda client, *_: client.subscribe("wum/0/+/up/#")
        self._client.on_message = self._hear
        self._client.connect("localhost", place.head_end_port)
        self._client.loop_start()

    def _hear(self, _: Client, __: object, message: MQTTMessage) -> None:
        self.heard += message.topic.encode() + b" " + message.payload + b"\n"

    def stop(self) -> None:
        """Hear no more."""
        self._client.disconnect()
        self._client.loop_stop()


def read(file: Path) -> str:
    return file.read_text().strip()


def wait_for_new_keys(place: Place, epochs: int = 1) -> None:
    """Until the gateway delivers with keys that it did not have when this was called."""
    (newest,), = place.ask("select max(epoch) from concentrator_epoch")
    assert isinstance(newest, int)
    place.wait_for("epoch %d in use" % (newest + epochs), lambda: place.ask(
        "select from concentrator_epoch where not isempty(uplink_seen) and epoch >= %d"
        % (newest + epochs)))


def rotate_everything(place: Place, keys: Path) -> None:
    """Each key has another value in the end, and the gateway was told of none of it."""
    def changed(*files: Path) -> set[Path]:
        return {file for file, content in before.items() if read(file) != content}

    before = {keys / name: read(keys / name) for name in ("broker.password", "trusted.toml")}
    before[place.folder / "broker.password"] = read(place.folder / "broker.password")
    wait_for_new_keys(place)
    place.run("wum-cloud", "trust", str(place.folder / "root.key"), "--next-root",
              str(place.folder / "next.key"))
    place.run("wum-cloud", "new-passwords")
    wait_for_new_keys(place, 2)
    place.wait_for("a new root and password", lambda: len(changed()) == 2)
    old = before[keys / "broker.password"]
    user = str(place.ask("select encode(device_id, 'hex') from concentrator")[0][0])
    place.wait_for("end of the old password", lambda: not is_accepted(
        place.plain_port, user, old))
    assert "not the root's key" in place.run(
        "wum-cloud", "trust", str(place.folder / "root.key"), code=1)
    place.run("wum-cloud", "trust", str(place.folder / "next.key"), "--destroy")
    place.run("wum-cloud", "new-passwords", "--head-end")
    wait_for_new_keys(place, 2)
    assert changed() == set(before)
    assert place.ask("select count(*) from trust_document where uplink_secret_sealed is not null"
                     ) == [(1,)]


def order(place: Place, kind: str, target: str, **values: int | bool) -> None:
    """As an operator asks for it."""

    async def ask() -> None:
        async with await connect(place.url) as connection:
            await request(connection, Reach(1), Actor(1, "dora", ""), "dora", Wanted(
                kind, [target], "a test of the way", dict(values)))
    asyncio.run(ask())


def command_states(place: Place) -> dict[str, str]:
    """By kind."""
    return {WORDS[int(str(kind))]: str(state) for kind, state in place.ask(
        "select kind, state from command")}


def orders_are_carried_out(place: Place) -> None:
    """One is answered with the log, one is refused by a meter that is not there; then it ends."""
    place.wait_for("meter", lambda: place.ask("select from meter"))
    device_id = str(place.ask("select encode(device_id, 'hex') from concentrator")[0][0])
    order(place, "fetch-log", device_id, lines=50)
    order(place, "set-clock", "SDM-0001")
    place.wait_for("ends of two commands", lambda: command_states(place) == {
        "fetch-log": "done", "set-clock": "failed"})
    assert place.ask("select convert_from(content, 'UTF8') like '%connected to localhost%'"
                     " from command where content is not null") == [(True,)]
    order(place, "restart", device_id)


def test_from_its_box_to_its_first_reading_then_every_key_changes_and_it_is_sent_away(
        place: Place) -> None:
    keys, bus = place.folder / "keys", place.folder / "bus"
    begun = time.monotonic()
    code = re.findall(r"Claim code: (\S+)", place.run("wum-edge", "claim", "--keys", str(keys)))[0]
    assert code in place.run("wum-edge", "claim", "--keys", str(keys)), "until it is used"
    place.run("wum-cloud", "claim", code, "--name", "cabinet 12")
    enrol = ("wum-edge", "enrol", "--keys", str(keys), "--broker", "localhost", "--port",
             str(place.port), "--ca-file", str(place.certificate), "--wait-s", "60")
    assert "has the keys of epoch 1" in place.run(*enrol)
    assert not (keys / "claim.code").exists()
    run = [str(_BIN / "wum-edge"), "run", "--config", str(configuration_of(place, keys, bus)),
           "--epoch-s", "2", "--log", "json"]
    secrets = Secrets(place.folder)
    listener = Listener(place)
    with place.started("meters", [str(_BIN / "wum-simulator"), "serve", "--link", str(bus)]):
        place.wait_for("line", bus.exists)
        with place.started("edge", run) as process:
            place.wait_for("first reading", lambda: place.ask("select from reading"))
            assert time.monotonic() - begun < 120, "from its box to its first reading"
            place.wait_for("much said", lambda: listener.heard.count(b"/up/batch ") > 5)
            secrets.collect()
            rotate_everything(place, keys)
            secrets.collect()
            assert process.poll() is None, "all in one run"
            listener.stop()
            no_plaintext(place, keys, listener.heard)
            orders_are_carried_out(place)
            assert process.wait(PATIENCE_S) == 75, "it was ordered to start again"
        with place.started("edge", run) as process:
            place.wait_for("end of the restart", lambda: command_states(place)["restart"] == "done")
            no_hole(place)
            revoke(place, keys)
            assert process.poll() is None, "it goes on archiving"
    assert "not let this concentrator in" in place.run(
        *enrol[:-1], "3", code=1), "nor does it get new keys"
    it_changes_hands(place, keys, enrol)
    assert "audit" not in place.run("wum-cloud", "audit", "verify")
    secrets.add(code)
    one_name_from_the_archive_to_the_database(place)
    secrets.are_in_no_log()


def it_changes_hands(place: Place, keys: Path, enrol: tuple[str, ...]) -> None:
    """Nothing of before is left in it; whoever claims it next has another, without a reading."""
    copied = place.folder / "copied"
    shutil.copytree(keys, copied)
    before = place.ask("select device_id from concentrator")
    reset = ("wum-edge", "reset", "--config", str(place.folder / "edge.toml"), "--sure")
    assert "They would be lost" in place.run(*reset, code=1), "it went on archiving"
    assert "Wiped." in place.run(*reset, "--give-up-readings")
    assert [*(place.folder / "archive").iterdir()] == [*keys.iterdir()] == []
    code = re.findall(r"Claim code: (\S+)", place.run("wum-edge", "claim", "--keys", str(keys)))[0]
    place.run("wum-cloud", "claim", code, "--name", "cabinet 12, of others")
    assert "has the keys of epoch 1" in place.run(*enrol)
    assert len(place.ask("select device_id from concentrator")) == 2 == len({
        *place.ask("select device_id from concentrator"), *before})
    stolen = (*enrol[:2], "--keys", str(copied), *enrol[4:-1], "3")
    assert "not let this concentrator in" in place.run(*stolen, code=1), "a copy of before"


class Secrets:
    """Every secret that lay in a file at some time, as text and as bytes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._found: set[bytes] = set()

    def collect(self) -> None:
        """Those that are there now."""
        for file in [*self._folder.glob("keys/*.key"), *self._folder.glob("keys/broker.pass*"),
                     *self._folder.glob("*.key"), *self._folder.glob("broker.password")]:
            for line in file.read_text().split("\n"):
                if "-----" not in line and len(line) >= 16:
                    self.add(line.strip())

    def add(self, secret: str) -> None:
        """One, in every form that somebody may have written it in."""
        plain = secret.encode()
        forms = {plain, plain.replace(b"-", b""), base64.b64encode(plain)}
        if re.fullmatch("([0-9a-f]{2}){16,}", secret):
            raw = bytes.fromhex(secret)
            forms |= {raw, repr(raw).encode()[2:-1], secret.upper().encode(),
                      base64.b64encode(raw), base64.urlsafe_b64encode(raw)}
        self._found |= forms

    def are_in_no_log(self) -> None:
        """None of them, in no log of this run, nor in what the broker was told in its own."""
        logs = {log.name: log.read_bytes() for log in self._folder.glob("*.log")}
        assert {"edge.log", "ingest.log", "mosquitto.log"} <= set(logs)
        assert len(self._found) > 40 and all(len(log) > 100 for log in logs.values())
        assert [(name, secret) for name, log in logs.items() for secret in self._found
                if secret in log] == []


def lines_of(place: Place, name: str) -> list[dict[str, object]]:
    """A log, each line of which is one JSON object."""
    return [json.loads(line) for line in (place.folder / name).read_text().splitlines()]


def one_name_from_the_archive_to_the_database(place: Place) -> None:
    """A batch has one name where it is sent, where it is stored, in the database and where its
    acknowledgement is taken; an order has one number."""
    sent = [line for line in lines_of(place, "edge.log") if "batch" in line]
    stored = {(line["concentrator"], line["batch"]): line for line in lines_of(place, "ingest.log")
              if line["from"] == "wum_cloud.ingest.batch" and "batch" in line}
    rows = {(str(device), "%s/%s-%s" % (incarnation, first, last))
            for device, incarnation, first, last in place.ask(
                "select encode(device_id, 'hex'), encode(incarnation, 'hex'), first_sequence,"
                " last_sequence from batch_arrival join concentrator using (concentrator_id)")}
    taken = [line for line in sent if str(line["said"]).endswith(": acknowledged")]
    assert len(taken) > 5
    for line in taken:
        name = (line["concentrator"], line["batch"])
        assert {one["said"] for one in sent if one["batch"] == line["batch"]} == {
            "batch %s: sent" % line["batch"], line["said"]}
        assert stored[name]["at"] <= line["at"]  # type: ignore[operator]
        assert name in rows
    orders = {line["order"]: line["command"] for line in lines_of(place, "ingest.log")
              if "order" in line}
    begun = [int(found[1]) for line in lines_of(place, "edge.log")
             if (found := re.match(r"order (\d+) begun", str(line["said"])))]
    assert begun
    assert {(orders[number], number) for number in begun} <= set(place.ask(
        "select command_id, sequence from command_order"))


def no_plaintext(place: Place, keys: Path, heard: bytes) -> None:
    """Whoever listens at the broker sees who speaks, and nothing of what is said."""
    (user, name), = place.ask("select encode(device_id, 'hex'), name from concentrator")
    assert str(user).encode() in heard and heard.count(b"/up/batch ") > 5, "it heard something"
    for known in (b"SDM-0001", b"eastron", b"default", str(name).encode(),
                  read(keys / "broker.password").encode(),
                  read(keys / "broker.password.before").encode(),
                  bytes.fromhex(read(keys / "identity.key"))):
        assert known not in heard


def no_hole(place: Place) -> None:
    """Every record of the archive has arrived, and enough readings to have lost one of."""
    place.wait_for("eleven readings", lambda: place.ask(
        "select count(*) > 10 from reading") == [(True,)])
    place.wait_for("all records", lambda: place.ask(
        "select sum(upper(r) - lower(r)) = max(upper(r)) - 1 and bool_and(isempty(a.lost))"
        " from archive a, unnest(received) r") == [(True,)])


def revoke(place: Place, keys: Path) -> None:
    """It is neither let in nor heard within a minute."""
    device_id = place.ask("select encode(device_id, 'hex') from concentrator")[0][0]
    password = read(keys / "broker.password")
    assert is_accepted(place.plain_port, str(device_id), password)
    revoked = time.monotonic()
    place.run("wum-cloud", "revoke", str(device_id))
    place.wait_for("refusal", lambda: not is_accepted(
        place.plain_port, str(device_id), password))
    place.wait_for("end of its session", lambda: "refused" in (
        place.folder / "edge.log").read_text())
    assert time.monotonic() - revoked < 60


def test_without_a_claim_nobody_comes_in_and_nobody_is_anonymous(place: Place) -> None:
    keys = place.folder / "keys"
    place.run("wum-edge", "claim", "--keys", str(keys))
    assert "not let this concentrator in" in place.run(
        "wum-edge", "enrol", "--keys", str(keys), "--broker", "localhost", "--port",
        str(place.port), "--ca-file", str(place.certificate), "--wait-s", "4", code=1)
    assert not is_accepted(place.plain_port, "", "")
    assert "never travels in the clear" in place.run(
        "wum-edge", "enrol", "--keys", str(keys), "--broker", "broker.example", "--plain", code=2)
