"""Flash on Linux: one folder on a real file system."""

import errno
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from wum_edge.archive.errors import ArchiveRefused
from wum_edge.archive.ring import Archive, Stamp
from wum_edge.ports.linux import flash as port
from wum_edge.ports.linux.flash import FolderInUse, LinuxFlash, lock_folder
from wum_shared.batch import Event

HOLD = ("import sys; from pathlib import Path; from wum_edge.ports.linux import flash; "
        "held = flash.LinuxFlash(Path(sys.argv[1])); print('taken', flush=True); sys.stdin.read()")
STAMP = Stamp(1760000000, 0)
EVENT = Event(0, 1760000000, 0, 1, None, "started")


@pytest.fixture
def flash(tmp_path: Path) -> Iterator[LinuxFlash]:
    made = LinuxFlash(tmp_path / "archive")
    yield made
    made.close()


def test_what_is_appended_is_read_back_from_any_offset(flash: LinuxFlash) -> None:
    flash.append("a", b"one ")
    flash.append("a", b"two")
    flash.sync("a")
    assert (flash.names(), flash.size("a"), flash.read("a", 4, 99)) == (["a"], 7, b"two")


def test_a_replaced_file_has_its_new_content_as_a_whole(flash: LinuxFlash) -> None:
    flash.replace("cursor", b"a longer content")
    flash.append("cursor", b" and more")
    flash.replace("cursor", b"short")
    flash.append("cursor", b"er")
    assert flash.read("cursor", 0, 99) == b"shorter"
    assert flash.names() == ["cursor"]


def test_a_removed_file_is_gone(flash: LinuxFlash) -> None:
    flash.append("a", b"x")
    flash.remove("a")
    assert flash.names() == []
    with pytest.raises(FileNotFoundError):
        flash.size("a")


def test_every_way_to_write_is_synced_down_to_the_folder(
        flash: LinuxFlash, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel's calls in their order: what is missing here is lost in a power cut."""
    calls: list[str] = []
    fsync, rename, unlink = os.fsync, os.rename, os.unlink

    def noted_fsync(handle: int) -> None:
        calls.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        fsync(handle)

    monkeypatch.setattr(port.os, "fsync", noted_fsync)
    monkeypatch.setattr(port.os, "rename", lambda a, b: (calls.append("rename"), rename(a, b)))
    monkeypatch.setattr(port.os, "unlink", lambda a: (calls.append("unlink"), unlink(a)))
    for action, wanted in (
            (lambda: (flash.append("new", b"x"), flash.sync("new")), ["file", "folder"]),
            (lambda: (flash.append("new", b"y"), flash.sync("new")), ["file"]),
            (lambda: flash.replace("whole", b"x"), ["file", "rename", "folder"]),
            (lambda: flash.sync("whole"), ["file"]),
            (lambda: flash.remove("new"), ["unlink", "folder"])):
        calls.clear()
        action()
        assert calls == wanted


def test_nobody_else_may_read_what_lies_there(flash: LinuxFlash, tmp_path: Path) -> None:
    flash.append("a", b"x")
    flash.replace("b", b"x")
    modes = [stat.S_IMODE((tmp_path / "archive" / name).stat().st_mode) for name in ("a", "b", "")]
    assert modes == [0o600, 0o600, 0o700]


def test_a_second_agent_is_refused_and_a_killed_one_is_not_in_the_way(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    with subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"taken\n"
        with pytest.raises(FolderInUse, match="in use by another process"):
            LinuxFlash(folder)
        other.kill()
        other.wait()
    LinuxFlash(folder).close()


def test_a_folder_of_keys_is_locked_without_a_file_in_it(tmp_path: Path) -> None:
    handle = lock_folder(tmp_path)
    with pytest.raises(FolderInUse):
        lock_folder(tmp_path)
    os.close(handle)
    os.close(lock_folder(tmp_path))
    assert os.listdir(tmp_path) == []


def test_a_replacement_that_a_power_cut_left_unfinished_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    (folder / "cursor").write_bytes(b"old")
    (folder / "cursor.new").write_bytes(b"ha")
    flash = LinuxFlash(folder)
    assert flash.names() == ["cursor"]
    assert flash.read("cursor", 0, 9) == b"old"
    assert not (folder / "cursor.new").exists()
    flash.close()


def test_a_replacement_that_fails_leaves_the_old_content_and_no_rest(
        flash: LinuxFlash, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flash.replace("cursor", b"old")

    def full(handle: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(port.os, "write", full)
    with pytest.raises(OSError, match="No space left"):
        flash.replace("cursor", b"new")
    assert flash.read("cursor", 0, 9) == b"old"
    assert sorted(os.listdir(tmp_path / "archive")) == ["cursor", "lock"]


def test_an_archive_on_a_real_folder_survives_its_restart(tmp_path: Path) -> None:
    for start in range(3):
        flash = LinuxFlash(tmp_path / "archive")
        archive = Archive(flash, 1 << 20, b"incarnat")
        assert archive.next_sequence == 1 + 2 * start
        archive.append([EVENT, EVENT], archive.keep_schema(b"schema"), STAMP)
        flash.close()


def small_disk(tmp_path: Path) -> Path:
    """A file system of 256 kB; the test is skipped where none may be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(folder)],
                             capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("a small file system cannot be mounted here")
    return folder


def test_a_full_disk_refuses_and_goes_on_giving_what_it_has(tmp_path: Path) -> None:
    folder = small_disk(tmp_path)
    try:
        flash = LinuxFlash(folder / "archive")
        archive = Archive(flash, 1 << 20, b"incarnat")
        name = archive.keep_schema(b"schema")
        with pytest.raises(ArchiveRefused, match="no space left"):
            archive.append([EVENT] * 100000, name, STAMP)
        kept = archive.next_sequence - 1
        assert kept > 1000
        archive.acknowledge(kept)
        archive.append([EVENT], name, STAMP)
        assert archive.next_sequence == kept + 2
        flash.close()
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_read_only_disk_still_gives_what_it_has(tmp_path: Path) -> None:
    folder = small_disk(tmp_path)
    try:
        flash = LinuxFlash(folder / "archive")
        archive = Archive(flash, 1 << 20, b"incarnat")
        archive.append([EVENT] * 10, archive.keep_schema(b"schema"), STAMP)
        flash.close()
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        flash = LinuxFlash(folder / "archive")
        archive = Archive(flash, 1 << 20, b"another!")
        assert archive.backlog == 10 and archive.incarnation == b"incarnat"
        with pytest.raises(ArchiveRefused, match="Read-only"):
            archive.append([EVENT], archive.keep_schema(b"schema"), STAMP)
        flash.close()
    finally:
        subprocess.run(["umount", str(folder)], check=True)
