"""The archive: append, read from a sequence number, acknowledge, reclaim the oldest.

Portable; everything durable goes through the Flash port. Left out: bytes (segment.py,
cursor.py), what a start finds (mount.py), sending (uplink/). Layout: FORMAT.md.
"""

from collections import namedtuple

from wum_edge.archive.cursor import write_cursor
from wum_edge.archive.errors import ArchiveRefused
from wum_edge.archive.flash import NO_SPACE, Flash
from wum_edge.archive.lookups import Lookups
from wum_edge.archive.mount import Segment, last_of_oldest, mount
from wum_edge.archive.notices import Notices
from wum_edge.archive.pieces import most_of_piece, write_body
from wum_edge.archive.reader import Limits, Place, Span, read_span
from wum_edge.archive.run import Run
from wum_edge.archive.schemas import Schemas
from wum_edge.archive.segment import (
    ALL_TIMES,
    FORMAT,
    HEADER_SIZE,
    NO_TIMES,
    NUMBER_MAX,
    PIECE_HEAD_SIZE,
    PIECE_MAX,
    RUN_BYTES,
    Header,
    encode_header,
    encode_piece,
    joined,
    seed,
)
from wum_shared.batch import Event, Missed, Row
from wum_shared.ids import INCARNATION_SIZE
from wum_shared.messages import Schema
from wum_shared.status import (
    EVENT_ARCHIVE_DAMAGED,
    EVENT_ARCHIVE_DROPPED,
    EVENT_FLASH_REFUSED,
    LOST,
    LOST_DAMAGED,
    LOST_FULL,
    LOST_RETENTION,
    NEVER_SET,
)

RETENTION_S = 45 * 86400
SEGMENT_BYTES = 64 * 1024     # What one damaged byte may cost at most.
SEGMENTS_LEAST = 4            # A limit is at least this many segments: one to fill, one to drop.
KEEP_FREE_BYTES = 32 * 1024   # Left on flash for cursor and counters: without them nothing is sent.


class Stamp(namedtuple("Stamp", ("at_s", "time_quality"))):
    """UTC seconds by the concentrator's clock, and how good that clock is."""

    __slots__ = ()
    at_s: int
    time_quality: int


