"""The meter's own time beside its registers: its clock is one more register of every row.

Left out: reading the clock (the protocols) and setting it (upkeep.py). The register is the clock
itself, 0-0:1.0.0, in seconds; its value is by how much the meter's clock is ahead of ours, so that
capture time + value is what the meter showed; its status is the quality that the meter claims. So
it travels, and costs, like any register: nearly nothing where clocks are right.
"""

from wum_edge.meters.catalog import Model, entry_of
from wum_edge.meters.reader import MeterTime
from wum_shared import status
from wum_shared.columns import VALUE_MAX, VALUE_MIN
from wum_shared.messages import REGISTERS_MAX, Register

CLOCK = Register(bytes((0, 0, 1, 0, 0, 255)), 0, 7)      # Unit 7: seconds.
NAME = "clock"


def keeps_time(model: Model) -> bool:
    """Whether rows of this model hold its clock, by the protocol's `keeps_time(model)`. A model
    that has the code among its own registers, or no place for one more, keeps it as it is.
    """
    own = getattr(entry_of(model.protocol), "keeps_time", None)
    if own is None or len(model.registers) >= REGISTERS_MAX:
        return False
    return bool(own(model)) and all(register.obis != CLOCK.obis for register in model.registers)


def registers_of(model: Model) -> tuple[Register, ...]:
    """What stands in a row of the model, in its order: its registers, and its clock if it has one.
    """
    own = tuple([Register(r.obis, r.scaler, r.unit) for r in model.registers])
    return own + ((CLOCK,) if keeps_time(model) else ())


def cell(time: MeterTime | None, error_s: int | None) -> tuple[int | None, int]:
    """Value and status of the clock in a row; without a time it was not read."""
    if time is None:
        return None, status.ABSENT
    if error_s is None:
        return None, status.ABSENT | time.flags
    if not VALUE_MIN <= error_s <= VALUE_MAX:
        return None, status.ABSENT | status.OUT_OF_RANGE | time.flags
    return error_s, time.flags
