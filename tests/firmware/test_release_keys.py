"""Release keys: sealed, never written over, and refused with a reason."""

import json
import stat
from pathlib import Path

import pytest

from tests.firmware.conftest import PASSPHRASE, QUICK, key
from wum_firmware import release_keys
from wum_firmware.release_keys import KeyRefused


def test_what_is_made_opens_again(tmp_path: Path) -> None:
    opened = key(tmp_path, "ada")
    assert stat.S_IMODE((tmp_path / "ada.key").stat().st_mode) == 0o600
    assert opened.seed.hex() not in (tmp_path / "ada.key").read_text()
    public = release_keys.read_public(tmp_path / "ada.pub")
    assert (public.name, public.key, public.kid) == ("ada", opened.key, opened.kid)


def test_two_keys_are_never_equal(tmp_path: Path) -> None:
    assert key(tmp_path / "a", "ada").seed != key(tmp_path / "b", "ada").seed


def test_another_passphrase(tmp_path: Path) -> None:
    key(tmp_path, "ada")
    with pytest.raises(KeyRefused, match="passphrase is not the one"):
        release_keys.unlock(tmp_path / "ada.key", PASSPHRASE + " ")


def test_a_key_is_never_written_over(tmp_path: Path) -> None:
    first = key(tmp_path, "ada")
    with pytest.raises(KeyRefused, match="is there already"):
        release_keys.make(tmp_path, "ada", PASSPHRASE, QUICK)
    assert release_keys.unlock(tmp_path / "ada.key", PASSPHRASE) == first


@pytest.mark.parametrize("name", ["", "Ada", "../ada", "a b", "a" * 41, "-a"])
def test_names_that_no_key_has(tmp_path: Path, name: str) -> None:
    with pytest.raises(KeyRefused, match="key name"):
        release_keys.make(tmp_path, name, PASSPHRASE, QUICK)


def test_a_passphrase_that_is_too_short(tmp_path: Path) -> None:
    with pytest.raises(KeyRefused, match="12 characters"):
        release_keys.make(tmp_path, "ada", "short", QUICK)
    assert not list(tmp_path.iterdir())


def test_a_public_half_of_another_key(tmp_path: Path) -> None:
    key(tmp_path, "ada")
    other = key(tmp_path, "eve")
    path = tmp_path / "ada.key"
    changed = json.loads(path.read_text()) | {"public": other.key.hex()}
    path.write_text(json.dumps(changed))
    with pytest.raises(KeyRefused, match="of another key"):
        release_keys.unlock(path, PASSPHRASE)


@pytest.mark.parametrize("text", ["", "{}", "[]", "7", '{"kind": "WUM release key, sealed"}'])
def test_files_that_are_no_key(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.key"
    path.write_text(text)
    with pytest.raises(KeyRefused):
        release_keys.unlock(path, PASSPHRASE)
    with pytest.raises(KeyRefused):
        release_keys.read_public(path)
