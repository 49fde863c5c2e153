"""Commands at the head-end on a real database: their states never say what nobody knows."""

import secrets
from pathlib import Path
from typing import Any

import psycopg
import pytest

from wum_cloud.audit.acts import Actor
from wum_cloud.commands import requesting, states, store
from wum_cloud.commands.kinds import CommandRefused
from wum_cloud.commands.requesting import CAP, Requested, Wanted
from wum_cloud.commands.sending.keeper import SendingDesk
from wum_cloud.database import Pool, connect
from wum_cloud.enrolment.trust.documents import make_document, order_seed
from wum_cloud.ingest.downlink import Downlink
from wum_cloud.registry import store as registry
from wum_cloud.registry.cipher import SodiumCipher, SodiumSigner, SodiumVerifier
from wum_cloud.registry.keys import Vault
from wum_cloud.registry.reach import Reach
from wum_shared import cbor, cose, orders, topics
from wum_shared.errors import NotGenuine, WireError
from wum_shared.ids import concentrator_id
from wum_shared.messages import DirectionKey, Registration
from wum_shared.order_kinds import decode_arguments
from wum_shared.orders import Order, Receipt

HERE = Reach(1)
DORA, OTTO = Actor(1, "dora", "::1"), Actor(1, "otto", "::1")
CHALLENGE = b"question"


class Device:
    """A concentrator as the head-end hears it."""

    def __init__(self) -> None:
        self.seed = secrets.token_bytes(32)
        self.key = SodiumSigner.public(self.seed)
        self.id = concentrator_id(self.key)
        self.up = DirectionKey(secrets.token_bytes(32), secrets.token_bytes(12))
        self.down = DirectionKey(secrets.token_bytes(32), secrets.token_bytes(12))
        self.counter = 0

    def opened(self, sealed: bytes, order_key: bytes) -> tuple[Order, bytes]:
        signed = orders.unseal_order(SodiumCipher(), self.down, "default", sealed)
        return orders.open_order(SodiumVerifier(), (order_key,), signed), signed

    def receipt(self, order: Order, signed: bytes, state: int, reason: int = 0,
                **more: Any) -> bytes:
        said = Receipt(self.id, order.id, order.sequence, orders.order_digest(signed), state,
                       reason, 1_800_000_000, 0, more.get("note", ""), more.get("content", b""),
                       CHALLENGE)
        self.counter += 1
        return cose.seal(
            SodiumCipher(), self.up, cose.key_id(self.id, 1), self.counter,
            orders.sign_receipt(SodiumSigner(), more.get("seed", self.seed), said), "up",
            "default", "receipt")


class Bench:
    """The head-end's desk, one concentrator with twelve meters, and what goes between them."""

    def __init__(self, url: str, pool: Pool, vault: Vault) -> None:
        self.url, self.pool, self.vault = url, pool, vault
        self.desk, self.device = SendingDesk(vault, order_seed, Downlink()), Device()
        self.order_key = b""

    async def prepare(self, folder: Path) -> "Bench":
        await make_document(self.url, self.vault, folder / "root.key")
        device = self.device
        async with await connect(self.url) as connection:
            number = await registry.save_concentrator(
                connection, Registration(device.id, device.key, "default", 1, device.up,
                                         device.down, "x" * 16),
                tenant=1, name="cabinet", site=None, password_hash="$")
            await registry.save_keys(connection, number, 1, self.vault.seal(
                device.id, 1, device.up, device.down))
            signed = (await (await connection.execute(
                "select signed from trust_document")).fetchall())[0][0]
        parts = cbor.decode(cose.peek_signed(signed)[1])
        assert type(parts) is list
        self.order_key = parts[3][0]
        self.do("insert into delivery_point (tenant_id, name) values (1, 'dp')")
        for n in range(12):
            self.do("insert into meter (tenant_id, serial, model, delivery_point_id,"
                    " concentrator_id, period_s, offset_s) values (1, %s, 'm', 1, %s, 900, 0)",
                    "M-%d" % n, number)
        return self

    def do(self, statement: str, *parameters: object) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.encode(), parameters)

    def ask(self, query: str, *parameters: object) -> list[Any]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            return [row[0] if len(row) == 1 else row
                    for row in connection.execute(query.encode(), parameters).fetchall()]

    async def request(self, kind: str = "read", count: int = 1, actor: Actor = DORA,
                      **more: Any) -> Requested:
        async with self.pool.connection() as connection:
            return await requesting.request(connection, HERE, actor, actor.name, Wanted(
                kind, more.pop("targets", ["M-%d" % n for n in range(count)]),
                more.pop("reason", "a customer calls"), **more))

    async def approve(self, number: int, actor: Actor) -> int:
        async with self.pool.connection() as connection:
            return await requesting.approve(connection, HERE, actor, actor.name, number)

    async def sent(self) -> list[tuple[Order, bytes]]:
        found = await self.desk.step(self.pool)
        topic = topics.topic(self.device.id, "down", "order")
        assert {where for where, _ in found} <= {topic}
        return [self.device.opened(sealed, self.order_key) for _, sealed in found]

    async def told(self, order: Order, signed: bytes, state: int, reason: int = 0,
                   **more: Any) -> None:
        async with self.pool.connection() as connection:
            await self.desk.take(
                connection, topics.topic(self.device.id, "up", "receipt"),
                self.device.receipt(order, signed, state, reason, **more))

    def due(self) -> None:
        """Time passes until everything is looked at again."""
        self.do("update command set due_at = now()")

    def over(self) -> None:
        """Its time is over, and the grace."""
        self.do("update command set begins_at = now() - interval '2 h',"
                " expires_at = now() - interval '1 h', due_at = now()")

    def states(self) -> list[str]:
        return self.ask("select state from command order by command_id")


