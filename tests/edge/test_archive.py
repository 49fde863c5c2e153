"""The archive in everyday life: append, read, acknowledge, expire, and a store that is full."""

from tests.edge.records import (
    EVERYTHING,
    INCARNATION,
    LIMIT_BYTES,
    OTHER_INCARNATION,
    SCHEMA,
    SCHEMA_ID,
    SEGMENT_BYTES,
    STAMP,
    archive_on,
    event,
    mixed,
    numbered,
    read_all,
    row,
    schema_of,
)
from tests.portable import raises
from wum_edge.archive import decoder
from wum_edge.archive.errors import ArchiveRefused
from wum_edge.archive.reader import Limits
from wum_edge.archive.ring import KEEP_FREE_BYTES, RETENTION_S, Archive, Stamp
from wum_shared.batch import Lost, Row
from wum_shared.messages import encode_schema
from wum_shared.status import (
    EVENT_ARCHIVE_DROPPED,
    LOST_FULL,
    NEVER_SET,
    SYNCHRONISED,
)
from wum_simulator.flash import SimulatedFlash


def fill(archive, count, start=0, stamp=STAMP):
    """Append `count` mixed records, 40 at a time."""
    for at in range(start, start + count, 40):
        archive.append(mixed(at, min(40, start + count - at)), SCHEMA_ID, stamp)


def test_what_was_appended_is_read_back_in_order_and_numbered_from_one():
    archive = archive_on(SimulatedFlash())
    assert archive.append(mixed(0, 10), SCHEMA_ID, STAMP) == (1, 10)
    records, lost = read_all(archive)
    assert records == {n + 1: numbered(r, n + 1) for n, r in enumerate(mixed(0, 10))}
    assert not lost


def test_a_restart_finds_every_record_and_goes_on_numbering():
    flash = SimulatedFlash()
    archive_on(flash).append(mixed(0, 10), SCHEMA_ID, STAMP)
    archive = archive_on(flash, OTHER_INCARNATION)
    assert archive.incarnation == INCARNATION and not archive.is_new
    assert archive.append(mixed(10, 2), SCHEMA_ID, STAMP) == (11, 12)
    assert sorted(read_all(archive)[0]) == list(range(1, 13))


def test_an_empty_flash_becomes_an_archive_with_the_incarnation_handed_in():
    archive = archive_on(SimulatedFlash())
    assert archive.is_new and archive.incarnation == INCARNATION
    assert archive.next_sequence == 1 and archive.backlog == 0
    assert archive.read(1, EVERYTHING) is None


def test_every_value_the_contract_allows_survives():
    extremes = Row(*(tuple(row(1))[:5] + ((-(2**62), 2**62 - 1, 0), (0, 0, 0))))
    small = Row(*(tuple(row(1))[:5] + ((-(2**15), 2**15 - 1, 1), (0, 0, 65535 & ~1))))
    archive = archive_on(SimulatedFlash())
    archive.append([extremes, small], SCHEMA_ID, STAMP)
    assert read_all(archive)[0] == {1: numbered(extremes, 1), 2: numbered(small, 2)}


def test_no_append_is_longer_than_one_erase_block():
    class Watching(SimulatedFlash):
        longest = 0

        def append(self, name, data):
            self.longest = max(self.longest, len(data))
            super().append(name, data)

    flash = Watching()
    fill(archive_on(flash), 400)
    archive_on(flash).append(mixed(0, 400), SCHEMA_ID, STAMP)
    assert 3000 < flash.longest <= 4096


def test_a_span_keeps_to_its_limits_and_the_next_one_goes_on():
    archive = archive_on(SimulatedFlash())
    fill(archive, 100)
    span = archive.read(1, Limits(2**53, 7, 1 << 20))
    assert (span.first_sequence, span.last_sequence) == (1, 7)
    span = archive.read(8, Limits(2**53, 1000, 500))
    assert span.first_sequence == 8 and 10 < span.last_sequence < 30
    assert archive.read(8, Limits(9, 1000, 1 << 20)).last_sequence == 9
    assert sorted(read_all(archive, limits=Limits(2**53, 7, 300))[0]) == list(range(1, 101))


