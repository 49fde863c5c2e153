"""Taking a release in: nothing is kept before its signatures and every byte of it were checked.

Left out: SQL (store.py), who may (web/rights.py).
"""

import asyncio
import json
from dataclasses import dataclass
from hashlib import sha256

from wum_cloud.audit import acts
from wum_cloud.audit.acts import Actor
from wum_cloud.audit.store import note
from wum_cloud.campaigns.plan import PlanRefused
from wum_cloud.campaigns.releases import store
from wum_cloud.campaigns.releases.trust import VENDOR, Trust
from wum_cloud.database import Connection
from wum_cloud.registry.cipher import SodiumVerifier
from wum_shared import bundle, cbor, fields, suit
from wum_shared.errors import WireError

BILL_MAX = 1024 * 1024
HANDED_MAX = suit.CONTENT_BYTES_MAX + suit.ENVELOPE_BYTES_MAX + BILL_MAX + 64
_WORD_MAX = 80


@dataclass(frozen=True, slots=True)
class Opened:
    """A release whose signatures and bytes were checked."""

    envelope: bytes
    content: bytes
    index: bytes
    bill: str
    release: suit.Release
    target: str
    version: str
    commit: str
    signers: list[str]
    threshold: int


def open_handed(trusted: list[Trust], handed: bytes) -> Opened:
    """What `wum-firmware release` sends: CBOR of [envelope, content, bill]. Raises PlanRefused."""
    try:
        parts = fields.record(cbor.decode(handed, depth=1, most_bytes=HANDED_MAX), 3, "release")
        raw, content, bill = [fields.bounded(part, most, "release") for part, most in zip(
            parts, (suit.ENVELOPE_BYTES_MAX, suit.CONTENT_BYTES_MAX, BILL_MAX), strict=True)]
        envelope = suit.decode(raw)
        trust = _trust_for(trusted, envelope.release)
        kids = suit.check_signers(SodiumVerifier(), trust.keys, trust.threshold, envelope)
        index = bundle.index_of(content)
        if not bundle.fits(envelope.release, content, index):
            raise PlanRefused("The content is not the one that was signed.")
        about = _about(bundle.open_table(content, len(content)), content)
    except WireError as error:
        raise PlanRefused("The release is not taken in: %s." % error) from error
    if about.get("target") != trust.target:
        raise PlanRefused("The release says that it is for %s, and was signed for %s." % (
            about.get("target"), trust.target))
    version, commit = [str(about.get(name, ""))[:_WORD_MAX] for name in ("version", "commit")]
    return Opened(
        raw, content, index, bill.decode("utf-8", "replace"), envelope.release, trust.target,
        version, commit, sorted(trust.names[kid] for kid in kids), trust.threshold)


async def take(
        connection: Connection, tenant: int, actor: Actor, opened: Opened) -> tuple[int, bool]:
    """Keep it: (its number, whether it is new). One that is known and was signed anew, as after a
    rotation of keys, is assigned with those signatures. Raises PlanRefused where its sequence is
    taken.
    """
    release = opened.release
    known = await store.numbered(connection, tenant, opened.target, release.sequence)
    if known is not None:
        number, digest, envelope = known
        if digest != release.digest:
            raise PlanRefused(
                "There is another release %d for %s already: a sequence is used once." % (
                    release.sequence, opened.target))
        if envelope != opened.envelope:
            await store.sign_anew(
                connection, number, opened.envelope, opened.signers, opened.threshold)
            await _note(connection, actor, acts.RELEASE_SIGNED, opened)
        return number, False
    number = await store.add(connection, tenant, store.New(
        release.sequence, release.digest, opened.target, opened.version, opened.commit,
        opened.envelope, opened.content, opened.index, opened.bill, opened.signers,
        opened.threshold, actor.name))
    await _note(connection, actor, acts.RELEASE_TAKEN, opened)
    return number, True


async def opened_beside(trusted: list[Trust], handed: bytes) -> Opened:
    """As `open_handed`, while others are answered."""
    return await asyncio.to_thread(open_handed, trusted, handed)


async def _note(connection: Connection, actor: Actor, act: str, opened: Opened) -> None:
    await note(connection, actor, act, "release %d" % opened.release.sequence,
               target=opened.target, version=opened.version,
               digest=opened.release.digest.hex(), signers=", ".join(opened.signers))


def _trust_for(trusted: list[Trust], release: suit.Release) -> Trust:
    for one in trusted:
        if one.device_class == release.device_class and release.vendor == VENDOR:
            return one
    raise PlanRefused("Nobody is trusted here to sign for such devices: WUM_RELEASE_TRUST has %s."
                      % ", ".join([one.target for one in trusted]))


def _about(files: list[bundle.File], content: bytes) -> dict[str, object]:
    """release.json; every file is checked on the way. Raises PlanRefused."""
    start = len(content) - sum([file.size for file in files])
    found: object = None
    for file in files:
        data = content[start:start + file.size]
        start += file.size
        if sha256(data).digest() != file.digest:
            raise PlanRefused("Its %s is not the file that its table names." % file.path)
        if file.path == "release.json":
            try:
                found = json.loads(data)
            except ValueError as error:
                raise PlanRefused("Its release.json: %s." % error) from error
    if type(found) is not dict:
        raise PlanRefused("It has no release.json that says version and target.")
    return found
