"""Epochs: a concentrator that was let in opens one, and both sides have new keys.

The keys of the epoch before stay good: what was sealed with them may still be on its way. Left out:
MQTT (keeper.py), SQL (claims/store.py, registry/store.py).
"""

import secrets

from wum_cloud.audit import acts
from wum_cloud.audit.acts import Actor
from wum_cloud.audit.store import note
from wum_cloud.database import Connection
from wum_cloud.enrolment.claims import store
from wum_cloud.enrolment.claims.claiming import ClaimRefused
from wum_cloud.enrolment.passwords import next_password
from wum_cloud.enrolment.trust import store as trust
from wum_cloud.enrolment.trust.documents import GOOD_MAX, uplink_secret
from wum_cloud.registry import store as registry
from wum_cloud.registry.cipher import SodiumAgreement, SodiumCipher, SodiumVerifier
from wum_cloud.registry.keys import Vault
from wum_shared import topics
from wum_shared.enrolment import (
    CHAIN_MAX,
    Opened,
    Opening,
    encode_chain,
    epoch_keys,
    open_opening,
    seal_opened,
)
from wum_shared.messages import DirectionKey

# The upper half of message counters, drawn by each process: see ingest/downlink.py.
_COUNT_BITS, _CHANCE_LEAST, _CHANCE_BITS = 32, 2**20, 31


class Opener:
    """Answers openings; one for each process."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._upper = _CHANCE_LEAST + secrets.randbelow(2**_CHANCE_BITS - _CHANCE_LEAST)

    async def answer(
            self, connection: Connection, device_id: bytes, message: bytes) -> tuple[str, bytes]:
        """(topic, answer) to an opening. Raises ClaimRefused, WireError.

        The same opening again gets an answer again; another one for an epoch that is there, or
        for an older one, is refused. One under a trust document that is good no more is answered
        with those after it.
        """
        known = await store.member(connection, device_id)
        if known is None:
            raise ClaimRefused("concentrator %s is not registered, or was revoked"
                               % device_id.hex())
        opening = open_opening(SodiumVerifier(), known.identity_key, message)
        meant = await trust.with_digest(connection, opening.trust_digest)
        if meant is None:
            raise ClaimRefused("concentrator %s opens an epoch under a trust document that was "
                               "never made here" % device_id.hex())
        newer = await trust.after(connection, meant.number, CHAIN_MAX)
        where = topics.topic(device_id, topics.DOWN, topics.ENROL)
        if meant.uplink_secret_sealed is None or len(newer) >= GOOD_MAX:
            return where, encode_chain(newer)
        up, down = epoch_keys(
            SodiumAgreement(), uplink_secret(self._vault, meant), opening.ephemeral_key,
            meant.signed, device_id, opening.epoch)
        await self._keep(connection, known, opening, (up, down))
        password = await next_password(connection, self._vault, known, opening.epoch)
        count = await store.next_count(connection, known.concentrator_id, opening.epoch)
        sealed = seal_opened(
            SodiumCipher(), down, device_id, opening.epoch, known.tenant,
            self._upper << _COUNT_BITS | count, Opened(newer, password))
        return where, sealed

    async def _keep(
            self, connection: Connection, known: store.Member, opening: Opening,
            keys: tuple[DirectionKey, DirectionKey]) -> None:
        device_id, epoch = opening.concentrator, opening.epoch
        there = await store.sealed_keys(connection, known.concentrator_id, epoch)
        if there is not None and self._vault.open(device_id, epoch, there) == keys:
            return
        if epoch <= known.epoch:
            raise ClaimRefused("concentrator %s opens epoch %d, and epoch %d is there" % (
                device_id.hex(), epoch, known.epoch))
        await registry.save_keys(
            connection, known.concentrator_id, epoch, self._vault.seal(device_id, epoch, *keys))
        burned = await store.burn(connection, known.identity_key)
        await note(connection, Actor(known.tenant_id, "concentrator " + device_id.hex(), ""),
                   acts.EPOCH_OPENED, device_id.hex(), epoch=str(epoch),
                   code="burned" if burned else "")
