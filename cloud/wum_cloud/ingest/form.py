"""One batch has one encoding, and names only what its schema lists: wum_shared.batch checks it by
encoding again, this file by looking at the columns. What either refuses, both refuse.

Left out: the records themselves (opened.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from wum_shared.batch import check_places
from wum_shared.errors import Malformed
from wum_shared.messages import Schema
from wum_shared.status import ABSENT

if TYPE_CHECKING:
    from wum_cloud.ingest.opened import Group, Opened


def check_form(opened: Opened, base_s: int, schema: Schema) -> None:
    """Refuse any but the one encoding of these records, and what the schema does not list.

    The accounting of sequence numbers has been checked before. Raises Malformed.
    """
    _check_heads(opened.groups)
    _check_base_time(opened.groups, base_s)
    for group in opened.groups:
        _check_places(group, schema)
        _check_order(group)
        _check_absent(group)
    check_places(opened.missed, opened.events, schema)
    _check_rising("missed", [missed.sequence for missed in opened.missed])
    _check_rising("events", [event.sequence for event in opened.events])
    _check_rising("lost", [lost.first_sequence for lost in opened.lost])


def _check_heads(groups: tuple[Group, ...]) -> None:
    heads = [(group.register_set, group.time_quality) for group in groups]
    if sorted(set(heads)) != heads:
        raise Malformed("batch groups: a register set and time quality out of order, or twice")


def _check_base_time(groups: tuple[Group, ...], base_s: int) -> None:
    earliest = min((int(group.captured_at_s.min()) for group in groups), default=0)
    if base_s != earliest:
        raise Malformed("batch base-time: wanted the earliest, %d, got %d" % (earliest, base_s))


def _check_places(group: Group, schema: Schema) -> None:
    own = np.array([group.register_set in meter.register_sets for meter in schema.meters], np.bool_)
    if group.meter.max() >= len(own):
        raise Malformed("row meter: wanted 0..%d, got %d" % (len(own) - 1, group.meter.max()))
    if not own[group.meter].all():
        raise Malformed("row: meter %d has no register set %d in the schema" % (
            group.meter[~own[group.meter]][0], group.register_set))


def _check_order(group: Group) -> None:
    meters, sequences = np.diff(group.meter), np.diff(group.sequence)
    if not ((meters > 0) | ((meters == 0) & (sequences > 0))).all():
        raise Malformed("batch rows: not by meter, then by sequence")


def _check_absent(group: Group) -> None:
    """A number under an absent value repeats the one before it in its column, 0 at the start."""
    if group.statuses is None:
        return
    before = np.zeros_like(group.values)
    before[:, 1:] = group.values[:, :-1]
    absent = (group.statuses.T & ABSENT) != 0
    if (group.values[absent] != before[absent]).any():
        raise Malformed("batch columns: a number under an absent value that does not repeat")


def _check_rising(what: str, sequences: list[int]) -> None:
    if sorted(sequences) != sequences:
        raise Malformed("batch %s: not by sequence" % what)
