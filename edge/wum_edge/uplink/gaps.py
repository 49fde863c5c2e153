"""A gap request worked off: what the archive still has of it, and why not for the rest.

One piece of work at a time, so that a request for a day of every meter holds up nobody. Left out:
opening the request (answer.py), sending (delivery.py).
"""

from collections import namedtuple

from wum_edge.archive.ring import Archive
from wum_edge.uplink.batch import ARCHIVE_BYTES_MAX, Built, build_gap
from wum_shared.batch import Missed, Row
from wum_shared.gaps import PARTS_MAX, GapAnswer, GapPart, GapRange, GapRequest
from wum_shared.messages import Schedule, decode_schema
from wum_shared.status import (
    GAP_DAMAGED,
    GAP_DROPPED,
    GAP_METER_SILENT,
    GAP_METER_UNKNOWN,
    GAP_NEVER_READ,
    GAP_NOT_HERE,
    GAP_SENT,
    GAPS,
    LOST_DAMAGED,
)

TYPE_CHECKING = False        # True for type checkers only: a board has no collections.abc.
if TYPE_CHECKING:
    from collections.abc import Iterator

FOUND_MAX = 256               # Records looked at in one piece of work.
RECORDS_MAX = 4096            # Of one range by time: a day of a meter, each minute, in two sets.
JOIN = 8                      # So many records between two that are wanted are sent along.


class Place(namedtuple("Place", ("meter", "sets"))):
    """Where one schema has a meter: its index, and the schedules of those of its register sets that
    are read by one, by the set's index.
    """

    __slots__ = ()
    meter: int
    sets: dict[int, Schedule]

    def schedules(self) -> list[Schedule]:
        """Each of them once, the shortest period first."""
        found: list[Schedule] = []
        for number in sorted(self.sets):
            if self.sets[number] not in found:
                found.append(self.sets[number])
        return sorted(found, key=tuple)  # No ties: each stands once.


class Known:
    """Where the archive's schemas have the meters that are asked for, each looked at once."""

    def __init__(self) -> None:
        self.places: dict[bytes | str, list[tuple[Place, int, int]]] = {}
        self.is_doubtful = False         # A schema is damaged: whose records it named, who knows.

    def learn(self, archive: Archive, request: GapRequest) -> "Iterator[None]":
        """Read the schemas, one at a time."""
        serials = [one.of for one in request.ranges if type(one.of) is str]
        for schema_id, first, last in archive.schemas() if serials else []:
            encoded = archive.schema(schema_id)
            if encoded is None:
                self.is_doubtful = True
                continue
            schema = decode_schema(encoded)
            for meter, one in enumerate(schema.meters):
                if one.serial in serials:
                    sets = {}
                    for at, number in enumerate(one.register_sets):
                        if not schema.register_sets[number].profile:     # No other has a schedule.
                            sets[number] = schema.schedules[one.schedules[at]]
                    place = Place(meter, sets)
                    self.places.setdefault(one.serial, []).append((place, first, last))
            yield None


class Work:
    """One request, from its arrival to its answer."""

    def __init__(self, archive: Archive, request: GapRequest,
                 archive_bytes: int = ARCHIVE_BYTES_MAX) -> None:
        self.request = request
        self.is_done = False
        self._incarnation = archive.incarnation
        self._parts: list[GapPart] = []
        self._steps = _steps(archive, request, self._parts, archive_bytes)

    def step(self) -> Built | None:
        """Do a little; a batch that is to be sent, if that was one. Raises OSError: it ends there.
        """
        for built in self._steps:
            return built
        self.is_done = True
        return None

    def answer(self) -> GapAnswer:
        """What became of all of it."""
        return GapAnswer(self._incarnation, self.request.number, tuple(self._parts[:PARTS_MAX]))

    def named(self) -> str:
        """What is asked for, for a person."""
        ranges = self.request.ranges
        what = "meter %s, seconds" % ranges[0].of if type(ranges[0].of) is str else "records"
        return "%d ranges, the first %s %d..%d" % (
            len(ranges), what, ranges[0].first, ranges[0].last)

    def sentence(self) -> str:
        """The answer for a person."""
        counts = [(words, len([part for part in self._parts if part.reason == reason]))
                  for reason, words in sorted(GAPS.items())]
        return ", ".join(["%d %s" % (count, words) for words, count in counts if count])


def _steps(
        archive: Archive, request: GapRequest, parts: list[GapPart], archive_bytes: int,
) -> "Iterator[Built | None]":
    known = Known()
    yield from known.learn(archive, request)
    for index, wanted in enumerate(request.ranges):
        if len(parts) >= PARTS_MAX:
            return
        if type(wanted.of) is bytes:
            yield from _numbers(archive, index, wanted, parts, archive_bytes)
        else:
            yield from _times(archive, index, wanted, parts, known, archive_bytes)
        yield None


def _numbers(
        archive: Archive, index: int, wanted: GapRange, parts: list[GapPart], archive_bytes: int,
) -> "Iterator[Built | None]":
    """Records by number: every one of them is accounted for."""
    at = wanted.first
    while at <= wanted.last:
        built = None
        if wanted.of == archive.incarnation and at < archive.next_sequence:
            built, lost = build_gap(archive, at, wanted.last, archive_bytes)
            if built is None:
                parts.append(GapPart(index, at, wanted.last, GAP_DAMAGED, 0))
                return
        if built is None:
            parts.append(GapPart(index, at, wanted.last, GAP_NOT_HERE, 0))
            return
        for one in lost:
            if one.first_sequence > at:
                _add(parts, GapPart(index, at, one.first_sequence - 1, GAP_SENT, 0))
            reason = GAP_DAMAGED if one.reason == LOST_DAMAGED else GAP_DROPPED
            _add(parts, GapPart(index, one.first_sequence, one.last_sequence, reason, 0))
            at = one.last_sequence + 1
        if at <= built.last_sequence:
            _add(parts, GapPart(index, at, built.last_sequence, GAP_SENT, 0))
        at = built.last_sequence + 1
        yield built


