"""Asking for commands, approving them, taking them back: what people do. In one transaction each.

Left out: SQL (store.py), sending and what comes of it (keeper.py), who may (web/rights.py).
"""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from wum_cloud.audit import acts
from wum_cloud.audit.acts import Actor, Named
from wum_cloud.audit.store import note
from wum_cloud.commands import states, store
from wum_cloud.commands.consents.store import approvers
from wum_cloud.commands.groups import managing
from wum_cloud.commands.groups.store import Group
from wum_cloud.commands.kinds import KINDS, SESSIONS, CommandRefused, Kind, arguments_of, spans_of
from wum_cloud.commands.store import New, Target, Terms
from wum_cloud.database import Connection
from wum_cloud.registry.reach import Reach
from wum_shared.order_kinds import OF_GROUPS
from wum_shared.orders import ORDER_ID_SIZE, WINDOW_MAX_S

TARGETS_MAX = 1000           # Of one request.
CAP = 10                     # Commands that take power, in an hour, that one person asks for alone.
REASON_LEAST = 5             # Characters: a dot is none.
REASON_MAX = 200
WITHIN_S = 900               # How long it may take by default.
LATER_MAX_S = 30 * 86400     # How far ahead it may be asked for.


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asks for. `targets`: serials of meters, or ids of concentrators; with `group`,
    the meters of that one, and no targets.
    """

    kind: str
    targets: list[str]
    reason: str
    values: dict[str, int | bool] = field(default_factory=dict)
    begins_at: datetime | None = None
    within_s: int = WITHIN_S
    group: str = ""


@dataclass(frozen=True, slots=True)
class Requested:
    """Its number, those of its commands, and whether a second person has to agree."""

    request_id: int
    command_ids: list[int]
    needs_approval: bool


@dataclass(frozen=True, slots=True)
class Planned:
    """What a request comes to: nothing is kept yet. `taken`: of the cap, in the last hour."""

    kind: Kind
    reason: str
    targets: list[Target]
    commands: list[New]
    group: Group | None
    begins_at: datetime
    expires_at: datetime
    needs_approval: bool
    taken: int
    consents: int                    # Signatures of approvers that it wants; 0: none.


async def plan(connection: Connection, reach: Reach, wanted: Wanted) -> Planned:
    """What would be kept. Raises CommandRefused."""
    kind, reason = _checked(wanted)
    if not await store.has_order_key(connection):
        raise CommandRefused("No trust document names a key for orders yet: run `wum-cloud trust "
                             "ROOT.KEY` once.")
    targets, group, known_by = await _whom(connection, reach, kind, wanted)
    begins_at, expires_at = _window(wanted)
    needs_approval, taken, consents = kind.needs_second, 0, 0
    if kind.takes_power:
        powers = [one.number for one in KINDS.values() if one.takes_power]
        taken = await store.power_taken(connection, reach.tenant_id, powers)
        needs_approval = taken + len(targets) > CAP
        consents = (await approvers(connection)).consents if needs_approval else 0
    if kind.group == SESSIONS and len(targets) > 1:
        raise CommandRefused("A session is with one meter.")
    return Planned(kind, reason, targets, _commands(kind, wanted, targets, group, known_by), group,
                   begins_at, expires_at, needs_approval, taken, consents)


async def request(
        connection: Connection, reach: Reach, actor: Actor, person: str, wanted: Wanted,
) -> Requested:
    """Keep what is asked for: all of it, or nothing with the reason. Raises CommandRefused."""
    planned = await plan(connection, reach, wanted)
    number, numbers = await store.add(connection, Terms(
        reach.tenant_id, planned.reason, person, planned.needs_approval, planned.begins_at,
        planned.expires_at, planned.consents), planned.commands)
    await note(connection, actor, acts.COMMAND_REQUESTED, "request %d" % number,
               kind=planned.kind.word, targets=_named(planned.targets), reason=planned.reason,
               commands=str(len(numbers)),
               approval="needed" if planned.needs_approval else "not needed",
               group="" if planned.group is None else wanted.group)
    return Requested(number, numbers, planned.needs_approval)


async def approve(
        connection: Connection, reach: Reach, actor: Actor, person: str, number: int) -> int:
    """A second person agrees with a request: another account, whatever it acts by.

    Returns how many commands that were. Raises CommandRefused;
    0: there is no such request in reach.
    """
    found = await store.of_request(connection, reach, number)
    waiting = [one for one in found if states.after(one.state, states.APPROVE)]
    if not found:
        return 0
    if len(found) != await store.size_of_request(connection, reach.tenant_id, number):
        raise CommandRefused("Request %d reaches beyond the branch that you see." % number)
    if not waiting:
        raise CommandRefused("Nothing of request %d waits for approval." % number)
    if waiting[0].requested_by == person:
        raise CommandRefused("You asked for it yourself: a second person has to agree.")
    unsigned = [one for one in waiting if one.consented < one.consents]
    if unsigned:
        raise CommandRefused(
            "It takes power from more meters than concentrators do for the head-end alone: %d "
            "approvers have to sign it with keys of their own, %d have (`wum-firmware consent`)."
            % (unsigned[0].consents, unsigned[0].consented))
    await store.approve(connection, [one.command_id for one in waiting], person)
    await note(connection, actor, acts.COMMAND_APPROVED, "request %d" % number,
               commands=str(len(waiting)), requested_by=Named(waiting[0].requested_by))
    return len(waiting)


async def withdraw(
        connection: Connection, reach: Reach, actor: Actor, person: str, number: int, *,
        is_own: bool,
) -> int:
    """Take back what of a request was not sent yet; how many commands. Raises CommandRefused.

    With `is_own` only what the actor asked for.
    """
    found = await store.of_request(connection, reach, number)
    if not found:
        return 0
    if is_own and found[0].requested_by != person:
        raise CommandRefused("Somebody else asked for it: who may approve takes it back.")
    unsent = [one for one in found if states.after(one.state, states.WITHDRAW)]
    if not unsent:
        raise CommandRefused("All of request %d was sent, or is over." % number)
    await store.withdraw(connection, [one.command_id for one in unsent], person)
    await note(connection, actor, acts.COMMAND_WITHDRAWN, "request %d" % number,
               commands=str(len(unsent)))
    return len(unsent)


def _checked(wanted: Wanted) -> tuple[Kind, str]:
    kind = KINDS.get(wanted.kind)
    if kind is None:
        raise CommandRefused("There is no command %s; there are %s." % (
            wanted.kind, ", ".join(KINDS)))
    reason = " ".join(wanted.reason.split())
    if not (REASON_LEAST <= len(reason) <= REASON_MAX and reason.isprintable()):
        raise CommandRefused("Say why, in %d..%d characters: it is kept." % (
            REASON_LEAST, REASON_MAX))
    if not wanted.group and not 1 <= len(wanted.targets) <= TARGETS_MAX:
        raise CommandRefused("A request is for 1..%d targets." % TARGETS_MAX)
    return kind, reason


async def _whom(
        connection: Connection, reach: Reach, kind: Kind, wanted: Wanted,
) -> tuple[list[Target], Group | None, set[int]]:
    """(targets, their group, concentrators that have its version). Raises CommandRefused."""
    if not wanted.group:
        return await _targets(connection, reach, kind, wanted.targets), None, set()
    if kind.number not in OF_GROUPS or wanted.targets:
        raise CommandRefused("Groups of meters take %s, and name no other targets." % ", ".join(
            one.word for one in KINDS.values() if one.number in OF_GROUPS))
    group, members = await managing.members_of(connection, reach, wanted.group)
    targets = [Target(one.concentrator_id, one.device_id, one.meter_id, one.serial)
               for one in members
               if one.concentrator_id is not None and one.device_id is not None]
    return targets, group, {one.concentrator_id for one in members
                            if one.is_confirmed and one.concentrator_id is not None}


def _commands(kind: Kind, wanted: Wanted, targets: list[Target], group: Group | None,
              known_by: set[int]) -> list[New]:
    """A command for each target. One act for all whose concentrators have the group's version."""
    act = secrets.token_bytes(ORDER_ID_SIZE)
    commands = []
    spans = spans_of(kind, wanted.values)
    if len(spans) * len(targets) > TARGETS_MAX:
        raise CommandRefused("That is %d orders, one for each meter and day; a request has at most "
                             "%d." % (len(spans) * len(targets), TARGETS_MAX))
    for target, values in [(target, values) for target in targets for values in spans]:
        if group is not None and target.concentrator_id in known_by:
            reference = group.reference()
            arguments, shown = arguments_of(kind, reference, values)
            commands.append(New(target, act, kind.number, arguments, shown, group.group_id,
                                reference))
        else:
            arguments, shown = arguments_of(kind, target.serial, values)
            commands.append(New(
                target, secrets.token_bytes(ORDER_ID_SIZE), kind.number, arguments, shown,
                None if group is None else group.group_id))
    return commands