@pytest.fixture
async def bench(database_url: str, pool: Pool, vault: Vault, tmp_path: Path) -> Bench:
    return await Bench(database_url, pool, vault).prepare(tmp_path)


async def test_a_command_goes_its_way_and_its_proof_holds_without_the_head_end(
        bench: Bench) -> None:
    made = await bench.request()
    assert not made.needs_approval and bench.states() == ["approved"]
    ((order, signed),) = await bench.sent()
    assert (order.kind, order.arguments, order.to) == (
        orders.READ, cbor.encode(["M-0"]), bench.device.id)
    assert bench.states() == ["sent"]
    await bench.told(order, signed, orders.RECEIVED)
    assert bench.states() == ["received"]
    await bench.told(order, signed, orders.DONE, note="12 registers", content=b"log")
    assert bench.states() == ["done"] and await bench.sent() == []
    async with bench.pool.connection() as connection:
        found = await store.one(connection, HERE, made.command_ids[0])
        key, kept, receipts = await store.proof(connection, made.command_ids[0])
    assert found is not None and (found.told, found.content) == ("12 registers", b"log")
    assert orders.open_order(SodiumVerifier(), (bench.order_key,), kept[0]) == order
    last = orders.open_receipt(SodiumVerifier(), key, receipts[-1][0])
    assert (last.state, last.digest) == (orders.DONE, orders.order_digest(kept[0]))
    acts = bench.ask("select act from audit_entry order by number")
    assert acts[-2:] == ["command requested", "command ended"]


async def test_what_is_not_answered_is_sent_again_the_same_and_is_unknown_in_the_end(
        bench: Bench) -> None:
    await bench.request()
    ((order, signed),) = await bench.sent()
    assert await bench.sent() == []          # Not before its turn.
    for _ in range(3):
        bench.due()
        assert await bench.sent() == [(order, signed)]
    bench.over()
    assert await bench.sent() == [(order, signed)]      # It asks what became of it.
    assert bench.states() == ["unknown"]
    await bench.told(order, signed, orders.DONE)
    assert bench.states() == ["done"]


@pytest.mark.parametrize(("state", "reason", "wanted"), [
    (orders.REFUSED, orders.EXPIRED, "expired"), (orders.REFUSED, orders.CAPPED, "failed"),
    (orders.FAILED, orders.METER_FAILED, "failed"),
    (orders.UNKNOWN, orders.CUT_WITHIN, "unknown")])
def test_each_last_word_has_its_state_and_nothing_changes_one_that_is_over(
        state: int, reason: int, wanted: str) -> None:
    def said(state: int, reason: int = 0) -> Receipt:
        return Receipt(b"", b"", 1, b"", state, reason, 0, 0, "", b"", b"")
    for before in states.ASKED_ABOUT:
        assert states.told(before, said(state, reason)) == wanted
    for before in (*states.OVER, "requested", "approved"):
        assert states.told(before, said(orders.DONE)) == before


async def test_what_was_never_sent_expires_and_what_waits_for_approval_is_not_sent(
        bench: Bench) -> None:
    await bench.request("disconnect", CAP + 1)
    assert await bench.sent() == [] and set(bench.states()) == {"requested"}
    bench.over()
    assert await bench.sent() == [] and set(bench.states()) == {"expired"}


