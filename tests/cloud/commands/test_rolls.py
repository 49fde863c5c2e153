"""Assignments of a mesh on a real database: a roll where it pays, and each alone where it fails."""

from hashlib import sha256
from pathlib import Path

import pytest

from tests.cloud.commands.test_commands import CHALLENGE, Bench, Device
from wum_cloud.campaigns.serving import store as serving
from wum_cloud.database import Pool, connect
from wum_cloud.registry import store as registry
from wum_cloud.registry.cipher import SodiumSigner, SodiumVerifier
from wum_cloud.registry.keys import Vault
from wum_shared import bundle, cose, orders, rolls, suit, topics, updates
from wum_shared.messages import Registration
from wum_shared.orders import Order
from wum_shared.rolls import Roll
from wum_shared.suit import Release
from wum_shared.updates import Assignment, OnRoll

DATA = bytes(20_000)
INDEX = bundle.index_of(DATA)
ENDS_S = 4_000_000_000


def envelope_of(index: bytes | None = None) -> bytes:
    release = Release(4, bytes(16), bytes(16), sha256(DATA).digest(), len(DATA),
                      sha256(INDEX).digest(), len(INDEX), index)
    return suit.encode(release, (cose.sign_detached(
        SodiumSigner(), bytes(32), b"k" * 8, suit.digest_of(release)),))


ENVELOPE = envelope_of()


class Street(Bench):
    """A mesh of one gateway and some stations; each device by the number of its concentrator."""

    async def people(self, count: int) -> "Street":
        self.devices: dict[int, Device] = {}
        async with await connect(self.url) as connection:
            for place in range(count):
                device = Device()
                number = await registry.save_concentrator(
                    connection, Registration(device.id, device.key, "default", 1, device.up,
                                             device.down, "x" * 16),
                    tenant=1, name="station %d" % place, site=None, password_hash="$")
                await registry.save_keys(connection, number, 1, self.vault.seal(
                    device.id, 1, device.up, device.down))
                self.devices[number] = device
        self.do("update concentrator set mesh = 'street'")
        self.do("insert into mesh_station (concentrator_id, network, address, epoch, counter,"
                " reported_at, arrived_at, is_gateway, gateway, rank, parent, held, used_permille,"
                " every_s) select concentrator_id, 9, concentrator_id, 1, 1, now(), now(),"
                " name = 'cabinet', 1, 2, 1, 0, 0, 600 from concentrator")
        self.do("insert into release (tenant_id, sequence, digest, target, version, commit_id,"
                " envelope, content, chunk_index, bill, signers, threshold, taken_by) values"
                " (1, 4, %s, 'linux', '1.4', '', %s, %s, %s, '', '{ada}', 1, 'ada')",
                sha256(DATA).digest(), ENVELOPE, DATA, INDEX)
        return self

    def assign(self, concentrator: int, begins_s: int = 1_900_000_000, floor: int = 0,
               envelope: bytes = ENVELOPE, hours: int = 24) -> None:
        """As campaigns do."""
        self.do("insert into command (tenant_id, concentrator_id, request_id, order_id, kind,"
                " arguments, shown, reason, state, requested_by, needs_approval, begins_at,"
                " expires_at, due_at) values (1, %s, nextval('command_request'), %s, 13, %s, '',"
                " 'campaign 1', 'approved', 'ada', false, now(),"
                " now() + make_interval(hours => %s), now())", concentrator, b"%8d" % concentrator,
                updates.encode_demand(
                    Assignment(floor, begins_s, ENDS_S, False, envelope)), hours)

    async def step(self) -> list[bytes]:
        """To whom something was sent."""
        return [topics.parse_topic(where)[0] for where, _ in await self.desk.step(self.pool)]

    def flooded(self) -> list[tuple[Order, OnRoll, bytes]]:
        """What gateways are to flood: the order, what it names, and its bytes."""
        found = []
        for payload in self.ask("select payload from ripple where network = 9 and execute_at is"
                                " null and group_number is null order by ripple_id"):
            order = orders.open_order(SodiumVerifier(), (self.order_key,), payload)
            demand = updates.decode_demand(order.arguments)
            assert isinstance(demand, OnRoll)
            found.append((order, demand, payload))
        return found

    async def roll(self, digest: bytes, tenant: int = 1) -> Roll | None:
        async with self.pool.connection() as connection:
            body = await serving.roll(connection, tenant, digest)
        return None if body is None else rolls.decode_roll(body)

    async def answers(self, number: int, order: Order, signed: bytes, state: int,
                      reason: int = 0) -> None:
        device = self.devices[number]
        async with self.pool.connection() as connection:
            await self.desk.take(connection, topics.topic(device.id, "up", "receipt"),
                                 device.receipt(order, signed, state, reason))