async def _targets(
        connection: Connection, reach: Reach, kind: Kind, names: list[str]) -> list[Target]:
    """Raises CommandRefused, naming what is not in reach."""
    wanted = list(dict.fromkeys(names))
    if kind.is_of_meter:
        found = await store.meters(connection, reach, wanted)
        known = {one.serial: one for one in found}
    else:
        found = await store.concentrators(connection, reach, _ids(wanted))
        known = {one.device_id.hex(): one for one in found}
    missing = [name for name in wanted if name not in known]
    if missing:
        raise CommandRefused("There is no %s %s." % (
            "meter" if kind.is_of_meter else "concentrator", ", ".join(missing[:5])))
    return [known[name] for name in wanted]


def _ids(names: list[str]) -> list[bytes]:
    ids = []
    for name in names:
        try:
            ids.append(bytes.fromhex(name))
        except ValueError:
            continue                 # It is missing among what is found, and named there.
    return ids


def _window(wanted: Wanted) -> tuple[datetime, datetime]:
    now = datetime.now(UTC)
    begins_at = max(wanted.begins_at or now, now)
    if begins_at > now + timedelta(seconds=LATER_MAX_S):
        raise CommandRefused("A command begins within %d days." % (LATER_MAX_S // 86400))
    if not 10 <= wanted.within_s <= WINDOW_MAX_S:
        raise CommandRefused("It may take from 10 seconds to %d days." % (WINDOW_MAX_S // 86400))
    return begins_at, begins_at + timedelta(seconds=wanted.within_s)


def _named(targets: list[Target]) -> str:
    names = [one.serial or one.device_id.hex() for one in targets]
    more = len(names) - 5
    return ", ".join(names[:5]) + (" and %d more" % more if more > 0 else "")
