"""Bytes that rot on flash: a start needs nobody, the damage is contained, the loss is reported."""

from tests.edge.records import (
    EVERYTHING,
    INCARNATION,
    OTHER_INCARNATION,
    SCHEMA,
    SCHEMA_ID,
    STAMP,
    archive_on,
    event,
    mixed,
    numbered,
    read_all,
    row,
)
from wum_edge.archive.ring import Archive
from wum_edge.archive.segment import HEADER_SIZE, RUN_BYTES
from wum_shared.status import EVENT_ARCHIVE_DAMAGED, LOST_DAMAGED
from wum_simulator.flash import NOTHING, SimulatedFlash

WHOLE = {}                     # Archives by what was acknowledged: made once, then copied.
SEGMENTS = ("segment-00000001", "segment-00000002", "segment-00000003")


def damaged_archive(name=None, at=0, size=1, acknowledged=0):
    """Flash with three segments and wrong bytes in one file, and what had been accepted."""
    if acknowledged not in WHOLE:
        WHOLE[acknowledged] = whole_archive(acknowledged)
    flash, accepted = WHOLE[acknowledged]
    flash = flash.after_cut(NOTHING)
    for place in range(at, at + size):
        if name is not None and place < flash.size(name):
            flash.damage(name, place, 0x55)
    return flash, accepted


def whole_archive(acknowledged):
    """Flash with three segments, and what had been accepted."""
    flash = SimulatedFlash()
    archive = archive_on(flash)
    accepted = {}
    for start in range(0, 540, 12):
        records = mixed(start, 12)
        first, _ = archive.append(records, SCHEMA_ID, STAMP)
        for place, record in enumerate(records):
            accepted[first + place] = numbered(record, first + place)
    assert [n for n in flash.names() if n.startswith("segment-")] == list(SEGMENTS)
    if acknowledged:
        archive.acknowledge(acknowledged)
    return flash, accepted


def check(flash, accepted, segments_hurt=1):
    """Mount, and see all that is left, the rest reported, and the next append."""
    archive = archive_on(flash, OTHER_INCARNATION)
    records, lost = read_all(archive, first=archive.cursor + 1)
    for number in sorted(records):
        assert records[number] == accepted[number], "a record that nobody appended"
    gone = [n for n in sorted(accepted) if n > archive.cursor and n not in records]
    for number in gone:
        assert any(x.first_sequence <= number <= x.last_sequence for x in lost)
    assert all(x.reason == LOST_DAMAGED for x in lost)
    first, last = archive.append([event(900)], SCHEMA_ID, STAMP)
    assert first > max(accepted)
    assert read_all(archive, first=first)[0] == {last: numbered(event(900), last)}
    return archive, records, lost


def test_one_wrong_byte_anywhere_in_a_segment_costs_at_most_what_follows_in_it():
    for at in range(0, 8000, 197):
        flash, accepted = damaged_archive(SEGMENTS[1], at)
        if at >= flash.size(SEGMENTS[1]):
            break
        _, records, lost = check(flash, accepted)
        gone = [n for n in sorted(accepted) if n not in records]
        assert len(lost) == 1 and gone == list(range(gone[0], gone[-1] + 1))
        assert len(gone) <= 240 and gone[0] > 1 and gone[-1] < max(accepted)
        if at > 2000:
            assert len(gone) < 180, "what stood before the wrong byte is gone too"
    assert at > 4000


def test_one_wrong_byte_costs_one_run_of_16_kb_at_most():
    flash = SimulatedFlash()
    archive = Archive(flash, 1 << 20, INCARNATION)
    archive.keep_schema(SCHEMA)
    for start in range(0, 2400, 12):
        archive.append(mixed(start, 12), SCHEMA_ID, STAMP)
    size = flash.size(SEGMENTS[0])
    assert size > 3 * RUN_BYTES
    for at in range(HEADER_SIZE, size, 9001):
        hurt = flash.after_cut(NOTHING)
        hurt.damage(SEGMENTS[0], at)
        records, lost = read_all(Archive(hurt, 1 << 20, INCARNATION))
        assert len(lost) == 1 and len(records) < 2400
        gone = lost[0].last_sequence - lost[0].first_sequence + 1
        assert gone * size / 2400 <= 1.2 * RUN_BYTES


def test_a_damaged_header_costs_its_segment_and_no_other():
    for name in SEGMENTS:
        flash, accepted = damaged_archive(name, 17)
        archive, records, lost = check(flash, accepted)
        assert archive.incarnation == INCARNATION
        assert len(lost) == 1 and len(records) > len(accepted) // 2


def test_a_wrong_sector_in_the_middle_is_stepped_over():
    for at in range(512, 5000, 512):
        flash, accepted = damaged_archive(SEGMENTS[0], at, size=512)
        _, records, lost = check(flash, accepted)
        assert len(lost) == 1
        assert len(records) >= len(accepted) - 240