def test_a_span_never_mixes_schemas():
    archive = archive_on(SimulatedFlash())
    archive.append(mixed(0, 5), SCHEMA_ID, STAMP)
    other = archive.keep_schema(encode_schema(schema_of(meters=5)))
    archive.append(mixed(5, 5), other, STAMP)
    first, second = archive.read(1, EVERYTHING), archive.read(6, EVERYTHING)
    assert (first.schema_id, first.last_sequence) == (SCHEMA_ID, 5)
    assert (second.schema_id, second.last_sequence) == (other, 10)


def test_readings_that_end_within_a_piece_decode_it_once():
    archive = archive_on(SimulatedFlash())
    fill(archive, 400)
    decode, decoded = decoder.read_records, []

    def counted(body, piece, run):
        decoded.append(piece.first_sequence)
        return decode(body, piece, run)
    decoder.read_records = counted
    try:
        for records, size in ((7, 1 << 20), (1, 1 << 20), (1000, 300)):
            decoded[:] = []
            found, lost = read_all(archive, limits=Limits(2**53, records, size))
            assert sorted(found) == list(range(1, 401)) and not lost
            assert len(decoded) == len(set(decoded)) == 10, "each of the pieces, once"
    finally:
        decoder.read_records = decode


def test_whoever_reads_elsewhere_meanwhile_takes_nothing_from_who_reads_in_order():
    archive = archive_on(SimulatedFlash())
    fill(archive, 200)
    seen = []
    for back in (1, 3, 50):              # Once more, and on from there.
        at, seen[:] = 1, []
        while True:
            span = archive.read(at, Limits(2**53, 9, 1 << 20))
            if span is None:
                break
            seen += [r.sequence for r in span.rows + span.missed + span.events]
            again = archive.read(max(1, at - back), Limits(span.last_sequence, 1000, 1 << 20))
            assert again.last_sequence == span.last_sequence and not again.lost
            at = span.last_sequence + 1
        assert sorted(seen) == list(range(1, 201))


def test_reading_does_not_scan_what_lies_before():
    class Counting(SimulatedFlash):
        reads = 0

        def read(self, name, offset, size):
            self.reads += 1
            return super().read(name, offset, size)

    flash = Counting()
    archive = archive_on(flash, limit_bytes=1 << 20)
    fill(archive, 10000)
    flash.reads = 0
    archive.read(archive.next_sequence - 3, EVERYTHING)
    assert flash.reads <= 2 + SEGMENT_BYTES // 4096


def test_the_cursor_moves_by_acknowledgement_and_survives_a_restart():
    flash = SimulatedFlash()
    archive = archive_on(flash)
    fill(archive, 100)
    read_all(archive)
    assert archive.cursor == 0 and archive.backlog == 100
    archive.acknowledge(60)
    assert archive_on(flash).cursor == 60 and archive_on(flash).backlog == 40


def test_the_cursor_never_goes_back_and_never_past_the_last_record():
    archive = archive_on(SimulatedFlash())
    fill(archive, 20)
    archive.acknowledge(10)
    raises(AssertionError, lambda: archive.acknowledge(9))
    raises(AssertionError, lambda: archive.acknowledge(21))


def test_a_full_store_gives_up_acknowledged_records_and_no_others_while_there_are_any():
    archive = archive_on(SimulatedFlash())
    fill(archive, 1500)
    archive.acknowledge(1500)
    fill(archive, 1500, start=1500)
    records, lost = read_all(archive, first=1501)
    assert sorted(records) == list(range(1501, 3001)) and not lost
    assert archive.used_bytes <= LIMIT_BYTES
    notices = archive.notices()
    assert notices and all(kind == EVENT_ARCHIVE_DROPPED for kind, _ in notices)
    assert all("store full, acknowledged" in note for _, note in notices)


def test_a_full_store_without_acknowledgements_gives_up_the_oldest_and_says_which():
    flash = SimulatedFlash()
    archive = archive_on(flash)
    fill(archive, 3000)
    records, lost = read_all(archive)
    first = min(records)
    assert first > 1 and sorted(records) == list(range(first, 3001))
    assert lost == [Lost(1, first - 1, LOST_FULL, "")]
    assert archive.used_bytes <= LIMIT_BYTES
    assert any("not acknowledged" in note for _, note in archive.notices())
    again = archive_on(flash)
    assert read_all(again) == (records, lost)


