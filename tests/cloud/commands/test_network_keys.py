"""The key of a mesh's network on a real database: made here, told to each station for itself."""

import argparse
from pathlib import Path

import pytest

from tests.cloud.commands.test_commands import DORA, Bench, Device
from wum_cloud.commands.kinds import CommandRefused
from wum_cloud.commands.network_keys import commands, managing
from wum_cloud.commands.network_keys.managing import Standing
from wum_cloud.commands.sending import again
from wum_cloud.database import Pool, connect
from wum_cloud.enrolment.commands import revoke_concentrator
from wum_cloud.registry import store as registry
from wum_cloud.registry.cipher import SodiumCipher, SodiumVerifier
from wum_cloud.registry.keys import KeyFileError, Vault
from wum_cloud.registry.reach import Reach
from wum_cloud.settings import settings_from
from wum_shared import cose, orders
from wum_shared.messages import Registration
from wum_shared.network_key import NetworkKey, decode_network_key
from wum_shared.orders import Order

NETWORK = 0x1A2B


class Mesh(Bench):
    """The bench's concentrator as the gateway of a mesh, and stations behind it."""

    def __init__(self, url: str, pool: Pool, vault: Vault) -> None:
        super().__init__(url, pool, vault)
        self.devices = [self.device]

    async def station(self, name: str, mesh: str = "street") -> Device:
        device = Device()
        async with await connect(self.url) as connection:
            number = await registry.save_concentrator(
                connection, Registration(device.id, device.key, "default", 1, device.up,
                                         device.down, "x" * 16),
                tenant=1, name=name, site=None, password_hash="$")
            await registry.save_mesh(connection, number, mesh, False)
            await registry.save_keys(connection, number, 1, self.vault.seal(
                device.id, 1, device.up, device.down))
        self.reports(device, len(self.devices) + 1)
        self.devices.append(device)
        return device

    def reports(self, device: Device, address: int, network: int = NETWORK) -> None:
        self.do("insert into mesh_station select concentrator_id, %s, %s, 1, 1, now(), now(),"
                " false, 1, 1, 1, 0, 0, 900 from concentrator where device_id = %s",
                network, address, device.id)

    async def begin(self) -> Standing:
        async with self.pool.connection() as connection:
            return await managing.begin(connection, self.vault, DORA, 1, "street")

    async def finish(self, *, anyway: bool = False) -> Standing:
        async with self.pool.connection() as connection:
            return await managing.finish(connection, DORA, 1, "street", anyway=anyway)

    async def standing(self) -> Standing:
        async with self.pool.connection() as connection:
            found = await managing.standing(connection, 1, "street")
        assert found is not None
        return found

    async def told_now(self) -> dict[bytes, tuple[Order, bytes, NetworkKey]]:
        """What each station hears now."""
        found = {}
        for topic, sealed in await self.desk.step(self.pool):
            (device,) = [one for one in self.devices if one.id.hex() in topic]
            order, signed = device.opened(sealed, self.order_key)
            if order.kind == orders.NETWORK_KEY:
                found[device.id] = (order, signed, decode_network_key(cose.unseal(
                    SodiumCipher(), device.down, order.arguments, "down", "default",
                    "network-key")))
        return found

    async def answers(self, device: Device, order: Order, signed: bytes, state: int,
                      reason: int = 0, note: str = "") -> None:
        self.device = device
        await self.told(order, signed, state, reason, note=note)

    async def all_take_it(self) -> None:
        for device in self.devices:
            self.due()
            order, signed, _ = (await self.told_now())[device.id]
            await self.answers(device, order, signed, orders.DONE)


@pytest.fixture
async def bench(database_url: str, pool: Pool, vault: Vault, tmp_path: Path) -> Mesh:
    bench = Mesh(database_url, pool, vault)
    await bench.prepare(tmp_path)
    bench.do("update concentrator set mesh = 'street', carries = true")
    bench.reports(bench.device, 1)
    await bench.station("relay")
    await bench.station("far")
    return bench


