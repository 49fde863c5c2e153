"""A backup opens with its passphrase alone, and an empty machine gets all of it back."""

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from nacl import pwhash

from tests.cloud.concentrator import Concentrator
from tests.cloud.conftest import HeadEnd
from wum_cloud.audit.commands import verify
from wum_cloud.backup import commands, sealed
from wum_cloud.backup.sealed import BackupError, Sealer, parts
from wum_cloud.registry.keys import make_key_file, open_vault
from wum_cloud.settings import Settings, settings_from

PASSPHRASE = "correct horse battery staple"


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """The least cost of a passphrase that there is, which the file itself tells."""
    monkeypatch.setattr(pwhash.argon2id, "OPSLIMIT_MODERATE", pwhash.argon2id.OPSLIMIT_MIN)
    monkeypatch.setattr(pwhash.argon2id, "MEMLIMIT_MODERATE", pwhash.argon2id.MEMLIMIT_MIN)


def machine(folder: Path, url: str, *, is_new: bool = False) -> Settings:
    folder.mkdir(exist_ok=True)
    if not is_new:
        make_key_file(folder / "key")
        (folder / "broker.password").write_text("the head-end's password\n")
        (folder / "broker.password").chmod(0o600)
    return settings_from({
        "WUM_DATABASE_URL": url, "WUM_KEY_FILE": str(folder / "key"),
        "WUM_BROKER_PASSWORD_FILE": str(folder / "broker.password")})


@pytest.fixture
def _plain(head_end: HeadEnd) -> None:
    if is_timescale(head_end):
        pytest.skip("WUM_TEST_DATABASE_URL names a TimescaleDB, whose backups are its own")


def is_timescale(head_end: HeadEnd) -> bool:
    return bool(head_end.ask("select 1 from pg_extension where extname = 'timescaledb'"))


@pytest.fixture
def passphrase(tmp_path: Path) -> Path:
    file = tmp_path / "passphrase"
    file.write_text(PASSPHRASE + "\n")
    file.chmod(0o600)
    return file


def counts(url: str) -> dict[str, int]:
    """Rows of every table, by somebody who knows nothing of backups."""
    with psycopg.connect(url) as plain:
        names = [name for name, in plain.execute(
            "select table_name from information_schema.tables where table_schema = 'public'"
            " and table_type = 'BASE TABLE'").fetchall()]
        found = {}
        for name in names:
            row: Any = plain.execute(
                f'select count(*) from "{name}"').fetchone()  # type: ignore[arg-type]
            found[name] = row[0]
        return found


async def lived_in(head_end: HeadEnd) -> Concentrator:
    """Readings of three weeks, so that there are partitions, a revision, quarantine, an account."""
    one = Concentrator()
    await head_end.welcome(one)
    for hour in (0, 1, 24 * 8, 24 * 15):
        await head_end.take(one.send_rows(one.row(0, -hour)))
    message = one.send_rows(one.row(0, 2))
    damaged = message.payload[:-1] + bytes([message.payload[-1] ^ 1])
    await head_end.take(replace(message, payload=damaged))
    assert head_end.quarantined()
    head_end.do("insert into site (tenant_id, name) values (1, 'District')")
    head_end.do("insert into site (tenant_id, name, parent_site_id)"
                " select 1, 'Street', site_id from site where name = 'District'")
    return one


async def test_what_timescaledb_keeps_is_refused_with_the_way_to_save_it(
        head_end: HeadEnd, tmp_path: Path, passphrase: Path) -> None:
    if not is_timescale(head_end):
        pytest.skip("no TimescaleDB can be reached: WUM_TEST_DATABASE_URL names none")
    with pytest.raises(BackupError, match="back it up by pg_dump or its own tools"):
        await commands.backup(machine(tmp_path / "old", head_end.url), tmp_path, passphrase)
    assert not list(tmp_path.glob("*.backup*")), "nothing that looks like a backup is left"


