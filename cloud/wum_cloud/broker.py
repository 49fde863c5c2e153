"""The head-end's only MQTT: messages in, messages out. QoS 1, through paho.

One worker speaks MQTT 3.1.1, which every broker does. Several that share a subscription speak
MQTT 5: there a broker says whether it shares (OASIS MQTT 5.0, 3.2.2.3.13, 4.8.2), where brokers
of 3.1.1 were seen to grant "$share" and to deliver nothing to anybody.

The broker's acknowledgement (PUBACK) of a message is given when ingest says so, which is after
the database committed it. The session is a clean one: nothing of ours waits on the broker, because
every concentrator keeps its records until the head-end itself has acknowledged them.
Left out: what messages mean.
"""

import logging
import random
import secrets
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, Queue
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from wum_cloud.figures import counted
from wum_cloud.registry.broker_files import read_password
from wum_cloud.registry.keys import KeyFileError
from wum_cloud.settings import Settings

KEEP_ALIVE_S = 30
WAIT_LEAST_S = 0.2          # Before the first attempt to come back, then twice as long each time.
WAIT_MOST_S = 10.0
PUBLISHED_MAX = 10_000      # Answers that wait for the broker; more are dropped, and asked again.
LOGIN_WAIT_S = 5.0
RECEIVED_MAX = 1000         # Messages that a worker of a group may hold: what its death delays.
_IN_FLIGHT_MAX = 1000

_NEEDS_5 = ("WUM_SHARED_GROUP needs a broker that speaks MQTT 5 and shares subscriptions, as "
            "mosquitto does; without it one worker serves, or several each get every message.")

_log = logging.getLogger("wum_cloud.broker")


class LoginRefused(Exception):
    """The broker does not let the head-end in: a sentence that says what to do."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message from the broker. `session` and `message_id` are for its acknowledgement."""

    topic: str
    payload: bytes
    session: int
    message_id: int
    qos: int


