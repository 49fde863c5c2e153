"""A message on its way through the worker: whose it is, opened, its batch or schema read.

Left out: the decisions about its content (accept.py), and everything that waits or stores.
"""

from dataclasses import dataclass

from wum_cloud.broker import Delivery
from wum_cloud.ingest import accept as accepting
from wum_cloud.ingest.bases.store import Named
from wum_cloud.ingest.opened import Heading
from wum_cloud.ingest.quarantine.entries import (
    MESSAGE,
    SCHEMA,
    UNDECODABLE,
    UNKNOWN_DEVICE,
    UNKNOWN_KEY,
    UNSTORABLE,
    UNSUPPORTED,
    Aside,
    BatchRefused,
)
from wum_cloud.registry.store import Sender
from wum_shared.errors import Malformed, Unsupported
from wum_shared.messages import DirectionKey, Schema, decode_schema


@dataclass(frozen=True, slots=True)
class Known:
    """A sender and its opened keys."""

    sender: Sender
    uplink: DirectionKey
    downlink: DirectionKey


@dataclass(frozen=True, slots=True)
class Genuine:
    """An opened message of a known sender."""

    delivery: Delivery
    label: accepting.Label
    known: Known
    opened: bytes


@dataclass(frozen=True, slots=True)
class Read:
    """A genuine batch with its heading and fields; or, without a heading, why not."""

    message: Genuine
    heading: Heading | None
    parts: list[object]
    aside: Aside | None

    def base(self) -> Named | None:
        """What this batch builds on; None for one that decodes alone."""
        named = None if self.heading is None else accepting.base_named(self.parts)
        if self.heading is None or named is None:
            return None
        return Named(self.message.known.sender.concentrator_id, self.heading.incarnation,
                     self.heading.schema_id, named.last_sequence, named.digest)


def read_batch(message: Genuine) -> Read:
    """The batch in a genuine message, as far as it can be read."""
    try:
        heading, parts = accepting.read_opened(message.opened)
    except BatchRefused as refused:
        return Read(message, None, [], refused.aside)
    return Read(message, heading, parts, None)


def stranger(label: accepting.Label, number: int | None, delivery: Delivery) -> Aside:
    """Why a message is set aside whose sender (`number`, if registered) has no usable key."""
    if number is None:
        return Aside(UNKNOWN_DEVICE, "concentrator %s is not registered" % label.device_id.hex(),
                     MESSAGE, delivery.payload)
    return Aside(UNKNOWN_KEY, "no usable keys of epoch %d are registered" % label.epoch, MESSAGE,
                 delivery.payload)


def schema_in(message: Genuine, unstorable: str | None) -> Schema:
    """The schema in a genuine message. Raises BatchRefused when it cannot be stored."""
    sender, opened = message.known.sender, message.opened
    if unstorable is not None:
        raise BatchRefused(Aside(UNSTORABLE, unstorable, SCHEMA, opened))
    try:
        schema = decode_schema(opened)
        if schema.concentrator != sender.device_id or schema.tenant != sender.tenant:
            raise Malformed("schema: made for concentrator %s of tenant %s" % (
                schema.concentrator.hex(), schema.tenant))
    except Unsupported as error:
        raise BatchRefused(Aside(UNSUPPORTED, str(error), SCHEMA, opened)) from error
    except Malformed as error:
        raise BatchRefused(Aside(UNDECODABLE, str(error), SCHEMA, opened)) from error
    return schema
