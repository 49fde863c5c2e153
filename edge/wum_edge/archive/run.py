"""What is known of the rows before one, while a run of pieces is written or read.

A run begins where this is empty, so nothing before it is needed to read it. Left out: the bits of
a record (coding.py). Layout: FORMAT.md, "Run".
"""

from wum_edge.archive.bits import ESCAPE, BitReader, BitWriter, unzigzag, zigzag
from wum_shared.errors import Malformed

VALUES_MAX = 4096             # Kept of earlier rows: 64 meters of 64 registers; others stay whole.
_HALVE_AT = 32                # So many steps of a column weigh half as much as the later ones.
_FIRST_SUM = 8
_K_MAX = 62
_KEY_BITS = 8                 # Places are below 128, register sets below 256: coding.py asserts it.


class Column:
    """The steps of one column of numbers: their usual size, and whether one went down yet."""

    __slots__ = ("count", "is_signed", "k", "sum")

    def __init__(self) -> None:
        self.sum = _FIRST_SUM
        self.count = 1
        self.k = 0
        self.is_signed = False

    def append(self, out: BitWriter, step: int) -> None:
        """Append one step."""
        k = self._k()
        number = zigzag(step) if self.is_signed else step
        if number < 0 or number >> k >= ESCAPE:
            out.append(0, ESCAPE)
            out.append_long(zigzag(step))
        else:
            out.append(1, (number >> k) + 1)
            out.append(number & ((1 << k) - 1), k)
        self._learn(step, k)

    def read(self, bits: BitReader) -> int:
        """The next step. Raises Malformed."""
        k = self._k()
        zeros = bits.read_zeros()
        if zeros == ESCAPE:
            step = unzigzag(bits.read_long())
        else:
            number = zeros << k | bits.read(k)
            step = unzigzag(number) if self.is_signed else number
        self._learn(step, k)
        return step

    def _k(self) -> int:
        """Bits of a remainder: those of the mean, the least k with count << k >= sum.

        Looked for from the last one, which is near: from 0, long steps cost sixty long numbers.
        """
        k, count, total = self.k, self.count, self.sum
        while k and count << (k - 1) >= total:
            k -= 1
        while k < _K_MAX and count << k < total:
            k += 1
        self.k = k
        return k

    def _learn(self, step: int, k: int) -> None:
        if step < 0:
            self.is_signed = True
        # One step far from all others would make the next ones long.
        self.sum += min(zigzag(step) if self.is_signed else step, ESCAPE << k)
        self.count += 1
        if self.count >= _HALVE_AT:
            self.sum >>= 1
            self.count >>= 1


class Before:
    """The last row of one meter and register set in this run."""

    __slots__ = ("captured_at_s", "statuses", "values")

    def __init__(self, captured_at_s: int, values: list[int], statuses: tuple[int, ...]) -> None:
        self.captured_at_s = captured_at_s
        self.values = values
        self.statuses = statuses


class Run:
    """Everything that one run's records lean on."""

    def __init__(self) -> None:
        self.meter = -1               # Of the record before, with its register set and quality.
        self.register_set = 0
        self.time_quality = 0
        self.last_s = 0               # When the record before was captured.
        self.step_s = 0               # From a meter's row to its next one, as it last was.
        self.outcome = 0              # Of the missed row before, and its note.
        self.note = b""
        self.times = Column()
        # By register set and place, by meter and register set: numbers take no heap of their own.
        self._columns: dict[int, Column] = {}
        self._before: dict[int, Before] = {}
        self._values = 0

    def column(self, register_set: int, place: int) -> Column:
        """The steps of one register of a register set."""
        key = register_set << _KEY_BITS | place
        column = self._columns.get(key)
        if column is None:
            column = self._columns[key] = Column()
        return column

    def before(self, meter: int, register_set: int) -> Before | None:
        """The row before; None when it has to stand whole."""
        return self._before.get(meter << _KEY_BITS | register_set)

    def expected_s(self, before: Before | None) -> int:
        """When the next record was probably captured."""
        return self.last_s if before is None else before.captured_at_s + self.step_s

    def passed(self, before: Before | None, captured_at_s: int) -> None:
        """Take down when a record of this meter was captured, whether it has values or not."""
        self.last_s = captured_at_s
        if before is not None:
            self.step_s = captured_at_s - before.captured_at_s
            before.captured_at_s = captured_at_s

    def keep(self, meter: int, register_set: int, before: Before) -> None:
        """Keep a row that stood whole, where there is room for it."""
        key = meter << _KEY_BITS | register_set
        known = self._before.get(key)
        values = self._values + len(before.values) - (0 if known is None else len(known.values))
        if values > VALUES_MAX:
            if known is not None:      # Its length has changed: nothing may lean on the old one.
                self._values -= len(known.values)
                del self._before[key]
            return
        self._values = values
        self._before[key] = before

    def statuses(self, statuses: tuple[int, ...]) -> tuple[int, ...]:
        """The same ones, as an earlier row that is kept has them: most rows have no flag at all,
        and of 64 meters each would hold as many zeros.
        """
        for before in self._before.values():    # Any order: they are the same.
            if before.statuses == statuses:
                return before.statuses
        return statuses


def read_step(column: Column, bits: BitReader, base: int, least: int, most: int) -> int:
    """`base` and the next step of `column`; Malformed where that leaves least..most."""
    number = base + column.read(bits)
    if not least <= number <= most:
        raise Malformed("archive piece: %d is not within %d..%d" % (number, least, most))
    return number
