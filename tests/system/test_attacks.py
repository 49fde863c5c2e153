"""Somebody with a place on the network, and one with a concentrator's own account, try things.

Each attempt is refused, set aside or flagged as what it is, counted and shown by the API; the
street goes on. The one who tries knows the broker's passwords, and in one case a key: a
concentrator whose clock runs ahead is no stranger.
"""

import hashlib
import os
import queue
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from json import loads
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.services.listening import reachable
from tests.system.street import Street
from wum_edge.ports.linux.cipher import Cipher
from wum_edge.ports.linux.keys import KeysFolder, read_keys
from wum_shared import cose
from wum_shared.batch import Batch, Row, encode_batch
from wum_shared.ids import id_to_text
from wum_shared.messages import Acknowledgement, DirectionKey, encode_acknowledgement
from wum_shared.status import STORED
from wum_shared.topics import ACKNOWLEDGEMENT, BATCH, DOWN, UP, topic

STRANGER = bytes.fromhex("ffffffffffffffff")
DAY_S = 86_400
PATIENCE_S = 120.0


class Intruder:
    """A client of the broker under somebody's account."""

    def __init__(self, street: Street, user: str, password: str, listens: str = "") -> None:
        self.heard: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2)
        self._client.username_pw_set(user, password)
        self._client.on_message = lambda _, __, m: self.heard.put((m.topic, bytes(m.payload)))
        if listens:
            self._client.on_connect = lambda client, *_: client.subscribe(listens, 1)
        self._client.connect("127.0.0.1", street.broker_port)
        self._client.loop_start()

    def say(self, name: str, payload: bytes) -> None:
        """Publish, and wait until the broker has it."""
        self._client.publish(name, payload, qos=1).wait_for_publish(PATIENCE_S)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    running = Street(tmp_path_factory.mktemp("attacked") / "street", concentrators=1, meters=2,
                     every_s=2)
    try:
        running.start()
        running.start_web()
        running.wait_for("row", lambda: running.ask("select 1 from reading limit 1") or None, 60)
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="module")
def keys(street: Street) -> KeysFolder:
    return read_keys(street.cabinets[0].keys)


@pytest.fixture(scope="module")
def api(street: Street):
    """Asks the API with a token of its own."""
    address = "http://127.0.0.1:%d/api/v1/" % street.web_port
    street.wait_for("console", lambda: _answers(address), PATIENCE_S)
    made = subprocess.run(street.program("wum-cloud", "token", "create", "attacks"),
                          env=street.environment, capture_output=True, text=True, check=True)
    token = made.stdout.strip()

    def ask(path: str) -> dict:
        request = urllib.request.Request(address + path,
                                         headers={"Authorization": "Bearer " + token})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return loads(answer.read())
    return ask


@pytest.fixture(scope="module")
def thief(street: Street, keys: KeysFolder) -> Iterator[Intruder]:
    """Has the concentrator's broker account, and no key."""
    made = Intruder(street, keys.broker_user, keys.password_file.read_text().strip())
    yield made
    made.close()


@pytest.fixture(scope="module")
def insider(street: Street) -> Iterator[Intruder]:
    """Has the head-end's broker account, and no key; hears every batch."""
    made = Intruder(street, "head-end", street.place.broker_password.read_text().strip(),
                    "wum/0/+/up/batch")
    yield made
    made.close()


@pytest.fixture(scope="module")
def genuine(insider: Intruder) -> bytes:
    """A sealed batch as the broker carries it."""
    return insider.heard.get(timeout=PATIENCE_S)[1]


def _answers(address: str) -> bool | None:
    try:
        urllib.request.urlopen(address + "sites", timeout=2)
    except urllib.error.HTTPError:
        return True
    except OSError:
        return None
    return True


def reasons(api) -> list[str]:
    return [entry["reason"] for entry in api("ingest/quarantine?limit=500")["items"]]


def await_refusal(street: Street, api, before: list[str]) -> str:
    """The reason of what was refused since `before`."""
    def look() -> str | None:
        now = reasons(api)
        for reason in before:
            now.remove(reason)
        return now[0] if now else None
    return street.wait_for("refusal", look, PATIENCE_S)