@pytest.fixture
async def street(database_url: str, pool: Pool, vault: Vault, tmp_path: Path) -> Street:
    street = Street(database_url, pool, vault)
    await street.prepare(tmp_path)
    return await street.people(5)


async def test_stations_of_a_mesh_are_assigned_by_one_roll_and_each_has_its_own_state(
        street: Street) -> None:
    for place, number in enumerate(street.devices):
        street.assign(number, 1_900_000_000 + 60 * place)
    assert await street.step() == []                     # Nobody is sent an order of its own.
    ((order, demand, signed),) = street.flooded()
    assert len(signed) <= 213 and order.to == rolls.address_of(demand) == demand.digest[:8]
    assert order.id == order.sequence.to_bytes(8, "big") and order.fresh is None
    roll = await street.roll(demand.digest)
    assert roll is not None and roll.index == INDEX and await street.roll(demand.digest, 2) is None
    for device in street.devices.values():               # The earliest beginning is all's.
        assert roll.of(device.id) == Assignment(0, 1_900_000_000, ENDS_S, False, ENVELOPE)
    assert roll.of(street.device.id) is None             # The gateway.
    assert street.states() == ["sent"] * 5
    first, second, *others = street.devices
    await street.answers(first, order, signed, orders.DONE)
    await street.answers(second, order, signed, orders.REFUSED, orders.CANNOT)
    assert street.states() == ["done", "failed"] + ["sent"] * len(others)
    assert street.ask("select distinct sequence from command_order") == [order.sequence]


async def test_who_has_not_answered_in_time_is_sent_an_order_of_its_own_under_the_same_id(
        street: Street) -> None:
    for number in street.devices:
        street.assign(number)
    await street.step()
    ((order, _, signed),) = street.flooded()
    first, second, *_ = street.devices
    await street.answers(first, order, signed, orders.DONE)
    await street.answers(second, order, signed, orders.AGAIN, orders.PROVE_FRESH)
    found = await street.desk.step(street.pool)          # At once, with its challenge.
    ((where, sealed),) = found
    device = street.devices[second]
    assert topics.parse_topic(where)[0] == device.id
    alone, _ = device.opened(sealed, street.order_key)
    assert (alone.id, alone.to, alone.fresh) == (order.id, device.id, CHALLENGE)
    demand = updates.decode_demand(alone.arguments)
    assert isinstance(demand, Assignment) and demand.envelope == ENVELOPE
    assert await street.step() == []
    waits = street.ask("select extract(epoch from due_at - now()) from command"
                       " where state = 'sent' order by due_at")
    assert all(1700 < one <= 1800 for one in waits[-3:])
    street.due()
    assert sorted(await street.step()) == sorted(
        one.id for number, one in street.devices.items() if number != first)
    assert len(street.flooded()) == 1
    # Whose receipt of the roll's order was only late is done by it.
    third = list(street.devices)[2]
    await street.answers(third, order, signed, orders.DONE)
    assert street.states().count("done") == 2


async def test_what_is_not_alike_is_on_no_roll_together_and_few_are_told_alone(
        street: Street) -> None:
    one, two, *more = street.devices
    street.assign(one, floor=3)
    street.assign(two, floor=3)
    for number in more:
        street.assign(number)
    assert sorted(await street.step()) == sorted(street.devices[n].id for n in (one, two))
    ((_, demand, _),) = street.flooded()
    roll = await street.roll(demand.digest)
    assert roll is not None and set(roll.members) == {
        street.devices[number].id for number in more}