def test_lost_ranges_are_forgotten_once_they_are_acknowledged():
    flash = SimulatedFlash()
    archive = archive_on(flash)
    fill(archive, 3000)
    last_lost = read_all(archive)[1][0].last_sequence
    archive.acknowledge(last_lost + 10)
    assert archive_on(flash)._cursor.dropped == ()
    assert not read_all(archive, first=last_lost + 11)[1]


def test_retention_drops_what_is_acknowledged_and_older_than_45_days():
    archive = archive_on(SimulatedFlash())
    fill(archive, 400)
    later = Stamp(STAMP.at_s + RETENTION_S, SYNCHRONISED)
    archive.acknowledge(400)
    fill(archive, 300, start=400, stamp=later)
    before = archive.used_bytes
    archive.expire(Stamp(later.at_s - 1, SYNCHRONISED))
    assert archive.used_bytes == before
    archive.expire(Stamp(later.at_s + 1, NEVER_SET))
    assert archive.used_bytes == before
    archive.expire(later)
    assert archive.used_bytes < before
    assert sorted(read_all(archive, first=401)[0]) == list(range(401, 701))
    assert any("retention, acknowledged" in note for _, note in archive.notices())


def test_retention_never_drops_what_the_head_end_does_not_have():
    archive = archive_on(SimulatedFlash())
    fill(archive, 400)
    fill(archive, 10, start=400, stamp=Stamp(STAMP.at_s + 10 * RETENTION_S, SYNCHRONISED))
    archive.expire(Stamp(STAMP.at_s + 20 * RETENTION_S, SYNCHRONISED))
    assert sorted(read_all(archive)[0]) == list(range(1, 411)) and not archive.notices()


def test_flash_that_others_filled_refuses_new_records_and_keeps_the_old():
    flash = SimulatedFlash()
    archive = archive_on(flash)
    fill(archive, 200)
    flash.size_bytes = archive.used_bytes + KEEP_FREE_BYTES
    text = raises(ArchiveRefused, lambda: fill(archive, 40, start=200))
    assert "no space left" in text
    assert sorted(read_all(archive)[0]) == list(range(1, 201))
    archive.acknowledge(200)  # The cursor still has its place, and what is acknowledged can go.
    fill(archive, 40, start=200)
    assert sorted(read_all(archive, first=201)[0]) == list(range(201, 241))


def test_a_disk_that_others_filled_costs_no_record_that_the_head_end_lacks():
    flash = SimulatedFlash()
    archive = archive_on(flash)
    fill(archive, 1000)
    assert len([name for name in flash.names() if name.startswith("segment-")]) > 2
    flash.size_bytes = archive.used_bytes + KEEP_FREE_BYTES
    raises(ArchiveRefused, lambda: fill(archive, 40, start=1000))
    assert sorted(read_all(archive)[0]) == list(range(1, 1001)) and not read_all(archive)[1]


def test_a_refusal_says_how_many_records_are_safe_and_their_numbers_are_not_given_again():
    flash = SimulatedFlash()
    archive = archive_on(flash)
    archive.append([event(0)], SCHEMA_ID, STAMP)
    flash.fail[flash.operations + 4] = 5  # The sync of the second piece.
    records = mixed(1, 200)
    try:
        archive.append(records, SCHEMA_ID, STAMP)
        kept = None
    except ArchiveRefused as refused:
        kept = refused.kept
    assert kept is not None and 0 < kept < 200
    assert archive.next_sequence == 2 + kept
    archive.append(records[kept:], SCHEMA_ID, STAMP)
    wanted = {n + 2: numbered(r, n + 2) for n, r in enumerate(records)}
    wanted[1] = numbered(event(0), 1)
    assert read_all(archive) == (wanted, [])
    assert read_all(archive_on(flash)) == (wanted, [])


