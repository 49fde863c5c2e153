"""A schedule made, changed or forgotten; nothing is sent to any concentrator by that.

Left out: the registry file, which has schedules too (registry/bulk), and which one a meter has
(registry/life).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from wum_cloud.audit import acts
from wum_cloud.audit.acts import Actor
from wum_cloud.audit.store import note
from wum_cloud.database import Connection
from wum_cloud.registry.bulk.columns import CELLS, PARTS_MAX, shown
from wum_cloud.registry.schedules import store

PERIOD_MAX_S = 86_400


class ScheduleRefused(Exception):
    """A schedule cannot be so: a sentence that says why. `where` names the field."""

    def __init__(self, sentence: str, where: str) -> None:
        super().__init__(sentence)
        self.where = where


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a schedule is to be; see store.Schedule."""

    period_s: int
    offset_s: int
    registers: str
    parts: Sequence[str]

    def text(self) -> str:
        """For the audit trail."""
        return "every %d s, offset %d s%s%s" % (
            self.period_s, self.offset_s,
            ", registers " + self.registers if self.registers else "",
            ", parts " + " ".join(self.parts) if self.parts else "")


async def save(
        connection: Connection, tenant: int, actor: Actor, name: str, wanted: Wanted) -> None:
    """Make a schedule, or change the one of this name. Raises ScheduleRefused."""
    registers = " ".join(wanted.registers.split())
    wanted = Wanted(wanted.period_s, wanted.offset_s, registers, wanted.parts)
    _check(name, wanted)
    found = await store.listed(connection, tenant, most=1, name=name)
    before = found[0] if found else None
    for part in wanted.parts:
        its = await store.listed(connection, tenant, most=1, name=part)
        if not its or not its[0].registers:
            raise ScheduleRefused("Parts: wanted schedules that say of which registers they are,"
                                  " got %s." % shown(part), "parts")
    if before is not None and registers and before.meters:
        raise ScheduleRefused(
            "%d meters are read by %s: one for some registers is a part of others." % (
                before.meters, name), "registers")
    if before is not None and not registers and before.part_of:
        raise ScheduleRefused("%s is a part of %s: it has to say of which registers." % (
            name, ", ".join(before.part_of)), "registers")
    await store.put(connection, tenant, name=name, period_s=wanted.period_s,
                    offset_s=wanted.offset_s, registers=registers, parts=wanted.parts)
    await note(connection, actor, acts.SCHEDULE_SAVED, name, after=wanted.text(),
               before="" if before is None else Wanted(
                   before.period_s, before.offset_s, before.registers, before.parts).text())


async def remove(connection: Connection, tenant: int, actor: Actor, name: str) -> bool:
    """Forget a schedule; False where there is none. Raises ScheduleRefused while it is used."""
    found = await store.listed(connection, tenant, most=1, name=name)
    if not found:
        return False
    if found[0].meters:
        raise ScheduleRefused("%d meters are read by %s: give them another schedule first." % (
            found[0].meters, name), "name")
    if found[0].part_of:
        raise ScheduleRefused("%s is a part of %s: take it out there first." % (
            name, ", ".join(found[0].part_of)), "name")
    await store.drop(connection, found[0].schedule_id)
    await note(connection, actor, acts.SCHEDULE_REMOVED, name)
    return True


def _check(name: str, wanted: Wanted) -> None:
    said = CELLS["schedule"]["name"](name)
    if said:
        raise ScheduleRefused("Name: wanted %s, got %s." % (said, shown(name)), "name")
    if not 1 <= wanted.period_s <= PERIOD_MAX_S:
        raise ScheduleRefused("Period: wanted 1..%d seconds, got %d." % (
            PERIOD_MAX_S, wanted.period_s), "period_s")
    if not 0 <= wanted.offset_s < wanted.period_s:
        raise ScheduleRefused("Offset: wanted 0..%d seconds, less than the period, got %d." % (
            wanted.period_s - 1, wanted.offset_s), "offset_s")
    for field, cell in (("registers", wanted.registers), ("parts", " ".join(wanted.parts))):
        said = CELLS["schedule"][field](cell)
        if said:
            raise ScheduleRefused("%s: wanted %s, got %s." % (
                field.capitalize(), said, shown(cell)), field)
    if wanted.registers and wanted.parts:
        raise ScheduleRefused("Parts: a schedule of some registers has none itself (at most %d of"
                              " one of all)." % PARTS_MAX, "parts")
