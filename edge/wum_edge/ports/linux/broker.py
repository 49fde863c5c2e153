"""MQTT 3.1.1 by paho-mqtt: one connection after the other, each with a client of its own.

A new client starts with an empty queue: the archive is the queue, and what an old connection had
in hand is sent again from there. Left out: what is sent when, and what answers mean (uplink/).
"""

import logging
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from wum_edge.carry.carriage import Uplink
from wum_edge.ports.linux.keys import BadKeys, password_before, read_password
from wum_edge.uplink import broker
from wum_edge.uplink.delivery import WINDOW
from wum_edge.uplink.reconnect import Reconnect
from wum_shared.orders import ORDER_BYTES_MAX
from wum_shared.topics import DOWN
from wum_shared.topics import topic as topic_of

HANDED_OVER_MAX = 2 * WINDOW    # Messages without PUBACK: a window of batches with their schemas.
HEARD_BYTES_MAX = ORDER_BYTES_MAX + 512   # Signed and sealed; an acknowledgement takes about 300.
KEEPALIVE_S = 30                # A connection that swallows everything is given up after 45 s.
CONNECT_S = 10                  # For TCP and TLS, and again for the broker's answers.
COMPLAIN_S = 60.0               # The same trouble is said once in this time.
_log = logging.getLogger("wum_edge.broker")


@dataclass(frozen=True, slots=True)
class Account:
    """Where to connect and as whom. `ca_file` is None for the system's authorities."""

    host: str
    port: int
    tls: bool
    ca_file: Path | None
    user: str
    password_file: Path


