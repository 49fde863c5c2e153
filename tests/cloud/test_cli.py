"""The command line: what an operator types, and the sentences that come back."""

import asyncio
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import psycopg
import pytest

from tests.cloud.concentrator import Concentrator, SodiumSigner
from wum_cloud.__main__ import run
from wum_cloud.database import connect
from wum_cloud.enrolment.epochs import Opener
from wum_cloud.registry.cipher import SodiumAgreement
from wum_cloud.registry.keys import open_vault
from wum_shared import cose
from wum_shared.enrolment import make_opening, named_root
from wum_shared.messages import encode_registration


@pytest.fixture
def operator(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for files, and an environment that names them."""
    monkeypatch.setenv("WUM_DATABASE_URL", database_url)
    monkeypatch.setenv("WUM_KEY_FILE", str(tmp_path / "key"))
    monkeypatch.setenv("WUM_BROKER_PASSWORD_FILE", str(tmp_path / "broker-password"))
    return tmp_path


@pytest.fixture
def registered(operator: Path, capsys: pytest.CaptureFixture[str]) -> Concentrator:
    """A concentrator whose file is `registration`, registered."""
    one = Concentrator()
    (operator / "registration").write_bytes(one.registration_file())
    assert run(["migrate"]) == 0
    assert run(["register", str(operator / "registration")]) == 0
    capsys.readouterr()
    return one


def test_migrate_makes_the_key_file_and_says_so_once(
        operator: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["migrate"]) == 0
    assert "Made a new key file" in capsys.readouterr().out
    assert run(["migrate"]) == 0
    assert capsys.readouterr().out == "The database is up to date.\n"


def test_register_takes_what_provisioning_wrote(
        operator: Path, database_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    one = Concentrator()
    file = operator / "registration.cose"
    file.write_bytes(one.registration_file())
    assert run(["migrate"]) == 0
    assert run(["register", str(file), "--name", "Block 4", "--site", "Stefan cel Mare 1",
                "--time-zone", "Europe/Chisinau"]) == 0
    assert "Registered concentrator %s for tenant default." % one.id.hex() in (
        capsys.readouterr().out)
    with psycopg.connect(database_url) as connection:
        assert connection.execute(
            "select c.name, s.name, s.time_zone, c.device_id from concentrator c"
            " join site s using (site_id)").fetchall() == [
                ("Block 4", "Stefan cel Mare 1", "Europe/Chisinau", one.id)]
        [(sealed, hash_)] = connection.execute(
            "select sealed_keys, broker_password_hash from concentrator_epoch"
            " join concentrator using (concentrator_id)").fetchall()
    assert one.uplink.key not in sealed
    assert one.password not in hash_


def test_registering_again_keeps_the_name_and_the_counters(
        operator: Path, registered: Concentrator, database_url: str) -> None:
    file = str(operator / "registration")
    with psycopg.connect(database_url) as connection:
        connection.execute("update concentrator_epoch set downlink_count = 77")
    assert run(["register", file, "--name", "Cabinet"]) == 0
    assert run(["register", file]) == 0
    with psycopg.connect(database_url) as connection:
        assert connection.execute(
            "select name, downlink_count from concentrator join concentrator_epoch"
            " using (concentrator_id)").fetchall() == [("Cabinet", 77)]


def test_with_the_trust_document_its_keys_change_and_its_file_brings_none_back(
        operator: Path, database_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What the workbench made are first keys, not keys for ever."""
    one, file, folder = Concentrator(), operator / "registration", operator / "keys"
    file.write_bytes(one.registration_file())
    folder.mkdir()
    run(["migrate"])
    handed = ["register", str(file), "--trust-to", str(folder)]
    assert run(handed) == 1 and "no trust document yet" in capsys.readouterr().err
    assert run(["trust", str(operator / "root.key")]) == 0
    assert run([*handed[:-1], str(operator / "nowhere")]) == 1
    assert run(handed) == 0 and "trust document 1" in capsys.readouterr().out
    assert {stat.S_IMODE(found.stat().st_mode) for found in folder.iterdir()} == {0o600}
    document, secret = (folder / "trust.cose").read_bytes(), bytes(range(32))
    root = tomllib.loads((folder / "trusted.toml").read_text())["root"]
    assert named_root(document, bytes.fromhex(root)).hex() == root
    vault = open_vault(operator / "key")

    async def open_an_epoch() -> None:
        async with await connect(database_url) as connection:
            await Opener(vault).answer(connection, one.id, make_opening(
                SodiumSigner(), one.seed, one.id, 1, document, SodiumAgreement().public(secret)))
    asyncio.run(open_an_epoch())
    with psycopg.connect(database_url) as connection:
        connection.execute("update concentrator set broker_password_hash = 'a later one'")
        connection.execute("delete from concentrator_epoch where epoch = 0")
    assert run([*handed, "--name", "Cabinet"]) == 0
    with psycopg.connect(database_url) as connection:
        assert connection.execute(
            "select name, broker_password_hash, array_agg(epoch) from concentrator"
            " join concentrator_epoch using (concentrator_id) group by 1, 2").fetchall() == [
                ("Cabinet", "a later one", [1])]


def test_doctor_names_who_has_used_the_same_keys_for_long(
        registered: Concentrator, database_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    def told() -> str:
        run(["doctor"])
        return capsys.readouterr().out
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("update concentrator set last_contact_at = now(), name = 'Cabinet'")
        assert "same keys" not in told()
        connection.execute("update concentrator_epoch set opened_at = now() - interval '31 days'")
        assert "WRONG 1 concentrator has used the same keys for more than 30 days: Cab" in told()
        connection.execute("update concentrator set mesh = 'street', carries = false")
        assert "1 concentrator has used the same keys" in told(), "behind a mesh they change, too"


def _changed(one: Concentrator) -> bytes:
    whole = one.registration_file()
    return whole[:-1] + bytes([whole[-1] ^ 1])


def _under_anothers_id(one: Concentrator) -> bytes:
    wrong = one.registration()._replace(concentrator=bytes(8))
    return cose.sign(SodiumSigner(), one.seed, bytes(8), encode_registration(wrong))


def _signed_by_another(one: Concentrator) -> bytes:
    return cose.sign(
        SodiumSigner(), bytes(32), one.id, encode_registration(one.registration()))


@pytest.mark.parametrize(("make", "said"), [
    (_changed, "signature does not hold"),
    (_signed_by_another, "signature does not hold"),
    (_under_anothers_id, "is not the id of this identity-key"),
    (lambda one: b"hello", "Not a registration file"),
    (lambda one: bytes(21_000), "longer than 20480 bytes"),
    (lambda one: one.registration_file() + b"\x00", "Not a registration file"),
])
def test_a_file_that_is_no_genuine_registration_is_refused(
        operator: Path, capsys: pytest.CaptureFixture[str], make: object, said: str) -> None:
    assert callable(make)
    file = operator / "file"
    file.write_bytes(make(Concentrator()))
    run(["migrate"])
    assert run(["register", str(file)]) == 1
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(("arguments", "said"), [
    (["--name", ""], "--name is ''"),
    (["--name", "a\nb"], "1..64 printable"),
    (["--time-zone", "Europe/Chisinau"], "say which with --site"),
    (["--site", "s", "--time-zone", "Moldova"], "IANA name"),
])
def test_a_wish_that_cannot_be_met_is_refused(
        operator: Path, registered: Concentrator, capsys: pytest.CaptureFixture[str],
        arguments: list[str], said: str) -> None:
    assert run(["register", str(operator / "registration"), *arguments]) == 1
    assert said in capsys.readouterr().err


def test_a_name_that_is_taken_is_refused(
        operator: Path, registered: Concentrator, capsys: pytest.CaptureFixture[str]) -> None:
    other = operator / "other"
    other.write_bytes(Concentrator().registration_file())
    assert run(["register", str(other), "--name", registered.id.hex()]) == 1
    assert "is called" in capsys.readouterr().err


def test_a_concentrator_does_not_change_its_tenant(
        operator: Path, registered: Concentrator, capsys: pytest.CaptureFixture[str]) -> None:
    registered.tenant = "other"
    file = operator / "other"
    file.write_bytes(registered.registration_file())
    assert run(["register", str(file)]) == 1
    assert "not moved between tenants" in capsys.readouterr().err


def test_a_missing_file_is_a_sentence(
        operator: Path, registered: Concentrator, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["register", str(operator / "nothing")]) == 1
    assert "cannot be read: No such file" in capsys.readouterr().err


def test_a_missing_setting_is_a_sentence(
        operator: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("WUM_KEY_FILE")
    assert run(["register", "x"]) == 1
    assert "WUM_KEY_FILE is not set" in capsys.readouterr().err
    monkeypatch.delenv("WUM_DATABASE_URL")
    assert run(["migrate"]) == 1
    assert "WUM_DATABASE_URL is not set" in capsys.readouterr().err


_LOADED = """
import sys, wum_cloud.__main__ as program
try:
    program.run(["--help"])
except SystemExit:
    print(sorted({name.split(".")[0] for name in sys.modules}))
"""


def test_a_command_imports_only_what_it_needs() -> None:
    """`register` must work where the console's packages are broken."""
    done = subprocess.run(
        [sys.executable, "-c", _LOADED], capture_output=True, text=True, check=True)
    assert "usage: wum-cloud" in done.stdout
    assert not any(name in done.stdout.splitlines()[-1] for name in (
        "fastapi", "psycopg", "paho", "numpy", "nacl"))


def test_the_doctor_finds_nothing_wrong_or_says_what_to_do(
        operator: Path, database_url: str, registered: Concentrator,
        capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WUM_BROKER_PORT", "1")
    assert run(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "ok    The tables are up to date; readings are kept by " in said
    assert "1 concentrators are registered, and the key file opens their keys." in said
    assert "ok    The database takes rows." in said
    with psycopg.connect(database_url) as connection:
        is_durable = connection.execute("show fsync").fetchone() == ("on",)
    assert ("WRONG The database runs with fsync off" in said) == (not is_durable)
    assert "WRONG WUM_BROKER_PASSWORD_FILE" not in said
    assert "WRONG The password file" in said
    (operator / "broker-password").write_text("x")
    (operator / "broker-password").chmod(0o600)
    assert run(["doctor"]) == 1
    assert "WRONG The broker at 127.0.0.1:1 does not answer" in capsys.readouterr().out


def test_the_doctor_knows_an_empty_database_and_a_foreign_key(
        operator: Path, empty_database_url: str, registered: Concentrator,
        capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    (operator / "key").write_text("11" * 32)
    run(["doctor"])
    assert "WRONG The keys of concentrator" in capsys.readouterr().out
    monkeypatch.setenv("WUM_DATABASE_URL", empty_database_url)
    run(["doctor"])
    assert "WRONG The database lacks 0001_registry" in capsys.readouterr().out
    monkeypatch.setenv("WUM_DATABASE_URL", "postgresql://127.0.0.1:1/x")
    run(["doctor"])
    assert "WRONG The database does not answer" in capsys.readouterr().out
