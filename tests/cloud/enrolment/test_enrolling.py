"""The head-end's side of enrolment on a real database: who is let in, and everybody who is not."""

import asyncio
import secrets
from pathlib import Path

import psycopg
import pytest

from tests.cloud.enrolment.box import (
    FIRST,
    HERE,
    INES,
    Box,
    claimed,
    enrolled,
    opened,
    parts,
    request,
    users,
)
from wum_cloud.audit.commands import verify
from wum_cloud.database import Pool
from wum_cloud.enrolment.claims.claiming import (
    ClaimRefused,
    Wanted,
    answer_request,
    claim,
    withdraw,
)
from wum_cloud.enrolment.commands import revoke_concentrator
from wum_cloud.enrolment.trust.documents import make_document
from wum_cloud.registry.cipher import (
    SodiumAgreement,
)
from wum_cloud.registry.keys import KeyFileError, Vault
from wum_cloud.registry.reach import Reach
from wum_cloud.registry.store import senders
from wum_shared import enrolment
from wum_shared.claim import code_to_text
from wum_shared.errors import NotGenuine


async def test_a_code_lets_its_concentrator_in_once_and_is_burned(
        pool: Pool, vault: Vault, root: Path, database_url: str) -> None:
    box, secret = Box(), secrets.token_bytes(32)
    number = await claimed(pool, vault, box)
    assert await users(pool) == {box.secrets.name.hex()}
    grant = await request(pool, vault, box)
    assert await users(pool) == {box.secrets.name.hex(), box.id.hex()}
    sealed = await opened(pool, vault, box, box.opening(grant.trust, 1, secret))
    assert box.check(sealed, grant.trust, 1, secret) == enrolment.Opened([], None)
    assert await users(pool) == {box.id.hex()}
    async with pool.connection() as connection:
        found = await senders(connection, [(box.id, 1), (box.id, 0)])
        assert list(found) == [(box.id, 1)]
        up, _ = vault.open(box.id, 1, found[box.id, 1].sealed_keys)
    assert up == enrolment.epoch_keys(
        SodiumAgreement(), secret, parts(grant.trust)[1], grant.trust, box.id, 1)[0]
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
            await answer_request(connection, vault, box.secrets.name, stranger.request(), FIRST)
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
