"""The share of the archive's torture that every run has time for, and the mutants it must catch.

`make torture` is the whole of it. A mutant is a broken archive; a torture that stays green on one
would prove nothing.
"""

import pytest

from tests.edge import records, scenarios
from tests.edge.cpython import torture
from tests.edge.power import Model, one_in, survives, survives_full
from wum_edge.archive import cursor, segment
from wum_edge.archive.ring import Archive
from wum_simulator.disk import Disk
from wum_simulator.flash import SimulatedFlash


def test_a_share_of_all_cuts_is_survived():
    first, second = torture.share()
    assert first > 3000 and second > 3000


class AcknowledgesBeforeSync(Archive):
    """An append returns while its bytes are in no more than the cache."""

    def _write(self, name, piece):
        self._flash.append(name, piece)


class MovesTheCursorBeforeTheAcknowledgement(Archive):
    """What was read to be sent counts as delivered."""

    def read(self, first, limits):
        span = super().read(first, limits)
        if span is not None and span.last_sequence > self.cursor:
            self.acknowledge(span.last_sequence)
        return span


class AppendsBehindATornEnd(Archive):
    """A start goes on in the last segment, whatever stands at its end."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self._tail_open = bool(self._segments)


class GivesUpTheUnacknowledgedSilently(Archive):
    """A full store drops what nobody has, and no range says so."""

    def _drop_oldest(self, reason, *, only_acknowledged):
        kept = self._cursor
        failure = super()._drop_oldest(reason, only_acknowledged=only_acknowledged)
        self._cursor = kept
        return failure


def no_crc(monkeypatch):
    """Every check value is 0, and so always right."""
    for module in (segment, cursor):
        monkeypatch.setattr(module, "crc32", lambda data, start=0: 0)


def no_directory_sync(monkeypatch):
    """A replacement is renamed, and nobody makes the new name durable."""
    whole = SimulatedFlash.replace

    def replace(self, name, data):
        sync_names, self.disk.sync_names = self.disk.sync_names, lambda: None
        try:
            whole(self, name, data)
        finally:
            self.disk.sync_names = sync_names

    monkeypatch.setattr(SimulatedFlash, "replace", replace)


def rename_before_sync(monkeypatch):
    """A replacement's bytes are still in the cache when it gets its name."""
    whole = SimulatedFlash.replace

    def replace(self, name, data):
        sync, self.disk.sync = self.disk.sync, lambda name: None
        try:
            whole(self, name, data)
        finally:
            self.disk.sync = sync

    monkeypatch.setattr(SimulatedFlash, "replace", replace)


def archive_of(mutant):
    """A mutation that replaces the archive by `mutant`."""
    return lambda monkeypatch: monkeypatch.setattr(records, "Archive", mutant)


MUTANTS = {
    "acknowledge before sync": archive_of(AcknowledgesBeforeSync),
    "no CRC": no_crc,
    "cursor moved before the acknowledgement": archive_of(MovesTheCursorBeforeTheAcknowledgement),
    "rename without directory sync": no_directory_sync,
    "rename before the file's sync": rename_before_sync,
    "append behind a torn end": archive_of(AppendsBehindATornEnd),
    "drop without a range": archive_of(GivesUpTheUnacknowledgedSilently),
}


def is_caught():
    """Whether a share of the torture, as every run has it, goes red."""
    try:
        for life, fills in scenarios.LIVES:
            torture.torture(life, survives_full if fills else survives, one_in(97))
    except (AssertionError, KeyError):
        return True
    return False


def test_the_sound_archive_is_not_caught():
    assert not is_caught()


@pytest.mark.parametrize("name", list(MUTANTS))
def test_a_mutant_is_caught(name, monkeypatch):
    MUTANTS[name](monkeypatch)
    assert is_caught(), f"the torture does not notice: {name}"


def test_a_cut_leaves_names_that_were_not_synced_or_takes_them():
    disk = Disk()
    disk.create("a")
    disk.write("a", b"1234")
    disk.sync("a")
    left = {tuple(sorted(disk.after_cut(*cut).names)) for cut in disk.cuts()}
    assert left == {(), ("a",)}
    disk.sync_names()
    disk.write("a", b"56")
    contents = {disk.after_cut(*cut).content("a") for cut in disk.cuts()}
    assert {b"1234", b"12345", b"123456", b"12345\0", b"1234\0\0"} < contents
    assert all(content.startswith(b"1234") for content in contents)


def test_a_model_takes_no_record_that_was_not_offered():
    flash, model = SimulatedFlash(), Model()
    archive = model.archive(flash)
    archive.append(records.mixed(0, 2), records.SCHEMA_ID, records.STAMP)
    with pytest.raises(AssertionError, match="another one"):
        model.read(archive)
