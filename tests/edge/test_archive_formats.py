"""Archives as they were once written, in tests/vectors/archive: they are read for ever.

These files are never written again. A change that cannot read them is a new format.
"""

import binascii

from tests.edge.records import (
    INCARNATION,
    OTHER_INCARNATION,
    SCHEMA_ID,
    STAMP,
    START_S,
    archive_on,
    event,
    mixed,
    numbered,
    read_all,
)
from tests.portable import ON_MICROPYTHON
from wum_shared.batch import Event, Missed, Row
from wum_shared.status import ABSENT, LATE, REFUSED, SILENT
from wum_simulator.flash import NOTHING, SimulatedFlash

FOLDER = "/tests/vectors/archive/" if ON_MICROPYTHON else __file__[:-len(
    "edge/test_archive_formats.py")] + "vectors/archive/"
FILES_0 = ("cursor", "schema-9a9811d2a806f4f9", "segment-00000001", "segment-00000002",
           "segment-00000003")
FILES_1 = ("cursor", "schema-9a9811d2a806f4f9", "segment-00000001")


def golden(folder, names):
    """A flash with these files."""
    flash = SimulatedFlash()
    for name in names:
        with open(FOLDER + folder + "/" + name + ".hex") as file:
            flash.put(name, binascii.unhexlify("".join(file.read().split())))
    return flash


def record_0(number):
    """Record `number` of the archive in format 0."""
    n = number - 1
    at_s = START_S + n
    if number == 541:
        return Row(541, 3, 0, START_S + 900, 0, (-(2**62), 2**62 - 1, 0), (0, 0, 0))
    if number == 542:
        return Event(542, START_S + 541, 0, 1, None, "line feed ß")
    if n % 4 == 0:
        return Row(number, 0, 0, at_s, 0, (1000 * n, 1000 * n + 1, 1000 * n + 2), (0, 0, 0))
    if n % 4 == 1:
        return Row(number, 1, 0, at_s, 0, (None, -n, 2**40 + n), (ABSENT | REFUSED, LATE, 0))
    if n % 4 == 2:
        return Missed(number, 2, 0, at_s, 0, SILENT, "no byte within 500 ms")
    return Event(number, at_s, 0, 1, None, "agent started")


def records_1():
    """Twelve sweeps of four meters, with everything that a record can have."""
    found = []
    for sweep in range(12):
        at_s = START_S + 3600 * sweep
        for meter in range(4):
            n = 4 * sweep + meter
            values = (10**7 + 1300 * sweep * meter, 2300 - n * n % 37, None if n % 9 == 8 else -n)
            statuses = (LATE if n % 11 == 3 else 0, 0, ABSENT | REFUSED if n % 9 == 8 else 0)
            found.append(Row(0, meter, 0, at_s + meter, 0 if sweep < 9 else 1, values, statuses))
        if sweep % 3 == 1:
            found[-2] = Missed(0, 2, 0, at_s + 2, 0, SILENT, "no byte within 500 ms")
        if sweep % 4 == 2:
            found.append(Event(0, at_s + 60, 0, 7, None if sweep < 5 else 3, "moved ß"))
    found.append(Row(0, 9, 1, 0, 2, (-(2**62), 2**62 - 1) + (0,) * 62, (65534,) * 64))
    found.append(Row(0, 9, 1, 2**32 - 1, 2, (2**62 - 1, -(2**62)) + (1,) * 62, (0,) * 64))
    found.append(Row(0, 9, 1, 5, 2, (1,), (0,)))
    return found


def life_1():
    """A flash with records_1 on it, a start between them, the first ten acknowledged."""
    flash = SimulatedFlash()
    records = records_1()
    archive = archive_on(flash)
    for start in range(0, 20, 4):
        archive.append(records[start:start + 4], SCHEMA_ID, STAMP)
    archive.acknowledge(10)
    archive = archive_on(flash)
    archive.append(records[20:], SCHEMA_ID, STAMP)
    return flash


def test_an_archive_of_format_1_gives_every_record():
    archive = archive_on(golden("1", FILES_1), OTHER_INCARNATION)
    assert archive.incarnation == INCARNATION and archive.cursor == 10
    wanted = {n + 1: numbered(r, n + 1) for n, r in enumerate(records_1())}
    assert read_all(archive) == (wanted, []) and archive.next_sequence == len(wanted) + 1


def test_format_1_is_still_written_with_the_same_bytes():
    assert life_1().disk.content("segment-00000001") == golden("1", FILES_1).content(
        "segment-00000001")


def test_an_archive_of_format_0_gives_every_record():
    archive = archive_on(golden("0", FILES_0), OTHER_INCARNATION)
    assert archive.incarnation == INCARNATION and not archive.is_new
    assert archive.cursor == 100 and archive.next_sequence == 543
    records, lost = read_all(archive)
    assert not lost and not archive.notices()
    assert records == {number: record_0(number) for number in range(1, 543)}
    found = archive.find(2, START_S + 10, START_S + 30, 1, 100)
    assert [r.sequence for r in found.records] == [11, 15, 19, 23, 27, 31]


def test_an_archive_of_format_0_goes_on_in_format_1():
    flash = golden("0", FILES_0)
    before = flash.content("segment-00000003")
    archive = archive_on(flash)
    for start in range(0, 120, 12):
        archive.append(mixed(start, 12), SCHEMA_ID, STAMP)
    assert flash.content("segment-00000003") == before
    assert flash.content("segment-00000004")[4] == 1
    wanted = {number: record_0(number) for number in range(1, 543)}
    wanted.update({n + 543: numbered(r, n + 543) for n, r in enumerate(mixed(0, 120))})
    assert read_all(archive) == (wanted, [])
    assert read_all(archive_on(flash)) == (wanted, [])


def test_format_0_is_given_up_like_any_other():
    flash = golden("0", FILES_0)
    archive = archive_on(flash)
    archive.acknowledge(542)
    for start in range(0, 3000, 40):
        archive.append(mixed(start, 40), SCHEMA_ID, STAMP)
    assert "segment-00000001" not in flash.names()


def test_damage_in_format_0_costs_one_piece_and_no_number_is_given_again():
    for at in (50, 2000, 5000, 8000):
        flash = golden("0", FILES_0)
        flash.damage("segment-00000002", at)
        records, lost = read_all(archive_on(flash))
        assert [x.last_sequence - x.first_sequence for x in lost] == [11]
        assert all(records[n] == record_0(n) for n in records)
    flash = golden("0", FILES_0)
    flash.put("segment-00000003", flash.content("segment-00000003")[:-20] + bytes(20))
    archive = archive_on(flash)
    assert archive.next_sequence >= 543
    assert read_all(archive)[1][-1].last_sequence >= 542


def test_a_segment_of_a_later_format_is_not_read_as_one_of_ours():
    flash = golden("0", FILES_0).after_cut(NOTHING)
    flash.damage("segment-00000002", 4, 0x02)
    records, lost = read_all(archive_on(flash))
    assert len(lost) == 1 and 1 in records and 542 in records
    archive = archive_on(flash)
    archive.append([event(1)], SCHEMA_ID, STAMP)
    assert archive.next_sequence == 544
