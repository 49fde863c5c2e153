"""The archive: bytes a reading on flash, append and start, and what flash is worn by.

Data: kit/recorded.py with 24 registers, 64 meters, every hour, in one append for each line's sweep
of 11 meters; missed rows, absent and late registers, the cursor's and the schema's file included.
A reading is a value that was delivered. Write amplification is by a model of LittleFS's rules
(kit/littlefs.py), not by a LittleFS. Times are on this machine's disk, each beside a bare write
and fsync, or a bare read, of the same bytes in the same run.
"""

import itertools
import os
import statistics
import tempfile
import time
from binascii import crc32
from collections.abc import Callable, Sequence
from pathlib import Path

from kit.figures import Figure, arguments, report
from kit.littlefs import BLOCK, PROGRAM, LittleFs
from kit.recorded import HOUR_S, INCARNATION, METERS, START_S, Recorded, recorded
from wum_edge.archive.flash import Flash
from wum_edge.archive.reader import Limits
from wum_edge.archive.ring import Archive, Stamp
from wum_edge.ports.linux.flash import LinuxFlash
from wum_shared.batch import Missed, Row
from wum_shared.messages import encode_schema
from wum_simulator.flash import SimulatedFlash

LIMIT_BYTES = 4_000_000
DAYS = 45
LINE = 11                    # Meters on one line: its sweep takes about 6 s at 9600 baud.
READINGS = DAYS * 24 * METERS * 24
GOAL = "value <= 2.4"
_LIMIT_TEXT = "4 MB for 45 days"

Sweep = Sequence[Row | Missed]


def sweeps(source: Recorded, most: int) -> list[Sweep]:
    """The records as they are appended: at most so many of one hour together."""
    records = sorted((*source.rows, *source.missed), key=lambda record: record.sequence)
    found: list[Sweep] = []
    for _, hour in itertools.groupby(
            records, lambda record: (record.captured_at_s - START_S) // HOUR_S):
        together = list(hour)
        found += [together[at:at + most] for at in range(0, len(together), most)]
    return found


def filled(flash: Flash, source: Recorded, parts: list[Sweep]) -> Archive:
    """An archive on `flash` with all of it, acknowledged every hour."""
    archive = Archive(flash, LIMIT_BYTES, INCARNATION)
    schema = archive.keep_schema(encode_schema(source.schema))
    hour_s = START_S
    for part in parts:
        if part[0].captured_at_s >= hour_s + HOUR_S and archive.backlog:
            hour_s = part[0].captured_at_s
            archive.acknowledge(archive.next_sequence - 1)
        archive.append(list(part), schema, Stamp(part[0].captured_at_s, 0))
    return archive


def is_whole(archive: Archive, source: Recorded) -> bool:
    """Whether everything is read back as it was."""
    rows: list[Row] = []
    first = 1
    while first < archive.next_sequence:
        span = archive.read(first, Limits(2**53, 4096, 1 << 30))
        assert span is not None and not span.lost
        rows += span.rows
        first = span.last_sequence + 1
    return rows == list(source.rows)


def size_figures(source: Recorded, days: int) -> list[Figure]:
    """Bytes a reading, everything included, beside the limit and one append for each row."""
    readings = sum(value is not None for row in source.rows for value in row.values)
    found = []
    for name, most, goal in (("archive_bytes_per_reading", LINE, GOAL),
                             ("archive_bytes_per_reading_one_append_an_hour", METERS, None),
                             ("archive_bytes_per_reading_one_append_a_row", 1, None)):
        flash = SimulatedFlash()
        archive = filled(flash, source, sweeps(source, most))
        assert most != LINE or is_whole(archive, source)
        size = sum(flash.size(file) for file in flash.names())
        found.append(Figure(name, size / readings, "bytes a reading", _LIMIT_TEXT,
                            LIMIT_BYTES / READINGS, goal))
        if most == LINE and days == DAYS:
            found.append(Figure("archive_45_days", size / 1e6, "MB", "limit", LIMIT_BYTES / 1e6,
                                "ratio <= 1"))
    return found


def wear_figures(source: Recorded) -> list[Figure]:
    """Bytes programmed for each byte handed in, beside one append for each row."""
    counted = {}
    for name, most in (("line", LINE), ("hour", METERS), ("row", 1)):
        flash = LittleFs()
        filled(flash, source, sweeps(source, most))
        counted[name] = flash.programmed / flash.handed_in
    against = f"one append a row ({BLOCK} B blocks, {PROGRAM} B programs)"
    return [Figure(f"write_amplification_littlefs_{what}", counted[part], "x", against,
                   counted["row"])
            for what, part in (("line_sweep", "line"), ("hour_at_once", "hour"))]


def time_figures(source: Recorded, parts: list[Sweep]) -> list[Figure]:
    """Append and start on this machine's disk, each beside the same bytes bare."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        flash = LinuxFlash(Path(folder))
        archive = filled_fast(flash, source, parts[:-100])
        size = archive.used_bytes
        schema = archive.latest_schema
        stamp = Stamp(parts[-1][0].captured_at_s, 0)
        appends, bares = [], []
        bare = os.open(Path(folder) / "bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for part in parts[-100:]:
            before = archive.used_bytes
            appends.append(_ms(lambda part=part: archive.append(list(part), schema, stamp)))
            piece = bytes(archive.used_bytes - before)
            bares.append(_ms(lambda piece=piece: (os.write(bare, piece), os.fsync(bare))))
        os.close(bare)
        start = min(_ms(lambda: Archive(flash, LIMIT_BYTES, INCARNATION)) for _ in range(5))
        scan = min(_ms(lambda: _scan(flash)) for _ in range(5))
        flash.close()
    print(f"start and scan: {size / 1e6:.2f} MB on flash")
    return [
        Figure("append_line_sweep", statistics.median(appends), "ms", "bare write and fsync",
               statistics.median(bares)),
        Figure("start", start, "ms", "read and CRC of the whole store", scan)]


def filled_fast(flash: Flash, source: Recorded, parts: list[Sweep]) -> Archive:
    """The same files as `filled` makes, made in memory first: without a sync for each piece."""
    memory = SimulatedFlash()
    filled(memory, source, parts)
    for name in memory.names():
        flash.replace(name, memory.content(name))
    archive = Archive(flash, LIMIT_BYTES, INCARNATION)
    archive.keep_schema(encode_schema(source.schema))
    return archive


def _scan(flash: Flash) -> int:
    return sum(crc32(flash.read(name, 0, flash.size(name))) for name in flash.names())


def _ms(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - start)


def main() -> None:
    """Measure and report."""
    days = 5 if arguments(__doc__ or "").quick else DAYS
    source = recorded(days=days, energy_scaler=1, more_registers=True)
    parts = sweeps(source, LINE)
    report("archive", [*size_figures(source, days), *wear_figures(source),
                       *time_figures(source, parts)])


if __name__ == "__main__":
    main()
