"""Releases taken in: nothing unsigned, nothing changed, nothing twice under one number."""

from pathlib import Path

import pytest

from tests.cloud.campaigns.signed import Workbench
from wum_cloud.audit.acts import Actor
from wum_cloud.campaigns.plan import PlanRefused
from wum_cloud.campaigns.releases import store, taking
from wum_cloud.campaigns.releases.trust import read_trust
from wum_cloud.database import Pool
from wum_shared import cbor
from wum_shared.bundle import index_of

ADA = Actor(1, "ada", "::1")


async def test_a_signed_release_is_taken_in_once_and_its_pieces_are_those_that_were_signed(
        pool: Pool, tmp_path: Path) -> None:
    bench = Workbench("ada", "grace", threshold=2)
    trusted = read_trust(bench.trust(tmp_path / "release-trust.json"))
    opened = taking.open_handed(trusted, bench.handed(4, size=300_000))
    assert (opened.version, opened.signers) == ("1.4", ["ada", "grace"])
    assert opened.release.index is None                   # The premise: its index travels apart.
    async with pool.connection() as connection:
        number, is_new = await taking.take(connection, 1, ADA, opened)
        assert is_new and await taking.take(connection, 1, ADA, opened) == (number, False)
        (found,) = await store.listed(connection, 1, None, 9)
        assert (found.sequence, found.target, found.size) == (4, "linux", len(opened.content))
        assert await store.listed(connection, 2, None, 9) == []
        for of_index, whole in ((False, opened.content), (True, index_of(opened.content))):
            got = [await store.pieces(connection, 1, opened.release.digest, of_index=of_index,
                                      start=at, size=1024) for at in range(0, len(whole), 1024)]
            assert b"".join([piece or b"" for piece in got]) == whole
        assert await store.pieces(connection, 2, opened.release.digest, of_index=False, start=0,
                                  size=9) is None
        acts = await (await connection.execute("select act from audit_entry")).fetchall()
    assert acts == [("release taken in",)]


async def test_another_release_under_a_number_that_is_taken_is_refused(
        pool: Pool, tmp_path: Path) -> None:
    bench = Workbench()
    trusted = read_trust(bench.trust(tmp_path / "release-trust.json"))
    async with pool.connection() as connection:
        await taking.take(connection, 1, ADA, taking.open_handed(trusted, bench.handed(4)))
        with pytest.raises(PlanRefused, match="another release 4 for linux"):
            await taking.take(connection, 1, ADA, taking.open_handed(
                trusted, bench.handed(4, size=5000)))


def test_what_is_not_signed_enough_or_not_what_was_signed_is_refused(tmp_path: Path) -> None:
    bench, stranger = Workbench("ada", "grace", threshold=2), Workbench("ada", "grace")
    trusted = read_trust(bench.trust(tmp_path / "t.json"))
    envelope, content = bench.parts(4)
    flipped = bytearray(content)
    flipped[-1] ^= 1
    for handed, words in (
            (bench.handed(4, "ada"), "2 signers"), (stranger.handed(4), "2 signers"),
            (cbor.encode([envelope, bytes(flipped), b""]), "not the one that was signed"),
            (cbor.encode([envelope, content[:-1], b""]), "not the one that was signed"),
            (bench.handed(4, target="other"), "says that it is for other"),
            (Workbench("ada", target="micropython-xtensawin").handed(4), "Nobody is trusted"),
            (cbor.encode([envelope, content]), "3 fields"), (b"", "not taken in")):
        with pytest.raises(PlanRefused, match=words):
            taking.open_handed(trusted, handed)
    for at in range(0, len(envelope), 7):
        broken = bytearray(envelope)
        broken[at] ^= 0x10
        with pytest.raises(PlanRefused):
            taking.open_handed(trusted, cbor.encode([bytes(broken), content, b""]))


def test_a_trust_that_cannot_be_met_or_read_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(PlanRefused, match="WUM_RELEASE_TRUST is not set"):
        read_trust(None)
    with pytest.raises(PlanRefused, match=r"no \*\.json"):
        read_trust(tmp_path)
    bench = Workbench("ada", threshold=2)
    with pytest.raises(PlanRefused, match="cannot be met"):
        read_trust(bench.trust(tmp_path / "linux.json"))
    Workbench("ada").trust(tmp_path / "linux.json")
    Workbench("ada", target="other").trust(tmp_path / "other.json")
    assert [one.target for one in read_trust(tmp_path)] == ["linux", "other"]
