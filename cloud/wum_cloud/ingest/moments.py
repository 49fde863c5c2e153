"""When a batch's records were captured, by their sequence numbers, and what of them was refused.

Pure. By it the ledger says which intervals are missing because records were refused or lost. A
clock that is wrong says nothing about when: then the good records around, by sequence, do. Left
out: the bytes that are kept (aside.py), the tables (store.py, reasons/store.py).
"""

from dataclasses import dataclass

from wum_cloud.ingest.opened import Group, Heading, Opened
from wum_cloud.registry.schemas.plan import NOT_OURS, Plan
from wum_shared.batch import Missed
from wum_shared.messages import Schema

SCHEDULED = 0       # Rows of other profiles were captured by the meter, in no order with the rest.


@dataclass(frozen=True, slots=True)
class Refusal:
    """Records first_sequence..last_sequence, or some of them. `serials` None: nobody knows whose.

    Captured from `after_s` to `before_s` (UTC seconds); None where nothing in the batch tells.
    """

    first_sequence: int
    last_sequence: int
    serials: tuple[str, ...] | None = None
    after_s: int | None = None
    before_s: int | None = None


def whole(heading: Heading) -> Refusal:
    """A batch of which nothing was accepted."""
    return Refusal(heading.first_sequence, heading.last_sequence)


def edges(
        schema: Schema, groups: tuple[Group, ...], missed: tuple[Missed, ...],
) -> tuple[int, int] | None:
    """Capture times (UTC seconds) of the first and the last of these records by sequence."""
    found = [(one.sequence, one.captured_at_s) for one in missed
             if schema.register_sets[one.register_set].profile == SCHEDULED]
    for group in groups:
        if schema.register_sets[group.register_set].profile == SCHEDULED:
            found += [(int(group.sequence[place]), int(group.captured_at_s[place]))
                      for place in (group.sequence.argmin(), group.sequence.argmax())]
    return (min(found)[1], max(found)[1]) if found else None


def refusals(
        batch: Opened, plan: Plan, groups: tuple[Group, ...], missed: tuple[Missed, ...],
        earliest_s: int, latest_s: int) -> tuple[Refusal, ...]:
    """What is in the batch and not in `groups` and `missed`, which were accepted of it.

    Only times from `earliest_s` to `latest_s` are believed.
    """
    good = dict(_moments(plan.schema, groups, missed))
    taken = {sequence for sequence, _, _ in _records(groups, missed)}
    bad = [one for one in _records(batch.groups, batch.missed) if one[0] not in taken]
    own = [one for one in bad if plan.meter_ids[one[1]] != NOT_OURS]
    foreign = [one for one in bad if plan.meter_ids[one[1]] == NOT_OURS
               and earliest_s <= one[2] <= latest_s]
    found = []
    if own:
        first, last = min(own)[0], max(own)[0]
        before = [sequence for sequence in good if sequence < first]
        behind = [sequence for sequence in good if sequence > last]
        found.append(Refusal(
            first, last, _serials(plan.schema, own), good[max(before)] if before else None,
            good[min(behind)] if behind else None))
    if foreign:
        times = [captured_at_s for _, _, captured_at_s in foreign]
        found.append(Refusal(
            min(foreign)[0], max(foreign)[0], _serials(plan.schema, foreign), min(times),
            max(times)))
    return tuple(found)


def _serials(schema: Schema, records: list[tuple[int, int, int]]) -> tuple[str, ...]:
    return tuple(sorted({schema.meters[meter].serial for _, meter, _ in records}))


def _moments(
        schema: Schema, groups: tuple[Group, ...], missed: tuple[Missed, ...],
) -> list[tuple[int, int]]:
    scheduled = tuple([group for group in groups
                       if schema.register_sets[group.register_set].profile == SCHEDULED])
    return [(sequence, at_s) for sequence, _, at_s in _records(scheduled, missed)]


def _records(
        groups: tuple[Group, ...], missed: tuple[Missed, ...]) -> list[tuple[int, int, int]]:
    """(sequence, meter, capture time) of each."""
    return [one for group in groups for one in zip(
        group.sequence.tolist(), group.meter.tolist(), group.captured_at_s.tolist(), strict=True)
            ] + [(one.sequence, one.meter, one.captured_at_s) for one in missed]
