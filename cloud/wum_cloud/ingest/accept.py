"""Accept one message: sealed bytes in, columns out, or a refusal with its reason.

Pure: no broker, no database, no clock. The worker looks up the keys and the schema in between:
read_label (whose is it?) -> unseal (is it genuine?) -> read_opened (what does it say?) ->
accept (which records are stored, which are set aside?).
"""

from dataclasses import dataclass

from wum_cloud.ingest.aside import EARLIEST_S, set_aside_missed, set_aside_rows
from wum_cloud.ingest.bases.heads import Heads, heads_after
from wum_cloud.ingest.envelope import batch_fields, leading_fields
from wum_cloud.ingest.moments import Refusal, refusals
from wum_cloud.ingest.opened import Group, Heading, heading_of, read_records
from wum_cloud.ingest.quarantine.entries import (
    BATCH,
    FOREIGN,
    MALFORMED,
    MESSAGE,
    NOT_GENUINE,
    UNDECODABLE,
    UNSUPPORTED,
    Aside,
    BatchRefused,
)
from wum_cloud.registry.schemas.plan import Plan
from wum_shared import cose, topics
from wum_shared.bases import Base
from wum_shared.batch import Event, Lost, Missed, base_of
from wum_shared.cipher import Cipher
from wum_shared.errors import Malformed, NotGenuine, Unsupported, WireError
from wum_shared.messages import DirectionKey

COUNTER_MAX = 2**62     # Of a message. The database counts in 63 bits.


@dataclass(frozen=True, slots=True)
class Label:
    """What the outside of a message claims; nothing is proven yet."""

    device_id: bytes
    stream: str             # topics.BATCH, SCHEMA, ANSWER, MESH, CONDITION or RIPPLE
    epoch: int
    counter: int


@dataclass(frozen=True, slots=True)
class Accepted:
    """One batch, ready to be stored: only rows that count, the rest in `aside`.

    `heads`: what a delta on it builds on, of all its rows; None where there are none. `refused`
    says of what is in `aside` whose it was and when.
    """

    heading: Heading
    groups: tuple[Group, ...]
    missed: tuple[Missed, ...]
    events: tuple[Event, ...]
    lost: tuple[Lost, ...]
    aside: tuple[Aside, ...]
    heads: Heads | None = None
    refused: tuple[Refusal, ...] = ()

    @property
    def aside_records(self) -> int:
        """How many of the batch's records stand in the quarantine."""
        return sum([aside.records for aside in self.aside])


def read_label(topic: str, sealed: bytes) -> Label:
    """Who says to have sent this, and with which key. Raises BatchRefused."""
    try:
        device_id, direction, stream = topics.parse_topic(topic)
        if direction != topics.UP or stream not in (
                topics.BATCH, topics.SCHEMA, topics.ANSWER, topics.MESH, topics.CONDITION,
                topics.RIPPLE):
            raise Malformed("topic: nothing is expected on %r" % topic)
        claimed_id, epoch, counter = cose.peek(sealed)
        if counter > COUNTER_MAX:
            raise Malformed("message counter: wanted at most %d, got %d" % (COUNTER_MAX, counter))
    except Unsupported as error:
        raise _refused(UNSUPPORTED, error, sealed) from error
    except Malformed as error:
        raise _refused(MALFORMED, error, sealed) from error
    if claimed_id != device_id:
        raise _refused(FOREIGN, "sent as %s with the key id of %s" % (
            device_id.hex(), claimed_id.hex()), sealed)
    return Label(device_id, stream, epoch, counter)


def unseal(
        label: Label, sealed: bytes, cipher: Cipher, key: DirectionKey, tenant: str) -> bytes:
    """The opened message. Raises BatchRefused when it is not genuine."""
    try:
        return cose.unseal(cipher, key, sealed, topics.UP, tenant, label.stream)
    except NotGenuine as error:
        raise _refused(NOT_GENUINE, error, sealed) from error
    except WireError as error:
        raise _refused(MALFORMED, error, sealed) from error


def read_opened(opened: bytes) -> tuple[Heading, list[object]]:
    """Heading and fields of a genuine batch. Raises BatchRefused with the opened bytes."""
    try:
        parts = batch_fields(opened)
        return heading_of(parts), parts
    except Unsupported as error:
        raise BatchRefused(Aside(UNSUPPORTED, str(error), BATCH, opened)) from error
    except Malformed as error:
        raise BatchRefused(Aside(UNDECODABLE, str(error), BATCH, opened)) from error


def base_named(parts: list[object]) -> Base | None:
    """The base that a batch of these fields (read_opened) builds on; None for a full one."""
    return base_of(1 if parts[0] else 0, parts)


def heading_of_refused(opened: bytes) -> Heading | None:
    """Heading of a genuine batch that cannot be read whole; None when not even that is there.

    In every version of the contract the fields up to the schema id keep their places, so that
    the concentrator can be told which batch it is.
    """
    parts = leading_fields(opened)
    if parts is None or len(parts) < 5:
        return None
    try:
        return heading_of(parts)
    except Malformed:
        return None


def accept(
        opened: bytes, parts: list[object], plan: Plan, now_s: int, ahead_s: int,
        heads: Heads | None = None) -> Accepted:
    """Read a genuine batch by its schema, a delta by the heads of its base, and sort its records.

    A row captured more than `ahead_s` after `now_s`, before 2020, by a clock that was never set,
    or of a meter that is not this concentrator's is set aside; the others go on. Raises
    BatchRefused when the batch does not decode: then it is set aside whole.
    """
    try:
        batch = read_records(parts, plan.schema, heads)
    except Malformed as error:
        raise BatchRefused(Aside(UNDECODABLE, str(error), BATCH, opened)) from error
    latest_s = now_s + ahead_s
    groups, rows_aside = set_aside_rows(
        opened if heads is None else None, batch, plan, latest_s)
    missed, missed_aside = set_aside_missed(batch, plan, latest_s)
    aside = rows_aside + missed_aside
    return Accepted(
        batch.heading, groups, missed, batch.events, batch.lost, aside,
        heads_after(heads, batch.groups) if batch.groups else None,
        refusals(batch, plan, groups, missed, EARLIEST_S, latest_s) if aside else ())


def _refused(reason: str, why: object, sealed: bytes) -> BatchRefused:
    return BatchRefused(Aside(reason, str(why), MESSAGE, sealed))
