"""Provisioning a concentrator: what the files hold, who may read them, what is refused."""

import os
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from wum_firmware.__main__ import main
from wum_firmware.cipher import Ed25519, public_key
from wum_shared import cose
from wum_shared.errors import NotGenuine, WireError
from wum_shared.ids import concentrator_id, id_to_text
from wum_shared.messages import DirectionKey, Registration, decode_registration

FILES = ["broker.password", "concentrator.toml", "downlink.key", "identity.key",
         "registration.cose", "uplink.key"]


def provision(folder: Path, *more: str) -> int:
    return main(["provision", "--out", str(folder), *more])


def registration_of(folder: Path) -> Registration:
    signed = (folder / "registration.cose").read_bytes()
    _, payload = cose.peek_signed(signed)
    claimed = decode_registration(payload)
    assert cose.verify(Ed25519(), claimed.identity_key, signed) == payload
    return claimed


def key_of(path: Path) -> DirectionKey:
    key, context_iv = path.read_text().splitlines()
    return DirectionKey(bytes.fromhex(key), bytes.fromhex(context_iv))


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_registration_says_what_the_files_say(tmp_path):
    folder = tmp_path / "keys"
    name = 'Cabinet "one\'s" \\ \u00fc'
    assert provision(folder, "--tenant", "utility-7", "--name", name) == 0
    assert sorted(path.name for path in folder.iterdir()) == FILES
    registration = registration_of(folder)
    seed = bytes.fromhex((folder / "identity.key").read_text().strip())
    facts = tomllib.loads((folder / "concentrator.toml").read_text())
    assert registration.identity_key == public_key(seed)
    assert registration.concentrator == concentrator_id(public_key(seed))
    assert registration.uplink == key_of(folder / "uplink.key")
    assert registration.downlink == key_of(folder / "downlink.key")
    assert registration.broker_password + "\n" == (folder / "broker.password").read_text()
    assert len(registration.broker_password) == 32
    assert facts == {
        "id": id_to_text(registration.concentrator), "name": name,
        "tenant": "utility-7", "epoch": 0, "broker_user": id_to_text(registration.concentrator)}
    assert (registration.tenant, registration.epoch) == ("utility-7", 0)


def test_the_signer_is_named_by_the_concentrators_id(tmp_path):
    provision(tmp_path / "keys")
    signed = (tmp_path / "keys" / "registration.cose").read_bytes()
    kid, _ = cose.peek_signed(signed)
    assert kid == registration_of(tmp_path / "keys").concentrator


def test_every_single_flipped_bit_of_a_registration_is_refused(tmp_path):
    provision(tmp_path / "keys")
    signed = (tmp_path / "keys" / "registration.cose").read_bytes()
    identity_key = registration_of(tmp_path / "keys").identity_key
    for bit in range(8 * len(signed)):
        damaged = bytearray(signed)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(WireError):
            cose.verify(Ed25519(), identity_key, bytes(damaged))


def test_a_registration_does_not_verify_under_another_identity(tmp_path):
    provision(tmp_path / "a")
    provision(tmp_path / "b")
    other = registration_of(tmp_path / "b").identity_key
    with pytest.raises(NotGenuine):
        cose.verify(Ed25519(), other, (tmp_path / "a" / "registration.cose").read_bytes())


def test_two_runs_have_no_secret_in_common(tmp_path):
    provision(tmp_path / "a")
    provision(tmp_path / "b")
    a, b = registration_of(tmp_path / "a"), registration_of(tmp_path / "b")
    assert a.concentrator != b.concentrator
    assert a.broker_password != b.broker_password
    values = [key for r in (a, b) for direction in (r.uplink, r.downlink) for key in direction]
    assert len(set(values)) == 8


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
def test_the_umask_makes_no_difference_to_who_may_read(tmp_path, umask):
    folder = tmp_path / "keys"
    before = os.umask(umask)
    try:
        assert provision(folder) == 0
    finally:
        os.umask(before)
    assert mode_of(folder) == 0o700
    assert {path.name: mode_of(path) for path in folder.iterdir()} == dict.fromkeys(FILES, 0o600)


