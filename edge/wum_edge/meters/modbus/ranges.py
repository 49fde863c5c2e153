"""Which registers are asked for together.

Left out: the asking (rtu.py). One request per register takes 5.7 times as long as one
merged range, so registers are merged over gaps up to the model's limit.
"""

from collections import namedtuple

from wum_edge.meters.modbus.entry import Limits

TYPE_CHECKING = False        # True for type checkers only: the catalogue reads our entry.py.
if TYPE_CHECKING:
    from wum_edge.meters.catalog import Register

REQUEST_BYTES = 8
ANSWER_BYTES = 5             # And two for each register.


class Range(namedtuple("Range", ("function", "first", "count", "places"))):
    """One request: `count` registers from `first`; `places` are those of the model it covers."""

    __slots__ = ()
    function: int
    first: int
    count: int
    places: tuple[int, ...]


def plan(registers: "tuple[Register, ...]", limits: Limits) -> tuple[Range, ...]:
    """The fewest requests, in order of function and address, that cover all registers.

    A range bridges up to `limits.gap` words that nobody wants and holds at most
    `limits.registers_per_request`; a register is never cut in two.
    """
    in_order = sorted([(register.source.function, register.source.address, place)
                       for place, register in enumerate(registers)])
    ranges: list[Range] = []
    for _, _, place in in_order:
        register = registers[place].source
        end = register.address + register.count
        if ranges:
            last = ranges[-1]
            last_end = last.first + last.count
            fits = max(end, last_end) - last.first <= limits.registers_per_request
            if last.function == register.function and fits and (
                    register.address - last_end <= limits.gap):
                ranges[-1] = Range(last.function, last.first, max(end, last_end) - last.first,
                                   last.places + (place,))
                continue
        ranges.append(Range(register.function, register.address, register.count, (place,)))
    return tuple(ranges)


def split(refused: Range, registers: "tuple[Register, ...]") -> tuple[Range, ...]:
    """Smaller ranges for one that a meter refused: without its gaps, else register by register.

    The range itself where it is one register already.
    """
    own = tuple([registers[place] for place in refused.places])
    for gap, most in ((0, refused.count), (0, 1)):
        # A limit below a register's own size still gives that register, alone.
        parts = plan(own, Limits(most, gap))
        if len(parts) > 1:
            break
    return tuple([Range(part.function, part.first, part.count,
                        tuple([refused.places[place] for place in part.places]))
                  for part in parts])
