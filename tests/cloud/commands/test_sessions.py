"""A session at the head-end: approved by a second person, recorded whole, bytes taken once."""

import asyncio
from pathlib import Path

import pytest

from tests.cloud.commands.test_commands import DORA, OTTO, Bench
from wum_cloud.commands.kinds import CommandRefused
from wum_cloud.commands.sending import store as sending
from wum_cloud.commands.sessions import store
from wum_cloud.commands.sessions.relay import Relay
from wum_cloud.database import Pool
from wum_cloud.enrolment.trust.documents import order_seed
from wum_cloud.ingest.downlink import Downlink
from wum_cloud.registry.cipher import SodiumCipher, SodiumSigner, SodiumVerifier
from wum_cloud.registry.keys import Vault
from wum_shared import cose, orders
from wum_shared.errors import NotGenuine
from wum_shared.orders import Order
from wum_shared.session import Piece, open_piece, sign_piece


class Lent(Bench):
    """A session with M-0."""

    async def begin(self) -> Order:
        made = await self.request("session", values={"seconds": 60})
        assert made.needs_approval and await self.sent() == []
        with pytest.raises(CommandRefused, match="second person"):
            await self.approve(made.request_id, DORA)
        assert await self.approve(made.request_id, OTTO) == 1
        ((order, signed),) = await self.sent()
        await self.told(order, signed, orders.RECEIVED)
        self.order, self.signed, self.given = order, signed, 0
        self.published: list[tuple[str, bytes]] = []
        self.relay = Relay(self.pool, self.vault, order_seed, Downlink(), made.command_ids[0],
                           lambda topic, sealed: self.published.append((topic, sealed)) is None)
        return order

    def up(self, data: bytes, number: int = 0, **more: object) -> bytes:
        self.given = number or self.given + 1
        piece = Piece(self.device.id, more.get("act") or self.order.id, "up",  # type: ignore[arg-type]
                      self.given, data, bool(more.get("is_last")))
        seed = more.get("seed") or self.device.seed
        assert isinstance(seed, bytes)
        self.device.counter += 1
        return cose.seal(
            SodiumCipher(), self.device.up, cose.key_id(self.device.id, 1), self.device.counter,
            sign_piece(SodiumSigner(), seed, SodiumSigner.public(seed), piece), "up", "default",
            "session")

    def down(self) -> list[Piece]:
        found = []
        for topic, sealed in self.published:
            assert topic.endswith("/down/session")
            signed = cose.unseal(SodiumCipher(), self.device.down, sealed, "down", "default",
                                 "session")
            found.append(open_piece(SodiumVerifier(), (self.order_key,), signed))
        return found


@pytest.fixture
async def lent(database_url: str, pool: Pool, vault: Vault, tmp_path: Path) -> Lent:
    lent = Lent(database_url, pool, vault)
    await lent.prepare(tmp_path)
    return lent


async def test_a_tool_talks_through_it_and_every_byte_is_on_record(lent: Lent) -> None:
    order = await lent.begin()
    relay = lent.relay
    server = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    assert await reader.read() == b""             # Not before the concentrator says it is open.
    writer.close()
    await writer.wait_closed()
    await relay.heard(lent.up(b""))
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"\x01\x03")
    await writer.drain()
    while len(lent.published) < 2:
        await asyncio.sleep(0.01)
    hello, piece = lent.down()
    assert (hello.session, hello.number, hello.data) == (order.id, 1, b"")
    assert (piece.session, piece.number, piece.data) == (order.id, 2, b"\x01\x03")
    for _ in range(2):
        await relay.heard(lent.up(b"\x07\x08", number=2))     # The broker says it twice.
    assert await reader.readexactly(2) == b"\x07\x08"
    await relay.say(b"", is_last=True)
    await relay.heard(lent.up(b"", is_last=True))
    assert relay.is_over.is_set() and lent.down()[-1].is_last
    writer.close()
    await writer.wait_closed()
    server.close()
    await server.wait_closed()
    async with lent.pool.connection() as connection:
        found = await store.recorded(connection, relay._command_id)
    assert [(one.direction, one.number, one.data) for one in found] == [
        ("up", 1, b""), ("down", 1, b""), ("down", 2, b"\x01\x03"), ("up", 2, b"\x07\x08"),
        ("down", 3, b""), ("up", 3, b"")]


async def test_what_is_forged_or_of_another_session_is_nobodys_and_a_gap_ends_it(
        lent: Lent) -> None:
    await lent.begin()
    await lent.relay.heard(lent.up(b"", act=b"another "))
    with pytest.raises(NotGenuine):
        await lent.relay.heard(lent.up(b"", seed=bytes(32)))
    assert not lent.relay.is_open.is_set()
    await lent.relay.heard(lent.up(b"", number=1))
    await lent.relay.heard(lent.up(b"x", number=3))
    assert "missing" in lent.relay.why
    assert lent.ask("select count(*) from session_piece") == [2]         # Open, and our answer.


async def test_pieces_leave_in_the_order_of_their_numbers_and_a_session_is_lent_once(
        lent: Lent) -> None:
    await lent.begin()
    await lent.relay.heard(lent.up(b""))
    await asyncio.gather(*[lent.relay.say(bytes([number])) for number in range(20)])
    assert [(one.number, one.data) for one in lent.down()] == [(1, b"")] + [
        (2 + number, bytes([number])) for number in range(20)]
    another = Relay(lent.pool, lent.vault, order_seed, Downlink(), lent.relay._command_id,
                    lambda topic, sealed: lent.published.append((topic, sealed)) is None)
    with pytest.raises(CommandRefused, match="is lent, or was"):
        await another.heard(lent.up(b"", number=1))
    assert len(lent.published) == 21 and not another.is_open.is_set()


async def test_a_piece_leaves_while_the_order_is_being_sent_again(lent: Lent) -> None:
    """The sender holds the command and wants a counter; the piece has the one and wants the other.
    """
    await lent.begin()
    await lent.relay.heard(lent.up(b""))
    saying = None
    async with lent.pool.connection() as sender:
        await sender.execute("update command set due_at = now() - interval '1 second'")
        (due,) = await sending.due(sender, 10, lent.relay._command_id)
        saying = asyncio.create_task(lent.relay.say(b"\x01"))
        await asyncio.wait([saying], timeout=1)      # It has, or waits for, what it needs.
        await sending.counter(sender, Downlink(), due.concentrator_id, 1)
    await asyncio.wait_for(saying, 60)
    assert [one.data for one in lent.down()] == [b"", b"\x01"]


async def test_a_session_that_never_opens_ends_with_its_order(lent: Lent) -> None:
    await lent.begin()
    await lent.told(lent.order, lent.signed, orders.REFUSED, orders.CANNOT, note="no meter here")
    await asyncio.wait_for(lent.relay.watch(), 10)
    assert "no meter here" in lent.relay.why and not lent.relay.is_open.is_set()


async def test_a_session_is_with_one_meter_and_its_number_is_one_of_a_session(lent: Lent) -> None:
    with pytest.raises(CommandRefused, match="one meter"):
        await lent.request("session", 2, values={"seconds": 60})
    with pytest.raises(CommandRefused):
        await lent.request("session", values={"seconds": 601})
    made = await lent.request()
    with pytest.raises(CommandRefused, match="no session"):
        await Relay(lent.pool, lent.vault, order_seed, Downlink(), made.command_ids[0],
                    lambda topic, sealed: True).lent()