@pytest.mark.usefixtures("_plain")
async def test_an_empty_machine_gets_every_row_and_both_secrets_back(
        head_end: HeadEnd, empty_database_url: str, tmp_path: Path, passphrase: Path,
        capsys: pytest.CaptureFixture[str]) -> None:
    await lived_in(head_end)
    old = machine(tmp_path / "old", head_end.url)
    assert await commands.backup(old, tmp_path, passphrase) == 0
    file, = tmp_path.glob("wum-*.backup")
    assert file.stat().st_mode & 0o777 == 0o600 and not list(tmp_path.glob("*.new"))
    fresh = machine(tmp_path / "new", empty_database_url, is_new=True)
    assert await commands.restore(fresh, file, passphrase) == 0
    before, after = counts(head_end.url), counts(empty_database_url)
    assert before == after and before["reading"] >= 4 and before["site"] == 2
    assert before["concentrator_epoch"] == 1 and before["schema_migration"] > 20
    for name in ("key", "broker.password"):
        assert (tmp_path / "new" / name).read_bytes() == (tmp_path / "old" / name).read_bytes()
        assert (tmp_path / "new" / name).stat().st_mode & 0o777 == 0o600
    open_vault(tmp_path / "new" / "key")
    with psycopg.connect(head_end.url) as left, psycopg.connect(empty_database_url) as right:
        for query in ("select * from reading order by meter_id, captured_at",
                      "select * from concentrator", "select * from site order by site_id"):
            assert left.execute(query).fetchall() == right.execute(query).fetchall()
        assert right.execute("insert into site (tenant_id, name) values (1, 'Another')"
                             " returning site_id > (select count(*) from site)"
                             ).fetchone() == (True,), "numbers go on where they were"
        with pytest.raises(psycopg.errors.RaiseException, match="only ever added to"):
            right.execute("delete from audit_entry")
    assert await verify(empty_database_url, None) == 0
    assert "Not in it: the root's key" in capsys.readouterr().out


# What an empty database of ours has.
MADE_WITH_ROWS = ("schema_migration", "tenant", "order_count")


@pytest.mark.usefixtures("_plain")
async def test_a_backup_holds_nothing_in_clear_and_no_byte_of_it_can_be_changed_or_missing(
        head_end: HeadEnd, empty_database_url: str, tmp_path: Path, passphrase: Path) -> None:
    await lived_in(head_end)
    old = machine(tmp_path / "old", head_end.url)
    file = tmp_path / "one.backup"
    await commands.backup(old, file, passphrase)
    content = file.read_bytes()
    for known in (b"M-1", b"District", b"head-end", (tmp_path / "old" / "key").read_bytes()[:16],
                  b"concentrator", PASSPHRASE.encode()):
        assert known not in content
    list(parts(io.BytesIO(content), PASSPHRASE))
    wrong = [content[:-1], content + b"x", content[:len(content) // 2], b"", b"WUMBAK1\n"]
    wrong += [content[:at] + bytes([content[at] ^ 1]) + content[at + 1:]
              for at in range(0, len(content), max(1, len(content) // 40))]
    for each in wrong:
        with pytest.raises(BackupError):
            list(parts(io.BytesIO(each), PASSPHRASE))
    with pytest.raises(BackupError, match="another passphrase"):
        list(parts(io.BytesIO(content), PASSPHRASE + "!"))
    cut = tmp_path / "cut.backup"
    cut.write_bytes(content[:-40])
    with pytest.raises(BackupError):
        await commands.restore(
            machine(tmp_path / "new", empty_database_url, is_new=True), cut, passphrase)
    rows = counts(empty_database_url)
    assert sum(rows.values()) == sum(rows[table] for table in MADE_WITH_ROWS)


@pytest.mark.usefixtures("_plain")
async def test_a_restore_overwrites_neither_a_database_nor_a_key(
        head_end: HeadEnd, empty_database_url: str, tmp_path: Path, passphrase: Path) -> None:
    old = machine(tmp_path / "old", head_end.url)
    file = tmp_path / "one.backup"
    await commands.backup(old, file, passphrase)
    with pytest.raises(BackupError, match="not empty"):
        await commands.restore(old, file, passphrase)
    other = machine(tmp_path / "other", empty_database_url)
    with pytest.raises(BackupError, match="is another one"):
        await commands.restore(other, file, passphrase)


def test_a_passphrase_that_others_may_read_or_that_is_short_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "passphrase"
    file.write_text(PASSPHRASE)
    file.chmod(0o644)
    with pytest.raises(BackupError, match="chmod 600"):
        sealed.read_passphrase(file)
    file.chmod(0o600)
    file.write_text("short")
    with pytest.raises(BackupError, match="fewer than 16"):
        sealed.read_passphrase(file)
    with pytest.raises(BackupError, match="cannot be read"):
        sealed.read_passphrase(tmp_path / "none")


def test_a_backup_of_another_version_says_so_before_anything_is_read() -> None:
    file = io.BytesIO()
    sealer = Sealer(file, PASSPHRASE)
    sealer.write(b"M" + json.dumps({"tables": []}).encode())
    sealer.finish()
    file.seek(0)
    assert [part[:1] for part in parts(file, PASSPHRASE)] == [b"M"]
    forged = file.getvalue()
    with pytest.raises(BackupError, match="more memory"):
        list(parts(io.BytesIO(forged[:28] + b"\xff" * 8 + forged[36:]), PASSPHRASE))