def test_a_wrong_byte_in_the_last_piece_is_a_loss_and_its_numbers_are_not_given_again():
    size = damaged_archive()[0].size(SEGMENTS[2])
    for at in range(size - 300, size, 7):
        flash, accepted = damaged_archive(SEGMENTS[2], at)
        _, records, lost = check(flash, accepted)
        assert 1 <= len(accepted) - len(records) <= 24
        assert lost[-1].last_sequence >= max(accepted)


def test_missing_bytes_at_the_end_of_acknowledged_records_do_not_free_their_numbers():
    flash, accepted = damaged_archive(acknowledged=535)
    flash.put(SEGMENTS[2], flash.content(SEGMENTS[2])[:-900])
    archive = archive_on(flash)
    assert archive.next_sequence > 535
    archive.append([event(900)], SCHEMA_ID, STAMP)
    assert sorted(read_all(archive, first=536)[0]) == [archive.next_sequence - 1]


def test_a_loss_is_told_as_an_event_once():
    flash, _ = damaged_archive(SEGMENTS[1], 500)
    archive = archive_on(flash)
    span = archive.read(1, EVERYTHING)
    assert len(span.lost) == 1
    first, last = span.lost[0].first_sequence, span.lost[0].last_sequence
    assert archive.notices() == [
        (EVENT_ARCHIVE_DAMAGED, "records %d..%d are damaged" % (first, last))]
    archive.read(1, EVERYTHING)
    assert archive.notices() == []


def test_a_damaged_cursor_sends_again_and_says_so():
    flash, accepted = damaged_archive("cursor", 15, acknowledged=100)
    archive, records, _ = check(flash, accepted)
    assert archive.cursor == 0 and len(records) == len(accepted)
    assert any("sent again" in note for kind, note in archive.notices()
               if kind == EVENT_ARCHIVE_DAMAGED)


def test_every_byte_of_the_cursor_file_may_be_wrong():
    size = damaged_archive(acknowledged=100)[0].size("cursor")
    for at in range(size):
        flash, accepted = damaged_archive("cursor", at, acknowledged=100)
        archive = archive_on(flash)
        assert archive.cursor == 0 and archive.incarnation == INCARNATION


def test_a_damaged_schema_is_not_given_out_and_can_be_kept_again():
    flash, _ = damaged_archive()
    name = [n for n in flash.names() if n.startswith("schema-")][0]
    flash.damage(name, 20)
    archive = Archive(flash, 1 << 20, OTHER_INCARNATION)
    assert archive.schema(SCHEMA_ID) is None
    assert archive.keep_schema(SCHEMA) == SCHEMA_ID
    assert archive.schema(SCHEMA_ID) == SCHEMA


def test_a_medium_that_cannot_read_a_segment_costs_that_segment():
    flash, accepted = damaged_archive()
    flash.unreadable.append(SEGMENTS[0])
    _, records, lost = check(flash, accepted)
    assert len(lost) == 1 and len(records) > len(accepted) // 2


def test_a_segment_of_another_archive_is_never_served():
    other = SimulatedFlash()
    archive = archive_on(other, OTHER_INCARNATION)
    archive.append([row(666)], SCHEMA_ID, STAMP)
    flash, accepted = damaged_archive()
    flash.put("segment-00000009", other.content("segment-00000001"))
    _, records, _ = check(flash, accepted)
    assert len(records) == len(accepted)


def test_pieces_of_another_place_never_pass_for_records():
    flash, accepted = damaged_archive()
    content = flash.content(SEGMENTS[0])
    flash.put(SEGMENTS[1], content[:42] + flash.content(SEGMENTS[1])[42:2000] + content[2000:])
    check(flash, accepted)
    flash, accepted = damaged_archive()
    flash.put(SEGMENTS[2], flash.content(SEGMENTS[2])[:42] + content[42:])
    check(flash, accepted)


def test_when_nothing_can_be_read_any_more_a_new_archive_begins():
    flash, _ = damaged_archive()
    for name in SEGMENTS:
        flash.put(name, bytes(len(flash.content(name))))
    archive = archive_on(flash, OTHER_INCARNATION)
    assert archive.is_new and archive.incarnation == OTHER_INCARNATION
    archive.append([event(1)], SCHEMA_ID, STAMP)
    assert read_all(archive_on(flash))[0] == {1: numbered(event(1), 1)}


def test_files_that_are_none_of_the_archives_are_left_alone():
    flash, accepted = damaged_archive()
    flash.put("segment-zzzzzzzz", b"?")
    flash.put("notes.txt", b"remember")
    check(flash, accepted)
    assert flash.content("notes.txt") == b"remember"
