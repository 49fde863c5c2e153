"""Hears standings, gives pieces, steps campaigns; without a connection to a broker of its own.

Left out: when (keeper.py), what follows from what is known (cohort.py).
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from wum_cloud.audit import acts
from wum_cloud.audit.acts import Actor
from wum_cloud.audit.store import note
from wum_cloud.campaigns import states, store
from wum_cloud.campaigns.cohort import step
from wum_cloud.campaigns.releases import store as releases
from wum_cloud.campaigns.serving import store as serving
from wum_cloud.campaigns.serving.pieces import OnTheWay
from wum_cloud.campaigns.store import StandingRow
from wum_cloud.campaigns.succession import taking as succession
from wum_cloud.database import Connection, Pool
from wum_cloud.registry.cipher import SodiumCipher, SodiumVerifier
from wum_cloud.registry.keys import Vault
from wum_cloud.registry.store import Sender, identity_key, senders
from wum_shared import cose, topics, updates
from wum_shared.errors import NotGenuine
from wum_shared.ids import concentrator_id
from wum_shared.messages import DirectionKey
from wum_shared.suit import CHUNK_SIZE
from wum_shared.updates import INDEX, ROLL, Pieces, Want

ENDED_EVERY_S = 60.0          # Whoever speaks late is understood within a minute.
TELL_EVERY_S = 10.0           # Looks for who has to follow a rotation of release keys.
SHARE = 9                     # Times that a step took, to pause after it.


class CampaignDesk:
    """One process's."""

    def __init__(self, vault: Vault, counters: serving.Counters,
                 monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._vault = vault
        self._counters = counters
        self._monotonic_s = monotonic_s
        self._on_the_way = OnTheWay(monotonic_s)
        self._due_s: dict[int, float] = {}
        self._tell_s = monotonic_s()

    async def take(self, connection: Connection, topic: str, sealed: bytes) -> None:
        """Keep a standing. Raises WireError, KeyFileError."""
        sender, keys, epoch, counter = await self._opened(connection, topic, sealed)
        signed = cose.unseal(SodiumCipher(), keys[0], sealed, topics.UP, sender.tenant,
                             topics.STANDING)
        identity = await identity_key(connection, sender.concentrator_id)
        standing = updates.decode_standing(cose.verify(SodiumVerifier(), identity, signed))
        if concentrator_id(identity) != sender.device_id:
            raise NotGenuine("standing: it is of another concentrator")
        await store.keep_standings(connection, [StandingRow(
            sender.concentrator_id, epoch, counter, standing.assignment, standing.state,
            standing.sequence, standing.digest, standing.have, standing.of, standing.nonce,
            standing.note, datetime.fromtimestamp(standing.at_s, UTC), datetime.now(UTC),
            signed, standing.trust)])

    async def give(self, connection: Connection, topic: str, sealed: bytes,
                   ) -> list[tuple[str, bytes]]:
        """The pieces that somebody wants, sealed. Raises WireError, KeyFileError."""
        sender, keys, epoch, _ = await self._opened(connection, topic, sealed)
        want = updates.decode_want(cose.unseal(
            SodiumCipher(), keys[0], sealed, topics.UP, sender.tenant, topics.WANT))
        messages = []
        for first, count in self._on_the_way.next_of(sender.concentrator_id, want):
            data = await self._piece(connection, sender, want, first, count)
            if data:
                messages.append(updates.encode_pieces(Pieces(
                    want.digest, want.part, first, data)))
        if not messages:
            return []
        counter = await serving.counters(
            connection, self._counters, sender.concentrator_id, epoch, len(messages))
        if counter is None:
            return []
        where = topics.topic(sender.device_id, topics.DOWN, topics.PIECES)
        return [(where, cose.seal(
            SodiumCipher(), keys[1], cose.key_id(sender.device_id, epoch), counter + place,
            message, topics.DOWN, sender.tenant, topics.PIECES))
            for place, message in enumerate(messages)]

    async def _piece(self, connection: Connection, sender: Sender, want: Want, first: int,
                     count: int) -> bytes | None:
        if want.part == ROLL:
            return None if first else await serving.roll(connection, sender.tenant_id, want.digest)
        return await releases.pieces(
            connection, sender.tenant_id, want.digest, of_index=want.part == INDEX,
            start=first * CHUNK_SIZE, size=count * CHUNK_SIZE)

    async def step(self, pool: Pool, now_s: float, *, is_paced: bool = False) -> int:
        """Step every campaign that nobody else steps; how many things changed.

        `is_paced`: those that are over once a minute, and a large one no more often than that it
        takes a tenth of the time.
        """
        changed = 0
        async with pool.connection() as connection:
            numbers = await store.looked_at(connection)
            if not is_paced or self._monotonic_s() >= self._tell_s:
                changed += await succession.tell(connection)
                self._tell_s = self._monotonic_s() + TELL_EVERY_S
        for number, is_ended in numbers:
            began_s = self._monotonic_s()
            if is_paced and began_s < self._due_s.get(number, 0.0):
                continue
            async with pool.connection() as connection:
                changed += await step_one(connection, number, now_s)
            ended_s = self._monotonic_s()
            self._due_s[number] = ended_s + max(
                ENDED_EVERY_S if is_ended else 0.0, (ended_s - began_s) * SHARE)
        return changed

    async def _opened(self, connection: Connection, topic: str, sealed: bytes,
                      ) -> tuple[Sender, tuple[DirectionKey, DirectionKey], int, int]:
        device_id, _, _ = topics.parse_topic(topic)
        claimed, epoch, counter = cose.peek(sealed)
        sender = (await senders(connection, [(claimed, epoch)])).get((device_id, epoch))
        if sender is None:
            raise NotGenuine("%s has no keys of epoch %d" % (device_id.hex(), epoch))
        return sender, self._vault.open(device_id, epoch, sender.sealed_keys), epoch, counter


async def step_one(connection: Connection, number: int, now_s: float) -> int:
    """One step of one campaign, in the caller's transaction; how many things changed."""
    campaign = await store.locked(connection, number)
    if campaign is None or campaign.course.state not in states.LOOKED_AT:
        return 0
    members = await store.members(connection, campaign)
    if await store.count_reads(connection, campaign, members, now_s):
        members = await store.members(connection, campaign)
    taken = step(campaign.plan, campaign.target, campaign.course, members, now_s)
    await store.keep(connection, campaign, taken, now_s)
    if taken.course.state != campaign.course.state:
        await note(connection, Actor(campaign.tenant_id, "campaign %d" % number, ""),
                   acts.CAMPAIGN_ENDED, "campaign %d" % number, state=taken.course.state,
                   why=taken.course.why)
    return len(taken.members) + len(taken.log)