def test_a_read_only_flash_still_mounts_and_gives_its_records():
    flash = SimulatedFlash()
    fill(archive_on(flash), 50)
    flash.read_only = True
    archive = Archive(flash, LIMIT_BYTES, OTHER_INCARNATION, segment_bytes=SEGMENT_BYTES)
    assert sorted(read_all(archive)[0]) == list(range(1, 51))
    raises(ArchiveRefused, lambda: fill(archive, 1, start=50))
    archive.acknowledge(50)
    assert archive.cursor == 50
    flash.read_only = False
    archive.expire(STAMP)
    assert archive_on(flash).cursor == 50


def test_schemas_stay_as_long_as_a_segment_names_them():
    flash = SimulatedFlash()
    archive = archive_on(flash)
    fill(archive, 40)
    other_schema = encode_schema(schema_of(meters=5))
    other = archive.keep_schema(other_schema)
    assert archive.schema(SCHEMA_ID) == SCHEMA
    for _ in range(60):
        archive.append(mixed(0, 40), other, STAMP)
        archive.acknowledge(archive.next_sequence - 1)
    assert archive.schema(SCHEMA_ID) is None and archive.schema(other) == other_schema


def test_many_small_segments_stay_within_the_limit_on_their_number():
    flash = SimulatedFlash()
    archive = archive_on(flash)
    ids = [archive.keep_schema(encode_schema(schema_of(meters=m))) for m in (1, 2)]
    for number in range(60):
        archive.append([event(number)], ids[number % 2], STAMP)
    segments = [name for name in flash.names() if name.startswith("segment-")]
    assert len(segments) <= 2 * LIMIT_BYTES // SEGMENT_BYTES
    assert read_all(archive)[1][0].reason == LOST_FULL


def test_a_note_that_the_contract_refuses_is_made_to_fit():
    archive = archive_on(SimulatedFlash())
    archive.append([event(1, note="line\nfeed" + "ß" * 200)], SCHEMA_ID, STAMP)
    note = read_all(archive)[0][1].note
    assert note.startswith("line feedß") and len(note.encode()) <= 200


def test_a_value_that_is_absent_without_its_flag_is_a_mistake_and_not_a_zero():
    archive = archive_on(SimulatedFlash())
    lie = Row(*(tuple(row(1))[:5] + ((None, 1, 2), (0, 0, 0))))
    raises(AssertionError, lambda: archive.append([lie], SCHEMA_ID, STAMP))


def test_what_was_refused_never_stands_where_the_next_record_was_accepted():
    refused_then_accepted(operation=1)         # The append itself fails.
    refused_then_accepted(operation=2)         # Only its sync.


def refused_then_accepted(operation):
    """A record is refused at this operation of its append, then another is accepted."""
    flash = SimulatedFlash()
    archive = archive_on(flash)
    archive.append(mixed(0, 4), SCHEMA_ID, STAMP)
    flash.fail[flash.operations + operation] = 5
    raises(ArchiveRefused, lambda: archive.append([row(666)], SCHEMA_ID, STAMP))
    archive.append([event(5)], SCHEMA_ID, STAMP)
    for one in (archive, archive_on(flash)):
        assert read_all(one)[0][5] == numbered(event(5), 5)
        assert not read_all(one)[1]


def test_a_piece_that_found_no_space_half_way_never_stands_in_the_way():
    class Optimist(SimulatedFlash):
        def space_left(self):
            return 1 << 20     # Others write too: what was free a moment ago is not any more.

        def append(self, name, data):
            left = self.size_bytes - sum([self.size(n) for n in self.names()])
            if left < len(data):
                super().append(name, data[:left])
                raise OSError(28, "no space left")
            super().append(name, data)

    flash = Optimist()
    archive = archive_on(flash)
    archive.append(mixed(0, 4), SCHEMA_ID, STAMP)
    flash.size_bytes = sum([flash.size(name) for name in flash.names()]) + 100
    raises(ArchiveRefused, lambda: archive.append([row(n) for n in range(50)], SCHEMA_ID, STAMP))
    flash.size_bytes = 1 << 20
    archive.append([event(5)], SCHEMA_ID, STAMP)
    for one in (archive, archive_on(flash)):
        assert read_all(one)[0][5] == numbered(event(5), 5)
        assert not read_all(one)[1]
