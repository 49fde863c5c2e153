"""The audit trail on a real database: it is only added to, and what was taken out shows."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from wum_cloud.audit import acts, store
from wum_cloud.audit.acts import Actor
from wum_cloud.audit.commands import export, verify, verify_file
from wum_cloud.database import Pool, connect

ANA = Actor(1, "ana", "10.0.0.1")


async def fill(pool: Pool, entries: int = 4) -> None:
    for number in range(entries):
        async with pool.connection() as connection:
            await store.note(connection, ANA, acts.ACCOUNT_MADE, "bob %d" % number, role="operator")


def tamper(url: str, *statements: str) -> None:
    """What somebody with all rights on the database may do: triggers do not hold him."""
    with psycopg.connect(url) as connection:
        connection.execute("set session_replication_role = replica")
        for statement in statements:
            connection.execute(statement.encode())


async def test_entries_are_chained_and_whole(
        pool: Pool, database_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    await fill(pool)
    async with pool.connection() as connection:
        await store.note(connection, Actor(acts.NOBODYS, "", "10.0.0.2"), acts.SIGN_IN_FAILED)
    assert await verify(database_url, None) == 0
    assert "5 entries in 2 chains: whole." in capsys.readouterr().out


@pytest.mark.parametrize(("statement", "told"), [
    ("delete from audit_entry where number = 2", "entry 3: 1 entry before it is gone"),
    ("delete from audit_entry where number = 4", "its end is gone"),
    ("delete from audit_entry", "its end is gone"),
    ("update audit_entry set account = 'eve' where number = 3", "entry 3: it was changed"),
    ("update audit_entry set detail = '{}' where number = 1", "entry 1: it was changed"),
    ("update audit_entry set at = at + interval '1 us' where number = 1", "it was changed"),
])
async def test_the_check_finds_what_was_changed_or_deleted(
        pool: Pool, database_url: str, capsys: pytest.CaptureFixture[str], statement: str,
        told: str) -> None:
    await fill(pool)
    assert await verify(database_url, None) == 0
    tamper(database_url, statement)
    assert await verify(database_url, None) == 1
    assert told in capsys.readouterr().out


@pytest.mark.parametrize("statement", [
    "delete from audit_entry where number = 1", "update audit_entry set act = 'x'",
    "truncate audit_entry"])
async def test_the_database_refuses_to_change_the_trail(
        pool: Pool, database_url: str, statement: str) -> None:
    await fill(pool, 1)
    with (psycopg.connect(database_url) as connection,
          pytest.raises(psycopg.errors.RaiseException, match="only ever added to")):
        connection.execute(statement.encode())


async def test_an_anchor_shows_a_trail_whose_end_was_cut_off_with_its_head(
        pool: Pool, database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    anchor = tmp_path / "anchor"
    await fill(pool)
    assert await verify(database_url, anchor) == 0
    await fill(pool)
    assert await verify(database_url, anchor) == 0, "a trail that went on is well"
    tamper(database_url, "delete from audit_entry where number > 6", (
        "update audit_head set number = 6, hash = (select hash from audit_entry"
        " where number = 6)"))
    assert await verify(database_url, None) == 0, "the chain alone does not show it"
    assert await verify(database_url, anchor) == 1
    assert "it ends at entry 6, and there were 8" in capsys.readouterr().out
    kept = anchor.read_text()
    assert json.loads(kept)["head"] == 8, "a bad trail does not become the anchor"


async def test_acts_at_the_same_time_stand_one_after_the_other(
        pool: Pool, database_url: str) -> None:
    await asyncio.gather(*[fill(pool, 5) for _ in range(4)])
    assert await verify(database_url, None) == 0
    with psycopg.connect(database_url) as connection:
        assert connection.execute("select max(number) from audit_entry").fetchone() == (20,)


async def test_an_act_that_fails_leaves_no_entry_and_no_hole(
        pool: Pool, database_url: str) -> None:
    await fill(pool, 1)

    async def fail() -> None:
        async with pool.connection() as connection:
            await store.note(connection, ANA, acts.ACCOUNT_MADE, "bob")
            raise RuntimeError("the act itself failed")

    with pytest.raises(RuntimeError):
        await fail()
    await fill(pool, 1)
    assert await verify(database_url, None) == 0


async def test_an_export_is_checked_without_a_database(
        pool: Pool, database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    await fill(pool)
    file = tmp_path / "audit.ndjson"
    assert await export(database_url, file) == 0
    assert file.stat().st_mode & 0o777 == 0o600
    assert verify_file(file) == 0
    lines = file.read_text().splitlines(keepends=True)
    for number in range(len(lines) - 1):
        file.write_text("".join(lines[:number] + lines[number + 1:]))
        assert verify_file(file) == 1, "without line %d" % number
    file.write_text("".join(lines[:-1]))
    assert verify_file(file) == 1 and "no head" in capsys.readouterr().out


SCRIPT = Path(__file__).resolve().parents[3] / "docs" / "verify_audit.py"


def judge(*files: Path) -> tuple[int, str]:
    """What the script of the documents says, which knows nothing of the head-end."""
    done = subprocess.run([sys.executable, "-I", "-S", str(SCRIPT), *map(str, files)],
                          capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


async def test_a_short_script_that_knows_nothing_of_us_checks_an_export(
        pool: Pool, database_url: str, tmp_path: Path) -> None:
    source = SCRIPT.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 80 and "wum_cloud" not in source
    file, anchor, worse = (tmp_path / name for name in ("audit.ndjson", "anchor", "worse"))
    await fill(pool, 3)
    async with pool.connection() as connection:
        await store.note(connection, Actor(acts.NOBODYS, "\u00e9va \u2603", "::1"),
                         acts.SIGN_IN_FAILED, why="a \"quote\"\\")
    assert await verify(database_url, anchor) == 0
    await fill(pool, 1)
    assert await export(database_url, file) == 0
    assert judge(file) == judge(file, anchor) == (0, "5 entries: whole.\n")
    lines = file.read_text().splitlines(keepends=True)
    for number, line in enumerate(lines):
        worse.write_text("".join(lines[:number] + lines[number + 1:]))
        assert judge(worse)[0] == 1, "without line %d" % number
        if "head" not in json.loads(line):
            worse.write_text("".join([*lines[:number], line.replace(
                '"act": "', '"act": "not '), *lines[number + 1:]]))
            assert judge(worse)[0] == 1, "with another line %d" % number
    tamper(database_url, "delete from audit_entry where chain = 1 and number > 2", (
        "update audit_head set number = 2, hash = (select hash from audit_entry"
        " where chain = 1 and number = 2) where chain = 1"))
    assert await export(database_url, worse) == 0
    assert judge(worse)[0] == 0 and judge(worse, anchor)[0] == 1


async def test_long_and_unprintable_texts_are_kept_as_something_that_can_be_shown(
        pool: Pool, database_url: str) -> None:
    async with pool.connection() as connection:
        await store.note(connection, Actor(1, "a\0na\n", "::1"), acts.SIGN_IN_FAILED, "x" * 10_000,
                         why="\ud800\0")
    assert await verify(database_url, None) == 0
    with psycopg.connect(database_url) as connection:
        row = connection.execute("select account, length(subject) from audit_entry").fetchone()
    assert row == ("a\N{REPLACEMENT CHARACTER}na\N{REPLACEMENT CHARACTER}", 200)


async def test_a_search_finds_who_whom_and_what(pool: Pool, database_url: str) -> None:
    await fill(pool, 3)
    async with pool.connection() as connection:
        await store.note(connection, Actor(1, "100%", "::1"), acts.SIGNED_IN)
        await store.note(connection, Actor(2, "ana", "::1"), acts.SIGNED_IN)
    async with await connect(database_url) as connection:
        async def texts(wanted: store.Search, before: int | None = None) -> list[int]:
            return [e.number for e in await store.search(connection, 1, wanted, before, 10)]
        assert await texts(store.Search()) == [4, 3, 2, 1]
        assert await texts(store.Search(), 3) == [2, 1]
        assert await texts(store.Search("BOB 1")) == [2]
        assert await texts(store.Search("%")) == [4], "what is searched is no pattern"
        assert await texts(store.Search("operator", acts.ACCOUNT_MADE)) == [3, 2, 1]
        assert await texts(store.Search(act=acts.SIGNED_IN)) == [4]


def test_the_command_says_what_it_found_and_ends_with_1(database_url: str, tmp_path: Path) -> None:
    def audit(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "wum_cloud", "audit", *arguments], capture_output=True,
            text=True, env={**os.environ, "WUM_DATABASE_URL": database_url}, check=False)
    done = audit("verify")
    assert done.returncode == 0 and "0 entries" in done.stdout
    with psycopg.connect(database_url) as connection:
        connection.execute("insert into audit_head values (1, 3, %s)", [bytes(32)])
    done = audit("verify")
    assert done.returncode == 1 and "its end is gone" in done.stdout
    done = audit("verify", str(tmp_path / "none"))
    assert done.returncode == 1 and "cannot be read" in done.stderr
    assert audit("export").returncode == 2
