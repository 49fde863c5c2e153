"""Load profiles (P.01) and event logs (P.98): headers, rows, statuses, what is missing between.

Left out: how they are asked for (reader.py). EDIS load profile of IEC 62056-61: each header is
P.01(time)(status)(period)(columns)(code)(unit)...; rows of values follow, one a period. The time
is that of the first row, which ends its period. A new header stands wherever something happened:
a power cut, a clock that was set, a change of season, a new day. What lies between is missing.
"""

from collections import namedtuple

from wum_edge.errors import BadCheck
from wum_edge.meters.iec62056_21.dataset import parse_block
from wum_edge.meters.iec62056_21.stamp import stamp_from_text

TYPE_CHECKING = False        # True for type checkers only.
if TYPE_CHECKING:
    from wum_edge.meters.iec62056_21.dataset import DataSet, Value
    from wum_edge.meters.iec62056_21.stamp import Stamp

COLUMNS_MAX = 32
PERIODS_MIN = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60, 120, 180, 240, 360, 720, 1440)
_STATUS = ("fatal error", "clock's reserve exhausted", "measured value disturbed",
           "change of season", "demand reset", "clock set", "power came", "power failed")
_HEADER = 4                  # Values before the columns: time, status, period, their number.


class Part(namedtuple("Part", ("begin", "status", "period_min", "columns", "rows"))):
    """What one header stands for. `columns` are (address, unit); each row has one Value for each.
    The first row ends at `begin`, each further one `period_min` later.
    """

    __slots__ = ()
    begin: "Stamp"
    status: int
    period_min: int
    columns: tuple[tuple[str, str], ...]
    rows: "tuple[tuple[Value, ...], ...]"


def parse_profile(body: bytes, address: str = "P.01") -> list[Part]:
    """The parts of a profile's answer, in its order; none for an empty one. Raises BadCheck."""
    found = []
    for one in parse_block(body):
        if one.address != address:
            raise BadCheck("load profile: wanted %s, got %s" % (address, one.address))
        part = _part(one)
        if part is not None:
            found.append(part)
    return found


class Entry(namedtuple("Entry", ("at", "status", "columns", "texts"))):
    """One entry of an event log: its time, its status word, and the values that go with it, with
    their addresses.
    """

    __slots__ = ()
    at: "Stamp"
    status: int
    columns: tuple[str, ...]
    texts: tuple[str, ...]


def parse_log(body: bytes, address: str = "P.98") -> list[Entry]:
    """The entries of an event log's answer, in its order; none for an empty one. Raises BadCheck.

    Each is a header of its own: time, status, an empty period, its columns, and their values.
    """
    found = []
    for one in parse_block(body):
        texts = [value.text for value in one.values]
        if one.address != address:
            raise BadCheck("event log: wanted %s, got %s" % (address, one.address))
        if texts[0] == "":
            continue
        at = stamp_from_text(texts[0])
        status = _number(texts[1], 16) if len(texts) > 1 else None
        if at is None or status is None:
            raise BadCheck("event log: wanted a time and a status, got %s" % repr(texts[:2])[:60])
        count = (_number(texts[3], 10) or 0) if len(texts) > 3 else 0
        end = _HEADER + 2 * count
        columns = [texts[place] for place in range(_HEADER, min(end, len(texts)), 2)]
        found.append(Entry(at, status, tuple(columns), tuple(texts[end:])))
    return found


def status_words(status: int) -> str:
    """What the eight bits of a status word mean that EDIS gives a meaning; others by number."""
    known = [_STATUS[bit] for bit in range(7, -1, -1) if status >> bit & 1]
    if status >> 8:
        known.append("maker's own %x" % (status >> 8 << 8))
    return ", ".join(known)


def _part(one: "DataSet") -> Part | None:
    texts = [value.text for value in one.values]
    if texts[0] == "":
        return None              # The meter's way to say that it has nothing there.
    if len(texts) < _HEADER:
        raise BadCheck("load profile: wanted a header of time, status, period and columns, got "
                       "%d values" % len(texts))
    begin = stamp_from_text(texts[0])
    if begin is None:
        raise BadCheck("load profile: %s is no time" % repr(texts[0]))
    status = _number(texts[1], 16)
    period = _number(texts[2], 10)
    count = _number(texts[3], 10)
    if status is None or period not in PERIODS_MIN or not count or count > COLUMNS_MAX:
        raise BadCheck("load profile at %s: status %s, period %s min, %s columns cannot be" % (
            texts[0], repr(texts[1]), repr(texts[2]), repr(texts[3])))
    end = _HEADER + 2 * count
    cells = one.values[end:]
    if len(texts) < end or len(cells) % count:
        raise BadCheck("load profile at %s: %d values for %d columns" % (
            texts[0], len(cells), count))
    columns = tuple([(texts[_HEADER + 2 * at], texts[_HEADER + 2 * at + 1])
                     for at in range(count)])
    rows = tuple([cells[at:at + count] for at in range(0, len(cells), count)])
    assert period is not None
    return Part(begin, status, period, columns, rows)


def _number(text: str, radix: int) -> int | None:
    digits = "0123456789ABCDEF"[:radix]
    if not 1 <= len(text) <= 8 or not all(c in digits for c in text.upper()):
        return None
    return int(text, radix)
