"""A pulse counter's file on Linux."""

from pathlib import Path

from wum_edge.meters.pulse.journal import NOTHING, RECORD_SIZE, RECORDS_MAX, Journal
from wum_edge.ports.linux.flash import LinuxFlash
from wum_edge.ports.linux.pulse_store import FlashStore

RATES = (0,) * 8


def test_records_are_found_again_and_the_file_stays_short(tmp_path: Path) -> None:
    flash = LinuxFlash(tmp_path)
    journal = Journal(FlashStore(flash, "input-4"))
    assert journal.kept == NOTHING
    for count in range(1, RECORDS_MAX + 10):
        journal.keep(count, count, RATES, False)
    flash.close()
    again = LinuxFlash(tmp_path)
    assert Journal(FlashStore(again, "input-4")).kept.total == RECORDS_MAX + 9
    assert (tmp_path / "input-4").stat().st_size <= RECORDS_MAX * RECORD_SIZE
    again.close()


def test_a_torn_record_at_the_end_is_none(tmp_path: Path) -> None:
    flash = LinuxFlash(tmp_path)
    store = FlashStore(flash, "input-4")
    journal = Journal(store)
    journal.keep(1, 10, RATES, False)
    journal.keep(2, 20, RATES, False)
    store.append(b"WP torn")
    journal = Journal(store)
    assert journal.kept.total == 20 and journal.damaged == 1
    journal.keep(3, 21, RATES, False)
    assert Journal(store).kept.total == 21 and Journal(store).damaged == 0
    flash.close()
