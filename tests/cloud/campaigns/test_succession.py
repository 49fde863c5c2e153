"""Rotation of release keys at the head-end: taken in, in force, told on, refused by name."""

from pathlib import Path

import pytest

from tests.cloud.campaigns.signed import VENDOR, Roots, Workbench
from tests.cloud.campaigns.test_serving import OLD, Desk, standing
from tests.cloud.conftest import HeadEnd
from wum_cloud.audit.acts import Actor
from wum_cloud.campaigns.plan import PlanRefused
from wum_cloud.campaigns.releases import taking
from wum_cloud.campaigns.releases.trust import Trust, read_trust
from wum_cloud.campaigns.succession import taking as succession
from wum_cloud.registry.cipher import SodiumVerifier
from wum_shared import release_trust, updates
from wum_shared.orders import UPDATE

ADA = Actor(1, "ada", "::1")


def first_of(roots: Roots, path: Path) -> list[Trust]:
    """Ada alone signs releases."""
    return read_trust(roots.trust(path, "ada"))


async def take(head_end: HeadEnd, first: list[Trust], raw: bytes) -> tuple[Trust, bool]:
    async with head_end.pool.connection() as connection:
        return await succession.take(connection, 1, ADA, first, raw)


async def in_force(head_end: HeadEnd, first: list[Trust]) -> list[Trust]:
    async with head_end.pool.connection() as connection:
        return await succession.in_force(connection, 1, first)


async def test_after_a_rotation_old_keys_hand_nothing_in(head_end: HeadEnd, tmp_path: Path,
                                                         ) -> None:
    roots = Roots()
    first = first_of(roots, tmp_path / "t.json")
    old, new = roots.handed(4, "ada"), roots.handed(4, "grace")
    taking.open_handed(await in_force(head_end, first), old)
    with pytest.raises(PlanRefused, match="wanted 1 signers that are trusted, got 0"):
        taking.open_handed(await in_force(head_end, first), new)
    held, is_new = await take(head_end, first, roots.document(2, "grace", "lin"))
    assert is_new and held.document.number == 2
    assert sorted(held.names.values()) == ["grace", "lin"]
    trusted = await in_force(head_end, first)
    assert taking.open_handed(trusted, new).signers == ["grace"]
    with pytest.raises(PlanRefused, match="got 0"):
        taking.open_handed(trusted, old)
    assert head_end.ask("select act, subject from audit_entry where act like 'release keys%%'"
                        ) == [("release keys rotated", "release keys 2")]


async def test_a_release_of_before_a_rotation_is_assigned_with_the_signatures_that_came_after(
        head_end: HeadEnd, tmp_path: Path) -> None:
    roots = Roots()
    first = first_of(roots, tmp_path / "t.json")
    parts = [taking.open_handed(first, roots.handed(4, "ada"))]
    await take(head_end, first, roots.document(2, "grace", "lin"))
    trusted = await in_force(head_end, first)
    parts.append(taking.open_handed(trusted, roots.handed(4, "ada", "lin")))
    numbers = []
    for opened in (*parts, parts[1]):
        async with head_end.pool.connection() as connection:
            numbers.append(await taking.take(connection, 1, ADA, opened))
    assert [is_new for _, is_new in numbers] == [True, False, False]
    assert head_end.ask("select signers, envelope from release") == [
        (["lin"], parts[1].envelope)]
    assert head_end.ask("select act, detail ->> 'signers' from audit_entry"
                        " where act like 'release %%' and act not like '%%keys%%' order by 1 desc"
                        ) == [("release taken in", "ada"), ("release signed anew", "lin")]


async def test_what_root_keys_did_not_sign_or_what_is_not_next_is_refused(
        head_end: HeadEnd, tmp_path: Path) -> None:
    roots = Roots()
    first = first_of(roots, tmp_path / "t.json")
    for raw, words in (
            (b"\x80", "no rotation of release keys"),
            (roots.document(2, "lin", seeds=roots.roots[:1]), "wanted 2 root keys of document 1"),
            (roots.document(3, "lin"), "wanted document 2 next, got 3"),
            (roots.document(1, "lin"), "Document 1 comes before what holds here, document 1"),
            (roots.document(2, "lin", device_class=VENDOR), "Nobody is trusted here")):
        with pytest.raises(PlanRefused, match=words):
            await take(head_end, first, raw)
    second = roots.document(2, "lin")
    assert (await take(head_end, first, second))[1]
    assert not (await take(head_end, first, second))[1]
    with pytest.raises(PlanRefused, match="another document 2 for linux already"):
        await take(head_end, first, roots.document(2, "grace"))
    bare = read_trust(Workbench().trust(tmp_path / "bare.json"))
    with pytest.raises(PlanRefused, match="came without root keys"):
        await take(head_end, bare, roots.document(3, "lin"))


async def test_who_is_behind_is_ordered_to_follow_each_document_in_turn(
        head_end: HeadEnd, tmp_path: Path) -> None:
    """Once, until it says that it holds more; one that slept through many gets them in parts."""
    roots = Roots()
    first = first_of(roots, tmp_path / "first.json")
    desk = await Desk(head_end, tmp_path).prepare()
    last = 2 + 2 * updates.DOCUMENTS_MAX
    for number in range(2, last):
        await take(head_end, first, roots.document(number, "grace", "lin"))
    held, parts, looks = first[0].document, 0, 0
    seen: set[int] = set()
    while held.number < last - 1:
        await desk.take(standing(desk.one, updates.CONFIRMED, digest=OLD, trust=held.number))
        looks += 1
        assert looks < 20
        for _ in range(2):                                 # Not told twice.
            await desk.desk.step(head_end.pool, 0.0)
        rows = [row for row in head_end.ask(
            "select command_id, arguments, state, requested_by, shown from command where kind = %d"
            " order by command_id" % UPDATE) if row[0] not in seen]
        assert len(rows) == 1 and rows[0][2:4] == ("approved", "ada")
        seen.add(rows[0][0])
        demand = updates.decode_demand(rows[0][1])
        assert isinstance(demand, updates.Succession)
        held = release_trust.follow(SodiumVerifier(), held, list(demand.documents))
        assert rows[0][4] == "release keys of document %d" % held.number
        parts += 1
    assert parts >= 2
    await desk.take(standing(desk.one, updates.CONFIRMED, digest=OLD, trust=held.number))
    await desk.desk.step(head_end.pool, 0.0)
    assert len(head_end.ask("select 1 from command")) == len(seen)


async def test_who_says_that_it_follows_none_is_not_asked_to(
        head_end: HeadEnd, tmp_path: Path) -> None:
    roots = Roots()
    desk = await Desk(head_end, tmp_path).prepare()
    await take(head_end, first_of(roots, tmp_path / "first.json"), roots.document(2, "lin"))
    await desk.take(standing(desk.one, updates.CONFIRMED, digest=OLD, trust=0))
    await desk.desk.step(head_end.pool, 0.0)
    assert head_end.ask("select 1 from command") == []
