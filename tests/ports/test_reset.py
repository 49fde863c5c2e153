"""Factory settings: nothing of the one before is left, whatever happens meanwhile, and nothing
goes by mistake."""

import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.ports.test_claiming import enrol
from wum_edge.archive.ring import Archive, Stamp
from wum_edge.ports.linux import claiming, reset
from wum_edge.ports.linux.__main__ import main
from wum_edge.ports.linux.chance import new_incarnation
from wum_edge.ports.linux.flash import LinuxFlash, lock_folder
from wum_edge.ports.linux.keys import read_keys
from wum_shared.batch import Event
from wum_shared.status import EVENT_STARTED

SAID = "what a meter of somebody else said"
SURE = ("--sure", "--give-up-readings")


class Box:
    """A concentrator that was enrolled and has archived something."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config, self.keys, self.archive = (
            folder / "edge.toml", folder / "keys", folder / "archive")
        enrol(self.keys)
        for name in ("mesh.key", "dlms-counters.json", "release-trust.json", "ca.pem"):
            claiming.write(self.keys / name, name + " of before\n")
        self.config.write_text(
            '[concentrator]\nname = "cabinet"\nkeys = "keys"\narchive = "archive"\n'
            '[broker]\nhost = "h"\nca_file = "keys/ca.pem"\n')
        flash = LinuxFlash(self.archive)
        flash.replace("configuration-0", SAID.encode())
        found = Archive(flash, 16 << 20, new_incarnation())
        found.append([Event(0, 1, 0, EVENT_STARTED, None, SAID)], bytes(8), Stamp(1, 0))
        flash.close()

    def files(self) -> dict[str, bytes]:
        return {str(one.relative_to(self.folder)): one.read_bytes()
                for one in self.folder.rglob("*") if one.is_file()}

    def reset(self, *words: str) -> int:
        return main(["reset", "--config", str(self.config), *words])


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


def test_nothing_of_the_one_before_is_left_and_the_next_one_is_another(
        box: Box, capsys: pytest.CaptureFixture[str]) -> None:
    before, who = box.files(), read_keys(box.keys).keys.concentrator.hex()
    assert any(SAID.encode() in content for content in before.values())
    assert box.reset(*SURE) == 0
    said = capsys.readouterr().out
    assert "1 records wait" in said and who in said and "revoke it" in said
    assert set(box.files()) == {    # What stays, and why, stands in reset.py.
        "edge.toml", "keys/dlms-counters.json", "keys/release-trust.json", "keys/ca.pem"}
    for name, content in before.items():
        if name not in box.files() and content:
            assert not any(content in left for left in box.files().values()), name
    assert main(["run", "--config", str(box.config)]) != 0, "it speaks as nobody"
    claiming.claim_code(box.keys)
    assert claiming.read_identity(box.keys).concentrator.hex() != who


@pytest.mark.parametrize(("words", "told"), [
    ((), "say --sure"), (("--give-up-readings",), "say --sure"),
    (("--sure",), "let the gateway deliver them first")])
def test_nothing_goes_by_mistake(
        box: Box, words: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    LinuxFlash(box.archive).close()
    before = box.files()
    assert box.reset(*words) == 1
    assert "1 records wait for the head-end" in (said := "".join(capsys.readouterr())), said
    assert told in said and box.files() == before


@pytest.mark.parametrize("which", ["keys", "archive"])
def test_a_gateway_that_runs_is_not_reset(
        box: Box, which: str, capsys: pytest.CaptureFixture[str]) -> None:
    flash = LinuxFlash(box.archive) if which == "archive" else None
    lock = None if flash else lock_folder(box.keys)
    before = box.files()
    assert box.reset(*SURE) == 1
    assert "stop the gateway first" in capsys.readouterr().out
    assert {**box.files(), "archive/lock": b""} == {**before, "archive/lock": b""}
    if flash is not None:
        flash.close()
    if lock is not None:
        os.close(lock)
    assert box.reset(*SURE) == 0


def test_wherever_the_power_goes_nobody_is_claimed_who_holds_readings_of_before(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    is_done, claimable = False, 0
    for cut in range(60):
        folder = tmp_path / str(cut)
        folder.mkdir()
        box = Box(folder)
        with monkeypatch.context() as patched:
            is_done = _cut_after(patched, cut, lambda box=box: box.reset(*SURE))
        try:
            claiming.claim_code(box.keys)
            claimable += 1
        except claiming.BadKeys:
            assert not is_done
            continue
        finally:
            assert box.reset(*SURE) == 0, "it is done by doing it again"
        assert not any(SAID.encode() in content for content in box.files().values())
        if is_done:
            break
    assert is_done and 1 <= claimable < cut


def _cut_after(patched: pytest.MonkeyPatch, files: int, act: Callable[[], object]) -> bool:
    """Whether all was done before so many files were gone."""
    left, unlink = [files], Path.unlink

    def cut(self: Path, missing_ok: bool = False) -> None:
        if left[0] == 0:
            raise KeyboardInterrupt
        left[0] -= 1
        unlink(self, missing_ok)
    patched.setattr(Path, "unlink", cut)
    return act() == 0


def test_what_is_damaged_is_wiped_too(box: Box, capsys: pytest.CaptureFixture[str]) -> None:
    (box.keys / "concentrator.toml").write_text("not TOML [")
    for one in box.archive.iterdir():
        one.write_bytes(b"\xff" * 100)
    (box.archive / "below").mkdir()
    (box.archive / "below" / "deep").write_text(SAID)
    (box.archive / "leads-away").symlink_to(box.config)
    assert box.reset(*SURE) == 0
    assert "with damaged keys" in capsys.readouterr().out
    assert not any(SAID.encode() in content for content in box.files().values())
    assert [one.name for one in box.archive.iterdir()] in ([], ["lock"])
    assert box.config.read_text().startswith("[concentrator]"), "a link is no file of ours"


def test_a_configuration_without_folders_is_named(
        tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "edge.toml"
    file.write_text('[concentrator]\nname = "x"\narchive = "a"\n')
    assert main(["reset", "--config", str(file), "--sure"]) == 2
    assert "concentrator.keys" in capsys.readouterr().err
    assert not (tmp_path / "a").exists()


def test_what_is_overwritten_is_overwritten_whole(tmp_path: Path) -> None:
    """Zeros are on the disk before the name is gone: a link that was made to it shows them."""
    file, other = tmp_path / "file", tmp_path / "other"
    file.write_bytes(os.urandom((1 << 20) + 7))
    os.link(file, other)
    claiming.shred(file)
    assert other.read_bytes() == bytes((1 << 20) + 7)


def test_what_it_says_goes_where_it_is_told(box: Box) -> None:
    out = io.StringIO()
    assert reset.reset(box.config, out) == 1
    assert "for ever: say --sure" in out.getvalue()
