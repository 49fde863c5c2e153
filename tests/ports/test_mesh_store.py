"""What a relay must not forget, under power cuts between any two steps and at any byte."""

import os
import types
from pathlib import Path

import pytest

from tests.ports.disk_os import FOLDER_HANDLE
from wum_edge.mesh.frames import decode_header
from wum_edge.mesh.guard import RESERVED, Guard, NotOurs
from wum_edge.ports.linux import mesh_store
from wum_edge.ports.linux.mesh_seal import Seal
from wum_edge.ports.linux.mesh_store import NAME, MeshStore
from wum_simulator.disk import Disk

NOW_S = 1_760_000_000
KEY = bytes(range(16))


class DiskCalls(types.SimpleNamespace):
    """The calls of `os` that the store makes, on a simulated disk; `room` bytes are left on it."""

    O_WRONLY, O_CREAT, O_TRUNC, O_CLOEXEC = os.O_WRONLY, os.O_CREAT, os.O_TRUNC, os.O_CLOEXEC
    O_RDONLY, O_DIRECTORY = os.O_RDONLY, os.O_DIRECTORY

    def __init__(self, disk: Disk, room: int = 1 << 20) -> None:
        self.disk, self.room, self.handles = disk, room, {}

    def open(self, path, flags, mode=0o777):
        if flags & os.O_DIRECTORY:
            return FOLDER_HANDLE
        self.disk.create(Path(path).name)        # A file of that name is gone: O_TRUNC.
        self.handles[len(self.handles) + 3] = Path(path).name
        return len(self.handles) + 2

    def write(self, handle, data):
        fits = bytes(data)[:self.room]
        self.disk.write(self.handles[handle], fits)
        return len(fits)

    def fsync(self, handle):
        if handle == FOLDER_HANDLE:
            self.disk.sync_names()
        else:
            self.disk.sync(self.handles[handle])

    def close(self, handle):
        """Handles are not counted."""

    def replace(self, old, new):
        self.disk.rename(Path(old).name, Path(new).name)


def found(disk: Disk, folder: Path) -> MeshStore:
    """The store that a start finds on this disk."""
    (folder / NAME).unlink(missing_ok=True)
    if NAME in disk.names:
        (folder / NAME).write_bytes(disk.content(NAME))
    return MeshStore(folder, NOW_S, is_new=False)


def frame_of(counter: int) -> bytes:
    """A frame of station 2 under this counter."""
    guard = Guard(Seal(KEY), 7, 1, 2, counter)
    guard.reserve()
    return guard.seal(0, 1, 0xFFFF, 0, b"beacon")


def hears(guard: Guard, counter: int) -> bool:
    frame = frame_of(counter)
    try:
        guard.open(decode_header(frame), frame)
    except NotOurs:
        return False
    return True


def live(folder: Path, calls: DiskCalls, monkeypatch, check) -> None:
    """Reservations and windows in turn; `check` is told what was promised after each step."""
    (folder / NAME).unlink(missing_ok=True)
    store = MeshStore(folder, NOW_S, is_new=True)
    guard = Guard(Seal(KEY), 7, 1, 1, store.counter)
    promised = {"counter": 0, "heard": -1}
    calls.disk.watch = lambda: check(promised)
    with monkeypatch.context() as patch:
        patch.setattr(mesh_store, "os", calls)
        for turn in range(1, 5):
            counter = guard.reserve()
            store.keep(counter, 1000 * turn)
            promised["counter"] = counter
            guard._next = guard.reserved_to          # All of them were used.
            assert hears(guard, 100 * turn)
            store.keep_windows(guard.kept([2]))
            promised["heard"] = 100 * turn


def test_no_cut_lets_a_counter_come_twice_or_what_was_kept_as_heard_be_heard_again(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk, looked = Disk(), []

    def check(promised: dict[str, int]) -> None:
        for cut in disk.cuts():
            store = found(disk.after_cut(*cut), tmp_path)
            assert store.counter >= promised["counter"]
            guard = Guard(Seal(KEY), 7, 1, 1, store.counter, store.windows)
            if promised["heard"] >= 0:
                assert not hears(guard, promised["heard"])
                assert not hears(guard, promised["heard"] - 50)      # Older than the window.
            assert hears(guard, 1000)
            looked.append(cut)

    live(tmp_path, DiskCalls(disk), monkeypatch, check)
    assert len(looked) > 100


def test_a_cut_loses_at_most_what_was_heard_since_the_last_word_to_the_store(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk()
    live(tmp_path, DiskCalls(disk), monkeypatch, lambda promised: None)
    store = found(disk.after_cut(*disk.cuts()[0]), tmp_path)
    assert store.counter >= NOW_S - 1_704_067_200 + 4 * RESERVED     # It began with the clock.
    guard = Guard(Seal(KEY), 7, 1, 1, store.counter, store.windows)
    assert not hears(guard, 400) and hears(guard, 401)


def test_a_full_disk_does_not_take_the_place_of_what_was_kept(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk()
    live(tmp_path, DiskCalls(disk), monkeypatch, lambda promised: None)
    disk.watch = None
    before = disk.content(NAME)
    with monkeypatch.context() as patch:
        patch.setattr(mesh_store, "os", DiskCalls(disk, room=10))
        store = found(disk, tmp_path)
        with pytest.raises(OSError, match="no space"):
            store.keep(store.counter + RESERVED, 1)
    assert disk.content(NAME) == before
