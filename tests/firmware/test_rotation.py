"""Rotation of release keys by its command lines, as a ceremony gives them; refusals by name."""

from pathlib import Path

import pytest

from tests.firmware.conftest import PASSPHRASE, key
from tests.firmware.test_handing import head_end
from tests.firmware.test_release_commands import run
from wum_firmware import rotation
from wum_firmware.cipher import Ed25519
from wum_shared import release_trust

Capture = pytest.CaptureFixture[str]


class Ceremony:
    """Three root keys, of which two sign; ada and grace sign releases, both have to."""

    def __init__(self, folder: Path, capsys: Capture) -> None:
        self.folder, self._capsys = folder, capsys
        self.first = folder / "release-trust.json"
        for name in ("root-a", "root-b", "root-c", "ada", "grace", "lin"):
            key(folder, name)
        (folder / "passphrase").write_text(PASSPHRASE)
        assert self.run("trust", *self.pubs("ada", "grace"), "--target", "linux", "--threshold", 2,
                        "--root", *self.pubs("root-a", "root-b", "root-c"), "--out",
                        self.first)[0] == 0

    def pubs(self, *names: str) -> list[Path]:
        return [self.folder / f"{name}.pub" for name in names]

    def run(self, *arguments: object) -> tuple[int, str, str]:
        return run(self._capsys, *arguments)

    def rotate(self, name: str, *change: object, after: tuple[str, ...] = ()) -> tuple[int, str]:
        code, said, wrong = self.run("keys", "rotate", "--out", self.folder / name, *change,
                                     *self.chain(after))
        return code, said + wrong

    def agree(self, name: str, *keys: str, after: tuple[str, ...] = ()) -> list[str]:
        """What each of these hears."""
        said = []
        for one in keys:
            _, right, wrong = self.run(
                "keys", "agree", self.folder / name, "--key", self.folder / f"{one}.key", "--yes",
                "--passphrase-file", self.folder / "passphrase", *self.chain(after))
            said.append((right + wrong).splitlines()[-1])
        return said

    def show(self, name: str, after: tuple[str, ...] = ()) -> tuple[int, str]:
        code, said, wrong = self.run("keys", "show", self.folder / name, *self.chain(after))
        return code, said + wrong

    def chain(self, after: tuple[str, ...]) -> list[object]:
        files = [self.folder / one for one in after]
        return ["--from", self.first, *(["--after", *files] if files else [])]

    def followed(self, *names: str) -> release_trust.ReleaseTrust:
        """What a machine holds after these."""
        return release_trust.follow(Ed25519(), rotation.read_first(self.first), [
            (self.folder / name).read_bytes() for name in names])


@pytest.fixture
def ceremony(tmp_path: Path, capsys: Capture) -> Ceremony:
    return Ceremony(tmp_path, capsys)


def test_a_stolen_release_key_is_rotated_out_by_two_of_three(ceremony: Ceremony) -> None:
    code, said = ceremony.rotate("rotation-2", "--signers", *ceremony.pubs("grace", "lin"))
    assert code == 0 and "release trust 2 for linux" in said
    assert "and these no longer:\n    ada " in said
    first, second = ceremony.agree("rotation-2", "root-a", "root-c")
    assert "Not enough yet: release trust: document 2: wanted 2 root keys of document 1, got 1" in (
        first)
    assert second == "Signed by root-c. That is enough: machines will follow it."
    code, said = ceremony.show("rotation-2")
    assert code == 0 and "COMPLETE" in said
    held = ceremony.followed("rotation-2")
    assert [name for name, _ in held.signers] == ["grace", "lin"] and held.threshold == 2
    new = ceremony.folder / "release-trust-2.json"
    assert ceremony.run("keys", "show", ceremony.folder / "rotation-2", "--from", ceremony.first,
                        "--write", new)[0] == 0
    assert rotation.read_first(new) == held            # What new machines come with.