def assert_the_street_goes_on(street: Street) -> None:
    rows = street.ask("select count(*) from reading")[0][0]
    street.wait_for("new rows", lambda: street.ask("select count(*) from reading")[0][0] > rows
                    or None, PATIENCE_S)


def test_no_part_listens_where_nobody_told_it_to(street, api):
    """Nor has the gateway a serial device open but its line. What libraries open for a moment, such
    as paho's pair of sockets, comes and goes: whatever stays is seen."""
    bus = str(street.cabinets[0].bus.resolve())
    assert bus.startswith("/dev/pts/")
    for part, wanted in (("edge-1", {"serial " + bus}), ("ingest", set()),
                         ("web", {"tcp 127.0.0.1:%d" % street.web_port}),
                         ("broker", {"tcp 127.0.0.1:%d" % street.broker_port})):
        seen: list[set[str]] = []

        def look(part: str = part, wanted: set[str] = wanted,
                 seen: list[set[str]] = seen) -> bool | None:
            seen[:] = [reachable(street.pid(part))]
            return seen == [wanted] or None
        try:
            street.wait_for("such a set", look, PATIENCE_S)
        except AssertionError:
            raise AssertionError("%s can be reached at %s, wanted %s" % (
                part, seen[0], wanted)) from None


def test_whatever_a_process_opens_is_seen(tmp_path: Path):
    """The premise of the test above, with every kind of door, in a child of the process."""
    opens = (
        "import os, pty, socket, sys, time\n"
        "if os.fork(): os.wait()\n"
        "tcp = socket.create_server(('127.0.0.1', 0))\n"
        "all6 = socket.create_server(('::', 0), family=socket.AF_INET6)\n"
        "udp = socket.socket(type=socket.SOCK_DGRAM); udp.bind(('0.0.0.0', 0))\n"
        "unix = socket.socket(socket.AF_UNIX); unix.bind('debug'); unix.listen()\n"
        "words = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); words.bind('words')\n"
        "near, far = pty.openpty()\n"
        "print(tcp.getsockname()[1], all6.getsockname()[1], udp.getsockname()[1],"
        " os.ttyname(far), flush=True)\n"
        "sys.stdin.read()\n")
    with subprocess.Popen([sys.executable, "-c", opens], cwd=tmp_path, text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None
        tcp, all6, udp, line = process.stdout.readline().split()
        # A socket that was connected from outside is none that listens.
        with socket.create_connection(("127.0.0.1", int(tcp))):
            assert reachable(process.pid) == {
                "tcp 127.0.0.1:" + tcp, "tcp :::" + all6, "udp 0.0.0.0:" + udp, "unix debug",
                "unix words", "serial " + line}
        process.stdin.close()


def test_the_broker_shows_no_reading_to_whoever_listens(street, genuine):
    serial = street.ask("select serial from meter limit 1")[0][0]
    assert serial.encode() not in genuine
    assert b"default" not in genuine


def test_a_tampered_batch_is_refused_as_not_genuine(street, api, thief, keys, genuine):
    before = reasons(api)
    tampered = genuine[:-20] + bytes([genuine[-20] ^ 1]) + genuine[-19:]
    thief.say(topic(keys.keys.concentrator, UP, BATCH), tampered)
    assert await_refusal(street, api, before) == "not genuine"
    assert_the_street_goes_on(street)


def test_a_truncated_batch_is_refused_as_malformed(street, api, thief, keys, genuine):
    before = reasons(api)
    thief.say(topic(keys.keys.concentrator, UP, BATCH), genuine[:len(genuine) // 2])
    assert await_refusal(street, api, before) == "malformed"
    assert_the_street_goes_on(street)


def test_a_replayed_batch_stores_nothing_and_is_counted(street, api, thief, keys, genuine):
    replays = api("ingest/health")["counters"].get("replayed", 0)
    thief.say(topic(keys.keys.concentrator, UP, BATCH), genuine)
    street.wait_for("replay in the counters", lambda: api("ingest/health")["counters"].get(
        "replayed", 0) > replays or None, PATIENCE_S)
    assert street.ask("select count(*) from reading_revision") == [(0,)]
    assert_the_street_goes_on(street)


def test_a_concentrator_that_is_not_registered_is_refused(street, api, genuine):
    password = "a password of the tests only"
    _add_broker_account(street, id_to_text(STRANGER), password)
    before = reasons(api)
    stranger = Intruder(street, id_to_text(STRANGER), password)
    key = DirectionKey(os.urandom(32), os.urandom(12))
    stranger.say(topic(STRANGER, UP, BATCH), cose.seal(
        Cipher(), key, cose.key_id(STRANGER, 0), 1, b"whatever", UP, "default", BATCH))
    stranger.close()
    assert await_refusal(street, api, before) == "unknown device"
    assert_the_street_goes_on(street)


def test_a_forged_acknowledgement_moves_nothing_and_becomes_an_event(street, api, insider, keys):
    [(incarnation, high)] = street.ask(
        "select incarnation, upper(received) - 1 from archive order by last_batch_at desc limit 1")
    forged = encode_acknowledgement(Acknowledgement(
        keys.keys.concentrator, bytes(incarnation), 1, high + 1000, bytes(16), STORED, 0, ""))
    wrong = DirectionKey(os.urandom(32), os.urandom(12))
    insider.say(topic(keys.keys.concentrator, DOWN, ACKNOWLEDGEMENT), cose.seal(
        Cipher(), wrong, keys.keys.key_id, 2**62, forged, DOWN, keys.keys.tenant,
        ACKNOWLEDGEMENT))

    def told() -> bool | None:
        events = api("events?limit=100")["items"]
        return any(event["kind"] == "acknowledgement refused" and "not genuine" in event["note"]
                   for event in events) or None
    street.wait_for("event", told, PATIENCE_S)
    assert_the_street_goes_on(street)


def test_a_row_from_the_future_is_set_aside_and_the_row_beside_it_is_stored(
        street, api, thief, keys):
    before = reasons(api)
    now_s = int(time.time())
    [(schema_id,)] = street.ask("select schema_id from concentrator")
    [(registers,)] = street.ask(
        "select jsonb_array_length(registers) from register_set order by register_set_id limit 1")
    rows = tuple(
        Row(number, 0, 0, at_s, 0, (7,) * registers, (0,) * registers)
        for number, at_s in ((1, now_s - 30 * DAY_S), (2, now_s + DAY_S)))
    batch = Batch(b"\x07" * 8, 1, 2, schema_id, rows, (), (), ())
    sealed = cose.seal(Cipher(), keys.keys.uplink, keys.keys.key_id, 2**62 - 5,
                       encode_batch(batch), UP, keys.keys.tenant, BATCH)
    thief.say(topic(keys.keys.concentrator, UP, BATCH), sealed)
    assert await_refusal(street, api, before) == "captured in the future"
    assert street.ask("select count(*) from reading where captured_at > now() + interval '1 h'"
                      ) == [(0,)]
    assert street.ask("select count(*) from reading where captured_at < now() - interval '29 d'"
                      ) == [(1,)]
    assert_the_street_goes_on(street)


def _add_broker_account(street: Street, user: str, password: str) -> None:
    """As mosquitto_passwd would; the broker reads its files again on SIGHUP."""
    salt = os.urandom(12)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 101)
    line = "%s:$7$101$%s$%s\n" % (user, b64encode(salt).decode(), b64encode(digest).decode())
    with (street.place.broker / "passwords").open("a") as passwords:
        passwords.write(line)
    os.kill(street.pid("broker"), signal.SIGHUP)
    deadline = time.monotonic() + PATIENCE_S
    while not _may_connect(street, user, password):
        assert time.monotonic() < deadline, "the broker does not take the new account"
        time.sleep(0.1)


def _may_connect(street: Street, user: str, password: str) -> bool:
    answers: queue.Queue[bool] = queue.Queue()
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.username_pw_set(user, password)
    client.on_connect = lambda _, __, ___, reason, ____: answers.put(not reason.is_failure)
    client.connect("127.0.0.1", street.broker_port)
    client.loop_start()
    try:
        return answers.get(timeout=PATIENCE_S)
    finally:
        client.disconnect()
        client.loop_stop()
