"""Gathers messages, decides, stores them in one transaction, and only then acknowledges.

Left out: the decisions (accept.py), SQL (store.py), MQTT (broker.py). A database that is away is
waited for; a message that the database refuses is set aside alone, so that it holds up nobody.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

import psycopg
from psycopg_pool import PoolTimeout

from wum_cloud.broker import Delivery
from wum_cloud.database import STATEMENT_MAX_S
from wum_cloud.figures import counted
from wum_cloud.ingest import accept as accepting
from wum_cloud.ingest import lines
from wum_cloud.ingest.advice import told
from wum_cloud.ingest.answer import Answer, answer_to, sealed_answer
from wum_cloud.ingest.bases.heads import Heads
from wum_cloud.ingest.bases.store import Named
from wum_cloud.ingest.downlink import DatabaseWentBack
from wum_cloud.ingest.genuine import Genuine, Known, Read, read_batch, schema_in, stranger
from wum_cloud.ingest.harvest import Arrival, Committed, Harvest
from wum_cloud.ingest.opened import Heading
from wum_cloud.ingest.quarantine.entries import (
    BATCH,
    REASONS,
    UNSTORABLE,
    UNSUPPORTED,
    Aside,
    BatchRefused,
)
from wum_cloud.ingest.remembered import Remembered
from wum_cloud.registry.keys import KeyFileError, Vault
from wum_cloud.registry.schemas.plan import Claim, Plan
from wum_cloud.registry.schemas.resolved.store import Name
from wum_cloud.registry.schemas.store import Arrived
from wum_cloud.registry.store import Sender
from wum_shared import topics
from wum_shared.cipher import Cipher
from wum_shared.ids import schema_id
from wum_shared.status import BASE_UNKNOWN, SCHEMA_UNKNOWN, SET_ASIDE, STORED, VERSION_UNSUPPORTED

SENDERS_MAX = 20_000            # Remembered; some 500 bytes each.
PLANS_MAX = 2_000               # Remembered; some 20 kB each.
WAIT_LEAST_S = 0.2              # For a database that is away, then twice as long each time.
WAIT_MOST_S = 10.0

_log = logging.getLogger("wum_cloud.ingest")

# The database is away or not ready; nothing is wrong with the messages.
_AWAY = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.ProgrammingError,
         psycopg.InternalError, PoolTimeout, OSError)


class Store(Protocol):
    """What the worker asks of a database; see ingest/store.py."""

    async def senders(self, wanted: list[tuple[bytes, int]]) -> dict[tuple[bytes, int], Sender]: ...
    async def registered(self, device_ids: list[bytes]) -> dict[bytes, int]: ...
    async def plans(self, wanted: list[Name]) -> dict[Name, Plan]: ...
    async def bases(self, wanted: list[Named]) -> dict[Named, Heads]: ...
    async def acquire(self, arrivals: list[Arrival]) -> dict[int, list[Claim]]: ...
    async def commit(self, harvest: Harvest) -> Committed: ...
    async def trim_quarantine(self) -> None: ...
    def forget(self) -> None: ...


class Worker:
    """Works off messages; several of them may share a store and a broker."""

    def __init__(
            self, store: Store, vault: Vault, cipher: Cipher, *, ahead_s: int,
            now_s: Callable[[], float] = time.time,
            monotonic_s: Callable[[], float] = time.monotonic,
            sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._vault = vault
        self._cipher = cipher
        self._ahead_s = ahead_s
        self._now_s = now_s
        self._monotonic_s, self._sleep = monotonic_s, sleep
        self._senders: Remembered[tuple[bytes, int], Known] = Remembered(
            SENDERS_MAX, monotonic_s)
        self._plans: Remembered[Name, Plan] = Remembered(PLANS_MAX, monotonic_s)

    async def settle(
            self, deliveries: list[Delivery], publish: Callable[[str, bytes], object],
            release: Callable[[Delivery], object],
    ) -> None:
        """Store `deliveries`, publish the answers, release the messages; returns when it is done.

        Waits for a database that is away as long as it takes.
        """
        failures = faults = 0
        unstorable: str | None = None
        while True:
            began_s = self._monotonic_s()
            try:
                answers = await self.store_once(deliveries, unstorable)
                break
            except _AWAY as error:
                self._forget()
                failures += 1
                counted.DATABASE_FAILURES.inc()
                await self._wait(failures, error)
                if len(deliveries) > 1 and self._monotonic_s() - began_s >= STATEMENT_MAX_S:
                    half = len(deliveries) // 2     # Too much for one statement on this machine.
                    await self.settle(deliveries[:half], publish, release)
                    deliveries = deliveries[half:]
            except DatabaseWentBack as error:
                self._forget()
                _log.warning("the database: %s", error)
            except Exception as error:
                self._forget()
                faults += 1
                if faults == 1:  # What was remembered may have been out of date.
                    continue
                if len(deliveries) > 1:  # One of them is at fault: find it.
                    for delivery in deliveries:
                        await self.settle([delivery], publish, release)
                    return
                _log.exception("a message on %s cannot be stored", deliveries[0].topic)
                if unstorable is not None:  # Not even setting it aside works.
                    failures += 1
                    await self._wait(failures, error)
                unstorable = "%s: %s" % (type(error).__name__, error)
        for topic, message in answers:
            publish(topic, message)
        for delivery in deliveries:
            release(delivery)

    async def store_once(
            self, deliveries: list[Delivery], unstorable: str | None = None,
    ) -> list[tuple[str, bytes]]:
        """Store `deliveries` in one transaction; return the answers (topic, message) after COMMIT.

        With `unstorable` they are set aside for that reason. Raises what the database raises:
        then nothing is stored and nothing may be acknowledged.
        """
        harvest = Harvest()
        answers: list[tuple[Known, Answer]] = []
        genuine = await self._open(deliveries, harvest)
        await self._take_schemas(
            [m for m in genuine if m.label.stream == topics.SCHEMA], harvest, unstorable)
        for message in genuine:
            if message.label.stream not in (topics.SCHEMA, topics.BATCH):
                harvest.take_report(message.known.sender, message.label, message.delivery,
                                    message.opened)
        batches = [read_batch(m) for m in genuine if m.label.stream == topics.BATCH]
        # What cannot be stored is set aside without its schema, which may be what is at fault.
        plans = await self._plans_of(batches) if unstorable is None else {}
        named = [base for batch in batches if (base := batch.base()) is not None]
        bases = await self._store.bases(named) if named else {}
        for batch in batches:
            known = batch.message.known
            answer = self._take_batch(batch, plans, bases, harvest, unstorable)
            harvest.contact(known.sender, batch.message.label.counter)
            if answer is not None:
                harvest.answer(known.sender)
                answers.append((known, answer))
        with counted.COMMIT_S.time():
            committed = await self._store.commit(harvest)
        _count(harvest)
        lines.write(harvest)
        if harvest.kept:
            await self._store.trim_quarantine()
        return self._sealed(answers, committed)

    async def _open(self, deliveries: list[Delivery], harvest: Harvest) -> list[Genuine]:
        labelled = []
        for delivery in deliveries:
            try:
                label = accepting.read_label(delivery.topic, delivery.payload)
            except BatchRefused as refused:
                harvest.set_aside(None, delivery.topic, refused.aside)
            else:
                labelled.append((delivery, label))
        known = await self._look_up([(label.device_id, label.epoch) for _, label in labelled])
        unknown = [label.device_id for _, label in labelled
                   if (label.device_id, label.epoch) not in known]
        strangers = await self._store.registered(unknown) if unknown else {}
        opened = []
        for delivery, label in labelled:
            sender = known.get((label.device_id, label.epoch))
            if sender is None:
                number = strangers.get(label.device_id)
                harvest.set_aside(number, delivery.topic, stranger(label, number, delivery))
                continue
            try:
                content = accepting.unseal(
                    label, delivery.payload, self._cipher, sender.uplink, sender.sender.tenant)
            except BatchRefused as refused:
                harvest.set_aside(
                    sender.sender.concentrator_id, delivery.topic, refused.aside)
            else:
                opened.append(Genuine(delivery, label, sender, content))
        return opened

    async def _look_up(self, wanted: list[tuple[bytes, int]]) -> dict[tuple[bytes, int], Known]:
        found = {key: known for key in wanted if (known := self._senders.get(key)) is not None}
        missing = sorted(set(wanted) - set(found))
        if not missing:
            return found
        for key, sender in (await self._store.senders(missing)).items():
            try:
                uplink, downlink = self._vault.open(
                    sender.device_id, sender.epoch, sender.sealed_keys)
            except KeyFileError as error:
                _log.error("%s", error)
                continue
            found[key] = Known(sender, uplink, downlink)
            self._senders.put(key, found[key])
        return found

    async def _take_schemas(
            self, messages: list[Genuine], harvest: Harvest, unstorable: str | None) -> None:
        arrivals = []
        for message in messages:
            sender, label = message.known.sender, message.label
            try:
                schema = schema_in(message, unstorable)
            except BatchRefused as refused:
                harvest.contact(sender, label.counter)
                harvest.set_aside(sender.concentrator_id, message.delivery.topic, refused.aside)
                continue
            arrivals.append(Arrival(Arrived(
                sender.concentrator_id, sender.tenant_id, label.epoch, label.counter,
                schema_id(message.opened), message.opened, schema), sender,
                message.delivery.topic))
        if not arrivals:
            return
        names = {one.sender.concentrator_id: one.sender.device_id.hex() for one in arrivals}
        for number, claims in (await self._store.acquire(arrivals)).items():
            for claim in claims:
                _log.warning("concentrator %s claims meter %s, which belongs to %s",
                             names[number], claim.serial, claim.owner)

    async def _plans_of(self, batches: list[Read]) -> dict[Name, Plan]:
        """The schemas that these batches name, as far as they are known."""
        wanted = {(batch.message.known.sender.concentrator_id, batch.heading.schema_id)
                  for batch in batches if batch.heading is not None}
        found = {name: plan for name in wanted if (plan := self._plans.get(name)) is not None}
        missing = sorted(wanted - found.keys())
        if missing:
            for name, plan in (await self._store.plans(missing)).items():
                found[name] = plan
                if not plan.is_disputed:  # A dispute may end any time.
                    self._plans.put(name, plan)
        return found

    def _take_batch(
            self, batch: Read, plans: dict[Name, Plan], bases: dict[Named, Heads],
            harvest: Harvest, unstorable: str | None) -> Answer | None:
        message, heading = batch.message, batch.heading
        sender, opened = message.known.sender, message.opened
        try:
            if heading is None:
                assert batch.aside is not None
                raise BatchRefused(batch.aside)
            base = batch.base()
            if unstorable is not None and base is None:
                raise BatchRefused(Aside(UNSTORABLE, unstorable, BATCH, opened))
            plan = plans.get((sender.concentrator_id, heading.schema_id))
            if plan is None and unstorable is None:
                return answer_to(opened, heading, SCHEMA_UNKNOWN, 0, "schema %s is not known" %
                                 heading.schema_id.hex())
            heads = None if base is None else bases.get(base)
            # One that cannot be stored is asked for in full: in quarantine it has to say something.
            if plan is None or base is not None and heads is None:
                assert base is not None
                return answer_to(opened, heading, BASE_UNKNOWN, 0, "base %s is not known" %
                                 base.digest.hex())
            accepted = accepting.accept(
                opened, batch.parts, plan, int(self._now_s()), self._ahead_s, heads)
        except BatchRefused as refused:
            harvest.set_aside(sender.concentrator_id, message.delivery.topic, refused.aside)
            return _refusal(message, harvest, refused.aside)
        harvest.take(sender, accepted, plan, message.delivery.topic)
        answer = answer_to(opened, heading, STORED, accepted.aside_records,
                           "; ".join(sorted({aside.reason for aside in accepted.aside})))
        if accepted.heads is not None:
            harvest.bases.append((Named(
                sender.concentrator_id, heading.incarnation, heading.schema_id,
                heading.last_sequence, answer.digest), accepted.heads))
        return answer

    def _sealed(
            self, answers: list[tuple[Known, Answer]], committed: Committed,
    ) -> list[tuple[str, bytes]]:
        counters = dict(committed.first_counters)
        sealed = []
        for known, answer in answers:
            sender = known.sender
            key = (sender.concentrator_id, sender.epoch)
            if key not in counters:      # Used up: nothing is sealed with it any more.
                continue
            sealed.append(sealed_answer(
                self._cipher, known.downlink, sender.device_id, sender.epoch, sender.tenant,
                counters[key], answer))
            counters[key] += 1
        return sealed

    def _forget(self) -> None:
        self._senders.forget()
        self._plans.forget()
        self._store.forget()

    async def _wait(self, failures: int, error: Exception) -> None:
        most_s = min(WAIT_MOST_S, WAIT_LEAST_S * 2 ** min(failures - 1, 16))
        wait_s = most_s * random.uniform(0.5, 1.0)
        _log.warning("nothing is acknowledged, for the database fails %s; again in %.1f s",
                     told(error), wait_s)
        await self._sleep(wait_s)


def _count(harvest: Harvest) -> None:
    """For whoever watches this process; the database has its own counters, by concentrator."""
    counted.BATCHES.inc(len(harvest.batches))
    counted.ROWS.inc(sum([len(group) for taken in harvest.batches
                          for group in taken.accepted.groups]))
    for (_, what), n in harvest.counts.items():
        if what in REASONS:
            counted.REFUSED.labels(what).inc(n)


def _refusal(message: Genuine, harvest: Harvest, aside: Aside) -> Answer | None:
    """The answer to a genuine batch that is set aside whole; None when it cannot be named."""
    heading: Heading | None = accepting.heading_of_refused(message.opened)
    if heading is None:
        return None
    if aside.reason == UNSUPPORTED:
        return answer_to(message.opened, heading, VERSION_UNSUPPORTED, 0, aside.detail)
    harvest.refuse(message.known.sender, heading, aside.reason)
    return answer_to(message.opened, heading, SET_ASIDE,
                     heading.last_sequence - heading.first_sequence + 1, aside.detail)
