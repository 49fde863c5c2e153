"""Keys change without a visit, two are good meanwhile, and what is good no more is forgotten."""

import secrets
from pathlib import Path

import psycopg
import pytest

from tests.cloud.enrolment.box import Box, enrolled, named_root, opened, parts
from wum_cloud.database import Pool
from wum_cloud.enrolment.accounts import accounts_now
from wum_cloud.enrolment.claims.claiming import ClaimRefused
from wum_cloud.enrolment.destroying import destroy_old
from wum_cloud.enrolment.passwords import make_due
from wum_cloud.enrolment.trust.documents import make_document, order_seed
from wum_cloud.registry.cipher import SodiumAgreement, SodiumCipher, SodiumSigner, SodiumVerifier
from wum_cloud.registry.keys import KeyFileError, Vault
from wum_shared import cose, enrolment
from wum_shared.errors import NotGenuine
from wum_shared.messages import DirectionKey
from wum_shared.topics import BATCH, UP

VERIFIER = SodiumVerifier()


def use(url: str, epoch: int) -> None:
    """As if a message sealed in this epoch had been stored."""
    with psycopg.connect(url) as plain:
        plain.execute("update concentrator_epoch set uplink_seen = '{[5,6)}' where epoch = %s",
                      [epoch])


async def forget(pool: Pool) -> None:
    async with pool.connection() as connection:
        await destroy_old(connection)


async def test_the_head_ends_key_rotates_two_are_good_and_older_ones_are_led_on(
        pool: Pool, vault: Vault, root: Path, database_url: str) -> None:
    box, first = await enrolled(pool, vault)
    assert await make_document(database_url, vault, root) == 2
    secret = secrets.token_bytes(32)
    said = box.check(
        await opened(pool, vault, box, box.opening(first, 2, secret)), first, 2, secret)
    second, = said.documents
    assert parts(second)[0] == 2 and parts(second)[1] != parts(first)[1]
    secret = secrets.token_bytes(32)
    box.check(await opened(pool, vault, box, box.opening(second, 3, secret)), second, 3, secret)
    assert await make_document(database_url, vault, root) == 3
    answer = await opened(pool, vault, box, box.opening(first, 4, secret))
    assert enrolment.is_chain(answer)
    chain = enrolment.decode_chain(answer)
    assert [parts(one)[0] for one in chain] == [2, 3]
    _, third = enrolment.follow(VERIFIER, named_root(first), first, chain)
    box.check(await opened(pool, vault, box, box.opening(third, 5, secret)), third, 5, secret)


async def test_the_root_rotates_and_the_old_one_makes_nothing_any_more(
        pool: Pool, vault: Vault, root: Path, database_url: str, tmp_path: Path) -> None:
    box, first = await enrolled(pool, vault)
    other = tmp_path / "next.key"
    await make_document(database_url, vault, root, other)
    with pytest.raises(KeyFileError, match="not the root's key"):
        await make_document(database_url, vault, root)
    assert await make_document(database_url, vault, other) == 3
    chain = enrolment.decode_chain(
        await opened(pool, vault, box, box.opening(first, 2, secrets.token_bytes(32))))
    old = named_root(first)
    new, third = enrolment.follow(VERIFIER, old, first, chain)
    assert new != old and named_root(third) == new
    with pytest.raises(NotGenuine):
        enrolment.follow(VERIFIER, old, first, chain[1:])
    secret = secrets.token_bytes(32)
    box.check(await opened(pool, vault, box, box.opening(third, 3, secret)), third, 3, secret)
    fresh, grant = await enrolled(pool, vault)
    assert grant == third, "whoever is new begins with the new root"


async def test_a_document_that_was_never_made_here_opens_nothing(
        pool: Pool, vault: Vault, root: Path) -> None:
    box, first = await enrolled(pool, vault)
    with pytest.raises(ClaimRefused, match="never made here"):
        await opened(pool, vault, box, box.opening(first + b"x", 2, secrets.token_bytes(32)))


async def test_an_uplink_key_that_may_be_stolen_is_forgotten_at_once(
        pool: Pool, vault: Vault, root: Path, database_url: str) -> None:
    box, first = await enrolled(pool, vault)
    await make_document(database_url, vault, root, destroys=True)
    answer = await opened(pool, vault, box, box.opening(first, 2, secrets.token_bytes(32)))
    document, = enrolment.decode_chain(answer)
    trust = enrolment.kept_trust(named_root(document), document)
    assert trust.number == 2 and len(trust.order_keys) == 1
    async with pool.connection() as connection:
        seed = await order_seed(connection, vault)
    assert seed is not None and (SodiumSigner.public(seed),) == trust.order_keys


async def test_the_document_before_is_good_for_an_archives_length_and_then_forgotten(
        pool: Pool, vault: Vault, root: Path, database_url: str) -> None:
    await make_document(database_url, vault, root)

    async def kept() -> list[int]:
        await forget(pool)
        with psycopg.connect(database_url) as plain:
            return [number for number, in plain.execute(
                "select number from trust_document where uplink_secret_sealed is not null"
                " order by number").fetchall()]

    assert await kept() == [1, 2]
    with psycopg.connect(database_url) as plain:
        plain.execute("update trust_document set made_at = now() - interval '53 days'"
                      " where number = 1")
    assert await kept() == [1, 2], "it is how long ago it was followed that counts"
    with psycopg.connect(database_url) as plain:
        plain.execute("update trust_document set made_at = now() - interval '53 days'")
    assert await kept() == [2], "and the newest stays, however old"