class Broker:
    """A connection that comes back for ever. `on_delivery` runs in the connection's thread.

    With WUM_SHARED_GROUP each message goes to one of the group.
    """

    def __init__(
            self, settings: Settings, password: str, topics: str,
            on_delivery: Callable[[Delivery], object], on_subscribed: Callable[[], object],
            *, is_counted: bool = False,
    ) -> None:
        self._settings = settings
        self._where = (settings.broker_host, settings.broker_port)
        self._group = settings.shared_group
        self._subscription = topics if self._group is None else "$share/%s/%s" % (
            self._group, topics)
        self._on_delivery = on_delivery
        self._on_subscribed = on_subscribed
        self._session = 0
        self._failures = 0
        self._is_counted = is_counted       # In this process's figures: one connection is.
        self._client = _client(settings, password)
        self._client.max_queued_messages_set(PUBLISHED_MAX)
        self._client.max_inflight_messages_set(_IN_FLIGHT_MAX)
        self._client.on_connect = self._connected
        self._client.on_connect_fail = self._failed
        self._client.on_disconnect = self._disconnected
        self._client.on_subscribe = self._subscribed
        self._client.on_message = self._message

    def start(self) -> None:
        """Begin to connect, in a thread of its own."""
        if self._group is None:
            self._client.connect_async(*self._where, keepalive=KEEP_ALIVE_S)
        else:  # Clean starts: the session ends with the connection, and so does the share.
            self._client.connect_async(
                *self._where, keepalive=KEEP_ALIVE_S, clean_start=True, properties=_wishes())
        self._client.loop_start()

    def stop(self) -> None:
        """Disconnect. What was not acknowledged is sent again by whoever sent it."""
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, topic: str, payload: bytes) -> bool:
        """Send at QoS 1, now or when the connection is back; False when too much waits."""
        sent = self._client.publish(topic, payload, qos=1)
        return sent.rc in (MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_NO_CONN)

    def acknowledge(self, delivery: Delivery) -> None:
        """Tell the broker that it may forget the message."""
        # A number of an earlier session may stand for another message by now.
        if delivery.session == self._session and delivery.qos:
            self._client.ack(delivery.message_id, delivery.qos)

    def connect_anew(self) -> None:
        """Drop the connection and come back: the broker then forgets what it waits for."""
        connection = self._client.socket()
        if isinstance(connection, socket.socket):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError as error:  # It is gone already, which is what was wanted.
                _log.debug("the connection was closed before: %s", error)

    def _connected(
            self, client: Client, _: Any, __: ConnectFlags, reason: ReasonCode,
            told: Properties | None,
    ) -> None:
        if reason.is_failure:
            _log.error("The broker at %s:%d refuses the connection: %s. Check WUM_BROKER_USER and "
                       "WUM_BROKER_PASSWORD_FILE, and that the broker has read the files of "
                       "`wum-cloud broker-files`.%s", *self._where, reason,
                       _needs_5(self._settings))
            self._read_password()
            return
        if self._group is not None and not _shares(told):
            _log.error("The broker at %s:%d shares no subscriptions, as it says itself. %s",
                       *self._where, _NEEDS_5)
            self.connect_anew()
            return
        self._session += 1
        client.subscribe(self._subscription, qos=1)

    def _read_password(self) -> None:
        """It may have been changed since: `wum-cloud new-passwords --head-end`."""
        file = self._settings.broker_password_file
        if file is None:
            return
        try:
            self._client.username_pw_set(self._settings.broker_user, read_password(file))
        except KeyFileError as error:
            _log.error("%s", error)

    def _subscribed(
            self, client: Client, _: Any, __: int, reasons: list[ReasonCode],
            ___: Properties | None,
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            _log.error("The broker refuses the subscription to %s: check its access rules.",
                       self._subscription)
            return
        self._failures = 0
        if self._is_counted:
            counted.BROKER_CONNECTED.set(1)
            counted.BROKER_CERTIFICATE.set(_certificate_ends(client.socket()))
        _log.info("Subscribed to %s at %s:%d.", self._subscription, *self._where)
        self._on_subscribed()

    def _failed(self, _: Client, __: Any) -> None:
        self._plan_next_attempt("The broker at %s:%d does not answer" % self._where)

    def _disconnected(
            self, _: Client, __: Any, ___: DisconnectFlags, reason: ReasonCode,
            ____: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._plan_next_attempt("The broker at %s:%d closed the connection (%s)" % (
                *self._where, reason))

    def _plan_next_attempt(self, what: str) -> None:
        wait_s = min(WAIT_MOST_S, WAIT_LEAST_S * 2 ** min(self._failures, 16))
        wait_s *= random.uniform(0.5, 1.0)  # Not everybody at once after an outage.
        self._failures += 1
        if self._is_counted:
            counted.BROKER_CONNECTED.set(0)
            counted.BROKER_LOST.inc()
        _log.warning("%s; next attempt in %.1f s.", what, wait_s)
        self._client.reconnect_delay_set(wait_s, wait_s)

    def _message(self, _: Client, __: Any, message: MQTTMessage) -> None:
        self._on_delivery(Delivery(
            message.topic, bytes(message.payload), self._session, message.mid, message.qos))


def check_login(settings: Settings, password: str) -> None:
    """Connect once, and leave. Blocks up to LOGIN_WAIT_S. Raises LoginRefused with a sentence."""
    where = "The broker at %s:%d" % (settings.broker_host, settings.broker_port)
    outcome: Queue[tuple[ReasonCode, Properties | None]] = Queue()
    client = _client(settings, password)
    client.connect_timeout = LOGIN_WAIT_S
    client.on_connect = lambda _, __, ___, reason, told: outcome.put((reason, told))
    try:
        client.connect(settings.broker_host, settings.broker_port)
        client.loop_start()
        reason, told = outcome.get(timeout=LOGIN_WAIT_S)
    except (OSError, Empty) as error:
        raise LoginRefused("%s does not answer (%s): check WUM_BROKER_HOST, WUM_BROKER_PORT and "
                           "WUM_BROKER_TLS, and that it runs." % (
                               where, error or "nothing came")) from error
    finally:
        client.disconnect()
        client.loop_stop()
    if reason.is_failure:
        raise LoginRefused("%s refuses the head-end (%s): write its files again with `wum-cloud "
                           "broker-files DIR`, and let it read them.%s" % (
                               where, reason, _needs_5(settings)))
    if settings.shared_group is not None and not _shares(told):
        raise LoginRefused("%s shares no subscriptions, as it says itself.%s" % (
            where, _needs_5(settings)))


def _client(settings: Settings, password: str) -> Client:
    """Not yet connected. For a group MQTT 5, else 3.1.1."""
    client = Client(
        CallbackAPIVersion.VERSION2, client_id="wum-cloud-" + secrets.token_hex(8),
        protocol=MQTTProtocolVersion.MQTTv311 if settings.shared_group is None
        else MQTTProtocolVersion.MQTTv5, manual_ack=True)
    client.username_pw_set(settings.broker_user, password)
    if settings.broker_tls:
        client.tls_set_context(_tls(settings))
    return client


def _wishes() -> Properties:
    """Of the connection of one of a group: how much the broker may hand out before it is let go."""
    wishes = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    wishes.ReceiveMaximum = RECEIVED_MAX
    return wishes


def _shares(told: Properties | None) -> bool:
    """Whether the broker's CONNACK lets shared subscriptions be: it does where it is silent."""
    return bool(getattr(told, "SharedSubscriptionAvailable", 1))


def _needs_5(settings: Settings) -> str:
    return "" if settings.shared_group is None else " " + _NEEDS_5


def _certificate_ends(connection: object) -> float:
    """When the certificate of the other side ends, as Unix time; 0 without TLS."""
    if not isinstance(connection, ssl.SSLSocket):
        return 0.0
    told = connection.getpeercert() or {}
    return float(ssl.cert_time_to_seconds(str(told["notAfter"]))) if "notAfter" in told else 0.0


def _tls(settings: Settings) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=settings.broker_ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
