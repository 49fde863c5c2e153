"""Two rows of the same meter, capture time and profile become one, and nothing is lost on the way.

A register that the first row did not have is filled in; an equal value is ignored; a different
value is neither dropped nor written over the first: it becomes a revision. Pure.
"""

from dataclasses import dataclass

from wum_cloud.registry.schemas.layout import Layout
from wum_shared.messages import Register


@dataclass(frozen=True, slots=True)
class Content:
    """What a row says: one value (or None) and one status for each register of its layout."""

    layout: Layout
    values: tuple[int | None, ...]
    statuses: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Revision:
    """A value that differs from the one that is stored."""

    register: Register
    value: int
    status: int


@dataclass(frozen=True, slots=True)
class Merged:
    """`content` is the first row with what the second added; `filled` counts its values."""

    content: Content
    filled: int
    revisions: tuple[Revision, ...]


def merge(first: Content, second: Content) -> Merged:
    """`second` arrived after `first` for the same key. The same again changes nothing."""
    assert first.layout.profile == second.layout.profile
    registers = list(first.layout.registers)
    values = list(first.values)
    statuses = list(first.statuses)
    places = {register.obis: place for place, register in enumerate(registers)}
    filled = 0
    revisions = []
    for register, value, status in zip(
            second.layout.registers, second.values, second.statuses, strict=True):
        place = places.get(register.obis)
        if place is None:
            registers.append(register)
            values.append(value)
            statuses.append(status)
            filled += value is not None
        elif value is None:
            if values[place] is None:  # Both say why there is none, and both may be right.
                statuses[place] |= status
        elif values[place] is None:
            registers[place], values[place], statuses[place] = register, value, status
            filled += 1
        elif not _same(registers[place], values[place], register, value):
            revisions.append(Revision(register, value, status))
    layout = Layout(first.layout.profile, tuple(registers))
    return Merged(Content(layout, tuple(values), tuple(statuses)), filled, tuple(revisions))


def _same(first: Register, first_value: int | None, second: Register, second_value: int) -> bool:
    """Whether both are one quantity: 120 tenths of a volt are 12 volts."""
    assert first_value is not None
    least = min(first.scaler, second.scaler)
    return first.unit == second.unit and (
        first_value * 10 ** (first.scaler - least)
        == second_value * 10 ** (second.scaler - least))
