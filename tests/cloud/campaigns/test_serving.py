"""What is heard and given beside ingest: genuine standings that are new, pieces that are wanted."""

from pathlib import Path

import pytest

from tests.cloud.campaigns.signed import Workbench
from tests.cloud.concentrator import Concentrator, SodiumSigner
from tests.cloud.conftest import HeadEnd
from wum_cloud.audit.acts import Actor
from wum_cloud.campaigns import running
from wum_cloud.campaigns.asked import store as asked
from wum_cloud.campaigns.plan import PlanRefused
from wum_cloud.campaigns.releases import taking
from wum_cloud.campaigns.releases.trust import read_trust
from wum_cloud.campaigns.running import Wanted
from wum_cloud.campaigns.serving.desk import CampaignDesk
from wum_cloud.campaigns.serving.pieces import AGAIN_S, ON_THE_WAY_MAX, OnTheWay
from wum_cloud.enrolment.trust.documents import make_document
from wum_cloud.ingest.downlink import Downlink
from wum_cloud.registry.cipher import SodiumCipher
from wum_shared import cose, topics, updates
from wum_shared.errors import NotGenuine, WireError
from wum_shared.suit import CHUNK_SIZE
from wum_shared.updates import CONTENT, INDEX, ROLL, Standing, Want

ADA, BOB = Actor(1, "ada", "::1"), Actor(1, "bob", "::1")
OLD = b"o" * 32


def said(one: Concentrator, stream: str, plaintext: bytes) -> tuple[str, bytes]:
    """Sealed by this concentrator."""
    one.counter += 1
    return topics.topic(one.id, "up", stream), cose.seal(
        SodiumCipher(), one.uplink, cose.key_id(one.id, one.epoch), one.counter, plaintext, "up",
        one.tenant, stream)


def standing(one: Concentrator, state: int, *, assignment: int = 0, digest: bytes = OLD,
             seed: bytes | None = None, nonce: bytes = bytes(16), trust: int = 0,
             ) -> tuple[str, bytes]:
    """What it tells."""
    told = Standing(assignment, state, 3, digest, 1, 9, 1_790_000_000, nonce, "", trust)
    return said(one, "standing", cose.sign(
        SodiumSigner(), seed or one.seed, one.id, updates.encode_standing(told)))


class Desk:
    """A desk, one concentrator and a release at the head-end."""

    def __init__(self, head_end: HeadEnd, folder: Path) -> None:
        self.head_end, self.folder = head_end, folder
        self.desk, self.one = CampaignDesk(head_end.vault, Downlink()), Concentrator()
        self.bench = Workbench()

    async def prepare(self, size: int = 3000) -> "Desk":
        await make_document(self.head_end.url, self.head_end.vault, self.folder / "root.key")
        await self.head_end.register(self.one)
        self.opened = taking.open_handed(read_trust(
            self.bench.trust(self.folder / "t.json")), self.bench.handed(4, size=size))
        async with self.head_end.pool.connection() as connection:
            self.release, _ = await taking.take(connection, 1, ADA, self.opened)
        return self

    async def take(self, message: tuple[str, bytes]) -> None:
        async with self.head_end.pool.connection() as connection:
            await self.desk.take(connection, *message)

    async def give(self, want: Want) -> list[updates.Pieces]:
        async with self.head_end.pool.connection() as connection:
            found = await self.desk.give(connection, *said(
                self.one, "want", updates.encode_want(want)))
        assert {where for where, _ in found} <= {topics.topic(self.one.id, "down", "pieces")}
        assert all(len(sealed) < 16 * 1024 + 768 for _, sealed in found)   # What a gateway reads.
        return [updates.decode_pieces(cose.unseal(
            SodiumCipher(), self.one.downlink, sealed, "down", "default", "pieces"))
            for _, sealed in found]

    async def ask_for(self, **plan: object) -> int:
        async with self.head_end.pool.connection() as connection:
            return await running.request(connection, 1, ADA, "ada", Wanted(
                self.release, "to 1.4", "a security fix", plan=dict(plan)))

    async def change(self, act: str, number: int, actor: Actor = BOB) -> bool:
        async with self.head_end.pool.connection() as connection:
            if act == "approve":
                return await running.approve(connection, 1, actor, actor.name, number)
            return await running.change(connection, 1, actor, actor.name, number, act)


async def test_a_standing_is_kept_if_it_is_genuine_and_newer(
        head_end: HeadEnd, tmp_path: Path) -> None:
    desk = await Desk(head_end, tmp_path).prepare()
    first = standing(desk.one, updates.CONFIRMED)
    second = standing(desk.one, updates.FETCHING, assignment=7)
    await desk.take(second)
    await desk.take(first)                               # It comes late, or again.
    kept = "select state, assignment from update_standing"
    assert head_end.ask(kept) == [(updates.FETCHING, 7)]
    with pytest.raises(NotGenuine):
        await desk.take(standing(desk.one, updates.REVERTED, seed=bytes(32)))
    with pytest.raises(WireError):
        await desk.take((first[0], first[1][:-1] + b"x"))
    other = Concentrator()
    with pytest.raises(NotGenuine, match="no keys"):
        await desk.take((topics.topic(other.id, "up", "standing"), first[1]))
    assert head_end.ask(kept) == [(updates.FETCHING, 7)]


