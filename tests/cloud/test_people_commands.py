"""Accounts, passwords and tokens on the command line: each secret is told once, nowhere else."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from wum_cloud.people.first_account import make_first_account
from wum_cloud.people.passwords import is_password


def wum_cloud(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "wum_cloud", *arguments], capture_output=True, text=True,
        env={**os.environ, "WUM_DATABASE_URL": url}, check=False)


def kept_hash(url: str) -> str:
    with psycopg.connect(url) as connection:
        row = connection.execute("select password_hash from account").fetchone()
    assert row is not None
    return str(row[0])


async def test_the_first_start_makes_one_account_and_writes_its_password_for_its_owner_alone(
        database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "password"
    file.write_text("left over")
    file.chmod(0o644)
    assert await make_first_account(database_url, file)
    password = file.read_text().strip()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(password) >= 20 and password not in capsys.readouterr().err
    assert kept_hash(database_url).startswith("$argon2id$")
    assert await is_password(kept_hash(database_url), password)
    assert not await make_first_account(database_url, file), "the second start makes none"
    assert file.read_text().strip() == password


async def test_without_a_file_the_password_is_printed_once(
        database_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    await make_first_account(database_url, None)
    words = capsys.readouterr().err.split()
    assert any([await is_password(kept_hash(database_url), word) for word in words
                if len(word) > 20])


async def test_a_lost_password_is_replaced_and_its_sessions_end(database_url: str) -> None:
    await make_first_account(database_url, None)
    before = kept_hash(database_url)
    with psycopg.connect(database_url) as connection:
        connection.execute("insert into session (token_hash, account_id, csrf_token)"
                           " select 'x', account_id, 'y' from account")
    done = wum_cloud(database_url, "password", "admin")
    assert done.returncode == 0 and kept_hash(database_url) != before
    assert await is_password(kept_hash(database_url), done.stdout.strip())
    with psycopg.connect(database_url) as connection:
        assert connection.execute("select * from session").fetchall() == []
    missing = wum_cloud(database_url, "password", "nobody")
    assert missing.returncode == 1 and "no account called nobody" in missing.stderr


async def test_a_token_is_made_listed_and_revoked(database_url: str) -> None:
    early = wum_cloud(database_url, "token", "create", "billing")
    assert early.returncode == 1 and "start `wum-cloud web` once" in early.stderr
    await make_first_account(database_url, None)
    made = wum_cloud(database_url, "token", "create", "billing")
    token = made.stdout.strip()
    assert made.returncode == 0 and token.startswith("wum_") and len(token) > 30
    listed = wum_cloud(database_url, "token", "list").stdout
    assert listed.startswith("billing") and "integrator as admin" in listed
    assert "last used never" in listed and token not in listed
    assert wum_cloud(database_url, "token", "revoke", "billing").returncode == 0
    assert wum_cloud(database_url, "token", "list").stdout == ""
    assert wum_cloud(database_url, "token", "revoke", "billing").returncode == 1
    assert wum_cloud(database_url, "token", "create").returncode == 2
