"""Sorts a batch's records into those that are stored and those that are set aside, with a reason.

A broken clock must not poison a load profile, and one bad record must not hold up the others.
Left out: what becomes of what is set aside (quarantine.py, store.py).
"""

import numpy as np
from numpy.typing import NDArray

from wum_cloud.ingest.opened import Group, Opened
from wum_cloud.ingest.quarantine.entries import (
    BATCH,
    CLOCK_NEVER_SET,
    FOREIGN_METER,
    FUTURE,
    MISSED,
    READINGS,
    Aside,
)
from wum_cloud.registry.schemas.plan import Plan
from wum_shared import cbor
from wum_shared.batch import Missed
from wum_shared.messages import Reading
from wum_shared.status import ABSENT, NEVER_SET

EARLIEST_S = 1577836800         # 2020-01-01: before it there was no WUM, so the clock is wrong.
_READINGS_MAX = 500             # Of one entry; for more of them the batch itself is shorter.

_DETAILS = {
    FUTURE: "captured at %s by the concentrator's clock, which is ahead of ours",
    CLOCK_NEVER_SET: "captured at %s by a clock that was never set",
    FOREIGN_METER: "captured at %s; the meter belongs to another concentrator",
}


def set_aside_rows(
        opened: bytes | None, batch: Opened, plan: Plan, latest_s: int,
) -> tuple[tuple[Group, ...], tuple[Aside, ...]]:
    """(groups with the rows to store, entries for the rest).

    `opened` holds the batch's bytes; None for a delta, which says nothing once its base is gone.
    """
    kept: list[Group] = []
    bad: dict[str, list[Group]] = {}
    for group in batch.groups:
        good = np.ones(len(group), np.bool_)
        for reason, wrong in _faults(group, plan, latest_s):
            found = wrong & good
            if found.any():
                bad.setdefault(reason, []).append(group.where(found))
                good &= ~found
        if good.all():
            kept.append(group)
        elif good.any():
            kept.append(group.where(good))
    return tuple(kept), tuple([
        _rows_entry(opened, batch, plan, reason, groups) for reason, groups in bad.items()])


def _faults(group: Group, plan: Plan, latest_s: int) -> list[tuple[str, NDArray[np.bool_]]]:
    """Reasons and the rows they hold for, the first that holds being the one that counts."""
    return [
        (FOREIGN_METER, plan.is_foreign(group.meter, group.captured_at_s)),
        (CLOCK_NEVER_SET, (group.captured_at_s < EARLIEST_S) | (group.time_quality == NEVER_SET)),
        (FUTURE, group.captured_at_s > latest_s),
    ]


def _rows_entry(
        opened: bytes | None, batch: Opened, plan: Plan, reason: str,
        groups: list[Group]) -> Aside:
    records = sum([len(group) for group in groups])
    readings = sum([len(group) * len(group.values) for group in groups])
    newest_s = max([int(group.captured_at_s.max()) for group in groups])
    detail = "%d rows of batch %s/%d..%d, the last %s" % (
        records, batch.heading.incarnation.hex(), batch.heading.first_sequence,
        batch.heading.last_sequence, _DETAILS[reason] % _utc(newest_s))
    if readings > _READINGS_MAX and opened is not None:
        return Aside(reason, detail, BATCH, opened, records)
    content = cbor.encode([list(r) for group in groups for r in _readings(group, plan)])
    return Aside(reason, detail, READINGS, content, records)


def _readings(group: Group, plan: Plan) -> list[Reading]:
    """Every reading of a few rows, one object each: only for what is set aside."""
    registers = plan.schema.register_sets[group.register_set].registers
    found = []
    for at in range(len(group)):
        serial = plan.schema.meters[int(group.meter[at])].serial
        for place, register in enumerate(registers):
            status = 0 if group.statuses is None else int(group.statuses[at, place])
            value = None if status & ABSENT else int(group.values[place, at])
            found.append(Reading(
                serial, register.obis, int(group.captured_at_s[at]), group.time_quality, value,
                register.scaler, register.unit, status))
    return found


def set_aside_missed(
        batch: Opened, plan: Plan, latest_s: int,
) -> tuple[tuple[Missed, ...], tuple[Aside, ...]]:
    """(missed rows to store, entries for the rest)."""
    kept: list[Missed] = []
    bad: dict[str, list[Missed]] = {}
    for missed in batch.missed:
        reason = _missed_fault(missed, plan, latest_s)
        if reason is None:
            kept.append(missed)
        else:
            bad.setdefault(reason, []).append(missed)
    return tuple(kept), tuple([
        Aside(reason, "%d missed rows, the last %s" % (
            len(rows), _DETAILS[reason] % _utc(rows[-1].captured_at_s)), MISSED,
            cbor.encode([list(row) for row in rows]), len(rows))
        for reason, rows in bad.items()])


def _missed_fault(missed: Missed, plan: Plan, latest_s: int) -> str | None:
    if plan.is_foreign(
            np.array([missed.meter]), np.array([missed.captured_at_s]))[0]:
        return FOREIGN_METER
    if missed.captured_at_s < EARLIEST_S or missed.time_quality == NEVER_SET:
        return CLOCK_NEVER_SET
    return FUTURE if missed.captured_at_s > latest_s else None


def _utc(at_s: int) -> str:
    return str(np.datetime64(at_s, "s")) + "Z"
