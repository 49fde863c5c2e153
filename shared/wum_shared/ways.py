"""How one register of one meter is told: its steps, how far it is above or below, or beside what
other registers make it.

A way is a kind, a head and a cell of numbers; a writer takes the shortest. Left out: rows and
flags (single.py), cells (packed.py). Layout: contract.cddl, "single".
"""

from collections import namedtuple

from wum_shared import fields
from wum_shared.bitstream import BitReader, BitWriter, width_of
from wum_shared.columns import VALUE_MAX, VALUE_MIN
from wum_shared.errors import Malformed
from wum_shared.messages import Register
from wum_shared.packed import Cell, coded, gaps_of, sparse_cell, spread, whole_cell
from wum_shared.rice import K_MAX, coded_bits, unzigzag, zigzag

RISING, STEPS, ABOVE, BELOW, PRODUCT = 0, 1, 2, 3, 4
WHOLE = (ABOVE, BELOW, PRODUCT)    # A number for each value, and never a sparse cell.
WIDTH_MAX = 64                 # Of a head.
_WIDTH_K, _FORM_K, _COUNT_K, _GAPS_K, _PLACE_K = 3, 1, 3, 1, 3
_FORM_FIRST = 6                # The form before the first column; most are near it.
_DIFFERENCE_MAX = 2**61        # Of a power and its product; farther away it is told otherwise.


class Way(namedtuple("Way", ("kind", "head", "numbers", "changes"))):
    """`numbers` is (cell, lists); `changes`, the places where a PRODUCT changes its sign, or None.
    """

    __slots__ = ()
    kind: int
    head: int
    numbers: tuple[Cell, list[list[int]]]
    changes: list[int] | None


class Before:
    """What the column before leaves behind: the next one's form is told as the difference to it,
    its head so only where both registers have one unit and scaler.
    """

    def __init__(self) -> None:
        self.form = _FORM_FIRST
        self._head = 0
        self._register: Register | None = None

    def head(self, kind: int, register: Register) -> int:
        """What the head of the next column is told from."""
        last = self._register
        if kind == PRODUCT or last is None or last[1:] != register[1:]:
            return 0
        return self._head

    def told(self, kind: int, register: Register, head: int) -> None:
        """Remember a column."""
        self._head = head
        self._register = None if kind == PRODUCT else register


def best_way(values: list[int], products: list[int] | None) -> Way:
    """The shortest way to tell `values`, of which there is one at least.

    `products` are what each would be by other registers, None where there are none.
    """
    least, most = min(values), max(values)
    steps = [values[at] - values[at - 1] for at in range(1, len(values))]
    rising = not steps or min(steps) >= 0
    found = [
        _told(RISING, values[0], steps) if rising else
        _told(STEPS, values[0], [zigzag(step) for step in steps]),
        _told(ABOVE, least, [value - least for value in values]),
        _told(BELOW, most, [most - value for value in values])]
    if products is not None:
        less = [products[at] - abs(value) for at, value in enumerate(values)]
        if max(max(less), -min(less)) <= _DIFFERENCE_MAX:
            found.append(_told(
                PRODUCT, min(less), [number - min(less) for number in less], _changes(values)))
    best, fewest = found[0]
    for way, bits in found[1:]:
        if bits < fewest:
            best, fewest = way, bits
    return best


def _told(
        kind: int, head: int, numbers: list[int], changes: list[int] | None = None,
) -> tuple[Way, int]:
    cell, lists, bits = coded(numbers, may_be_sparse=kind not in WHOLE)
    bits += width_of(zigzag(head))
    if changes is not None:
        bits += coded_bits(gaps_of(changes), _PLACE_K) + len(changes) + 1
    return Way(kind, head, (cell, lists), changes), bits


def _changes(values: list[int]) -> list[int]:
    """Places of values whose sign is another than that of the one before; + before the first."""
    return [at for at, value in enumerate(values)
            if (value < 0) != (at > 0 and values[at - 1] < 0)]


