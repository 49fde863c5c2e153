"""The keys folder of a claimed concentrator: first start, power cuts, what a new claim wipes."""

import io
import os
import stat
from pathlib import Path

import pytest

from wum_edge.enrolment.joining import Granted, Renewed, Trusted
from wum_edge.ports.linux import claiming, enrolling
from wum_edge.ports.linux.__main__ import main
from wum_edge.ports.linux.cipher import Signatures
from wum_edge.ports.linux.enrolling import print_claim
from wum_edge.ports.linux.enrolment_broker import NotEnrolled, Where
from wum_edge.ports.linux.keys import BadKeys, password_before, read_keys, read_password
from wum_edge.uplink.keys import Keys
from wum_shared.claim import code_from_text, code_to_text
from wum_shared.enrolment import Trust, sign_trust
from wum_shared.messages import DirectionKey

ROOT = Signatures.public(b"r" * 32)


def trusted(number: int, names: bytes = ROOT) -> Trusted:
    return Trusted(names, sign_trust(
        Signatures(), b"r" * 32, ROOT,
        Trust(number, b"u" * 32, (b"o" * 32,), names, (), 0)), "utility")


TRUSTED = trusted(1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the keys will be."""
    return tmp_path / "keys"


def keys_of(folder: Path, epoch: int) -> Keys:
    return Keys(claiming.read_identity(folder).concentrator, "utility", epoch,
                DirectionKey(bytes([epoch]) * 32, b"u" * 12),
                DirectionKey(b"d" * 32, bytes([epoch]) * 12))


def keep(folder: Path, epoch: int, password: str | None = None, trust: Trusted = TRUSTED) -> None:
    claiming.keep_renewed(folder, Renewed(trust, keys_of(folder, epoch), password))


def enrol(folder: Path) -> None:
    claiming.claim_code(folder)
    claiming.keep_grant(folder, Granted(TRUSTED, "a password of the broker", b""))
    keep(folder, claiming.next_epoch(folder))


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


def test_a_code_from_a_warehouse_is_kept_and_the_identity_made_here(tmp_path: Path) -> None:
    """The label is printed already; of two boxes with one code each has an identity of its own."""
    code = code_to_text(bytes(range(16)))
    boxes = [tmp_path / name for name in "ab"]
    for box in boxes:
        box.mkdir(mode=0o700)
        claiming.write(box / "claim.code", code + "\n")
        assert claiming.is_of_warehouse(box)
    assert claiming.claim_code(boxes[0]) == claiming.claim_code(boxes[0]) == code
    with pytest.raises(NotEnrolled):            # There is no broker; its first start is over.
        enrolling.enrol(boxes[1], Where("127.0.0.1", 1, None, True), 0)
    identities = {claiming.read_identity(box).key for box in boxes}
    assert len(identities) == 2 and not any(claiming.is_of_warehouse(box) for box in boxes)


def test_what_is_no_code_makes_no_identity(tmp_path: Path) -> None:
    claiming.write(tmp_path / "claim.code", "0000-0000\n")
    with pytest.raises(BadKeys, match="holds no claim code"):
        claiming.claim_code(tmp_path)
    assert not (tmp_path / "identity.key").exists()


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
    keep(folder, 4)
    assert claiming.next_epoch(folder) == 5
    claiming.write(folder / claiming.TRIED, "65535\n")
    with pytest.raises(BadKeys, match="used up"):
        claiming.next_epoch(folder)


def test_a_power_cut_leaves_the_old_keys_or_the_new_ones_and_both_passwords_at_any_moment(
        folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has to come: there is no moment without keys, nor one with a mixture."""
    enrol(folder)
    kept = {file.name: file.read_bytes() for file in folder.iterdir()}
    seen, newest = set(), trusted(2, names=b"n" * 32)
    for cut in range(60):
        for file in folder.iterdir():
            file.unlink()
        for name, content in kept.items():
            claiming.replace(folder / name, content)
        with monkeypatch.context() as patched:
            is_done = not _cut_after(patched, cut, lambda: keep(
                folder, 2, "another password of it", newest))
        assert claiming.next_epoch(folder) >= 2, "and it can ask again"
        keys = read_keys(folder).keys
        assert keys in (keys_of(folder, 1), keys_of(folder, 2))
        assert claiming.read_trusted(folder) in (TRUSTED, newest)
        password = folder / claiming.PASSWORD
        before = password_before(password)
        if keys.epoch == 2 or before.exists():
            assert read_password(before) == "a password of the broker", "it is still good"
        if keys.epoch == 2:
            assert read_password(password) == "another password of it"
        seen.add(keys.epoch)
        if is_done:
            break
    assert seen == {1, 2} and is_done


def test_first_keys_of_the_workbench_are_gone_with_the_first_epoch(folder: Path) -> None:
    """Where the head-end's trust was put beside them; the registration holds them, too."""
    folder.mkdir(mode=0o700)
    for name in ("uplink.key", "downlink.key"):
        claiming.write(folder / name, "ab" * 32 + "\n" + "cd" * 12 + "\n")
    claiming.write(folder / "identity.key", "ef" * 32 + "\n")
    claiming.write(folder / "registration.cose", "keys of both directions")
    claiming.write(folder / "broker.password", "a password of the broker\n")
    own = claiming.read_identity(folder).concentrator.hex()
    claiming.write(folder / "concentrator.toml", f'id = "{own}"\nname = "x"\ntenant = "utility"\n'
                   f'epoch = 0\nbroker_user = "{own}"\n')
    assert read_keys(folder).keys.epoch == 0 and not claiming.is_granted(folder)
    claiming.keep_trust(folder, TRUSTED)
    assert claiming.is_granted(folder)
    keep(folder, claiming.next_epoch(folder))
    assert read_keys(folder).keys == keys_of(folder, 1)
    assert not {"uplink.key", "downlink.key", "registration.cose"} & {
        one.name for one in folder.iterdir()}


def test_keys_of_the_epoch_before_are_overwritten_and_gone(folder: Path) -> None:
    enrol(folder)
    keep(folder, 2)
    assert [file.name for file in sorted(folder.glob("*link*"))] == [
        "downlink-2.key", "uplink-2.key"]


def test_a_password_that_is_given_again_does_not_push_out_the_one_before(folder: Path) -> None:
    enrol(folder)
    for epoch in (2, 3):
        keep(folder, epoch, "another password of it")
    password = folder / claiming.PASSWORD
    assert read_password(password) == "another password of it"
    assert read_password(password_before(password)) == "a password of the broker"


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
