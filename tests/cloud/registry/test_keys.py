"""Keys at rest: a copy of the database without the key file opens nothing."""

from pathlib import Path

import pytest

from wum_cloud.registry.keys import KeyFileError, Vault, make_key_file, open_vault
from wum_shared.messages import DirectionKey

_UP, _DOWN = DirectionKey(b"u" * 32, b"v" * 12), DirectionKey(b"d" * 32, b"e" * 12)
_ID = bytes(range(8))


def test_keys_come_back_as_they_were() -> None:
    vault = Vault(b"k" * 32)
    sealed = vault.seal(_ID, 65535, _UP, _DOWN)
    assert vault.open(_ID, 65535, sealed) == (_UP, _DOWN)
    assert _UP.key not in sealed


def test_the_same_keys_are_never_sealed_alike() -> None:
    vault = Vault(b"k" * 32)
    assert vault.seal(_ID, 0, _UP, _DOWN) != vault.seal(_ID, 0, _UP, _DOWN)


def test_another_key_file_is_named_as_the_cause() -> None:
    sealed = Vault(b"k" * 32).seal(_ID, 0, _UP, _DOWN)
    with pytest.raises(KeyFileError, match="another key than that of WUM_KEY_FILE"):
        Vault(b"x" * 32).open(_ID, 0, sealed)


@pytest.mark.parametrize(("device_id", "epoch"), [(bytes(8), 0), (_ID, 1)])
def test_keys_copied_to_another_row_do_not_open(device_id: bytes, epoch: int) -> None:
    vault = Vault(b"k" * 32)
    sealed = vault.seal(_ID, 0, _UP, _DOWN)
    with pytest.raises(KeyFileError, match="those of another one"):
        vault.open(device_id, epoch, sealed)


def test_a_key_file_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "key"
    assert make_key_file(path)
    content = path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert not make_key_file(path)
    assert path.read_text() == content
    open_vault(path)


def test_a_missing_key_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="is missing: restore it from its backup"):
        open_vault(tmp_path / "key")


@pytest.mark.parametrize("text", ["", "00" * 31, "00" * 33, "zz" * 32, "\u0660" * 64])
def test_a_file_that_holds_no_key_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(KeyFileError):
        open_vault(path)


def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    make_key_file(path)
    path.chmod(0o640)
    with pytest.raises(KeyFileError, match="chmod 600"):
        open_vault(path)
