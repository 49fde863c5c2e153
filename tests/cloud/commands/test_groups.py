"""Orders to groups on a real database: one signature, and a state for each meter."""

from pathlib import Path

import pytest

from tests.cloud.commands.test_commands import CHALLENGE, DORA, HERE, Bench, Device
from wum_cloud.commands import requesting, store
from wum_cloud.commands.groups import managing
from wum_cloud.commands.groups.store import Group
from wum_cloud.commands.kinds import CommandRefused
from wum_cloud.commands.requesting import Requested, Wanted
from wum_cloud.database import Pool, connect
from wum_cloud.registry import store as registry
from wum_cloud.registry.cipher import SodiumCipher, SodiumVerifier
from wum_cloud.registry.keys import Vault
from wum_cloud.registry.reach import Reach
from wum_shared import cose, orders
from wum_shared.groups import Membership, MeterResult, decode_memberships, encode_results
from wum_shared.messages import Registration
from wum_shared.order_kinds import decode_arguments
from wum_shared.orders import Order


class Groups(Bench):
    """A group of three of the bench's meters."""

    async def group(self, *serials: str, **more: object) -> Group:
        async with self.pool.connection() as connection:
            return await managing.set_group(
                connection, HERE, DORA, "boilers", list(serials or ("M-0", "M-1", "M-2")),
                **more)  # type: ignore[arg-type]

    async def memberships(self) -> tuple[Order, bytes, list[Membership]]:
        """What the concentrator is told of its groups."""
        ((order, signed),) = [one for one in await self.sent() if one[0].kind == orders.GROUP]
        plain = cose.unseal(SodiumCipher(), self.device.down, order.arguments, "down", "default",
                            "groups")
        return order, signed, decode_memberships(plain)

    async def joined(self) -> Membership:
        """The concentrator says that it is a member."""
        await self.sent()
        self.do("update command set due_at = now() where kind = 12")
        order, signed, (member,) = await self.memberships()
        await self.told(order, signed, orders.DONE)
        return member

    async def switch(self, kind: str = "disconnect", **more: object) -> Requested:
        async with self.pool.connection() as connection:
            return await requesting.request(connection, HERE, DORA, DORA.name, Wanted(
                kind, [], "a hot day", group="boilers", **more))  # type: ignore[arg-type]

    async def another(self) -> int:
        """A second concentrator."""
        device = Device()
        async with await connect(self.url) as connection:
            number = await registry.save_concentrator(
                connection, Registration(device.id, device.key, "default", 1, device.up,
                                         device.down, "x" * 16),
                tenant=1, name="other", site=None, password_hash="$")
            await registry.save_keys(connection, number, 1, self.vault.seal(
                device.id, 1, device.up, device.down))
        return number

    def switched(self) -> list[tuple[str, str]]:
        return self.ask("select m.serial, c.state from command c join meter m using (meter_id)"
                        " order by command_id")


@pytest.fixture
async def bench(database_url: str, pool: Pool, vault: Vault, tmp_path: Path) -> Groups:
    bench = Groups(database_url, pool, vault)
    await bench.prepare(tmp_path)
    return bench


async def test_a_concentrator_is_told_its_groups_and_what_is_kept_of_it_opens_nothing(
        bench: Groups) -> None:
    made = await bench.group()
    assert (made.meters, made.concentrators, made.confirmed) == (3, 1, 0)
    order, signed, (member,) = await bench.memberships()
    assert member.meters == ("M-0", "M-1", "M-2") and member.version == made.version
    await bench.told(order, signed, orders.DONE)
    async with bench.pool.connection() as connection:
        _, members = await managing.members_of(connection, HERE, "boilers")
    assert all(one.is_confirmed for one in members)
    for table in ("command", "command_order", "command_receipt", "command_group"):
        (kept,) = bench.ask("select string_agg(x::text, '') from %s x" % table)
        assert member.key.key.hex() not in kept