@pytest.mark.parametrize("spoilt", [
    "update mesh_station set is_gateway = false",
    "update mesh_station set arrived_at = now() - interval '1 day' where is_gateway",
    "update mesh_station set arrived_at = now() - interval '1 day' where not is_gateway",
    "delete from mesh_station where not is_gateway",
    "update mesh_station set is_gateway = true",
    "update mesh_station set network = concentrator_id",
    "update concentrator set mesh = 's' || concentrator_id"])
async def test_without_a_mesh_that_a_gateway_serves_each_is_told_alone(
        street: Street, spoilt: str) -> None:
    for number in street.devices:
        street.assign(number)
    street.do(spoilt)
    assert len(await street.step()) == 5 and street.flooded() == []


async def test_few_of_a_large_mesh_or_for_a_short_time_or_a_revoked_one_are_on_no_roll(
        street: Street) -> None:
    for number in street.devices:
        street.assign(number, hours=1)
    assert len(await street.step()) == 5 and street.flooded() == []
    street.do("update command set state = 'done'")
    one, *more = street.devices
    street.do("update concentrator set revoked_at = now() where concentrator_id = %s", one)
    for number in street.devices:
        street.assign(number, 1_900_000_001)
    assert await street.step() == []
    ((_, demand, _),) = street.flooded()
    roll = await street.roll(demand.digest)
    assert roll is not None and len(roll.members) == len(more)
    assert street.ask("select state from command where concentrator_id = %s order by command_id",
                      one) == ["done", "approved"]


async def test_boards_are_on_a_roll_as_others_are(street: Street) -> None:
    street.do("update release set target = 'micropython-xtensawin'")
    for number in street.devices:
        street.assign(number)
    assert await street.step() == []
    ((_, demand, _),) = street.flooded()
    roll = await street.roll(demand.digest)
    assert roll is not None and len(roll.members) == len(street.devices)


async def test_a_release_that_brings_its_hashes_or_is_not_ours_is_on_a_roll_without(
        street: Street) -> None:
    for envelope in (envelope_of(INDEX), b"no envelope at all"):
        for number in street.devices:
            street.assign(number, envelope=envelope)
        await street.step()
        roll = await street.roll(street.flooded()[-1][1].digest)
        assert roll is not None and roll.index == b"" and roll.assignment.envelope == envelope


async def test_more_than_a_page_holds_are_on_several_rolls(street: Street) -> None:
    street.do("insert into concentrator (tenant_id, device_id, identity_key, name, mesh,"
              " broker_password_hash) select 1, int8send(n), %s, 's' || n, 'street', ''"
              " from generate_series(1, 510) n", bytes(32))
    street.do("insert into mesh_station (concentrator_id, network, address, epoch, counter,"
              " reported_at, arrived_at, is_gateway, gateway, rank, parent, held, used_permille,"
              " every_s) select concentrator_id, 9, concentrator_id, 1, 1, now(), now(), false, 1,"
              " 2, 1, 0, 0, 600 from concentrator where name like 's_' or name like 's__'"
              " or name like 's___'")
    street.do("insert into command (tenant_id, concentrator_id, request_id, order_id, kind,"
              " arguments, shown, reason, state, requested_by, needs_approval, begins_at,"
              " expires_at, due_at) select 1, concentrator_id, 1, int8send(concentrator_id), 13,"
              " %s, '', 'campaign 1', 'approved', 'ada', false, now(),"
              " now() + interval '1 day', now()"
              "  from mesh_station where not is_gateway", updates.encode_demand(
                  Assignment(0, 1_900_000_000, ENDS_S, False, bytes(4096))))
    assert await street.step() == []
    found = [await street.roll(demand.digest) for _, demand, _ in street.flooded()]
    members = [member for roll in found if roll is not None for member in roll.members]
    assert len(found) == 2 and len(members) == len(set(members)) == 515
    assert street.ask("select count(distinct sequence) from command_order") == [2]