def write_way(out: BitWriter, way: Way, register: Register, before: Before) -> None:
    """Append one column."""
    if way.changes is not None:
        out.rice(len(way.changes), 0)
        for gap in gaps_of(way.changes):
            out.rice(gap, _PLACE_K)
    told = zigzag(way.head - before.head(way.kind, register))
    width = width_of(told)
    out.rice(width, _WIDTH_K)
    out.plain(told, width)
    before.told(way.kind, register, way.head)
    before.form = write_cell(
        out, way.numbers[0], way.numbers[1], before.form, whole=way.kind in WHOLE)


def read_way(
        stream: BitReader, kind: int, count: int, products: list[int] | None,
        register: Register, before: Before) -> list[int]:
    """The `count` values, one at least, of a column that write_way wrote. Raises Malformed."""
    negative = _read_signs(stream, count) if kind == PRODUCT else []
    width = fields.number(stream.rice(_WIDTH_K), 0, WIDTH_MAX, "columns: bits of a head")
    head = _in_range(before.head(kind, register) + unzigzag(stream.plain(width)))
    before.told(kind, register, head)
    numbers, before.form = read_cell(
        stream, count if kind in WHOLE else count - 1, before.form, whole=kind in WHOLE)
    if kind == PRODUCT:
        if products is None:
            raise Malformed("columns: a register that nothing makes up is told as a product")
        return _powers(products, head, numbers, negative)
    if kind == ABOVE:
        values = [head + number for number in numbers]
    elif kind == BELOW:
        values = [head - number for number in numbers]
    else:
        values = [head]
        for number in numbers:
            values.append(values[-1] + (number if kind == RISING else unzigzag(number)))
    _in_range(min(values))
    _in_range(max(values))
    return values


def _read_signs(stream: BitReader, count: int) -> list[bool]:
    """Whether each value is below 0."""
    changes = fields.number(stream.rice(0), 0, count, "columns: changes of a sign")
    negative: list[bool] = []
    for gap in stream.rices(changes, _PLACE_K):
        if len(negative) + gap >= count:
            raise Malformed("columns: a sign changes past the last value")
        sign = len(negative) > 0 and negative[-1]
        negative += [sign] * gap
        negative.append(not sign)
    sign = len(negative) > 0 and negative[-1]
    return negative + [sign] * (count - len(negative))


def _powers(
        products: list[int], head: int, numbers: list[int], negative: list[bool]) -> list[int]:
    values = []
    for at, number in enumerate(numbers):
        value = products[at] - head - number
        if value < 0:
            raise Malformed("columns: a power is %d below 0" % -value)
        values.append(_in_range(-value if negative[at] else value))
    return values


def _in_range(value: int) -> int:
    if not VALUE_MIN <= value <= VALUE_MAX:
        raise Malformed("columns: value %d is out of range" % value)
    return value


def write_cell(
        out: BitWriter, cell: Cell, lists: list[list[int]], before: int, *, whole: bool = False,
) -> int:
    """Append a cell: its form as the difference to `before`, its numbers. Returns its form."""
    form = cell.k + 1 if cell.count else 0
    out.rice(zigzag(form - before), _FORM_K)
    if form and not whole:
        out.bits(int(cell.gaps_k is not None), 1)
    if cell.gaps_k is not None:
        out.rice(cell.count - 1, _COUNT_K)
        out.rice(cell.gaps_k, _GAPS_K)
    for at, (_, k) in enumerate(cell.lists()):
        for number in lists[at]:
            out.rice(number, k)
    return form


def read_cell(
        stream: BitReader, length: int, before: int, *, whole: bool = False,
) -> tuple[list[int], int]:
    """(the numbers of a cell of `length`, its form). Raises Malformed."""
    form = before + unzigzag(stream.rice(_FORM_K))
    if not 0 <= form <= K_MAX + 1:
        raise Malformed("columns: form %d of a cell, wanted 0..%d" % (form, K_MAX + 1))
    if not form:
        return [0] * length, 0
    if not whole and stream.bits(1):
        count = stream.rice(_COUNT_K) + 1
        cell = sparse_cell(length, 2 * form, count, stream.rice(_GAPS_K))
    else:
        cell = whole_cell(length, 2 * form - 1)
    return spread(cell, [stream.rices(count, k) for count, k in cell.lists()]), form
