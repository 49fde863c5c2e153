"""Everything is set up twice from nothing: no two installations share a secret, and none is usual.

What is made by the commands that an operator types is collected whole, files and database, and
compared. Left out: certificates, which the operator brings.
"""

import asyncio
import re
import stat
from pathlib import Path

import psycopg
import pytest

from wum_cloud.__main__ import run as cloud
from wum_cloud.people.first_account import make_first_account
from wum_cloud.people.passwords import is_password
from wum_cloud.settings import is_loopback, settings_from
from wum_edge.ports.linux.__main__ import main as edge
from wum_firmware.__main__ import main as firmware

# What people try first, with every name that there is.
USUAL = ("", "admin", "administrator", "password", "wum", "root", "default", "changeme", "12345678",
         "letmein", "secret", "test", "guest", "mosquitto", "postgres", "wum-cloud", "head-end")
_TOKENS = re.compile(rb"[0-9A-Za-z_+/=-]{16,}")
_SHORT = re.compile(rb"[0-9A-Z]{4}(?:-[0-9A-Z]{4}){6}")        # Claim codes.


def install(url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A head-end, a concentrator and a batch for the warehouse, as the documents say."""
    folder.mkdir(mode=0o700)
    for name, value in (("WUM_DATABASE_URL", url), ("WUM_KEY_FILE", folder / "key"),
                        ("WUM_BROKER_PASSWORD_FILE", folder / "broker-password")):
        monkeypatch.setenv(name, str(value))
    assert cloud(["migrate"]) == 0
    assert asyncio.run(make_first_account(url, folder / "first-password"))
    assert cloud(["trust", str(folder / "root.key")]) == 0
    (folder / "broker").mkdir(mode=0o700)
    assert cloud(["broker-files", str(folder / "broker"), "--certificate", "cert.pem", "--key",
                  "key.pem"]) == 0
    assert edge(["claim", "--keys", str(folder / "keys")]) == 0
    code = (folder / "keys" / "claim.code").read_text().strip()
    assert cloud(["claim", code, "--name", "cabinet 1"]) == 0
    assert firmware(["provision", "--out", str(folder / "batch"), "--batch", "2"]) == 0
    assert firmware(["provision", "--out", str(folder / "bench")]) == 0


def found_in(folder: Path, url: str) -> dict[bytes, str]:
    """Everything long enough to be a secret, and where it stands."""
    found: dict[bytes, str] = {}
    for path in [one for one in folder.rglob("*") if one.is_file()]:
        if path.name in ("mosquitto.conf", "acl"):      # Where files lie and who may do what.
            continue
        content = path.read_bytes().replace(str(folder).encode(), b" ")
        tokens = _SHORT.findall(content) if path.suffix == ".html" else _TOKENS.findall(content)
        found.update({token: str(path.relative_to(folder)) for token in tokens})
    with psycopg.connect(url) as connection:
        for table, column in connection.execute(
                "select table_name, column_name from information_schema.columns c"
                "  join information_schema.tables t using (table_schema, table_name)"
                " where table_schema = current_schema() and table_type = 'BASE TABLE'"
                "   and (data_type = 'bytea' or column_name ~ 'hash|secret|token|password')"
                "   and table_name not in ('schema_migration', 'audit_entry', 'audit_head')"
                ).fetchall():
            for row in connection.execute(
                    ("select %s::text from %s where %s is not null" % (column, table, column)
                     ).encode()).fetchall():
                found[row[0].encode()] = "%s.%s" % (table, column)
    return found


def test_two_fresh_installations_share_no_secret_and_none_is_usual(
        empty_database_url: str, database_url: str, tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for name, url in (("one", empty_database_url), ("two", database_url)):
        folder = tmp_path / name
        install(url, folder, monkeypatch)
        found.append(found_in(folder, url))
        for path in folder.rglob("*"):
            if path.name not in ("mosquitto.conf", "acl") and path.is_file():
                assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path
        conf = (folder / "broker" / "mosquitto.conf").read_text()
        assert re.findall(r"allow_anonymous (\w+)", conf) and "allow_anonymous true" not in conf
        for secret in ("first-password", "broker-password"):
            assert len((folder / secret).read_text().strip()) >= 20
    one, two = found
    assert {"key", "first-password", "broker-password", "root.key", "keys/claim.code",
            "keys/identity.key", "batch/batch.csv", "bench/uplink.key", "account.password_hash",
            "claim.secrets_sealed", "trust_document.order_secret_sealed"} <= {*one.values()}
    shared = {token: one[token] for token in {*one} & {*two}}
    assert shared == {}, "two installations have this in common"


async def test_no_usual_password_opens_anything_and_nobody_outside_is_listened_to(
        database_url: str, tmp_path: Path) -> None:
    assert await make_first_account(database_url, tmp_path / "first-password")
    with psycopg.connect(database_url) as connection:
        [(name, kept)] = connection.execute("select name, password_hash from account").fetchall()
        assert connection.execute("select from api_token").fetchall() == []
    for password in (*USUAL, name):
        assert not await is_password(kept, password), password
    assert await is_password(kept, (tmp_path / "first-password").read_text().strip())
    settings = settings_from({"WUM_DATABASE_URL": database_url})
    assert is_loopback(settings.web_host), "who wants others to reach it says so"
