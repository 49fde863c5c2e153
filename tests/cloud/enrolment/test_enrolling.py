"""The head-end's side of enrolment on a real database: who is let in, and everybody who is not."""

import asyncio
import secrets
from pathlib import Path

import psycopg
import pytest

from wum_cloud.audit.acts import Actor
from wum_cloud.audit.commands import verify
from wum_cloud.database import Pool
from wum_cloud.enrolment.accounts import accounts_now
from wum_cloud.enrolment.claims.claiming import (
    ClaimRefused,
    Wanted,
    answer_request,
    claim,
    withdraw,
)
from wum_cloud.enrolment.commands import revoke_concentrator
from wum_cloud.enrolment.epochs import Opener
from wum_cloud.enrolment.trust.documents import make_document
from wum_cloud.registry.cipher import (
    SodiumAgreement,
    SodiumCipher,
    SodiumSigner,
)
from wum_cloud.registry.keys import KeyFileError, Vault
from wum_cloud.registry.reach import Reach
from wum_cloud.registry.store import senders
from wum_shared import enrolment
from wum_shared.claim import code_to_text, secrets_of
from wum_shared.errors import NotGenuine
from wum_shared.ids import concentrator_id

HERE = Reach(1)
INES = Actor(1, "ines", "::1")


class Box:
    """A concentrator out of its box."""

    def __init__(self) -> None:
        self.code = secrets.token_bytes(16)
        self.seed = secrets.token_bytes(32)
        self.key = SodiumSigner.public(self.seed)
        self.id = concentrator_id(self.key)
        self.secrets = secrets_of(self.code)
        self.nonce = secrets.token_bytes(16)

    def request(self) -> bytes:
        return enrolment.make_request(
            SodiumSigner(), self.seed, self.key, self.secrets, self.nonce)

    def grant(self, sealed: bytes) -> enrolment.Grant:
        return enrolment.open_grant(SodiumCipher(), self.secrets, self.nonce, sealed)

    def opening(self, trust: bytes, epoch: int, secret: bytes) -> bytes:
        return enrolment.make_opening(
            SodiumSigner(), self.seed, self.id, epoch, trust, SodiumAgreement().public(secret))

    def check(self, answer: bytes, trust: bytes, epoch: int, secret: bytes) -> bytes:
        """The newest trust document, from an answer that is good."""
        uplink = _parts(trust)[1]
        _, down = enrolment.epoch_keys(
            SodiumAgreement(), secret, uplink, trust, self.id, epoch)
        return enrolment.check_opened(
            SodiumCipher(), down, self.id, epoch, "default", answer)


def _parts(trust: bytes) -> tuple[int, bytes]:
    from wum_shared import cbor, cose
    _, number, key, _ = cbor.decode(cose.peek_signed(trust)[1])  # type: ignore[misc]
    return number, key  # type: ignore[return-value]


@pytest.fixture
async def root(database_url: str, vault: Vault, tmp_path: Path) -> Path:
    """The root's key, and a first trust document."""
    assert await make_document(database_url, vault, tmp_path / "root.key") == 1
    return tmp_path / "root.key"


async def claimed(pool: Pool, vault: Vault, box: Box, name: str = "cabinet", **more: object) -> int:
    async with pool.connection() as connection:
        return await claim(connection, vault, HERE, INES, Wanted(
            code_to_text(box.code), name, **more))  # type: ignore[arg-type]


async def request(pool: Pool, vault: Vault, box: Box) -> enrolment.Grant:
    async with pool.connection() as connection:
        topic, sealed = await answer_request(connection, vault, box.secrets.name, box.request())
    assert topic == "wum/0/%s/down/enrol" % box.secrets.name.hex()
    return box.grant(sealed)


async def opened(pool: Pool, vault: Vault, box: Box, message: bytes) -> bytes:
    async with pool.connection() as connection:
        topic, sealed = await Opener(vault).answer(connection, box.id, message)
    assert topic == "wum/0/%s/down/enrol" % box.id.hex()
    return sealed


async def users(pool: Pool) -> set[str]:
    async with pool.connection() as connection:
        accounts, _ = await accounts_now(connection)
    return {account.device_id.hex() for account in accounts}


