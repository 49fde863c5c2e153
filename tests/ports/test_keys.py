"""The folder of keys as provisioning writes it, and as it must not be."""

from pathlib import Path

import pytest

from wum_edge.ports.linux.keys import BadKeys, read_keys, read_password
from wum_shared.ids import id_to_text

ID = "00112233445566aa"


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    (folder / name).chmod(0o600)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    keys = tmp_path / "keys"
    keys.mkdir(mode=0o700)
    write(keys, "concentrator.toml", (
        f'id = "{ID}"\nname = "cabinet 1"\ntenant = "default"\nepoch = 3\nbroker_user = "{ID}"\n'))
    write(keys, "uplink.key", "11" * 32 + "\n" + "22" * 12 + "\n")
    write(keys, "downlink.key", "33" * 32 + "\n" + "44" * 12 + "\n")
    write(keys, "broker.password", "a password\n")
    return keys


def test_a_whole_folder_gives_identity_and_keys(folder: Path) -> None:
    found = read_keys(folder)
    assert (id_to_text(found.keys.concentrator), found.keys.tenant, found.keys.epoch) == (
        ID, "default", 3)
    assert found.keys.uplink == (b"\x11" * 32, b"\x22" * 12)
    assert found.keys.downlink == (b"\x33" * 32, b"\x44" * 12)
    assert found.broker_user == ID
    assert read_password(found.password_file) == "a password"


def test_what_is_printed_of_it_holds_no_secret(folder: Path) -> None:
    assert repr(read_keys(folder)) == f"KeysFolder({ID})"


@pytest.mark.parametrize("name", ["uplink.key", "downlink.key", "broker.password"])
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666])
def test_a_secret_that_others_may_read_is_refused_with_the_command_that_helps(
        folder: Path, name: str, mode: int) -> None:
    (folder / name).chmod(mode)
    with pytest.raises(BadKeys, match=f"chmod 600 .*{name}"):
        read_keys(folder)


@pytest.mark.parametrize(("name", "text", "word"), [
    ("uplink.key", "11" * 31, "two lines"), ("uplink.key", "cafe\ncafe", "64 and 24"),
    ("uplink.key", "AA" * 32 + "\n" + "22" * 12, "lower-case"),
    ("downlink.key", "", "two lines"), ("concentrator.toml", "id = ", "Invalid value"),
    ("concentrator.toml", f'id = "{ID}"\ntenant = "a b"\nepoch = 0', "tenant"),
    ("concentrator.toml", f'id = "{ID}"\ntenant = "a"\nepoch = 65536', "epoch"),
    ("concentrator.toml", f'id = "{ID}"\ntenant = "a"\nepoch = 0', "broker_user"),
    ("concentrator.toml", 'id = "0011"\ntenant = "a"\nepoch = 0', "16"),
    ("concentrator.toml", "#" * 5000, "4096"),
    ("broker.password", "\n", "one line"), ("broker.password", "two\nlines\n", "one line"),
    ("broker.password", "ключ", "cannot be read"),
])
def test_a_damaged_file_is_named_and_its_content_is_not_shown(
        folder: Path, name: str, text: str, word: str) -> None:
    write(folder, name, text)
    with pytest.raises(BadKeys, match=word) as refusal:
        read_keys(folder)
    assert name in str(refusal.value)
    if name == "uplink.key":   # Neither the text nor what it came from quotes a key.
        assert "cafe" not in str(refusal.value) and refusal.value.__cause__ is None
        assert refusal.value.__context__ is None or refusal.value.__suppress_context__


def test_a_missing_file_is_named_with_what_writes_it(folder: Path) -> None:
    (folder / "uplink.key").unlink()
    with pytest.raises(BadKeys, match=r"uplink.key is missing: `wum-firmware provision"):
        read_keys(folder)
    with pytest.raises(BadKeys, match="is missing"):
        read_keys(folder / "nowhere")
