"""Questions to an archive by meter and time. Left out: records in their order (reader.py)."""

from wum_edge.archive.cursor import Cursor
from wum_edge.archive.finder import Found, Wanted, find
from wum_edge.archive.flash import Flash
from wum_edge.archive.missing import reasons
from wum_edge.archive.mount import Segment
from wum_shared.messages import SEQUENCE_MAX


class Lookups:
    """What an archive is asked; it has these four itself."""

    _flash: Flash
    _segments: list[Segment]
    _cursor: Cursor
    next_sequence: int

    def find(
            self, meter: int, first_s: int, last_s: int, first_sequence: int, most: int,
            last_sequence: int = SEQUENCE_MAX) -> Found:
        """At most so many rows and missed rows of a meter, captured first_s..last_s, of numbers.

        Meters count as their segment's schema has them. What is lost shows in `read` alone.
        """
        return find(self._flash, self._segments, self._cursor.incarnation,
                    Wanted(meter, first_s, last_s, most), first_sequence,
                    min(last_sequence, self.next_sequence - 1))

    def schemas(self) -> list[tuple[bytes, int, int]]:
        """(schema id, first number, last number) of neighbouring segments, oldest first."""
        found: list[tuple[bytes, int, int]] = []
        for segment in self._segments:
            if segment.header is not None:
                if found:
                    found[-1] = found[-1][:2] + (segment.header.first_sequence - 1,)
                if not found or found[-1][0] != segment.header.schema_id:
                    found.append((segment.header.schema_id, segment.header.first_sequence, 0))
        if found:
            found[-1] = found[-1][:2] + (self.next_sequence - 1,)
        return found

    def missing(self, first_s: int, last_s: int) -> list[tuple[int, int, int]]:
        """(first second, last second, why) for each part of a span in which nothing was found."""
        return reasons(self._flash, self._segments, self._cursor.incarnation, first_s, last_s,
                       self.next_sequence)
