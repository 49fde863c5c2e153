"""The folder of updates on a real file system: names with slashes, durable, no links followed."""

import os
from pathlib import Path

import pytest

from tests.edge import updates
from wum_edge.ports.linux import slot_flash
from wum_edge.ports.linux.slot_flash import SlotFlash
from wum_edge.update import boot, slots


def test_files_in_folders_are_named_read_and_taken_away_with_their_folders(tmp_path: Path) -> None:
    flash = SlotFlash(tmp_path / "update")
    flash.replace("a/lib/one", b"1234")
    flash.replace("a/lib/one", b"123456")
    flash.append("boot-a", b"ab")
    flash.append("boot-a", b"cd")
    flash.sync("boot-a")
    assert sorted(flash.names()) == ["a/lib/one", "boot-a"]
    assert flash.size("a/lib/one") == 6 and flash.read("a/lib/one", 2, 3) == b"345"
    assert flash.read("boot-a", 0, 99) == b"abcd" and flash.space_left() > 0
    flash.remove("a/lib/one")
    assert flash.names() == ["boot-a"] and not (tmp_path / "update" / "a").exists()


def test_the_folder_is_for_its_owner_alone(tmp_path: Path) -> None:
    SlotFlash(tmp_path / "update").replace("a/one", b"")
    for path in (tmp_path / "update", tmp_path / "update" / "a"):
        assert path.stat().st_mode & 0o777 == 0o700


def test_a_link_is_neither_read_nor_written_through(tmp_path: Path) -> None:
    flash = SlotFlash(tmp_path / "update")
    (tmp_path / "other").write_bytes(b"kept")
    (tmp_path / "update" / "link").symlink_to(tmp_path / "other")
    with pytest.raises(OSError, match="symbolic"):
        flash.read("link", 0, 9)
    with pytest.raises(OSError, match="symbolic"):
        flash.append("link", b"more")
    flash.replace("link", b"new")
    assert (tmp_path / "other").read_bytes() == b"kept" and flash.read("link", 0, 9) == b"new"


def test_what_a_killed_process_left_unfinished_is_no_file(tmp_path: Path) -> None:
    flash = SlotFlash(tmp_path / "update")
    (tmp_path / "update" / "one.new").write_bytes(b"half")
    assert flash.names() == []
    flash.replace("one", b"whole")
    assert flash.names() == ["one"] and flash.read("one", 0, 9) == b"whole"


def test_the_new_name_and_every_new_folder_are_made_durable(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flash = SlotFlash(tmp_path / "update")
    synced: list[str] = []
    fsync = os.fsync

    def noted(handle: int) -> None:
        synced.append(os.path.relpath(os.readlink(f"/proc/self/fd/{handle}"), tmp_path / "update"))
        fsync(handle)

    monkeypatch.setattr(slot_flash.os, "fsync", noted)
    flash.replace("a/lib/one", b"1")
    assert synced == [".", "a", "a/lib/one.new", "a/lib"]
    synced.clear()
    flash.append("boot-a", b"1")
    flash.sync("boot-a")
    flash.remove("boot-a")
    assert synced == ["boot-a", ".", "."]


def test_the_same_life_leaves_the_same_records_and_slots_as_on_simulated_flash(
        tmp_path: Path) -> None:
    flash = SlotFlash(tmp_path / "update")
    for sequence, behaviour in ((5, updates.GOOD), (6, updates.CRASH), (7, updates.GOOD)):
        updates.install(flash, sequence, updates.content(sequence, behaviour))
        updates.Machine(flash).settle()
    wanted = updates.flash_after(((5, updates.GOOD), (6, updates.CRASH), (7, updates.GOOD)))
    assert sorted(flash.names()) == wanted.names()
    assert [flash.read(name, 0, 9999) for name in sorted(flash.names())] == [
        wanted.content(name) for name in wanted.names()]
    kept = boot.read_boot(flash)
    assert slots.is_whole(flash, boot.B, kept.slots[boot.B][1])