async def test_a_code_lets_its_concentrator_in_once_and_is_burned(
        pool: Pool, vault: Vault, root: Path, database_url: str) -> None:
    box, secret = Box(), secrets.token_bytes(32)
    number = await claimed(pool, vault, box)
    assert await users(pool) == {box.secrets.name.hex()}
    grant = await request(pool, vault, box)
    assert await users(pool) == {box.secrets.name.hex(), box.id.hex()}
    sealed = await opened(pool, vault, box, box.opening(grant.trust, 1, secret))
    assert box.check(sealed, grant.trust, 1, secret) == grant.trust
    assert await users(pool) == {box.id.hex()}
    async with pool.connection() as connection:
        found = await senders(connection, [(box.id, 1), (box.id, 0)])
        assert list(found) == [(box.id, 1)]
        up, _ = vault.open(box.id, 1, found[box.id, 1].sealed_keys)
    assert up == enrolment.epoch_keys(
        SodiumAgreement(), secret, _parts(grant.trust)[1], grant.trust, box.id, 1)[0]
    with pytest.raises(ClaimRefused, match="no open claim"):
        await request(pool, vault, box)
    with pytest.raises(ClaimRefused, match="typed in before"):
        await claimed(pool, vault, box, "another")
    with psycopg.connect(database_url) as connection:
        kept = connection.execute("select * from claim").fetchall()
        acts = [row[0] for row in connection.execute(
            "select act from audit_entry where chain = 1 order by number").fetchall()]
    assert len(kept) == number == 1 and str(kept).count("None") >= 3
    assert box.code not in [bytes(x) for x in kept[0] if isinstance(x, bytes)]
    assert acts == ["concentrator claimed", "concentrator let in", "epoch opened"]
    assert await verify(database_url, None) == 0


async def test_an_answer_that_was_lost_is_given_again_and_not_for_ever(
        pool: Pool, vault: Vault, root: Path) -> None:
    box = Box()
    await claimed(pool, vault, box)
    grants = [await request(pool, vault, box) for _ in range(enrolment.GRANTS_MAX)]
    assert len({grant.broker_password for grant in grants}) == 1
    with pytest.raises(ClaimRefused, match="no more"):
        await request(pool, vault, box)


async def test_a_code_that_somebody_else_has_used_is_no_longer_good(
        pool: Pool, vault: Vault, root: Path) -> None:
    box, thief = Box(), Box()
    thief.code, thief.secrets = box.code, box.secrets
    await claimed(pool, vault, box)
    await request(pool, vault, thief)
    with pytest.raises(ClaimRefused, match="another identity"):
        await request(pool, vault, box)


async def test_without_the_code_nobody_is_let_in(pool: Pool, vault: Vault, root: Path) -> None:
    box, stranger = Box(), Box()
    with pytest.raises(ClaimRefused, match="no open claim"):
        await request(pool, vault, box)
    await claimed(pool, vault, box)
    async with pool.connection() as connection:
        with pytest.raises(NotGenuine):
            await answer_request(connection, vault, box.secrets.name, stranger.request())
    assert await users(pool) == {box.secrets.name.hex()}, "nothing was registered"


async def test_a_claim_ends_and_can_be_taken_back(
        pool: Pool, vault: Vault, root: Path, database_url: str) -> None:
    box, other = Box(), Box()
    number = await claimed(pool, vault, box)
    await claimed(pool, vault, other, "other")
    async with pool.connection() as connection:
        assert not await withdraw(connection, Reach(2), INES, number), "another tenant's"
        assert await withdraw(connection, HERE, INES, number)
        assert not await withdraw(connection, HERE, INES, number)
    with psycopg.connect(database_url) as plain:
        plain.execute("update claim set ends_at = now()")
    for one in (box, other):
        with pytest.raises(ClaimRefused, match="no open claim"):
            await request(pool, vault, one)
    assert await users(pool) == set()


@pytest.mark.parametrize(("wanted", "why"), [
    (Wanted("ABCD", "cabinet"), "wanted 28"), (Wanted("7" * 28, "cabinet"), "is wrong"),
    (Wanted("", "cabinet"), "wanted 28"),
    (Wanted(code_to_text(bytes(16)), ""), "1..64"),
    (Wanted(code_to_text(bytes(16)), "x" * 65), "1..64"),
    (Wanted(code_to_text(bytes(16)), "cabinet", "Nowhere"), "no site"),
    (Wanted(code_to_text(bytes(16)), "cabinet", None, 0), "hours"),
])
async def test_a_claim_that_cannot_be_is_refused_with_the_reason(
        pool: Pool, vault: Vault, root: Path, wanted: Wanted, why: str) -> None:
    async with pool.connection() as connection:
        with pytest.raises(ClaimRefused, match=why):
            await claim(connection, vault, HERE, INES, wanted)


async def test_who_sees_a_branch_claims_for_that_branch_alone(
        pool: Pool, vault: Vault, root: Path, database_url: str) -> None:
    with psycopg.connect(database_url) as plain:
        (site,), (other,) = plain.execute(
            "insert into site (tenant_id, name) values (1, 'Here'), (1, 'There')"
            " returning site_id").fetchall()
    async with pool.connection() as connection:
        for place in (None, "There"):
            with pytest.raises(ClaimRefused):
                await claim(connection, vault, Reach(1, site), INES, Wanted(
                    code_to_text(bytes(16)), "cabinet", place))
        assert await claim(connection, vault, Reach(1, site), INES, Wanted(
            code_to_text(bytes(16)), "cabinet", "Here"))
        assert not await withdraw(connection, Reach(1, other), INES, 1)


