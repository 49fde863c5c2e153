"""Reading the archive by meter and time, without decoding what lies elsewhere."""

from tests.edge.records import EVERYTHING, INCARNATION, SCHEMA, SCHEMA_ID, START_S, row
from wum_edge.archive import decoder
from wum_edge.archive.ring import Archive, Stamp
from wum_shared.batch import Missed, Row
from wum_shared.status import SILENT, SYNCHRONISED
from wum_simulator.flash import SimulatedFlash

HOUR_S = 3600
METERS = 4
SWEEPS = 400


class Counting(SimulatedFlash):
    reads = 0

    def read(self, name, offset, size):
        self.reads += size
        return super().read(name, offset, size)


def reading(sweep, meter):
    """What meter said in that sweep; nothing now and then."""
    at_s = START_S + sweep * HOUR_S + meter
    if (sweep + meter) % 17 == 0:
        return Missed(0, meter, 0, at_s, SYNCHRONISED, SILENT, "")
    return Row(*((0, meter, 0, at_s) + tuple(row(sweep * METERS + meter))[4:]))


def archive_of_sweeps():
    """(flash, archive) of many segments."""
    flash = Counting()
    archive = Archive(flash, 1 << 20, INCARNATION, 8 * 1024)
    archive.keep_schema(SCHEMA)
    for sweep in range(SWEEPS):
        archive.append([reading(sweep, meter) for meter in range(METERS)], SCHEMA_ID,
                       Stamp(START_S + sweep * HOUR_S, SYNCHRONISED))
    assert len([n for n in flash.names() if n.startswith("segment")]) > 4
    return flash, archive


def expected(meter, first_s, last_s):
    found = [(sweep * METERS + meter + 1, reading(sweep, meter)) for sweep in range(SWEEPS)]
    return [type(r)(*((n,) + tuple(r)[1:])) for n, r in found
            if first_s <= r.captured_at_s <= last_s]


def test_a_meter_and_a_span_of_time_give_what_was_captured_then():
    flash, archive = archive_of_sweeps()
    for one in (archive, Archive(flash, 1 << 20, INCARNATION, 8 * 1024)):
        for first in (0, 57, 201, 399):
            for hours in (0, 1, 30):
                span = (START_S + first * HOUR_S, START_S + (first + hours) * HOUR_S + 9)
                found = one.find(2, span[0], span[1], 1, 1000)
                assert found.next_sequence is None
                assert found.records == expected(2, span[0], span[1])
    assert archive.find(9, 0, 2**32 - 1, 1, 1000).records == []


def test_finding_goes_on_where_there_was_enough():
    _, archive = archive_of_sweeps()
    first_s, last_s = START_S, START_S + 90 * HOUR_S + 9
    got, first = [], 1
    while first is not None:
        found = archive.find(1, first_s, last_s, first, 8)
        assert len(found.records) <= 8
        got += found.records
        first = found.next_sequence
    assert got == expected(1, first_s, last_s)


def test_finding_one_day_does_not_read_the_others():
    flash, archive = archive_of_sweeps()
    total = sum([flash.size(name) for name in flash.names()])
    flash.reads = 0
    day_s = START_S + 200 * HOUR_S
    assert len(archive.find(3, day_s, day_s + 24 * HOUR_S - 1, 1, 1000).records) == 24
    assert flash.reads < total // 3
    flash.reads = 0
    assert archive.find(3, START_S - 1000, START_S - 1, 1, 1000).records == []
    assert flash.reads == 0, "no segment can hold it"


def test_reading_on_does_not_decode_what_was_read_before():
    _, archive = archive_of_sweeps()
    decoded = [0]
    plain = decoder.read_records

    def counting(body, piece, run):
        decoded[0] += 1
        return plain(body, piece, run)

    decoder.read_records = counting
    try:
        for sweep in range(20):
            first, last = archive.append(
                [reading(SWEEPS + sweep, 1)], SCHEMA_ID, Stamp(START_S, SYNCHRONISED))
            assert archive.read(first, EVERYTHING).last_sequence == last
            if sweep == 0:
                decoded[0] = 0
        assert decoded[0] <= 19 + 3, "a segment may have ended in between"
    finally:
        decoder.read_records = plain


def test_records_with_a_wrong_clock_are_found_where_their_time_says():
    flash = SimulatedFlash()
    archive = Archive(flash, 1 << 20, INCARNATION, 8 * 1024)
    archive.keep_schema(SCHEMA)
    for at_s in (0, 2**32 - 1, START_S, 5):
        archive.append([Row(0, 1, 0, at_s, 2, (1, 2, 3), (0, 0, 0))], SCHEMA_ID, Stamp(at_s, 2))
    for one in (archive, Archive(flash, 1 << 20, INCARNATION, 8 * 1024)):
        assert [r.sequence for r in one.find(1, 0, 10, 1, 9).records] == [1, 4]
        assert [r.sequence for r in one.find(1, START_S, START_S, 1, 9).records] == [3]