async def test_who_has_other_keys_than_its_groups_were_sealed_with_is_told_anew_at_once(
        bench: Groups) -> None:
    due = "select round(extract(epoch from due_at - now()))::int, epoch from command_group_notice"
    await bench.group()
    order, signed, _ = await bench.memberships()
    await bench.told(order, signed, orders.REFUSED, orders.ARGUMENTS)
    assert bench.ask(due) == [(3600, None)]              # Not for its keys: not at once.
    (number,) = bench.ask("select concentrator_id from concentrator")
    async with bench.pool.connection() as connection:
        await registry.save_keys(connection, number, 2, bench.vault.seal(
            bench.device.id, 2, bench.device.up, bench.device.down))
    for reason, found in ((orders.FLASH_REFUSES, (3600, None)), (orders.ARGUMENTS, (0, 1))):
        bench.do("update command_group_notice set due_at = now()")
        await bench.desk.step(bench.pool)
        command, sealed, signed = bench.ask(
            "select c.command_id, c.arguments, o.signed from command c join command_order o"
            " using (command_id) order by 1 desc limit 1")[0]
        assert cose.peek(sealed)[1] == 2, "with the newest, which it has mostly"
        order = orders.open_order(SodiumVerifier(), (bench.order_key,), signed)
        await bench.told(order, signed, orders.REFUSED, reason)
        assert bench.ask(due) == [found], "its receipt is of epoch 1"
    await bench.desk.step(bench.pool)
    (sealed,) = bench.ask("select arguments from command order by command_id desc limit 1")
    assert cose.peek(sealed)[1] == 1
    assert bench.ask("select due_at, epoch from command_group_notice") == [(None, None)]


@pytest.mark.parametrize("state", ["unknown", "expired", "withdrawn"])
async def test_who_may_not_have_heard_of_its_groups_is_told_anew(
        bench: Groups, state: str) -> None:
    await bench.group()
    order, signed, _ = await bench.memberships()
    if state == "unknown":               # Its power failed while it wrote them down.
        await bench.told(order, signed, orders.UNKNOWN, orders.ARGUMENTS)
    else:
        bench.do("update command set state = '%s', ended_at = now()" % state)
    assert bench.ask("select state from command") == [state]
    told = "select count(*) from command where kind = 12"
    assert bench.ask(told) == [1]
    for _ in range(2):                   # Once: what was told now may still be heard.
        await bench.desk.step(bench.pool)
        assert bench.ask(told) == [2]
    (signed,) = bench.ask("select signed from command_order order by command_id desc limit 1")
    another = orders.open_order(SodiumVerifier(), (bench.order_key,), signed)
    await bench.told(another, signed, orders.DONE)
    await bench.desk.step(bench.pool)
    assert bench.ask(told) == [2]
    assert bench.ask("select is_confirmed from command_group_member") == [True]


async def test_one_order_is_signed_for_a_group_and_each_meter_has_its_own_true_state(
        bench: Groups) -> None:
    await bench.group()
    member = await bench.joined()
    await bench.switch()
    ((order, signed),) = await bench.sent()
    assert order.to == member.group and order.fresh is None
    assert decode_arguments(order.kind, order.arguments) == [member.reference()]
    await bench.told(order, signed, orders.RECEIVED)
    assert {state for _, state in bench.switched()} == {"received"}
    await bench.told(order, signed, orders.UNKNOWN, orders.METER_FAILED, content=encode_results([
        MeterResult("M-0", orders.DONE, 0, ""), MeterResult("M-1", orders.UNKNOWN, 11, "?")]))
    assert bench.switched() == [("M-0", "done"), ("M-1", "unknown"), ("M-2", "failed")]
    bench.due()
    assert await bench.sent() == [(order, signed)]          # Asked for the one that nobody knows.
    assert "does not count" in bench.ask(
        "select told from command c join meter m using (meter_id) where serial = 'M-2'")[0]


async def test_a_member_that_wants_a_proof_gets_the_same_act_alone(bench: Groups) -> None:
    await bench.group()
    await bench.joined()
    await bench.switch()
    ((order, signed),) = await bench.sent()
    await bench.told(order, signed, orders.AGAIN, orders.PROVE_FRESH)
    ((alone, again),) = await bench.sent()
    assert (alone.to, alone.id, alone.fresh) == (bench.device.id, order.id, CHALLENGE)
    assert alone.sequence > order.sequence and alone.arguments == order.arguments
    await bench.told(alone, again, orders.DONE, content=encode_results(
        [MeterResult("M-%d" % n, orders.DONE, 0, "") for n in range(3)]))
    assert {state for _, state in bench.switched()} == {"done"}


async def test_who_has_not_said_that_it_is_a_member_is_ordered_alone(bench: Groups) -> None:
    await bench.group()
    await bench.switch("reconnect")
    found = [order for order, _ in await bench.sent() if order.kind == orders.RECONNECT]
    assert [one.to for one in found] == [bench.device.id] * 3
    assert sorted(str(decode_arguments(one.kind, one.arguments)[0]) for one in found) == [
        "M-0", "M-1", "M-2"]