async def enrolled(pool: Pool, vault: Vault) -> tuple[Box, bytes]:
    """A concentrator with the keys of epoch 1, and its trust document."""
    box = Box()
    await claimed(pool, vault, box, box.id.hex())
    trust = (await request(pool, vault, box)).trust
    await opened(pool, vault, box, box.opening(trust, 1, secrets.token_bytes(32)))
    return box, trust


async def test_both_epochs_are_good_while_keys_rotate(
        pool: Pool, vault: Vault, root: Path) -> None:
    box, trust = await enrolled(pool, vault)
    await opened(pool, vault, box, box.opening(trust, 2, secrets.token_bytes(32)))
    async with pool.connection() as connection:
        assert set(await senders(connection, [(box.id, 1), (box.id, 2)])) == {
            (box.id, 1), (box.id, 2)}


async def test_an_opening_is_answered_again_and_no_other_takes_its_place(
        pool: Pool, vault: Vault, root: Path) -> None:
    box, trust = await enrolled(pool, vault)
    secret = secrets.token_bytes(32)
    message = box.opening(trust, 3, secret)
    for _ in range(2):
        box.check(await opened(pool, vault, box, message), trust, 3, secret)
    for epoch in (3, 2, 1):
        with pytest.raises(ClaimRefused, match="epoch 3 is there"):
            await opened(pool, vault, box, box.opening(trust, epoch, secrets.token_bytes(32)))


async def test_the_head_ends_key_rotates_and_two_are_good(
        pool: Pool, vault: Vault, root: Path, database_url: str) -> None:
    box, first = await enrolled(pool, vault)
    assert await make_document(database_url, vault, root) == 2
    secret = secrets.token_bytes(32)
    second = box.check(
        await opened(pool, vault, box, box.opening(first, 2, secret)), first, 2, secret)
    assert _parts(second)[0] == 2 and _parts(second)[1] != _parts(first)[1]
    secret = secrets.token_bytes(32)
    box.check(await opened(pool, vault, box, box.opening(second, 3, secret)), second, 3, secret)
    assert await make_document(database_url, vault, root) == 3
    with pytest.raises(ClaimRefused, match="neither the newest nor the one before"):
        await opened(pool, vault, box, box.opening(first, 4, secret))


async def test_another_root_makes_no_trust_document(
        vault: Vault, root: Path, database_url: str, tmp_path: Path) -> None:
    other = tmp_path / "other.key"
    with pytest.raises(KeyFileError, match="not the root's key"):
        await make_document(database_url, vault, other)
    assert not other.exists(), "a root that nobody needs is not left behind"
    root.chmod(0o644)
    with pytest.raises(KeyFileError, match="chmod 600"):
        await make_document(database_url, vault, root)


async def test_who_was_revoked_is_nobody_at_the_broker_at_ingest_and_here(
        pool: Pool, vault: Vault, root: Path) -> None:
    box, trust = await enrolled(pool, vault)
    async with pool.connection() as connection:
        assert not await revoke_concentrator(connection, Reach(2), INES, box.id)
        assert await revoke_concentrator(connection, HERE, INES, box.id)
        assert await senders(connection, [(box.id, 1)]) == {}
    assert await users(pool) == set()
    with pytest.raises(ClaimRefused, match="revoked"):
        await opened(pool, vault, box, box.opening(trust, 2, secrets.token_bytes(32)))


async def test_two_claims_of_one_name_let_both_in(
        pool: Pool, vault: Vault, root: Path, database_url: str) -> None:
    boxes = [Box(), Box()]
    for box in boxes:
        await claimed(pool, vault, box, "the same")
    for box in boxes:
        await request(pool, vault, box)
    with psycopg.connect(database_url) as plain:
        names = plain.execute("select name from concentrator order by registered_at").fetchall()
    assert names == [("the same",), (boxes[1].id.hex(),)]


async def test_two_that_come_with_one_code_at_once_are_not_both_let_in(
        pool: Pool, vault: Vault, root: Path) -> None:
    box, thief = Box(), Box()
    thief.code, thief.secrets = box.code, box.secrets
    await claimed(pool, vault, box)
    done = await asyncio.gather(
        request(pool, vault, box), request(pool, vault, thief), return_exceptions=True)
    assert sum([isinstance(one, ClaimRefused) for one in done]) == 1
    assert len(await users(pool)) == 2