async def test_every_station_is_told_for_itself_and_the_old_key_ends_when_all_have_the_new_one(
        bench: Mesh) -> None:
    begun = await bench.begin()
    assert (len(begun.stations), len(begun.lacking)) == (3, 3)
    found = await bench.told_now()
    assert set(found) == {one.id for one in bench.devices}
    (given,) = {key for _, _, key in found.values()}
    assert (given.network, given.epoch, given.is_only) == (NETWORK, begun.key.epoch, False)
    assert given.shut_out == () and begun.key.epoch > 20_000_000
    with pytest.raises(CommandRefused, match="3 of 3 stations have not got.*far, relay"):
        await bench.finish()
    for device in bench.devices[:2]:
        order, signed, _ = found[device.id]
        await bench.answers(device, order, signed, orders.DONE)
    assert [one.name for one in (await bench.standing()).lacking] == ["far"]
    assert await bench.told_now() == {}, "each was told, and is asked again in its turn"
    with pytest.raises(CommandRefused, match="1 of 3 stations .*far"):
        await bench.finish()
    order, signed, _ = found[bench.devices[2].id]
    await bench.answers(bench.devices[2], order, signed, orders.DONE)
    ended = await bench.finish()
    assert ended.lacking == [] and len(ended.not_alone) == 3
    found = await bench.told_now()
    assert {(key.key, key.is_only) for _, _, key in found.values()} == {(given.key, True)}
    for device in bench.devices:
        order, signed, _ = found[device.id]
        await bench.answers(device, order, signed, orders.DONE)
    assert (await bench.standing()).not_alone == [] and await bench.told_now() == {}
    assert bench.ask("select act, subject from audit_entry where act like 'network key%%'"
                     " order by number") == [("network key changed", "mesh street"),
                                             ("network key finished", "mesh street")]


