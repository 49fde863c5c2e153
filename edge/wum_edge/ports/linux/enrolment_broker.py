"""A question to the head-end before the gateway runs: sent until an answer comes that is one.

Left out: what is asked (enrolment/joining.py). A claim's password travels like any other: over TLS,
or to a broker on this machine.
"""

import ipaddress
import time
from collections.abc import Callable
from pathlib import Path
from queue import Empty, Queue
from typing import TextIO, TypeVar

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from wum_edge.ports.linux.broker import tls_context
from wum_edge.ports.linux.keys import BadKeys
from wum_shared import topics
from wum_shared.errors import WireError
from wum_shared.ids import id_to_text

AGAIN_S = 5.0           # Between two attempts to come in, and to two times the same question.
HEARD_MAX = 16          # Answers that wait; a broker that sends more loses them.
_Answer = TypeVar("_Answer")


class NotEnrolled(Exception):
    """The head-end did not let us in within the time: the text says how far it came."""


class Where:
    """The broker. `ca_file` None: the system's authorities. Raises BadKeys where a password would
    travel in the clear."""

    def __init__(self, host: str, port: int, ca_file: Path | None, is_plain: bool) -> None:
        if is_plain and not _is_here(host):
            raise BadKeys(f"{host} is not this machine: a password never travels in the clear")
        self.host, self.port = host, port
        self.tls = None if is_plain else tls_context(ca_file)


def ask(
        where: Where, user: bytes, password: str, message: bytes,
        read: Callable[[bytes], _Answer], deadline: float, out: TextIO) -> _Answer:
    """Send `message` until something comes that `read` takes for its answer."""
    said = ""
    while time.monotonic() < deadline:
        heard: Queue[bytes] = Queue(HEARD_MAX)
        client = _client(where, id_to_text(user), password, message, heard)
        try:
            client.connect(where.host, where.port, keepalive=30)
            client.loop_start()
            until = min(deadline, time.monotonic() + AGAIN_S)
            while (left_s := until - time.monotonic()) > 0:
                try:
                    return read(heard.get(timeout=left_s))
                except Empty:
                    trouble = "no answer yet: is it claimed at the head-end?"
                except WireError as error:
                    trouble = f"what came is no answer: {error}"
        except OSError as error:
            trouble = f"no connection: {error}"
            time.sleep(min(1.0, max(0.0, deadline - time.monotonic())))
        finally:
            client.disconnect()
            client.loop_stop()
        if trouble != said:
            said = trouble
            print(f"{where.host}:{where.port}: {trouble}", file=out, flush=True)
    raise NotEnrolled(f"{where.host}:{where.port} has not let this concentrator in: {said}")


def _client(
        where: Where, user: str, password: str, message: bytes, heard: Queue[bytes],
) -> mqtt.Client:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=user, protocol=mqtt.MQTTv311,
                         reconnect_on_failure=False)
    client.username_pw_set(user, password)
    if where.tls is not None:
        client.tls_set_context(where.tls)
    name = f"{topics.ROOT}/{user}"

    def connected(
            client: mqtt.Client, _: object, __: mqtt.ConnectFlags, reason: ReasonCode,
            ___: Properties | None) -> None:
        if not reason.is_failure:
            client.subscribe(f"{name}/{topics.DOWN}/{topics.ENROL}", qos=1)

    def subscribed(
            client: mqtt.Client, _: object, __: int, ___: list[ReasonCode],
            ____: Properties | None) -> None:
        client.publish(f"{name}/{topics.UP}/{topics.ENROL}", message, qos=1)

    def came(_: mqtt.Client, __: object, found: mqtt.MQTTMessage) -> None:
        if not heard.full():
            heard.put_nowait(bytes(found.payload))
    client.on_connect, client.on_subscribe, client.on_message = connected, subscribed, came
    return client


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:      # A name; where it leads is not looked up.
        return False