def secrets_in(url: str, vault: Vault) -> list[bytes]:
    """Every secret of 32 bytes that somebody has who stole the database and the key file."""
    found = []
    with psycopg.connect(url) as plain:
        for table, column in plain.execute(
                "select table_name, column_name from information_schema.columns"
                " where table_schema = 'public' and data_type = 'bytea'").fetchall():
            for value, in plain.execute(
                    'select "%s" from "%s" where "%s" is not null' % (  # type: ignore[arg-type]
                        column, table, column)).fetchall():
                found.append(bytes(value))
    opened = [vault._box.decrypt(one) for one in found if _opens(vault, one)]
    texts = [bytes.fromhex(one.partition(b"\0")[2].decode()) for one in opened
             if one.startswith(b"uplink key")]
    keys = [one[10:42] for one in opened if len(one) == 98] + [one[54:86] for one in opened
                                                               if len(one) == 98]
    return texts + keys + [one for one in found if len(one) == 32]


def _opens(vault: Vault, sealed: bytes) -> bool:
    try:
        vault._box.decrypt(sealed)
    except Exception:
        return False
    return True


def can_open(stolen: list[bytes], box: Box, trust: bytes, opening: bytes, recorded: bytes) -> bool:
    """Whether any of the stolen secrets opens what was recorded at the broker: as a key of the
    message, or as one side's half of the agreement."""
    said = enrolment.open_opening(VERIFIER, box.key, opening)
    halves = (said.ephemeral_key, parts(trust)[1])
    tried = [DirectionKey(one, _iv) for one in stolen for _iv in (bytes(12),)]
    for one in stolen:
        for other in halves:
            try:
                tried += enrolment.epoch_keys(
                    SodiumAgreement(), one, other, trust, box.id, said.epoch)
            except NotGenuine:
                continue
    for key in tried:
        try:
            cose.unseal(SodiumCipher(), key, recorded, UP, "default", BATCH)
        except NotGenuine:
            continue
        return True
    return False


async def test_what_is_stored_opens_nothing_that_was_sealed_before_two_epochs_and_two_documents(
        pool: Pool, vault: Vault, root: Path, database_url: str) -> None:
    """The premise first: while the epoch is in use, whoever steals all of it opens its messages."""
    box, trust = await enrolled(pool, vault)
    secret = secrets.token_bytes(32)
    opening = box.opening(trust, 2, secret)
    await opened(pool, vault, box, opening)
    up, _ = enrolment.epoch_keys(SodiumAgreement(), secret, parts(trust)[1], trust, box.id, 2)
    recorded = cose.seal(SodiumCipher(), up, cose.key_id(box.id, 2), 7, b"a reading", UP,
                         "default", BATCH)
    use(database_url, 2)
    await forget(pool)
    assert can_open(secrets_in(database_url, vault), box, trust, opening, recorded)

    await make_document(database_url, vault, root)
    for epoch in (3, 4):
        secret = secrets.token_bytes(32)
        await opened(pool, vault, box, box.opening(trust, epoch, secret))
        use(database_url, epoch)
    await forget(pool)
    assert can_open(secrets_in(database_url, vault), box, trust, opening, recorded), (
        "the uplink key is still there, for those who were away")
    await make_document(database_url, vault, root)
    stolen = secrets_in(database_url, vault)
    assert len(stolen) >= 6, "two uplink keys, and two keys of each of two epochs"
    assert not can_open(stolen, box, trust, opening, recorded)


async def test_keys_of_an_epoch_are_forgotten_when_two_others_are_in_use_and_not_before(
        pool: Pool, vault: Vault, root: Path, database_url: str) -> None:
    box, trust = await enrolled(pool, vault)

    async def left() -> list[int]:
        await forget(pool)
        with psycopg.connect(database_url) as plain:
            return [epoch for epoch, in plain.execute(
                "select epoch from concentrator_epoch order by 1").fetchall()]

    use(database_url, 1)
    for epoch in (2, 3, 4):
        await opened(pool, vault, box, box.opening(trust, epoch, secrets.token_bytes(32)))
    assert await left() == [1, 2, 3, 4], "nobody knows whether 2, 3 and 4 have arrived"
    use(database_url, 3)
    assert await left() == [1, 2, 3, 4], "messages of 1 may be on their way"
    use(database_url, 4)
    assert await left() == [3, 4]
    with pytest.raises(ClaimRefused, match="epoch 4 is there"):
        await opened(pool, vault, box, box.opening(trust, 2, secrets.token_bytes(32)))


async def test_a_new_password_is_in_force_when_it_has_arrived_and_the_old_one_until_then(
        pool: Pool, vault: Vault, root: Path, database_url: str) -> None:
    box, trust = await enrolled(pool, vault)

    async def hashed() -> str:
        async with pool.connection() as connection:
            (account,), _ = await accounts_now(connection)
        return account.password_hash

    async def asked(epoch: int) -> str | None:
        secret = secrets.token_bytes(32)
        return box.check(await opened(pool, vault, box, box.opening(trust, epoch, secret)),
                         trust, epoch, secret).broker_password

    old = await hashed()
    assert await asked(2) is None, "it is not due"
    use(database_url, 2)
    assert await make_due(database_url, "default") == 0
    first = await asked(3)
    assert first is not None and await hashed() == old
    assert await asked(4) == first, "the answer may have been lost: the same one again"
    use(database_url, 2)
    assert await hashed() == old, "keys of before say nothing"
    use(database_url, 4)
    new = await hashed()
    assert new != old
    assert await asked(5) is None and await hashed() == new
    with psycopg.connect(database_url) as plain:
        plain.execute("update concentrator set broker_password_at = now() - interval '31 days'")
    second = await asked(6)
    assert second not in (None, first)
    assert await hashed() == new, "not before epoch 6 is used"
