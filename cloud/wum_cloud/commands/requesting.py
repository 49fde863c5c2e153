"""Asking for commands, approving them, taking them back: what people do. In one transaction each.

Left out: SQL (store.py), sending and what comes of it (keeper.py), who may (web/rights.py).
"""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from wum_cloud.audit import acts
from wum_cloud.audit.acts import Actor
from wum_cloud.audit.store import note
from wum_cloud.commands import states, store
from wum_cloud.commands.kinds import KINDS, CommandRefused, Kind, arguments_of
from wum_cloud.commands.store import New, Target, Terms
from wum_cloud.database import Connection
from wum_cloud.registry.reach import Reach
from wum_shared.orders import ORDER_ID_SIZE, WINDOW_MAX_S

TARGETS_MAX = 1000           # Of one request.
CAP = 10                     # Commands that take power, in an hour, that one person asks for alone.
REASON_LEAST = 5             # Characters: a dot is none.
REASON_MAX = 200
WITHIN_S = 900               # How long it may take by default.
LATER_MAX_S = 30 * 86400     # How far ahead it may be asked for.


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asks for. `targets`: serials of meters, or ids of concentrators."""

    kind: str
    targets: list[str]
    reason: str
    values: dict[str, int | bool] = field(default_factory=dict)
    begins_at: datetime | None = None
    within_s: int = WITHIN_S


@dataclass(frozen=True, slots=True)
class Requested:
    """Its number, those of its commands, and whether a second person has to agree."""

    request_id: int
    command_ids: list[int]
    needs_approval: bool


async def request(
        connection: Connection, reach: Reach, actor: Actor, person: str, wanted: Wanted,
) -> Requested:
    """Keep what is asked for: all of it, or nothing with the reason. Raises CommandRefused."""
    kind, reason = _checked(wanted)
    if not await store.has_order_key(connection):
        raise CommandRefused("No trust document names a key for orders yet: run `wum-cloud trust "
                             "ROOT.KEY` once.")
    targets = await _targets(connection, reach, kind, wanted.targets)
    begins_at, expires_at = _window(wanted)
    needs_approval = False
    if kind.takes_power:
        powers = [one.number for one in KINDS.values() if one.takes_power]
        taken = await store.power_taken(connection, reach.tenant_id, powers)
        needs_approval = taken + len(targets) > CAP
    commands = []
    for target in targets:
        arguments, shown = arguments_of(kind, target.serial, wanted.values)
        commands.append(New(target, secrets.token_bytes(ORDER_ID_SIZE), kind.number, arguments,
                            shown))
    number, numbers = await store.add(connection, Terms(
        reach.tenant_id, reason, person, needs_approval, begins_at, expires_at), commands)
    await note(connection, actor, acts.COMMAND_REQUESTED, "request %d" % number, kind=kind.word,
               targets=_named(targets), reason=reason, commands=str(len(numbers)),
               approval="needed" if needs_approval else "not needed")
    return Requested(number, numbers, needs_approval)


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
    await store.approve(connection, [one.command_id for one in waiting], person)
    await note(connection, actor, acts.COMMAND_APPROVED, "request %d" % number,
               commands=str(len(waiting)), requested_by=waiting[0].requested_by)
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
    if not 1 <= len(wanted.targets) <= TARGETS_MAX:
        raise CommandRefused("A request is for 1..%d targets." % TARGETS_MAX)
    return kind, reason


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