async def test_what_is_kept_opens_nothing_and_nothing_shows_the_key(
        bench: Mesh, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    begun = await bench.begin()
    found = await bench.told_now()
    key = found[bench.device.id][2]
    for table in ("network_key", "network_key_station", "command", "command_order", "audit_entry"):
        (kept,) = bench.ask("select string_agg(x::text, '') from %s x" % table)
        assert key.key.hex() not in kept and "key" in repr(begun)
    assert key.key.hex() not in caplog.text + repr(begun) + repr(key)
    with pytest.raises(KeyFileError):
        bench.vault.open_text(managing.place(1, "another", begun.key.epoch),
                              begun.key.sealed_key or b"")
    other = bench.devices[1]
    with pytest.raises(orders.NotGenuine):
        cose.unseal(SodiumCipher(), other.down, found[bench.device.id][0].arguments, "down",
                    "default", "network-key")


async def test_who_is_revoked_is_told_nothing_and_shut_out(bench: Mesh) -> None:
    await bench.begin()
    thief = bench.devices[2]
    async with bench.pool.connection() as connection:
        assert await revoke_concentrator(connection, Reach(1), DORA, thief.id)
    found = await bench.told_now()
    assert set(found) == {one.id for one in bench.devices[:2]}
    assert {key.shut_out for _, _, key in found.values()} == {(thief.id,)}
    assert [one.name for one in (await bench.standing()).stations] == ["cabinet", "relay"]
    for order, signed, _ in found.values():
        device = next(one for one in bench.devices if one.id == order.to)
        await bench.answers(device, order, signed, orders.DONE)
    await bench.finish()


async def test_a_station_that_comes_into_the_mesh_meanwhile_is_told_too_and_after_the_end_none(
        bench: Mesh) -> None:
    await bench.begin()
    await bench.station("late")
    await bench.station("elsewhere", mesh="another")
    assert len(await bench.told_now()) == 4
    await bench.finish(anyway=True)
    await bench.station("later")
    assert len((await bench.standing()).stations) == 4


async def test_who_missed_it_is_out_only_when_somebody_says_so(bench: Mesh) -> None:
    await bench.begin()
    found = await bench.told_now()
    for device in bench.devices[:2]:
        order, signed, _ = found[device.id]
        await bench.answers(device, order, signed, orders.DONE)
    await bench.finish(anyway=True)
    assert bench.ask("select detail->>'without' from audit_entry where act = 'network key finished'"
                     ) == ["far"]
    order, signed, key = (await bench.told_now())[bench.devices[2].id]
    assert key.is_only, "a station that still hears somebody gets it all the same"
    await bench.answers(bench.devices[2], order, signed, orders.DONE)
    assert [one.name for one in (await bench.standing()).not_alone] == ["cabinet", "relay"]


async def test_who_has_other_keys_than_it_was_sealed_with_is_told_anew_at_once(
        bench: Mesh) -> None:
    device = bench.devices[0]
    due = ("select round(extract(epoch from s.due_at - now()))::int, epoch from"
           " network_key_station s join concentrator c using (concentrator_id)"
           " where c.name = 'cabinet'")
    await bench.begin()
    order, signed, _ = (await bench.told_now())[device.id]
    await bench.answers(device, order, signed, orders.REFUSED, orders.CANNOT, "no such network")
    assert bench.ask(due) == [(again.AGAIN_S, None)]
    text = commands.said(await bench.standing())
    assert "cabinet" in text and "has it not; it says: it cannot be done here: no such network" in (
        text) and "0 of 3 stations have it." in text
    (number,) = bench.ask("select concentrator_id from concentrator where name = 'cabinet'")
    async with bench.pool.connection() as connection:
        await registry.save_keys(connection, number, 2, bench.vault.seal(
            device.id, 2, device.up, device.down))
    bench.do("update network_key_station set due_at = now()")
    await bench.desk.step(bench.pool)
    sealed, signed = bench.ask(
        "select c.arguments, o.signed from command c join command_order o using (command_id)"
        " where c.concentrator_id = %s order by command_id desc limit 1", number)[0]
    assert cose.peek(sealed)[1] == 2, "with the newest, which it has mostly"
    order = orders.open_order(SodiumVerifier(), (bench.order_key,), signed)
    await bench.answers(device, order, signed, orders.REFUSED, orders.ARGUMENTS)
    assert bench.ask(due) == [(0, 1)], "its receipt is of epoch 1"
    await bench.desk.step(bench.pool)
    (sealed,) = bench.ask("select arguments from command where concentrator_id = %s"
                          " order by command_id desc limit 1", number)
    assert cose.peek(sealed)[1] == 1 and bench.ask(due) == [(None, None)]


async def test_a_power_cut_while_it_was_written_is_followed_by_another_order(bench: Mesh) -> None:
    await bench.begin()
    order, signed, _ = (await bench.told_now())[bench.device.id]
    await bench.answers(bench.device, order, signed, orders.UNKNOWN, orders.CUT_WITHIN)
    again, signed, _ = (await bench.told_now())[bench.device.id]
    assert again.sequence > order.sequence and again.id != order.id
    await bench.answers(bench.device, again, signed, orders.DONE)
    assert "cabinet" not in [one.name for one in (await bench.standing()).lacking]


async def test_a_power_cut_before_it_was_begun_is_followed_by_another_order_soon(
        bench: Mesh) -> None:
    await bench.begin()
    order, signed, _ = (await bench.told_now())[bench.device.id]
    await bench.answers(bench.device, order, signed, orders.REFUSED, orders.CUT_BEFORE)
    assert bench.ask("select round(extract(epoch from s.due_at - now()))::int from"
                     " network_key_station s join concentrator c using (concentrator_id)"
                     " where c.name = 'cabinet'") == [again.CUT_AGAIN_S]


async def test_one_change_after_the_other_and_only_the_newest_key_is_kept(bench: Mesh) -> None:
    first = await bench.begin()
    with pytest.raises(CommandRefused, match="being changed already, to epoch %d" % (
            first.key.epoch)):
        await bench.begin()
    await bench.all_take_it()
    await bench.finish()
    second = await bench.begin()
    assert second.key.epoch == first.key.epoch + 1, "within one minute"
    assert bench.ask("select sealed_key is null from network_key order by epoch") == [True, False]
    found = await bench.told_now()
    assert {key.epoch for _, _, key in found.values()} == {second.key.epoch}


async def test_a_mesh_that_nobody_knows_or_that_is_in_two_networks_is_refused(bench: Mesh) -> None:
    async with bench.pool.connection() as connection:
        with pytest.raises(CommandRefused, match="No station of a mesh called boulevard"):
            await managing.begin(connection, bench.vault, DORA, 1, "boulevard")
        with pytest.raises(CommandRefused, match="is not being changed"):
            await managing.finish(connection, DORA, 1, "street", anyway=True)
    bench.do("update mesh_station set network = 7 where address = 2")
    with pytest.raises(CommandRefused, match=r"several networks \(0007, 1a2b\)"):
        await bench.begin()
    assert bench.ask("select count(*) from network_key") == [0]
    bench.do("delete from trust_document")
    with pytest.raises(CommandRefused, match="No trust document"):
        await bench.begin()


async def test_an_export_is_for_its_owner_alone_and_on_record(
        bench: Mesh, tmp_path: Path, capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "open_vault", lambda _: bench.vault)
    settings = settings_from({"WUM_DATABASE_URL": bench.url, "WUM_KEY_FILE": str(tmp_path)})
    file = tmp_path / "street.new"
    wanted = argparse.Namespace(act="export", mesh="street", file=file, tenant="default")
    with pytest.raises(CommandRefused, match="has made no key.*there are: street"):
        await commands.network_key(settings, wanted)
    await bench.begin()
    key = (await bench.told_now())[bench.device.id][2]
    assert await commands.network_key(settings, wanted) == 0
    assert file.stat().st_mode & 0o777 == 0o600 and file.read_text().splitlines() == [
        "network = %d" % NETWORK, "epoch = %d" % key.epoch, 'key = "%s"' % key.key.hex()]
    assert key.key.hex() not in capsys.readouterr().out
    assert bench.ask("select subject from audit_entry where act = 'network key exported'") == [
        "mesh street"]
    with pytest.raises(CommandRefused, match="is there already"):
        await commands.network_key(settings, wanted)
    shown = argparse.Namespace(act="show", mesh="street", file=None, tenant="default")
    assert await commands.network_key(settings, shown) == 1, "somebody lacks it"
    assert "0 of 3 stations have it." in capsys.readouterr().out
