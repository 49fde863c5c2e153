"""Another key file: all that was sealed opens with the new key, and nothing with the old one."""

import shutil
from pathlib import Path

import psycopg
import pytest

from wum_cloud.registry.keys import KeyFileError, Vault, make_key_file, open_vault
from wum_cloud.registry.rekeying import commands
from wum_cloud.registry.rekeying.commands import new_key_file
from wum_shared.messages import DirectionKey

UP, DOWN = DirectionKey(b"u" * 32, b"c" * 12), DirectionKey(b"d" * 32, b"c" * 12)
DEVICE = b"8 bytes."


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    assert make_key_file(tmp_path / "key")
    return tmp_path / "key"


def fill(url: str, vault: Vault) -> None:
    """Something in every column that holds sealed bytes."""
    with psycopg.connect(url) as connection:
        number = connection.execute(
            "insert into concentrator (tenant_id, device_id, identity_key, name,"
            " broker_password_hash, next_broker_password_sealed) values (1, %s, %s, 'x', 'x', %s)"
            " returning concentrator_id",
            [DEVICE, bytes(32), vault.seal_text("password", "secret")]).fetchone()
        assert number is not None
        connection.execute(
            "insert into concentrator_epoch (concentrator_id, epoch, sealed_keys)"
            " values (%s, 3, %s)", [number[0], vault.seal(DEVICE, 3, UP, DOWN)])
        connection.execute(
            "insert into claim (tenant_id, name, secrets_sealed, password_sealed,"
            " concentrator_name, made_by, ends_at) values (1, 'name8888', %s, %s, 'x', 'x', now())",
            [vault.seal_text("claim", "a"), vault.seal_text("granted", "b")])
        connection.execute(
            "insert into trust_document (number, signed, digest, root_key, next_root_key,"
            " uplink_secret_sealed, order_secret_sealed) values (1, 'x', 'x', %s, %s, %s, %s)",
            [bytes(32), bytes(32), vault.seal_text("up", "c"), vault.seal_text("order", "d")])
        connection.execute(
            "insert into account (tenant_id, name, password_hash, role, totp_sealed)"
            " values (1, 'ana', 'x', 'analyst', %s)", [vault.seal_text("totp", "e")])


def everything(url: str) -> dict[str, bytes]:
    """All bytes of all tables that no hash function made, by table and column."""
    found = {}
    with psycopg.connect(url) as connection:
        for table, column in connection.execute(
                "select table_name, column_name from information_schema.columns"
                " where table_schema = current_schema() and data_type = 'bytea'").fetchall():
            for n, row in enumerate(connection.execute(
                    ("select %s from %s where %s is not null" % (column, table, column)).encode()
                    ).fetchall()):
                found["%s.%s %d" % (table, column, n)] = bytes(row[0])
    return found


async def test_every_secret_opens_with_the_new_key_and_none_with_the_old(
        database_url: str, key_file: Path) -> None:
    old, text = open_vault(key_file), key_file.read_text()
    fill(database_url, old)
    before = {where for where, value in everything(database_url).items() if old.is_own(value)}
    assert len(before) == 7
    held = key_file.open("rb")      # Whoever has the old file open reads nothing in it any more.
    assert await new_key_file(database_url, key_file) == 0
    fresh = open_vault(key_file)
    after = everything(database_url)
    assert {where for where, value in after.items() if fresh.is_own(value)} == before
    assert not any(old.is_own(value) for value in after.values())
    assert fresh.open(DEVICE, 3, after["concentrator_epoch.sealed_keys 0"]) == (UP, DOWN)
    assert fresh.open_text("totp", after["account.totp_sealed 0"]) == "e"
    assert held.read().strip(b"\0") == b"" and key_file.read_text() != text
    held.close()
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert list(key_file.parent.iterdir()) == [key_file]


def _power_cut(*_: Path) -> None:
    raise KeyboardInterrupt


async def test_a_run_that_is_cut_off_is_finished_by_the_next_one(
        database_url: str, key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(database_url, open_vault(key_file))
    with monkeypatch.context() as cut:
        cut.setattr(commands, "_take_place", _power_cut)
        with pytest.raises(KeyboardInterrupt):                      # After COMMIT.
            await new_key_file(database_url, key_file)
    assert not open_vault(key_file).is_own(everything(database_url)["account.totp_sealed 0"])
    assert await new_key_file(database_url, key_file) == 0
    assert open_vault(key_file).is_own(everything(database_url)["account.totp_sealed 0"])
    shutil.copy(key_file, key_file.with_name("key.new"))            # Before COMMIT: it is of none.
    key_file.with_name("key.new").write_text("ab" * 32 + "\n")
    assert await new_key_file(database_url, key_file) == 0
    assert open_vault(key_file).is_own(everything(database_url)["account.totp_sealed 0"])


async def test_nothing_is_changed_while_others_are_connected_or_with_another_key(
        database_url: str, key_file: Path, tmp_path: Path) -> None:
    old = open_vault(key_file)
    fill(database_url, old)
    with psycopg.connect(database_url), pytest.raises(KeyFileError, match="Stop"):
        await new_key_file(database_url, key_file)
    assert make_key_file(tmp_path / "other")
    with pytest.raises(KeyFileError, match="another key"):
        await new_key_file(database_url, tmp_path / "other")
    assert old.is_own(everything(database_url)["account.totp_sealed 0"])
    assert open_vault(key_file).is_own(everything(database_url)["claim.secrets_sealed 0"])
