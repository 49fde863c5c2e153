"""Orders to groups: given, sent to a gateway and to the next one, and who has them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cloud.concentrator import CIPHER, Concentrator
from tests.cloud.conftest import HeadEnd
from wum_cloud.database import connect
from wum_cloud.ingest.ripples import commands, store
from wum_cloud.ingest.ripples.commands import RippleRefused, Wish, sentence
from wum_cloud.ingest.ripples.sending import Sending
from wum_cloud.ingest.ripples.store import AGAIN_S, Given, PostgresRipples, Ripple
from wum_shared import cose, topics
from wum_shared.mesh import MeshReport, encode_mesh_report
from wum_shared.ripple import (
    FLOODED,
    NO_TIME,
    RippleOrder,
    RippleReport,
    bits_of,
    decode_ripple_order,
    encode_ripple_report,
)

NETWORK = 0x57A1


def report(address: int, *, is_gateway: bool = False, groups: tuple[int, ...] = ()) -> bytes:
    return encode_mesh_report(MeshReport(
        NETWORK, address, 1760000000, is_gateway, 1, 106, 0, 0, 0, 900, (), groups))


class Street:
    """Two gateways, 1 and 2, and two stations, 3 of group 7 and 4 of none."""

    def __init__(self, head_end: HeadEnd) -> None:
        self.head_end = head_end
        self.stations = {address: Concentrator() for address in (1, 2, 3, 4)}
        self.sent: list[tuple[str, bytes]] = []
        self.sending = Sending(PostgresRipples(head_end.pool), head_end.vault, CIPHER,
                               lambda topic, sealed: self.sent.append((topic, sealed)))

    async def begin(self) -> "Street":
        await self.head_end.register(*self.stations.values())
        self.head_end.do("update concentrator set mesh = 'Florilor'")
        await self.head_end.take(*[one.send(report(
            address, is_gateway=address < 3, groups=(7,) if address == 3 else ()), topics.MESH)
            for address, one in self.stations.items()])
        self.head_end.do("update mesh_station set arrived_at = arrived_at - interval '5 s'"
                         " where address = 2")       # So 1 is asked first.
        return self

    async def give(self, group: int | None = 7, **more: object) -> tuple[int, int]:
        until = datetime.now(UTC) + timedelta(seconds=60)
        given = Given(NETWORK, group, until, until, b"off")
        async with await connect(self.head_end.url) as connection:
            return await store.give(connection, 1, "somebody", given)

    async def orders(self) -> list[tuple[int, RippleOrder]]:
        """(address of the gateway, order) of what is sent in one step."""
        self.sent.clear()
        await self.sending.step()
        found = []
        for name, sealed in self.sent:
            address = next(number for number, one in self.stations.items()
                           if topics.topic(one.id, topics.DOWN, topics.RIPPLE) == name)
            one = self.stations[address]
            found.append((address, decode_ripple_order(cose.unseal(
                CIPHER, one.downlink, sealed, topics.DOWN, one.tenant, topics.RIPPLE))))
        return found

    async def tells(self, address: int, order: int, outcome: int, members: list[int],
                    network: int = NETWORK) -> None:
        await self.head_end.take(self.stations[address].send(encode_ripple_report(RippleReport(
            order, network, address, outcome, 1760000000, bits_of(members))), topics.RIPPLE))

    async def one(self) -> Ripple:
        async with await connect(self.head_end.url) as connection:
            return (await store.ripples(connection, 1, 10))[0]

    def later(self) -> None:
        self.head_end.do("update ripple_gateway set asked_at = asked_at"
                         " - make_interval(secs => %s)", AGAIN_S + 1)


async def test_an_order_goes_to_one_gateway_and_who_has_it_is_known(head_end: HeadEnd) -> None:
    street = await Street(head_end).begin()
    number, expected = await street.give()
    assert expected == 1
    (address, order), = await street.orders()
    assert (address, order.order, order.group, order.payload) == (1, number, 7, b"off")
    assert (order.network, order.expected) == (NETWORK, bits_of([3]))
    assert order.execute_ms // 1000 == order.until_s
    assert await street.orders() == []               # It has its time to answer.
    await street.tells(1, number, FLOODED, [])
    street.later()
    assert await street.orders() == []
    assert sentence(await street.one()) == (
        "Flooded: 0 of 1 expected stations have it; not yet: 3.")
    await street.tells(2, number, FLOODED, [3])      # The echo went to the other gateway.
    await street.tells(1, number, FLOODED, [4])
    one = await street.one()
    assert one.members == [3, 4] and one.missing == []
    assert sentence(one) == "Flooded: 1 of 1 expected stations have it."
    assert head_end.quarantined() == []


async def test_a_gateway_that_refuses_or_says_nothing_is_followed_by_the_next(
        head_end: HeadEnd) -> None:
    street = await Street(head_end).begin()
    number, _ = await street.give(group=None)
    assert [address for address, _ in await street.orders()] == [1]
    await street.tells(1, number, NO_TIME, [])
    assert [address for address, _ in await street.orders()] == [2]      # At once.
    assert await street.orders() == []
    street.later()
    assert [address for address, _ in await street.orders()] == [1]      # It may know it by now.
    assert "gateway without time" in sentence(await street.one())
    head_end.do("update ripple set until = now()")
    street.later()
    assert await street.orders() == []


async def test_who_is_silent_or_no_gateway_is_not_asked(head_end: HeadEnd) -> None:
    street = await Street(head_end).begin()
    head_end.do("update mesh_station set arrived_at = now() - interval '1 hour'")
    await street.give()
    assert await street.orders() == []
    assert "none was there" in sentence(await street.one())


async def test_a_stranger_cannot_tell_of_an_order(head_end: HeadEnd) -> None:
    street = await Street(head_end).begin()
    number, _ = await street.give()
    stranger = Concentrator(tenant="elsewhere")
    await head_end.register(stranger)
    street.stations[9] = stranger
    await street.tells(9, number, FLOODED, [3])
    await street.tells(1, number, FLOODED, [3], network=5)
    await street.tells(1, number + 1, FLOODED, [3])
    await street.tells(1, 2**32 - 1, FLOODED, [3])
    assert (await street.one()).outcome is None and head_end.quarantined() == []


async def test_the_command_gives_waits_and_says_who_has_it(
        head_end: HeadEnd, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    street = await Street(head_end).begin()
    file = tmp_path / "off"
    file.write_bytes(b"off")
    assert await commands.ripple(head_end.url, Wish(
        "default", "Florilor", 7, 10, 0, file)) == 0
    (_, order), = await street.orders()
    await street.tells(1, order.order, FLOODED, [3])
    assert await commands._wait(head_end.url, 1, order.order, 5) == 0
    said = capsys.readouterr().out
    assert "to group 7 of Florilor: 1 stations are expected" in said
    assert "1 of 1 expected stations have it." in said
    assert head_end.ask("select act from audit_entry") == ["group ordered"]
    for wrong, words in ((Wish("default", "Nowhere", 7, 0, 0, file), "No station"),
                         (Wish("nobody", "Florilor", 7, 0, 0, file), "no tenant"),
                         (Wish("default", "Florilor", 256, 0, 0, file), "0 to 255"),
                         (Wish("default", "Florilor", 7, 0, 0, tmp_path), "cannot be read")):
        with pytest.raises(RippleRefused, match=words):
            await commands.ripple(head_end.url, wrong)
    file.write_bytes(bytes(214))
    with pytest.raises(RippleRefused, match="214 bytes"):
        await commands.ripple(head_end.url, Wish("default", "Florilor", 7, 0, 0, file))


async def test_what_is_kept_of_orders_has_a_limit(
        head_end: HeadEnd, monkeypatch: pytest.MonkeyPatch) -> None:
    street = await Street(head_end).begin()
    monkeypatch.setattr(store, "KEPT_MAX", 3)
    numbers = [(await street.give())[0] for _ in range(5)]
    assert head_end.ask("select ripple_id from ripple order by 1") == numbers[-3:]
