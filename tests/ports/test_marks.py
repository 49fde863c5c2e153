"""After a restart no entry of a meter's log is archived twice, and none is lost."""

from itertools import count
from pathlib import Path

import pytest

from tests.edge.samples import document, entry
from wum_edge import config
from wum_edge.archive.reader import Limits, Span
from wum_edge.archive.ring import Archive, Stamp
from wum_edge.meters.catalog import Model, check_model
from wum_edge.ports.linux.clock import SystemClock
from wum_edge.ports.linux.flash import LinuxFlash
from wum_edge.ports.linux.journal import Journal
from wum_edge.ports.marks import NAME, SAVE_MS, SAVE_RECORDS, MarksFile
from wum_shared import status
from wum_shared.batch import Event

AT_S = 1_760_000_000


def parts() -> tuple[config.Config, dict[str, Model]]:
    model = check_model(entry())
    return config.check(document(2), {model.model: model.protocol}), {model.model: model}


def told(at_s: int, note: str, meter: int = 1) -> Event:
    return Event(0, at_s, status.FREE_RUNNING, status.EVENT_OF_METER, meter, note)


def opened(folder: Path) -> tuple[LinuxFlash, Archive, MarksFile]:
    """As a start of the gateway does it."""
    flash = LinuxFlash(folder)
    archive = Archive(flash, 1 << 20, bytes(8))
    marks = MarksFile(flash, SystemClock(), Journal(), *parts())
    marks.catch_up(archive)
    return flash, archive, marks


def append(archive: Archive, marks: MarksFile | None, *events: Event) -> None:
    schema_id = archive.keep_schema(b"a schema")
    archive.append(list(events), schema_id, Stamp(AT_S, 0))
    if marks is not None:
        marks.archived(events, archive.next_sequence - 1)


def test_marks_come_back_from_the_file(tmp_path: Path) -> None:
    flash, archive, marks = opened(tmp_path)
    append(archive, marks, told(AT_S, "40 cover"), told(AT_S, "41 magnet"))
    marks.save()
    flash.close()
    flash, _, again = opened(tmp_path)
    assert (again.of(1).events_s, again.of(1).seen) == (
        AT_S, ((40, "40 cover"), (41, "41 magnet")))
    assert again.of(0).events_s == 0
    flash.close()


@pytest.mark.parametrize("saved", [0, 1, 2, 3])
def test_a_power_cut_after_any_append_loses_no_mark_that_is_archived(
        tmp_path: Path, saved: int) -> None:
    flash, archive, marks = opened(tmp_path)
    for n in range(3):
        if n == saved:
            marks.save()
        append(archive, marks, told(AT_S + n, f"{n} entry"))
    flash.close()                    # The file is older than the archive, or not there at all.
    flash, _, again = opened(tmp_path)
    assert again.of(1).events_s == AT_S + 2 and again.of(1).seen == ((2, "2 entry"),)
    flash.close()


def test_a_start_reads_little_again_where_no_mark_ever_moves(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SystemClock, "monotonic_ms", count(step=SAVE_MS).__next__)
    flash, archive, marks = opened(tmp_path)
    for _ in range(3 * SAVE_RECORDS + 1):
        append(archive, marks, Event(0, AT_S, status.FREE_RUNNING, status.EVENT_STARTED, None, ""))
    flash.close()
    assert again_from(tmp_path, monkeypatch) > 2 * SAVE_RECORDS


def test_what_a_start_has_read_the_next_one_need_not(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flash, archive, _ = opened(tmp_path)
    for _ in range(SAVE_RECORDS):
        append(archive, None, told(AT_S, "40 cover"))
    flash.close()
    assert again_from(tmp_path, monkeypatch) == 1
    assert again_from(tmp_path, monkeypatch) is None


def again_from(folder: Path, monkeypatch: pytest.MonkeyPatch) -> int | None:
    """From which number on a start reads its archive again; None: nothing of it."""
    firsts: list[int] = []
    read = Archive.read

    def noted(archive: Archive, first: int, limits: Limits) -> Span | None:
        firsts.append(first)
        return read(archive, first, limits)

    monkeypatch.setattr(Archive, "read", noted)
    flash, _, _ = opened(folder)
    monkeypatch.setattr(Archive, "read", read)
    flash.close()
    return min(firsts, default=None)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"sequence": "x", "meters": {}}',
                                     b'{"sequence": 9, "meters": {"M-0002": {}}}'])
def test_a_file_that_is_damaged_is_made_anew_from_the_archive(
        tmp_path: Path, content: bytes) -> None:
    flash, archive, marks = opened(tmp_path)
    append(archive, marks, told(AT_S, "40 cover"))
    flash.close()
    (tmp_path / NAME).write_bytes(content)
    flash, _, again = opened(tmp_path)
    assert again.of(1).events_s == AT_S
    flash.close()
