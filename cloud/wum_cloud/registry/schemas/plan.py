"""A schema resolved: what its indices are in this database. Ingest reads batches by it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wum_cloud.registry.schemas.layout import Layout
from wum_shared.messages import Schema

NOT_OURS = 0    # Stands for the number of a meter that another concentrator has.
FOR_EVER_S = 2**62


@dataclass(frozen=True, slots=True)
class Plan:
    """`meter_ids` and `register_set_ids` by index of the schema; NOT_OURS where there is none.

    `until_s` by index, too: of a meter that was moved to another concentrator, the last capture
    (UTC seconds) that is this one's still. None: no meter was.
    """

    schema: Schema
    meter_ids: NDArray[np.int64]
    register_set_ids: tuple[int, ...]
    layouts: tuple[Layout, ...]
    until_s: NDArray[np.int64] | None = None

    def is_foreign(
            self, meters: NDArray[np.int64], captured_at_s: NDArray[np.int64],
    ) -> NDArray[np.bool_]:
        """Which captures are of a meter that is another concentrator's, or was by then."""
        foreign: NDArray[np.bool_] = self.meter_ids[meters] == NOT_OURS
        return foreign if self.until_s is None else foreign | (
            captured_at_s > self.until_s[meters])

    def is_mixed(self, meter: int) -> bool:
        """Whether a meter, by its index, is read by more schedules than one."""
        return len(set(self.schema.meters[meter].schedules)) > 1

    @property
    def is_disputed(self) -> bool:
        """Whether the schema names a meter that belongs to another concentrator."""
        return self.until_s is not None or bool((self.meter_ids == NOT_OURS).any())


@dataclass(frozen=True, slots=True)
class Claim:
    """A meter that a schema names and that another concentrator has."""

    serial: str
    owner: str


def layouts_of(schema: Schema) -> tuple[Layout, ...]:
    """The layout of each register set."""
    return tuple([Layout(x.profile, x.registers) for x in schema.register_sets])