class Archive(Lookups):
    """Records of one concentrator, numbered without holes.

    `limit_bytes` bounds segments and schemas together. One thread only.
    """

    def __init__(
            self, flash: Flash, limit_bytes: int, new_incarnation: bytes,
            segment_bytes: int = SEGMENT_BYTES,
    ) -> None:
        """Mount what is on `flash`, or begin an archive named `new_incarnation`. Raises OSError."""
        assert len(new_incarnation) == INCARNATION_SIZE
        assert segment_bytes >= HEADER_SIZE + PIECE_MAX
        assert limit_bytes >= SEGMENTS_LEAST * segment_bytes
        mounted = mount(flash, new_incarnation)
        self._flash = flash
        self._limit_bytes = limit_bytes
        self._segment_bytes = segment_bytes
        self._segments_max = 2 * (limit_bytes // segment_bytes)
        self._segments = mounted.segments
        self._cursor = mounted.cursor
        self._cursor_kept = not mounted.is_new
        self._notices = Notices(mounted.notices)
        self._damage_told = mounted.cursor.sequence
        self.is_new = mounted.is_new
        self.next_sequence = mounted.next_sequence
        self._tail_open = mounted.is_clean and self._sync_tail()
        self._run: Run | None = None         # Of the last segment; None where a new one begins.
        self._run_bytes = 0
        self._places = (Place(), Place())    # Of who reads in order, and of who asks again.
        self._schemas = Schemas(flash)
        self._remove_leftovers()

    @property
    def incarnation(self) -> bytes:
        """The eight bytes that name this archive."""
        return self._cursor.incarnation

    @property
    def cursor(self) -> int:
        """All records up to this number are acknowledged; 0 at first."""
        return self._cursor.sequence

    @property
    def backlog(self) -> int:
        """Records that are not acknowledged yet."""
        return self.next_sequence - 1 - self._cursor.sequence

    @property
    def used_bytes(self) -> int:
        """Bytes of segments and schemas on flash."""
        return sum([s.size for s in self._segments]) + self._schemas.used_bytes

    @property
    def newest_s(self) -> int | None:
        """The latest time of the newest segments' records; None where there is none."""
        for segment in reversed(self._segments):
            if segment.times not in (ALL_TIMES, NO_TIMES):
                return segment.times[1]
        return None

    def notices(self) -> list[tuple[int, str]]:
        """(event kind, note) of what happened since this was last asked."""
        return self._notices.take()

    @property
    def latest_schema(self) -> bytes:
        """Id of the schema that was kept last since the start; empty before."""
        return self._schemas.latest

    def keep_schema(self, encoded: bytes) -> bytes:
        """Keep a schema beside the segments that will name it; returns its id.

        Raises ArchiveRefused.
        """
        failure: OSError | None = None
        try:
            return self._schemas.keep(encoded)
        except OSError as error:
            failure = error
        raise ArchiveRefused("archive: flash does not take the schema: %s" % failure, 0,
                             failure.args[0])

    def schema_like(self, schema: Schema) -> bytes | None:
        """A kept schema, encoded, that differs from `schema` in its valid-from alone."""
        return self._schemas.like(schema)

    def schema(self, name: bytes) -> bytes | None:
        """The schema with this id; None when it is not here or damaged."""
        return self._schemas.get(name)

    def append(
            self, records: list[Row | Missed | Event], schema: bytes, stamp: Stamp,
    ) -> tuple[int, int]:
        """Number and keep `records`, whose own sequence is not looked at: (first, last) number.

        On return all of them survive a power cut. Raises ArchiveRefused, which says how many of
        them do.
        """
        assert records
        first = self.next_sequence
        kept = 0
        while kept < len(records):
            failure = self._append_piece(records, kept, schema, stamp)
            kept = self.next_sequence - first
            if failure is None:
                continue
            if failure.args[0] == NO_SPACE and self._drop_acknowledged():
                continue
            raise ArchiveRefused("archive: flash takes no more records: %s" % failure, kept,
                                 failure.args[0])
        return first, self.next_sequence - 1

    def read(self, first: int, limits: Limits, *, again: bool = False) -> Span | None:
        """Records from number `first` on, of one schema; None when there is nothing to read.

        `again`: beside whoever reads in order, and without making that one slower.
        """
        last = min(limits.last_sequence, self.next_sequence - 1)
        if first > last:
            return None
        place = self._places[1 if again else 0]
        span = read_span(self._flash, self._segments, self._cursor, place, first,
                         Limits(last, limits.records, limits.bytes))
        if span is not None:
            self._tell_damage(span)
        return span

    def acknowledge(self, sequence: int) -> None:
        """Move the cursor: the head-end has committed all records up to `sequence`.

        Nothing else moves it. When flash refuses, the kept cursor lags behind and is tried again.
        """
        assert self._cursor.sequence <= sequence < self.next_sequence
        self._cursor = self._cursor.moved(sequence)
        self._cursor_kept = False
        self.keep_cursor()

    def keep_cursor(self) -> bool:
        """Whether the cursor on flash is the one in memory, after trying once."""
        return self._refused_cursor() is None

    def _refused_cursor(self) -> OSError | None:
        """What flash said to the cursor, where the one in memory is not on it now."""
        if not self._cursor_kept:
            try:
                write_cursor(self._flash, self._cursor)
                self._cursor_kept = True
            except OSError as error:
                self._notices.tell(EVENT_FLASH_REFUSED, "cursor not kept: %s" % error)
                return error
        return None

    def expire(self, stamp: Stamp) -> None:
        """Drop one acknowledged segment that is older than the retention, if there is one.

        Records without acknowledgement stay, however old, until their place is needed. A clock
        that was never set expires nothing, and one that leaps by years costs one segment at a
        call until it is set right.
        """
        self.keep_cursor()
        if stamp.time_quality == NEVER_SET:
            return
        if len(self._segments) > 1:
            following = self._segments[1].header
            if following is None or following.time_quality == NEVER_SET:
                return
            if following.opened_at_s + RETENTION_S <= stamp.at_s:
                self._drop_oldest(LOST_RETENTION, only_acknowledged=True)

    def _append_piece(
            self, records: list[Row | Missed | Event], start: int, schema: bytes, stamp: Stamp,
    ) -> OSError | None:
        """Append and sync one piece that begins with records[start]; what failed, if anything."""
        try:
            most = most_of_piece(records, start)
            self._make_room(most + HEADER_SIZE)
            segment = self._segment_for(most, schema, stamp)
            begins_run = self._run is None or self._run_bytes > RUN_BYTES - PIECE_MAX
            run = Run() if begins_run or self._run is None else self._run
            self._tail_open = False  # Until it is synced, nobody knows what stands at the end.
            body, end, times = write_body(records, start, run)
            segment.times = joined(segment.times, times)
            self._write(segment.name, encode_piece(
                body, self.next_sequence, end - start, times,
                seed(self.incarnation, segment.number), begins_run=begins_run))
        except OSError as error:
            return error
        self._tail_open = True
        self._run = run
        self._run_bytes = len(body) + PIECE_HEAD_SIZE + (0 if begins_run else self._run_bytes)
        segment.size += len(body) + PIECE_HEAD_SIZE
        self.next_sequence += end - start
        return None

    def _write(self, name: str, piece: bytes) -> None:
        """Put a piece at a segment's end; on return it survives a power cut. Raises OSError."""
        self._flash.append(name, piece)
        self._flash.sync(name)

    def _segment_for(self, size: int, schema: bytes, stamp: Stamp) -> Segment:
        """The last segment where it can take `size` bytes more, else a new one."""
        last = self._segments[-1] if self._segments else None
        if (self._tail_open and last is not None and last.header is not None
                and last.header.schema_id == schema
                and last.size + size <= self._segment_bytes):
            return last
        return self._begin_segment(schema, stamp)

    def _begin_segment(self, schema: bytes, stamp: Stamp) -> Segment:
        last = self._segments[-1] if self._segments else None
        number = 1 if last is None else last.number + 1
        assert number <= NUMBER_MAX
        header = Header(FORMAT, self.incarnation, number, self.next_sequence, schema,
                        stamp.at_s, stamp.time_quality,
                        ALL_TIMES if last is None else last.times)
        segment = Segment(number, HEADER_SIZE, header)
        segment.times = NO_TIMES
        refused = self._refused_cursor()  # The second place where the incarnation is written.
        if refused is not None:
            raise refused
        self._flash.replace(segment.name, encode_header(header))
        if last is not None and not self._tail_open:
            last.size = self._flash.size(last.name)  # With whatever a failed append left there.
        self._segments.append(segment)
        self._tail_open = True
        self._run = None
        self._remove_empty()
        return segment

    def _sync_tail(self) -> bool:
        """Make the last segment durable as it was found: a killed process may not have synced it.

        False when flash refuses: then nothing more is appended to it.
        """
        try:
            self._flash.sync(self._segments[-1].name)
        except OSError as error:
            self._notices.tell(EVENT_ARCHIVE_DAMAGED, "%s: not synced: %s" % (
                self._segments[-1].name, error))
            return False
        return True

    def _make_room(self, size: int) -> None:
        """Drop the oldest segments until `size` bytes fit below the limit. Raises OSError."""
        while self.used_bytes + size > self._limit_bytes or (
                len(self._segments) >= self._segments_max):
            failure = self._drop_oldest(LOST_FULL, only_acknowledged=False)
            if failure is not None:
                raise failure
        while self._flash.space_left() < size + KEEP_FREE_BYTES:
            # Others fill this flash: giving up what nobody has yet would only feed them.
            if not self._drop_acknowledged():
                raise OSError(NO_SPACE, "no space left")

    def _drop_acknowledged(self) -> bool:
        """Whether a segment that the head-end has could be given up."""
        last = self._segments[-1] if self._segments else None
        if len(self._segments) == 1 and last is not None and last.header is not None and (
                not self.backlog and last.header.first_sequence < self.next_sequence):
            # The numbering lives in the last segment: an empty one takes it over first.
            try:
                self._begin_segment(last.header.schema_id, Stamp(
                    last.header.opened_at_s, last.header.time_quality))
            except OSError:
                return False  # Flash is too full even for that; the caller says so.
        return self._drop_oldest(LOST_FULL, only_acknowledged=True) is None

    def _drop_oldest(self, reason: int, only_acknowledged: bool) -> OSError | None:
        """Give up the oldest segment but never the last; what stood in the way, if anything."""
        last = last_of_oldest(self._segments)
        if last is None or (only_acknowledged and last > self.cursor):
            return OSError(NO_SPACE, "no space left")
        oldest = self._segments[0]
        first = self.cursor + 1 if oldest.header is None else oldest.header.first_sequence
        before = self._cursor
        if last > self.cursor:
            self._cursor = before.without(max(first, self.cursor + 1), last, reason)
            self._cursor_kept = False
        refused = self._refused_cursor()
        if refused is not None and last > before.sequence:
            # What nobody has is on record before it goes, or it stays. What the head-end has may go
            # all the same: on a full flash it makes the place that the cursor lacks.
            self._cursor = before
            return refused
        try:
            self._flash.remove(oldest.name)
            self._segments.pop(0)
            self._forget_schemas()
        except OSError as error:
            return error
        if last >= first:
            self._notices.tell(EVENT_ARCHIVE_DROPPED, "records %d..%d, %s, %s" % (
                first, last, LOST[reason],
                "acknowledged" if last <= self.cursor else "not acknowledged"))
        return None

    def _remove_leftovers(self) -> None:
        """Finish what a power cut interrupted: drops on record, segments without records."""
        dropped = self._cursor.dropped
        try:
            while dropped:
                last = last_of_oldest(self._segments)
                if last is None or last > dropped[-1][1] or last <= self.cursor:
                    break
                self._flash.remove(self._segments.pop(0).name)
            self._remove_empty()
            self._forget_schemas()
        except OSError as error:
            self._notices.tell(EVENT_ARCHIVE_DAMAGED, "leftovers not removed: %s" % error)

    def _remove_empty(self) -> None:
        """Remove segments that begin where the next one begins: they hold no record."""
        index = 0
        while index + 1 < len(self._segments):
            header, following = self._segments[index].header, self._segments[index + 1].header
            if (header is not None and following is not None
                    and header.first_sequence == following.first_sequence):
                self._flash.remove(self._segments[index].name)
                self._segments.pop(index)
            else:
                index += 1

    def _forget_schemas(self) -> None:
        named = [s.header.schema_id for s in self._segments if s.header is not None]
        if len(named) == len(self._segments):  # What a damaged header named, nobody knows.
            self._schemas.forget_all_but(named)

    def _tell_damage(self, span: Span) -> None:
        for lost in span.lost:
            if lost.reason == LOST_DAMAGED and lost.last_sequence > self._damage_told:
                self._damage_told = lost.last_sequence
                self._notices.tell(EVENT_ARCHIVE_DAMAGED, "records %d..%d are damaged" % (
                    lost.first_sequence, lost.last_sequence))