async def test_more_than_the_cap_needs_a_second_person_however_it_is_divided(
        bench: Bench) -> None:
    first = await bench.request("disconnect", CAP)
    assert not first.needs_approval
    more = await bench.request("disconnect", 1, OTTO, targets=["M-11"])
    assert more.needs_approval
    with pytest.raises(CommandRefused, match="second person"):
        await bench.approve(more.request_id, OTTO)
    assert len(await bench.sent()) == CAP
    assert await bench.approve(more.request_id, DORA) == 1
    assert len(await bench.sent()) == 1
    with pytest.raises(CommandRefused, match="Nothing"):
        await bench.approve(more.request_id, DORA)
    assert not (await bench.request("reconnect", 12)).needs_approval
    with pytest.raises(psycopg.errors.CheckViolation):      # Not even by a mistake of ours.
        bench.do("update command set state = 'sent', approved_by = null where needs_approval")
    with pytest.raises(psycopg.errors.CheckViolation):
        bench.do("update command set approved_by = requested_by where needs_approval")


async def test_who_wants_a_proof_gets_the_same_act_under_another_number(bench: Bench) -> None:
    await bench.request()
    ((order, signed),) = await bench.sent()
    await bench.told(order, signed, orders.AGAIN, orders.PROVE_FRESH)
    ((second, again),) = await bench.sent()
    assert (second.id, second.fresh, order.fresh) == (order.id, CHALLENGE, None)
    assert second.sequence > order.sequence > int.from_bytes(order.id, "big") > 10**12
    await bench.told(order, signed, orders.AGAIN, orders.PROVE_FRESH)      # Late, of the first.
    bench.due()
    assert await bench.sent() == [(second, again)]
    await bench.told(second, again, orders.DONE)
    assert bench.states() == ["done"]


async def test_what_is_forged_or_of_another_order_changes_nothing(bench: Bench) -> None:
    await bench.request()
    ((order, signed),) = await bench.sent()
    with pytest.raises(NotGenuine):
        await bench.told(order, signed, orders.DONE, seed=bytes(32))
    await bench.told(order, b"another order", orders.DONE)
    with pytest.raises(WireError):
        async with bench.pool.connection() as connection:
            await bench.desk.take(connection, topics.topic(bench.device.id, "up", "receipt"), b"x")
    assert bench.states() == ["sent"]


async def test_what_cannot_be_asked_for_is_refused_with_a_sentence(bench: Bench) -> None:
    for more, words in (
            ({"reason": "."}, "Say why"), ({"targets": ["M-0", "no-such"]}, "no meter no-such"),
            ({"kind": "explode"}, "no command"), ({"kind": "limit"}, "limit takes"),
            ({"values": {"lines": 5}}, "takes nothing"), ({"within_s": 5}, "10 seconds"),
            ({"kind": "restart", "targets": ["zz"]}, "no concentrator"),
            ({"kind": "fetch-log", "targets": [bench.device.id.hex()],
              "values": {"lines": 10**6}}, "arguments lines")):
        with pytest.raises(CommandRefused, match=words):
            await bench.request(**more)      # type: ignore[arg-type]
    assert bench.states() == []
    async with bench.pool.connection() as connection:
        assert await requesting.approve(connection, Reach(2), OTTO, "otto", 1) == 0


async def test_numbers_of_orders_rise_where_a_backup_was_put_back(bench: Bench) -> None:
    await bench.request()
    ((order, _),) = await bench.sent()
    bench.do("update order_count set last = 0")
    await bench.request()
    assert (await bench.sent())[0][0].sequence > order.sequence


async def test_a_stretch_to_be_read_again_is_an_order_for_each_day_of_it(bench: Bench) -> None:
    first = 1_800_000_000
    made = await bench.request("read-again", 2, values={"first": first, "last": first + 2 * 86400})
    assert len(made.command_ids) == 6
    found = [decode_arguments(order.kind, order.arguments) for order, _ in await bench.sent()]
    for serial in ("M-0", "M-1"):
        spans = sorted((one[1], one[2]) for one in found if one[0] == serial)
        assert spans == [(first, first + 86399), (first + 86400, first + 172799),
                         (first + 172800, first + 172800)]
    for values in ({"first": 5, "last": 4}, {"first": 0, "last": 31 * 86400}, {"first": 5}):
        with pytest.raises(CommandRefused):
            await bench.request("read-again", values=values)
    with pytest.raises(CommandRefused, match="372 orders|at most"):
        await bench.request("read-again", 12, values={"first": 0, "last": 100 * 86400})