def test_parents_that_are_made_are_writable_by_their_owner_only(tmp_path):
    before = os.umask(0)
    try:
        assert provision(tmp_path / "street" / "cabinet" / "keys") == 0
    finally:
        os.umask(before)
    assert mode_of(tmp_path / "street") == 0o755
    assert mode_of(tmp_path / "street" / "cabinet") == 0o755


def test_an_open_folder_that_is_there_is_closed(tmp_path):
    folder = tmp_path / "keys"
    folder.mkdir()
    folder.chmod(0o777)
    assert provision(folder) == 0
    assert mode_of(folder) == 0o700


def test_an_identity_is_not_overwritten(tmp_path, capsys):
    folder = tmp_path / "keys"
    provision(folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert provision(folder) == 1
    assert "holds an identity already" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_force_puts_the_identity_before_aside(tmp_path, capsys):
    folder = tmp_path / "keys"
    provision(folder)
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert provision(folder, "--force") == 0
    aside = folder / "replaced-1"
    assert str(aside) in capsys.readouterr().out
    assert {path.name: path.read_bytes() for path in aside.iterdir()} == first
    assert mode_of(aside) == 0o700
    assert (folder / "identity.key").read_bytes() != first["identity.key"]
    registration_of(folder)
    assert provision(folder, "--force") == 0
    assert (folder / "replaced-2" / "identity.key").exists()


def test_a_run_that_was_cut_off_is_begun_again(tmp_path):
    folder = tmp_path / "keys"
    provision(folder)
    (folder / "identity.key").unlink()  # It is written last.
    (folder / "uplink.key").chmod(0o644)
    assert provision(folder) == 0
    assert mode_of(folder / "uplink.key") == 0o600
    assert registration_of(folder).uplink == key_of(folder / "uplink.key")


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_a_folder_with_anything_foreign_is_left_as_it_is(tmp_path, capsys, force):
    (tmp_path / "letters.txt").write_text("mine")
    tmp_path.chmod(0o755)
    assert provision(tmp_path, *force) == 1
    assert "letters.txt" in capsys.readouterr().err
    assert mode_of(tmp_path) == 0o755
    assert [path.name for path in tmp_path.iterdir()] == ["letters.txt"]


def test_a_file_in_the_place_of_the_folder_is_refused_with_a_sentence(tmp_path, capsys):
    (tmp_path / "keys").write_text("")
    assert provision(tmp_path / "keys") == 1
    assert "is a file" in capsys.readouterr().err
    assert provision(tmp_path / "keys" / "below") == 1
    assert capsys.readouterr().err.startswith("wum-firmware: cannot write the keys: ")


@pytest.mark.parametrize(("option", "value"), [
    ("--tenant", ""), ("--tenant", "two words"), ("--tenant", "a/b"), ("--tenant", "a" * 65),
    ("--name", ""), ("--name", "line\nfeed"), ("--name", "n" * 101)])
def test_a_name_or_tenant_that_cannot_be_is_refused_before_anything_is_written(
        tmp_path, capsys, option, value):
    assert provision(tmp_path / "keys", option, value) == 1
    assert capsys.readouterr().err.startswith(f"wum-firmware: {option[2:]}: ")
    assert not (tmp_path / "keys").exists()


def test_no_secret_is_printed(tmp_path, capsys):
    folder = tmp_path / "keys"
    provision(folder)
    printed = "".join(capsys.readouterr())
    assert id_to_text(registration_of(folder).concentrator) in printed
    for name in ("identity.key", "uplink.key", "downlink.key", "broker.password"):
        for line in (folder / name).read_text().splitlines():
            assert line not in printed


def test_the_command_line_says_what_it_does_and_what_comes_next(tmp_path):
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-m", "wum_firmware", *arguments],
                              capture_output=True, text=True, check=False)

    help_text = run("provision", "--help")
    assert help_text.returncode == 0
    assert "Example: wum-firmware provision --out" in help_text.stdout
    made = run("provision", "--out", str(tmp_path / "keys"), "--name", "cabinet 1")
    assert made.returncode == 0
    assert "wum-cloud register" in made.stdout
    assert "--name 'cabinet 1'" in made.stdout
    assert run("provision").returncode == 2
    assert run().returncode == 2