async def test_a_meter_that_leaves_is_in_no_order_that_is_signed_after_it(bench: Groups) -> None:
    await bench.group()
    before = await bench.joined()
    made = await bench.group("M-0", "M-1")
    assert made.version == before.version + 1 and made.confirmed == 0
    after = await bench.joined()
    assert after.meters == ("M-0", "M-1") and after.key != before.key
    await bench.switch()
    bench.do("update command_group set version = version + 1")      # Changed as it was asked for.
    ((order, _),) = await bench.sent()
    assert order.to == bench.device.id            # The version that was meant, or nothing.
    assert decode_arguments(order.kind, order.arguments) == [after.reference()]


async def test_a_meter_that_moves_behind_another_concentrator_changes_the_version(
        bench: Groups) -> None:
    made = await bench.group()
    await bench.joined()
    other = await bench.another()
    bench.do("update meter set concentrator_id = %s where serial = 'M-1'", other)
    assert bench.ask("select version from command_group") == [made.version + 1]
    assert sorted(bench.ask("select concentrator_id from command_group_notice"
                            " where due_at is not null")) == sorted({other, *bench.ask(
                                "select concentrator_id from meter where serial = 'M-0'")})
    bench.do("update command_group_notice set due_at = null where concentrator_id = %s", other)
    assert (await bench.joined()).meters == ("M-0", "M-2")
    bench.do("update concentrator set revoked_at = now() where concentrator_id = %s", other)
    async with bench.pool.connection() as connection:
        with pytest.raises(CommandRefused, match="behind no concentrator"):
            await managing.members_of(connection, HERE, "boilers")


async def test_where_a_mesh_is_the_order_is_flooded_and_each_is_asked_only_after_it(
        bench: Groups) -> None:
    bench.do("update concentrator set mesh = 'street'")
    bench.do("insert into mesh_station (concentrator_id, network, address, epoch, counter,"
             " reported_at, arrived_at, is_gateway, gateway, rank, parent, held, used_permille,"
             " every_s, groups) select concentrator_id, 9, 4, 1, 1, now(), now(), false, 1, 2, 1,"
             " 0, 0, 60, '{7}' from concentrator")
    await bench.group(mesh="street", number=7)
    member = await bench.joined()
    await bench.switch("secondary", values={"on": False})
    assert await bench.sent() == []
    ((payload, network, number, expected),) = bench.ask(
        "select payload, network, group_number, expected from ripple")
    assert (network, number, expected) == (9, 7, [4])
    signed = orders.unseal_order(SodiumCipher(), member.key, "default", payload)
    order = orders.open_order(SodiumVerifier(), (bench.order_key,), signed)
    assert order.to == member.group and cose.peek(payload)[2] == order.sequence
    assert bench.ask("select extract(epoch from execute_at)::bigint from ripple") == [
        order.begins_s]
    assert {state for _, state in bench.switched()} == {"sent"}
    await bench.told(order, signed, orders.DONE, content=encode_results(
        [MeterResult("M-0", orders.DONE, 0, "")]))
    bench.due()
    assert await bench.sent() == []
    assert [state for _, state in bench.switched()] == ["done", "failed", "failed"]
    await bench.switch("read")
    await bench.sent()
    bench.due()
    assert [order.kind for order, _ in await bench.sent()] == [orders.READ]     # Nobody answered.


async def test_a_group_counts_by_its_meters_and_what_cannot_be_is_refused(bench: Groups) -> None:
    await bench.group(*["M-%d" % n for n in range(11)])
    assert (await bench.switch()).needs_approval
    for serials, more, words in (
            (["M-0", "nobody"], {}, "no meter nobody"), (["M-0"], {"mesh": "a"}, "a number"),
            (["M-0"], {"mesh": "a", "number": 256}, "0 to 255")):
        with pytest.raises(CommandRefused, match=words):
            await bench.group(*serials, **more)
    with pytest.raises(CommandRefused, match="1..1000"):
        async with bench.pool.connection() as connection:
            await managing.set_group(connection, HERE, DORA, "empty", [])
    for kind in ("restart", "fetch-log"):
        with pytest.raises(CommandRefused, match="Groups of meters take"):
            await bench.switch(kind)
    async with bench.pool.connection() as connection:
        with pytest.raises(CommandRefused, match="no group boilers"):
            await managing.members_of(connection, Reach(2), "boilers")


async def test_a_group_that_is_dropped_is_forgotten_by_its_concentrators(bench: Groups) -> None:
    await bench.group()
    await bench.joined()
    made = await bench.switch()
    async with bench.pool.connection() as connection:
        assert await managing.drop_group(connection, HERE, DORA, "boilers")
        assert not await managing.drop_group(connection, HERE, DORA, "boilers")
        assert await store.one(connection, HERE, made.command_ids[0]) is not None
    bench.do("update command set due_at = now() where kind = 12")
    order, _, members = await bench.memberships()
    assert members == [] and order.kind == orders.GROUP
