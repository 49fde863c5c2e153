"""What one transaction of ingest holds: several messages of several concentrators, decided.

Left out: how they were decided (accept.py) and how they are written (store.py).
"""

from collections import Counter
from dataclasses import dataclass, field

from wum_cloud.broker import Delivery
from wum_cloud.ingest.accept import Accepted, Label
from wum_cloud.ingest.bases.heads import Heads
from wum_cloud.ingest.bases.store import Named
from wum_cloud.ingest.moments import Refusal, whole
from wum_cloud.ingest.opened import Heading
from wum_cloud.ingest.quarantine.entries import (
    MESSAGE,
    UNDECODABLE,
    UNPROVEN_PER_TRANSACTION,
    Aside,
)
from wum_cloud.registry.schemas.plan import Plan
from wum_cloud.registry.schemas.store import Arrived
from wum_cloud.registry.store import Sender
from wum_shared import topics
from wum_shared.condition import Condition, decode_condition
from wum_shared.errors import WireError
from wum_shared.gaps import GapAnswer, decode_gap_answer
from wum_shared.mesh import MeshReport, decode_mesh_report
from wum_shared.ripple import RippleReport, decode_ripple_report

NOBODY = 0      # Stands for an unknown sender in ingest_count.


@dataclass(frozen=True, slots=True)
class Arrival:
    """A schema that is to be taken in."""

    arrived: Arrived
    sender: Sender
    topic: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A batch whose records are to be stored."""

    sender: Sender
    accepted: Accepted
    plan: Plan


@dataclass(frozen=True, slots=True)
class Kept:
    """An entry for the quarantine; `concentrator_id` is None where the sender is unknown."""

    concentrator_id: int | None
    topic: str
    aside: Aside


@dataclass(slots=True)
class Harvest:
    """Filled message by message, then committed as a whole."""

    contacts: list[tuple[Sender, int]] = field(default_factory=list)  # And the message counter.
    batches: list[Taken] = field(default_factory=list)
    bases: list[tuple[Named, Heads]] = field(default_factory=list)
    covered: list[tuple[Sender, Heading]] = field(default_factory=list)
    refused: list[tuple[Sender, Heading, Refusal, str]] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    gap_answers: list[tuple[Sender, GapAnswer]] = field(default_factory=list)
    mesh_reports: list[tuple[Sender, int, MeshReport]] = field(default_factory=list)
    ripples: list[tuple[Sender, RippleReport]] = field(default_factory=list)
    conditions: list[tuple[Sender, int, Condition]] = field(default_factory=list)
    counts: Counter[tuple[int, str]] = field(default_factory=Counter)
    answers: Counter[tuple[int, int]] = field(default_factory=Counter)
    _unproven: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether nobody said anything, known or unknown."""
        return not self.contacts and not self.counts

    def contact(self, sender: Sender, counter: int) -> None:
        """Note a genuine message with its message counter."""
        self.contacts.append((sender, counter))

    def take(self, sender: Sender, accepted: Accepted, plan: Plan, topic: str) -> None:
        """Note a batch to store, and what of it is set aside."""
        self.batches.append(Taken(sender, accepted, plan))
        self.covered.append((sender, accepted.heading))
        words = "; ".join(sorted({aside.reason for aside in accepted.aside}))
        self.refused += [(sender, accepted.heading, one, words) for one in accepted.refused]
        for aside in accepted.aside:
            self.set_aside(sender.concentrator_id, topic, aside)

    def refuse(self, sender: Sender, heading: Heading, reason: str) -> None:
        """Note a batch that is kept in the quarantine as a whole: none of its numbers will come."""
        self.covered.append((sender, heading))
        self.refused.append((sender, heading, whole(heading), reason))

    def take_report(
            self, sender: Sender, label: Label, delivery: Delivery, opened: bytes) -> None:
        """Note what a concentrator says beside its records, or set it aside."""
        self.contact(sender, label.counter)
        try:
            if label.stream == topics.ANSWER:
                self.gap_answers.append((sender, decode_gap_answer(opened)))
            elif label.stream == topics.MESH:
                self.mesh_reports.append((sender, label.counter, decode_mesh_report(opened)))
            elif label.stream == topics.RIPPLE:
                self.ripples.append((sender, decode_ripple_report(opened)))
            else:
                assert label.stream == topics.CONDITION
                self.conditions.append((sender, label.counter, decode_condition(opened)))
        except WireError as error:
            self.set_aside(sender.concentrator_id, delivery.topic, Aside(
                UNDECODABLE, str(error), MESSAGE, delivery.payload))

    def set_aside(self, concentrator_id: int | None, topic: str, aside: Aside) -> None:
        """Note what is kept in the quarantine, and count it by record or message."""
        self.counts[concentrator_id or NOBODY, aside.reason] += aside.records or 1
        if aside.form == MESSAGE:
            self._unproven += 1
            if self._unproven > UNPROVEN_PER_TRANSACTION:
                return
        self.kept.append(Kept(concentrator_id, topic, aside))

    def answer(self, sender: Sender) -> None:
        """Note that one acknowledgement will be sent with the sender's keys."""
        self.answers[sender.concentrator_id, sender.epoch] += 1


@dataclass(frozen=True, slots=True)
class Committed:
    """`first_counters`: for each (concentrator, epoch) the first downlink counter reserved; none
    where they are used up.
    """

    first_counters: dict[tuple[int, int], int]