class MqttBroker(broker.Broker, Uplink):
    """Keeps a connection in a thread of its own. `hand` is called there with the topic and the
    bytes of each message heard. It is also a gateway's uplink for those behind it.
    """

    def __init__(
            self, account: Account, subscription: str, hand: Callable[[str, bytes], None],
            dice: broker.Dice, is_open: bool = True,
    ) -> None:
        self._account = account
        self._subscription = subscription
        self._hand = hand
        self._dice = dice
        self._changed = threading.Condition()    # Guards all below.
        self._client: mqtt.Client | None = None
        self._others: dict[bytes, bool | None] = {}      # Whom else we hear: carry/carriage.py.
        self._asked: dict[int, bytes] = {}               # By number of a SUBSCRIBE.
        self._session = 0                        # Of the connection in use; 0 without one.
        self._sessions = 0
        self._handed_over = 0
        self._is_before = False                  # Which password the next connection tries.
        self._trouble = ""
        self._told = ("", 0.0)
        self._stopping = threading.Event()
        self._wanted = threading.Event()         # Cleared while it is closed.
        if is_open:
            self._wanted.set()
        self._thread = threading.Thread(target=self._run, name="broker", daemon=True)

    def start(self) -> None:
        """Begin to connect."""
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """Disconnect, and wait up to `timeout_s` for the end."""
        self._stopping.set()
        self._wanted.set()
        self._hang_up()
        self._thread.join(timeout_s)

    def open(self) -> None:
        """See Uplink.open."""
        self._wanted.set()

    def close(self) -> None:
        """See Uplink.close."""
        self._wanted.clear()
        self._hang_up()

    def _hang_up(self) -> None:
        with self._changed:
            client = self._client
            self._changed.notify_all()
        if client is not None:
            client.disconnect()

    def session(self) -> int:
        """Number of the present connection once it can send and hear; 0 while there is none."""
        with self._changed:
            return self._session

    def publish(self, topic: str, payload: bytes) -> bool:
        """Hand one message over at QoS 1, unless too many wait for their PUBACK."""
        with self._changed:
            if not self._session or self._client is None or self._handed_over >= HANDED_OVER_MAX:
                return False
            client = self._client
            self._handed_over += 1
        handed = client.publish(topic, payload, qos=1)
        if handed.rc == mqtt.MQTT_ERR_SUCCESS:
            return True
        with self._changed:
            self._handed_over -= 1
        return False

    def also_hear(self, concentrator: bytes, is_wanted: bool) -> None:
        """See Uplink.also_hear."""
        with self._changed:
            client = self._client if self._session else None
            if not is_wanted:
                self._others.pop(concentrator, None)
                if client is not None:
                    client.unsubscribe(topic_of(concentrator, DOWN, "+"))
                return
            self._others[concentrator] = None
            if client is not None:
                self._subscribe(client, concentrator)

    def hears(self, concentrator: bytes) -> bool | None:
        """See Uplink.hears."""
        with self._changed:
            return self._others.get(concentrator)

    def _subscribe(self, client: mqtt.Client, concentrator: bytes) -> None:
        """With the lock. What is lost with its connection is asked for anew by the next."""
        result, message = client.subscribe(topic_of(concentrator, DOWN, "+"), qos=1)
        if result == mqtt.MQTT_ERR_SUCCESS and message is not None:
            self._asked[message] = concentrator

    def _run(self) -> None:
        waits = Reconnect(self._dice)
        up_ms = int(time.monotonic() * 1000)     # On Linux: since the machine was started.
        self._stopping.wait(waits.first_ms(up_ms) / 1000)
        while not self._stopping.is_set():
            self._wanted.wait()
            was_connected = not self._stopping.is_set() and self._connect_once()
            if self._stopping.is_set():
                return
            if not self._wanted.is_set():
                continue
            if was_connected:
                waits.connected()
            wait_s = waits.wait_ms() / 1000
            self._complain(f"{self._trouble}; trying again in {wait_s:.0f} s, records wait in "
                           "the archive")
            self._stopping.wait(wait_s)

    def _connect_once(self) -> bool:
        """One connection from beginning to end; whether it could be used."""
        self._trouble = "connection lost"
        try:
            client = self._new_client()
            client.connect(self._account.host, self._account.port, keepalive=KEEPALIVE_S)
        except BadKeys as error:
            self._trouble = str(error)
            return False
        except (OSError, ValueError) as error:
            self._trouble = f"no connection: {_reason(error)}"
            return False
        with self._changed:
            self._client = client
            self._handed_over = 0
        client.loop_start()
        was_connected = self._wait_for_end()
        client.disconnect()
        client.loop_stop()
        return was_connected

    def _wait_for_end(self) -> bool:
        with self._changed:
            usable = self._changed.wait_for(
                lambda: self._session or self._client is None or self._is_ending(),
                timeout=CONNECT_S)
            if not usable:
                self._trouble = f"no answer to CONNECT and SUBSCRIBE within {CONNECT_S} s"
            was_connected = self._session != 0
            if was_connected:
                self._changed.wait_for(lambda: self._client is None or self._is_ending())
            self._session = 0
            self._client = None
            return was_connected

    def _is_ending(self) -> bool:
        return self._stopping.is_set() or not self._wanted.is_set()

    def _new_client(self) -> mqtt.Client:
        account = self._account
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=account.user, clean_session=True,
            protocol=mqtt.MQTTv311, reconnect_on_failure=False)
        client.connect_timeout = CONNECT_S
        client.max_inflight_messages_set(HANDED_OVER_MAX)
        client.username_pw_set(account.user, self._password())
        if account.tls:
            client.tls_set_context(tls_context(account.ca_file))
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        return client

    def _password(self) -> str:
        """After a refusal the one before, which is good until the head-end has heard that we have
        the new one; then the new one again."""
        file = self._account.password_file
        before = password_before(file)
        return read_password(before if self._is_before and before.exists() else file)

    # ---- In paho's thread ----

    def _on_connect(
            self, client: mqtt.Client, userdata: object, flags: mqtt.ConnectFlags,
            reason: ReasonCode, properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._is_before = not self._is_before
            self._trouble = (f"refused: {reason}. Is the concentrator registered, and does the "
                             "broker know it? wum-cloud register, wum-cloud broker-files")
            return
        client.subscribe(self._subscription, qos=1)

    def _on_subscribe(
            self, client: mqtt.Client, userdata: object, message: int,
            reasons: list[ReasonCode], properties: Properties | None,
    ) -> None:
        with self._changed:
            other = self._asked.pop(message, None) if self._client is client else None
            if other is not None:
                if other in self._others:
                    self._others[other] = not any(reason.is_failure for reason in reasons)
                return
        if any(reason.is_failure for reason in reasons):
            self._trouble = (f"the broker does not let this concentrator hear "
                             f"{self._subscription}: its access rules are wrong")
            client.disconnect()
            return
        with self._changed:
            if self._client is not client:
                return
            self._sessions += 1
            self._session = self._sessions
            self._told = ("", 0.0)
            self._asked.clear()
            self._others = dict.fromkeys(self._others)
            for concentrator in self._others:
                self._subscribe(client, concentrator)
            self._changed.notify_all()
        _log.info("connected to %s:%d", self._account.host, self._account.port)

    def _on_disconnect(
            self, client: mqtt.Client, userdata: object, flags: mqtt.DisconnectFlags,
            reason: ReasonCode, properties: Properties | None,
    ) -> None:
        with self._changed:
            if self._client is client:
                self._client = None
                self._session = 0
                self._changed.notify_all()

    def _on_publish(
            self, client: mqtt.Client, userdata: object, message: int, reason: ReasonCode,
            properties: Properties,
    ) -> None:
        with self._changed:
            if self._client is client:
                self._handed_over -= 1

    def _on_message(
            self, client: mqtt.Client, userdata: object, message: mqtt.MQTTMessage) -> None:
        if len(message.payload) > HEARD_BYTES_MAX:
            _log.warning("a message of %d bytes came down; at most %d are read",
                         len(message.payload), HEARD_BYTES_MAX)
            return
        self._hand(message.topic, bytes(message.payload))

    def _complain(self, text: str) -> None:
        """Say a trouble at once, and again each minute while it lasts."""
        now_s = time.monotonic()
        if self._trouble != self._told[0] or now_s >= self._told[1]:
            self._told = (self._trouble, now_s + COMPLAIN_S)
            _log.warning("%s:%d: %s", self._account.host, self._account.port, text)


def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """TLS 1.2 or later; the certificate must be valid and name the host."""
    context = ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    assert context.check_hostname and context.verify_mode == ssl.CERT_REQUIRED
    return context


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is refused ({error.verify_message}); check ca_file and the host"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