async def test_pieces_come_as_they_are_wanted_and_not_twice_at_once(
        head_end: HeadEnd, tmp_path: Path) -> None:
    desk = await Desk(head_end, tmp_path).prepare(size=300_000)
    digest, content = desk.opened.release.digest, desk.opened.content
    places = -(-len(content) // CHUNK_SIZE)
    found: dict[int, bytes] = {}
    for _ in range(places):
        missing = [n for n in range(places) if n not in found]
        if not missing:
            break
        want = Want(digest, CONTENT, ((missing[0], missing[-1] - missing[0] + 1),))
        pieces = await desk.give(want)
        assert pieces and sum(-(-len(one.data) // CHUNK_SIZE) for one in pieces) <= ON_THE_WAY_MAX
        assert await desk.give(want) == []               # It asks with every piece that comes.
        for one in pieces:
            for at in range(0, len(one.data), CHUNK_SIZE):
                found[one.first + at // CHUNK_SIZE] = one.data[at:at + CHUNK_SIZE]
    assert b"".join([found[n] for n in range(places)]) == content
    (index,) = await desk.give(Want(digest, INDEX, ((0, -(-len(desk.opened.index) // 1024)),)))
    assert index.data == desk.opened.index
    assert await desk.give(Want(b"?" * 32, CONTENT, ((0, 1),))) == []
    assert await desk.give(Want(digest, CONTENT, ((10_000, 2),))) == []


def test_what_did_not_come_is_sent_again_after_a_while_and_what_is_kept_has_an_end():
    clock = [0.0]
    way = OnTheWay(lambda: clock[0])
    want = Want(b"d" * 32, CONTENT, ((0, 40), (50, 1)))
    assert way.next_of(1, want) == [(0, 15), (15, 15), (30, 10), (50, 1)]
    assert way.next_of(1, want) == [] and way.next_of(2, want) != []
    clock[0] = AGAIN_S
    assert sum(count for _, count in way.next_of(1, want)) == 41
    for number in range(20_000):
        way.next_of(number, Want(b"e" * 32, CONTENT, ((0, 1),)))
    assert len(way._sent) <= 5000


async def test_a_roll_is_given_whole_to_who_names_its_digest_in_its_tenant(
        head_end: HeadEnd, tmp_path: Path) -> None:
    desk = await Desk(head_end, tmp_path).prepare()
    body = bytes(range(256)) * 20
    head_end.do("insert into tenant (name) values ('other')")
    (other,) = head_end.ask("select tenant_id from tenant where name = 'other'")
    for tenant, digest in ((1, b"a" * 32), (other, b"b" * 32)):
        head_end.do("insert into update_roll (tenant_id, digest, network, sequence, members, body)"
                    " values (%s, %s, 9, 7, 3, %s)", tenant, digest, body)
    places = ((0, -(-len(body) // CHUNK_SIZE)),)
    assert await desk.give(Want(b"a" * 32, ROLL, places)) == [
        updates.Pieces(b"a" * 32, ROLL, 0, body)]
    for digest, part in ((b"b" * 32, ROLL), (b"c" * 32, ROLL), (b"a" * 32, CONTENT),
                         (b"a" * 32, INDEX), (desk.opened.release.digest, ROLL)):
        assert await desk.give(Want(digest, part, places)) == []


async def test_a_campaign_needs_two_persons_and_orders_only_then(
        head_end: HeadEnd, tmp_path: Path) -> None:
    desk = await Desk(head_end, tmp_path).prepare()
    with pytest.raises(PlanRefused, match="there are 0"):
        await desk.ask_for()
    await desk.take(standing(desk.one, updates.CONFIRMED))
    number = await desk.ask_for(spread_s=0)
    with pytest.raises(PlanRefused, match="under way"):
        await desk.ask_for()
    with pytest.raises(PlanRefused, match="second person"):
        await desk.change("approve", number, ADA)
    await desk.desk.step(head_end.pool, 1_790_000_000)
    assert head_end.ask("select count(*) from command") == [0]
    assert await desk.change("approve", number)
    for _ in range(2):
        await desk.desk.step(head_end.pool, 1_790_000_000)
    (command,) = head_end.ask("select kind, arguments, shown, requested_by, approved_by, state"
                              " from command")
    assert command[0] == 13 and command[2:] == ("run release 4", "ada", "bob", "approved")
    demand = updates.decode_demand(command[1])
    assert isinstance(demand, updates.Assignment) and demand.envelope == desk.opened.envelope
    assert (demand.begins_s, demand.may_go_back) == (1_790_000_000, False)
    assert await desk.change("pause", number) and await desk.change("resume", number)
    with pytest.raises(PlanRefused, match="only what is paused"):
        await desk.change("resume", number)
    assert await desk.change("abort", number)
    await desk.desk.step(head_end.pool, 1_790_000_060)
    assert head_end.ask("select state from command") == ["withdrawn"]   # Nobody had signed it.
    assert head_end.ask("select state from campaign_member") == ["left out"]
    acts = head_end.ask("select act from audit_entry where act like 'campaign%%' order by number")
    assert acts == ["campaign requested", "campaign approved", "campaign paused",
                    "campaign resumed", "campaign aborted"]
    assert not await desk.change("abort", number + 1)


async def test_a_campaign_that_is_over_is_looked_at_once_a_minute(
        head_end: HeadEnd, tmp_path: Path) -> None:
    clock = [0.0]
    desk = await Desk(head_end, tmp_path).prepare()
    desk.desk = CampaignDesk(head_end.vault, Downlink(), lambda: clock[0])
    await desk.take(standing(desk.one, updates.CONFIRMED))
    number = await desk.ask_for(spread_s=0)
    await desk.change("approve", number)
    assert await desk.desk.step(head_end.pool, 1_790_000_000, is_paced=True)
    await desk.change("abort", number)
    assert await desk.desk.step(head_end.pool, 1_790_000_002, is_paced=True)
    target = desk.opened.release.digest
    await desk.take(standing(desk.one, updates.CONFIRMED, digest=target))       # It speaks late.
    assert await desk.desk.step(head_end.pool, 1_790_000_004, is_paced=True) == 0
    clock[0] += 60
    assert await desk.desk.step(head_end.pool, 1_790_000_064, is_paced=True)
    assert head_end.ask("select state from campaign_member") == ["confirmed"]


async def test_each_member_is_seen_with_its_own_words(head_end: HeadEnd, tmp_path: Path) -> None:
    desk = await Desk(head_end, tmp_path).prepare()
    await desk.take(standing(desk.one, updates.CONFIRMED))
    number = await desk.ask_for(spread_s=0)
    await desk.change("approve", number)
    await desk.desk.step(head_end.pool, 1_790_000_000)
    head_end.do("update command set state = 'failed', told = 'it cannot be done here: no room:"
                " 1 bytes are free, 2 are needed'")
    await desk.desk.step(head_end.pool, 1_790_000_010)
    async with head_end.pool.connection() as connection:
        found = await asked.one(connection, 1, number)
        (member,) = await asked.members(connection, number, None, 9)
        log = await asked.log(connection, number, None, 99)
        waves = await asked.waves(connection, number)
        assert await asked.one(connection, 2, number) is None
        assert await asked.of_concentrator(connection, 1, member.concentrator_id) == ("", number)
    assert found is not None and (found.state, found.counts) == ("stopped", {"failed": 1})
    assert "1 of 1 in wave 1 failed" in found.why and waves == [{"failed": 1}]
    assert (member.fault, member.runs) == ("no room", 3) and "1 bytes are free" in member.words
    assert [line.what for line in log] == ["stopped", "failed", "ordered", "approved", "requested"]


async def test_the_canary_is_of_each_kind_of_buses_in_each_branch(
        head_end: HeadEnd, tmp_path: Path) -> None:
    """By the registry's own table of buses: how they are reached, their settings, what is on each.
    """
    desk = await Desk(head_end, tmp_path).prepare()
    others = [Concentrator() for _ in range(3)]
    for one in others:
        await head_end.register(one)
    for one in (desk.one, *others):
        await desk.take(standing(one, updates.CONFIRMED))
    head_end.do("insert into site (tenant_id, name) values (1, 'north')")
    head_end.do("insert into site (tenant_id, name, parent_site_id) select 1, n, site_id from site,"
                " unnest(array['street 1', 'street 2']) as n where name = 'north'")
    head_end.do("update concentrator set site_id = (select site_id from site where name = case"
                " concentrator_id %% 2 when 0 then 'street 1' else 'street 2' end)")
    numbers = head_end.ask("select concentrator_id from concentrator order by concentrator_id")
    head_end.do("insert into delivery_point (tenant_id, name) values (1, 'dp')")
    for number, port, baud, models in zip(
            numbers, ("/dev/ttyS0", "/dev/ttyS7", "tcp:10.0.0.1:502", "/dev/ttyS0"),
            (9600, 9600, 9600, 2400), ("ab", "ba", "ab", "ab"), strict=True):
        head_end.do("insert into bus (concentrator_id, name, port, baud) values (%d, 'x', '%s', %d)"
                    % (number, port, baud))
        for place, model in enumerate(models):
            head_end.do(
                "insert into meter (tenant_id, concentrator_id, delivery_point_id, serial, model,"
                " bus_id, period_s, offset_s)"
                " select 1, concentrator_id, delivery_point_id, '%d-%d', '%s', bus_id, 900, 0"
                " from bus, delivery_point where concentrator_id = %d" % (
                    number, place, model, number))
    async with head_end.pool.connection() as connection:
        found = {one.concentrator_id: (one.buses, one.branch) for one in await asked.candidates(
            connection, 1, desk.release, None, 99)}
    assert [found[number] for number in numbers] == [
        ("serial 9600N1: a+b", "north"), ("serial 9600N1: a+b", "north"),
        ("tcp 9600N1: a+b", "north"), ("serial 2400N1: a+b", "north")]
