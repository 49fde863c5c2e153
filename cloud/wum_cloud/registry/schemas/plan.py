"""A schema resolved: what its indices are in this database. Ingest reads batches by it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wum_cloud.registry.schemas.layout import Layout, layout_of
from wum_shared.errors import Malformed
from wum_shared.messages import Schema

NOT_OURS = 0    # Stands for the number of a meter that another concentrator has.


@dataclass(frozen=True, slots=True)
class Plan:
    """`meter_ids` and `register_set_ids` by index of the schema; NOT_OURS where there is none."""

    schema: Schema
    meter_ids: NDArray[np.int64]
    register_set_ids: tuple[int, ...]
    layouts: tuple[Layout, ...]

    @property
    def is_disputed(self) -> bool:
        """Whether the schema names a meter that belongs to another concentrator."""
        return bool((self.meter_ids == NOT_OURS).any())


@dataclass(frozen=True, slots=True)
class Claim:
    """A meter that a schema names and that another concentrator has."""

    serial: str
    owner: str


def layouts_of(schema: Schema) -> tuple[Layout, ...]:
    """The layout of each register set. Raises Malformed, naming the one that cannot be stored."""
    layouts = []
    for index, register_set in enumerate(schema.register_sets):
        try:
            layouts.append(layout_of(register_set.profile, register_set.registers))
        except Malformed as error:
            raise Malformed("schema: register set %d: %s" % (index, error)) from error
    return tuple(layouts)


def check_schema(schema: Schema) -> None:
    """What the contract allows and a head-end cannot store. Raises Malformed."""
    layouts_of(schema)
    serials = [meter.serial for meter in schema.meters]
    if len(set(serials)) < len(serials):
        twice = next(serial for serial in serials if serials.count(serial) > 1)
        raise Malformed("schema: meter %s stands twice" % twice)
