"""The commands around a release, as a person gives them."""

from pathlib import Path

import pytest

from tests.firmware.conftest import PASSPHRASE, key
from wum_firmware.__main__ import main


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main([str(argument) for argument in arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_from_a_commit_to_a_verified_release(
        repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, passphrase = tmp_path / "12", tmp_path / "passphrase"
    passphrase.write_text(PASSPHRASE + "\n")
    key(tmp_path, "ada")
    code, said, _ = run(capsys, "build", "--target", "linux", "--sequence", 12, "--out", folder,
                        "--repository", repository)
    assert code == 0 and "Next: wum-firmware sign" in said
    code, said, wrong = run(capsys, "verify", folder, "--trust", tmp_path / "ada.pub")
    assert code == 1 and "GENUINE" not in said and "wanted 1 signers that are trusted" in wrong
    code, said, _ = run(capsys, "sign", folder, "--key", tmp_path / "ada.key", "--yes",
                        "--passphrase-file", passphrase)
    assert code == 0 and "Signed by ada; 1 signature now." in said
    code, said, _ = run(capsys, "verify", folder, "--trust", tmp_path / "ada.pub")
    assert code == 0 and "GENUINE: signed by ada" in said and "sequence   12" in said
    code, said, _ = run(capsys, "inspect", folder)
    assert code == 0 and "wum_shared/cbor.py" in said
    code, said, _ = run(capsys, "inspect", folder, "--against", folder)
    assert code == 0 and "changed" not in said.replace("unchanged", "")


@pytest.mark.parametrize(("arguments", "text"), [
    (["build", "--target", "linux", "--sequence", "0", "--out", "OUT"], "sequence: wanted 1.."),
    (["build", "--target", "linux", "--sequence", "1", "--out", "OUT", "--repository", "OUT"],
     "revision 'HEAD'"),
    (["verify", "OUT", "--trust", "OUT/none.pub"], "none.pub"),
    (["verify", "OUT", "--trust", "OUT/none.pub", "--threshold", "9"], "threshold: wanted 1..4"),
    (["inspect", "OUT"], "is no release"),
    (["keys", "make", "Ada", "--out", "OUT", "--passphrase-file", "/dev/null"], "key name"),
    (["keys", "make", "ada", "--out", "OUT"], "--passphrase-file"),
])
def test_what_is_refused_with_a_sentence(
        tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
        arguments: list[str], text: str) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    code, _, wrong = run(
        capsys, *[argument.replace("OUT", str(tmp_path)) for argument in arguments])
    assert (code, wrong.count("\n")) == (1, 1) and text in wrong


def test_nothing_is_signed_without_a_yes(
        repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch) -> None:
    key(tmp_path, "ada")
    run(capsys, "build", "--target", "linux", "--sequence", 1, "--out", tmp_path / "1",
        "--repository", repository)
    monkeypatch.setattr("builtins.input", lambda question: "y")
    code, said, wrong = run(capsys, "sign", tmp_path / "1", "--key", tmp_path / "ada.key")
    assert code == 1 and "for        linux" in said and "not signed" in wrong
    assert "by nobody yet" in run(capsys, "inspect", tmp_path / "1")[1]