def _times(
        archive: Archive, index: int, wanted: GapRange, parts: list[GapPart], known: Known,
        archive_bytes: int,
) -> "Iterator[Built | None]":
    """What a meter gave in a span of time, by the intervals of its schedules."""
    place = None
    # By schedule, then by number of an interval: 0 read, or why the meter gave none.
    intervals: dict[Schedule, dict[int, int]] = {}
    numbers: list[int] = []
    for place, first, last in known.places.get(wanted.of, []):
        at: int | None = first
        while at is not None and len(numbers) < RECORDS_MAX:
            some = archive.find(place.meter, wanted.first, wanted.last, at, FOUND_MAX, last)
            at = some.next_sequence
            for record in some.records:
                numbers.append(record.sequence)
                _note(intervals, place, record)
            yield None
    if place is None:
        parts.append(GapPart(index, wanted.first, wanted.last,
                             GAP_DAMAGED if known.is_doubtful else GAP_METER_UNKNOWN, 0))
        return
    told = [_told(archive, wanted, schedule, intervals.get(schedule, {}))
            for schedule in place.schedules()]
    for begins, ends, reason, outcome in worst(told):
        if reason == GAP_NEVER_READ and known.is_doubtful:
            reason = GAP_DAMAGED
        _add(parts, GapPart(index, begins, ends, reason, outcome))
    for first, last in joined(numbers):
        while first <= last:
            built, _ = build_gap(archive, first, last, archive_bytes)
            if built is None:
                break
            first = built.last_sequence + 1
            yield built


def _note(
        intervals: dict[Schedule, dict[int, int]], place: Place, record: Row | Missed) -> None:
    """Take down what was there of an interval: a row counts more than a missed one."""
    schedule = place.sets.get(record.register_set)
    if schedule is None:
        return
    own = intervals.setdefault(schedule, {})
    number = (record.captured_at_s - schedule.offset_s) // schedule.period_s
    if type(record) is Row:
        own[number] = 0
    elif type(record) is Missed:
        own[number] = own.get(number, record.outcome)


def worst(told: list[list[tuple[int, int, int, int]]]) -> list[tuple[int, int, int, int]]:
    """One list of several that tell of the same seconds: where any lacks something, the first that
    does, for the head-end asks for what it lacks.
    """
    if len(told) == 1:
        return told[0]
    edges = sorted({part[0] for one in told for part in one})
    ends = [edge - 1 for edge in edges[1:]] + [told[0][-1][1]] if edges else []
    found = []
    for begins, last in zip(edges, ends):  # noqa: B905 - MicroPython's zip has no strict.
        parts = [part for one in told for part in one if part[0] <= begins <= part[1]]
        lacking = [part for part in parts if part[2] != GAP_SENT]
        found.append((begins, last) + (lacking or parts)[0][2:])
    return found


def _told(
        archive: Archive, wanted: GapRange, schedule: Schedule, intervals: dict[int, int],
) -> list[tuple[int, int, int, int]]:
    """(first second, last second, reason, outcome) for all of `wanted`, in its order."""
    at = wanted.first
    told: list[tuple[int, int, int, int]] = []
    for number in sorted(intervals):
        begins = max(schedule.offset_s + number * schedule.period_s, wanted.first)
        ends = min(schedule.offset_s + (number + 1) * schedule.period_s - 1, wanted.last)
        if begins > at:
            told += _missing(archive, schedule, at, begins - 1)
        outcome = intervals[number]
        told.append((begins, ends, GAP_METER_SILENT if outcome else GAP_SENT, outcome))
        at = ends + 1
    if at <= wanted.last:
        told += _missing(archive, schedule, at, wanted.last)
    return told


def _missing(
        archive: Archive, schedule: Schedule, first_s: int, last_s: int,
) -> list[tuple[int, int, int, int]]:
    """Why nothing is there; an interval in which the archive begins is not told in two."""
    found: list[tuple[int, int, int, int]] = []
    for begins, ends, reason in archive.missing(first_s, last_s):
        if found:
            begins -= (begins - schedule.offset_s) % schedule.period_s
            before = found.pop()
            if before[0] < begins:
                found.append((before[0], begins - 1) + before[2:])
            begins = max(begins, before[0])
        found.append((begins, ends, reason, 0))
    return found


def _add(parts: list[GapPart], part: GapPart) -> None:
    """Add a part; one that continues the last with the same reason makes that one longer."""
    last = parts[-1] if parts else None
    if last is not None and (last.range, last.reason, last.outcome, last.last + 1) == (
            part.range, part.reason, part.outcome, part.first):
        parts[-1] = GapPart(part.range, last.first, part.last, part.reason, part.outcome)
    else:
        parts.append(part)


def joined(numbers: list[int]) -> list[tuple[int, int]]:
    """(first, last) of neighbouring numbers; a few others between two of them are taken along."""
    found: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if found and number <= found[-1][1] + JOIN + 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found
