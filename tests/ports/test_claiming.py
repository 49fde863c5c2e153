"""The keys folder of a claimed concentrator: first start, power cuts, what a new claim wipes."""

import io
import os
import stat
from pathlib import Path

import pytest

from wum_edge.enrolment.joining import Trusted
from wum_edge.ports.linux import claiming
from wum_edge.ports.linux.__main__ import main
from wum_edge.ports.linux.enrolling import print_claim
from wum_edge.ports.linux.keys import BadKeys, read_keys
from wum_edge.uplink.keys import Keys
from wum_shared.claim import code_from_text
from wum_shared.messages import DirectionKey

TRUSTED = Trusted(b"r" * 32, b"a trust document", "utility")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the keys will be."""
    return tmp_path / "keys"


def keys_of(folder: Path, epoch: int) -> Keys:
    return Keys(claiming.read_identity(folder).concentrator, "utility", epoch,
                DirectionKey(bytes([epoch]) * 32, b"u" * 12),
                DirectionKey(b"d" * 32, bytes([epoch]) * 12))


def enrol(folder: Path) -> None:
    claiming.claim_code(folder)
    claiming.keep_grant(folder, TRUSTED, "a password of the broker")
    claiming.keep_epoch(folder, keys_of(folder, claiming.next_epoch(folder)), TRUSTED)


def test_the_first_start_makes_an_identity_and_a_code_that_only_their_owner_reads(
        folder: Path) -> None:
    code = claiming.claim_code(folder)
    assert claiming.claim_code(folder) == code, "it stays until it is used"
    assert code_from_text(code) == claiming.read_code(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    other = folder.parent / "other"
    assert claiming.claim_code(other) != code
    assert claiming.read_identity(other) != claiming.read_identity(folder)


def test_what_is_printed_is_the_code_and_a_picture_and_nothing_of_the_identity(
        folder: Path) -> None:
    out = io.StringIO()
    assert print_claim(folder, out, again=False) == 0
    assert claiming.claim_code(folder) in out.getvalue() and out.getvalue().count("\n") > 10
    assert (folder / claiming.IDENTITY).read_text().strip() not in out.getvalue()


def test_what_the_head_end_gave_is_a_folder_that_the_gateway_reads_and_the_code_is_burned(
        folder: Path) -> None:
    enrol(folder)
    read = read_keys(folder)
    assert read.keys == keys_of(folder, 1) and read.keys.tenant == "utility"
    assert claiming.read_trusted(folder) == TRUSTED
    assert not (folder / claiming.CODE).exists()
    with pytest.raises(BadKeys, match="--again"):
        claiming.claim_code(folder)


def test_no_epoch_is_asked_for_twice_whether_it_was_answered_or_not(folder: Path) -> None:
    enrol(folder)
    assert [claiming.next_epoch(folder) for _ in range(3)] == [2, 3, 4]
    claiming.keep_epoch(folder, keys_of(folder, 4), TRUSTED)
    assert claiming.next_epoch(folder) == 5
    claiming.write(folder / claiming.TRIED, "65535\n")
    with pytest.raises(BadKeys, match="used up"):
        claiming.next_epoch(folder)


def test_a_power_cut_leaves_the_old_keys_the_new_ones_or_none_and_never_a_mixture(
        folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enrol(folder)
    kept = {file.name: file.read_bytes() for file in folder.iterdir()}
    seen = set()
    for cut in range(40):
        for file in folder.iterdir():
            file.unlink()
        for name, content in kept.items():
            claiming.replace(folder / name, content)
        with monkeypatch.context() as patched:
            is_done = not _cut_after(patched, cut, lambda: claiming.keep_epoch(
                folder, keys_of(folder, 2), TRUSTED))
        assert claiming.is_granted(folder)
        assert claiming.next_epoch(folder) >= 2, "and it can ask again"
        if claiming.is_enrolled(folder):
            keys = read_keys(folder).keys
            assert keys in (keys_of(folder, 1), keys_of(folder, 2))
            seen.add(keys.epoch)
        else:
            seen.add(0)
        if is_done:
            break
    assert seen == {0, 1, 2} and is_done


class _PowerCutError(Exception):
    pass


def _cut_after(patched: pytest.MonkeyPatch, operations: int, act: object) -> bool:
    """Whether the power went before `act` was done."""
    left = [operations]

    def counted(plain):  # type: ignore[no-untyped-def]
        def run(*arguments, **named):  # type: ignore[no-untyped-def]
            if left[0] == 0:
                raise _PowerCutError
            left[0] -= 1
            return plain(*arguments, **named)
        return run
    patched.setattr(os, "fsync", counted(os.fsync))
    patched.setattr(Path, "replace", counted(Path.replace))
    patched.setattr(Path, "unlink", counted(Path.unlink))
    try:
        act()  # type: ignore[operator]
    except _PowerCutError:
        return True
    return False


def test_a_new_claim_wipes_every_key_and_makes_another_concentrator(folder: Path) -> None:
    enrol(folder)
    for name in ("registration.cose", "mesh.key", "join.key", "door.key"):
        (folder / name).write_bytes(b"of the workbench")
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    print_claim(folder, io.StringIO(), again=True)
    assert {file.name for file in folder.iterdir()} == {claiming.IDENTITY, claiming.CODE}
    assert (folder / claiming.IDENTITY).read_bytes() != before[claiming.IDENTITY]
    with pytest.raises(BadKeys):
        read_keys(folder)


def test_a_folder_of_the_workbench_is_not_taken_for_one_of_a_claim(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    claiming.write(folder / claiming.IDENTITY, "00" * 32 + "\n")
    with pytest.raises(BadKeys, match="no claim code"):
        claiming.claim_code(folder)
    with pytest.raises(BadKeys, match="changed on the workbench"):
        claiming.read_trusted(folder)


def test_a_secret_that_others_may_read_is_refused(folder: Path) -> None:
    claiming.claim_code(folder)
    for name, read in ((claiming.CODE, claiming.read_code),
                       (claiming.IDENTITY, claiming.read_identity)):
        (folder / name).chmod(0o644)
        with pytest.raises(BadKeys, match="open to others"):
            read(folder)
        (folder / name).chmod(0o600)
    claiming.write(folder / claiming.CODE, "ABCD\n")
    with pytest.raises(BadKeys, match="no claim code"):
        claiming.read_code(folder)


def test_the_command_ends_with_a_sentence(
        folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["claim", "--keys", str(folder)]) == 0
    assert main(["enrol", "--keys", str(folder), "--broker", "10.0.0.1", "--plain"]) == 2
    assert "in the clear" in capsys.readouterr().err
    assert main(["enrol", "--keys", str(folder), "--broker", "127.0.0.1", "--port", "1",
                 "--plain", "--wait-s", "0.2"]) == 1
    assert "has not let this concentrator in" in capsys.readouterr().err