def test_the_root_changes_hands_and_the_chain_is_followed_from_the_first(
        ceremony: Ceremony) -> None:
    """A holder leaves: by two of those before and two of those after; then those after rotate."""
    key(ceremony.folder, "root-d")
    ceremony.rotate("rotation-2", "--root", *ceremony.pubs("root-c", "root-d"))
    ceremony.agree("rotation-2", "root-a", "root-b")
    code, said = ceremony.show("rotation-2")
    assert code == 1 and "wanted 2 root keys of document 2, got 0" in said
    assert "That is enough" in ceremony.agree("rotation-2", "root-c", "root-d")[1]
    ceremony.rotate("rotation-3", "--threshold", 1, after=("rotation-2",))
    assert "is none of the root keys" in ceremony.agree(
        "rotation-3", "root-a", after=("rotation-2",))[0]
    ceremony.agree("rotation-3", "root-c", "root-d", after=("rotation-2",))
    held = ceremony.followed("rotation-2", "rotation-3")
    assert (held.number, held.threshold) == (3, 1)
    assert [name for name, _ in held.roots] == ["root-c", "root-d"]


def test_what_a_ceremony_gets_wrong_is_a_sentence(ceremony: Ceremony) -> None:
    grace, lin = ceremony.pubs("grace", "lin")
    for change, words in (
            ([], "nothing would change"),
            (["--signers", grace], "a threshold of 2 cannot be met by 1"),
            (["--signers", grace, grace], "stands twice"),
            (["--threshold", 5], "cannot be met"),
            (["--signers", *ceremony.pubs("grace", "root-a")],
             "root-a would be a root key and sign releases")):
        code, said = ceremony.rotate("rotation-2", *change)
        assert code == 1 and words in said, said
        assert not (ceremony.folder / "rotation-2").exists()
    ceremony.rotate("rotation-2", "--signers", grace, lin)
    code, said = ceremony.rotate("rotation-2", "--threshold", 1)
    assert code == 1 and "never written over" in said
    assert "is none of the root keys" in ceremony.agree("rotation-2", "ada")[0]
    assert "signed" in ceremony.agree("rotation-2", "root-a", "root-a")[1]
    code, said = ceremony.rotate("rotation-3", "--threshold", 1, after=("rotation-2",))
    assert code == 1 and "wanted 2 root keys of document 1, got 1" in said
    ceremony.agree("rotation-2", "root-b")
    code, said = ceremony.show("rotation-2", after=("rotation-2",))
    assert code == 1 and "is document 2; what holds is document 2" in said
    (ceremony.folder / "none").write_bytes(b"\x80")
    assert "is no rotation of release keys" in ceremony.show("none")[1]


def test_a_fleet_without_root_keys_is_told_so(ceremony: Ceremony) -> None:
    ceremony.first = ceremony.folder / "bare.json"
    ceremony.run("trust", *ceremony.pubs("ada"), "--target", "linux", "--threshold", 1, "--out",
                 ceremony.first)
    code, said = ceremony.rotate("rotation-2", "--signers", *ceremony.pubs("lin"))
    assert code == 1 and "names no root keys" in said and "changed by hand" in said
    code, _, wrong = ceremony.run(
        "trust", *ceremony.pubs("ada"), "--target", "linux", "--threshold", 1, "--root",
        *ceremony.pubs("ada", "lin"), "--out", ceremony.folder / "both.json")
    assert code == 1 and "ada would be a root key and sign releases" in wrong


def test_a_rotation_is_handed_in_as_it_is(ceremony: Ceremony) -> None:
    ceremony.rotate("rotation-2", "--threshold", 1)
    ceremony.agree("rotation-2", "root-a", "root-b")
    (ceremony.folder / "token").write_text("wum_secret\n")
    with head_end(200, {"is_new": True}) as (where, heard):
        code, said, _ = ceremony.run("keys", "hand-in", ceremony.folder / "rotation-2", "--to",
                                     where, "--token-file", ceremony.folder / "token")
    assert code == 0 and "Taken in: release trust 2" in said
    assert heard == [("/api/v1/release-trust", "Bearer wum_secret",
                      (ceremony.folder / "rotation-2").read_bytes())]
