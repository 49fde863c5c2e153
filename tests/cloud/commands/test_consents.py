"""Above a concentrator's cap approvers sign with keys that the head-end has not."""

import secrets
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.cloud.commands.test_commands import DORA, HERE, OTTO
from tests.cloud.commands.test_groups import Groups
from wum_cloud.commands.consents import giving
from wum_cloud.commands.consents.giving import Given
from wum_cloud.commands.kinds import CommandRefused
from wum_cloud.commands.requesting import CAP, Requested
from wum_cloud.database import Pool
from wum_cloud.enrolment.trust.documents import Approvers, approvers_of, make_document
from wum_cloud.registry.cipher import SodiumSigner, SodiumVerifier
from wum_cloud.registry.keys import KeyFileError, Vault
from wum_cloud.registry.reach import Reach
from wum_shared import orders
from wum_shared.consent import consenting, decode_consent, sign_consent

SEEDS = [secrets.token_bytes(32) for _ in range(3)]
KEYS = tuple(SodiumSigner.public(seed) for seed in SEEDS)
ABOVE = CAP + 1


class Consents(Groups):
    """The root names two approvers, and both have to sign."""

    async def name(self, folder: Path, approvers: Approvers | None) -> None:
        await make_document(self.url, self.vault, folder / "root.key", approvers=approvers)

    async def wanted(self, made: Requested) -> list[giving.ToSign]:
        async with self.pool.connection() as connection:
            found = await giving.to_sign(connection, HERE, made.request_id)
        assert found is not None
        return found

    def signed(self, wanted: list[giving.ToSign], seed: bytes) -> dict[int, bytes]:
        return {one.command.command_id: sign_consent(
            SodiumSigner(), seed, SodiumSigner.public(seed), decode_consent(one.to_sign))
            for one in wanted}

    async def give(self, made: Requested, signatures: dict[int, bytes], **more: Any,
                   ) -> Given | None:
        actor = more.get("actor", OTTO)
        async with self.pool.connection() as connection:
            return await giving.give(connection, more.get("reach", HERE), actor, actor.name,
                                     made.request_id, signatures)


@pytest.fixture
async def bench(database_url: str, pool: Pool, vault: Vault, tmp_path: Path) -> Consents:
    bench = Consents(database_url, pool, vault)
    await bench.prepare(tmp_path)
    await bench.name(tmp_path, Approvers(KEYS[:2], 2))
    return bench


async def test_nothing_is_sent_before_as_many_approvers_have_signed_as_the_root_wants(
        bench: Consents) -> None:
    made = await bench.request("disconnect", ABOVE)
    with pytest.raises(CommandRefused, match="2 approvers have to sign.*0 have"):
        await bench.approve(made.request_id, OTTO)
    wanted = await bench.wanted(made)
    assert len(wanted) == ABOVE and {(one.wanted, one.given) for one in wanted} == {(2, 0)}
    assert await bench.give(made, bench.signed(wanted, SEEDS[0])) == Given(ABOVE, 0)
    assert await bench.give(made, bench.signed(wanted, SEEDS[0])) == Given(0, 0), "the same again"
    with pytest.raises(CommandRefused, match="1 have"):
        await bench.approve(made.request_id, OTTO)
    assert await bench.sent() == []
    last = bench.signed(wanted, SEEDS[1])
    some = dict(list(last.items())[:-1])
    assert await bench.give(made, some) == Given(ABOVE - 1, 0), "one is left"
    assert await bench.give(made, last) == Given(1, ABOVE)
    found = await bench.sent()
    assert len(found) == ABOVE
    for order, signed in found:
        assert consenting(SodiumVerifier(), KEYS[:2], bench.device.id, order,
                          orders.consents_of(signed)) == 2
    entries = bench.ask("select act from audit_entry where act like 'command%%' order by number")
    assert entries == ["command requested", *["command consented"] * 4, "command approved"]


async def test_what_is_forged_of_another_or_by_the_one_who_asked_is_refused_whole(
        bench: Consents) -> None:
    made = await bench.request("disconnect", ABOVE)
    wanted = await bench.wanted(made)
    good = bench.signed(wanted, SEEDS[0])
    first, second = list(good)[:2]
    for wrong, words in (
            ({**good, second: good[first]}, "command %d is of something else" % second),
            (bench.signed(wanted, SEEDS[2]), "does not name as an approver"),
            ({first: good[first][:-1] + bytes([good[first][-1] ^ 1])}, "The signature of command"),
            ({first: b"noise"}, "The signature of command"),
            ({10**6: good[first]}, "waits for no signature")):
        with pytest.raises(CommandRefused, match=words):
            await bench.give(made, wrong)
    with pytest.raises(CommandRefused, match="You asked for it yourself"):
        await bench.give(made, good, actor=DORA)
    assert await bench.give(made, good, reach=Reach(2)) is None
    assert bench.ask("select count(*) from command_consent") == [0]
    with pytest.raises(psycopg.errors.CheckViolation, match="wants 2 consents"):
        bench.do("update command set state = 'approved', approved_by = 'otto',"
                 " approved_at = now() where command_id = %s", first)


async def test_below_the_cap_and_where_no_approver_is_named_all_is_as_before(
        bench: Consents, tmp_path: Path) -> None:
    below = await bench.request("disconnect", CAP)
    assert not below.needs_approval and len(await bench.sent()) == CAP
    session = await bench.request("session", values={"seconds": 60})
    assert await bench.approve(session.request_id, OTTO) == 1, "takes no power"
    assert await bench.wanted(session) == []
    with pytest.raises(CommandRefused, match="Nothing of request"):
        await bench.give(session, {session.command_ids[0]: b"x"})
    await bench.name(tmp_path, None)
    (kept,) = bench.ask("select signed from trust_document order by number desc limit 1")
    assert KEYS[0] in kept, "those of before stay"
    await bench.name(tmp_path, Approvers((), 0))
    made = await bench.request("limit", 1, values={"value": 5, "exponent": 3})
    assert made.needs_approval and await bench.approve(made.request_id, OTTO) == 1
    await bench.desk.step(bench.pool)
    (signed,) = bench.ask("select o.signed from command_order o join command c using (command_id)"
                          " where c.kind = %s", orders.LIMIT)
    assert orders.consents_of(signed) == []


async def test_of_a_group_one_signature_is_under_the_one_order(bench: Consents) -> None:
    await bench.group(*["M-%d" % n for n in range(ABOVE)])
    member = await bench.joined()
    made = await bench.switch()
    wanted = await bench.wanted(made)
    assert {decode_consent(one.to_sign).to for one in wanted} == {member.group}
    assert len({one.to_sign for one in wanted}) == 1
    for seed in SEEDS[:2]:
        await bench.give(made, bench.signed(wanted, seed))
    ((order, signed),) = await bench.sent()
    assert order.to == member.group
    assert consenting(SodiumVerifier(), KEYS[:2], bench.device.id, order,
                      orders.consents_of(signed)) == 2


def test_approvers_are_named_as_the_workbench_prints_them() -> None:
    keys = [key.hex() for key in KEYS]
    assert approvers_of(None, 1) is None
    assert approvers_of(["none"], 1) == Approvers((), 0)
    assert approvers_of(keys[:2], 2) == Approvers(KEYS[:2], 2)
    for given, consents, words in ((["xy"], 1, "64 hexadecimal"), (keys[:1] * 2, 1, "different"),
                                   (keys[:1], 2, "wanted 1..1"), (keys, 0, "wanted 1..3")):
        with pytest.raises(KeyFileError, match=words):
            approvers_of(given, consents)
